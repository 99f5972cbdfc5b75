"""Introductions: we say to a party whose card another's is, and take what a party that we verified says of one.

What is sent is one text of two blocks: the card, and the signed statement that names it. It is for one party.
"""

from __future__ import annotations

from backchannel.clock import Clock, format_time
from backchannel.desk.membership import check_alarms, enrol, named
from backchannel.desk.node import Node
from backchannel.desk.own_keys import OwnKeys
from backchannel.desk.pinned import pinned_keys
from backchannel.errors import NotFoundError, PolicyError, UsageError
from backchannel.parties.card import Card, card_text, read_any_card, read_card
from backchannel.parties.kid import Use
from backchannel.parties.names import visible_name
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.spelling import from_block, to_block
from backchannel.parties.states import Event, Standing
from backchannel.parties.vouch import How, check_vouch
from backchannel.provenance.predicates import Vouch
from backchannel.provenance.statement import SigningKey, make
from backchannel.provenance.verification import Terms, verify
from backchannel.store.rows import PartyRow

BLOCK = "BACKCHANNEL INTRODUCTION"


def introduce(node: Node, clock: Clock, keys: OwnKeys, name: str, *, to: str, how: str) -> str:
    """Return the text that introduces one party to another. Only a verified one is introduced.

    Raises:
        NotFoundError: one of them is not known, or known by name only.
        PolicyError: the party is not verified here.
        UsageError: `how` is no word for how it is known.
    """
    if how not in set(How):
        raise UsageError(f"{how!r} does not say how a party is known", hint=f"Say one of {', '.join(How)}.")
    party, card = _known(node, name)
    _, reader = _known(node, to)
    standing = node.store.membership.standing(party.party_row)
    if standing != Standing.VERIFIED:
        raise PolicyError(
            f"{visible_name(party.name)} is {standing} here: we cannot say whose its keys are",
            hint="Verify it first: backchannel party verify.",
        )
    key = keys.keyring.present(Use.SIGN)
    since = node.store.membership.events(party.party_row, at_most=1)[0].at[:10]
    envelope = make(
        Vouch(card=card.digest, how=How(how), since=since),
        subject=[],
        aud=[reader.root_kid],
        key=SigningKey(key.kid, key.sign),
        iat=clock.now(),
    )
    return card_text(card) + to_block(BLOCK, envelope)


def holds_introduction(content: bytes) -> bool:
    """Whether a text holds an introduction beside a card."""
    return f"-----BEGIN {BLOCK}-----".encode() in content


def take_introduction(
    node: Node, clock: Clock, content: bytes, *, called: str | None = None, decided: bool = False
) -> str:
    """Take an introduction, and return the name of the party that was introduced.

    Raises:
        Rejected: the statement does not verify, or is not for us.
        KeyRefusedError: the introducer is not verified here, or speaks of another card.
        PolicyError: the card does not fit what is known; an alarm stands.
        UsageError: the party was revoked or is suspended.
    """
    card = read_any_card(content)
    envelope = from_block(BLOCK, content.decode("utf-8", "replace"))
    membership = node.store.membership
    ours = next(known.kids for known in membership.known() if known.party.is_self)
    terms = Terms(now=clock.now(), me=ours, seen=None, expect={"vouch"})
    verified = verify(envelope, pinned_keys(node), terms)
    said = verified.predicate
    introducer = next(
        known.party for known in membership.known() if known.party.party_id == verified.signers[0].party
    )
    if not isinstance(said, Vouch) or not verified.has_weight or introducer.is_self:
        raise KeyRefusedError(
            Refusal.NOT_VERIFIED,
            "the introduction has no weight: its key may have been stolen, or it is ours",
        )
    check_vouch(said.card, card, introducer=Standing(membership.standing(introducer.party_row)))
    if not decided:
        check_alarms(node, clock, card)
    why = f"introduced by {visible_name(introducer.name)}, who knows it by {said.how} since {said.since}"
    with node.store.transaction():
        party = enrol(node, clock, card, event=Event.VOUCHED, why=why, called=called, decided=True)
        membership.add_vouch(
            introducer.party_row,
            party.party_row,
            digest=said.card,
            how=said.how,
            since=said.since,
            at=format_time(clock.now()),
            statement=envelope,
        )
    return party.name


def _known(node: Node, name: str) -> tuple[PartyRow, Card]:
    party = named(node, name)
    body = node.store.membership.card(party.party_row)
    if body is None or party.is_self:
        raise NotFoundError(
            f"there is no contact card of {visible_name(party.name)} here",
            hint="Take it with `backchannel party add --card FILE`.",
        )
    return party, read_card(body)
