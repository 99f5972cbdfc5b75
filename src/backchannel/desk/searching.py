"""Whether indicators that hunts did not see were searched for: which of their kinds our logs showed at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from backchannel.clock import parse_time
from backchannel.logs.shown import ALL_LIKE, SWITCHED_OFF, not_shown
from backchannel.matching.needs import needs_of
from backchannel.store.interface import Store
from backchannel.store.rows import HuntsSince, Shown, Wanted

Extent = Literal["not searched", "in part", "searched"]


@dataclass(frozen=True, slots=True)
class Searched:
    """How far some indicators were searched for, after the last of them came."""

    held: int
    """How many of them are in force."""
    unread: int = 0
    """How many of those have a pattern of which a part cannot be searched."""
    hunted_at: str | None = None
    """Start of the newest hunt since they came that showed anything of them; without such, of the newest; None: there
    was none."""
    is_noted: bool = True
    """False where those hunts are from before it was noted what logs show."""
    searched: tuple[str, ...] = ()
    """Kinds of theirs (`logs.shown`) that logs hunted since showed."""
    unsearched: tuple[str, ...] = ()
    """Kinds of theirs that none showed; () without a hunt that noted it."""
    switched_off: tuple[str, ...] = ()
    """Those of `unsearched` that logs hunted since have, and in which they were not looked for (`logs.personal`)."""
    where: str = ""
    """Records, times and their place in the validity, as the end of a sentence; "" where nothing is known."""
    first_at: str | None = None
    """Time of the first record that was searched through, and of the last; None where records have none."""
    last_at: str | None = None

    @property
    def extent(self) -> Extent:
        """How much of all of them was searched for."""
        if not self.searched:
            return "not searched"
        return "in part" if self.unsearched or self.unread else "searched"

    @property
    def told(self) -> str:
        """What is said to a source of what was searched for in full and not seen, as a sentence."""
        where = f" {self.where}" if self.where else ""
        return f"Searched for in our own logs on {(self.hunted_at or '')[:10]}{where}, and not seen."

    @property
    def lacking(self) -> str:
        """What no log showed, in words, or was switched off in those that have it; "" if nothing lacks."""
        return not_shown(self.unsearched, off=self.switched_off)

    @property
    def why_not(self) -> str:
        """What was not searched, as the end of a sentence; "" where all was."""
        if self.lacking:
            return f"no log that we hunted since shows {self.lacking}"
        if ALL_LIKE in self.unsearched:
            return "there were too many patterns with LIKE to try all of them"
        return "a part of the pattern cannot be searched yet" if self.unread else ""


class Searches:
    """Asks the store for one answer: what it has told once, it is not asked again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hunts: dict[str, HuntsSince] = {}
        self._known: dict[tuple[str, ...], Searched] = {}

    def of(self, indicators: Iterable[str]) -> Searched:
        """Say how far these indicators were searched for."""
        key = tuple(indicators)
        if key not in self._known:
            self._known[key] = self._searched(self._store.sightlines.wanted(key))
        return self._known[key]

    def _searched(self, wanted: Sequence[Wanted]) -> Searched:
        if not wanted:
            return Searched(0)
        unread = sum(one.is_partly_unread for one in wanted)
        hunts = self._since(max(one.came_at for one in wanted))
        if not hunts.shown:
            return Searched(len(wanted), unread, hunts.started_at, is_noted=hunts.started_at is None)
        needs = {(one.pattern, one.spec_version) for one in wanted}
        needed = frozenset[str]().union(*(needs_of(text, stix_version=version) for text, version in needs))
        shown = {kind: hunts.shown[kind] for kind in sorted(needed & hunts.shown.keys())}
        kinds = tuple(kind for kind in shown if kind != ALL_LIKE)
        newest = max((shown[kind].started_at for kind in kinds), default=hunts.started_at)
        where = _where([shown[kind] for kind in kinds], wanted)
        lacking = tuple(sorted(needed - shown.keys()))
        off = tuple(kind for kind in lacking if f"{SWITCHED_OFF}{kind.partition(' ')[0]}" in hunts.shown)
        first_at, last_at = _window([shown[kind] for kind in kinds])
        return Searched(
            len(wanted),
            unread,
            newest,
            searched=kinds,
            unsearched=lacking,
            switched_off=off,
            where=where,
            first_at=first_at,
            last_at=last_at,
        )

    def _since(self, at: str) -> HuntsSince:
        if at not in self._hunts:
            self._hunts[at] = self._store.sightlines.hunts_since(at)
        return self._hunts[at]


def _where(shown: Sequence[Shown], wanted: Sequence[Wanted]) -> str:
    if not shown:
        return ""
    records = shown[0].records if len(shown) == 1 else None
    counted = "" if records is None else "1 log record" if records == 1 else f"{records:,} log records"
    first, last = _window(shown)
    if first is None or last is None:
        return counted and f"in {counted}"
    days = f"of {first[:10]}" if first[:10] == last[:10] else f"from {first[:10]} to {last[:10]}"
    return f"in {counted or 'log records'} {days}{_validity(first, last, wanted)}"


def _window(shown: Sequence[Shown]) -> tuple[str, str] | tuple[None, None]:
    """Return the times of the first and the last record."""
    firsts = [one.first_at for one in shown if one.first_at is not None]
    lasts = [one.last_at for one in shown if one.last_at is not None]
    return (min(firsts), max(lasts)) if firsts and lasts else (None, None)


def _validity(first: str, last: str, wanted: Sequence[Wanted]) -> str:
    """Say where all of a log's records lie outside an indicator's validity."""
    if len(wanted) != 1:
        return ""
    (one,) = wanted
    if one.valid_from is not None and parse_time(last) < parse_time(one.valid_from):
        return ", all from before it was valid"
    if one.valid_until is not None and parse_time(first) >= parse_time(one.valid_until):
        return ", all from after it had expired"
    return ""
