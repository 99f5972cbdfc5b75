"""Whether an object concerns us: what hunts in our own logs found of it, and what they could not look for."""

from __future__ import annotations

from backchannel.codec import JsonObject
from backchannel.desk.documents import Concerns
from backchannel.desk.ties import tied_indicators
from backchannel.store.interface import Store
from backchannel.store.rows import Hunted, Kept


def concerns_of(store: Store, kept: Kept, value: JsonObject) -> Concerns:
    """Say whether `kept` concerns us, and why we think so.

    "no" is said only when every part of every indicator that stands for it was searched for in some log after
    it came: what was not looked for is not unseen.
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
    hunted = store.sightlines.hunted(indicators)
    return Concerns(
        state="no" if hunted.held and hunted.started_at and not hunted.unsearched else "not checked",
        why=_why_unseen(hunted, alone=kept.type == "indicator"),
    )


def _why_unseen(hunted: Hunted, *, alone: bool) -> str:
    if not hunted.held:
        return "It is not in force." if alone else "We hold none of the indicators tied to it."
    if hunted.started_at is None:
        return "No log was hunted since it came." if alone else "No log was hunted since its indicators came."
    if hunted.unsearched and alone:
        return f"Not seen on {hunted.started_at}, but a part of its pattern cannot be searched yet."
    if hunted.unsearched:
        return (
            f"Not seen on {hunted.started_at}, but {hunted.unsearched} of its {hunted.held} indicators "
            "cannot be searched in full yet."
        )
    what = "it" if alone else "its indicators"
    return f"The hunt of {hunted.started_at} looked for {what} and saw nothing."
