"""What a person knows better of two reports: found again under the keys that they have now.

A report bears the batch that brought it in its key. Where that batch was undone and the same came again, by the same
party, channel and signed way, it is the same report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backchannel.ids import BatchId
from backchannel.provenance.reports import OURS, Override, Report
from backchannel.store.belief import Told, UnionWord
from backchannel.store.interface import Store

_Way = tuple[str, str | None, str, tuple[str, ...]]
"""Content, party, channel and signed way of a report: the same when it comes again."""


def overrides_of(store: Store, reports: Sequence[Report], told: Mapping[str, Told]) -> tuple[Override, ...]:
    """Return what a person said last of each two reports of a claim.

    Args:
        store: where it is kept.
        reports: of the claim.
        told: how each of them came, by its key.
    """
    said = store.beliefs.unions({one.object_row for one in told.values()})
    if not said:
        return ()
    here = {_way_of(one.key, told[one.key].party, told[one.key].channel): one.key for one in reports}
    last: dict[tuple[str, str], UnionWord | None] = {}
    for one in said:
        left, right = (_today(store, key, told, here) for key in (one.first, one.second))
        if left and right:
            # Our own release is named second.
            last[(left, right) if right == OURS or left < right else (right, left)] = one.result
    return tuple(
        Override(left=left, right=right, result=result)
        for (left, right), result in last.items()
        if result is not None
    )


def _today(store: Store, key: str, told: Mapping[str, Told], here: Mapping[_Way, str]) -> str | None:
    """Return the key under which a report is found now; None: it is not in sight."""
    if key == OURS or key in told:
        return key
    batch = store.batches.get(BatchId(int(key.split(".")[1])))
    return None if batch is None else here.get(_way_of(key, batch.party, batch.channel))


def _way_of(key: str, party: str | None, channel: str) -> _Way:
    content, _, *way = key.split(".")
    return content, party, channel, tuple(way)
