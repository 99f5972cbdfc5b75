"""The contact card: the little that another party needs to begin with us, signed by our root key.

    bytes   what
    4       "BCC1"
    16      the party's STIX identity (the UUID of `identity--...`)
    4       when it was made: seconds since 1970, big-endian
    4       version of the key set that the keys are from, big-endian
    32      root key, Ed25519
    32      key for statements, Ed25519
    32      key for drops, X25519
    1 + n   name of the party in UTF-8, its length before it
    1 + n   origin of its ledger in UTF-8 (C2SP tlog-checkpoint), its length before it
    64      signature of the root key over `bc/card/v1`, a line feed, and all that stands above

With up to 64 bytes for name and origin together it is 254 bytes long: a small QR code. It travels as a file, as a
block of text, or as the text of a QR code. A card is proof of nothing but that its maker holds the root key: whose
key that is, a person finds out (`safety.py`, `invite.py`).
"""

from __future__ import annotations

import hashlib
import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from backchannel.ids import PartyId
from backchannel.parties.age_keys import to_recipient
from backchannel.parties.enrolment import check_public
from backchannel.parties.keyring import SecretKey
from backchannel.parties.kid import Alg, Kid, kid
from backchannel.parties.names import is_plain_name
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.signing import is_signed
from backchannel.parties.spelling import from_block, from_qr, to_block, to_qr

MAGIC = b"BCC1"
QR_PREFIX = "BCC1:"
BLOCK = "BACKCHANNEL CONTACT CARD"
MAX_NAME_BYTES = 200
MAX_ORIGIN_BYTES = 100
SIGNATURE_BYTES = 64
_HEAD = struct.Struct(">4s16sII32s32s32s")
MAX_CARD_BYTES = _HEAD.size + 2 + MAX_NAME_BYTES + MAX_ORIGIN_BYTES + SIGNATURE_BYTES
"""490 bytes."""
_SIGNED_AS = b"bc/card/v1\n"


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says. `read_card` and `make_card` give none whose signature or keys are bad."""

    party: PartyId
    name: str
    """As its maker wrote it; show it with `names.visible_name`."""
    root: bytes
    sign: bytes
    age: bytes
    origin: str
    keyset_version: int
    made_at: datetime
    data: bytes
    """The whole card, signed."""

    @property
    def digest(self) -> str:
        """What a vouching names: `sha256:` and the SHA-256 of the card, in hexadecimal."""
        return "sha256:" + hashlib.sha256(self.data).hexdigest()

    @property
    def root_kid(self) -> Kid:
        """The name of the root key: by this a party is recognised."""
        return kid(Alg.ED25519, self.root)

    @property
    def kids(self) -> tuple[Kid, Kid, Kid]:
        """The names of its keys: root, statements, drops."""
        return self.root_kid, kid(Alg.ED25519, self.sign), kid(Alg.X25519, self.age)

    @property
    def recipient(self) -> str:
        """The key for drops as age spells it."""
        return to_recipient(self.age)


def make_card(
    *,
    party: PartyId,
    name: str,
    origin: str,
    root: SecretKey,
    sign: bytes,
    age: bytes,
    keyset_version: int,
    made_at: datetime,
) -> Card:
    """Make our card.

    Raises:
        KeyRefusedError: the name or the origin is too long or cannot be shown.
    """
    head = _HEAD.pack(
        MAGIC,
        uuid.UUID(party.removeprefix("identity--")).bytes,
        int(made_at.timestamp()),
        keyset_version,
        root.public,
        sign,
        age,
    )
    body = head + _text("name", name, MAX_NAME_BYTES) + _text("origin", origin, MAX_ORIGIN_BYTES)
    return read_card(body + root.sign(_SIGNED_AS + body))


def read_card(data: bytes) -> Card:
    """Read a card, and check its signature and each of its keys.

    Raises:
        KeyRefusedError: `too-large`, `bad-form`, `weak-key` or `bad-signature`.
    """
    if len(data) > MAX_CARD_BYTES:
        raise KeyRefusedError(Refusal.TOO_LARGE, f"a contact card has at most {MAX_CARD_BYTES} bytes")
    try:
        magic, party, made_at, version, root, sign, age = _HEAD.unpack_from(data)
        name, at = _text_at(data, _HEAD.size, MAX_NAME_BYTES)
        origin, end = _text_at(data, at, MAX_ORIGIN_BYTES)
    except (struct.error, IndexError, ValueError):
        raise _not_a_card() from None
    if magic != MAGIC or len(data) != end + SIGNATURE_BYTES or version == 0:
        raise _not_a_card()
    if not is_plain_name(name) or not is_plain_name(origin):
        raise KeyRefusedError(Refusal.BAD_FORM, "the card bears a name with characters that cannot be seen")
    for alg, public in ((Alg.ED25519, root), (Alg.ED25519, sign), (Alg.X25519, age)):
        check_public(alg, public)
    if len({root, sign, age}) != 3:
        raise KeyRefusedError(Refusal.BAD_FORM, "the card names one key for two uses")
    if not is_signed(root, data[end:], _SIGNED_AS + data[:end]):
        raise KeyRefusedError(
            Refusal.BAD_SIGNATURE,
            "the contact card was changed after it was signed, or is damaged",
            hint="Ask the party for their card again, by another way if it happens twice.",
        )
    return Card(
        party=PartyId(f"identity--{uuid.UUID(bytes=party)}"),
        name=name,
        root=root,
        sign=sign,
        age=age,
        origin=origin,
        keyset_version=version,
        made_at=datetime.fromtimestamp(made_at, UTC),
        data=data,
    )


def card_text(card: Card) -> str:
    """Return a card as a block of text for mail and chat."""
    return to_block(BLOCK, card.data)


def card_qr(card: Card) -> str:
    """Return the text of a card's QR code: alphanumeric mode holds it (ISO/IEC 18004 §7.4.4)."""
    return QR_PREFIX + to_qr(card.data)


def read_any_card(content: bytes) -> Card:
    """Read a card that came as a file, as a text that holds its block, or as what a QR code says.

    Raises:
        KeyRefusedError: as `read_card` does.
    """
    if content[: len(MAGIC)] == MAGIC and content[: len(QR_PREFIX)] != QR_PREFIX.encode("ascii"):
        return read_card(content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise _not_a_card() from None
    if text.startswith(QR_PREFIX):
        return read_card(_of_qr(text.strip().removeprefix(QR_PREFIX)))
    return read_card(from_block(BLOCK, text))


def _of_qr(text: str) -> bytes:
    try:
        return from_qr(text[: 2 * MAX_CARD_BYTES])
    except ValueError:
        raise _not_a_card() from None


def _text(what: str, text: str, max_bytes: int) -> bytes:
    data = text.encode("utf-8")
    if not 0 < len(data) <= max_bytes:
        raise KeyRefusedError(
            Refusal.BAD_FORM,
            f"the {what} on a contact card has 1 to {max_bytes} bytes of UTF-8, and this one {len(data)}",
            hint="Shorten it.",
        )
    return bytes([len(data)]) + data


def _text_at(data: bytes, at: int, max_bytes: int) -> tuple[str, int]:
    size = data[at]
    text = data[at + 1 : at + 1 + size]
    if not 0 < size <= max_bytes or len(text) != size:
        raise ValueError("no text")
    return text.decode("utf-8"), at + 1 + size


def _not_a_card() -> KeyRefusedError:
    return KeyRefusedError(
        Refusal.BAD_FORM,
        "this is no contact card, or not the whole of one",
        hint="Ask the party for their card again: a file, a block of text, or a QR code.",
    )
