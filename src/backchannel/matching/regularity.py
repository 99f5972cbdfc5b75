"""Whether contacts come as by a clock: a beacon, told from people and chance by the intervals between contacts.

Robust statistics only: one night's gap in the logs, a missed beat or a burst of retries moves neither the interval
nor the verdict. Malware calls home with *jitter*, a random part of the interval (up to a half in common tools); an
interval that is drawn evenly from a half to the whole of a period lies for three quarters within a quarter of its
median, one between contacts by chance for a sixth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final, Literal

MIN_BEATS: Final = 10
"""Fewer beats are no beacon: ten people's clicks can be evenly spaced, twenty hardly ever are."""
NEAR: Final = 0.25
"""How far from the median an interval may be and still be near it, as a part of the median."""
REGULAR_SHARE: Final = 0.6
"""Share of the intervals that must be near the median,"""
REGULAR_MORE: Final = 1.5
"""and so many more of them: of few intervals, chance brings more of them together."""
MISSED_UP_TO: Final = 3
"""An interval near two or three times the median is one in which beats were missed."""
GAP: Final = 3.5
"""An interval of more medians than that is a gap: the host was off, or the log has a hole."""
MAX_GAP_SHARE: Final = 0.3
"""Of more gaps and missed beats than that nothing is said."""
BURSTS_MS: Final = (1_000, 5_000, 30_000, 150_000)
"""Contacts closer together than that (milliseconds) are one beat of several connections; tried in this order."""
MIN_BURSTS: Final = 3
"""An interval must be so many bursts long, else the burst is the rhythm itself."""
STRETCH: Final = 20
"""Intervals of a stretch that is regular by itself, where not all are."""
STRIDE: Final = 5
STEADY_SHARE: Final = 0.8
"""Share of its intervals that must be near its median: by chance, one stretch in 30 million is so steady."""

Verdict = Literal["regular", "regular for a while", "irregular", "too few"]


@dataclass(frozen=True, slots=True)
class Regularity:
    """How evenly some contacts are spaced. Times in milliseconds."""

    verdict: Verdict
    contacts: int
    beats: int
    """Contacts, those of one burst counted once; of a regular stretch those in it."""
    interval_ms: int
    """Median of the intervals near the median of all; 0 where there is none."""
    spread_ms: int
    """Median distance of those from it (MAD)."""
    near: int
    """Intervals within `NEAR` of the median."""
    intervals: int
    """All of them."""
    missed: int
    """Beats that were due and did not come, gaps not counted."""
    gaps: int
    first_ms: int
    """Of the contacts, or of the stretch that is regular."""
    last_ms: int

    @property
    def is_regular(self) -> bool:
        """Whether they come by the clock, all the time or for a while."""
        return self.verdict in {"regular", "regular for a while"}

    @property
    def share(self) -> float:
        """Part of the intervals near the median, of those that neither are gaps nor have missed beats."""
        return self.near / max(1, self.intervals)


def regularity(times_ms: Iterable[int]) -> Regularity:
    """Judge contacts by their times, in any order (milliseconds since any instant).

    The answer does not depend on the order of the times, nor on the instant they are counted from.
    """
    times = sorted(times_ms)
    whole = [_judged(times, burst) for burst in BURSTS_MS]
    found = next((one for one in whole if one.verdict == "regular"), None)
    return found or _steadiest(times) or whole[0]


def _judged(times: Sequence[int], burst: int) -> Regularity:
    beats = _beats(times, burst)
    intervals = [later - earlier for earlier, later in pairwise(beats)]
    ends = (times[0], times[-1]) if times else (0, 0)
    if not intervals:
        return Regularity("too few", len(times), len(beats), 0, 0, 0, 0, 0, 0, *ends)
    middle = median(intervals)
    near = [one for one in intervals if abs(one - middle) <= NEAR * middle]
    gaps = sum(one > GAP * middle for one in intervals)
    misses = [
        round(one / middle)
        for one in intervals
        if (1 + NEAR) * middle < one <= GAP * middle and _is_multiple(one, middle)
    ]
    counted = len(intervals) - gaps - len(misses)
    period = round(median(near)) if near else round(middle)
    spread = round(median(abs(one - period) for one in near)) if near else 0
    is_regular = (
        middle >= MIN_BURSTS * burst
        and len(near) >= REGULAR_SHARE * counted + REGULAR_MORE
        and gaps + len(misses) <= MAX_GAP_SHARE * len(intervals)
    )
    verdict: Verdict = "regular" if is_regular else "irregular"
    if len(beats) < MIN_BEATS:
        verdict = "too few"
    missed = sum(one - 1 for one in misses)
    return Regularity(
        verdict, len(times), len(beats), period, spread, len(near), counted, missed, gaps, *ends
    )


def _beats(times: Sequence[int], burst: int) -> list[int]:
    return [at for n, at in enumerate(times) if n == 0 or at - times[n - 1] >= burst]


def _steadiest(times: Sequence[int]) -> Regularity | None:
    """Return the longest stretch that is regular: of two programs that call at once, one was alone for a while."""
    beats = _beats(times, BURSTS_MS[0])
    intervals = [later - earlier for earlier, later in pairwise(beats)]
    best = (0, 0)
    start = None
    for first in range(0, len(intervals) - STRETCH + 1, STRIDE):
        if not _is_steady(intervals[first : first + STRETCH]):
            start = None
            continue
        start = first if start is None else start
        best = max(best, (first + STRETCH - start, -start))
    length, start = best[0], -best[1]
    if not length:
        return None
    found = _judged(beats[start : start + length + 1], BURSTS_MS[0])
    return replace(found, verdict="regular for a while", contacts=len(times))


def _is_steady(intervals: Sequence[int]) -> bool:
    middle = median(intervals)
    near = sum(abs(one - middle) <= NEAR * middle for one in intervals)
    return middle >= MIN_BURSTS * BURSTS_MS[0] and near >= STEADY_SHARE * len(intervals)


def _is_multiple(interval: int, middle: float) -> bool:
    times = round(interval / middle)
    return 2 <= times <= MISSED_UP_TO and abs(interval - times * middle) <= NEAR * middle


def in_words(one: Regularity) -> str:
    """Say how even the contacts are, as a clause without its subject: `every 60 s ± 2 s over 3 days`."""
    if one.verdict == "too few":
        return f"{_many(one.contacts, 'contact')}, too few to say whether they are regular"
    over = _span(one.last_ms - one.first_ms)
    if one.verdict == "irregular":
        return f"{_many(one.contacts, 'contact')} over {over}, at no regular interval"
    told = [
        f"every {_span(one.interval_ms)} ± {_span(one.spread_ms)} over {over}",
        f"{one.beats:,} times, {one.share:.0%} of the intervals within a quarter of that",
    ]
    if one.missed:
        told.append(f"{_many(one.missed, 'beat')} missed")
    if one.verdict == "regular for a while":
        told.append(f"at no regular interval in the rest of its {_many(one.contacts, 'contact')}")
    if one.gaps:
        told.append(f"{_many(one.gaps, 'longer gap')}, in which the host or the log was off")
    return "; ".join(told)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


_UNITS: Final = ((86_400_000, "day"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms"))


def _span(milliseconds: int) -> str:
    """Return a length of time in the largest unit in which it is two or more: `90 s`, `3 days`."""
    for size, unit in _UNITS:
        count = milliseconds / size
        if count >= 2 or (unit in {"s", "ms"} and count >= 1) or size == 1:
            text = f"{count:.0f}" if count >= 10 or count == int(count) else f"{count:.1f}"
            return f"{text} {unit}s" if unit == "day" else f"{text} {unit}"
    return "0 ms"  # never: the last unit is always taken
