"""Whether the originator of an object permits a relay to pass it on with a wider marking.

A permit is a statement of the originator about the object as it made it. It holds for the parties that it names,
for what a relay signs until its time is over, and no wider than the marking that it gives. Pure: whoever asks
hands in the permits that came along or are kept, verified.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from backchannel.clock import parse_time
from backchannel.provenance.predicates import Permit
from backchannel.provenance.reasons import Reason
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Verified
from backchannel.stix.markings import Tlp

Permits = Callable[[bytes], Sequence[Verified]]
"""The verified permits about an object, by its digest."""
IsSame = Callable[[str, str], bool]
"""Whether two keys are of one party."""


def no_permits(_: bytes) -> Sequence[Verified]:
    """Nobody permits anything."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a permit is asked for."""

    digest: bytes
    """Of the object as its originator made it."""
    originator: str
    """The key that signed its origin."""
    relays: Collection[str]
    """The keys of who passes it on."""
    at: str
    """When they sign that they do (RFC 3339)."""
    marking: Tlp | None = None
    """With which it is passed on; None: with any that is given."""


@dataclass(frozen=True, slots=True)
class Permitted:
    """A permit that holds."""

    digest: bytes
    """Of the statement."""
    marking: Tlp
    until: str


def find_permit(asked: Asked, permits: Iterable[Verified], is_same: IsSame) -> Permitted | str:
    """Return the permit that reaches furthest, or why none holds; empty: the originator gave none for this object.

    Args:
        asked: what is done.
        permits: verified permits, of whomever.
        is_same: whether two keys are of one party.
    """
    found: list[Permitted] = []
    why = ""
    for verified in permits:
        permit = verified.predicate
        if not isinstance(permit, Permit) or not _is_of_originator(verified, asked, is_same):
            continue
        against = _against(verified, permit, asked, is_same)
        if against or permit.marking is None:
            why = why or against or "it gives no marking"
        else:
            found.append(Permitted(verified.digest, permit.marking, permit.until))
    return min(found, key=lambda one: one.marking.strictness) if found else why


def is_reporting(verified: Verified) -> bool:
    """Whether a permit holds only for who tells the originator to whom it went."""
    return isinstance(verified.predicate, Permit) and verified.predicate.report


def _is_of_originator(verified: Verified, asked: Asked, is_same: IsSame) -> bool:
    subject = verified.statement.subject
    is_about = isinstance(subject, list) and any(one.jcs == digest_text(asked.digest) for one in subject)
    return is_about and is_same(verified.statement.iss, asked.originator)


def _against(verified: Verified, permit: Permit, asked: Asked, is_same: IsSame) -> str:
    """Say why a permit does not allow it; empty: it does."""
    if Reason.MAYBE_STOLEN_KEY in verified.notes:
        return "the key that signed it may have been stolen"
    if not any(to == "*" or is_same(to, relay) for to in permit.to for relay in asked.relays):
        return "it is for another party"
    ends = min(permit.until, verified.statement.exp or permit.until, key=parse_time)
    if parse_time(asked.at) > parse_time(ends):
        return f"it ran out {ends}"
    reaches = permit.marking
    if reaches is not None and asked.marking is not None and asked.marking.strictness < reaches.strictness:
        return f"it reaches to {reaches.label}"
    return ""
