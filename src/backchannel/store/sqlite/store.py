"""The embedded store: one SQLite file, one small class for each room of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from backchannel.errors import StoreError
from backchannel.store.sqlite.answers import SqliteAnswers
from backchannel.store.sqlite.batches import SqliteBatches
from backchannel.store.sqlite.belief import SqliteBeliefs
from backchannel.store.sqlite.carried import SqliteCarriedFiles
from backchannel.store.sqlite.channels import SqliteChannels
from backchannel.store.sqlite.collected import SqliteCollected
from backchannel.store.sqlite.collections import SqliteCollections
from backchannel.store.sqlite.comparisons import SqliteComparisons
from backchannel.store.sqlite.connection import Database, create
from backchannel.store.sqlite.credentials import SqliteCredentials
from backchannel.store.sqlite.derivations import SqliteDerivations
from backchannel.store.sqlite.floors import SqliteFloors
from backchannel.store.sqlite.given import SqliteGiven
from backchannel.store.sqlite.hit_sums import SqliteHitSums
from backchannel.store.sqlite.hunts import SqliteHunts
from backchannel.store.sqlite.leaves import SqliteLeaves
from backchannel.store.sqlite.membership import SqliteMembership
from backchannel.store.sqlite.migrate import migrate
from backchannel.store.sqlite.objects import SqliteObjects
from backchannel.store.sqlite.parties import SqliteParties
from backchannel.store.sqlite.places import SqlitePlaces
from backchannel.store.sqlite.redacted import SqliteRedacted
from backchannel.store.sqlite.requests import SqliteRequests
from backchannel.store.sqlite.rule_numbers import SqliteRuleNumbers
from backchannel.store.sqlite.segments import SqliteSegments
from backchannel.store.sqlite.served import SqliteServed
from backchannel.store.sqlite.sightlines import SqliteSightlines
from backchannel.store.sqlite.statements import SqliteStatements
from backchannel.store.sqlite.statuses import SqliteStatuses
from backchannel.store.sqlite.warninglists import SqliteWarningLists
from backchannel.store.sqlite.watches import SqliteWatches
from backchannel.store.sqlite.witness import SqliteWitness


class SqliteStore:
    """Everything a node keeps, in one file."""

    def __init__(self, path: Path, *, make: bool = False) -> None:
        """Open the file and bring it to the present form.

        Args:
            path: the file; beside it lie its write-ahead log and shared memory while it is open.
            make: make it where it is missing.

        Raises:
            StoreError: it is missing, no store, damaged, or from a newer version.
        """
        if not path.is_file():
            if not make:
                raise StoreError(
                    f"the store {path} is missing",
                    hint="Restore it from a backup, or make a new node with `backchannel init --name NAME`.",
                )
            create(path)
        self.database = Database(path)
        self.version = migrate(self.database)
        self.objects = SqliteObjects(self.database)
        self.derivations = SqliteDerivations(self.database)
        self.redacted = SqliteRedacted(self.database)
        self.batches = SqliteBatches(self.database)
        self.parties = SqliteParties(self.database)
        self.membership = SqliteMembership(self.database)
        self.sightlines = SqliteSightlines(self.database)
        self.hunts = SqliteHunts(self.database)
        self.hit_sums = SqliteHitSums(self.database)
        self.watches = SqliteWatches(self.database)
        self.segments = SqliteSegments(self.database)
        self.answers = SqliteAnswers(self.database)
        self.warninglists = SqliteWarningLists(self.database)
        self.rule_numbers = SqliteRuleNumbers(self.database)
        self.collections = SqliteCollections(self.database)
        self.credentials = SqliteCredentials(self.database)
        self.collected = SqliteCollected(self.database)
        self.statuses = SqliteStatuses(self.database)
        self.channels = SqliteChannels(self.database)
        self.carried = SqliteCarriedFiles(self.database)
        self.floors = SqliteFloors(self.database)
        self.places = SqlitePlaces(self.database)
        self.statements = SqliteStatements(self.database)
        self.requests = SqliteRequests(self.database)
        self.comparisons = SqliteComparisons(self.database)
        self.given = SqliteGiven(self.database)
        self.served = SqliteServed(self.database)
        self.leaves = SqliteLeaves(self.database)
        self.witness = SqliteWitness(self.database)
        self.beliefs = SqliteBeliefs(self.database)

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything inside happen wholly or not at all; one inside another joins it."""
        return self.database.transaction()

    def snapshot(self) -> AbstractContextManager[None]:
        """Let everything that is read inside be as it was at one moment; nothing is written inside."""
        return self.database.snapshot()

    def bytes_used(self) -> int:
        """Return the size on disk (bytes), write-ahead log included."""
        path = self.database.path
        files = (path, path.with_name(path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Close every connection; the store is used no more after that."""
        self.database.close()
