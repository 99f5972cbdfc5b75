"""Where the files of a ledger lie, and how wide each is (C2SP tlog-tiles). Pure.

A tile is 256 consecutive hashes of one level; an entry bundle is the 256 entries below a tile of level 0. The
last of a row is partial and has its width in its name, so that no file ever changes once a checkpoint needs it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

CHECKPOINT: Final = "checkpoint"
TILE_BITS: Final = 8
TILE_WIDTH: Final = 1 << TILE_BITS
"""Hashes of a full tile, entries of a full bundle."""
MAX_TILE_LEVEL: Final = 63
ENTRIES: Final = -1
"""Stands in the place of a tile's level for an entry bundle."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One file below `tile/`."""

    level: int
    """0 to 63, or `ENTRIES`."""
    index: int
    width: int
    """1 to 256."""


def tile_path(tile: Tile) -> str:
    """Return where a file lies, below the ledger's folder: `tile/0/x001/x234/067` or `tile/entries/000.p/15`."""
    level = "entries" if tile.level == ENTRIES else str(tile.level)
    digits = f"{tile.index:d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" + (f".p/{tile.width}" if tile.width < TILE_WIDTH else "")


_PATH = re.compile(r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/){0,6}\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


def parse_tile_path(path: str) -> Tile:
    """Read what `tile_path` writes, in that one spelling.

    Raises:
        ValueError: it is no such path.
    """
    match = _PATH.fullmatch(path)
    if match is not None:
        level, name, width = match.groups()
        tile = Tile(
            ENTRIES if level == "entries" else int(level),
            int(name.replace("x", "").replace("/", "")),
            int(width) if width else TILE_WIDTH,
        )
        if (
            tile.level <= MAX_TILE_LEVEL
            and (not width or tile.width < TILE_WIDTH)
            and tile_path(tile) == path
        ):
            return tile
    raise ValueError(f"not the path of a tile: {path[:80]!r}")


def row_widths(size: int) -> list[int]:
    """Return how many hashes the tiles of each level hold together, for a tree of `size` leaves."""
    widths = []
    while size:
        widths.append(size)
        size >>= TILE_BITS
    return widths


def tile_at(level: int, index: int, size: int) -> Tile:
    """Return the tile of a level (or the entry bundle) at `index`, as wide as a tree of `size` leaves has it.

    Raises:
        ValueError: such a tree has no such tile.
    """
    row = size >> TILE_BITS * max(level, 0)
    width = min(row - index * TILE_WIDTH, TILE_WIDTH)
    if width < 1 or index < 0:
        raise ValueError(f"a tree of {size} leaves has no tile {index} of level {level}")
    return Tile(level, index, width)
