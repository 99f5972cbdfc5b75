"""What a lying party gains by much: nothing. Floods of objects, of texts and of outcomes, and what they cost."""

from __future__ import annotations

from pathlib import Path

from tests.desk.drops import indicator, keep, nodes
from tests.desk.made import CLOCK

from backchannel.desk import judgements
from backchannel.desk.belief import belief_of
from backchannel.desk.belief_documents import Belief
from backchannel.desk.claims import MAX_OF_ONE
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.parties import show_party
from backchannel.ids import PartyId
from backchannel.store.belief import Credit, NewOutcome

ONE = "[domain-name:value = 'h1.example.net']"
TEXT = (
    "The loader fetches its second stage from this host and sends the names of the users that are logged in, packed "
    "and encoded, to a path below the root that changes every day, while a service that it leaves behind asks for "
    "orders each hour under the name of an update of the system."
)


def reworded(text: str, *, every: int) -> str:
    words = text.split()
    return " ".join(f"other{n}" if n % every == 0 else word for n, word in enumerate(words))


def believed(node: Node, number: int) -> Belief:
    return belief_of(node, CLOCK, find(node.store, str(indicator(number)["id"])))


def test_t45_a_flood_of_objects_about_one_value_drowns_no_other_origin_whoever_came_first(tmp_path: Path):
    with nodes(tmp_path, "Us") as (us,):
        keep(us, [indicator(n, pattern=ONE) for n in range(1, 1_501)], by="Flood")
        keep(us, [indicator(2_000, pattern=ONE)], by="Honest")
        for asked in (1, 1_500, 2_000):
            found = believed(us, asked)
            assert {origin.name for origin in found.origins} == {"Flood", "Honest"}
            assert found.reports_total <= MAX_OF_ONE + 2
            assert any("more objects say so and were not looked at" in note for note in found.notes)


def test_of_many_versions_of_one_object_the_one_in_force_is_looked_at(tmp_path: Path):
    with nodes(tmp_path, "Us") as (us,):
        for day in range(1, 6):
            keep(
                us,
                [indicator(n, pattern=ONE, modified=f"2026-02-{day:02}T00:00:00.000Z") for n in range(1, 61)],
                by="Feed",
            )
        keep(us, [indicator(1, pattern=ONE, modified="2026-02-09T00:00:00.000Z", revoked=True)], by="Feed")
        found = believed(us, 1)
        assert found.withdrawn is not None
        assert [origin.name for origin in found.origins] == ["Feed"]


def test_t45_a_stranger_who_rewords_a_judged_source_takes_nothing_from_it(tmp_path: Path):
    with nodes(tmp_path, "A", "Us") as (source, us):
        least = PartyId("identity--00000000-0000-4000-8000-000000000000")
        us.store.parties.add(least, "Stranger", at="2026-01-01T00:00:00.000Z")
        keep(us, [indicator(1, pattern=ONE, description=TEXT)], by="A")
        keep(us, [indicator(2, pattern=ONE, description=reworded(TEXT, every=8))], by="Stranger")
        judgements.grade_party(us, CLOCK, "A", "B", "Years of good work.")
        found = believed(us, 1)
        shares = {origin.name: origin.share for origin in found.origins}
        assert shares["Stranger"] < 1, "it may be A in other words"
        assert shares["A"] == 1
        assert found.number == 3
        assert source.party.name in found.reasons[0]


def test_t45_a_flood_of_signed_outcomes_pushes_none_of_ours_aside_and_one_of_each_party_is_shown(
    tmp_path: Path,
):
    with nodes(tmp_path, "A", "Rival", "Us") as (source, rival, us):
        keep(us, [indicator(n) for n in range(1, 4)], by="A")
        for number in range(1, 4):
            judgements.judge(us, CLOCK, str(indicator(number)["id"]), "confirmed", "We looked.")
        kept = find(us.store, str(indicator(1)["id"]))
        signer = us.store.parties.by_name("Rival")
        (told,) = us.store.beliefs.told([kept.object_row], at_most=9)
        assert signer is not None
        refuted = NewOutcome(
            "d:equal:h1.example.net",
            kept.stix_id,
            kept.object_row,
            "refuted",
            "analyst",
            "False!",
            told.at,
            said_by=signer.party_row,
        )
        speaks = Credit(source.party.party_id, "network", kept.object_row, told.party_row, told.at)
        with us.store.transaction():
            for _ in range(2_500):
                us.store.beliefs.add_outcome(refuted, [speaks])
        grades = show_party(us, CLOCK, "A").reliability
        assert grades is not None
        assert (grades.own.letter, grades.own.confirmed, grades.own.refuted) == ("C", 3.0, 0.0)
        assert [said.by for said in grades.own.evidence[:3]] == [None, None, None]
        assert {said.by for said in believed(us, 1).outcomes} == {None, rival.party.name}
        assert len(believed(us, 1).outcomes) == 2
