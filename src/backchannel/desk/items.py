"""Objects as a person reads them: who says it, what it is, what it is tied to, whether it concerns us.

A `Reader` lives for one answer. What it looked up once it does not look up again, so a page costs what its
own items cost, whatever else the store holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import msgspec

from backchannel import codec
from backchannel.clock import Clock, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.acting import Adviser
from backchannel.desk.belief import item_grade
from backchannel.desk.belief_documents import ItemGrade
from backchannel.desk.claims import CLAIMING
from backchannel.desk.concerning import concerns_of
from backchannel.desk.defining import Definitions
from backchannel.desk.documents import Concerns, Item, ItemAdvice, Related, Source, Validity, ValidityState
from backchannel.desk.grading import Grader
from backchannel.desk.node import Node
from backchannel.desk.redacted import in_our_words, renamed_here
from backchannel.desk.searching import Searches
from backchannel.desk.ties import Tie, own_references, ties
from backchannel.errors import NotFoundError, UsageError
from backchannel.stix.describe import describe, short_name
from backchannel.stix.findings import Finding
from backchannel.stix.markings import Tlp, pap_of, tlp_of
from backchannel.stix.raw import Header, RawObject
from backchannel.stix.versions import View, view
from backchannel.stix.visible import visible
from backchannel.store.interface import Store
from backchannel.store.rows import Answered, First, Kept

MAX_FINDINGS_SHOWN = 100
MAX_NAME_CHARS = 200

MAX_ID_CHARS = 300
"""A type has at most 250 characters, an id 38 more (STIX 2.1 §3.1)."""


def find(store: Store, stix_id: str) -> Kept:
    """Return the version in force of an object, else the newest of it in quarantine.

    Args:
        store: where it is kept.
        stix_id: its id, or so much of its beginning that only one object has it.

    Raises:
        NotFoundError: nothing of that id is in sight.
        UsageError: several objects begin so.
    """
    wanted = stix_id.strip()
    ids = store.objects.ids_like(wanted, at_most=2) if 0 < len(wanted) <= MAX_ID_CHARS else []
    if not ids:
        raise NotFoundError(
            f"there is no object {visible(wanted, max_chars=MAX_ID_CHARS)}",
            hint="See `backchannel inbox`; `backchannel import FILE` brings more.",
        )
    if len(ids) > 1 and ids[0] != wanted:
        raise UsageError(f"several objects begin with {visible(wanted)}", hint="Write more of the id.")
    found = ids[0]
    return store.objects.current(found) or store.objects.all_versions(found, at_most=1)[0]


class Reader:
    """What one answer has read so far."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self.node = node
        self.store = node.store
        self.clock = clock
        self._searches = Searches(node.store)
        self._adviser = Adviser(node, clock, self._searches)
        self._names: dict[str, str] = {}
        self._views: dict[int, View] = {}
        self._values: dict[int, JsonObject] = {}
        self._definitions = Definitions(node.store)

    def view(self, kept: Kept) -> View:
        """Return the object as STIX 2.1, derived where it came as 2.0."""
        known = self._views.get(kept.object_row)
        if known is None:
            known = view(_raw(kept))
            self._views[kept.object_row] = known
        return known

    def value(self, kept: Kept) -> JsonObject:
        """Return the 2.1 form of the object itself, without what a 2.0 one carried along."""
        known = self._values.get(kept.object_row)
        if known is None:
            objects = self.view(kept).objects
            known = next((value for value in objects if value.get("id") == kept.stix_id), objects[0])
            self._values[kept.object_row] = known
        return known

    def as_ours(self, kept: Kept) -> JsonObject:
        """Return its 2.1 form with our ids where it names redacted forms that its giver was given."""
        value = self.value(kept)
        if not self._has_redacted:
            return value
        return renamed_here(
            value, in_our_words(self.store, kept, (target for _, target in own_references(value)))
        )

    @cached_property
    def _has_redacted(self) -> bool:
        return self.store.redacted.any()

    def says(self, kept: Kept) -> str:
        """Return what it is, in one plain sentence."""
        return describe(self.as_ours(kept), name_of=self.name_of)

    def name_of(self, stix_id: str) -> str:
        """Return the name of the object with an id, or the id itself where nothing is known."""
        name = self._names.get(stix_id)
        if name is None:
            kept = self.store.objects.current(stix_id)
            name = (short_name(self.value(kept)) if kept else "") or visible(stix_id)
            self._names[stix_id] = name
        return name

    def concerns(self, kept: Kept) -> Concerns:
        """Return whether it was seen in our own logs, or how far it was searched for."""
        return concerns_of(self.store, self._searches, kept, self.as_ours(kept))

    def source(self, kept: Kept, first: First) -> Source:
        """Return who handed it to us, and who it says wrote it."""
        author = self.name_of(kept.created_by_ref) if kept.created_by_ref else None
        return Source(party=first.party, channel=first.channel, author=author)

    def tlp(self, kept: Kept, first: First) -> Tlp:
        """Return its marking: where arrivals had different defaults, or relays allow less, the strictest counts."""
        value = self.value(kept)
        known = self.known((value,), first.party)
        tlps = [tlp_of(value, default=default, known=known) for default in first.tlps]
        return max([*tlps, *map(Tlp, first.floors)], key=lambda tlp: tlp.strictness)

    def known(self, values: Iterable[JsonObject], party: str | None) -> Mapping[str, Tlp | None]:
        """Return what the markings of `values` mean, but for TLP's own, where `party` gave us these objects."""
        return self._definitions.known(values, party)

    def markings(self, values: Iterable[JsonObject]) -> None:
        """Look up at once how the markings of many objects are defined."""
        self._definitions.look_up(values)

    def items(self, page: Sequence[Kept], *, related: int) -> tuple[Item, ...]:
        """Return `page` as items, in its order, each with at most `related` objects tied to it."""
        facts = _Facts.of(self, page, related)
        self.markings(map(self.value, page))
        return tuple(self._item(kept, facts) for kept in page)

    def grades(self, page: Sequence[Kept]) -> dict[int, ItemGrade]:
        """Return what those objects are worth that claim something, by row."""
        claiming = [kept for kept in page if kept.type in CLAIMING]
        if not claiming:
            return {}
        graded = self.grader.grades(claiming)
        self._adviser.contested |= {
            kept.stix_id for kept, one in zip(claiming, graded, strict=True) if one.grade.is_contested
        }
        return {kept.object_row: item_grade(one) for kept, one in zip(claiming, graded, strict=True)}

    @cached_property
    def grader(self) -> Grader:
        """What judges claims, with one reading of keys and letters."""
        return Grader(self.node, self.clock)

    def _item(self, kept: Kept, facts: _Facts) -> Item:
        row, value, first = kept.object_row, self.value(kept), facts.firsts[kept.object_row]
        pap = pap_of(value)
        return Item(
            id=kept.stix_id,
            type=kept.type,
            version=kept.version or None,
            name=visible(short_name(value), max_chars=MAX_NAME_CHARS) or None,
            says=self.says(kept),
            source=self.source(kept, first),
            sources=first.parties,
            tlp=self.tlp(kept, first).label,
            pap=pap.label if pap else None,
            validity=self._validity(value) if kept.type == "indicator" else None,
            related=facts.related[row],
            related_more=row in facts.related_more,
            findings=facts.findings.get(row, ())[:MAX_FINDINGS_SHOWN],
            concerns=self.concerns(kept),
            advice=self._advice(kept),
            received_at=first.received_at,
            conflict=row in facts.conflicts,
            revoked=kept.revoked,
            quarantined=kept.quarantined,
            uncompiled=facts.uncompiled.get(row, ()),
            answered=tuple(dict.fromkeys(said.kind for said in facts.answers.get(kept.stix_id, ()))),
            grade=facts.grades.get(row),
        )

    def _advice(self, kept: Kept) -> ItemAdvice | None:
        advice = self._adviser.advice(kept.stix_id)
        return None if advice is None else ItemAdvice(do=advice.do, text=advice.text, why=advice.why)

    def _validity(self, value: JsonObject) -> Validity:
        valid_from, valid_until = value.get("valid_from"), value.get("valid_until")
        now = self.clock.now()
        state: ValidityState = "inside"
        for bound, outside in ((valid_until, "after"), (valid_from, "before")):
            try:
                at = parse_time(bound) if isinstance(bound, str) else None
            except ValueError:  # validation has told
                at = None
            if at is not None and (now >= at if outside == "after" else now < at):
                state = "after" if outside == "after" else "before"
        return Validity(
            from_=valid_from if isinstance(valid_from, str) else None,
            until=valid_until if isinstance(valid_until, str) else None,
            state=state,
        )


class _Facts(msgspec.Struct, frozen=True):
    """What is looked up for a whole page at once; keys are object rows, but for `answers`."""

    firsts: dict[int, First]
    findings: dict[int, tuple[Finding, ...]]
    conflicts: frozenset[int]
    uncompiled: dict[int, tuple[str, ...]]
    answers: dict[str, list[Answered]]
    grades: dict[int, ItemGrade]
    related: dict[int, tuple[Related, ...]]
    related_more: frozenset[int]

    @classmethod
    def of(cls, reader: Reader, page: Sequence[Kept], related: int) -> _Facts:
        """Ask the store for everything that `page` needs."""
        objects = reader.store.objects
        rows = [kept.object_row for kept in page]
        tied = {
            kept.object_row: ties(reader.store, kept, reader.as_ours(kept), at_most=related + 1)
            for kept in page
        }
        others = objects.currents({tie.id for found in tied.values() for tie in found[:related]})
        return cls(
            firsts=objects.firsts(rows),
            findings=objects.findings(rows),
            conflicts=objects.conflicts(rows),
            uncompiled=objects.uncompiled(rows),
            answers=reader.store.sightlines.answers(kept.stix_id for kept in page),
            grades=reader.grades(page),
            related={
                row: tuple(_related(reader, tie, others.get(tie.id)) for tie in found[:related])
                for row, found in tied.items()
            },
            related_more=frozenset(row for row, found in tied.items() if len(found) > related),
        )


def _related(reader: Reader, tie: Tie, other: Kept | None) -> Related:
    return Related(
        relation=visible(tie.relation, max_chars=100),
        direction=tie.direction,
        id=visible(tie.id),
        type=visible(tie.id.partition("--")[0], max_chars=100),
        says=reader.says(other) if other else None,
    )


def _raw(kept: Kept) -> RawObject:
    header = Header(
        type=kept.type,
        id=kept.stix_id,
        version=kept.version,
        spec_version=kept.spec_version,
        revoked=kept.revoked,
        created_by_ref=kept.created_by_ref,
    )
    return RawObject(header, kept.body, codec.decode(kept.body), kept.digest, kept.body_digest)
