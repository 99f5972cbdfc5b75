"""The hubs in our hits: which infrastructure several of our hosts or several indicators lead to, and how to check it.

What hits say is computed anew each time, so what is withdrawn or undone is no hub any more; what the logs around
them say is as of the last reading (`desk.hub_reading`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.codec import JsonObject
from backchannel.desk.false_alarms import false_alarms
from backchannel.desk.grading import Grader
from backchannel.desk.hit_places import NUMBERS, PLACES, hit_links, read_place
from backchannel.desk.hub_documents import Hub, HubBeat, HubBook, HubIndicator, HubLead
from backchannel.desk.hub_facts import Beats, HubReading, Lead, kept_reading
from backchannel.desk.hub_reading import OnProgress, read_again
from backchannel.desk.judging import Judge
from backchannel.desk.node import Node
from backchannel.desk.warninglists import load_warninglists
from backchannel.matching.hubs import Meeting, meetings, rank, reason
from backchannel.matching.regularity import Regularity, in_words
from backchannel.stix.describe import describe
from backchannel.store.rows import Kept

MAX_LINKS: Final = 200_000
"""Sums of hits that are gone through (2 s, 100 MB)."""
MAX_HUBS: Final = 200
MAX_GRADED: Final = 20
"""Indicators of one hub whose sources are counted."""
MAX_SHOWN: Final = 20


def hubs(node: Node, clock: Clock, *, reads: bool = True, on_progress: OnProgress | None = None) -> HubBook:
    """Return where hits lead to, most likely a hub first.

    Args:
        node: whose hits.
        clock: gives the present.
        reads: read logs again for intervals and for what is not listed; else what the last reading said counts.
        on_progress: told how far reading is.

    Raises:
        StoreError: the store or the day index is busy or damaged.
    """
    links = list(hit_links(node, at_most=MAX_LINKS + 1))
    found = meetings(links[:MAX_LINKS], at_most=MAX_HUBS * 2)
    wanted = [one for one in found if one.is_hub]
    several = wanted[:MAX_HUBS]
    reading: HubReading | None
    if reads and found:
        places = [one for one in found if one.kind in PLACES][:MAX_HUBS]
        reading = read_again(
            node, clock, {one.infrastructure: one.kind for one in places}, on_progress=on_progress
        )
    else:
        reading = kept_reading(node)
    beats = _by_value(() if reading is None else reading.beats)
    # One host that calls by the clock leads to a hub of its own: somebody answers there.
    single = [one for one in found if not one.is_hub and _regular(beats.get(one.infrastructure, ()))]
    made = _Making(node, clock, [*several, *single[: MAX_HUBS - len(several)]], beats)
    book = HubBook(
        hubs=tuple(made.hubs()),
        leads=(),
        more=len(links) > MAX_LINKS or len(wanted) > len(several) or len(found) == 2 * MAX_HUBS,
        read_at=None,
        logs_read=0,
        logs_gone=(),
        left=(),
    )
    if reading is None:
        return book
    return msgspec.structs.replace(
        book,
        leads=tuple(made.leads(reading)),
        read_at=reading.at,
        logs_read=reading.logs_read,
        logs_gone=reading.logs_gone[:MAX_SHOWN],
        left=reading.left,
    )


def _by_value(beats: Iterable[Beats]) -> dict[str, list[Beats]]:
    found: dict[str, list[Beats]] = {}
    for one in beats:
        found.setdefault(one.value, []).append(one)
    return found


def _regular(beats: Iterable[Beats]) -> list[Regularity]:
    return [one.regularity for one in beats if one.regularity.is_regular]


@dataclass(frozen=True, slots=True)
class _Sources:
    names: tuple[str, ...]
    count: int


class _Making:
    """Makes the documents; what all of them ask for is read once."""

    def __init__(
        self,
        node: Node,
        clock: Clock,
        several: Sequence[Meeting],
        beats: Mapping[str, Sequence[Beats]],
    ) -> None:
        self._node, self._several, self._beats = node, several, beats
        self._lists = load_warninglists(node)
        self._own = Judge(node, clock).own
        self._grader = Grader(node, clock)
        graded = {one for meeting in several for one in sorted(meeting.indicators)[:MAX_GRADED]}
        self._kept = node.store.objects.currents(graded)
        self._false = false_alarms(node, list(self._kept.values()))
        self._origins = self._origins_of(list(self._kept.values()))
        self._against = {one.infrastructure: self._why_not(one) for one in several}

    def hubs(self) -> list[Hub]:
        """Return the hubs, ranked."""
        made = [(self._rank(one), self._hub(one)) for one in self._several]
        return [hub for _, hub in sorted(made, key=lambda one: (one[0], one[1].value))]

    def leads(self, reading: HubReading) -> Iterator[HubLead]:
        """Yield what is not listed and belongs to what still is a hub, what most hosts with hits share first."""
        known = self._against
        kept = []
        for one in reading.leads:
            via = tuple(hub for hub in one.via if known.get(hub) == "")
            if via and one.value not in known:
                kept.append((one, via))
        made = [self._lead(one, via) for one, via in kept]
        yield from sorted(
            made,
            key=lambda one: (bool(one.against), -one.hit_host_count, one.other_host_count, one.value),
        )

    # --- One of them -----------------------------------------------------------------------------

    def _rank(self, one: Meeting) -> tuple[int, ...]:
        return rank(
            is_spoken_against=bool(self._against[one.infrastructure]),
            regular=len(_regular(self._beats.get(one.infrastructure, ()))),
            hosts=len(one.hosts),
            sources=self._sources(one).count,
            indicators=len(one.indicators),
            lines=one.lines,
        )

    def _hub(self, one: Meeting) -> Hub:
        beats = self._beats.get(one.infrastructure, ())
        sources = self._sources(one)
        hosts, indicators = sorted(one.hosts), sorted(one.indicators)
        shown = _beats(beats)
        return Hub(
            value=one.infrastructure,
            kind=one.kind,
            why=reason(
                one.infrastructure,
                hosts=len(hosts),
                indicators=len(indicators),
                sources=sources.count,
                regular=_regular(beats),
                is_number=one.kind in NUMBERS,
            ),
            hosts=tuple(hosts[:MAX_SHOWN]),
            host_count=len(hosts),
            indicators=tuple(
                HubIndicator(indicator=each, says=self._says(each)) for each in indicators[:MAX_SHOWN]
            ),
            indicator_count=len(indicators),
            sources=sources.names,
            source_count=sources.count,
            lines=one.lines,
            first_seen=one.first_seen,
            last_seen=one.last_seen,
            beats=shown,
            against=self._against[one.infrastructure],
            warninglists=self._labels(one.infrastructure, one.kind),
            check=tuple(_checks(one, shown)),
        )

    def _lead(self, one: Lead, via: tuple[str, ...]) -> HubLead:
        beats = _beats(self._beats.get(one.value, ()))
        hit_hosts = sorted(one.sharing.hit_hosts)
        return HubLead(
            value=one.value,
            kind=one.kind,
            why=_lead_reason(one, via),
            hit_hosts=tuple(hit_hosts[:MAX_SHOWN]),
            hit_host_count=len(hit_hosts),
            other_host_count=one.sharing.others,
            via=via[:MAX_SHOWN],
            beats=beats,
            against=self._spoken_against(one.value, one.kind),
            check=tuple(f"see {each.log} line {each.line}" for each in beats[:1]),
        )

    def _sources(self, one: Meeting) -> _Sources:
        names: dict[str, None] = {}
        is_hidden = False
        for indicator in sorted(one.indicators)[:MAX_GRADED]:
            disclosed, hidden = self._origins.get(indicator, ((), False))
            names |= dict.fromkeys(disclosed)
            is_hidden = is_hidden or hidden
        return _Sources(
            tuple(self._grader.letters.name_of(name) for name in names), len(names) + int(is_hidden)
        )

    def _origins_of(self, page: Sequence[Kept]) -> dict[str, tuple[tuple[str, ...], bool]]:
        return {
            kept.stix_id: (
                tuple(origin.name for origin in graded.origins.origins if origin.is_disclosed),
                graded.origins.k_undisclosed > 0,
            )
            for kept, graded in zip(page, self._grader.grades(page), strict=True)
        }

    def _says(self, indicator: str) -> str:
        kept = self._kept.get(indicator)
        return "" if kept is None else describe(codec.decode(kept.body), name_of=lambda _: "")

    # --- What speaks against it ------------------------------------------------------------------

    def _why_not(self, one: Meeting) -> str:
        why = self._spoken_against(one.infrastructure, one.kind)
        if why or len(one.indicators) > MAX_GRADED:
            return why
        judged = [self._false.get(indicator) for indicator in sorted(one.indicators)]
        alarms = [alarm for alarm in judged if alarm is not None]
        if not alarms or len(alarms) < len(judged):
            return ""
        return max(alarms, key=lambda alarm: alarm.at).says

    def _spoken_against(self, value: str, kind: str) -> str:
        seen = read_place(value) if kind in PLACES else None
        if seen is None:
            return ""
        if own := self._own.why(seen):
            return own
        labels = [one.why for one in self._lists.labels(seen) if one.cls != "context"]
        return labels[0] if labels else ""

    def _labels(self, value: str, kind: str) -> tuple[JsonObject, ...]:
        seen = read_place(value) if kind in PLACES else None
        labels = self._lists.labels(seen) if seen is not None else ()
        return tuple({"list": one.list, "class": one.cls, "why": one.why} for one in labels)


def _beats(beats: Sequence[Beats]) -> tuple[HubBeat, ...]:
    order = {"regular": 0, "regular for a while": 1, "irregular": 2, "too few": 3}
    ordered = sorted(
        beats, key=lambda one: (order[one.regularity.verdict], -one.regularity.contacts, one.host)
    )
    return tuple(
        HubBeat(
            host=one.host,
            verdict=found.verdict,
            says=in_words(found),
            contacts=found.contacts,
            beats=found.beats,
            interval_ms=found.interval_ms,
            spread_ms=found.spread_ms,
            share=round(found.share, 3),
            missed=found.missed,
            gaps=found.gaps,
            first_seen=_time(found.first_ms),
            last_seen=_time(found.last_ms),
            log=one.log,
            line=one.line,
        )
        for one, found in ((each, each.regularity) for each in ordered[:MAX_SHOWN])
    )


def _time(milliseconds: int) -> str:
    return format_time(datetime.fromtimestamp(milliseconds / 1000, UTC))


def _checks(one: Meeting, beats: Sequence[HubBeat]) -> Iterator[str]:
    for each in beats[:1]:
        yield f"see {each.log} line {each.line}: {each.host} and {one.infrastructure}"
    for indicator in sorted(one.indicators)[:1]:
        yield f"backchannel show {indicator}"
    for log in dict.fromkeys(each.log for each in beats[:3]):
        yield f"backchannel hunt {shlex.quote(log)} --jsonl | grep -F {shlex.quote(one.infrastructure)}"


def _lead_reason(one: Lead, via: Sequence[str]) -> str:
    hit, others = len(one.sharing.hit_hosts), one.sharing.others
    hosts = f"{hit:,} of our hosts with hits" if hit != 1 else "1 of our hosts with hits"
    rest = f"{others:,} others" if others > 1 else "1 other" if others else "no other"
    how = (
        f"{one.value} and {via[0]} resolved to one another or served one another's names"
        if one.how == "resolved"
        else f"Hosts contacted {one.value} for the first time within 5 min after {via[0]}"
    )
    return f"{how}; contacted by {hosts} and {rest}. Not listed; to be looked at"
