"""Sort what an import reads: new, known, in conflict, quarantined or refused, and turn it into rows.

Each object is counted once. What a person must see beside the object becomes a finding: a conflict, another
spelling. The caller holds the import lock, so that numbers given here are given to nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from backchannel.clock import format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.intake.received import Received, Refused
from backchannel.stix.findings import Finding
from backchannel.stix.raw import RawObject
from backchannel.stix.versions import changes
from backchannel.stix.visible import visible
from backchannel.store.interface import Objects
from backchannel.store.rows import (
    Arrived,
    BatchCounts,
    Held,
    NewArrival,
    NewFinding,
    NewIndicator,
    NewObject,
    NewReference,
    Opened,
    Outcome,
    version_key,
)

MAX_TOLD_FINDINGS = 10_000
"""Findings of each level in an import's answer; the store keeps all. Bounds the memory of an import."""
MAX_REFERENCE_CHARS = 300
"""A type has at most 250 characters, an id 38 more (STIX 2.1 §3.1): what is longer refers to nothing."""
MAX_NAMES_CHARS = 2_000
"""Longest names of one object, together, of which it is remembered which are references."""

_NOT_FOLLOWED = frozenset({"object_marking_refs"})
"""Markings are read from the object itself; so is its author (any `..._by_ref`)."""


Repeats = Callable[[Iterable[int]], frozenset[int]]
"""Says which objects came before by the same channel: read once more, they are known and no new arrival."""


class Filing:
    """One import's sorting, one transaction after the other."""

    def __init__(self, objects: Objects, opened: Opened, *, repeats: Repeats | None = None) -> None:
        self.batch_id = opened.batch_id
        self.indicators = 0
        """How many were stored or brought back: whether there is something to compile."""
        self.collected = 0
        """How many of them were put in the collections named, once the batch is complete."""
        self.findings_total = 0
        self._repetitions = 0
        self._objects = objects
        self._object_row = opened.object_row
        self._arrival_row = opened.arrival_row
        self._finding_row = opened.finding_row
        self._counts = dict.fromkeys(BatchCounts._fields, 0)
        self._told: dict[str, list[Finding]] = {"refuse": [], "quarantine": [], "note": []}
        self._held: dict[str, list[Held]] = {}
        self._repeats = repeats
        self._repeated: frozenset[int] = frozenset()
        self._arrived = _nothing()

    @property
    def brought(self) -> int:
        """How many objects are more than a repetition: whether the batch is worth keeping."""
        return self._counts["objects"] - self._repetitions

    @property
    def counts(self) -> BatchCounts:
        """Each object so far, counted once."""
        return BatchCounts(**self._counts)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Refusals first, then quarantines, then notes; at most `MAX_TOLD_FINDINGS` of each."""
        return tuple(finding for told in self._told.values() for finding in told)

    def file(self, items: Sequence[Received | Refused]) -> Arrived:
        """Return the rows that `items` add, to be written in one transaction before the next call."""
        self.sort(items)
        return self.take()

    def sort(self, items: Sequence[Received | Refused]) -> None:
        """Sort some of what one transaction writes; `take` then gives the rows."""
        ids = {item.raw.header.id for item in items if isinstance(item, Received)}
        found = self._objects.held(ids - self._held.keys())
        self._held |= found
        if self._repeats is not None:
            self._repeated |= self._repeats(one.object_row for held in found.values() for one in held)
        for item in items:
            if isinstance(item, Received):
                self._receive(item)
            else:
                self._count("refused")
                self._note(item.findings, object_row=None, original=item.original)

    def take(self) -> Arrived:
        """Return the rows of what was sorted, to be written in one transaction before the next `sort`."""
        arrived = self._arrived
        self._arrived, self._held, self._repeated = _nothing(), {}, frozenset()
        return arrived

    def _count(self, outcome: str) -> None:
        self._counts["objects"] += 1
        self._counts[outcome] += 1

    def _receive(self, item: Received) -> None:
        raw = item.raw
        held = self._held.setdefault(raw.header.id, [])
        same = _same(held, item) if held else None
        if same is not None and same.visible:
            spelled_anew = item.original is None and same.body_digest != raw.body_digest
            if same.object_row in self._repeated and not spelled_anew:
                self._repetitions += 1
                self._count("known")
                return
            self._arrive(same.object_row, "known", item, raw.body if spelled_anew else None)
            self._tell(item, same.object_row)
            if spelled_anew:
                self._note((_other_spelling(item),), object_row=None)
            return
        quarantined = _has_quarantine(item.findings) if item.findings else False
        key = version_key(raw.header.version)
        contradicted = _contradicts(held, key) if held else False
        outcome: Outcome = "quarantined" if quarantined else "conflict" if contradicted else "stored"
        if same is None:
            row = self._keep(raw, key, quarantined=quarantined)
        else:  # kept since a batch that was undone
            row = same.object_row
            self._arrived.revived.append((quarantined, self._arrival_row, row))
            if same.body_digest != raw.body_digest:
                self._arrived.respelled.append((row, raw.body))
        if same is not None:
            held.remove(same)
        held.append(Held(row, raw.header.id, key, raw.digest, raw.body_digest, True))  # it may come twice
        self._arrive(row, outcome, item)
        self._tell(item, row)
        if contradicted:  # a fact of today, which undoing the other batch would end: views see it themselves
            self._note((_contradiction(item),), object_row=None)
        if raw.header.type == "indicator":
            self.indicators += 1

    def _keep(self, raw: RawObject, key: str, *, quarantined: bool) -> int:
        row = self._object_row
        self._object_row += 1
        header = raw.header
        self._arrived.objects.append(
            NewObject(
                row,
                header.id,
                header.version,
                key,
                header.type,
                header.spec_version,
                header.revoked,
                header.created_by_ref,
                quarantined,
                self._arrival_row,
                raw.digest,
                raw.body_digest,
                raw.body,
            )
        )
        self._arrived.references.extend(_references(raw, row))
        if header.type == "indicator":
            indicator = _indicator(raw.value, row)
            if indicator is not None:
                self._arrived.indicators.append(indicator)
        return row

    def _arrive(self, row: int, outcome: Outcome, item: Received, body: bytes | None = None) -> None:
        self._count(outcome)
        self._arrived.arrivals.append(
            NewArrival(self._arrival_row, self.batch_id, row, outcome, item.place, item.original, body)
        )
        self._arrival_row += 1

    def _tell(self, item: Received, row: int) -> None:
        """Note what validation found, and what the 2.1 view of a 2.0 object changes: views derive that again."""
        if item.findings:
            self._note(item.findings, object_row=row)
        if item.raw.header.spec_version == "2.0":
            self._note(changes(item.raw, item.place), object_row=None)

    def _note(
        self, findings: Sequence[Finding], *, object_row: int | None, original: bytes | None = None
    ) -> None:
        for finding in findings:
            self._arrived.findings.append(
                NewFinding(
                    self._finding_row,
                    self.batch_id,
                    object_row,
                    finding.level,
                    finding.object,
                    finding.where,
                    finding.what,
                    finding.clause,
                    original,
                )
            )
            original = None  # the bytes stand with the first finding only
            self._finding_row += 1
            self.findings_total += 1
            told = self._told[finding.level]
            if len(told) < MAX_TOLD_FINDINGS:
                told.append(finding)


def _nothing() -> Arrived:
    return Arrived([], [], [], [], [], [], [])


def _same(held: Sequence[Held], item: Received) -> Held | None:
    """Find the content of `item` among what is held under its id.

    An object made from a row has the row's content in its id; its dates may be those of the import.
    """
    same = next((other for other in held if other.digest == item.raw.digest), None)
    if same is None and item.original is not None and not item.has_version:
        same = next((other for other in reversed(held) if other.visible), None)
    return same


def _has_quarantine(findings: Sequence[Finding]) -> bool:
    return any(finding.level == "quarantine" for finding in findings)


def _contradicts(held: Sequence[Held], key: str) -> bool:
    return any(other.visible and other.version_key == key for other in held)


def _other_spelling(item: Received) -> Finding:
    return Finding(
        "note",
        item.raw.header.id,
        item.place,
        "The same content came before in another spelling: that one stays the object, this one is kept with "
        "its arrival.",
        "RFC 8785 §3.2",
    )


def _contradiction(item: Received) -> Finding:
    return Finding(
        "note",
        item.raw.header.id,
        item.place,
        "Another content came before under the same id and version: both are kept, the first is in force. "
        "Ask the source for a new version (`modified`).",
        "STIX 2.1 §3.6",
    )


def _references(raw: RawObject, row: int) -> list[NewReference]:
    """Return to whom the object refers by its own properties, each target once a property."""
    value, found = raw.value, []
    names = tuple(value)
    # What a body holds cannot be longer than it.
    is_short = len(raw.body) <= MAX_NAMES_CHARS or sum(map(len, names)) <= MAX_NAMES_CHARS
    for name in _followed(names) if is_short else filter(_is_followed, names):
        target = value[name]
        if isinstance(target, str):
            if _is_reference(target):
                found.append(NewReference(target, name, row))
        elif isinstance(target, list):
            targets = {one for one in target if isinstance(one, str) and _is_reference(one)}
            found += [NewReference(one, name, row) for one in targets]
    return found


@lru_cache(maxsize=256)  # objects of one kind from one source have the same properties
def _followed(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(_is_followed, names))


def _is_followed(name: str) -> bool:
    return name.endswith(("_ref", "_refs")) and name not in _NOT_FOLLOWED and not name.endswith("_by_ref")


def _is_reference(target: str) -> bool:
    return "--" in target and len(target) <= MAX_REFERENCE_CHARS


def _indicator(value: JsonObject, row: int) -> NewIndicator | None:
    """Return what matching asks of an indicator, None where it has no pattern (it is in quarantine)."""
    pattern, pattern_type = value.get("pattern"), value.get("pattern_type", "stix")
    if not isinstance(pattern, str) or not isinstance(pattern_type, str):
        return None
    valid_from, valid_until = _instant(value.get("valid_from")), _instant(value.get("valid_until"))
    # What of a STIX pattern is not searched is found when it is compiled, before any hunt.
    unread = "" if pattern_type == "stix" else _unsearched(pattern_type)
    return NewIndicator(row, pattern, pattern_type, valid_from, valid_until, unread)


def _unsearched(pattern_type: str) -> str:
    return f"patterns of type {visible(pattern_type, max_chars=40)} are not searched yet"


def _instant(value: object) -> str | None:
    return _utc(value) if isinstance(value, str) else None


@lru_cache(maxsize=1024)
def _utc(text: str) -> str | None:
    """Spell a time in UTC, as matching compares it; what is no time is left out (validation has told)."""
    try:
        return format_time(parse_time(text))
    except ValueError:
        return None
