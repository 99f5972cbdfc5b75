"""How far parties are known: their cards, the alarm, the safety number, and every change of state with its reason.

A party known by its name only is *unknown* and stays usable as a name (`parties.py`).
"""

from __future__ import annotations

from backchannel.clock import Clock, format_time
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.party_documents import ContactCard, Membership, PartyEvent, SafetyNumber
from backchannel.errors import NotFoundError, PolicyError, UsageError
from backchannel.ids import PartyId, new_id
from backchannel.parties.alarm import Known, alarms
from backchannel.parties.at_rest import Unseal
from backchannel.parties.card import Card, card_qr, card_text, read_any_card, read_card
from backchannel.parties.kid import Kid
from backchannel.parties.names import visible_name
from backchannel.parties.safety import SafetyNumber as Number
from backchannel.parties.safety import is_same_number, safety_number
from backchannel.parties.states import LIMITS, Event, Standing, moved
from backchannel.settings import checked_name
from backchannel.store.membership import EventRow
from backchannel.store.rows import PartyRow

LAST_EVENTS = 20


def meet(
    node: Node,
    clock: Clock,
    content: bytes,
    *,
    called: str | None = None,
    handed_over: bool = False,
    decided: bool = False,
) -> str:
    """Take a contact card, and return the name of the party that it is of.

    Args:
        node: ours.
        clock: now.
        content: the card as a file, a text or the text of a QR code.
        called: what the party is called here, where its own name is taken.
        handed_over: whether a person had it from the party in person: it is verified then.
        decided: whether a person looked at the alarm and takes the card all the same.

    Raises:
        KeyRefusedError: it is no card, or a bad one.
        PolicyError: it does not fit what is known; an alarm stands until a person decides.
        UsageError: the party's name is taken, or was revoked.
    """
    card = read_any_card(content)
    why = (
        "the card was handed over in person"
        if handed_over
        else "its card came without anybody vouching for it"
    )
    return enrol(
        node,
        clock,
        card,
        event=Event.COMPARED if handed_over else None,
        why=why,
        called=called,
        decided=decided,
    ).name


def contact_card(node: Node, clock: Clock, unseal: Unseal | None = None) -> ContactCard:
    """Return our own card in each of its forms.

    Raises:
        SignatureError: our keys are damaged, or need a passphrase.
    """
    card = own_keys(node, clock, unseal).card
    return ContactCard(
        party=card.name, root=card.root_kid, recipient=card.recipient, text=card_text(card), qr=card_qr(card)
    )


def enrol(
    node: Node,
    clock: Clock,
    card: Card,
    *,
    event: Event | None,
    why: str,
    called: str | None = None,
    decided: bool = False,
) -> PartyRow:
    """Keep a card that was read, and move its party by `event`.

    Raises:
        PolicyError: it does not fit what is known; an alarm stands until a person decides.
        UsageError: the party's name is taken, or it was revoked.
    """
    store, at = node.store, format_time(clock.now())
    if not decided:
        check_alarms(node, clock, card)
    with store.transaction():
        party = _party_of(node, card, called, at)
        if party.is_self:
            raise UsageError("the card is our own", hint="Give it to the other party, and take theirs.")
        store.membership.add_card(
            party.party_row, digest=card.digest, name=card.name, identity=card.party, body=card.data, at=at
        )
        store.membership.add_keys(party.party_row, root=card.root_kid, kids=card.kids)
        store.membership.decide_alarms(card.data, decision="taken", at=at)
        if event is not None:
            _move(node, party, event, why, at)
        elif not store.membership.events(party.party_row, at_most=1):
            note = EventRow(at, "card", Standing.UNKNOWN, Standing.UNKNOWN, why)
            store.membership.move(party.party_row, note)
    return party


def safety_of(node: Node, name: str) -> SafetyNumber:
    """Return the number that both sides compare.

    Raises:
        NotFoundError: there is no such party, or we have no card of it.
    """
    party, number = _number(node, name)
    return SafetyNumber(party=party.name, digits=number.shown, words=number.words)


def verify(node: Node, clock: Clock, name: str, said: str) -> str:
    """Hold the number that the other side read aloud against ours, and return the party's name.

    Raises:
        NotFoundError: there is no such party, or we have no card of it.
        PolicyError: it is another number. The party stays what it was.
        UsageError: it was revoked.
    """
    party, number = _number(node, name)
    if not is_same_number(number, said):
        raise PolicyError(
            f"that is not the number that we have with {visible_name(party.name)}: one of you has other keys",
            hint="Compare it once more from the beginning. If it differs again, do not use this party's keys.",
        )
    with node.store.transaction():
        _move(node, party, Event.COMPARED, "the safety number was compared", format_time(clock.now()))
    return party.name


def move(node: Node, clock: Clock, name: str, event: Event, why: str) -> str:
    """Suspend, resume or revoke a party, and return its name.

    Raises:
        NotFoundError: there is no such party.
        UsageError: that does not happen to a party in its state, or it is ourselves.
    """
    party = named(node, name)
    with node.store.transaction():
        _move(node, party, event, why, format_time(clock.now()))
    return party.name


def check_alarms(node: Node, clock: Clock, card: Card) -> None:
    """Stop a card that does not fit what is known, and keep the alarm. Not inside a transaction, which would undo it.

    Raises:
        PolicyError: it does not fit.
    """
    rows = {row.identity: row.party for row in node.store.membership.known()}
    raised = alarms(card, _known(node))
    if not raised:
        return
    with node.store.transaction():
        for alarm in raised:
            node.store.membership.add_alarm(
                reason=alarm.reason,
                sentence=alarm.sentence,
                party_row=rows[alarm.known.party].party_row,
                card=card.data,
                at=format_time(clock.now()),
            )
    raise PolicyError(
        f"{raised[0].reason}: {raised[0].sentence}. Nothing of it was taken",
        hint="Call the party on a number that you had before. If the card is theirs: the same command with --decided.",
    )


def named(node: Node, name: str) -> PartyRow:
    """Return the party of a name, in any case.

    Raises:
        NotFoundError: there is none.
    """
    party = node.store.parties.by_name(name.strip())
    if party is None:
        raise NotFoundError(f"there is no party {name.strip()!r}", hint="See `backchannel party list`.")
    return party


def membership_of(node: Node, party_row: int) -> Membership:
    """Say how far a party is known, and by what."""
    membership = node.store.membership
    standing = Standing(membership.standing(party_row))
    known = next(one for one in membership.known() if one.party.party_row == party_row)
    limits = LIMITS[standing]
    return Membership(
        standing=standing,
        root=known.root,
        called=known.name if known.name != known.party.name else None,
        may_act=limits.may_act,
        most_tlp=limits.most_tlp,
        best_letter=limits.best_letter,
        events=tuple(
            PartyEvent(at=one.at, event=one.event, before=one.before, after=one.after, note=one.note)
            for one in membership.events(party_row, at_most=LAST_EVENTS)
        ),
    )


def _known(node: Node) -> list[Known]:
    return [
        Known(
            PartyId(row.identity),
            row.name,
            Kid(row.root) if row.root else None,
            frozenset(map(Kid, row.kids)),
        )
        for row in node.store.membership.known()
    ]


def _party_of(node: Node, card: Card, called: str | None, at: str) -> PartyRow:
    """Return the party of a card: the one with its root key, the one known by that name only, or a new one."""
    store = node.store
    known = store.membership.by_root(card.root_kid)
    if known is not None:
        return known
    name = checked_name(called or card.name)
    named = store.parties.by_name(name)
    if named is None:
        taken = {row.party.party_id for row in store.membership.known()}
        identity = card.party if card.party not in taken else PartyId(new_id("identity"))
        return store.parties.add(identity, name, at=at)
    if any(row.root for row in store.membership.known() if row.party.party_row == named.party_row):
        raise UsageError(
            f"there is a party {visible_name(named.name)} already, with other keys",
            hint="Give this one another name: backchannel party add NAME --card FILE --decided.",
        )
    store.parties.keep(named.party_row)
    return named


def _move(node: Node, party: PartyRow, event: Event, why: str, at: str) -> None:
    if party.is_self:
        raise UsageError("that is ourselves", hint="See `backchannel party list` for the others.")
    membership = node.store.membership
    before = Standing(membership.standing(party.party_row))
    after = moved(before, event)
    membership.move(party.party_row, EventRow(at, event, before, after, why))


def _number(node: Node, name: str) -> tuple[PartyRow, Number]:
    party = named(node, name)
    body, ours = (node.store.membership.card(one.party_row) for one in (party, node.party))
    if body is None or ours is None:
        missing = party.name if body is None else "ourselves"
        raise NotFoundError(
            f"there is no contact card of {visible_name(missing)} here",
            hint="See `backchannel party card` for ours, and take theirs with `backchannel party add --card FILE`.",
        )
    # The name that a card bears, and the root key that a newer key set may have put in the place of the card's.
    roots = {one.party.party_row: one.root for one in node.store.membership.known()}
    (mine, my_root), (theirs, their_root) = (
        (read_card(card), roots[one.party_row]) for card, one in ((ours, node.party), (body, party))
    )
    return party, safety_number(
        (Kid(my_root or mine.root_kid), mine.name), (Kid(their_root or theirs.root_kid), theirs.name)
    )
