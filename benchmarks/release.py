"""What the release policy costs: a decision for each of many objects, and a whole plan.

    python -m benchmarks.release [--objects N] [--only-decide]

Counts CPU time of this process. The policy has 100 rules, all with conditions, of which a tenth meet an object; markings,
labels and sources differ per object, the objects are as long as parties send them, and nothing is kept between calls:
each decision asks every step and looks for what is ours in the object. The plan is made by the desk from a real
store. Ends with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.codec import JsonObject
from backchannel.desk import membership
from backchannel.desk.choosing import Choice
from backchannel.desk.node import init_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.planning import plan
from backchannel.desk.policy_file import POLICY_FILE
from backchannel.desk.receive import receive
from backchannel.desk.recipients import recipient_of
from backchannel.ids import BatchId, PartyId
from backchannel.parties.card import card_text
from backchannel.parties.states import Standing
from backchannel.policy.compiled import Facts, numbers
from backchannel.policy.decide import Request, decide
from backchannel.policy.leaks import Scan, scan_of
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
NAMES = frozenset({"beta"})
GOAL_PLAN_S = 10
"""CPU time of a plan of 100,000 objects."""
IMPORTED = 50_000
"""Objects of one import."""
RULES = 100
MARKS = [(stix_id, tlp) for stix_id, tlp in TLP_IDS.items() if tlp in {Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER}]


def text() -> str:
    """Return a policy of 100 rules with conditions on labels, types, sources, TLP and properties: ten meet an object."""
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
    return "\n".join(lines)


def policy() -> Policy:
    """Return that policy, read."""
    return read_policy(text().encode()).policy


def values(n: int) -> list[JsonObject]:
    """Return objects whose markings and labels differ from one to the next."""
    found = objects(n)
    for number, value in enumerate(found):
        value["object_marking_refs"] = [MARKS[number % len(MARKS)][0]]
        value["labels"] = [f"kind-{number % 10}", f"case-{number % 1_000 + 100}"]
    return found


def request(value: JsonObject, scan: Scan) -> Request:
    """Return the question about an object, its marking read anew."""
    return Request(
        tlp=tlp_of(value, default=None),
        recipient=BETA,
        names=NAMES,
        collection_allows=True,
        standing=Standing.VERIFIED,
        purpose="drop",
        now=NOW,
        type=value["type"],
        source="ourselves",
        value=value,
        scan=scan,
    )


def decide_all(made: list[JsonObject], asked: Policy) -> tuple[float, float, int]:
    """Return the CPU seconds of one decision for each object, of reading its marking beside, and how many may go."""
    scan = scan_of(
        networks=PRIVATE_NETWORKS, domains=("example.org",), hosts=asked.leaks.hosts if asked.leaks else ()
    )
    began = time.process_time()
    requests = [request(value, scan) for value in made]
    read = time.process_time()
    goes = sum(decide(one, asked).allowed for one in requests)
    return time.process_time() - read, read - began, goes


def matching(value: JsonObject, asked: Policy) -> int:
    """Return how many rules meet an object."""
    facts = Facts(tlp_of(value, default=None).value, value["type"], "2.1", "ourselves", "drop")
    compiled = asked.compiled
    return len(numbers(compiled.matching(compiled.to({"certs"}), facts, value)))


def plan_all(n: int) -> tuple[float, int, int]:
    """Return the CPU seconds of a plan of `n` objects of a real store, how many go, and how many go redacted."""
    clock = FixedClock(NOW)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        alpha, beta = (
            stack.enter_context(init_node(Path(folder) / one, name=one, clock=clock))
            for one in ("alpha", "Beta")
        )
        membership.meet(alpha, clock, card_text(own_keys(beta, clock).card).encode(), handed_over=True)
        batches: list[BatchId] = []
        for at in range(0, n, IMPORTED):
            path = Path(folder) / "objects.json"
            some = values(n)[at : at + IMPORTED] if at else values(min(n, IMPORTED))
            path.write_bytes(
                codec.encode({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": some})
            )
            batches.append(receive(alpha, clock, [path], party="alpha").batch)
        (alpha.home / POLICY_FILE).write_text(text())
        to, before = recipient_of(alpha, "Beta"), time.process_time()
        plans = [plan(alpha, clock, to, Choice(batch=batch)) for batch in batches]
        seconds = time.process_time() - before
        return seconds, sum(len(one.going) for one in plans), sum(one.redacted for one in plans)


def main() -> int:
    """Measure, print, and say whether the goals are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--only-decide", action="store_true")
    told = parser.parse_args()
    n, asked = told.objects, policy()
    made = values(n)
    met = sorted({matching(value, asked) for value in made[:1_000]})
    decide_all(made[:1_000], asked)
    seconds, reading, goes = decide_all(made, asked)
    rate = n / seconds
    print(f"{machine()}; {n:,} objects; CPU time of one core")
    print(
        f"  decisions  {rate:>8,.0f} a second (goal {GOAL_RATE:,}); {RULES} rules, {met[0]} to {met[-1]} met, {goes:,} go"
    )
    print(f"    with reading each object's marking {n / (seconds + reading):,.0f} a second")
    del made
    is_good = rate >= GOAL_RATE
    if not told.only_decide:
        seconds, goes, redacted = plan_all(n)
        print(
            f"  a plan     {seconds:>8.1f} s (goal {GOAL_PLAN_S} s); {goes:,} go, {redacted:,} of them redacted"
        )
        is_good = is_good and seconds < GOAL_PLAN_S * max(1, n / 100_000)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
