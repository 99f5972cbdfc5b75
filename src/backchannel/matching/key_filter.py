"""Which values can meet an entry at all, told in memory: for a set that judges a few values at a time, for long.

A hunt narrows millions of cells at once in SQL. A watch has some hundreds every few milliseconds, and to ask the
database for each of these costs more than all the rest. Eight bytes are kept of each entry, in order.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from hashlib import md5
from typing import TYPE_CHECKING, Final

from backchannel.matching.index import block_probe
from backchannel.observables.hosts import parent_keys
from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.urls import host_of

if TYPE_CHECKING:
    from backchannel.matching.engine import Connection

MAX_BESIDE: Final = 20_000
"""Entries that came later and stand beside the ordered ones; with more, all are ordered anew."""
MAX_ORDERED: Final = 1_000_000
"""Entries that the database orders at once: bounds the memory that takes."""
_DIGESTS: Final = 2**64
_FETCHED: Final = 20_000
_HALF: Final = slice(8, 16)
"""Bytes of a digest that DuckDB calls its lower number."""
_TEXT: Final = "CASE WHEN operator IN ('equal', 'below') THEN kind || ':' || key ELSE probe END"
"""What an entry is kept under: its key, or what a block or the beginning of a URL is filed under."""


class KeyFilter:
    """Lets through every value that meets an entry (but plain texts), and hardly another."""

    def __init__(self) -> None:
        """Let nothing through yet."""
        self._ordered: array[int] = array("Q")
        self._beside: set[int] = set()

    def __len__(self) -> int:
        return len(self._ordered) + len(self._beside)

    def add(self, database: Connection, source: str) -> None:
        """Let through what meets an entry of some files, too.

        Args:
            database: reads them.
            source: the files, in SQL.
        """
        (count,) = database.execute(f"SELECT count(*) FROM {source}").fetchall()[0]  # noqa: S608
        parts = 1 + count // MAX_ORDERED
        new: array[int] = array("Q")
        for part in range(parts):
            # MD5 because the database and Python both have it: who makes two texts with one digest lets more through.
            cursor = database.execute(
                f"SELECT digest FROM (SELECT md5_number_lower({_TEXT}) AS digest FROM {source} WHERE probe <> '*') "  # noqa: S608
                f"WHERE digest // {_DIGESTS // parts + 1} = {part} ORDER BY digest"
            )
            while rows := cursor.fetchmany(_FETCHED):
                new.extend([row[0] for row in rows])
        if not self._ordered:
            self._ordered = new
            return
        self._beside.update(new)
        if len(self._beside) > MAX_BESIDE:
            self._ordered = array("Q", sorted({*self._ordered, *self._beside}))
            self._beside.clear()

    def may_meet(self, seen: Observable) -> bool:
        """Whether a value may meet an entry; True where it does."""
        ordered, beside = self._ordered, self._beside
        for text in _texts(seen):
            digest = int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[_HALF], "little")
            place = bisect_left(ordered, digest)
            if (place < len(ordered) and ordered[place] == digest) or digest in beside:
                return True
        return False


def _texts(seen: Observable) -> list[str]:
    """Return all that an entry could be kept under which a value meets."""
    texts = [f"{seen.kind}:{seen.key.hex()}"]
    if seen.kind is Kind.DOMAIN:
        texts += [f"{seen.kind}:{key.hex()}" for key in parent_keys(seen.key)]
    elif seen.kind is Kind.ADDRESS:
        texts.append(block_probe(seen))
    elif seen.kind is Kind.URL:
        texts.append("u:" + host_of(seen.value))
    return texts
