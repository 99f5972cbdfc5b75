"""How many origins a set of origins is worth, where some may depend on others."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

DependenceBecause = Literal["shared-errors", "follows", "possible-same-text", "undisclosed"]

P_POSSIBLE_TEXT: Final = 0.7
"""How likely two origins are one where their texts may be one reworded."""
P_UNDISCLOSED: Final = 0.5
"""How likely what is undisclosed is one of the disclosed origins: nothing is known of it."""


class Dependence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Two origins may be one, or one may copy the other."""

    left: str
    """Name of an origin; the smaller of the two."""
    right: str
    p: float
    """How likely, 0 to 1."""
    because: DependenceBecause
    detail: str = ""
    """The figures behind it, as a sentence."""


def pair_of(left: str, right: str) -> tuple[str, str]:
    """Return two names in order: the key of a dependence."""
    return (left, right) if left <= right else (right, left)


def known_between(
    names: Sequence[tuple[str, ...]], dependence: Mapping[tuple[str, str], Dependence]
) -> list[tuple[int, int, Dependence]]:
    """Find what is known of the dependence of origins on one another.

    Args:
        names: of each origin.
        dependence: by sorted pair of names; looked up, or gone through, whichever is shorter.
    """
    at = {name: index for index, several in enumerate(names) for name in several}
    if len(at) ** 2 > 2 * len(dependence):
        pairs: Iterable[tuple[str, str]] = dependence
    else:
        ordered = sorted(at)
        pairs = ((one, other) for i, one in enumerate(ordered) for other in ordered[i + 1 :])
    return [
        (min(at[pair[0]], at[pair[1]]), max(at[pair[0]], at[pair[1]]), known)
        for pair in pairs
        if pair[0] in at and pair[1] in at and at[pair[0]] != at[pair[1]] and (known := dependence.get(pair))
    ]


def effective(
    strengths: Sequence[float], between: Iterable[tuple[int, int, Dependence]]
) -> list[tuple[float, list[Dependence]]]:
    """Return what each origin adds, and the dependences that make it less than 1.

    Taken are the most independent first, of equals the strongest; each adds the product of (1 - p) over those taken
    before it. So another origin that depends on nobody adds 1, and takes nothing from the rest.

    Args:
        strengths: of each origin.
        between: pairs of origins (by index) that may depend on one another; of several, the likeliest counts.
    """
    n = len(strengths)
    links: list[dict[int, Dependence]] = [{} for _ in range(n)]
    for left, right, known in between:
        before = links[left].get(right)
        if before is None or known.p > before.p:
            links[left][right] = links[right][left] = known
    shares = [1.0] * n
    reasons: list[list[Dependence]] = [[] for _ in range(n)]
    # Of equally strong ones, that with the most ties goes first: what many resemble is what they were made of.
    heap: list[tuple[float, float, int, int]] = [
        (-1.0, -strengths[index], -len(links[index]), index) for index in range(n) if links[index]
    ]
    heapq.heapify(heap)
    taken = set()
    while heap:
        share, strength, ties, index = heapq.heappop(heap)
        if -share != shares[index]:
            heapq.heappush(heap, (-shares[index], strength, ties, index))
            continue
        taken.add(index)
        for other, known in links[index].items():
            if other not in taken:
                shares[other] *= 1 - known.p
                reasons[other].append(known)
    return list(zip(shares, reasons, strict=True))


def halved(strengths: Sequence[float], is_disclosed: Sequence[bool]) -> set[int]:
    """Return the origins that add less because what is undisclosed may be one of those that are disclosed.

    Of the two, the weaker: an undisclosed slot that is no stronger than the strongest disclosed origin, and that
    disclosed origin itself, if a slot is stronger.
    """
    disclosed = [index for index, shown in enumerate(is_disclosed) if shown]
    slots = [index for index, shown in enumerate(is_disclosed) if not shown]
    if not disclosed or not slots:
        return set()
    strongest = max(disclosed, key=lambda index: (strengths[index], -index))
    weaker = {index for index in slots if strengths[index] <= strengths[strongest]}
    return weaker if len(weaker) == len(slots) else {*weaker, strongest}
