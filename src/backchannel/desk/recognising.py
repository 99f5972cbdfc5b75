"""What a file is that somebody was given, by its content alone: names and endings from outside say nothing."""

from __future__ import annotations

from enum import Enum
from typing import IO, Final

from backchannel import codec
from backchannel.desk.introducing import holds_introduction
from backchannel.desk.receipt_drops import MAX_FILE_BYTES
from backchannel.drop import limits, qr
from backchannel.drop.armor import BEGIN, is_armored
from backchannel.drop.guard import VERSION
from backchannel.parties import card, invite

LOOK_BYTES: Final = 64 * 2**10
"""Bytes that are looked at (bytes): what a file is shows in its beginning."""
MAX_TEXT_BYTES: Final = 2 * limits.MAX_TEXT_FILE_BYTES
"""Largest text in which parts are looked for (bytes): base64 and quoting take a third and more."""
_AGE: Final = VERSION.partition(b"/")[0]
"""How each version of an age file begins: opening it tells of which it is."""
_PART: Final = b"BCB-PART "
_BLANKS: Final = b" \t\r\n\xef\xbb\xbf"


class Kind(Enum):
    """What it is; its value says what else to do with it, where it is nothing that is received."""

    DROP = ""
    PARTS = "numbered parts of a drop"
    FRAMES = "the content of QR codes of a drop"
    STATEMENTS = "signed statements"
    INTRODUCTION = "an introduction"
    EMPTY = "it is empty: fetch or copy it again"
    CARD = "it is a contact card: take it with `backchannel party add --card FILE`"
    INVITATION = "it is a message of an invitation: go on with `backchannel party join FILE`"
    AROUND = "other words stand around the text of a drop: save it from its BEGIN line to its END line, and nothing else"
    INTELLIGENCE = "it is intelligence that nobody signed for you: take it with `backchannel import FILE`"
    PACKED = "it is a packed file: unpack it and receive what is in it, or `backchannel import FILE`"
    PICTURE = "it is a picture: read its QR code with a scanner, and receive what that saves"
    OTHER = "no drop, part of one, statement or introduction stands in it"


_PACKED: Final = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")
_PICTURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"RIFF")


def recognise(file: IO[bytes], size: int) -> Kind:
    """Say what a file is; it is read from its beginning, and rewound."""
    file.seek(0)
    prefix = file.read(LOOK_BYTES)
    file.seek(0)
    is_age = prefix.startswith(_AGE) or (prefix and _AGE.startswith(prefix))  # cut within its first line
    if is_age or is_armored(prefix):
        return Kind.DROP  # or an age file of something else
    if qr.is_frames(prefix):
        return Kind.FRAMES
    if prefix.startswith(_PACKED):
        return Kind.PACKED
    if prefix.startswith(_PICTURES):
        return Kind.PICTURE
    if not prefix.strip(_BLANKS):
        return Kind.EMPTY
    if prefix.lstrip(_BLANKS).startswith((b"{", b"[")):
        return _json(prefix, size)
    if _block(card.BLOCK) in prefix:
        return Kind.INTRODUCTION if holds_introduction(prefix) else Kind.CARD
    if _block(invite.BLOCK) in prefix:
        return Kind.INVITATION
    if size <= MAX_TEXT_BYTES and holds_part(file):
        return Kind.PARTS
    if BEGIN in prefix:
        return Kind.AROUND
    return Kind.OTHER


def holds_part(file: IO[bytes]) -> bool:
    """Whether the first line of a part stands anywhere in a file; it is rewound."""
    before = b""
    try:
        while data := file.read(LOOK_BYTES):
            if _PART in before + data:
                return True
            before = data[-len(_PART) :]
        return False
    finally:
        file.seek(0)


def _json(prefix: bytes, size: int) -> Kind:
    begin = prefix.lstrip(_BLANKS)
    # The payload, which may be long, can stand before its type.
    if size <= MAX_FILE_BYTES and (begin.startswith(b'{"payload"') or b'"payloadType"' in prefix):
        return Kind.STATEMENTS
    if size <= LOOK_BYTES:
        try:
            value = codec.decode(prefix.strip(_BLANKS))
        except (ValueError, RecursionError):
            return Kind.INTELLIGENCE if b'"type"' in prefix else Kind.OTHER
        return (
            Kind.INTELLIGENCE
            if isinstance(value, list) or {"type", "Event", "objects"} & set(value)
            else Kind.OTHER
        )
    return Kind.INTELLIGENCE


def _block(name: str) -> bytes:
    return f"-----BEGIN {name}-----".encode()
