"""Whether an object concerns us: what hunts in our own logs found of it, and what they could not look for."""

from __future__ import annotations

from typing import Final, Literal

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.desk.documents import Concerns
from backchannel.desk.searching import Extent, Searched, Searches
from backchannel.desk.ties import MAX_INDICATORS_TIED, tied_indicators
from backchannel.store.interface import Store
from backchannel.store.rows import Kept

MAX_SEEN = 1_000
"""Indicators seen in our logs whose company is looked up for one page of the inbox (some 0.1 s)."""


def concerning(store: Store) -> list[Kept]:
    """Return what concerns us, whatever the type: indicators that were seen, and what they stand for.

    Of more than `MAX_SEEN` indicators that were seen, the first by id are counted.

    Returns:
        Objects in force, the one that came last first.
    """
    ids: set[str] = set()
    for seen in store.sightlines.seen_ids(at_most=MAX_SEEN):
        ids.add(seen)
        for name, other in store.objects.referring(seen, properties=None, at_most=MAX_INDICATORS_TIED):
            if name.endswith("_by_ref"):
                continue
            ids.add(other.stix_id)
            target = codec.decode(other.body).get("target_ref") if name == "source_ref" else None
            if isinstance(target, str):
                ids.add(target)
    return sorted(store.objects.currents(ids).values(), key=lambda kept: kept.first_arrival, reverse=True)


def concerns_of(store: Store, searches: Searches, kept: Kept, value: JsonObject) -> Concerns:
    """Say whether `kept` concerns us, and why we think so.

    "no" is said only when every part of every indicator that stands for it was searched for, after it came, in
    logs that show such things: what was not looked for is not unseen.
    """
    indicators = tied_indicators(store, kept, value)
    if not indicators:
        return Concerns(state="not checked", why="No indicator is tied to it, so no log can show it.")
    seen = store.sightlines.seen(indicators)
    if seen is not None:
        what = "It was" if kept.type == "indicator" else "Indicators tied to it were"
        return Concerns(
            state="yes",
            hits=seen.hits,
            hosts=seen.hosts,
            assets=seen.assets,
            last_seen=seen.last_seen,
            why=f"{what} seen in our own logs.",
        )
    searched = searches.of(indicators)
    return Concerns(
        state=_STATES[searched.extent],
        searched=searched.searched,
        unsearched=searched.unsearched,
        switched_off=searched.switched_off,
        why=_why_unseen(searched, alone=kept.type == "indicator"),
    )


_STATES: Final[dict[Extent, Literal["no", "in part", "not checked"]]] = {
    "searched": "no",
    "in part": "in part",
    "not searched": "not checked",
}


def _why_unseen(searched: Searched, *, alone: bool) -> str:
    if not searched.held:
        return (
            "It is not in force, so no hunt looks for it."
            if alone
            else "No indicator tied to it is in force."
        )
    if searched.hunted_at is None:
        return "No log was hunted since it came." if alone else "No log was hunted since its indicators came."
    if not searched.is_noted:
        return (
            f"The hunt of {searched.hunted_at} did not note what its logs show, so nobody can say that it was "
            "searched for: hunt again."
        )
    what = "it" if alone else "its indicators"
    if searched.extent == "searched":
        return (
            f"The hunt of {searched.hunted_at} looked for {what} {searched.where}".rstrip()
            + ", and saw nothing."
        )
    if searched.extent == "not searched":
        return f"It was not searched for: {searched.why_not}."
    if not alone and searched.unread and not searched.lacking:
        return (
            f"Not seen on {searched.hunted_at}, but {searched.unread} of its {searched.held} indicators "
            "cannot be searched in full yet."
        )
    return f"Not seen on {searched.hunted_at}, but {searched.why_not}."
