"""Our ledger copied into a folder for others: plain files, and the key beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backchannel.clock import Clock
from backchannel.desk.entering import append_if_open
from backchannel.desk.ledger_documents import LedgerExport
from backchannel.desk.own_ledger import ledger_folder, ledger_keys
from backchannel.errors import InputError, NotFoundError, UsageError
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint
from backchannel.provenance.ledger.layout import (
    CHECKPOINT,
    ENTRIES,
    TILE_WIDTH,
    row_widths,
    tile_at,
    tile_path,
)
from backchannel.provenance.ledger.notes import VerifierKey, format_vkey
from backchannel.provenance.ledger.tiles import Fetch, fetch_tile, files_in
from backchannel.provenance.reasons import Rejected

if TYPE_CHECKING:
    from backchannel.desk.node import Node

VKEY_FILE = "log.vkey"
"""Beside the tiles of an export: the ledger's key, to be compared with one that came another way."""


def export_ledger(node: Node, clock: Clock, folder: Path, *, unseal: Unseal | None = None) -> LedgerExport:
    """Copy our ledger into a folder that can be served over HTTP as it is, or carried away.

    An older export in the same folder grows; the checkpoint is written last.

    Args:
        node: the open node.
        clock: gives the time of a checkpoint, where one has to be made.
        folder: where to; made where it is missing.
        unseal: opens keys under a passphrase; without it, what waits goes on waiting.

    Raises:
        NotFoundError: nothing was entered yet.
        UsageError: the folder holds another ledger, or something else.
        InputError: it cannot be written.
        Rejected: a file of the ledger is missing.
    """
    append_if_open(node, clock, unseal)
    keys, fetch = ledger_keys(node), files_in(ledger_folder(node.home))
    note = fetch(CHECKPOINT)
    if not keys or note is None:
        raise NotFoundError(
            "nothing was entered into the ledger yet", hint="It begins with the first import."
        )
    checkpoint, _ = open_checkpoint(note, *keys)
    _check_target(folder, keys)
    files = 2 + _copy_tiles(fetch, checkpoint, folder)
    vkeys = "".join(f"{format_vkey(key)}\n" for key in keys).encode()
    _write(folder / VKEY_FILE, vkeys)
    _write(folder / CHECKPOINT, note)
    return LedgerExport(
        folder=str(folder),
        origin=checkpoint.origin,
        size=checkpoint.size,
        files=files,
        vkey=format_vkey(keys[0]),
    )


def _check_target(folder: Path, keys: tuple[VerifierKey, ...]) -> None:
    if not folder.exists():
        return
    try:
        before = files_in(folder)(CHECKPOINT)
        if before is None and not any(folder.iterdir()):
            return
        if before is not None and open_checkpoint(before, *keys):
            return
    except (NotADirectoryError, Rejected):
        pass
    raise UsageError(
        f"{folder} holds something else than an export of this ledger", hint="Name an empty folder."
    )


def _copy_tiles(fetch: Fetch, checkpoint: Checkpoint, folder: Path) -> int:
    """Copy the files that a checkpoint needs; return how many there are."""
    tiles = [
        tile_at(level, index, checkpoint.size)
        for level, row in enumerate(row_widths(checkpoint.size))
        for index in range(-(-row // TILE_WIDTH))
    ]
    tiles += [replace(tile, level=ENTRIES) for tile in tiles if tile.level == 0]
    for tile in tiles:
        data, is_full = fetch_tile(fetch, tile)  # full: it grew since the checkpoint was read
        _write(folder / tile_path(replace(tile, width=TILE_WIDTH) if is_full else tile), data)
    return len(tiles)


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}", hint="Name another folder."
        ) from error
