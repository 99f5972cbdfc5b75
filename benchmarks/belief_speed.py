"""What it costs to grade one claim with 1,000 arrivals: origins, number, contradictions and freshness.

    python -m benchmarks.belief_speed

CPU time of this process, the cheapest of many runs and their median; reports, letters and dependences are at hand,
as they are for the desk. `usual`: 40 voices tell again and again what 12 origins said, with and without text, hidden
or not, and a tenth is our own come back. `all different`: 1,000 origins, each with a text of its own. `hostile`:
1,000 texts that are alike, in one circle of derivations. Ends with 1 when the goal, for the usual, is missed.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from backchannel.provenance.likeness import sketch
from backchannel.provenance.origins import Dependence, independent_origins
from backchannel.provenance.reports import OriginRef, Released, Report
from backchannel.trust.contradictions import Position, find_contradictions, is_contested
from backchannel.trust.credibility import credibility
from backchannel.trust.decay import Sighted, freshness
from backchannel.trust.reliability import Outcome, Standing, reliability
from benchmarks.measure import machine

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ARRIVALS = 1_000
GOAL_S = 0.005
RUNS = 41
RELEASE = Released(key="release", at=NOW - timedelta(days=1), otag="ours")


def words(chance: random.Random, n: int) -> list[str]:
    return [f"w{int(3000 ** chance.random())}" for _ in range(n)]


def usual(chance: random.Random) -> list[Report]:
    texts = [sketch(" ".join(words(chance, 60))) for _ in range(12)]
    ids = [f"indicator--{number:08x}-0000-4000-8000-000000000000" for number in range(12)]
    reports = []
    for number in range(ARRIVALS):
        origin, voice = chance.randrange(12), f"voice-{chance.randrange(40)}"
        is_hidden = chance.random() < 0.3
        reports.append(
            Report(
                key=f"arrival-{number}",
                voice=voice,
                origin=OriginRef("undisclosed", relay=voice)
                if is_hidden
                else OriginRef("key", f"origin-{origin}"),
                arrived_at=NOW + timedelta(minutes=number),
                stix_id=ids[origin],
                digest=origin.to_bytes(32, "big"),
                created=NOW - timedelta(days=origin + 1),
                created_by_ref=f"identity--{origin}",
                otag="ours" if chance.random() < 0.1 else f"{origin:064x}",
                sketch=texts[origin] if chance.random() < 0.5 else (),
                is_first_hand=not is_hidden,
            )
        )
    return reports


def all_different(chance: random.Random) -> list[Report]:
    return [
        Report(
            key=f"arrival-{number}",
            voice=f"voice-{number}",
            origin=OriginRef("key", f"origin-{number}"),
            arrived_at=NOW + timedelta(minutes=number),
            stix_id=f"indicator--{number:08x}-0000-4000-8000-000000000000",
            digest=number.to_bytes(32, "big"),
            created=NOW,
            created_by_ref=f"identity--{number}",
            sketch=sketch(" ".join(words(chance, 60))),
            is_first_hand=True,
        )
        for number in range(ARRIVALS)
    ]


def hostile(chance: random.Random) -> list[Report]:
    base = words(chance, 120)
    return [
        Report(
            key=f"arrival-{number}",
            voice=f"voice-{number}",
            origin=OriginRef("key", f"origin-{number}"),
            arrived_at=NOW + timedelta(minutes=number),
            sketch=sketch(" ".join(word if chance.random() > 0.06 else "x" for word in base)),
            derived_from=(f"arrival-{(number + 1) % ARRIVALS}",),
        )
        for number in range(ARRIVALS)
    ]


def grade(
    reports: Sequence[Report],
    releases: Sequence[Released],
    standings: dict[str, Standing],
    means: dict[str, float],
    dependence: dict[tuple[str, str], Dependence],
) -> int:
    """Grade the claim, as the desk does."""
    found = independent_origins(reports, releases=releases, dependence=dependence, means=means)
    positions = [
        Position(key=origin.name, origin=origin.name, may_open=True, polarity="malicious")
        for origin in found.origins
    ]
    contested = is_contested(find_contradictions(positions))
    sightings = [
        Sighted(at=NOW, origin=origin.name, is_independent=origin.share > 0.5) for origin in found.origins
    ]
    freshness("domain-name", NOW - timedelta(days=9), sightings, now=NOW)
    return credibility(found, standings, is_contested=contested).number


def main() -> int:
    """Measure, print, and say whether the goal is reached."""
    chance = random.Random(1)
    outcomes = [Outcome(key=str(n), result="confirmed", at=NOW) for n in range(9)]
    standing = reliability(outcomes, now=NOW)
    standings = {f"origin-{number}": standing for number in range(ARRIVALS)}
    means = {name: one.mean for name, one in standings.items() if one.mean is not None}
    dependence = {
        (f"origin-{number}", f"origin-{number + 1}"): Dependence(
            left=f"origin-{number}", right=f"origin-{number + 1}", p=0.9, because="shared-errors"
        )
        for number in range(1, 9, 3)
    }
    print(f"{machine()}; a claim with {ARRIVALS:,} arrivals, CPU ms, the cheapest of {RUNS} (median)")
    cheapest = {}
    for name, make in (("usual", usual), ("all different", all_different), ("hostile", hostile)):
        reports = make(chance)
        releases = [RELEASE] if make is usual else []
        times = []
        for _ in range(RUNS):
            before = time.process_time()
            number = grade(reports, releases, standings, means, dependence)
            times.append(time.process_time() - before)
        cheapest[name] = min(times)
        found = independent_origins(reports, releases=releases, dependence=dependence)
        print(
            f"  {name:<14} {cheapest[name] * 1000:6.2f} ({statistics.median(times) * 1000:.2f})   credibility {number},"
            f" {found.m_independent} origins, {found.k_undisclosed} undisclosed"
        )
    print(f"goal for the usual one: {GOAL_S * 1000:.0f} ms")
    return 0 if cheapest["usual"] < GOAL_S else 1


if __name__ == "__main__":
    sys.exit(main())
