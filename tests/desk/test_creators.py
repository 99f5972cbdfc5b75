"""Only its creator makes new versions of an object, whoever sends them: T24 at the desk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.hostile import why_quarantined, with_objects
from tests.desk.made import CLOCK

from backchannel import codec
from backchannel.desk.creators import Creators, came
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.ids import Digest
from backchannel.provenance.predicates import Receipt
from backchannel.provenance.reasons import Reason
from backchannel.provenance.statement import content_of, open_envelope
from backchannel.provenance.verification import Terms

TERMS = Terms(now=CLOCK.now(), me=None, seen=None)
LATER = "2026-02-02T03:04:05.000Z"
ID = str(indicator(0)["id"])


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        yield found


def sent(sender: Node, to: Node, *objects: dict[str, object]) -> bytes:
    return send(sender, to, keep(sender, objects)).path.read_bytes()


def in_force(node: Node) -> str:
    found = node.store.objects.current(ID)
    assert found is not None
    return str(codec.decode(found.body)["name"])


def test_t24_a_new_version_of_the_creators_takes_the_place_of_the_first(three: list[Node]):
    alpha, _, gamma = three
    take(gamma, sent(alpha, gamma, indicator(0)))
    found = take(gamma, sent(alpha, gamma, indicator(0, modified=LATER, name="newer")))
    assert (found.stored, found.quarantined) == (1, 0)
    assert in_force(gamma) == "newer"


def test_t24_a_new_version_by_another_is_quarantined_and_its_neighbour_is_taken(three: list[Node]):
    alpha, beta, gamma = three
    take(gamma, sent(alpha, gamma, indicator(0)))
    found = take(gamma, sent(beta, gamma, indicator(0, modified=LATER, name="not Alpha's"), indicator(1)))
    assert (found.stored, found.quarantined) == (1, 1)
    assert why_quarantined(gamma, [ID]) == {ID: "not-creator"}
    assert in_force(gamma) == indicator(0)["name"]
    newer = take(gamma, sent(alpha, gamma, indicator(0, modified="2026-03-03T00:00:00.000Z", name="newer")))
    assert newer.stored == 1, "what was refused stands in the creator's way"
    assert in_force(gamma) == "newer"


def test_t24_the_sender_hears_why_in_the_receipt(three: list[Node]):
    alpha, beta, gamma = three
    take(gamma, sent(alpha, gamma, indicator(0)))
    take(gamma, sent(beta, gamma, indicator(0, modified=LATER)))
    [row] = gamma.store.statements.waiting(gamma.store.parties.by_name("Beta").party_row)  # type: ignore[union-attr]
    said = content_of(open_envelope(row.envelope).statement)
    assert isinstance(said, Receipt)
    assert (said.verdict, list(said.refused)) == ("refused", ["not-creator"])


def test_t24_a_new_version_that_nobody_signed_is_quarantined(three: list[Node]):
    alpha, beta, gamma = three
    take(gamma, sent(alpha, gamma, indicator(0)))
    unsigned = codec.canonical(indicator(0, modified=LATER, name="nobody's"))
    assert take(gamma, with_objects(beta, gamma, unsigned)).quarantined == 1
    assert why_quarantined(gamma, [ID]) == {ID: "not-creator"}


def test_t24_what_its_creator_sends_without_a_statement_is_its_word(three: list[Node]):
    alpha, _, gamma = three
    newer = codec.canonical(indicator(0, modified=LATER, name="newer"))
    take(gamma, sent(alpha, gamma, indicator(0)))
    found = take(gamma, with_objects(alpha, gamma, newer, seq=7, bundle="0a" * 16))
    assert (found.stored, found.quarantined) == (1, 0)


def test_t24_an_identity_of_a_party_is_bound_to_it_whatever_came_before(three: list[Node]):
    alpha, beta, gamma = three
    named = indicator(0, created_by_ref=alpha.party.party_id)
    assert take(gamma, sent(beta, gamma, named)).quarantined == 1
    assert why_quarantined(gamma, [ID]) == {ID: "not-creator"}
    assert take(gamma, sent(alpha, gamma, named | {"modified": LATER})).stored == 1
    # And what we made ourselves, and never sent to anybody.
    keep(gamma, [indicator(5, created_by_ref=gamma.party.party_id)])
    stolen = indicator(5, created_by_ref=gamma.party.party_id, modified=LATER)
    assert take(
        gamma, with_objects(beta, gamma, codec.canonical(stolen), seq=7, bundle="0a" * 16)
    ).quarantined


def test_t24_a_relay_passes_the_creators_new_version_on_and_none_of_its_own(three: list[Node]):
    alpha, beta, gamma = three
    for value in (indicator(0), indicator(0, modified=LATER, name="newer")):
        batch = take(beta, sent(alpha, beta, value)).batch
        assert batch is not None
        assert take(gamma, send(beta, gamma, batch).path.read_bytes()).stored == 1
    assert in_force(gamma) == "newer"
    own = sent(beta, gamma, indicator(0, modified="2026-03-03T00:00:00.000Z", name="Beta's"))
    assert take(gamma, own).quarantined == 1
    assert in_force(gamma) == "newer"


def test_t24_two_versions_in_one_drop_are_compared_too(three: list[Node]):
    alpha, beta, gamma = three
    first = codec.canonical(indicator(0, created_by_ref=alpha.party.party_id))
    own = codec.canonical(indicator(0, created_by_ref=beta.party.party_id, modified=LATER))
    found = take(gamma, with_objects(beta, gamma, first, codec.canonical(indicator(1)), own))
    assert (found.stored, found.quarantined) == (2, 1)


def test_t24_of_what_came_in_one_drop_the_first_originator_is_the_creator(three: list[Node]):
    """However much stands in between: what is remembered no more is nobody's to make a new version of."""
    alpha, beta, gamma = three
    first = came(indicator(0), Digest(b"1" * 32), alpha.party.party_id)
    second = came(indicator(0, modified=LATER), Digest(b"2" * 32), beta.party.party_id)

    def judge() -> Creators:
        return Creators(gamma, beta.party.party_id, pinned_keys(gamma), TERMS)

    assert list(judge().judge([first, second, None])) == [None, Reason.NOT_CREATOR, None]
    fresh = judge()
    keep(gamma, [indicator(0)])  # as the drop's objects are written while it is taken
    assert list(fresh.judge([second])) == [Reason.NOT_CREATOR]
    assert list(judge().judge([second])) == [None], "what nobody signed can be taken over"


def test_t24_what_another_sent_first_is_freed_when_its_creator_sends_it_and_not_before(three: list[Node]):
    alpha, beta, gamma = three
    newer = indicator(0, modified=LATER, name="newer")
    take(gamma, sent(alpha, gamma, indicator(0)))
    for _ in range(2):
        take(gamma, sent(beta, gamma, newer))
        assert in_force(gamma) == indicator(0)["name"]
    take(gamma, sent(alpha, gamma, newer))
    assert in_force(gamma) == "newer"
