"""Where a drop stands among those of its channel.

Whether it is for us and in time, `manifest.verifier` says.

Pure: what is known of the channel is handed in. Informal media lose, delay and repeat things, so a gap, a late one
and a repeated one are normal and are only told; two different drops under one number are not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import eq
from types import MappingProxyType
from typing import Final

from backchannel.clock import parse_time
from backchannel.drop import limits
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Reason

_MAX_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Link:
    """A drop that was taken before, by its manifest."""

    digest: str
    """`sha256:...` of its manifest."""
    prev: str | None
    """What it says its predecessor's is."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one channel of one sender, as far as it decides about one drop."""

    links: Mapping[int, Link] = field(default_factory=lambda: MappingProxyType({}))
    """By number, under the key of the drop: those at its number and beside it at least."""
    bundles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Name of a drop to its digest, of all channels and keys of the sender."""
    followers: Mapping[str, Link] = field(default_factory=lambda: MappingProxyType({}))
    """Digest of a manifest to what follows it under the number of the drop, whichever key of the sender signed that."""
    undone: Collection[str] = frozenset()
    """Digests of drops that were taken and undone: they may be taken again, and stay signed."""
    last: int | None = None
    """The highest number under the key of the drop; None: the highest of `links`."""
    first: int | None = None
    """The number that the first drop should bear, where none is known; None: the channel may be older than we know."""


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


def in_words(numbers: Sequence[int]) -> str:
    """Return rising numbers that have not come, in words."""
    first, last = numbers[0], numbers[-1]
    if first == last:
        return f"number {first}"
    if last - first + 1 == len(numbers):
        return f"numbers {first} to {last}"
    shown = ", ".join(map(str, numbers[:_MAX_SHOWN]))
    return f"numbers {shown}" + (
        f" and {len(numbers) - _MAX_SHOWN:,} more" if len(numbers) > _MAX_SHOWN else ""
    )


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
    same = known.links.get(release.seq)
    fork = known.followers.get(release.prev or "")
    found = known.bundles.get(release.bundle), same and same.digest, fork and fork.digest
    twins = {str(one) for one in found if one}
    if digest in twins and digest not in known.undone:
        return Place(Reason.REPLAY)
    if against := min(twins - {digest}, default=None):
        return Place(Reason.EQUIVOCATION, against=against)
    previous, following = known.links.get(release.seq - 1), known.links.get(release.seq + 1)
    if previous is not None and release.prev != previous.digest:
        return Place(Reason.EQUIVOCATION, against=previous.digest)
    if following is not None and following.prev != digest:
        return Place(Reason.EQUIVOCATION, against=following.digest)
    unknown = release.seq if known.first is None else known.first
    last = max(known.links, default=unknown - 1) if known.last is None else known.last
    if release.seq < last:
        return Place(Reason.OUT_OF_ORDER)
    if release.seq > last + 1:
        return Place(Reason.GAP, missing=range(last + 1, release.seq))
    return Place(None)


def contradict(
    one: tuple[Release, str],
    other: tuple[Release, str],
    *,
    is_same: Callable[[str, str], bool] = eq,
) -> bool:
    """Whether two verified manifests, each with its digest, cannot both belong to one honest channel.

    So the evidence of an equivocation is checked by anybody, from the two manifests alone. Under two keys of one
    sender only what follows the same manifest contradicts: who comes back from a backup of their keys counts anew.

    Args:
        one: a manifest.
        other: another.
        is_same: whether two keys are of one party, by its card and key sets.
    """
    (first, first_digest), (second, second_digest) = sorted((one, other), key=lambda each: each[0].seq)
    if not is_same(first.from_, second.from_) or first_digest == second_digest:
        return False
    if first.bundle == second.bundle:
        return True
    if first.chan != second.chan:
        return False
    if first.seq == second.seq:
        return first.from_ == second.from_ or (first.prev is not None and first.prev == second.prev)
    follows = first.seq + 1 == second.seq and first.from_ == second.from_
    return follows and second.prev != first_digest
