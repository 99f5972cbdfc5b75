"""What the release policy costs: a decision for each of many objects, and a whole plan.

    python -m benchmarks.release [--objects N] [--only-decide]

Counts CPU time of this process. The policy has 100 rules, all with conditions, of which a tenth meet an object; markings,
labels and sources differ per object, the objects are as long as parties send them, and nothing is kept between calls:
each reads the marking of its object, asks every step and looks for what is ours. The plan is made by the desk from a real
store. Ends with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime

from backchannel.codec import JsonObject
from backchannel.ids import PartyId
from backchannel.parties.states import Standing
from backchannel.policy.compiled import Facts, numbers
from backchannel.policy.decide import Request, decide
from backchannel.policy.leaks import scan_of
from backchannel.policy.reading import read_policy
from backchannel.policy.rules import Policy
from backchannel.settings import PRIVATE_NETWORKS
from backchannel.stix.markings import TLP_IDS, Tlp, tlp_of
from benchmarks.measure import machine
from benchmarks.trust_statement import objects

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BETA = PartyId("identity--00000000-0000-4000-8000-00000000000b")
GOAL_RATE = 50_000
"""Decisions per second of CPU time."""
RULES = 100
MARKS = [(stix_id, tlp) for stix_id, tlp in TLP_IDS.items() if tlp in {Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER}]


def policy() -> Policy:
    """Return 100 rules with conditions on labels, types, sources, TLP and properties; ten of them meet an object."""
    lines = [
        'version = 1\ndefault = "deny"',
        '[groups]\ncerts = ["Beta", "Gamma"]',
        "[leaks]\nhosts = ['srv-fin-01', 'srv-hr-02']",
    ]
    lines.append('[[embargo]]\nid = "e"\nwhen = { label = "case-7" }\nuntil = 2027-01-01T00:00:00Z')
    for number in range(RULES):
        when = (
            f'when = {{ label = ["kind-{number % 10}"], tlp = ["CLEAR", "GREEN", "AMBER"] }}',
            f'when = {{ label = ["kind-{number % 10}"], type = ["indicator", "malware"] }}',
            f'when = {{ label = ["kind-{number % 10}", "never"], has = "pattern" }}',
            f'when = {{ label = ["kind-{number % 10}"], source = ["ourselves", "gamma"] }}',
        )[number // 10 % 4]
        effect = 'deny = "not this"' if number in {93, 94} else "allow = true"
        lines.append(f'[[rule]]\nid = "r{number}"\nto = ["certs"]\n{when}\n{effect}')
    return read_policy("\n".join(lines).encode()).policy


def values(n: int) -> list[JsonObject]:
    """Return objects whose markings and labels differ from one to the next."""
    found = objects(n)
    for number, value in enumerate(found):
        value["object_marking_refs"] = [MARKS[number % len(MARKS)][0]]
        value["labels"] = [f"kind-{number % 10}", f"case-{number % 1_000 + 100}"]
    return found


def decide_all(made: list[JsonObject], asked: Policy) -> tuple[float, int]:
    """Return the CPU seconds of one decision for each object, and how many may go."""
    scan = scan_of(
        networks=PRIVATE_NETWORKS, domains=("example.org",), hosts=asked.leaks.hosts if asked.leaks else ()
    )
    names, goes, began = frozenset({"beta"}), 0, time.process_time()
    for value in made:
        goes += decide(
            Request(
                tlp=tlp_of(value, default=None),
                recipient=BETA,
                names=names,
                collection_allows=True,
                standing=Standing.VERIFIED,
                purpose="drop",
                now=NOW,
                type=value["type"],
                source="ourselves",
                value=value,
                scan=scan,
            ),
            asked,
        ).allowed
    return time.process_time() - began, goes


def matching(value: JsonObject, asked: Policy) -> int:
    """Return how many rules meet an object."""
    facts = Facts(tlp_of(value, default=None).value, value["type"], "2.1", "ourselves", "drop")
    compiled = asked.compiled
    return len(numbers(compiled.matching(compiled.to({"certs"}), facts, value)))


def main() -> int:
    """Measure, print, and say whether the goals are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    n = parser.parse_args().objects
    made, asked = values(n), policy()
    met = sorted({matching(value, asked) for value in made[:1_000]})
    decide_all(made[:1_000], asked)
    seconds, goes = decide_all(made, asked)
    rate = n / seconds
    print(f"{machine()}; {n:,} objects; per second of CPU time")
    print(
        f"  decisions        {rate:>10,.0f}   (goal {GOAL_RATE:,}); {RULES} rules, {met[0]} to {met[-1]} met, {goes:,} go"
    )
    return 0 if rate >= GOAL_RATE else 1


if __name__ == "__main__":
    sys.exit(main())
