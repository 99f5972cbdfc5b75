"""One signed thing for everything that parties say about objects: made and read here, verified in `verification`.

A statement is canonical JSON (RFC 8785) in a DSSE envelope (docs/formats/statement.md). The type of the payload
lies inside the signed bytes, and so do the kind of statement, whom it is for, and what it is about: an object by
its digest, or the root of a Merkle tree over many (`leaves`). Statements are detached: what they are about is
never rewritten.

    envelope = make(Retract(reason="a test host"), subject=[about(raw)], aud=EVERYBODY, key=key, iat=now)
    opened = open_envelope(envelope)

Pure. What is read here may be anybody's word: use `verification.verify`.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from backchannel import codec
from backchannel.clock import parse_time
from backchannel.codec import JsonObject
from backchannel.ids import Digest, sha256
from backchannel.provenance import strict
from backchannel.provenance.fields import DigestText, KidText, Name, Positive, Predicate, Random128, Time
from backchannel.provenance.predicates import PREDICATES, TYPE_OF, Release
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.stix.visible import visible

PAYLOAD_TYPE: Final = "application/vnd.backchannel.statement.v1+json"
STATEMENT_TYPE: Final = "bc/statement/v1"
MAX_STATEMENT_BYTES: Final = 256 * 2**10
"""Largest envelope of a statement (bytes)."""
MAX_MANIFEST_BYTES: Final = 2**20
"""Largest envelope of a drop's manifest (bytes): it lists up to 2 GiB of parts."""
MAX_SIGNATURES: Final = 8
MAX_AUDIENCE: Final = 64
MAX_SUBJECTS: Final = 1_000
EVERYBODY: Final = ("*",)
"""Audience of what may be shown to whoever its marking allows."""
MAX_SHOWN_CHARS: Final = 200


class ObjectSubject(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One object, by all of its content."""

    id: Annotated[str, Meta(max_length=300)]
    jcs: DigestText
    """SHA-256 of its canonical form."""
    modified: Annotated[str, Meta(max_length=40)] = ""
    """Its version, letter for letter; a cyber-observable object has none."""


class RootSubject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many objects, by the root of the tree over their salted leaves (`leaves`)."""

    root: DigestText
    n: Positive
    """How many."""


class Statement(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"type_": "_type", "predicate_type": "predicateType"},
):
    """What is signed."""

    type_: Literal["bc/statement/v1"]
    id: Random128
    iss: KidText
    iat: Time
    aud: Annotated[
        list[Annotated[str, Meta(pattern=r"^(?:[a-z2-7]{51}[aq]|\*)\Z")]],
        Meta(min_length=1, max_length=MAX_AUDIENCE),
    ]
    chan: Name
    """The channel that it was made for; empty: any."""
    subject: Annotated[list[ObjectSubject], Meta(max_length=MAX_SUBJECTS)] | RootSubject
    predicate_type: Name
    predicate: JsonObject
    exp: Time | None = None
    """None: it does not run out."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signature of an envelope."""

    keyid: KidText
    sig: Annotated[str, Meta(max_length=4_000)]


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The DSSE envelope, as it travels."""

    payload: str
    payload_type: str
    signatures: Annotated[list[Signature], Meta(min_length=1, max_length=MAX_SIGNATURES)]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of ours, by what it can do: who calls keeps its private half."""

    kid: str
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """A statement that could be read. Nothing in it is verified."""

    statement: Statement
    payload: bytes
    signatures: tuple[Signature, ...]
    digest: Digest
    """SHA-256 of the payload: what other statements name this one by."""


# --- Making --------------------------------------------------------------------------------------------


def make(
    predicate: Predicate,
    *,
    subject: Sequence[ObjectSubject] | RootSubject,
    aud: Sequence[str],
    key: SigningKey,
    iat: datetime,
    exp: datetime | None = None,
    chan: str = "",
    statement_id: str = "",
) -> bytes:
    """Return a signed statement, in its envelope.

    Args:
        predicate: what is said.
        subject: about what; may be empty where the predicate itself says it.
        aud: for whom, by their keys, or `EVERYBODY`.
        key: the issuer's.
        iat: when it is made, cut to whole seconds.
        exp: until when it counts.
        chan: the channel that it is made for, if for one only.
        statement_id: 128 bits in hexadecimal; by default random ones.

    Raises:
        ValueError: it would not be taken anywhere: beyond a limit, or not of the form.
    """
    payload = payload_of(
        predicate,
        subject=subject,
        aud=aud,
        iss=key.kid,
        iat=iat,
        exp=exp,
        chan=chan,
        statement_id=statement_id,
    )
    envelope = seal(payload, [key])
    limit = MAX_MANIFEST_BYTES if isinstance(predicate, Release) else MAX_STATEMENT_BYTES
    if len(envelope) > limit:
        raise ValueError(f"the statement would be {len(envelope):,} bytes long; at most {limit:,} are taken")
    return envelope


def payload_of(
    predicate: Predicate,
    *,
    subject: Sequence[ObjectSubject] | RootSubject,
    aud: Sequence[str],
    iss: str,
    iat: datetime,
    exp: datetime | None,
    chan: str,
    statement_id: str = "",
) -> bytes:
    """Return what `make` signs for the same arguments, in canonical form.

    Raises:
        ValueError: it would not be taken anywhere.
    """
    statement = Statement(
        type_=STATEMENT_TYPE,
        id=statement_id or secrets.token_hex(16),
        iss=iss,
        iat=format_seconds(iat),
        exp=None if exp is None else format_seconds(exp),
        aud=list(aud),
        chan=chan,
        subject=subject if isinstance(subject, RootSubject) else list(subject),
        predicate_type=TYPE_OF[type(predicate)],
        predicate=codec.decode(codec.encode(predicate)),
    )
    value = codec.decode(codec.encode(statement))
    content_of(codec.into(value, Statement))
    return codec.canonical(value)


def seal(payload: bytes, keys: Sequence[SigningKey]) -> bytes:
    """Return an envelope around `payload`, signed with each of `keys`."""
    signed = pae(PAYLOAD_TYPE, payload)
    return codec.encode(
        Envelope(
            payload=b64encode(payload).decode(),
            payload_type=PAYLOAD_TYPE,
            signatures=[Signature(key.kid, b64encode(key.sign(signed)).decode()) for key in keys],
        )
    )


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: type and payload, each behind its length (DSSE v1, pre-authentication encoding)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def digest_text(digest: bytes) -> str:
    """Write a digest as statements do: `sha256:` and 64 digits."""
    return f"sha256:{digest.hex()}"


def format_seconds(at: datetime) -> str:
    """Write a time as statements do: UTC in whole seconds, `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- Reading -------------------------------------------------------------------------------------------


def open_envelope(envelope: bytes, *, max_bytes: int = MAX_STATEMENT_BYTES) -> Opened:
    """Read a statement without verifying it: to look at in quarantine, or to find out whose key is missing.

    Raises:
        Rejected: it cannot be read, or not in one way only.
    """
    value = strict.read(envelope, max_bytes=max_bytes)
    try:
        outer = codec.into(value, Envelope)
    except ValueError as error:
        raise Rejected(Reason.BAD_FORM, f"the envelope: {shown(str(error))}") from None
    if outer.payload_type != PAYLOAD_TYPE:
        raise Rejected(Reason.WRONG_TYPE, f"a payload of type {shown(outer.payload_type)!r}")
    return open_payload(decode_base64(outer.payload), signatures=tuple(outer.signatures), max_bytes=max_bytes)


def open_payload(
    payload: bytes, *, signatures: tuple[Signature, ...] = (), max_bytes: int = MAX_STATEMENT_BYTES
) -> Opened:
    """Read what was signed, without verifying it.

    Raises:
        Rejected: it cannot be read, or not in one way only.
    """
    inner = strict.read_canonical(payload, max_bytes=max_bytes)
    try:
        statement = codec.into(inner, Statement)
        for at in (statement.iat, statement.exp):
            parse_time(at or statement.iat)
    except ValueError as error:
        raise Rejected(Reason.BAD_FORM, shown(str(error))) from None
    return Opened(statement, payload, signatures, sha256(payload))


def content_of(statement: Statement) -> Predicate | None:
    """Return the predicate of a statement, or None where its kind is not known here.

    Raises:
        ValueError: the predicate is not of the form of its kind.
    """
    kind = PREDICATES.get(statement.predicate_type)
    if kind is None:
        return None
    predicate = codec.into(statement.predicate, kind)
    predicate.check()
    predicate.check_subject(is_named=isinstance(statement.subject, RootSubject) or bool(statement.subject))
    return predicate


def objects_named(statement: Statement) -> Sequence[ObjectSubject]:
    """Return the objects that a statement names; none where it is about a root."""
    return () if isinstance(statement.subject, RootSubject) else statement.subject


def decode_base64(text: str) -> bytes:
    """Read base64 (RFC 4648 §4) in its one spelling: padded, nothing between, no bits left over.

    Raises:
        Rejected: `BAD_FORM`.
    """
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or b64encode(data).decode() != text:
        raise Rejected(Reason.BAD_FORM, "a field is not base64 in its one spelling")
    return data


def shown(text: str) -> str:
    """Return a text out of a statement for the detail of a refusal."""
    return visible(text, max_chars=MAX_SHOWN_CHARS)
