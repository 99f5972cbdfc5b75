"""A ledger's checkpoint in the headers of HTTP answers, and the proof that it grew from what the client saw. Pure.

> Backchannel-Checkpoint-Seen: 40
< Backchannel-Checkpoint: <the note in base64>
< Backchannel-Growth: <hashes in base64, parted by commas>
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from backchannel.provenance.ledger.notes import decode_base64
from backchannel.provenance.ledger.tree import HASH_BYTES, MAX_PROOF_HASHES

CHECKPOINT_HEADER: Final = "backchannel-checkpoint"
SEEN_HEADER: Final = "backchannel-checkpoint-seen"
"""Of a request: the size of the checkpoint that the client cosigned last, so that it is answered with a proof."""
GROWTH_HEADER: Final = "backchannel-growth"
MAX_NOTE_BYTES: Final = 4_000
"""Longest note in a header: proxies take 8 KiB for all headers of an answer."""


def format_growth(hashes: Iterable[bytes]) -> str:
    """Return the value of `Backchannel-Growth`."""
    return ",".join(b64encode(one).decode() for one in hashes)


def read_checkpoint(headers: Mapping[str, str]) -> tuple[bytes, tuple[bytes, ...]] | None:
    """Return the checkpoint of an answer and the hashes of its proof; None where there is none that can be read.

    Args:
        headers: names in lower case.
    """
    note = decode_base64(headers.get(CHECKPOINT_HEADER, ""))
    if not note or len(note) > MAX_NOTE_BYTES:
        return None
    words = headers.get(GROWTH_HEADER, "").split(",", MAX_PROOF_HASHES)
    hashes = tuple(decode_base64(word.strip()) or b"" for word in words if word.strip())
    proves = len(hashes) <= MAX_PROOF_HASHES and all(len(one) == HASH_BYTES for one in hashes)
    return note, hashes if proves else ()
