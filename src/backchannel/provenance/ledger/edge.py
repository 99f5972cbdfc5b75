"""The right edge of a growing tree: what is needed to add leaves and to know the root, and no more. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from backchannel.provenance.ledger.bundles import format_bundle
from backchannel.provenance.ledger.layout import ENTRIES, TILE_WIDTH, Tile, tile_at
from backchannel.provenance.ledger.tiles import Fetch, read_entries, read_hashes, rows_above
from backchannel.provenance.ledger.tree import EMPTY_ROOT, Node, inner_hash, leaf_hashes, row_above


@dataclass(slots=True)
class Edge:
    """The partial tiles of a tree, and the partial entry bundle."""

    size: int = 0
    rows: list[list[bytes]] = field(default_factory=lambda: [[]])
    """For each tile level the hashes of its last tile, fewer than 256."""
    entries: list[bytes] = field(default_factory=list)
    """Those of the last bundle, fewer than 256."""

    @classmethod
    def read(cls, fetch: Fetch, size: int) -> Self:
        """Read the edge of a ledger of `size` from its files.

        Raises:
            Rejected: `MISSING_TILE` or `BAD_TILE`.
        """
        edge = cls(size)
        edge.rows = []
        row = size
        while row or not edge.rows:
            index, width = divmod(row, TILE_WIDTH)
            edge.rows.append(read_hashes(fetch, Tile(len(edge.rows), index, width)) if width else [])
            row = index
        index, width = divmod(size, TILE_WIDTH)
        edge.entries = read_entries(fetch, Tile(ENTRIES, index, width)) if width else []
        return edge

    def copy(self) -> Self:
        """Return one that grows apart from this one."""
        return type(self)(self.size, [list(row) for row in self.rows], list(self.entries))

    @property
    def room(self) -> int:
        """How many entries the last bundle still takes."""
        return TILE_WIDTH - len(self.entries)

    def add(self, entries: list[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add entries, at most `room`, and yield the tiles and the bundle that they fill, with their bytes.

        Take all of them: the edge has grown once the last was given.
        """
        self.entries += entries
        self.rows[0] += leaf_hashes(entries)
        self.size += len(entries)
        if len(self.entries) == TILE_WIDTH:
            yield tile_at(ENTRIES, self.size // TILE_WIDTH - 1, self.size), format_bundle(self.entries)
            self.entries = []
        level = 0
        while len(self.rows[level]) == TILE_WIDTH:
            full = self.rows[level]
            index = (self.size >> 8 * (level + 1)) - 1
            yield Tile(level, index, TILE_WIDTH), b"".join(full)
            self.rows[level] = []
            level += 1
            if level == len(self.rows):
                self.rows.append([])
            self.rows[level].append(rows_above(full)[-1][0])

    def partial(self, since: int) -> Iterator[tuple[Tile, bytes]]:
        """Yield the partial tiles and the partial bundle that the tree has, with their bytes.

        Args:
            since: a size for which they were yielded before; what is the same as then is left out.
        """
        if self.entries and self.size != since:
            yield tile_at(ENTRIES, self.size // TILE_WIDTH, self.size), format_bundle(self.entries)
        for level, row in enumerate(self.rows):
            if row and self.size >> 8 * level != since >> 8 * level:
                index = self.size >> 8 * (level + 1)
                yield Tile(level, index, len(row)), b"".join(row)

    def root(self) -> bytes:
        """Return the root of the tree."""
        root: bytes | None = None
        for row in self.rows:
            above = rows_above(row)
            # The complete subtrees of this tile from its right edge on, small to large.
            for height in range(8):
                if len(row) >> height & 1:
                    peak = above[height][(len(row) >> height) - 1]
                    root = peak if root is None else inner_hash(peak, root)
        return EMPTY_ROOT if root is None else root


def root_of(entries: Sequence[bytes]) -> bytes:
    """Return the root of a tree over `entries`, at once."""
    edge = Edge()
    for at in range(0, len(entries), TILE_WIDTH):
        for _ in edge.add(list(entries[at : at + TILE_WIDTH])):
            pass  # the tiles are not kept: the root is all that is wanted
    return edge.root()


def tree_of(entries: Sequence[bytes]) -> Node:
    """Return where the nodes of a tree over `entries` come from, all of it held in memory."""
    rows = [leaf_hashes(entries)]
    while len(rows[-1]) > 1:
        rows.append(row_above(rows[-1]))
    return lambda level, index: rows[level][index]
