"""The manifest of a drop: a signed statement (`provenance.statement`) whose predicate is a `Release`.

In deniable mode it has a MAC in the place of a signature (`provenance.deniable`). What stands in it twice, in the
statement and in the release, must be the same, so that no reader goes by the one and another by the other.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from backchannel import codec
from backchannel.clock import parse_time
from backchannel.errors import InputError
from backchannel.ids import sha256
from backchannel.parties.keyring import SecretKey
from backchannel.provenance import deniable, statement, verification
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import (
    MAX_MANIFEST_BYTES,
    ObjectSubject,
    RootSubject,
    SigningKey,
    Statement,
    digest_text,
)
from backchannel.provenance.verification import Keys, KnownKey, Terms, Verified

NO_ROOT: Final = f"sha256:{'0' * 64}"
"""What stands in a draft until its objects are known."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was signed, or verified."""

    release: Release
    frame: bytes
    """As it stands in the drop."""
    digest: str
    """`sha256:...` of the statement's payload: what receipts, and the next drop's `prev`, name it by."""
    notes: tuple[Reason, ...] = ()
    """Why the drop has no weight, though it may be read (`verification.Verified`)."""
    is_deniable: bool = False
    """Whether only its one reader can know that the sender made it."""


Seal = Callable[[Release], Manifest]
"""Signs a release, or makes a MAC."""
Verify = Callable[[bytes], Manifest]
"""Reads the manifest's frame and verifies it, or raises `Rejected`."""


def signer(key: SigningKey) -> Seal:
    """Return what signs the manifests of drops with `key`, whose `kid` is their `from`."""

    def seal(release: Release) -> bytes:
        return statement.make(
            release,
            subject=_subject(release),
            aud=release.to,
            key=key,
            iat=parse_time(release.created),
            exp=parse_time(release.expires),
            chan=release.chan,
            statement_id=release.bundle,
        )

    return lambda release: _sealed(seal, release)


def deniable_signer(sender: SecretKey, to: KnownKey) -> Seal:
    """Return what makes manifests that convince one reader only.

    Args:
        sender: our key that opens (X25519); its `kid` is the drop's `from`.
        to: the reader's, whose `kid` is the only one of the drop's `to`.
    """

    def seal(release: Release) -> bytes:
        return deniable.make(
            release,
            subject=_subject(release),
            sender=sender,
            to=to,
            iat=parse_time(release.created),
            chan=release.chan,
            exp=parse_time(release.expires),
            statement_id=release.bundle,
        )

    return lambda release: replace(_sealed(seal, release), is_deniable=True)


def _sealed(seal: Callable[[Release], bytes], release: Release) -> Manifest:
    try:
        frame = seal(release)
    except ValueError as error:
        raise InputError(f"the drop cannot be signed: {error}", hint="Make several drops of it.") from None
    return Manifest(release, frame, digest_text(sha256(b64decode(codec.decode(frame)["payload"]))))


def verifier(keys: Keys, terms: Terms) -> Verify:
    """Return what verifies signed manifests on `terms` (of which kinds and size are set here)."""
    asked = _asked(terms)
    return lambda frame: _manifest(verification.verify(frame, keys, asked), frame)


def deniable_verifier(ours: Callable[[str], SecretKey | None], keys: Keys, terms: Terms) -> Verify:
    """Return what verifies deniable manifests, by our keys that open and the pinned ones of others."""
    asked = _asked(terms)

    def check(frame: bytes) -> Manifest:
        verified = deniable.verify(frame, ours, keys, asked)
        return replace(_manifest(verified, frame), is_deniable=True)

    return check


def either(signed: Verify, unsigned: Verify) -> Verify:
    """Return what verifies a manifest by `unsigned` where it is a deniable one, else by `signed`."""
    # Only which of two checks is made depends on it: each refuses what is meant for the other.
    mark = deniable.PAYLOAD_TYPE.encode()
    return lambda frame: unsigned(frame) if mark in frame else signed(frame)


def _asked(terms: Terms) -> Terms:
    return replace(terms, expect=("release",), max_bytes=MAX_MANIFEST_BYTES)


def _manifest(verified: Verified, frame: bytes) -> Manifest:
    release = verified.predicate
    if not isinstance(release, Release):
        raise Rejected(Reason.WRONG_TYPE, "another statement in the place of a manifest")
    check_same(verified.statement, release)
    return Manifest(release, frame, digest_text(verified.digest), verified.notes)


def _subject(release: Release) -> RootSubject | list[ObjectSubject]:
    return RootSubject(root=release.root, n=release.n) if release.n else []


def check_same(said: Statement, release: Release) -> None:
    """Check that a statement and its release say the same of themselves.

    Raises:
        Rejected: `BAD_FORM`.
    """
    pairs = (
        ("iss", said.iss, release.from_),
        ("iat", said.iat, release.created),
        ("exp", said.exp, release.expires),
        ("aud", said.aud, release.to),
        ("chan", said.chan, release.chan),
        ("id", said.id, release.bundle),
        ("subject", said.subject, _subject(release)),
    )
    for name, outer, inner in pairs:
        if outer != inner:
            raise Rejected(Reason.BAD_FORM, f"`{name}` of the manifest is not what its release says")
