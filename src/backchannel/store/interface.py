"""What the desk asks of a store, whichever database keeps it. Nothing here knows SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from backchannel.ids import BatchId, PartyId, StixId
from backchannel.stix.findings import Finding
from backchannel.store.belief import Beliefs
from backchannel.store.carried import CarriedFiles
from backchannel.store.comparisons import Comparisons
from backchannel.store.derivations import Derivations
from backchannel.store.exchange import Collected, Collections, Credentials, Statuses
from backchannel.store.floors import Floors
from backchannel.store.given import Given
from backchannel.store.leaves import Leaves
from backchannel.store.membership import Membership
from backchannel.store.places import Places
from backchannel.store.polled import Channels
from backchannel.store.redacted import Redacted
from backchannel.store.requests import Requests
from backchannel.store.rows import (
    Arrived,
    BatchCounts,
    BatchRow,
    First,
    Held,
    InputFile,
    Kept,
    KeptArrival,
    Opened,
    PartyRow,
    PartyTally,
)
from backchannel.store.served import Served
from backchannel.store.sightlines import Sightlines
from backchannel.store.statements import Statements
from backchannel.store.witness import Witness


class Objects(Protocol):
    """What was received: objects, arrivals, findings, references."""

    def held(self, ids: Iterable[str]) -> dict[str, list[Held]]:
        """Return what is kept under `ids`, undone batches included; an id that nobody sent is missing."""
        ...

    def add(self, arrived: Arrived) -> None:
        """Add what one transaction of an import brings."""
        ...

    def current(self, stix_id: str) -> Kept | None:
        """Return the version in force."""
        ...

    def currents(self, ids: Iterable[str]) -> dict[str, Kept]:
        """Return the versions in force of several ids."""
        ...

    def all_versions(self, stix_id: str, *, at_most: int) -> list[Kept]:
        """Return every visible content of an id, newest version first, quarantined ones included."""
        ...

    def content(self, stix_id: str, digest: bytes) -> Kept | None:
        """Return the visible content of an id that has this digest, quarantined or not."""
        ...

    def ids_like(self, prefix: str, *, at_most: int) -> list[StixId]:
        """Return the ids of visible objects that begin with `prefix`, in order."""
        ...

    def newest(
        self, types: Sequence[str] | None, *, before: int | None, rows: int, scan: int
    ) -> tuple[list[Kept], int | None]:
        """Return up to `rows` current objects, newest first, and where to go on (None at the end).

        Args:
            types: STIX types wanted; None for all.
            before: where the page before ended: the first arrival of what it looked at last.
            rows: most objects returned.
            scan: most candidates looked at, superseded ones included: bounds the time of one page.
        """
        ...

    def firsts(self, object_rows: Iterable[int]) -> dict[int, First]:
        """Return how each object came."""
        ...

    def arrivals(self, stix_id: str, *, at_most: int) -> tuple[list[KeptArrival], int]:
        """Return the newest arrivals of all versions of an id, and how many there are."""
        ...

    def findings(self, object_rows: Iterable[int]) -> dict[int, tuple[Finding, ...]]:
        """Return the findings of each object; the same finding met in several imports is one."""
        ...

    def conflicts(self, object_rows: Iterable[int]) -> frozenset[int]:
        """Return those objects that another visible content under the same id and version contradicts."""
        ...

    def referring(
        self, target: str, *, properties: Sequence[str] | None, at_most: int
    ) -> list[tuple[str, Kept]]:
        """Return current objects that refer to `target`, each with the property; newest kept first."""
        ...

    def referring_with(
        self, target: str, *, properties: Sequence[str], beside: str, at_most: int, scan: int
    ) -> tuple[list[tuple[str, Kept]], bool]:
        """Return what refers to `target` and, so far as its text tells, to something else as well.

        Args:
            target: an id.
            properties: by which it refers to it.
            beside: how the id of something else begins; what is returned may name it in another property.
            at_most: most objects returned, for each property.
            scan: most references looked at, for each property.

        Returns:
            (property, object), and whether all references were looked at.
        """
        ...

    def uncompiled(self, object_rows: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """Return the parts of indicators' patterns that cannot be searched."""
        ...

    def counts(self) -> tuple[int, int, dict[str, int]]:
        """Return how many contents are visible, how many of them quarantined, and how many of each type."""
        ...

    def quarantined(self) -> int:
        """Return how many visible contents wait for a person."""
        ...


class Batches(Protocol):
    """What was done: imports, from opening to undoing."""

    def open(self, *, channel: str, tlp: str | None, at: str, files: Sequence[InputFile]) -> Opened:
        """Open a batch."""
        ...

    def foresee(self) -> Opened:
        """Return what `open` would return next: right for as long as the import lock is held."""
        ...

    def complete(self, batch_id: BatchId, counts: BatchCounts, *, party_row: int | None, at: str) -> None:
        """Let everything in the batch be seen."""
        ...

    def undo(self, batch_id: BatchId, *, at: str) -> None:
        """Take everything that only this batch brought out of sight."""
        ...

    def abandoned(self) -> list[BatchId]:
        """Return the batches still open, oldest first."""
        ...

    def remove_open(self, batch_id: BatchId) -> None:
        """Remove an open batch with all it added."""
        ...

    def get(self, batch_id: BatchId) -> BatchRow | None:
        """Return one batch."""
        ...

    def newest(self, *, before: BatchId | None, rows: int, party: str | None = None) -> list[BatchRow]:
        """Return batches that are complete or undone, newest first."""
        ...

    def last_complete(self) -> BatchRow | None:
        """Return the newest complete batch."""
        ...

    def channel_like(self, channel: str) -> str | None:
        """Return the first spelling in which a batch names that channel, upper and lower case alike."""
        ...

    def completed(self) -> int:
        """Return how many batches are complete."""
        ...

    def files(self, batch_ids: Iterable[BatchId], *, at_most: int) -> dict[BatchId, list[InputFile]]:
        """Return the files of each batch, at most so many of each."""
        ...

    def findings(self, batch_id: BatchId, *, at_most: int) -> tuple[list[Finding], int]:
        """Return a batch's findings, refusals first, and how many there are."""
        ...


class Parties(Protocol):
    """Whom we exchange with, and ourselves."""

    def add(
        self,
        party_id: PartyId,
        name: str,
        *,
        at: str,
        is_self: bool = False,
        public_key: bytes | None = None,
        made_by: BatchId | None = None,
    ) -> PartyRow:
        """Add a party."""
        ...

    def by_name(self, name: str) -> PartyRow | None:
        """Return the party of that name, upper and lower case alike, out of sight or not."""
        ...

    def name_of(self, party_row: int) -> str | None:
        """Return the name of a party; None: there is none of that row."""
        ...

    def ourselves(self) -> PartyRow | None:
        """Return the party this node belongs to."""
        ...

    def keep(self, party_row: int) -> bool:
        """Keep a party whatever becomes of the batch that made it; False if it was kept already."""
        ...

    def tallies(self, *, party_row: int | None = None) -> Iterator[PartyTally]:
        """Yield the parties in sight, ourselves first, then by name; it reads an index of all arrivals."""
        ...

    def others(self) -> int:
        """Count the parties in sight but ourselves."""
        ...

    def gave(self, party_row: int, *, at_most: int) -> list[StixId]:
        """Return the ids of objects that a party gave us, in the order in which they first came."""
        ...


class Store(Protocol):
    """Everything a node keeps."""

    @property
    def objects(self) -> Objects:
        """What was received."""
        ...

    @property
    def derivations(self) -> Derivations:
        """What was derived from what."""
        ...

    @property
    def redacted(self) -> Redacted:
        """As what objects went that went redacted."""
        ...

    @property
    def batches(self) -> Batches:
        """What was done."""
        ...

    @property
    def parties(self) -> Parties:
        """Whom we exchange with."""
        ...

    @property
    def membership(self) -> Membership:
        """How far they are known, and by what."""
        ...

    @property
    def sightlines(self) -> Sightlines:
        """What hunts saw and what we answered."""
        ...

    @property
    def leaves(self) -> Leaves:
        """What goes into the ledger."""
        ...

    @property
    def collections(self) -> Collections:
        """What we offer."""
        ...

    @property
    def credentials(self) -> Credentials:
        """To whom."""
        ...

    @property
    def collected(self) -> Collected:
        """What is in collections."""
        ...

    @property
    def statuses(self) -> Statuses:
        """What was posted, and what was sent."""
        ...

    @property
    def given(self) -> Given:
        """What parties were given without a drop."""
        ...

    @property
    def served(self) -> Served:
        """What left without a drop, and which of it the ledger has."""
        ...

    @property
    def channels(self) -> Channels:
        """Where we fetch and send by ourselves."""
        ...

    @property
    def carried(self) -> CarriedFiles:
        """What carries drops brought, and what went by it."""
        ...

    @property
    def floors(self) -> Floors:
        """How far objects may go at most, by what relays said."""
        ...

    @property
    def places(self) -> Places:
        """Where drops stand that came."""
        ...

    @property
    def statements(self) -> Statements:
        """What was signed, and what became of it."""
        ...

    @property
    def requests(self) -> Requests:
        """What parties ask of one another."""
        ...

    @property
    def comparisons(self) -> Comparisons:
        """What was compared with whom, without either showing the rest."""
        ...

    @property
    def witness(self) -> Witness:
        """Ledgers of others as we saw them, and ours as others saw it."""
        ...

    @property
    def beliefs(self) -> Beliefs:
        """How things turned out, where a person knows better, who told us what."""
        ...

    @property
    def version(self) -> int:
        """Number of the last migration it has seen."""
        ...

    def bytes_used(self) -> int:
        """Return the size on disk (bytes)."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything inside happen wholly or not at all; one inside another joins it."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """Let everything that is read inside be as it was at one moment; nothing is written inside."""
        ...

    def close(self) -> None:
        """Close it; a store is used no more after that."""
        ...
