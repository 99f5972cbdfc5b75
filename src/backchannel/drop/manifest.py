"""The manifest of a drop: a signed statement (`provenance.statement`) whose predicate is a `Release`.

What stands in it twice, in the statement and in the release, must be the same, so that no reader goes by the one
and another by the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from backchannel.clock import parse_time
from backchannel.errors import InputError
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import (
    MAX_MANIFEST_BYTES,
    ObjectSubject,
    RootSubject,
    SigningKey,
    Statement,
    digest_text,
    make,
    open_envelope,
)
from backchannel.provenance.verification import Keys, Terms, verify

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


Seal = Callable[[Release], Manifest]
"""Signs a release; in deniable mode it makes a MAC instead."""
Verify = Callable[[bytes], Manifest]
"""Reads the manifest's frame and verifies it, or raises `Rejected`."""


def signer(key: SigningKey) -> Seal:
    """Return what signs the manifests of drops with `key`, whose `kid` is their `from`."""

    def seal(release: Release) -> Manifest:
        try:
            frame = make(
                release,
                subject=RootSubject(root=release.root, n=release.n) if release.n else [],
                aud=release.to,
                key=key,
                iat=parse_time(release.created),
                exp=parse_time(release.expires),
                chan=release.chan,
                statement_id=release.bundle,
            )
        except ValueError as error:
            raise InputError(
                f"the drop cannot be signed: {error}", hint="Make several drops of it."
            ) from None
        return Manifest(
            release, frame, digest_text(open_envelope(frame, max_bytes=MAX_MANIFEST_BYTES).digest)
        )

    return seal


def verifier(keys: Keys, terms: Terms) -> Verify:
    """Return what verifies the manifests of drops on `terms` (of which kinds and size are set here)."""
    asked = replace(terms, expect=("release",), max_bytes=MAX_MANIFEST_BYTES)

    def check(frame: bytes) -> Manifest:
        verified = verify(frame, keys, asked)
        release = verified.predicate
        if not isinstance(release, Release):
            raise Rejected(Reason.WRONG_TYPE, "another statement in the place of a manifest")
        check_same(verified.statement, release)
        return Manifest(release, frame, digest_text(verified.digest), verified.notes)

    return check


def check_same(statement: Statement, release: Release) -> None:
    """Check that a statement and its release say the same of themselves.

    Raises:
        Rejected: `BAD_FORM`.
    """
    subject: RootSubject | list[ObjectSubject] = (
        RootSubject(root=release.root, n=release.n) if release.n else []
    )
    pairs = (
        ("iss", statement.iss, release.from_),
        ("iat", statement.iat, release.created),
        ("exp", statement.exp, release.expires),
        ("aud", statement.aud, release.to),
        ("chan", statement.chan, release.chan),
        ("id", statement.id, release.bundle),
        ("subject", statement.subject, subject),
    )
    for name, outer, inner in pairs:
        if outer != inner:
            raise Rejected(Reason.BAD_FORM, f"`{name}` of the manifest is not what its release says")
