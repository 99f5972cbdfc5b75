"""Belief at the desk: real drops between real homes, and what is made of them."""

from __future__ import annotations

import itertools
import shutil
from datetime import timedelta
from pathlib import Path

from tests.desk.drops import GREEN, indicator, keep, nodes, send, take
from tests.desk.made import CLOCK, NOW

from backchannel.clock import Clock, FixedClock
from backchannel.desk import judgements
from backchannel.desk.batches import undo_batch
from backchannel.desk.belief import belief_of
from backchannel.desk.belief_documents import Belief
from backchannel.desk.grading import Grader
from backchannel.desk.inbox import inbox
from backchannel.desk.items import find
from backchannel.desk.node import Node, open_node
from backchannel.desk.parties import show_party
from backchannel.desk.receipt_drops import take_statements
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How
from backchannel.desk.telling import signed
from backchannel.ids import BatchId
from backchannel.provenance.predicates import Deconflict
from backchannel.store.belief import Credit, NewOutcome

TEXT = (
    "The loader fetches its second stage from this host and sends the names of the users that are logged in, "
    "packed and encoded, to a path below the root that changes every day."
)
REWORDED = (
    "We see that the loader fetches its second stage from this host and sends the names of the users that are "
    "logged in, packed and encoded, to a path below the root that changes each day, we believe."
)


def later(days: float) -> Clock:
    return FixedClock(NOW + timedelta(days=days))


def believed(node: Node, stix_id: str, clock: Clock = CLOCK) -> Belief:
    return belief_of(node, clock, find(node.store, stix_id))


def passed(source: Node, batch: int, *way: Node, how: How | None = None, clock: Clock = CLOCK) -> int:
    """Send a batch along a way; returns the batch at its end."""
    for one, other in itertools.pairwise((source, *way)):
        data = send(one, other, batch, how, clock).path.read_bytes()
        batch = take(other, data, clock).batch or 0
    return batch


def the_id(value: dict[str, object]) -> str:
    return str(value["id"])


def test_t40_one_origin_through_five_relays_is_one(tmp_path: Path):
    with nodes(tmp_path, "Origin", "R1", "R2", "R3", "R4", "R5", "Us") as (origin, *relays, us):
        one = indicator(1)
        batch = keep(origin, [one])
        for relay in relays:
            passed(origin, batch, relay, us)
        found = believed(us, the_id(one))
    assert found.says == "5 reports - 1 independent origin"
    assert (found.n_eff, len(found.origins)) == (1.0, 1)
    assert {report.path for report in found.reports} == {("Origin", f"R{n}") for n in range(1, 6)}
    assert {union.strength for union in found.origins[0].unions} == {"hard"}


def test_t41_reworded_by_two_it_is_one_with_the_reason_or_possibly_one_and_never_three(tmp_path: Path):
    with nodes(tmp_path, "Origin", "R1", "R2", "Us") as (origin, first, second, us):
        passed(origin, keep(origin, [indicator(1, description=TEXT)]), us)
        for number, relay in ((2, first), (3, second)):
            other = indicator(number, pattern="[domain-name:value = 'h1.example.net']", description=REWORDED)
            passed(relay, keep(relay, [other]), us)
        found = believed(us, the_id(indicator(1)))
    assert len(found.reports) == 3
    alike = [union for origin in found.origins for union in origin.unions if union.because == "same-text"]
    assert alike or any(origin.possibly for origin in found.origins)
    assert found.n_eff < 2


def test_t42_our_own_report_that_returns_reworded_after_three_hops_is_our_echo(tmp_path: Path):
    with nodes(tmp_path, "Us", "R1", "R2", "R3") as (us, first, second, third):
        one = indicator(1, description=TEXT)
        passed(us, keep(us, [one]), first, second, third)
        other = indicator(2, pattern="[domain-name:value = 'H1.example.NET']", description=REWORDED)
        passed(third, keep(third, [other]), us, clock=later(3))
        found = believed(us, the_id(other), later(3))
    (echo,) = found.echoes
    assert (echo.days, echo.told_to, echo.strength) == (3, ("R1",), "inferred")
    assert "1 is our own echo" in found.says
    assert all(echo.report not in origin.reports for origin in found.origins)


def test_t42_the_same_object_come_back_is_an_echo_and_confirms_nothing(tmp_path: Path):
    with nodes(tmp_path, "Us", "R1", "R2") as (us, first, second):
        one = indicator(1)
        got = passed(us, keep(us, [one]), first, second)
        passed(second, got, us, clock=later(2))
        found = believed(us, the_id(one), later(2))
    assert found.says == "2 reports - 1 independent origin - 1 is our own echo"
    assert [origin.name for origin in found.origins] == ["Us"]
    assert (found.echoes[0].strength, found.echoes[0].path[-1]) == ("hard", "R2")


def test_t42_what_we_passed_on_and_got_back_is_one_echo_and_its_way_begins_behind_us(tmp_path: Path):
    with nodes(tmp_path, "A", "Us", "R1", "R2") as (origin, us, first, second):
        one = indicator(1)
        batch = passed(origin, keep(origin, [one]), us)
        got = passed(us, batch, first, second)
        passed(second, got, us, clock=later(2))
        found = believed(us, the_id(one), later(2))
    assert found.says == "2 reports - 1 independent origin - 1 is our own echo"
    assert {report.path for report in found.reports} == {("A",), ("A", "Us", "R1", "R2")}
    (echo,) = found.echoes
    assert (echo.told_to, echo.path) == (("R1",), ("R1", "R2"))
    assert echo.says.endswith("through us > R1 > R2")


def test_t43_what_four_relays_hide_is_one_slot(tmp_path: Path):
    with nodes(tmp_path, "A", "R1", "R2", "R3", "R4", "Us") as (source, *relays, us):
        for number, relay in enumerate(relays):
            other = indicator(number, pattern="[domain-name:value = 'h1.example.net']")
            got = passed(source, keep(source, [other]), relay)
            passed(relay, got, us, how=How(hide_sources=True))
        found = believed(us, the_id(indicator(0)))
    assert found.says == "4 reports - 0 independent origins - 1 undisclosed"
    assert {report.path[0] for report in found.reports} == {"?"}
    assert found.number == 6


def test_t43_after_all_four_signed_that_they_differ_there_are_four(tmp_path: Path):
    with nodes(tmp_path, "A", "R1", "R2", "R3", "R4", "Us") as (source, *relays, us):
        for number, relay in enumerate(relays):
            other = indicator(number, pattern="[domain-name:value = 'h1.example.net']")
            passed(relay, passed(source, keep(source, [other]), relay), us, how=How(hide_sources=True))
        gathered = Grader(us, CLOCK).grade(find(us.store, the_id(indicator(0)))).gathered
        hidden = {gathered.told[report.key].party: report.otag for report in gathered.reports}
        assert len(set(hidden.values())) == 4
        for one, other_ in itertools.combinations(relays, 2):
            pair = [hidden[one.party.name], hidden[other_.party.name]]
            assert believed(us, the_id(indicator(0))).says.endswith("undisclosed")
            for relay in (one, other_):
                said = signed(
                    relay, CLOCK, Deconflict(otags=pair, result="different"), recipient_of(relay, "Us")
                )
                assert take_statements(us, CLOCK, said, "said.json").refused == 0
        found = believed(us, the_id(indicator(0)))
    assert found.says == "4 reports - 0 independent origins - 4 undisclosed"


def test_t44_two_first_hand_are_two(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (one, other, us):
        for number, party in ((1, one), (2, other)):
            value = indicator(number, pattern="[domain-name:value = 'h1.example.net']")
            passed(party, keep(party, [value]), us, how=How(collection="first-hand"))
        found = believed(us, the_id(indicator(1)))
    assert found.says == "2 reports - 2 independent origins"
    assert all(origin.is_first_hand for origin in found.origins)
    assert found.n_eff == 2.0


def made_of(source: object, target: object) -> dict[str, object]:
    """A relationship by which one indicator was made of another."""
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": "relationship--0fd0ff5c-9d33-4f59-8d26-1f1c6e2e7d11",
        "created": "2026-01-02T03:04:05.000Z",
        "modified": "2026-01-02T03:04:05.000Z",
        "relationship_type": "derived-from",
        "source_ref": source,
        "target_ref": target,
        "object_marking_refs": [GREEN],
    }


def test_t41_who_says_what_its_object_was_made_of_adds_nothing_to_it(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (one, other, us):
        first, second = indicator(1), indicator(2, pattern="[domain-name:value = 'h1.example.net']")
        passed(one, keep(one, [first]), us)
        passed(other, keep(other, [second, made_of(second["id"], first["id"])]), us)
        found = believed(us, the_id(first))
    assert found.says == "2 reports - 1 independent origin"
    assert [origin.name for origin in found.origins] == ["A"]


def test_t44_nobody_says_of_anothers_object_that_it_was_made_of_theirs(tmp_path: Path):
    with nodes(tmp_path, "A", "Mallory", "Us") as (one, mallory, us):
        first, second = indicator(1), indicator(2, pattern="[domain-name:value = 'h1.example.net']")
        passed(one, keep(one, [first]), us, how=How(collection="first-hand"))
        passed(mallory, keep(mallory, [second, made_of(first["id"], second["id"])]), us)
        found = believed(us, the_id(first))
    assert found.says == "2 reports - 2 independent origins"


def confirm(us: Node, source: Node, how_many: int, *, first: int = 100, outcome: str = "confirmed") -> None:
    batch = keep(source, [indicator(first + n) for n in range(how_many)])
    passed(source, batch, us)
    for n in range(how_many):
        judgements.judge(us, CLOCK, the_id(indicator(first + n)), outcome, "We looked.")  # type: ignore[arg-type]


def letter(us: Node, party: Node, clock: Clock = CLOCK) -> tuple[str, float]:
    reliability = show_party(us, clock, party.party.name).reliability
    assert reliability is not None
    return reliability.own.letter, reliability.own.n


def test_a_letter_comes_of_our_own_outcomes_and_undoing_their_batch_takes_it_back(tmp_path: Path):
    with nodes(tmp_path, "A", "Us") as (source, us):
        assert letter(us, source) == ("F", 0.0)
        confirm(us, source, 3)
        assert letter(us, source) == ("C", 3.0)
        one = indicator(1)
        passed(source, keep(source, [one]), us)
        found = believed(us, the_id(one))
        assert (found.number, found.confidence, found.reasons) == (
            3,
            50,
            ("A (C) alone; nothing speaks against it.",),
        )
        undo_batch(us, CLOCK, BatchId(1))
        assert letter(us, source) == ("F", 0.0)
        assert believed(us, the_id(one)).number == 6


def test_who_repeats_what_turned_out_right_earns_nothing_by_it(tmp_path: Path):
    with nodes(tmp_path, "A", "Late", "Us") as (source, late, us):
        confirm(us, source, 3)
        passed(late, keep(late, [indicator(100 + n) for n in range(3)]), us)
        assert letter(us, late) == ("F", 0.0)


def test_t45_the_praise_of_five_hundred_strangers_changes_nothing(tmp_path: Path):
    with nodes(tmp_path, "A", "Us") as (source, us):
        one = indicator(1)
        passed(source, keep(source, [one]), us)
        kept = find(us.store, the_id(one))
        before = letter(us, source), believed(us, the_id(one)).number
        told = us.store.beliefs.told([kept.object_row], at_most=1)[0]
        with us.store.transaction():
            for n in range(500):
                row = us.store.parties.add(f"identity--{n}", f"Friend {n}", at=told.at)  # type: ignore[arg-type]
                us.store.beliefs.add_outcome(
                    NewOutcome(
                        "d:equal:h1.example.net",
                        kept.stix_id,
                        kept.object_row,
                        "confirmed",
                        "analyst",
                        "Great!",
                        told.at,
                        said_by=row.party_row,
                    ),
                    [Credit(source.party.party_id, "network", kept.object_row, told.party_row, told.at)],
                )
        reliability = show_party(us, CLOCK, "A").reliability
        assert reliability is not None
        assert len(reliability.own.evidence) == 100
        assert {each.weight for each in reliability.own.evidence} == {0.0}
        assert (letter(us, source), believed(us, the_id(one)).number) == before


def test_t46_one_harmful_claim_lowers_a_good_letter_within_the_day_and_one_origin_never_blocks_alone(
    tmp_path: Path,
):
    with nodes(tmp_path, "A", "Us") as (source, us):
        confirm(us, source, 30)
        assert letter(us, source)[0] == "A"
        one = indicator(1)
        passed(source, keep(source, [one]), us)
        found = believed(us, the_id(one))
        assert found.number == 3
        assert found.probability is not None
        assert found.probability < 0.96
        assert any("One origin alone" in why for why in found.asks_person)
        confirm(us, source, 1, first=500, outcome="harmful")
        assert letter(us, source, later(1))[0] not in {"A", "F"}


def test_t47_what_is_not_judged_is_no_number_and_has_no_confidence(tmp_path: Path):
    with nodes(tmp_path, "A", "Us") as (source, us):
        one = indicator(1)
        passed(source, keep(source, [one]), us)
        judged = judgements.grade(us, CLOCK, the_id(one))
        assert judged.belief.number == 6
        assert judged.bundle is not None
        assert b"confidence" not in bytes(judged.bundle)
        assert (judged.belief.confidence, judged.belief.probability) == (None, None)
        (item,) = inbox(us, CLOCK).items
        assert item.grade is not None
        assert (item.grade.number, item.grade.confidence) == (6, None)
        judgements.grade_party(us, CLOCK, "A", "F", "We cannot tell.")
        assert letter(us, source)[0] == "F"
        assert believed(us, the_id(one)).number == 6, "F is not C"
        judgements.grade_party(us, CLOCK, "A", "C", "We know them.")
        assert believed(us, the_id(one)).number == 3
        judged = judgements.grade(us, CLOCK, the_id(one), number=2, reason="It fits.", is_blind=True)
        assert judged.bundle is not None
        assert b'"confidence":70' in bytes(judged.bundle)
        assert judged.belief.given is not None
        assert (judged.belief.number, judged.belief.computed, judged.belief.given.is_blind) == (2, 3, True)
        judged = judgements.grade(us, CLOCK, the_id(one), ends=True, reason="Computed is better.")
        assert (judged.belief.number, judged.belief.given) == (3, None)


def test_t49_the_order_of_arrival_changes_nothing(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "R", "Us") as (one, other, relay, us):
        drops = [
            send(one, us, keep(one, [indicator(1)])).path.read_bytes(),
            send(
                other, us, keep(other, [indicator(2, pattern="[domain-name:value = 'h1.example.net']")])
            ).path.read_bytes(),
        ]
        got = passed(one, 1, relay)
        drops.append(send(relay, us, got).path.read_bytes())
        home = us.home
    seen = set()
    for number, order in enumerate(itertools.permutations(drops)):
        copied = tmp_path / f"again-{number}"
        shutil.copytree(home, copied)
        with open_node(copied) as node:
            for data in order:
                take(node, data)
            found = believed(node, the_id(indicator(1)))
            origins = frozenset((each.name, each.share, len(each.reports)) for each in found.origins)
            seen.add((found.says, found.number, found.n_eff, origins, found.contested, found.fresh.since))
    assert len(seen) == 1


def test_a_dispute_by_a_verified_party_contests_a_claim_and_both_sides_are_shown(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (source, other, us):
        one = indicator(1)
        passed(source, keep(source, [one]), us)
        opinion = {
            "type": "opinion",
            "spec_version": "2.1",
            "id": "opinion--8e2e2d2b-17d4-4cbf-938f-000000000001",
            "created": "2026-02-01T00:00:00.000Z",
            "modified": "2026-02-01T00:00:00.000Z",
            "opinion": "strongly-disagree",
            "explanation": "That host is a mail relay of ours.",
            "object_refs": [one["id"]],
            "object_marking_refs": indicator(1)["object_marking_refs"],
        }
        passed(other, keep(other, [opinion]), us)
        found = believed(us, the_id(one))
        (item,) = [each for each in inbox(us, CLOCK).items if each.type == "indicator"]
    assert found.contested
    assert [(side.says, side.origins) for side in found.contradictions[0].sides] == [
        ("benign", ("B",)),
        ("malicious", ("A",)),
    ]
    assert item.grade is not None
    assert item.grade.contested
    assert found.number in {4, 5, 6}


def test_a_person_knows_better_who_is_of_one_origin(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (one, other, us):
        for number, party in ((1, one), (2, other)):
            passed(
                party, keep(party, [indicator(number, pattern="[domain-name:value = 'h1.example.net']")]), us
            )
        stix_id = the_id(indicator(1))
        left, right = (report.key for report in believed(us, stix_id).reports)
        judged = judgements.unite(us, CLOCK, stix_id, left, right, "same", "They share one sensor.")
        assert judged.belief.says == "2 reports - 1 independent origin"
        judged = judgements.unite(us, CLOCK, stix_id, left, right, None, "They do not.")
        assert judged.belief.says == "2 reports - 2 independent origins"


def test_every_judgement_is_in_the_ledger(tmp_path: Path):
    with nodes(tmp_path, "A", "Us") as (source, us):
        one = indicator(1)
        passed(source, keep(source, [one]), us)
        judgements.judge(us, CLOCK, the_id(one), "confirmed", "Seen.")
        rows = us.store.database.execute(
            "SELECT count(*) FROM ledger_leaf WHERE about = ?", (the_id(one),)
        ).fetchone()
    assert rows == (1,)
