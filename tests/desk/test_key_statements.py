"""What a party says about its keys is taken only from those who may say it, and the right keys are pinned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.desk.made import CLOCK, NOW

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.desk import key_care, membership
from backchannel.desk.key_statements import take_key_set, take_revocation
from backchannel.desk.node import Node, init_node
from backchannel.desk.own_keys import own_key_sets, own_keys
from backchannel.desk.parties import show_party
from backchannel.desk.pinned import pinned_keys
from backchannel.parties.card import card_text
from backchannel.parties.keyset import Change, KeySet, keyset_predicate
from backchannel.parties.kid import Kid, Use
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.provenance.predicates import Revoke
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import EVERYBODY, SigningKey, Statement, format_seconds, make, seal

LATER = FixedClock(NOW + timedelta(days=2))


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    """Alpha, who knows Beta by a card that was handed over."""
    with ExitStack() as stack:
        alpha, beta = (
            stack.enter_context(init_node(tmp_path / name, name=f"CERT {name}", clock=CLOCK))
            for name in ("Alpha", "Beta")
        )
        card = card_text(own_keys(beta, CLOCK).card).encode()
        membership.meet(alpha, CLOCK, card, handed_over=True)
        yield alpha, beta


def said(node: Node, version: int) -> bytes:
    """The statement of one of a node's own key sets."""
    rows = node.store.membership.key_sets(node.party.party_row)
    return next(row.statement for row in rows if row.version == version)


def stated(keyset: KeySet, *signers: SigningKey) -> bytes:
    statement = Statement(
        type_="bc/statement/v1",
        id="0" * 32,
        iss=signers[0].kid,
        iat=format_seconds(NOW),
        aud=list(EVERYBODY),
        chan="",
        subject=[],
        predicate_type="keyset",
        predicate=keyset_predicate(keyset),
    )
    return seal(codec.canonical(codec.decode(codec.encode(statement))), list(signers))


def root_of(node: Node) -> SigningKey:
    root = own_keys(node, CLOCK).root
    return SigningKey(root.kid, root.sign)


def test_the_keys_of_a_card_are_pinned_until_a_key_set_comes(both: tuple[Node, Node]):
    alpha, beta = both
    card = own_keys(beta, CLOCK).card
    pinned = pinned_keys(alpha)
    assert {name: pinned(name).use for name in card.kids} == dict(
        zip(card.kids, ("root", "sign", "age"), strict=True)
    )
    assert pinned(card.kids[1]).name == "CERT Beta"
    assert take_key_set(alpha, CLOCK, said(beta, 1)) is Change.FIRST
    assert take_key_set(alpha, CLOCK, said(beta, 1)) is Change.SAME
    log = own_keys(beta, CLOCK).keyring.present(Use.LOG).kid
    assert pinned_keys(alpha)(log).use == "log"


def test_a_rotation_is_followed_and_the_old_key_ends_there(both: tuple[Node, Node]):
    alpha, beta = both
    take_key_set(alpha, CLOCK, said(beta, 1))
    old = own_keys(beta, CLOCK).keyring.present(Use.SIGN).kid
    key_care.rotate(beta, LATER)
    assert take_key_set(alpha, LATER, said(beta, 2)) is Change.ROTATED
    new = own_keys(beta, LATER).keyring.present(Use.SIGN).kid
    pinned = pinned_keys(alpha)
    assert pinned(old).valid_until == pinned(new).valid_from == LATER.now()


def test_t31_an_older_key_set_is_refused_and_a_fork_suspends_the_party(both: tuple[Node, Node]):
    alpha, beta = both
    first, root = own_key_sets(beta)[0], root_of(beta)
    take_key_set(alpha, CLOCK, said(beta, 1))
    forked = stated(replace(first, name="CERT Beta of before"), root)
    with pytest.raises(KeyRefusedError) as caught:
        take_key_set(alpha, CLOCK, forked)
    assert caught.value.reason is Refusal.KEYSET_FORK
    assert show_party(alpha, CLOCK, "CERT Beta").party.standing == "suspended"
    key_care.rotate(beta, LATER)
    take_key_set(alpha, LATER, said(beta, 2))
    with pytest.raises(KeyRefusedError) as caught:
        take_key_set(alpha, LATER, said(beta, 1))
    assert caught.value.reason is Refusal.KEYSET_ROLLBACK


def test_t31_a_key_set_signed_by_a_new_root_only_is_of_nobody(both: tuple[Node, Node], tmp_path: Path):
    alpha, beta = both
    take_key_set(alpha, CLOCK, said(beta, 1))
    with init_node(tmp_path / "thief", name="CERT Beta", clock=CLOCK) as thief:
        mine = own_key_sets(thief)[0] if own_keys(thief, CLOCK) else None
        first = own_key_sets(beta)[0]
        taken = replace(mine, party=first.party, version=2, prev=first.digest)
        with pytest.raises(KeyRefusedError) as caught:
            take_key_set(alpha, CLOCK, stated(taken, root_of(thief)))
    assert caught.value.reason is Refusal.UNKNOWN_KEY


def test_a_key_set_changed_after_it_was_signed_is_rejected(both: tuple[Node, Node]):
    alpha, beta = both
    changed = replace(own_key_sets(beta)[0], name="CERT Beta II")
    envelope = codec.decode(stated(changed, root_of(beta)))
    envelope["signatures"] = codec.decode(said(beta, 1))["signatures"]
    with pytest.raises(Rejected) as caught:
        take_key_set(alpha, CLOCK, codec.encode(envelope))
    assert caught.value.reason is Reason.BAD_SIGNATURE


def revoked(node: Node, kid: Kid, key: SigningKey, since: str | None) -> bytes:
    said_ = Revoke(kid=kid, reason="stolen" if since else "replaced", compromised_since=since)
    return make(said_, subject=[], aud=EVERYBODY, key=key, iat=LATER.now())


def test_t32_a_revoked_key_is_pinned_with_the_time_of_the_theft(both: tuple[Node, Node]):
    alpha, beta = both
    take_key_set(alpha, CLOCK, said(beta, 1))
    stolen = own_keys(beta, CLOCK).keyring.present(Use.SIGN)
    since = format_seconds(NOW + timedelta(days=1))
    take_revocation(alpha, LATER, revoked(beta, stolen.kid, root_of(beta), since))
    pinned = pinned_keys(alpha)(stolen.kid)
    assert pinned.compromised_since == NOW + timedelta(days=1)
    assert pinned.revoked_at == LATER.now()


def test_t32_a_key_of_another_use_may_not_revoke(both: tuple[Node, Node]):
    alpha, beta = both
    take_key_set(alpha, CLOCK, said(beta, 1))
    keyring = own_keys(beta, CLOCK).keyring
    log = keyring.present(Use.LOG)
    envelope = revoked(beta, keyring.present(Use.SIGN).kid, SigningKey(log.kid, log.sign), None)
    with pytest.raises(KeyRefusedError) as caught:
        take_revocation(alpha, LATER, envelope)
    assert caught.value.reason is Refusal.KEYSET_UNSIGNED
    assert pinned_keys(alpha)(keyring.present(Use.SIGN).kid).revoked_at is None


def test_every_code_of_a_key_refusal_is_one_of_the_closed_list():
    assert {code.value for code in Refusal} <= {code.value for code in Reason}
