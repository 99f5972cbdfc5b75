"""Revocation: a key is no longer to be believed, and from when it may have been in other hands.

A thief dates as he likes, so the date inside a statement proves nothing once its key was stolen. What proves that
a statement is older than the theft is that it was in a ledger before (a cosignature's time), or here: that is
judged where statements are verified.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from backchannel.clock import parse_time
from backchannel.parties.keyset import KeySet
from backchannel.parties.kid import Kid, is_kid
from backchannel.parties.refusals import KeyRefusedError, Refusal


class Why(StrEnum):
    """Why a key is revoked."""

    REPLACED = "replaced"
    LOST = "lost"
    STOLEN = "stolen"
    CLOSED = "closed"
    """The party, or the desk whose key it was, is no more."""


class Revocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The predicate of a statement of the type `revoke`."""

    kid: Kid
    reason: str
    """A `Why`, or a word of a later version."""
    compromised_since: str | None = None
    """RFC 3339: from when another may have had the key. Required where it was stolen."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revocation that was taken, and when it was said."""

    revocation: Revocation
    at: datetime


def check_revocation(
    revocation: Revocation, keysets: Collection[KeySet], *, signers: Collection[Kid]
) -> None:
    """Decide whether a revocation counts: it is of a key of the party, and said by one who may.

    Its newest root may, k of its recovery keys may, and the key itself may give itself up.

    Args:
        revocation: what is said.
        keysets: the versions of the party that were taken, oldest first.
        signers: the keys whose signatures over the statement held.

    Raises:
        KeyRefusedError: `bad-form`, `unknown-key` or `keyset-unsigned`.
    """
    if not is_kid(revocation.kid):
        raise KeyRefusedError(Refusal.BAD_FORM, "the revocation names no key: kid")
    if revocation.reason == Why.STOLEN and revocation.compromised_since is None:
        raise KeyRefusedError(
            Refusal.BAD_FORM,
            "a revocation for theft says since when: compromised_since",
            hint="Where nobody knows, give the time from which the key existed.",
        )
    if revocation.compromised_since is not None:
        try:
            parse_time(revocation.compromised_since)
        except ValueError:
            raise KeyRefusedError(Refusal.BAD_FORM, "compromised_since: not an RFC 3339 time") from None
    if all(revocation.kid not in keyset.kids for keyset in keysets):
        raise KeyRefusedError(Refusal.UNKNOWN_KEY, "the revocation is of a key that the party never named")
    newest = list(keysets)[-1]
    recovery = newest.recovery
    if newest.root_kid in signers or revocation.kid in signers:
        return
    if recovery is not None and len(recovery.kids & set(signers)) >= recovery.k:
        return
    raise KeyRefusedError(
        Refusal.KEYSET_UNSIGNED,
        "the revocation is signed neither by the party's root key, nor by its recovery keys, nor by the key itself",
        hint="Ask the party by phone; until then the key counts as before.",
    )


def given_up(revoked: Iterable[Revoked], name: Kid) -> tuple[datetime | None, datetime | None]:
    """Say from when a key counts no more, and since when another may have had it.

    Returns:
        The earliest time at which it was revoked, and the earliest `compromised_since`; None for never. What that
        means for a statement is judged where statements are verified.
    """
    mine = [one for one in revoked if one.revocation.kid == name]
    thefts = [parse_time(since) for one in mine if (since := one.revocation.compromised_since) is not None]
    return min((one.at for one in mine), default=None), min(thefts, default=None)
