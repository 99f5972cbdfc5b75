"""What the desk asks of a store about how far parties are known: cards, keys, states, invitations, alarms.

Times are RFC 3339 text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from backchannel.store.rows import PartyRow


class EventRow(NamedTuple):
    """One change of a party's state."""

    at: str
    event: str
    before: str
    after: str
    note: str


class KnownRow(NamedTuple):
    """A party with the keys it ever named."""

    party: PartyRow
    name: str
    """As its newest card bears it, else as it is called here."""
    identity: str
    """As its newest card bears it, else as it is kept here."""
    root: str | None
    """`kid` of its root key; None: known by its name only."""
    kids: frozenset[str]


class KeySetRow(NamedTuple):
    """One version of a party's key set that was taken."""

    version: int
    at: str
    change: str
    body: bytes
    statement: bytes | None


class RevocationRow(NamedTuple):
    """One revocation that was taken."""

    kid: str
    reason: str
    compromised_since: str | None
    at: str
    statement: bytes | None


class InvitationRow(NamedTuple):
    """One invitation, as inviter or joiner."""

    invitation_id: bytes
    side: str
    number: int
    digest: bytes | None
    """As joiner, of the code that was typed; as inviter, of the message that was answered."""
    state: str
    secret: bytes | None
    answer: str | None
    tries_left: int
    made_at: str
    expires_at: str
    party_row: int | None


class AlarmRow(NamedTuple):
    """A card that did not fit what is known."""

    alarm_row: int
    at: str
    reason: str
    sentence: str
    party: str | None
    """Name of the party that it does not fit."""
    card: bytes


class Membership(Protocol):
    """How far parties are known, and by what."""

    def standing(self, party_row: int) -> str:
        """Return the state of a party."""
        ...

    def standings(self) -> dict[str, str]:
        """Return the state of every party, by its name."""
        ...

    def move(self, party_row: int, change: EventRow) -> None:
        """Put a party into another state, and keep why."""
        ...

    def events(self, party_row: int, *, at_most: int) -> list[EventRow]:
        """Return the newest changes of a party's state, newest first."""
        ...

    def known(self) -> list[KnownRow]:
        """Return every party with the keys it ever named."""
        ...

    def by_root(self, kid: str) -> PartyRow | None:
        """Return the party whose root key that is or was."""
        ...

    def add_card(
        self, party_row: int, *, digest: str, name: str, identity: str, body: bytes, at: str
    ) -> None:
        """Keep a card; the same one again changes nothing."""
        ...

    def card(self, party_row: int) -> bytes | None:
        """Return the newest card of a party."""
        ...

    def add_keys(self, party_row: int, *, root: str, kids: Sequence[str]) -> None:
        """Keep the names of a party's keys; `root` becomes its root key."""
        ...

    def add_key_set(self, party_row: int, row: KeySetRow) -> None:
        """Keep a version of a party's key set."""
        ...

    def key_sets(self, party_row: int) -> list[KeySetRow]:
        """Return the versions of a party's key set, oldest first."""
        ...

    def add_revocation(self, party_row: int, row: RevocationRow) -> None:
        """Keep a revocation; it is never taken back."""
        ...

    def revocations(self, party_row: int) -> list[RevocationRow]:
        """Return the revocations of a party's keys, oldest first."""
        ...

    def add_vouch(
        self,
        introducer_row: int,
        party_row: int,
        *,
        digest: str,
        how: str,
        since: str,
        at: str,
        statement: bytes,
    ) -> bool:
        """Keep an introduction; False where the introducer vouched for that card before."""
        ...

    def introducers(self, party_row: int) -> list[tuple[str, str, str]]:
        """Return who introduced a party, how they know it, and since when."""
        ...

    def put_invitation(self, row: InvitationRow) -> None:
        """Keep an invitation in the place of what was kept of it."""
        ...

    def invitation(self, invitation_id: bytes) -> InvitationRow | None:
        """Return an invitation."""
        ...

    def open_numbers(self, *, at: str) -> frozenset[int]:
        """Return the numbers of our invitations that are still good at `at`."""
        ...

    def runs(self, digest: bytes) -> int:
        """Return how often a code was used as joiner."""
        ...

    def forget_invitations(self, *, before: str) -> None:
        """Take the secrets of invitations away that expired before a time."""
        ...

    def add_alarm(self, *, reason: str, sentence: str, party_row: int, card: bytes, at: str) -> None:
        """Keep an alarm; the same card again raises no second one while it is open."""
        ...

    def alarms(self) -> list[AlarmRow]:
        """Return the alarms that nobody decided, oldest first."""
        ...

    def decide_alarms(self, card: bytes, *, decision: str, at: str) -> int:
        """Close the open alarms about a card; return how many there were."""
        ...
