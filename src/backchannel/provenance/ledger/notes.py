"""Signed notes: text, an empty line, and who signed it (C2SP signed-note). Pure.

A key is pinned before anything is read: a line whose name and key id match no pinned key is ignored, and one
that matches must verify, else the whole note is refused. The four bytes of a key id only select among the
pinned keys; they prove nothing.
"""

from __future__ import annotations

import binascii
from base64 import b64encode
from dataclasses import dataclass
from typing import Final
from unicodedata import category

from backchannel.ids import sha256
from backchannel.parties.enrolment import check_public
from backchannel.parties.kid import PUBLIC_BYTES, Alg
from backchannel.parties.refusals import KeyRefusedError
from backchannel.provenance.reasons import Reason, Rejected

ED25519: Final = 0x01
"""Signature type of a ledger's own key (signed-note, "Signature types")."""
COSIGNATURE: Final = 0x04
"""Signature type of a witness's key: a cosignature with its time."""
KEY_ID_BYTES: Final = 4
MAX_SIGNATURES: Final = 16
"""Signatures of one note: as many as every reader has to take (signed-note, "Format")."""
MAX_NOTE_BYTES: Final = 128 * 2**10
"""16 signatures of 5 kB, as large as any algorithm's, and a text of a few lines."""
MAX_VKEY_CHARS: Final = 1_000

_DASH: Final = "\u2014 "
_NO_TEXT: Final = frozenset({"Cc", "Cs"})
"""Control characters, and halves of surrogate pairs, which have no UTF-8."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and the name under which it signs."""

    name: str
    public: bytes
    """32 bytes (RFC 8032 §5.1.5)."""
    kind: int = ED25519
    """`ED25519` or `COSIGNATURE`."""

    @property
    def key_id(self) -> bytes:
        """4 bytes that select the key among pinned ones."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public)[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line below a note's text."""

    name: str
    key_id: bytes
    signature: bytes
    """What follows the key id: of whatever length its algorithm has."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was read; nothing in it is verified."""

    text: str
    """With its last line end."""
    signatures: tuple[SignatureLine, ...]

    def by(self, key: VerifierKey) -> list[SignatureLine]:
        """Return the lines that claim to be of `key`."""
        key_id = key.key_id
        return [line for line in self.signatures if line.name == key.name and line.key_id == key_id]


# --- Keys ----------------------------------------------------------------------------------------------


def format_vkey(key: VerifierKey) -> str:
    """Return a key as one word: `example.com/foo+530d903a+AekyeR...`."""
    return f"{key.name}+{key.key_id.hex()}+{b64encode(bytes([key.kind]) + key.public).decode()}"


def parse_vkey(text: str) -> VerifierKey:
    """Read a key as `format_vkey` writes it.

    Raises:
        Rejected: `BAD_FORM`, it is no such word, its id is not the one of the key, or its kind is not known
            here; `WEAK_KEY`, anybody can sign under it.
    """
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    material = decode_base64(encoded) if len(text) <= MAX_VKEY_CHARS else None
    if not is_key_name(name) or material is None or len(material) != 1 + PUBLIC_BYTES[Alg.ED25519]:
        raise Rejected(Reason.BAD_FORM, "a key of a ledger is written NAME+ID+BASE64")
    key = VerifierKey(name, material[1:], material[0])
    if key.kind not in {ED25519, COSIGNATURE}:
        raise Rejected(Reason.BAD_FORM, f"keys of kind {key.kind:#04x} are not read here: Ed25519 is")
    if key_id != key.key_id.hex():
        raise Rejected(Reason.BAD_FORM, f"the key of {name} does not have the id that it claims")
    try:
        check_public(Alg.ED25519, key.public)
    except KeyRefusedError as error:
        raise Rejected(Reason.WEAK_KEY, f"of {key.name}: {error.message}") from None
    return key


def is_key_name(name: str) -> bool:
    """Whether `name` may stand in a signature line: no space of any kind, no plus, nothing that is no text."""
    return bool(name) and not any(
        char.isspace() or char == "+" or category(char) in _NO_TEXT for char in name
    )


# --- Notes ---------------------------------------------------------------------------------------------


def parse_note(data: bytes) -> Note:
    """Read a note; whose signatures count is up to the caller.

    Raises:
        Rejected: `BAD_CHECKPOINT`, it is not of the form; `TOO_LARGE`, `TOO_MANY`.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"a note has at most {MAX_NOTE_BYTES} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("it is not UTF-8") from None
    if any(char < " " and char != "\n" for char in whole):
        raise _bad("it holds control characters")
    text, gap, below = whole.rpartition("\n\n")
    if not gap or not below.endswith("\n"):
        raise _bad("an empty line and signatures have to follow the text")
    lines = below[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise Rejected(Reason.TOO_MANY, f"{len(lines)} signatures, at most {MAX_SIGNATURES} are read")
    return Note(text + "\n", tuple(_parse_line(line) for line in lines))


def _parse_line(line: str) -> SignatureLine:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    signed = decode_base64(encoded)
    if not line.startswith(_DASH) or not is_key_name(name) or signed is None or len(signed) <= KEY_ID_BYTES:
        raise _bad("a line below the text is no signature")
    return SignatureLine(name, signed[:KEY_ID_BYTES], signed[KEY_ID_BYTES:])


def format_note(note: Note) -> bytes:
    """Return a note as bytes."""
    return (note.text + "\n" + "".join(format_line(line) for line in note.signatures)).encode()


def format_line(line: SignatureLine) -> str:
    """Return one signature line, with its line end."""
    return f"{_DASH}{line.name} {b64encode(line.key_id + line.signature).decode()}\n"


# --- Base64 --------------------------------------------------------------------------------------------


def decode_base64(text: str) -> bytes | None:
    """Decode standard base64 (RFC 4648 §4) in its one spelling; None for anything else."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    return data if b64encode(data).decode() == text else None


def _bad(why: str) -> Rejected:
    return Rejected(Reason.BAD_CHECKPOINT, why)
