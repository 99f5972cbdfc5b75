"""The documents about parties and keys: what `party` and `key` answer with `--json`, and the page of parties.

The rules for documents stand in `documents.py`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.desk.belief_documents import SourceGrades
from backchannel.desk.documents import Batch
from backchannel.desk.ledger_documents import LedgerEvidence, WatchedLedger
from backchannel.desk.receipt_documents import SentStanding
from backchannel.desk.tally_documents import TallyHeard


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation we exchange with, or ourselves."""

    id: str
    name: str
    self: bool
    added_at: str
    batches: int
    """Complete batches that came from it."""
    objects: int
    """Different objects in them, by id, version and content: one that came twice is counted once."""
    last_received_at: str | None
    standing: str = "unknown"
    """How far it is known: `unknown`, `introduced`, `verified`, `suspended` or `revoked`."""


class PartyEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What moved a party from one state to another."""

    at: str
    event: str
    before: str
    after: str
    note: str


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """How far a party is known, by which key, and what that allows (docs/formats/key-set.md)."""

    standing: str
    """`unknown`, `introduced`, `verified`, `suspended` or `revoked`."""
    root: str | None
    """`kid` of its root key; null for a party known by name only."""
    called: str | None
    """Its name as its card bears it, where that differs from what it is called here."""
    may_act: bool
    """Whether what it says may set something in motion without a person."""
    most_tlp: str | None
    """The highest TLP label of what it is sent; null: nothing."""
    best_letter: str
    """The best reliability it can have."""
    events: tuple[PartyEvent, ...]
    """Newest first, at most 20."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A card that does not fit what is known, and that a person has to decide about."""

    number: int
    """By which it is decided on the page of parties."""
    at: str
    reason: str
    """A reason code: `name-clash` or `key-clash`."""
    sentence: str
    party: str | None
    """The party that it does not fit."""
    card_name: str
    """The name on the card."""
    card_root: str
    """`kid` of the root key on the card."""


class SafetyNumber(msgspec.Struct, frozen=True, kw_only=True):
    """`party verify NAME --json`: what two people read to each other."""

    schema: Literal["backchannel.safety-number/1"] = "backchannel.safety-number/1"
    party: str
    digits: str
    """Twelve groups of five digits."""
    words: tuple[str, ...]
    """The same in eighteen words."""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """`party invite --json` and `party join --json`."""

    schema: Literal["backchannel.invitation/1"] = "backchannel.invitation/1"
    number: int
    """The number that its code begins with."""
    state: str
    """`waiting` for the joiner, `answered` by us, or `done`."""
    expires_at: str
    code: str | None = None
    """To be said by voice: once, when the invitation is made. It is a secret."""
    message: str | None = None
    """To be sent to the other side by any way; null where nothing is to be sent."""
    party: str | None = None
    """Whom we know by it, once it is done."""


class ContactCard(msgspec.Struct, frozen=True, kw_only=True):
    """`party card --json`: our own contact card."""

    schema: Literal["backchannel.contact-card/1"] = "backchannel.contact-card/1"
    party: str
    root: str
    """`kid` of our root key."""
    recipient: str
    """Our key for drops, as age spells it."""
    text: str
    """The card as a block of text for mail and chat."""
    qr: str
    """The text of its QR code."""


class RecoveryKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys with which we come back if the root key is lost."""

    k: int
    """How many of them it takes."""
    of: int


class KeyCare(msgspec.Struct, frozen=True, kw_only=True):
    """`key show|rotate|revoke|recovery|recover|passphrase|restore --json`: our keys as they are now."""

    schema: Literal["backchannel.keys/1"] = "backchannel.keys/1"
    version: int
    """Version of our key set."""
    root: str
    """`kid` of our root key."""
    root_is_here: bool
    """Whether the private half of it lies in the node's folder."""
    sealed: bool
    """Whether the private keys are kept under a passphrase."""
    keys: dict[str, str]
    """Use to `kid`."""
    recovery: RecoveryKeys | None = None
    """Null: there are none, and a lost root key is lost for good."""
    revoked: tuple[str, ...] = ()
    """`kid` of each key that we revoked, oldest first."""
    waiting: int = 0
    """Parties that something waits for: it goes with the next drop to each."""


class Parties(msgspec.Struct, frozen=True, kw_only=True):
    """`party list --json`: ourselves first, then by name."""

    schema: Literal["backchannel.parties/1"] = "backchannel.parties/1"
    parties: tuple[Party, ...]
    alarms: tuple[Alarm, ...] = ()
    """Cards that do not fit what is known, and wait for a person; oldest first."""


class PartyDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`party show NAME --json` and `party add NAME --json`."""

    schema: Literal["backchannel.party/1"] = "backchannel.party/1"
    party: Party
    fingerprint: str | None
    """SHA-256 of its public key, hexadecimal; null for a party known by name only."""
    batches: tuple[Batch, ...] = ()
    """Its last batches, newest first, at most 10."""
    reads: tuple[str, ...] = ()
    """Titles of the collections of ours that it may read with a credential of its own."""
    writes: tuple[str, ...] = ()
    membership: Membership | None = None
    """How far it is known; null for ourselves."""
    ledger: WatchedLedger | None = None
    """Its ledger, as we saw it; null where none is known."""
    evidence: tuple[LedgerEvidence, ...] = ()
    """What shows that it rewrote it."""
    reliability: SourceGrades | None = None
    """How far it can be relied on, by what its reports turned out to be; and the sources that it hides."""


class PartyKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a party, and when it counts."""

    kid: str
    use: str
    """`root`, `sign`, `age`, `log`, `cosign`, or a use that a later version knows."""
    since: str | None
    """Null: by its card only, which does not say."""
    until: str | None
    """Null: as long as it is on the card."""
    revoked: str | None = None
    """Why it was revoked: `stolen`, `lost`, `replaced` or `closed`; null: it was not."""
    compromised_since: str | None = None
    """Since when another may have had it."""


class PartyKeySet(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a party's key set."""

    version: int
    at: str
    """When it came here."""
    change: str
    """`first`, `rotated` or `recovered`."""
    root: str
    """`kid` of the root key that it names."""
    expires: str


class PartyPage(msgspec.Struct, frozen=True, kw_only=True):
    """`/parties/NAME.json`: all that is known of one party, or of ourselves."""

    schema: Literal["backchannel.party-page/1"] = "backchannel.party-page/1"
    about: PartyDetail
    safety_number: SafetyNumber | None
    """What both sides read aloud; null for ourselves, and where one of the cards is missing."""
    card: ContactCard | None
    """Its contact card, or ours; null: known by name only, or never made."""
    introducers: tuple[str, ...]
    """Who vouched for its card, in words."""
    keys: tuple[PartyKey, ...]
    key_sets: tuple[PartyKeySet, ...]
    """Newest first."""
    alarms: tuple[Alarm, ...]
    """Cards that do not fit this party, and wait for a person."""
    sent: tuple[SentStanding, ...]
    """Drops that it was sent, newest first, at most 10, with what it said back."""
    waiting: int
    """Statements that go with the next drop to it."""
    tallies: tuple[TallyHeard, ...] = ()
    """What it told us of what our intelligence did there, newest first."""
