"""Verify statements: everything, in one fixed order, before anything of them is used.

    verified = verify(envelope, known.get, Terms(now=now, me={our_kid}, seen=store.has_seen))

Pure: whoever calls remembers `verified.replay_key` together with what follows from it. Whoever is refused keeps
its bytes in quarantine, with the reason (`Rejected.reason`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backchannel.clock import parse_time
from backchannel.ids import Digest
from backchannel.parties.kid import Alg, Use
from backchannel.parties.signing import is_signed
from backchannel.provenance.predicates import KEYSET, Predicate
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import (
    MAX_STATEMENT_BYTES,
    PAYLOAD_TYPE,
    Opened,
    Statement,
    content_of,
    decode_base64,
    open_envelope,
    pae,
    shown,
)

SKEW: Final = timedelta(hours=24)
"""How far two parties' clocks may be apart."""
_STATEMENTS: Final = frozenset({Use.SIGN})
USES: Final = {"keyset": frozenset({Use.ROOT}), "revoke": frozenset(set(Use) - {Use.AGE})}
"""Which keys sign what kind of statement; all others are signed by keys for statements. A key may give itself up."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that is pinned to a party: enrolled, and not found weak."""

    kid: str
    use: str
    public: bytes
    party: str
    """Whose: the party's id."""
    name: str
    """The party's name, as it is shown to people."""
    valid_from: datetime
    valid_until: datetime
    alg: str = Alg.ED25519
    revoked_at: datetime | None = None
    compromised_since: datetime | None = None
    """Since when somebody else may have had it; None: nobody had."""


Keys = Callable[[str], KnownKey | None]
"""The pinned key of a `kid`, or None: `{...}.get`."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement that was verified."""

    statement: Statement
    predicate: Predicate | None
    """None: of a kind that is not known here, is kept, and drives nothing; or a key set (`parties.keyset`)."""
    digest: Digest
    signers: tuple[KnownKey, ...]
    """Whose signatures verified; the issuer's first."""
    notes: tuple[Reason, ...] = ()
    """Why it has no weight, though it is kept and shown: its key may have been stolen, or it came late."""

    @property
    def has_weight(self) -> bool:
        """Whether it may drive anything by itself."""
        is_known = self.predicate is not None or self.statement.predicate_type == KEYSET
        return is_known and not self.notes

    @property
    def replay_key(self) -> tuple[str, str]:
        """What is remembered, so that it is taken only once: issuer and id."""
        return self.statement.iss, self.statement.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms statements are taken: the same for all that came in one drop."""

    now: datetime
    me: Collection[str] | None
    """Our keys, one of which must be addressed; None: it was not sent to us, but is shown in a chain."""
    seen: Callable[[str, str], bool] | None
    """Whether a statement of an issuer and id was taken before; None: it is shown again, not taken."""
    expect: Collection[str] = ()
    """The kinds of statement that are wanted here; empty: any."""
    chan: str = ""
    """The channel that it came by; empty: not asked."""
    late: bool = False
    """Whether one whose time is over is taken all the same, without weight."""
    known_at: Callable[[Digest], datetime | None] | None = None
    """When a statement of a digest is known to have existed, by our own records or a cosigned ledger: that a
    thief of its key cannot have dated back."""
    max_bytes: int = MAX_STATEMENT_BYTES
    """Or `MAX_MANIFEST_BYTES`."""


def verify(envelope: bytes, keys: Keys, terms: Terms) -> Verified:
    """Verify a statement: everything, in one fixed order, before anything of it is used.

    The order is size, JSON, canonical form, fields, signatures and keys, kind and predicate, audience, channel,
    times, replay: the first that fails is the reason (docs/formats/statement.md).

    Raises:
        Rejected: with the reason. Keep the bytes in quarantine; use nothing of them.
    """
    opened = open_envelope(envelope, max_bytes=terms.max_bytes)
    return judge(opened, _check_signatures(opened, keys), terms)


def judge(opened: Opened, signers: tuple[KnownKey, ...], terms: Terms) -> Verified:
    """Check all that comes after the signatures, in the order of `verify`.

    Args:
        opened: the statement.
        signers: whose signatures held, the issuer's first.
        terms: on what terms it is taken.

    Raises:
        Rejected: with the reason.
    """
    statement = opened.statement
    notes = _check_key(signers[0], opened, terms.known_at)
    if terms.expect and statement.predicate_type not in terms.expect:
        wanted = " or ".join(sorted(terms.expect))
        raise Rejected(Reason.WRONG_TYPE, f"{shown(statement.predicate_type)} in the place of {wanted}")
    try:
        predicate = content_of(statement)
    except ValueError as error:
        raise Rejected(Reason.BAD_FORM, shown(str(error))) from None
    _check_audience(statement, terms)
    if _check_times(statement, terms):
        notes = (*notes, Reason.EXPIRED)
    if terms.seen is not None and terms.seen(statement.iss, statement.id):
        raise Rejected(Reason.REPLAY, f"statement {statement.id} of {_short(statement.iss)}")
    return Verified(statement, predicate, opened.digest, signers, notes)


def _check_signatures(opened: Opened, keys: Keys) -> tuple[KnownKey, ...]:
    """Return whose signatures hold, the issuer's first: that one must, and so must each of a key that we know."""
    statement = opened.statement
    uses = USES.get(statement.predicate_type, _STATEMENTS)
    signed = pae(PAYLOAD_TYPE, opened.payload)
    found: dict[str, KnownKey] = {}
    for signature in opened.signatures:
        key = keys(signature.keyid)
        if key is None:
            continue
        if key.use not in uses:
            what = statement.predicate_type
            raise Rejected(Reason.WRONG_USE, f"{_short(key.kid)} is for {key.use!s}, not for {shown(what)}")
        if signature.keyid in found or not is_signed(
            key.public, decode_base64(signature.sig), signed, alg=key.alg
        ):
            raise Rejected(Reason.BAD_SIGNATURE, f"statement {statement.id}, key {_short(key.kid)}")
        found[signature.keyid] = key
    if statement.iss in found:
        issuer = found.pop(statement.iss)
        return issuer, *found.values()
    if any(signature.keyid == statement.iss for signature in opened.signatures):
        raise Rejected(Reason.UNKNOWN_KEY, _short(statement.iss))
    raise Rejected(Reason.BAD_SIGNATURE, f"its issuer {_short(statement.iss)} did not sign it")


def _check_key(
    key: KnownKey, opened: Opened, known_at: Callable[[Digest], datetime | None] | None
) -> tuple[Reason, ...]:
    """Check that the key was in use, and say whether it may have been another who used it."""
    iat = parse_time(opened.statement.iat)
    # Differences, not sums: a time at the end of the calendar has no day after it.
    if key.valid_from - iat > SKEW or iat - key.valid_until > SKEW:
        raise Rejected(Reason.KEY_NOT_CURRENT, f"signed {opened.statement.iat}, key {_short(key.kid)}")
    if key.compromised_since is not None:
        # The thief writes whatever date they like: only what others recorded before the theft counts.
        proven = None if known_at is None else known_at(opened.digest)
        is_older = proven is not None and proven < key.compromised_since
        return () if is_older else (Reason.MAYBE_STOLEN_KEY,)
    if key.revoked_at is not None and iat >= key.revoked_at:
        raise Rejected(Reason.REVOKED_KEY, f"signed {opened.statement.iat}, key {_short(key.kid)}")
    return ()


def _check_audience(statement: Statement, terms: Terms) -> None:
    if terms.me is not None and "*" not in statement.aud and not set(terms.me) & set(statement.aud):
        raise Rejected(Reason.NOT_ADDRESSED, f"statement {statement.id} of {_short(statement.iss)}")
    if terms.chan and statement.chan not in {"", terms.chan}:
        raise Rejected(Reason.WRONG_CHANNEL, f"made for {shown(statement.chan)}")


def _check_times(statement: Statement, terms: Terms) -> bool:
    """Check when it counts; return whether its time is over, where that is allowed."""
    if parse_time(statement.iat) - terms.now > SKEW:
        raise Rejected(Reason.NOT_YET_VALID, f"it says that it was signed {statement.iat}")
    is_over = statement.exp is not None and terms.now - parse_time(statement.exp) > SKEW
    if is_over and not terms.late:
        raise Rejected(Reason.EXPIRED, f"it counted until {statement.exp}")
    return is_over


def _short(kid: str) -> str:
    return f"{kid[:8]}…"
