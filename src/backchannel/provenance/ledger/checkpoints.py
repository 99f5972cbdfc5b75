"""Checkpoints: a ledger's name, size and root, signed (C2SP tlog-checkpoint). Pure.

checkpoint, note = open_checkpoint(data, key)        # verified, and of this ledger
data = signed_checkpoint(Checkpoint("cert-alpha.example/ledger", 42, root), key, sign)
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from backchannel.provenance.ledger.notes import (
    ED25519,
    Note,
    VerifierKey,
    decode_base64,
    format_note,
    is_key_name,
    parse_note,
)
from backchannel.provenance.ledger.signatures import Sign, check_signed, signed
from backchannel.provenance.ledger.tree import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from backchannel.provenance.reasons import Reason, Rejected

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger says of itself at one size."""

    origin: str
    """Name of the ledger; it need not lead anywhere."""
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines. We write none, and rely on none: no witness vouches for them."""


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the text that is signed."""
    lines = (checkpoint.origin, str(checkpoint.size), b64encode(checkpoint.root).decode())
    return "".join(f"{line}\n" for line in (*lines, *checkpoint.extensions))


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note as a checkpoint.

    Raises:
        Rejected: `BAD_CHECKPOINT`.
    """
    lines = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or len(lines) < 3 or "" in lines:
        raise _bad("it has to have at least three lines, and none of them empty")
    origin, size_text, root_text, *extensions = lines
    size, root = parse_number(size_text), decode_base64(root_text)
    if size is None:
        raise _bad("its second line is no size")
    if root is None or len(root) != HASH_BYTES:
        raise _bad("its third line is no hash in base64")
    if size == 0 and root != EMPTY_ROOT:
        raise _bad("a ledger of size 0 has the root of the empty tree")
    return Checkpoint(origin, size, root, tuple(extensions))


def parse_number(text: str) -> int | None:
    """Read a size or an index: decimal, no leading zero, at most 2^63 - 1; None for anything else."""
    if _NUMBER.fullmatch(text) is None:
        return None
    number = int(text)
    return number if number <= MAX_SIZE else None


def signed_checkpoint(checkpoint: Checkpoint, key: VerifierKey, sign: Sign) -> bytes:
    """Sign a checkpoint with the ledger's own key, whose name is the ledger's.

    Raises:
        ValueError: the key is not one for this ledger.
    """
    if key.name != checkpoint.origin or key.kind != ED25519 or not is_key_name(key.name):
        raise ValueError(f"the key of {key.name!r} does not sign checkpoints of {checkpoint.origin!r}")
    text = format_checkpoint(checkpoint)
    return format_note(Note(text, (signed(text, key, sign),)))


def open_checkpoint(data: bytes, *keys: VerifierKey) -> tuple[Checkpoint, Note]:
    """Return a checkpoint that one of the ledger's pinned `keys` signed, and its note.

    Nothing of the text is looked at before a signature has verified.

    Raises:
        Rejected: `BAD_CHECKPOINT`, `TOO_LARGE` or `TOO_MANY`, it is not of the form; `UNKNOWN_KEY`, no pinned
            key signed it; `BAD_SIGNATURE`, a signature that claims to be of one does not verify; `WRONG_LEDGER`,
            it is of another ledger than its key.
    """
    note = parse_note(data)
    lines = check_signed(note, [key for key in keys if key.kind == ED25519])
    if not lines:
        raise Rejected(Reason.UNKNOWN_KEY, "no key that is pinned for this ledger signed the checkpoint")
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin not in {line.name for line in lines}:
        raise Rejected(Reason.WRONG_LEDGER, f"{checkpoint.origin[:80]!r} instead of {lines[0].name!r}")
    return checkpoint, note


def with_cosignatures(data: bytes, added: bytes, witnesses: Sequence[VerifierKey]) -> bytes:
    """Return a checkpoint with the cosignatures that known witnesses answered; those of others are left out.

    Args:
        data: the checkpoint, which the caller has opened.
        added: what a witness answered: one or more signature lines.
        witnesses: their keys, of kind `COSIGNATURE`.

    Raises:
        Rejected: `BAD_COSIGNATURE`, one does not verify; `BAD_CHECKPOINT`, `TOO_LARGE` or `TOO_MANY`, the answer is not
            of the form.
    """
    note = parse_note(data)
    answered = parse_note(note.text.encode() + b"\n" + added)
    new = [line for line in check_signed(answered, witnesses) if line not in note.signatures]
    return format_note(Note(note.text, (*note.signatures, *new)))


def _bad(why: str) -> Rejected:
    return Rejected(Reason.BAD_CHECKPOINT, why)
