"""Entry bundles: up to 256 entries, each behind its length in two bytes, big-endian (C2SP tlog-tiles). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from backchannel.provenance.reasons import Reason, Rejected

MAX_ENTRY_BYTES = 65_535
"""What a length of two bytes can say (C2SP tlog-tiles, "Log entries")."""
_LENGTH_BYTES = 2


def format_bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries as a bundle.

    Raises:
        ValueError: an entry is larger than `MAX_ENTRY_BYTES`.
    """
    lengths = [len(entry) for entry in entries]
    if lengths and max(lengths) > MAX_ENTRY_BYTES:
        raise ValueError(f"an entry has at most {MAX_ENTRY_BYTES} bytes, not {max(lengths)}")
    pairs = zip(lengths, entries, strict=True)
    return b"".join([length.to_bytes(_LENGTH_BYTES, "big") + entry for length, entry in pairs])


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the first `width` entries of a bundle; one that was read from a full file may hold more.

    Raises:
        Rejected: `BAD_TILE`, it ends too early or inside an entry.
    """
    entries: list[bytes] = []
    at = 0
    for _ in range(width):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise Rejected(Reason.BAD_TILE, f"a bundle of {width} entries ends after {len(entries)}")
        entries.append(data[start:at])
    return entries
