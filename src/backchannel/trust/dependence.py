"""Which sources copy one another, as far as their history shows it. A hint; provenance is the rule.

    known = dependences(history)            # once in a while, not for each claim
    independent_origins(..., dependence=known)

Two who are wrong together more often than chance allows have it from one place: what is true can be seen by two,
what is false is hardly made up twice. And who covers what another covers, always later, follows it.
Only signals that a source cannot give about others count: what itself said, and when it said it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from backchannel.provenance.effective import Dependence, pair_of

P_SHARED_ERRORS: Final = 0.9
P_FOLLOWS: Final = 0.7
MIN_Z: Final = 3.0
"""Standard deviations above chance at which shared errors prove copying."""
MIN_SHARED_ERRORS: Final = 3
MIN_JOINT: Final = 20
MIN_OVERLAP: Final = 0.5
"""Share of the lesser source's claims that the other has too."""
MIN_ONE_SIDED: Final = 0.9
"""Share of joint claims that the same one of the two says first."""
MAX_SOURCES: Final = 512
"""Sources compared each with each; of more, those that said most."""
MAX_CLAIMS_PER_SOURCE: Final = 5_000
"""Latest claims of a source that are looked at."""


class Said(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A source once said something, by itself (echoes and proven copies are left out by the caller)."""

    source: str
    """`OriginRef.name`."""
    claim: str
    """The claim with its polarity: who says the contrary says another."""
    at: datetime
    was_right: bool | None
    """None while nobody knows."""


class _History(msgspec.Struct, gc=False):
    """What one source said."""

    at: dict[str, datetime]
    wrong: set[str]


def dependences(history: Iterable[Said]) -> dict[tuple[str, str], Dependence]:
    """Find the pairs of sources that depend on one another.

    Time grows with the square of the number of sources (at most `MAX_SOURCES`) times what two of them share.

    Args:
        history: in any order; of a source's several sayings of one claim the first counts.
    """
    sources = _by_source(history)
    all_wrong = set().union(*(one.wrong for one in sources.values())) if sources else set()
    names = sorted(sources)
    found = {}
    for at, left in enumerate(names):
        for right in names[at + 1 :]:
            known = _between(left, sources[left], right, sources[right], len(all_wrong))
            if known is not None:
                found[pair_of(left, right)] = known
    return found


def _by_source(history: Iterable[Said]) -> Mapping[str, _History]:
    sources: dict[str, _History] = {}
    for said in history:
        one = sources.setdefault(said.source, _History({}, set()))
        before = one.at.get(said.claim)
        one.at[said.claim] = said.at if before is None else min(before, said.at)
        if said.was_right is False:
            one.wrong.add(said.claim)
    for one in sources.values():
        if len(one.at) > MAX_CLAIMS_PER_SOURCE:
            latest = sorted(one.at.items(), key=lambda item: (item[1], item[0]))[-MAX_CLAIMS_PER_SOURCE:]
            one.at = dict(latest)
            one.wrong &= one.at.keys()
    most = sorted(sources, key=lambda name: (-len(sources[name].at), name))[:MAX_SOURCES]
    return {name: sources[name] for name in most}


def shared_errors_z(n_shared: int, n_left: int, n_right: int, n_all: int) -> float:
    """Return how many standard deviations above chance two sources' shared errors are.

    Args:
        n_shared: false claims that both made.
        n_left: false claims of the one.
        n_right: false claims of the other.
        n_all: false claims of anybody: what chance has to choose from (hypergeometric distribution).
    """
    if n_all < 2:
        return 0.0
    mean = n_left * n_right / n_all
    variance = mean * (1 - n_left / n_all) * (n_all - n_right) / (n_all - 1)
    return (n_shared - mean) / math.sqrt(variance) if variance > 0 else 0.0


def _between(left: str, one: _History, right: str, other: _History, n_all: int) -> Dependence | None:
    n_wrong = len(one.wrong & other.wrong)
    if n_wrong >= MIN_SHARED_ERRORS:
        z = shared_errors_z(n_wrong, len(one.wrong), len(other.wrong), n_all)
        if z > MIN_Z:
            detail = f"{n_wrong} false claims in common, {z:.1f} standard deviations more than chance"
            return Dependence(
                left=left, right=right, p=P_SHARED_ERRORS, because="shared-errors", detail=detail
            )
    joint = one.at.keys() & other.at.keys()
    if len(joint) < MIN_JOINT or len(joint) < MIN_OVERLAP * min(len(one.at), len(other.at)):
        return None
    first = sum(one.at[claim] < other.at[claim] for claim in joint)
    second = sum(other.at[claim] < one.at[claim] for claim in joint)
    if max(first, second) < MIN_ONE_SIDED * len(joint):
        return None
    leader, follower = (left, right) if first > second else (right, left)
    detail = f"of {len(joint)} claims in common {follower} said {max(first, second)} after {leader}"
    return Dependence(left=left, right=right, p=P_FOLLOWS, because="follows", detail=detail)
