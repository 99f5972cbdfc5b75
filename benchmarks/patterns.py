"""Patterns: how fast they are read beside stix2-patterns, and whether two oracles agree about many of them.

- *read*: CPU time for real and for hard patterns, ours and that of stix2-patterns (its parse alone), in one run.
- *mutants*: 100,000 patterns with tokens dropped, doubled, swapped and put in: taken or refused as
  stix2-patterns does?
- *matches*: 10,000 random patterns with random observations: do they match as stix2-matcher says?

Needs .peers/stix2 and .peers/matcher (made by .ci/run). Ends with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter

from benchmarks.measure import ROOT

sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from tests.stix import test_pattern_oracle  # noqa: E402
from tests.stix.pattern_cases import cases  # noqa: E402

from backchannel.stix.pattern.evaluate import compiled, match  # noqa: E402
from backchannel.stix.pattern.observed import observations  # noqa: E402
from backchannel.stix.pattern.parse import fast_equality, parse  # noqa: E402

READ_GOAL = 20
"""Times as fast as stix2-patterns."""
FAST_GOAL = 60
"""The same for the look that knows one equality."""
SEED = 20261201
PLAIN = "[domain-name:value = 'name-%d.evil.example']"
HARD = (
    "([file:name LIKE 'a%%' AND (file:size > %d OR file:size <= 3)] "
    "FOLLOWEDBY [url:value MATCHES '^h']) WITHIN 300 SECONDS"
)
PEER_READS = """
import json, sys, time
from stix2patterns.v21.pattern import Pattern
texts = json.load(sys.stdin)
Pattern(texts[0])
start = time.process_time()
for text in texts:
    Pattern(text)
print(time.process_time() - start)
"""


def peer(name: str, *words: str, asked: object) -> str:
    """Run the Python of a peer with `asked` as JSON on its standard input."""
    python = ROOT / ".peers" / name / "bin" / "python"
    done = subprocess.run(
        [python, *words], input=json.dumps(asked), capture_output=True, check=True, text=True
    )
    return done.stdout


def cpu_s(work: object, texts: list[str]) -> float:
    start = time.process_time()
    for text in texts:
        work(text)  # type: ignore[operator]
    return time.process_time() - start


def read() -> bool:
    good = True
    for what, form, goal in (("one equality", PLAIN, READ_GOAL), ("hard", HARD, READ_GOAL)):
        texts = [form % number for number in range(20_000)]
        ours = cpu_s(parse, texts)
        theirs = float(peer("stix2", "-c", PEER_READS, asked=texts[:2_000])) * 10
        good &= theirs / ours >= goal
        print(
            f"read, {what}: {len(texts) / ours:,.0f} patterns/s of CPU, {theirs / ours:.0f} times stix2-patterns"
        )
        if what != "hard":
            fast = cpu_s(fast_equality, texts)
            good &= theirs / fast >= FAST_GOAL
            print(
                f"read, {what}, at a look: {len(texts) / fast:,.0f}/s, {theirs / fast:.0f} times stix2-patterns"
            )
    return good


def mutants(count: int) -> bool:
    drawn = test_pattern_oracle.mutants(random.Random(SEED), count)
    script = str(ROOT / "tests" / "stix" / "peer_patterns.py")
    oracle = json.loads(peer("stix2", script, asked=drawn))
    compared = test_pattern_oracle.compared(drawn, oracle)
    wrong = [one for one in compared if test_pattern_oracle.is_pattern(one[0], one[1]) is not one[2]]
    taken = sum(one[2] for one in compared)
    print(f"mutants: {len(compared):,} compared ({taken:,} are patterns), {len(wrong)} differences")
    for text, version, said in wrong[:5]:
        print(f"  {version} {'taken' if said else 'refused'}: {text}")
    return not wrong


def matches(count: int) -> bool:
    drawn = cases(SEED, count)
    script = str(ROOT / "tests" / "stix" / "peer_matches.py")
    asked = [[one.pattern, one.stix_version, one.observations] for one in drawn]
    oracle = json.loads(peer("matcher", script, asked=asked))
    start = time.process_time()
    ours = [
        match(
            compiled(parse(one.pattern, stix_version=one.stix_version, is_strict=False)),
            observations(one.observations),
        ).holds
        for one in drawn
    ]
    took = time.process_time() - start
    wrong = [one for one, said, mine in zip(drawn, oracle, ours, strict=True) if mine is not said]
    uses = Counter(word for one in drawn for word in one.uses)
    rarest, times = min(uses.items(), key=lambda one: one[1])
    print(
        f"matches: {count:,} random patterns, {oracle.count(True):,} match, {len(wrong)} differences; "
        f"rarest of {len(uses)} features: {rarest} ({times:,}); {count / took:,.0f} matches/s of CPU"
    )
    for one in wrong[:5]:
        print(f"  {one.stix_version}: {one.pattern}")
    return not wrong and times >= count // 50 and oracle.count(True) * 3 >= count and None not in oracle


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    part = 10 if parser.parse_args().quick else 1
    return 0 if all([read(), mutants(100_000 // part), matches(10_000 // part)]) else 1


if __name__ == "__main__":
    sys.exit(main())
