"""Which keys are pinned to which party, from when to when, and what was revoked of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.made import a_file, take
from tests.parties.made import NOW, Made
from tests.provenance.made import INDICATOR, ORIGIN, about

from backchannel.clock import FixedClock, format_time
from backchannel.desk.membership import enrol, move
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import keep_statement
from backchannel.desk.why import why
from backchannel.ids import BatchId
from backchannel.parties.keyset import KeySet, keyset_bytes
from backchannel.parties.kid import Use
from backchannel.parties.states import Event
from backchannel.provenance.statement import EVERYBODY, SigningKey, make
from backchannel.provenance.verification import KnownKey
from backchannel.store.membership import KeySetRow, RevocationRow

CLOCK = FixedClock(NOW)
AT = format_time(NOW)


@pytest.fixture
def beta(node: Node) -> Made:
    """A party whose card was compared."""
    made = Made("CERT Beta")
    enrol(node, CLOCK, made.card(), event=Event.COMPARED, why="met")
    return made


def row_of(node: Node, made: Made) -> int:
    party = node.store.membership.by_root(made.root.kid)
    assert party is not None
    return party.party_row


def say(node: Node, made: Made, keyset: KeySet) -> None:
    row = KeySetRow(keyset.version, AT, "first", keyset_bytes(keyset), None)
    node.store.membership.add_key_set(row_of(node, made), row)
    node.store.membership.add_keys(row_of(node, made), root=keyset.root_kid, kids=sorted(keyset.kids))


def signing(made: Made) -> SigningKey:
    key = made.keyring.present(Use.SIGN)
    return SigningKey(key.kid, key.sign)


def pinned(node: Node, made: Made, use: Use = Use.SIGN) -> KnownKey | None:
    key = made.root if use == Use.ROOT else made.keyring.present(use)
    return pinned_keys(node)(key.kid)


def test_a_card_pins_its_three_keys_each_for_its_use(node: Node, beta: Made):
    for use in (Use.ROOT, Use.SIGN, Use.AGE):
        found = pinned(node, beta, use)
        assert found is not None
        assert (found.use, found.name) == (use, "CERT Beta")
    assert pinned(node, beta, Use.LOG) is None, "a card does not name it"
    assert pinned(node, Made("Mallory")) is None


def test_a_key_set_says_from_when_to_when_a_key_counts(node: Node, beta: Made):
    first = beta.keyset()
    say(node, beta, first)
    found = pinned(node, beta)
    assert found is not None
    assert (found.valid_from, found.valid_until) == (NOW, NOW + timedelta(days=365))
    assert pinned(node, beta, Use.LOG) is not None
    later = NOW + timedelta(days=10)
    without = [key for key in first.keys if key.use != Use.SIGN]
    say(node, beta, beta.keyset(first, keys=without, not_before=format_time(later)))
    found = pinned(node, beta)
    assert found is not None
    assert found.valid_until == later, "the next key set does not list it"


def test_a_revocation_stays_with_its_key(node: Node, beta: Made):
    key = beta.keyring.present(Use.SIGN)
    stolen = format_time(NOW - timedelta(days=3))
    node.store.membership.add_revocation(
        row_of(node, beta), RevocationRow(key.kid, "stolen", stolen, AT, b"{}")
    )
    found = pinned(node, beta)
    assert found is not None
    assert (found.revoked_at, found.compromised_since) == (NOW, NOW - timedelta(days=3))
    root = pinned(node, beta, Use.ROOT)
    assert root is not None
    assert root.revoked_at is None


def test_the_keys_of_a_revoked_party_are_pinned_no_more_and_those_of_a_suspended_one_are(
    node: Node, beta: Made
):
    move(node, CLOCK, "CERT Beta", Event.SUSPENDED, "a forked ledger")
    assert pinned(node, beta) is not None
    move(node, CLOCK, "CERT Beta", Event.REVOKED, "closed")
    assert pinned(node, beta) is None


def test_our_own_keys_are_pinned_once_they_were_said(node: Node):
    ours = own_keys(node, CLOCK)
    found = pinned_keys(node)(ours.keyring.present(Use.SIGN).kid)
    assert found is not None
    assert found.name == "CERT Alpha"


def test_the_store_is_read_when_a_key_is_first_asked_for_and_once(
    node: Node, beta: Made, monkeypatch: pytest.MonkeyPatch
):
    asked: list[int] = []
    known: Callable[[], object] = node.store.membership.known
    monkeypatch.setattr(node.store.membership, "known", lambda: asked.append(1) or known())
    keys = pinned_keys(node)
    assert asked == []
    keys("a" * 52)
    keys(beta.root.kid)
    assert asked == [1]


def test_why_shows_a_chain_with_the_keys_that_are_pinned_now(node: Node, beta: Made, tmp_path: Path):
    batch = BatchId(take(node, a_file(tmp_path, INDICATOR)).batch)
    envelope = make(ORIGIN, subject=[about(INDICATOR)], aud=EVERYBODY, key=signing(beta), iat=NOW)
    keep_statement(node.store, CLOCK, envelope, batch_id=batch)
    (chain,) = why(node, CLOCK, INDICATOR["id"]).provenance.chains
    assert chain.says == "It came directly from its originator, and every signature holds."
    move(node, CLOCK, "CERT Beta", Event.REVOKED, "closed")
    (chain,) = why(node, CLOCK, INDICATOR["id"]).provenance.chains
    assert chain.state == "unproven"
