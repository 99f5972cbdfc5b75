"""Sign notes and check who signed them: a ledger its own checkpoints, a witness those of others. Pure.

The ledger's key signs the text (C2SP signed-note, type 0x01). A witness signs the text and the time at which it
saw that the ledger had only grown (C2SP tlog-cosignature, type 0x04).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from backchannel.parties.signing import is_signed
from backchannel.provenance.ledger.notes import COSIGNATURE, Note, SignatureLine, VerifierKey
from backchannel.provenance.reasons import Reason, Rejected

Sign = Callable[[bytes], bytes]
"""Signs bytes with a private key that its owner keeps (Ed25519, RFC 8032)."""

_TIME_BYTES: Final = 8
MAX_TIME: Final = 2**63 - 1
"""Latest time of a cosignature (seconds since 1970; tlog-cosignature, "Format")."""


def signed(text: str, key: VerifierKey, sign: Sign) -> SignatureLine:
    """Sign the text of a note; `sign` has the private half of `key`."""
    return SignatureLine(key.name, key.key_id, sign(text.encode()))


def cosigned(text: str, key: VerifierKey, sign: Sign, *, at: int) -> SignatureLine:
    """Cosign the text of a checkpoint.

    Args:
        text: of the note.
        key: the witness's, of kind `COSIGNATURE`.
        sign: has its private half.
        at: seconds since 1970; not 0.

    Raises:
        ValueError: `at` is out of range.
    """
    if not 0 < at <= MAX_TIME:
        raise ValueError(f"a cosignature is made at a time after 1970, not at {at}")
    return SignatureLine(
        key.name, key.key_id, at.to_bytes(_TIME_BYTES, "big") + sign(_cosigned_bytes(text, at))
    )


def cosigned_at(line: SignatureLine) -> int:
    """Return the time that a cosignature states (seconds since 1970)."""
    return int.from_bytes(line.signature[:_TIME_BYTES], "big")


def is_by(key: VerifierKey, line: SignatureLine, text: str) -> bool:
    """Whether `line` is a signature of `key` (either kind) over `text`."""
    if key.kind != COSIGNATURE:
        return is_signed(key.public, line.signature, text.encode())
    at = cosigned_at(line)
    if len(line.signature) <= _TIME_BYTES or at > MAX_TIME:
        return False
    return is_signed(key.public, line.signature[_TIME_BYTES:], _cosigned_bytes(text, at))


def check_signed(note: Note, keys: Sequence[VerifierKey]) -> tuple[SignatureLine, ...]:
    """Return the signatures of `keys` under a note: all that claim to be of one of them must be right.

    Raises:
        Rejected: `BAD_SIGNATURE`, one does not verify; the whole note is refused then.
    """
    found = []
    for key in keys:
        for line in note.by(key):
            if not is_by(key, line, note.text):
                reason = Reason.BAD_COSIGNATURE if key.kind == COSIGNATURE else Reason.BAD_SIGNATURE
                raise Rejected(reason, f"of {key.name} under the note")
            found.append(line)
    return tuple(found)


def _cosigned_bytes(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()
