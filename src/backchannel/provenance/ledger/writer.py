"""Append to a ledger: plain files, one writer at a time, nothing acknowledged is ever lost.

    with open_ledger(folder, key, sign) as ledger:
        appended = ledger.append(entries)

Tiles and bundles are written and brought to the disk first, and only then the checkpoint takes the place of
the one before. Killed at any instant, the ledger is as its checkpoint says: what lies beyond it is written anew.
A file that a checkpoint needs is never written a second time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from backchannel.errors import StoreError
from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint, signed_checkpoint
from backchannel.provenance.ledger.edge import Edge
from backchannel.provenance.ledger.layout import CHECKPOINT, TILE_WIDTH, Tile, tile_path
from backchannel.provenance.ledger.notes import VerifierKey
from backchannel.provenance.ledger.signatures import Sign
from backchannel.provenance.ledger.tiles import files_in
from backchannel.provenance.reasons import Reason, Rejected

LOCK_FILE: Final = ".lock"
DRAFT_FILE: Final = ".draft"
LOCK_WAIT_S: Final = 30.0
"""How long a writer waits for the one before it; a batch takes well under a second."""
_LOOK_AGAIN_S: Final = 0.02
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

_DAMAGED = (
    "Restore the ledger's folder from a backup, whole; never begin it anew: that would be a second ledger."
)


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append made."""

    first: int
    """Index of its first entry."""
    checkpoint: Checkpoint
    """Which holds it."""
    note: bytes
    """The checkpoint, signed."""


class Ledger:
    """An open ledger, held by its lock. Made by `open_ledger`."""

    def __init__(self, folder: Path, key: VerifierKey, sign: Sign, older: Sequence[VerifierKey]) -> None:
        self.folder = folder
        self._key, self._sign, self._older = key, sign, older
        self.checkpoint, self.note, self._edge = self._recover()

    def append(self, entries: Iterable[bytes]) -> Appended:
        """Append entries in their order, with a checkpoint that holds them all. No entries: nothing changes.

        Args:
            entries: at most 65,535 bytes each; read once, and held 256 at a time.

        Raises:
            StoreError: the folder cannot be written; the ledger is as it was then.
            ValueError: an entry is too large; likewise.
        """
        edge, first = self._edge.copy(), self._edge.size
        written: list[Tile] = []
        try:
            rest = iter(entries)
            while taken := list(islice(rest, edge.room)):
                written += (self._write(tile, data) for tile, data in edge.add(taken))
            if edge.size == first:
                return Appended(first, self.checkpoint, self.note)
            written += (self._write(tile, data) for tile, data in edge.partial(first))
            self._bring_to_disk(written)
            checkpoint, note = self._publish(edge)
        except OSError as error:
            raise StoreError(
                f"the ledger in {self.folder} cannot be written: {error.strerror}",
                hint="Make room on the disk, or correct the rights of the folder; nothing was entered.",
            ) from error
        self._edge, self.checkpoint, self.note = edge, checkpoint, note
        self._drop_partials(written)
        return Appended(first, checkpoint, note)

    def replace_note(self, note: bytes) -> None:
        """Put the same checkpoint with more signatures in the place of the one that is there.

        Raises:
            Rejected: it is not the checkpoint of now (`WRONG_LEDGER`), or not signed as it has to be.
            StoreError: it cannot be written.
        """
        checkpoint, _ = open_checkpoint(note, self._key)
        if checkpoint != self.checkpoint:
            raise Rejected(Reason.WRONG_LEDGER, "cosignatures of another checkpoint than the newest")
        try:
            self._put_checkpoint(note)
        except OSError as error:
            raise StoreError(f"{self.folder / CHECKPOINT} cannot be written: {error.strerror}") from error
        self.note = note

    # --- Opening ---

    def _recover(self) -> tuple[Checkpoint, bytes, Edge]:
        """Return checkpoint and edge as the files have them, and see that they belong together."""
        fetch = files_in(self.folder)
        note = fetch(CHECKPOINT)
        if note is None:
            if (self.folder / "tile").exists():
                raise StoreError(
                    f"the ledger in {self.folder} has lost its checkpoint: what was entered cannot be proved",
                    hint=_DAMAGED,
                )
            edge = Edge()
            return *self._publish(edge), edge  # first of all: without it, tiles mean that one was lost
        checkpoint, signed = open_checkpoint(note, self._key, *self._older)
        try:
            edge = Edge.read(fetch, checkpoint.size)
        except Rejected as error:
            raise StoreError(
                f"the ledger in {self.folder} is damaged: {error.message}", hint=_DAMAGED
            ) from error
        if edge.root() != checkpoint.root:
            raise StoreError(
                f"the ledger in {self.folder} is damaged: its last tiles do not give the root of its checkpoint",
                hint=_DAMAGED,
            )
        if not signed.by(self._key):  # the key was changed since
            return *self._publish(edge), edge
        return checkpoint, note, edge

    # --- Writing ---

    def _write(self, tile: Tile, data: bytes) -> Tile:
        """Write a file that no checkpoint needs yet; one that is cut off half-way is written anew.

        In its place at once, without a draft: what lies beyond the checkpoint is read by nobody.
        """
        path = f"{self.folder}/{tile_path(tile)}"
        try:
            handle = os.open(path, _NEW)
        except FileNotFoundError:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, _NEW)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return tile

    def _bring_to_disk(self, tiles: Iterable[Tile]) -> None:
        """Make files and their names last through a power failure: one after the other, once all are written."""
        folders = {str(self.folder)}
        for tile in tiles:
            path = f"{self.folder}/{tile_path(tile)}"
            _sync(path)
            while (path := path.rpartition("/")[0]) not in folders:
                folders.add(path)
        for folder in folders:
            _sync(folder)

    def _publish(self, edge: Edge) -> tuple[Checkpoint, bytes]:
        checkpoint = Checkpoint(self._key.name, edge.size, edge.root())
        note = signed_checkpoint(checkpoint, self._key, self._sign)
        open_checkpoint(note, self._key)  # a private key that is not the key's other half would lock us out
        self._put_checkpoint(note)
        return checkpoint, note

    def _put_checkpoint(self, note: bytes) -> None:
        draft = self.folder / DRAFT_FILE
        with draft.open("wb") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / CHECKPOINT)
        _sync(self.folder)

    def _drop_partials(self, written: Iterable[Tile]) -> None:
        """Remove the partial files whose full one is there now (tlog-tiles, "Partial Tiles")."""
        for tile in written:
            if tile.width == TILE_WIDTH:
                partial = self.folder / f"{tile_path(tile)}.p"
                shutil.rmtree(
                    partial, ignore_errors=True
                )  # what stays is harmless, and never read in its place


@contextmanager
def open_ledger(
    folder: Path,
    key: VerifierKey,
    sign: Sign,
    *,
    older: Sequence[VerifierKey] = (),
    wait_s: float = LOCK_WAIT_S,
) -> Iterator[Ledger]:
    """Open the ledger in `folder` to append to it; make it where there is none. Nobody else writes meanwhile.

    Args:
        folder: holds the ledger and nothing else.
        key: the ledger's own; its name is the ledger's name.
        sign: has its private half.
        older: keys of this ledger that `key` has replaced; a checkpoint of one of them is signed anew.
        wait_s: how long to wait for another writer.

    Raises:
        StoreError: the folder cannot be written, is held by another writer, or what it holds is damaged.
        Rejected: its checkpoint is not one of `key`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / LOCK_FILE).open("ab")
    except OSError as error:
        raise StoreError(f"the ledger in {folder} cannot be opened: {error.strerror}") from error
    with lock:
        _wait_for(lock.fileno(), folder, wait_s)
        try:
            ledger = Ledger(folder, key, sign, older)
        except OSError as error:
            raise StoreError(f"the ledger in {folder} cannot be written: {error.strerror}") from error
        yield ledger


def _wait_for(handle: int, folder: Path, wait_s: float) -> None:
    """Take the lock; the system lets go of it when the process ends, however it ends."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StoreError(
                    f"another process has been writing the ledger in {folder} for more than {wait_s:.0f} seconds",
                    hint="Wait until it ends, then run this command again.",
                ) from None
            time.sleep(_LOOK_AGAIN_S)


def _sync(path: Path | str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
