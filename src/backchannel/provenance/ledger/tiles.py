"""Read a ledger's files: tiles and entry bundles, each in its exact width or cut out of the full one.

Files prove nothing by themselves: what is made of them counts once a proof made from them verifies against a
signed checkpoint, or once `audit` has walked them all.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from backchannel.errors import InputError
from backchannel.provenance.ledger.bundles import MAX_ENTRY_BYTES, parse_bundle
from backchannel.provenance.ledger.layout import ENTRIES, TILE_BITS, TILE_WIDTH, Tile, tile_at, tile_path
from backchannel.provenance.ledger.tree import HASH_BYTES, row_above
from backchannel.provenance.reasons import Reason, Rejected

Fetch = Callable[[str], bytes | None]
"""Gives the bytes of a file below the ledger's folder, or None where there is none."""

MAX_FILE_BYTES: Final = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)
"""A full bundle of the largest entries (bytes); no file of a ledger is larger."""
CACHED_TILES: Final = 64
"""Tiles kept while proofs are made, each with its inner hashes: 16 KiB a tile."""

Rows = list[list[bytes]]
"""The hashes of a tile, and level by level those above them, as far as they are complete subtrees."""


def files_in(folder: Path) -> Fetch:
    """Return what reads the files of the ledger in `folder`.

    Reading raises InputError where a file cannot be read, and Rejected (`TOO_LARGE`) where it is larger than any.
    """

    def fetch(path: str) -> bytes | None:
        try:
            with (folder / path).open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"{folder / path} cannot be read: {error.strerror}") from error
        if len(data) > MAX_FILE_BYTES:
            raise Rejected(Reason.TOO_LARGE, f"{path} is larger than any file of a ledger")
        return data

    return fetch


def fetch_tile(fetch: Fetch, tile: Tile) -> tuple[bytes, bool]:
    """Return the bytes of a tile or bundle, and whether they came from the full one instead of the partial.

    Raises:
        Rejected: `MISSING_TILE`, neither is there.
    """
    data = fetch(tile_path(tile))
    if data is not None:
        return data, False
    if tile.width < TILE_WIDTH:
        data = fetch(tile_path(replace(tile, width=TILE_WIDTH)))
        if data is not None:
            return data, True
    raise Rejected(Reason.MISSING_TILE, tile_path(tile))


def read_hashes(fetch: Fetch, tile: Tile) -> list[bytes]:
    """Return the hashes of a tile.

    Raises:
        Rejected: `MISSING_TILE`, or `BAD_TILE`, its length is not that of its width.
    """
    data, is_full = fetch_tile(fetch, tile)
    wanted = (TILE_WIDTH if is_full else tile.width) * HASH_BYTES
    if len(data) != wanted:
        raise Rejected(Reason.BAD_TILE, f"{tile_path(tile)} has {len(data)} bytes instead of {wanted}")
    return [data[at : at + HASH_BYTES] for at in range(0, tile.width * HASH_BYTES, HASH_BYTES)]


def read_entries(fetch: Fetch, bundle: Tile) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        Rejected: `MISSING_TILE`, or `BAD_TILE`, it does not hold exactly as many as its name says.
    """
    data, is_full = fetch_tile(fetch, bundle)
    held = TILE_WIDTH if is_full else bundle.width
    try:
        entries = parse_bundle(data, held)
    except Rejected as error:
        raise Rejected(error.reason, f"{tile_path(bundle)}: {error.detail}") from None
    if sum(len(entry) + 2 for entry in entries) != len(data):
        raise Rejected(Reason.BAD_TILE, f"{tile_path(bundle)} holds more than {held} entries")
    return entries[: bundle.width]


def rows_above(hashes: list[bytes]) -> Rows:
    """Return a tile's hashes and the hashes of the complete subtrees above them, up to the tile's own height."""
    rows = [hashes]
    for _ in range(TILE_BITS):
        rows.append(row_above(rows[-1]))
    return rows


class Tiles:
    """The tree in a ledger's files, as a checkpoint of `size` has it."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self.size = size
        self._fetch = fetch
        self._held: OrderedDict[tuple[int, int], Rows] = OrderedDict()

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree (`tree.Node`).

        Raises:
            Rejected: `MISSING_TILE` or `BAD_TILE`.
            ValueError: the tree has no such subtree.
        """
        tile_level, above = divmod(level, TILE_BITS)
        tile_index, within = divmod(index, TILE_WIDTH >> above)
        return self._rows(tile_level, tile_index)[above][within]

    def entry(self, index: int) -> bytes:
        """Return the entry at `index`.

        Raises:
            Rejected: `MISSING_TILE` or `BAD_TILE`.
            ValueError: the ledger has no such entry.
        """
        bundle = tile_at(ENTRIES, index // TILE_WIDTH, self.size)
        if not 0 <= index < self.size:
            raise ValueError(f"a ledger of {self.size} entries has none at {index}")
        return read_entries(self._fetch, bundle)[index % TILE_WIDTH]

    def _rows(self, level: int, index: int) -> Rows:
        held = self._held.get((level, index))
        if held is not None:
            self._held.move_to_end((level, index))
            return held
        rows = rows_above(read_hashes(self._fetch, tile_at(level, index, self.size)))
        self._held[level, index] = rows
        if len(self._held) > CACHED_TILES:
            self._held.popitem(last=False)
        return rows
