"""Sources that a relay hides are said to be one, or not, by the relay: it counts for its own sources, and ties no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK
from tests.desk.offers import caller, offering, put, read

from backchannel.desk import membership
from backchannel.desk.belief import belief_of
from backchannel.desk.belief_documents import Belief
from backchannel.desk.deconflicting import Sources, deconflict
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.receipt_drops import receipts_drop, take_statements
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How
from backchannel.desk.reports import tying_parties
from backchannel.desk.telling import signed
from backchannel.errors import NotFoundError, UsageError
from backchannel.parties.states import Event
from backchannel.provenance.hidden import source_tag
from backchannel.provenance.predicates import Deconflict

PATTERN = "[domain-name:value = 'h1.example.net']"
IDS = [str(indicator(number)["id"]) for number in (1, 2)]
TWO = Sources("Delta", "Echo", "different")


def hidden_from(us: Node, relay: Node) -> None:
    """Let a relay pass on what two parties told it, each under a name of its own, without naming them."""
    for number, source in enumerate(("Delta", "Echo"), 1):
        batch = keep(relay, [indicator(number, pattern=PATTERN)], by=source)
        take(us, send(relay, us, batch, How(hide_sources=True, ack="none")).path.read_bytes())


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Relay", "Us", "Third") as found:
        relay, us, _ = found
        hidden_from(us, relay)
        yield found


def carry(node: Node, to: Node) -> None:
    made = receipts_drop(node, CLOCK, to.party.name)
    assert made is not None
    assert [one.code for one in take(to, made.path.read_bytes()).notes] == []


def believed(node: Node, stix_id: str = IDS[0]) -> Belief:
    return belief_of(node, CLOCK, find(node.store, stix_id))


def test_two_sources_that_a_relay_hides_count_as_two_once_it_signs_so(three: list[Node]):
    relay, us, _ = three
    assert believed(us).says == "2 reports - 0 independent origins - 1 undisclosed"
    found = deconflict(relay, CLOCK, TWO, ["Us"], "They have sensors of their own.")
    assert [(one.to, one.outcome) for one in found.told] == [("Us", "given")]
    assert found.source.party == "Delta"
    assert [len(name) for name in found.source.cryptonyms] == [20]
    carry(relay, us)
    assert believed(us).says == "2 reports - 0 independent origins - 2 undisclosed"
    again = deconflict(relay, CLOCK, TWO, ["Us"], "They have sensors of their own.")
    assert [one.outcome for one in again.told] == ["told before"]
    [row] = us.store.beliefs.deconflicting(at_most=9)
    assert not any(word in row.envelope for word in (b"Delta", b"Echo", b"sensors"))


def test_one_source_under_two_cryptonyms_is_one_and_what_is_said_later_does_not_part_it(three: list[Node]):
    relay, us, _ = three
    names = deconflict(relay, CLOCK, TWO, ["Third"], "Asked.").source.cryptonyms
    by_cryptonym = Sources(names[0][:8], "Echo", "same")
    deconflict(relay, CLOCK, by_cryptonym, ["Us"], "They are one house.")
    deconflict(relay, CLOCK, TWO, ["Us"], "A mistake.")
    carry(relay, us)
    found = believed(us)
    assert found.says == "2 reports - 0 independent origins - 1 undisclosed"
    assert {one.because for origin in found.origins for one in origin.unions} == {"deconflicted"}


def test_it_goes_over_taxii_like_other_statements(tmp_path: Path):
    with offering(tmp_path) as (us, relay, _):
        hidden_from(us, relay)
        deconflict(relay, CLOCK, TWO, [us.party.name], "They have sensors of their own.")
        assert put(us, caller(us, relay), *read(relay, caller(relay, us))).failure_count == 0
        assert believed(us).says == "2 reports - 0 independent origins - 2 undisclosed"


def test_a_hidden_source_that_is_said_to_be_a_named_party_counts_with_it(tmp_path: Path):
    with nodes(tmp_path, "Delta", "Relay", "Us") as (delta, relay, us):
        batch = keep(delta, [indicator(1, pattern=PATTERN)])
        take(us, send(delta, us, batch, How(collection="first-hand")).path.read_bytes())
        other = indicator(2, pattern=PATTERN)
        take(us, send(relay, us, keep(relay, [other], by="Delta"), How(hide_sources=True)).path.read_bytes())
        assert believed(us).says == "2 reports - 1 independent origin - 1 undisclosed"
        found = deconflict(
            relay, CLOCK, Sources("Delta", "Delta", "same", names_other=True), ["Us"], "They agreed."
        )
        assert found.other.named
        carry(relay, us)
        assert believed(us).says == "2 reports - 1 independent origin"


def test_who_hides_neither_says_nothing(three: list[Node]):
    relay, us, third = three
    names = [
        one.cryptonyms[0]
        for said in (deconflict(relay, CLOCK, TWO, ["Third"], "Asked."),)
        for one in (said.source, said.other)
    ]
    pair = sorted(map(source_tag, names))
    for result in ("same", "different"):
        envelope = signed(third, CLOCK, Deconflict(otags=pair, result=result), recipient_of(third, "Us"))
        assert take_statements(us, CLOCK, envelope, "said.json").refused == 0
    found = believed(us)
    assert found.says == "2 reports - 0 independent origins - 1 undisclosed"
    assert not any(origin.unions for origin in found.origins)


def test_nobody_makes_one_of_two_parties_that_speak_for_themselves(tmp_path: Path):
    with nodes(tmp_path, "One", "Two", "Relay", "Us") as (one, two, relay, us):
        for number, party in ((1, one), (2, two)):
            batch = keep(party, [indicator(number, pattern=PATTERN)])
            take(us, send(party, us, batch, How(collection="first-hand")).path.read_bytes())
        batch = keep(relay, [indicator(3, pattern=PATTERN)], by="Nobody")
        take(us, send(relay, us, batch, How(hide_sources=True)).path.read_bytes())
        before = believed(us)
        assert before.says == "3 reports - 2 independent origins - 1 undisclosed"
        for party in ("One", "Two"):
            deconflict(
                relay, CLOCK, Sources("Nobody", party, "same", names_other=True), ["Us"], "So they say."
            )
        carry(relay, us)
        assert believed(us).says == before.says


def test_what_cannot_be_said_is_named(three: list[Node]):
    relay, _, _ = three
    for said, wrong, words in (
        (Sources("Delta", "Nobody", "same"), NotFoundError, "never hid a source Nobody"),
        (Sources("Delta", "Us", "same"), NotFoundError, "never hid a source Us"),
        (Sources("abc", "Delta", "same"), NotFoundError, "never hid"),
        (Sources("Delta", "Delta", "different"), UsageError, "is one source"),
        (Sources("Delta", "Ghost", "same", names_other=True), NotFoundError, "Ghost"),
    ):
        with pytest.raises(wrong, match=words):
            deconflict(relay, CLOCK, said, ["Us"], "Why.")
    with pytest.raises(UsageError, match="how is it known"):
        deconflict(relay, CLOCK, TWO, ["Us"], " ")
    with pytest.raises(UsageError, match="nobody is told"):
        deconflict(relay, CLOCK, TWO, [], "Why.")
    membership.move(relay, CLOCK, "Us", Event.SUSPENDED, "a test")
    found = deconflict(relay, CLOCK, TWO, ["Us", "Third"], "Why.")
    assert [(one.to, one.outcome) for one in found.told] == [("Us", "denied"), ("Third", "given")]


def test_a_statement_about_one_origin_only_is_refused(three: list[Node]):
    with pytest.raises(ValueError, match="names one origin twice"):
        Deconflict(otags=["0" * 64, "0" * 64], result="same").check()


def test_only_what_ties_proven_origins_together_is_passed_over():
    pairs = [("?r:a", "p"), ("?r:a", "?r:b"), ("?r:b", "q"), ("?r:c", "?r:d"), ("?r:e", "p2")]
    assert tying_parties(pairs, {"p", "q", "p2"}) == {("?r:a", "p"), ("?r:b", "q")}
    assert tying_parties(pairs, {"p", "p2"}) == set()
