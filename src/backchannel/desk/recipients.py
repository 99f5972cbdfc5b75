"""To whom a drop goes: one party, its keys, how far it is known, and the channel that we have with it."""

from __future__ import annotations

from dataclasses import dataclass

from backchannel.desk.node import Node
from backchannel.desk.pinned import ALWAYS
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import PartyId
from backchannel.parties.age_keys import to_recipient
from backchannel.parties.card import Card, read_card
from backchannel.parties.keyset import read_keyset
from backchannel.parties.kid import Alg, Kid, Use, kid
from backchannel.parties.names import visible_name
from backchannel.parties.states import Standing
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.verification import KnownKey
from backchannel.stix.visible import visible
from backchannel.store.rows import PartyRow

LINE_CHARS = 8
"""Of each party's identity in the name of a line: told apart are the few lines between two parties."""
MAX_CHAN_CHARS = 40
"""Of the name of a foreign line that is shown."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A party that a drop can be made for."""

    party: PartyRow
    standing: Standing
    identity: PartyId
    """As its card bears it."""
    root: Kid
    sign: Kid
    """Who is addressed: inside the drop, by the key that the party signs with."""
    age: bytes
    """The public key (32 bytes) that it is encrypted to."""

    @property
    def age_kid(self) -> Kid:
        """The name of the key that it is encrypted to."""
        return kid(Alg.X25519, self.age)

    @property
    def age_key(self) -> KnownKey:
        """That key as a deniable drop is made for it; when it counts is judged by whoever pinned it."""
        return KnownKey(
            kid=self.age_kid,
            use=Use.AGE,
            public=self.age,
            party=self.party.party_id,
            name=self.party.name,
            valid_from=ALWAYS[0],
            valid_until=ALWAYS[1],
            alg=Alg.X25519,
        )

    @property
    def age_recipient(self) -> str:
        """That key as age spells it."""
        return to_recipient(self.age)


def recipient_of(node: Node, name: str) -> Recipient:
    """Return the party of a name with its newest keys.

    Raises:
        NotFoundError: there is no such party, or we have no keys of it.
        UsageError: it is ourselves.
    """
    party = node.store.parties.by_name(name.strip())
    if party is None:
        raise NotFoundError(f"there is no party {name.strip()!r}", hint="See `backchannel party list`.")
    if party.is_self:
        raise UsageError("that is ourselves", hint="See `backchannel party list` for the others.")
    body = node.store.membership.card(party.party_row)
    if body is None:
        raise NotFoundError(
            f"{visible_name(party.name)} is known by its name only: there are no keys to encrypt to",
            hint="Exchange cards: backchannel party invite, or backchannel party add NAME --card FILE.",
        )
    card = read_card(body)
    sign, age = _newest(node, party.party_row, card)
    standing = Standing(node.store.membership.standing(party.party_row))
    return Recipient(party, standing, card.party, card.root_kid, sign, age)


def channel_name(sender: str, recipient: str, *, is_deniable: bool = False) -> str:
    """Return what both sides call the line of drops from one party to another; it names nobody outside them.

    Deniable drops are a line of their own: they are issued by another key, under which they are counted.

    Args:
        sender: the identity that its contact card bears (`identity--...`): it outlives every key.
        recipient: likewise.
        is_deniable: whether it is the line of deniable drops.
    """
    first, second = (party.partition("--")[2][:LINE_CHARS] for party in (sender, recipient))
    return f"{first}-{second}-deniable" if is_deniable else f"{first}-{second}"


def check_channel(node: Node, sender: str, chan: str) -> None:
    """Check that a drop is of the line from its sender to us: else a sender could avoid every number by a new name.

    Args:
        node: ours.
        sender: id of the party that signed it.
        chan: what the drop calls its line.

    Raises:
        Rejected: `WRONG_CHANNEL`.
    """
    rows = node.store.membership.known()
    theirs = next((row.identity for row in rows if row.party.party_id == sender), sender)
    ours = next((row.identity for row in rows if row.party.is_self), node.party.party_id)
    if chan not in {channel_name(theirs, ours), channel_name(theirs, ours, is_deniable=True)}:
        raise Rejected(Reason.WRONG_CHANNEL, f"the line {visible(chan, max_chars=MAX_CHAN_CHARS)}")


def _newest(node: Node, party_row: int, card: Card) -> tuple[Kid, bytes]:
    """Return the party's newest keys for statements and for drops: its card's, unless a key set is newer."""
    rows = node.store.membership.key_sets(party_row)
    if rows and rows[-1].version > card.keyset_version:
        keyset = read_keyset(rows[-1].body)
        listed = {key.use: key for key in keyset.keys if key.until is None}
        if Use.SIGN in listed and Use.AGE in listed:
            return Kid(listed[Use.SIGN].kid), listed[Use.AGE].pub
    return kid(Alg.ED25519, card.sign), card.age
