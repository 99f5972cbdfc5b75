"""How a few hundred bytes are spelled where people carry them: a block of text for mail and chat, and a QR code.

The block is base64 between two lines that say what it is, and may stand in the middle of a letter. The QR form is
base32, which a QR code holds in its alphanumeric mode, which every phone reads as plain text, and which outlives
being copied into a chat, as raw bytes and the spaces of base45 do not.
"""

from __future__ import annotations

import base64
import binascii
import re

from backchannel.parties.refusals import KeyRefusedError, Refusal

LINE_CHARS = 64
MAX_BLOCK_CHARS = 100_000
"""Longest text in which a block is looked for (characters): a long letter."""


def to_block(kind: str, data: bytes) -> str:
    """Return `data` as a block of text of `kind` (upper-case words), with a line end behind it."""
    text = base64.b64encode(data).decode("ascii")
    lines = [text[i : i + LINE_CHARS] for i in range(0, len(text), LINE_CHARS)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])


def from_block(kind: str, text: str) -> bytes:
    """Return the bytes of the one block of `kind` in `text`; what stands around it does not count.

    Blanks at the ends of lines, marks of quotation (`> `) and other line ends are what mail makes of a text.

    Raises:
        KeyRefusedError: `too-large`, or `bad-form`: no block, two of them, or a damaged one.
    """
    if len(text) > MAX_BLOCK_CHARS:
        raise KeyRefusedError(
            Refusal.TOO_LARGE,
            f"the text is longer than {MAX_BLOCK_CHARS:,} characters",
            hint="Send the block alone.",
        )
    begin, end = re.escape(f"-----BEGIN {kind}-----"), re.escape(f"-----END {kind}-----")
    found = re.findall(rf"{begin}([A-Za-z0-9+/=\s>]*){end}", text)
    if len(found) != 1:
        how_many = "no whole block" if not found else f"{len(found)} blocks"
        raise KeyRefusedError(
            Refusal.BAD_FORM,
            f"the text holds {how_many} that begins with -----BEGIN {kind}-----",
            hint="Copy the block again, from its first line to its last.",
        )
    try:
        return base64.b64decode(re.sub(r"[\s>]", "", found[0]), validate=True)
    except binascii.Error:
        raise KeyRefusedError(
            Refusal.BAD_FORM,
            f"the block {kind} is damaged",
            hint="Copy it again, from its first line to its last.",
        ) from None


def to_qr(data: bytes) -> str:
    """Spell bytes as a QR code holds them: upper-case base32 (RFC 4648 §6) without padding."""
    return base64.b32encode(data).decode("ascii").rstrip("=")


def from_qr(text: str) -> bytes:
    """Return the bytes that `to_qr` spelled.

    Raises:
        ValueError: it is not base32.
    """
    return base64.b32decode(text + "=" * (-len(text) % 8))
