"""The key set: what a party's root key says about its other keys, version by version.

It is the predicate of a statement of the type `keyset`; who signed that statement is checked where statements are,
and handed in here as the `kid`s whose signatures held. What a key set may be after another is the rule of TUF:
exactly one version more, naming the one before by its digest, signed by the old root and by the new one. A party
that lost its root comes back with k of its recovery keys; it is then to be verified anew.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from backchannel.clock import parse_time
from backchannel.codec import JsonObject, canonical, decode, decode_as, encode
from backchannel.ids import PartyId
from backchannel.parties.enrolment import check_public
from backchannel.parties.kid import ALGS_OF_USE, Alg, Kid, Use, kid, shown_kid
from backchannel.parties.names import is_plain_name
from backchannel.parties.refusals import KeyRefusedError, Refusal

MAX_KEYSET_BYTES = 64 * 1024
MAX_KEYS = 64
MAX_RECOVERY_KEYS = 16
MAX_LIFE = timedelta(days=400)
MAX_SKEW = timedelta(hours=24)
"""How far another's clock may be off."""
MAX_NAME_CHARS = 200
MAX_ORIGIN_CHARS = 100


class ListedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One key of a key set."""

    kid: Kid
    use: str
    """A `Use`, or one that a later version knows: such a key is kept and not used."""
    alg: str
    pub: bytes
    """The public key; in JSON in base64."""
    since: str = msgspec.field(name="from")
    """RFC 3339, inclusive."""
    until: str | None = None
    """RFC 3339, exclusive; none: as long as the key set lists it."""

    def is_current(self, at: datetime) -> bool:
        """Whether the key is in use at `at`."""
        return parse_time(self.since) <= at and (self.until is None or at < parse_time(self.until))


class Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys with which a party that lost its root comes back: any `k` of them."""

    k: int
    keys: list[bytes]
    """Ed25519 public keys; in JSON in base64. Their private halves are kept apart from the node, and apart."""

    @property
    def kids(self) -> frozenset[Kid]:
        """Their names."""
        return frozenset(kid(Alg.ED25519, key) for key in self.keys)


class LedgerName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The party's ledger: its origin and the key that signs its checkpoints."""

    origin: str
    vkey: str
    """C2SP signed-note verifier key, of type 0x01."""


class KeySet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A party's keys in one version. `read_keyset` gives none that breaks a rule of form."""

    v: int
    party: PartyId
    name: str
    version: int
    """From 1."""
    not_before: str
    expires: str
    """At most 400 days after `not_before`; exclusive."""
    root: bytes
    """Ed25519 public key; in JSON in base64."""
    keys: list[ListedKey]
    prev: str | None = None
    """Digest of the version before; none in the first."""
    recovery: Recovery | None = None
    log: LedgerName | None = None

    @property
    def root_kid(self) -> Kid:
        """The name of its root key."""
        return kid(Alg.ED25519, self.root)

    @property
    def digest(self) -> str:
        """`sha256:` and the SHA-256 of its canonical form (RFC 8785), in hexadecimal: what `prev` names."""
        return "sha256:" + hashlib.sha256(keyset_bytes(self)).hexdigest()

    @property
    def kids(self) -> frozenset[Kid]:
        """Every key that it names: root, listed and recovery."""
        recovery = self.recovery.kids if self.recovery else frozenset()
        return recovery | {self.root_kid} | {key.kid for key in self.keys}

    def current(self, use: Use, at: datetime) -> ListedKey | None:
        """Return the key that is in use for `use` at `at`: the last begun, where there are several."""
        found = [key for key in self.keys if key.use == use and key.is_current(at)]
        return max(found, key=lambda key: parse_time(key.since), default=None)


class Change(StrEnum):
    """What a key set that is taken means for the party."""

    FIRST = "first"
    SAME = "same"
    """It is the one that is here."""
    ROTATED = "rotated"
    """Other keys, said by those who may."""
    RECOVERED = "recovered"
    """Said by recovery keys: the party falls to *introduced* until a person has verified it again."""


def keyset_bytes(keyset: KeySet) -> bytes:
    """Return a key set in canonical form (RFC 8785)."""
    return canonical(decode(encode(keyset)))


def keyset_predicate(keyset: KeySet) -> JsonObject:
    """Return a key set as the predicate of a statement."""
    predicate: JsonObject = decode(encode(keyset))
    return predicate


def read_keyset(data: bytes) -> KeySet:
    """Read a key set from its canonical form, and check all that can be told from it alone.

    Raises:
        KeyRefusedError: `too-large`, `not-canonical`, `bad-form` or `weak-key`.
    """
    if len(data) > MAX_KEYSET_BYTES:
        raise KeyRefusedError(Refusal.TOO_LARGE, f"a key set has at most {MAX_KEYSET_BYTES:,} bytes")
    try:
        keyset = decode_as(data, KeySet)
    except ValueError as error:
        raise KeyRefusedError(Refusal.BAD_FORM, f"this is no key set: {error}") from None
    # The form that was read, written again: equal only if no key came twice and nothing could be read otherwise.
    if keyset_bytes(keyset) != data:
        raise KeyRefusedError(Refusal.NOT_CANONICAL, "the key set is not in canonical form (RFC 8785)")
    check_keyset(keyset)
    return keyset


def check_keyset(keyset: KeySet) -> None:
    """Check a key set by itself: form, times, and that no key is weak, misnamed, or named for two uses.

    Raises:
        KeyRefusedError: `bad-form` or `weak-key`.
    """
    _check_head(keyset)
    _check_recovery(keyset.recovery)
    if not 0 < len(keyset.keys) <= MAX_KEYS:
        raise _bad(f"it lists {len(keyset.keys)} keys; 1 to {MAX_KEYS} are taken")
    check_public(Alg.ED25519, keyset.root)
    for key in keyset.keys:
        _check_key(key)
    named = [
        keyset.root,
        *(key.pub for key in keyset.keys),
        *(keyset.recovery.keys if keyset.recovery else ()),
    ]
    if len(set(named)) != len(named):
        raise _bad("it names one key for two uses")
    if keyset.log is not None:
        _check_ledger(keyset.log, [key.pub for key in keyset.keys if key.use == Use.LOG])


def follow(
    current: KeySet | None, new: KeySet, *, signers: Collection[Kid], root: Kid, at: datetime
) -> Change:
    """Decide whether `new` may take the place of `current`.

    Args:
        current: the newest key set of the party that was taken before, if any.
        new: one that `read_keyset` gave.
        signers: the keys whose signatures over its statement held.
        root: the root key that a person accepted (by card, code or vouching); counts where `current` is None.
        at: now.

    Raises:
        KeyRefusedError: `keyset-expired`, `key-not-current` (it begins in the future), `keyset-rollback`,
            `keyset-fork` or `keyset-unsigned`.
    """
    if current is not None and new.digest == current.digest:
        return Change.SAME
    if new.root_kid not in signers:
        raise _unsigned(new, "its own root key did not sign it")
    _check_times(new, at)
    if current is None:
        if new.root_kid != root:
            raise _unsigned(
                new, f"its root is {shown_kid(new.root_kid)}, and the one accepted is {shown_kid(root)}"
            )
        return Change.FIRST
    if new.party != current.party:
        raise KeyRefusedError(Refusal.KEYSET_FORK, "the key set is of another party than the one before it")
    if new.version < current.version:
        raise KeyRefusedError(
            Refusal.KEYSET_ROLLBACK,
            f"the key set is version {new.version}, and version {current.version} is here",
            hint="Ask the party for their newest key set.",
        )
    if new.version != current.version + 1 or new.prev != current.digest:
        raise KeyRefusedError(
            Refusal.KEYSET_FORK,
            f"key set version {new.version} does not follow version {current.version} that is here",
            hint="Call the party: two people may be signing in its name.",
        )
    if current.root_kid in signers:
        return Change.ROTATED
    if current.recovery is not None and len(current.recovery.kids & set(signers)) >= current.recovery.k:
        return Change.RECOVERED
    raise _unsigned(new, "neither the root key before it nor enough recovery keys signed it")


def signing_keys(current: KeySet | None, new: KeySet) -> dict[Kid, bytes]:
    """Return the public keys whose signatures over the statement of `new` are worth checking.

    Whose signatures hold is then handed to `follow` as `signers`. That a key is named here says nothing for it.
    """
    keys = [new.root]
    if current is not None:
        keys += [current.root, *(current.recovery.keys if current.recovery else ())]
    return {kid(Alg.ED25519, key): key for key in keys}


@dataclass(frozen=True, slots=True)
class Period:
    """A key of a party, and when it was in use."""

    kid: Kid
    use: str
    alg: str
    public: bytes
    since: datetime
    """Inclusive."""
    until: datetime
    """Exclusive."""


def periods(keysets: Sequence[KeySet]) -> dict[Kid, Period]:
    """Return every key of a party, its root keys among them, with the time in which it was in use.

    Args:
        keysets: the versions of the party that were taken, oldest first. A version counts from its `not_before`
            until the next one's, or until it expires; within that, a key counts from its `from` until its `until`.
    """
    found: dict[Kid, Period] = {}
    for i, keyset in enumerate(keysets):
        begin, end = parse_time(keyset.not_before), parse_time(keyset.expires)
        if i + 1 < len(keysets):
            end = min(end, parse_time(keysets[i + 1].not_before))
        listed = [Period(keyset.root_kid, Use.ROOT, Alg.ED25519, keyset.root, begin, end)]
        for key in keyset.keys:
            until = end if key.until is None else min(end, parse_time(key.until))
            listed.append(
                Period(key.kid, key.use, key.alg, key.pub, max(begin, parse_time(key.since)), until)
            )
        for one in listed:
            before = found.get(one.kid)
            # What a key is for does not change: a later version that says otherwise is not followed.
            if before is None:
                found[one.kid] = one
            elif before.use == one.use:
                found[one.kid] = replace(
                    before, since=min(before.since, one.since), until=max(before.until, one.until)
                )
    return found


def ledger_vkey(origin: str, public: bytes) -> str:
    """Return how a ledger's key is written: a verifier key of type 0x01 (C2SP signed-note)."""
    typed = b"\x01" + public
    short = hashlib.sha256(origin.encode("utf-8") + b"\n" + typed).digest()[:4]
    return f"{origin}+{short.hex()}+{base64.b64encode(typed).decode('ascii')}"


def _check_head(keyset: KeySet) -> None:
    if keyset.v != 1:
        raise _bad(f"it is of version {keyset.v} of the format, and this program reads version 1")
    if keyset.version < 1 or (keyset.version == 1) != (keyset.prev is None):
        raise _bad("version: it counts from 1, and each but the first has a prev")
    if not is_plain_name(keyset.name) or len(keyset.name) > MAX_NAME_CHARS:
        raise _bad(f"name: 1 to {MAX_NAME_CHARS} characters that can be seen")
    life = _time(keyset.expires, "expires") - _time(keyset.not_before, "not_before")
    if not timedelta(0) < life <= MAX_LIFE:
        raise _bad(f"expires: it lies 1 to {MAX_LIFE.days} days after not_before")


def _check_key(key: ListedKey) -> None:
    if key.use in set(Use):
        if key.use == Use.ROOT or key.alg not in ALGS_OF_USE[Use(key.use)]:
            raise _bad(f"keys: a key of the kind {key.alg[:20]!r} is not taken for the use {key.use}")
        check_public(key.alg, key.pub)
    if not key.alg.isascii() or kid(key.alg, key.pub) != key.kid:
        raise _bad("keys: the kid of a key does not belong to it")
    since = _time(key.since, "from")
    if key.until is not None and _time(key.until, "until") <= since:
        raise _bad("keys: a key's until lies before its from")


def _check_recovery(recovery: Recovery | None) -> None:
    if recovery is None:
        return
    if not 0 < recovery.k <= len(recovery.keys) <= MAX_RECOVERY_KEYS:
        raise _bad(f"recovery: k of at most {MAX_RECOVERY_KEYS} keys")
    for key in recovery.keys:
        check_public(Alg.ED25519, key)


def _check_ledger(log: LedgerName, log_keys: Sequence[bytes]) -> None:
    if (
        not is_plain_name(log.origin)
        or len(log.origin) > MAX_ORIGIN_CHARS
        or "+" in log.origin
        or " " in log.origin
    ):
        raise _bad(f"log: an origin has 1 to {MAX_ORIGIN_CHARS} characters, no blank and no plus sign")
    if log.vkey not in {ledger_vkey(log.origin, key) for key in log_keys}:
        raise _bad("log: its vkey is that of a key listed for the use log")


def _check_times(keyset: KeySet, at: datetime) -> None:
    if at >= parse_time(keyset.expires):
        raise KeyRefusedError(
            Refusal.KEYSET_EXPIRED,
            f"key set version {keyset.version} ran out on {keyset.expires[:10]}",
            hint="Ask the party for their newest key set.",
        )
    if parse_time(keyset.not_before) > at + MAX_SKEW:
        raise KeyRefusedError(
            Refusal.KEY_NOT_CURRENT,
            f"key set version {keyset.version} counts from {keyset.not_before[:10]} only",
            hint="Compare clocks with the party.",
        )


def _time(text: str, field: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:
        raise _bad(f"{field}: not an RFC 3339 time") from None


def _unsigned(keyset: KeySet, why: str) -> KeyRefusedError:
    return KeyRefusedError(
        Refusal.KEYSET_UNSIGNED,
        f"key set version {keyset.version} is not signed by every key that has to sign it: {why}",
        hint="Ask the party to sign it with the old and the new root key.",
    )


def _bad(why: str) -> KeyRefusedError:
    return KeyRefusedError(Refusal.BAD_FORM, f"the key set is not of its form: {why}")
