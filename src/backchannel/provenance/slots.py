"""What is undisclosed counts as one origin, unless those who hide it signed that it is not.

Four relays that hide where they had it may have it from one source. Only statements `deconflict: different` between
hidden origins, signed by the relays of both, or the operator's word, make more slots of the one: as many as there are
origins of which each differs from each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

MAX_TOLD_APART: Final = 24
"""Hidden origins of one claim told apart exactly; of more, those that most statements are about."""


def slots_of(undisclosed: Sequence[int], different: Mapping[int, set[int]]) -> list[list[int]]:
    """Divide undisclosed clusters into slots, each of which counts as one origin.

    Args:
        undisclosed: clusters, rising.
        different: for a cluster, those that it was told apart from.

    Returns:
        One slot; more if several differ each from each. Empty if nothing is undisclosed.
    """
    if not undisclosed:
        return []
    pool = set(undisclosed)
    told = {one: different.get(one, set()) & pool for one in undisclosed if different.get(one, set()) & pool}
    nodes = sorted(told, key=lambda one: (-len(told[one]), one))[:MAX_TOLD_APART]
    chosen = sorted(_largest(nodes, told)) or [undisclosed[0]]
    slots = {one: [one] for one in chosen}
    for one in undisclosed:
        if one not in slots:
            slots[chosen[0]].append(one)
    return list(slots.values())


def _largest(nodes: Sequence[int], told: Mapping[int, set[int]]) -> list[int]:
    """Return the largest set of nodes that differ each from each; the first in order of several."""
    best: list[int] = []
    waiting = [([], list(nodes))]  # type: list[tuple[list[int], list[int]]]
    while waiting:
        chosen, candidates = waiting.pop()
        if len(chosen) > len(best):
            best = chosen
        for at, node in enumerate(candidates):
            if len(chosen) + len(candidates) - at <= len(best):
                break
            rest = [other for other in candidates[at + 1 :] if other in told[node]]
            waiting.append(([*chosen, node], rest))
    return best
