"""Judge whole patterns in a hunt: of the records in which an anchor was met, and of no others.

An anchor stands in every record that can satisfy a `[...]` of its pattern (`stix.pattern.compound`). What one
record decides is decided when its log ends; what takes several (AND, FOLLOWEDBY, a qualifier) at the end of
the hunt, across its logs. Of a record nothing is kept but what such a decision needs.

A pattern whose anchor was met, and of which a log cannot show the rest, is told as `partial`: neither a hit
like any other, nor nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from backchannel.codec import JsonObject
from backchannel.logs.lines import numbered
from backchannel.logs.observing import NO_TIME, beside, named_values, observe, shown_paths
from backchannel.logs.opening import OpenLog
from backchannel.logs.shape import LogShape
from backchannel.matching.index import Scope
from backchannel.matching.rows import Found
from backchannel.matching.terms import normal
from backchannel.observables.kinds import Kind
from backchannel.stix.pattern.ast import Observation, Pattern
from backchannel.stix.pattern.compound import split
from backchannel.stix.pattern.evaluate import Compiled, Moment, compiled, decide
from backchannel.stix.pattern.judge import MAX_REASONS, Judge, Judgement, TooMuchError
from backchannel.stix.pattern.observed import Seen
from backchannel.stix.pattern.parse import PatternError

MAX_RECORDS: Final = 50_000
"""Records with an anchor that are judged of one log; a pattern with more is told as met in part."""
MAX_HELD_CHARS: Final = 2**26
"""Characters of their cells, all together: bounds the memory that long lines take."""
MAX_TESTS_OF_PART: Final = 5_000_000
"""Comparisons made for one part of a pattern in a hunt: some ten seconds, whatever the pattern."""
MAX_KEPT: Final = 2_000
"""Records kept for one part of a pattern that takes several."""
MAX_KEPT_IN_ALL: Final = 50_000
"""Records kept for all of them."""
MAX_MATCHES: Final = 20
"""Matches told of one such part, no record being in two."""

_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)

PatternOf = Callable[[int], tuple[str, str] | None]
"""Returns pattern and STIX version of the indicator with an object row; None if it is not in force."""


class _Kept(NamedTuple):
    """A record that may take part in a match of several."""

    found: Found
    moment: Moment


@dataclass(slots=True)
class _Part:
    """One part of a pattern that is a match by itself."""

    ready: Compiled
    is_single: bool
    """One record decides."""
    kept: list[_Kept] = field(default_factory=list)
    unkept: Found | None = None
    """The first record that there was no room for."""
    reasons: dict[str, None] = field(default_factory=dict)
    tests: int = 0

    def judge(self, seen: Seen) -> tuple[Judgement, tuple[str, ...]]:
        """Judge one record; return also why something of it cannot be said."""
        one = Judge(self.ready, is_by_record=True)
        try:
            if self.tests > MAX_TESTS_OF_PART:
                raise TooMuchError
            return one.judge(seen), tuple(one.reasons)
        except TooMuchError:
            everything = (1 << len(self.ready.observations)) - 1
            return Judgement(0, everything), ("it takes too many comparisons",)
        finally:
            self.tests += one.tests


class Compounds:
    """The whole patterns of one hunt, whose anchors were met so far."""

    def __init__(self, pattern_of: PatternOf, is_in_window: Callable[[datetime], bool]) -> None:
        """Begin a hunt.

        Args:
            pattern_of: asked once for each indicator whose anchor is met.
            is_in_window: whether a record of that time counts; one without a time does.
        """
        self._pattern_of, self._is_in_window = pattern_of, is_in_window
        self._parts: dict[int, tuple[_Part, ...]] = {}
        self._kept = 0
        self.undecided: dict[int, str] = {}
        """Object row to why nobody can say whether its pattern holds of all that was read."""

    def added(
        self, several: Iterable[Found], log: OpenLog, shape: LogShape, off: Collection[Kind]
    ) -> Iterator[Found]:
        """Yield what was found in one log without the anchors, and then the records that decide by themselves.

        Args:
            several: what was found.
            log: it, open until all is yielded.
            shape: of the log.
            off: kinds that are not looked at in it.
        """
        met: list[Found] = []
        unread: dict[int, Found] = {}
        hits: set[tuple[int, int]] = set()
        held = 0
        for found in several:
            row = found.met.object_row
            if row >= 0:
                hits.add((row, found.line))
                yield found
                continue
            held += sum(len(cell) for cell in found.cells if cell is not None)
            if len(met) < MAX_RECORDS and held < MAX_HELD_CHARS:
                met.append(_hit(found))
            else:
                unread.setdefault(-row, _brief(_hit(found)))
        wanted = sorted((one for one in met if self._of(one.met.object_row)), key=lambda one: one.line)
        if wanted:
            yield from self._judge_all(wanted, hits, log, shape, off)
        for row, found in unread.items():
            if self._of(row):
                self.undecided[row] = "a value of it stands in more records of one log than are judged"
                yield _hit(found, "partial")

    def of_record(self, found: Found, off: Collection[Kind]) -> Found | None:
        """Judge one record by itself, as it comes, by the observables in it alone.

        Returns:
            The hit; a partial one where what stands beside, or other records, would have to decide.
        """
        found = _hit(found)
        layout, parts = found.layout, self._of(found.met.object_row)
        seen = observe(layout, found.cells, {}, shown_paths(layout, (), off), off)
        scope: Scope | None = None
        for part in parts:
            judgement, _ = part.judge(seen)
            if part.is_single and judgement.sure:
                return found
            if judgement.possible:
                scope = "partial"
        return None if scope is None else _hit(found, scope)

    def end(self) -> Iterator[Found]:
        """Yield what several records decide together, at the end of a hunt."""
        for row, parts in self._parts.items():
            for part in parts:
                yield from self._together(row, part)

    def _judge_all(
        self,
        wanted: list[Found],
        hits: set[tuple[int, int]],
        log: OpenLog,
        shape: LogShape,
        off: Collection[Kind],
    ) -> Iterator[Found]:
        names = _names(log, shape)
        shows: dict[int, frozenset[str]] = {}
        for found, record in _with_records(wanted, log, shape):
            layout = found.layout
            if id(layout) not in shows:
                shows[id(layout)] = shown_paths(layout, names, off)
            seen = observe(layout, found.cells, record, shows[id(layout)], off)
            if seen.first != NO_TIME and not self._is_in_window(seen.first):
                continue
            scope = self._judged(found, seen)
            # One indicator and line is one hit.
            if scope is not None and (found.met.object_row, found.line) not in hits:
                yield _hit(found, scope)

    def _of(self, row: int) -> tuple[_Part, ...]:
        if row not in self._parts:
            found = self._pattern_of(row)
            self._parts[row] = () if found is None else tuple(_parts(*found))
        return self._parts[row]

    def _judged(self, found: Found, seen: Seen) -> Scope | None:
        """Judge one record; return in which scope it is a hit by itself, None if it is none."""
        scope: Scope | None = None
        for part in self._parts[found.met.object_row]:
            judgement, reasons = part.judge(seen)
            if not part.is_single:
                self._keep(part, found, Moment(seen.first, seen.last, 1, judgement), reasons)
            elif judgement.sure:
                scope = found.met.scope
            elif judgement.possible:
                scope = scope or "partial"
                self.undecided.setdefault(found.met.object_row, "; ".join(reasons))
        return scope

    def _keep(self, part: _Part, found: Found, moment: Moment, reasons: tuple[str, ...]) -> None:
        if not moment.judgement.possible:
            return
        if len(part.kept) >= MAX_KEPT or self._kept >= MAX_KEPT_IN_ALL:
            part.unkept = part.unkept or _brief(found)
            return
        if moment.first == NO_TIME:
            reasons = (*reasons, "a record has no time")
            # It may have been at any time: then it might take part, and surely does not.
            moment = Moment(NO_TIME, _END_OF_TIME, 1, Judgement(0, moment.judgement.possible))
        self._kept += 1
        part.kept.append(_Kept(_brief(found), moment))
        part.reasons.update(dict.fromkeys(reasons[:MAX_REASONS]))

    def _together(self, row: int, part: _Part) -> Iterator[Found]:
        """Yield the records of each match, and of what might be one."""
        left = sorted(part.kept, key=lambda one: (one.moment.first, one.found.path, one.found.line))
        reasons = tuple(part.reasons)[:MAX_REASONS]
        matches, found = 0, decide(part.ready, [one.moment for one in left], reasons)
        while left and found.holds is not False and matches < MAX_MATCHES:
            # Where nobody could say which records, the first one that came into question stands for them.
            taken = set(found.taken or (0,))
            for number in sorted(taken):
                one = left[number].found
                yield one if found.holds else _hit(one, "partial")
            matches += 1
            if found.holds is None:
                self.undecided[row] = found.why
                return
            left = [one for number, one in enumerate(left) if number not in taken]
            found = decide(part.ready, [one.moment for one in left], reasons)
        if part.unkept is not None and not matches:
            self.undecided[row] = f"a value of it stands in more than {MAX_KEPT:,} records"
            yield _hit(part.unkept, "partial")


def _parts(text: str, version: str) -> Iterator[_Part]:
    try:
        roots = split(text, stix_version=version).compound
    except PatternError:
        return
    for root in roots:
        yield _Part(compiled(Pattern(text, normal(root))), isinstance(root, Observation))


def _hit(found: Found, scope: Scope | None = None) -> Found:
    """Return what was found as of the indicator itself, in another scope if one is given."""
    met = found.met
    return found._replace(met=met._replace(object_row=abs(met.object_row), scope=scope or met.scope))


def _brief(found: Found) -> Found:
    """Return what was found without long cells: a hit takes addresses and the time from them."""
    cells = tuple(None if cell is None or len(cell) > _MAX_BRIEF_CHARS else cell for cell in found.cells)
    return found._replace(cells=cells)


_MAX_BRIEF_CHARS: Final = 256


def _with_records(
    wanted: Iterable[Found], log: OpenLog, shape: LogShape
) -> Iterator[tuple[Found, JsonObject]]:
    """Yield what was found with the record it is in, all its fields by name; where nothing is told of them, none."""
    if not beside(shape.format):
        yield from ((one, {}) for one in wanted)
        return
    by_line: dict[int, list[Found]] = {}
    for one in wanted:
        by_line.setdefault(one.line, []).append(one)
    with log.path.open("rb") as stream:
        for number, line in numbered(stream, end=log.size, on_long=_ignore):
            if shape.header is not None and (changed := shape.header(line)) is not None:
                shape = changed
            elif number in by_line:
                record = named_values(line, shape.names)
                yield from ((one, record) for one in by_line[number])


def _ignore(line: int, why: str) -> None:
    """What is too long was named when the log was read."""


def _names(log: OpenLog, shape: LogShape) -> frozenset[str]:
    """Return the names of fields that records of a log have, below objects with dots."""
    if shape.names or not beside(shape.format):
        return frozenset(shape.names)
    found: set[str] = set()
    for line in log.sample():
        for key, value in named_values(line, ()).items():
            found.add(key)
            found.add(key.replace("_", ".") if key.startswith("id_") else key)
            if isinstance(value, dict):
                found.update(f"{key}.{inner}" for inner in value)
    return frozenset(found)
