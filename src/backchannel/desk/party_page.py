"""All that is known of one party, together: how far, by which keys, what stopped, what was sent and came."""

from __future__ import annotations

from backchannel.clock import Clock, format_time
from backchannel.desk.alarms import open_alarms
from backchannel.desk.membership import safety_of
from backchannel.desk.node import Node
from backchannel.desk.parties import show_party
from backchannel.desk.party_documents import ContactCard, PartyKey, PartyKeySet, PartyPage, SafetyNumber
from backchannel.desk.pinned import ALWAYS, keys_of_party
from backchannel.desk.sent_drops import list_sent
from backchannel.desk.tallying import heard_tallies
from backchannel.errors import NotFoundError
from backchannel.parties.card import card_qr, card_text, read_card
from backchannel.parties.keyset import read_keyset
from backchannel.parties.names import visible_name
from backchannel.store.rows import PartyRow

LAST_SENT = 10


def party_page(node: Node, clock: Clock, name_or_id: str) -> PartyPage:
    """Return all that is known of one party.

    Raises:
        NotFoundError: there is no such party.
    """
    party = party_called(node, name_or_id)
    membership, is_self = node.store.membership, party.is_self
    key_sets = [
        PartyKeySet(
            version=row.version, at=row.at, change=row.change, root=said.root_kid, expires=said.expires
        )
        for row in membership.key_sets(party.party_row)
        for said in (read_keyset(row.body),)
    ]
    return PartyPage(
        about=show_party(node, clock, party.name),
        safety_number=None if is_self else _number(node, party),
        card=_card(node, party),
        introducers=tuple(
            f"{visible_name(who)}, who knows it by {how} since {since}"
            for who, how, since in membership.introducers(party.party_row)
        ),
        keys=_keys(node, party),
        key_sets=tuple(reversed(key_sets)),
        alarms=open_alarms(node, party=party.name),
        sent=() if is_self else list_sent(node, clock, to=party.name, at_most=LAST_SENT).sent,
        tallies=() if is_self else heard_tallies(node, clock, party),
        waiting=0 if is_self else len(node.store.statements.waiting(party.party_row)),
    )


def party_called(node: Node, name_or_id: str) -> PartyRow:
    """Return the party of a name, in any case, or of an id: some names do not fit into an address.

    Raises:
        NotFoundError: there is none.
    """
    found = node.store.parties.by_name(name_or_id.strip())
    if found is not None:
        return found
    for known in node.store.membership.known():
        if known.party.party_id == name_or_id:
            return known.party
    raise NotFoundError(
        f"there is no party {visible_name(name_or_id)!r}", hint="See `backchannel party list`."
    )


def _number(node: Node, party: PartyRow) -> SafetyNumber | None:
    try:
        return safety_of(node, party.name)
    except NotFoundError:
        return None


def _card(node: Node, party: PartyRow) -> ContactCard | None:
    body = node.store.membership.card(party.party_row)
    if body is None:
        return None
    card = read_card(body)
    return ContactCard(
        party=card.name, root=card.root_kid, recipient=card.recipient, text=card_text(card), qr=card_qr(card)
    )


def _keys(node: Node, party: PartyRow) -> tuple[PartyKey, ...]:
    reasons = {row.kid: row.reason for row in node.store.membership.revocations(party.party_row)}
    last = {key.kid: key for key in keys_of_party(node, party)}
    return tuple(
        PartyKey(
            kid=key.kid,
            use=str(key.use),
            since=None if key.valid_from == ALWAYS[0] else format_time(key.valid_from),
            until=None if key.valid_until == ALWAYS[1] else format_time(key.valid_until),
            revoked=reasons.get(key.kid),
            compromised_since=None if key.compromised_since is None else format_time(key.compromised_since),
        )
        for key in last.values()
    )
