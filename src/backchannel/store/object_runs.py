"""Which objects went out together, in few bytes: runs of their numbers, since most of a collection lies in a row."""

from __future__ import annotations

from collections.abc import Sequence

from backchannel import codec


def write_runs(object_rows: Sequence[int]) -> bytes:
    """Write numbers, in their order, as JSON: `[[first, last], ...]`, both inclusive."""
    if not object_rows:
        return b"[]"
    first, last = object_rows[0], object_rows[-1]
    if last - first == len(object_rows) - 1 and list(object_rows) == list(range(first, last + 1)):
        return codec.encode([[first, last]])  # found out some ten times faster than below
    runs = [[first, first]]
    for row in object_rows[1:]:
        if row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return codec.encode(runs)


def count_runs(runs: bytes) -> int:
    """Return how many numbers `write_runs` wrote."""
    return sum(last - first + 1 for first, last in codec.decode(runs))


def read_runs(runs: bytes) -> list[int]:
    """Read what `write_runs` wrote."""
    return [row for first, last in codec.decode(runs) for row in range(first, last + 1)]
