"""Whether a drop is for us, in time, and where it stands among those of its channel.

Pure: what is known of the channel and the time are handed in. Informal media lose, delay and repeat things, so a
gap, a late one and a repeated one are normal and are only told; two different drops under one number are not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from backchannel.clock import parse_time
from backchannel.drop import limits
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Reason, Rejected

SKEW: Final = timedelta(hours=limits.SKEW_HOURS)


@dataclass(frozen=True, slots=True)
class Link:
    """A drop that was taken before, by its manifest."""

    digest: str
    """`sha256:...` of its manifest."""
    prev: str | None
    """What it says its predecessor's is."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one channel of one sender."""

    links: Mapping[int, Link] = field(default_factory=lambda: MappingProxyType({}))
    """By number."""
    bundles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Name of a drop to its digest, of all channels of the sender, until `forget_after`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a drop stands on its channel."""

    reason: Reason | None
    """None: it is the next, or the first. `GAP` and `OUT_OF_ORDER` are taken all the same; `REPLAY` is passed over;
    `EQUIVOCATION` is refused."""
    missing: range = range(0)
    """Numbers that have not come, of a `GAP`."""
    against: str | None = None
    """Digest of the drop that it contradicts, of an `EQUIVOCATION`: the two manifests are the evidence."""

    @property
    def is_taken(self) -> bool:
        """Whether its contents are to be taken in."""
        return self.reason not in {Reason.REPLAY, Reason.EQUIVOCATION}


def check_addressed(release: Release, *, mine: Collection[str], channel: str | None = None) -> None:
    """Check that a drop is for one of our keys, and of the channel by which it came.

    Whoever has a drop can encrypt it to others; but they cannot change whom it was signed for.

    Args:
        release: its manifest.
        mine: the `kid` of each of our keys.
        channel: by which channel it came, where the medium tells.

    Raises:
        Rejected: `NOT_ADDRESSED`, `WRONG_CHANNEL`.
    """
    if not set(release.to).intersection(mine):
        raise Rejected(Reason.NOT_ADDRESSED)
    if channel is not None and release.chan != channel:
        raise Rejected(Reason.WRONG_CHANNEL)


def check_times(release: Release, *, now: datetime, late: bool = False) -> bool:
    """Check the times of a drop; return whether it has expired.

    Args:
        release: its manifest.
        now: the time, aware.
        late: whether an expired one is taken (with weight 0).

    Raises:
        Rejected: `NOT_YET_VALID`, `EXPIRED`, `BAD_FORM` (valid for no time, or for more than 400 days).
    """
    try:
        created, expires = parse_time(release.created), parse_time(release.expires)
    except ValueError:
        raise Rejected(Reason.BAD_FORM, "a time is none of any calendar") from None
    if not timedelta(0) < expires - created <= timedelta(days=limits.MAX_DAYS):
        raise Rejected(Reason.BAD_FORM, f"it is valid from {release.created} until {release.expires}")
    if created > now + SKEW:
        raise Rejected(Reason.NOT_YET_VALID, f"made at {release.created}")
    is_expired = now > expires + SKEW
    if is_expired and not late:
        raise Rejected(Reason.EXPIRED, f"valid until {release.expires}")
    return is_expired


def forget_after(release: Release) -> datetime:
    """Return until when a drop has to be remembered, so that it is not taken twice."""
    return parse_time(release.expires) + timedelta(days=limits.REPLAY_DAYS)


def place(release: Release, digest: str, known: Known) -> Place:
    """Say where a verified drop stands on its channel.

    Args:
        release: its manifest.
        digest: `sha256:...` of its manifest.
        known: what was taken from its sender on this channel before.
    """
    before = known.bundles.get(release.bundle)
    same = known.links.get(release.seq)
    if digest in {before, same.digest if same else None}:
        return Place(Reason.REPLAY)
    if before is not None or same is not None:
        return Place(Reason.EQUIVOCATION, against=before or (same.digest if same else None))
    previous, following = known.links.get(release.seq - 1), known.links.get(release.seq + 1)
    if previous is not None and release.prev != previous.digest:
        return Place(Reason.EQUIVOCATION, against=previous.digest)
    if following is not None and following.prev != digest:
        return Place(Reason.EQUIVOCATION, against=following.digest)
    last = max(known.links, default=release.seq - 1)
    if release.seq < last:
        return Place(Reason.OUT_OF_ORDER)
    if release.seq > last + 1:
        return Place(Reason.GAP, missing=range(last + 1, release.seq))
    return Place(None)


def contradict(one: tuple[Release, str], other: tuple[Release, str]) -> bool:
    """Whether two verified manifests, each with its digest, cannot both belong to one honest channel.

    So the evidence of an equivocation is checked by anybody, from the two manifests alone.
    """
    (first, first_digest), (second, second_digest) = sorted((one, other), key=lambda each: each[0].seq)
    if first.from_ != second.from_ or first_digest == second_digest:
        return False
    if first.bundle == second.bundle:
        return True
    if first.chan != second.chan:
        return False
    return first.seq == second.seq or (first.seq + 1 == second.seq and second.prev != first_digest)
