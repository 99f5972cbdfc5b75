"""What is believed depends on what came, never on when: in any order, undone and come again, told once or twice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.desk.drops import indicator, keep
from tests.desk.made import CLOCK

from backchannel.desk import judgements
from backchannel.desk.batches import undo_batch
from backchannel.desk.belief import belief_of
from backchannel.desk.belief_documents import Belief
from backchannel.desk.items import find
from backchannel.desk.node import Node, init_node
from backchannel.ids import BatchId

ONE: Final = "[domain-name:value = 'h1.example.net']"
TEXT: Final = (
    "The loader fetches its second stage from this host and sends the names of the users that are logged in, packed "
    "and encoded, to a path below the root that changes every day."
)
MARKED: Final = {"object_marking_refs": indicator(1)["object_marking_refs"]}
DATED: Final = {
    "spec_version": "2.1",
    "created": "2026-02-01T00:00:00.000Z",
    "modified": "2026-02-01T00:00:00.000Z",
    **MARKED,
}
IDS: Final = {number: str(indicator(number)["id"]) for number in range(1, 6)}


def named(stix_type: str, number: int, **properties: object) -> dict[str, object]:
    return {
        "type": stix_type,
        "id": f"{stix_type}--8e2e2d2b-17d4-4cbf-938f-{number:012x}",
        **DATED,
        **properties,
    }


ARRIVALS: Final[dict[str, tuple[str, list[dict[str, object]]]]] = {
    "A says it": ("A", [indicator(1, description=TEXT)]),
    "B says it in other words": ("B", [indicator(2, pattern=ONE, description=TEXT.replace("day", "week"))]),
    "C passes on what A says": ("C", [indicator(1, description=TEXT)]),
    "D saw it too": ("D", [indicator(3, pattern=ONE)]),
    "D calls it harmless": ("D", [indicator(4, pattern=ONE, indicator_types=["benign"])]),
    "E made another of it": (
        "E",
        [
            indicator(5, pattern=ONE),
            named("relationship", 1, relationship_type="derived-from", source_ref=IDS[5], target_ref=IDS[1]),
        ],
    ),
    "B disagrees": (
        "B",
        [named("opinion", 1, opinion="strongly-disagree", explanation="No.", object_refs=[IDS[1]])],
    ),
    "C saw it": (
        "C",
        [named("sighting", 1, sighting_of_ref=IDS[1], count=3, last_seen="2026-02-20T00:00:00Z")],
    ),
    "A takes it back": (
        "A",
        [indicator(1, description=TEXT, modified="2026-02-20T00:00:00.000Z", revoked=True)],
    ),
    "E attributes it": (
        "E",
        [
            named("intrusion-set", 1, name="Loud Crow"),
            named(
                "relationship",
                2,
                relationship_type="attributed-to",
                source_ref=IDS[1],
                target_ref="intrusion-set--8e2e2d2b-17d4-4cbf-938f-000000000001",
            ),
        ],
    ),
}
FIRST: Final = "A says it"
"""What all else is about."""


def arrive(us: Node, event: str) -> int:
    party, objects = ARRIVALS[event]
    return keep(us, objects, by=party)


def shown(belief: Belief) -> object:
    return (
        belief.says,
        belief.number,
        belief.probability,
        belief.n_eff,
        sorted((one.name, one.share, len(one.reports), one.letter) for one in belief.origins),
        sorted((len(one.reports), one.on) for one in belief.built),
        belief.contested,
        [
            (one.kind, one.is_open, [(side.says, sorted(side.origins)) for side in one.sides])
            for one in belief.contradictions
        ],
        (belief.fresh.share, belief.fresh.since),
        None if belief.withdrawn is None else (belief.withdrawn.says, belief.withdrawn.derived),
        sorted(one.outcome for one in belief.outcomes),
        sorted(belief.reasons),
    )


def world(folder: Path, *parties: str) -> Node:
    us = init_node(folder, name="Us", clock=CLOCK)
    for number, name in enumerate(parties):
        us.store.parties.add(
            f"identity--8e2e2d2b-17d4-4cbf-938f-{number:012x}",  # type: ignore[arg-type]  # one it is
            name,
            at="2026-01-01T00:00:00.000Z",
        )
    for name in ("A", "D"):
        judgements.grade_party(us, CLOCK, name, "B", "Years of good work.")
    return us


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, bool]], bool]:
    """Some arrivals; the same in another order, some of them undone at once or at the end, and come again."""
    events = [FIRST, *draw(st.lists(st.sampled_from([one for one in ARRIVALS if one != FIRST]), unique=True))]
    again = draw(st.lists(st.sampled_from(events), max_size=2, unique=True))
    order = draw(st.permutations(events))
    return events, [(one, one in again) for one in order], draw(st.booleans())


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_t49_what_is_believed_does_not_depend_on_the_order_of_arrivals_or_on_what_was_undone_and_came_again(
    history: tuple[list[str], list[tuple[str, bool]], bool],
):
    events, order, is_judged = history
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, steps in enumerate(([(one, False) for one in events], order)):
            with world(Path(folder) / str(number), "A", "B", "C", "D", "E") as us:
                batches = {event: arrive(us, event) for event, _ in steps}
                if is_judged:
                    judgements.judge(us, CLOCK, IDS[1], "confirmed", "We looked.")
                for event, comes_again in steps:
                    if comes_again:
                        undo_batch(us, CLOCK, BatchId(batches[event]))
                        arrive(us, event)
                found.append(shown(belief_of(us, CLOCK, find(us.store, IDS[1]))))
    assert found[0] == found[1]


def test_what_a_person_knows_of_two_reports_counts_again_when_they_come_again(tmp_path: Path):
    with world(tmp_path / "us", "A", "D") as us:
        batch = arrive(us, "A says it")
        arrive(us, "D saw it too")
        left, right = (one.key for one in belief_of(us, CLOCK, find(us.store, IDS[1])).reports)
        judgements.unite(us, CLOCK, IDS[1], left, right, "same", "They share one sensor.")
        undo_batch(us, CLOCK, BatchId(batch))
        assert belief_of(us, CLOCK, find(us.store, IDS[3])).says == "1 report - 1 independent origin"
        arrive(us, "A says it")
        found = belief_of(us, CLOCK, find(us.store, IDS[1]))
        assert found.says == "2 reports - 1 independent origin"
        assert {union.because for origin in found.origins for union in origin.unions} == {"operator"}
        left, right = (one.key for one in found.reports)
        ended = judgements.unite(us, CLOCK, IDS[1], left, right, None, "They do not.")
        assert ended.belief.says == "2 reports - 2 independent origins"
