"""Decide about each object that is to go into a drop: asked of the policy page by page, with what is said about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from backchannel import codec
from backchannel.clock import Clock
from backchannel.codec import JsonObject, JsonValue
from backchannel.desk.drop_documents import Change, PlannedObject
from backchannel.desk.going import Going
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.policy_file import InForce
from backchannel.desk.recipients import Recipient
from backchannel.desk.tear_lines import Cleared, TearLines
from backchannel.desk.ways import Way, Ways
from backchannel.desk.weighing import To, Weighing, names_of
from backchannel.policy.decide import Decision, Reason, Request
from backchannel.policy.request import TearLine
from backchannel.provenance.permits import Permitted
from backchannel.provenance.predicates import MAX_HOPS, Origin
from backchannel.provenance.statement import content_of, digest_text, open_envelope
from backchannel.stix.describe import describe
from backchannel.stix.markings import Tlp, pap_of
from backchannel.stix.visible import visible
from backchannel.store.rows import First, Kept
from backchannel.store.statements import About, StatementRow

PAGE_OBJECTS: Final = 1_000
"""Objects that are looked up at once: what is held of them beside themselves does not grow with the drop."""
MAX_ABOUT: Final = 200
"""Statements about one object that are looked at."""
MAX_DESCRIBED: Final = 1_000
"""Objects of a plan of which it is said what a reader could learn by them: more are read by nobody."""
MAX_SHOWN_CHARS: Final = 200
"""Of a value that is changed."""


class Deciding:
    """The objects of one plan."""

    def __init__(
        self, node: Node, clock: Clock, recipient: Recipient, force: InForce, *, is_deniable: bool
    ) -> None:
        self._node, self._clock, self._recipient, self._force = node, clock, recipient, force
        self._is_deniable = is_deniable
        to = To(
            party=recipient.party,
            purpose="drop",
            names=names_of(node, recipient.party, recipient.standing),
            standing=recipient.standing,
        )
        self._weighing = Weighing(node, clock, to, force, may_change=not is_deniable)
        self._unchanged = Weighing(node, clock, to, force)
        """What asks about tear-lines: they go letter for letter."""
        self._tear_lines: TearLines | None = None
        self._gone: set[int] = set()
        """Rows of what goes already: a tear-line goes once, for however many objects and whether chosen itself or not."""
        self._described = 0
        self._ways, self._tags = Ways(node, clock, pinned_keys(node)), _Tags()

    def decided(self, kept: Sequence[Kept]) -> Iterator[tuple[Going | None, PlannedObject]]:
        """Yield for each object what goes, None where nothing does, and how it is shown."""
        for at in range(0, len(kept), PAGE_OBJECTS):
            yield from self._page(kept[at : at + PAGE_OBJECTS])

    def _page(self, page: Sequence[Kept]) -> Iterator[tuple[Going | None, PlannedObject]]:
        reader = Reader(self._node, self._clock)
        judged = self._judged(page, self._weighing, reader)
        torn = self._torn([one for one in judged if one.decision.wants_tear_line], reader)
        for one in judged:
            instead = torn.get(one.row)
            yield self._outcome(one, reader) if instead is None else self._instead(instead, reader)

    def _judged(self, page: Sequence[Kept], weighing: Weighing, reader: Reader) -> list[_Judged]:
        """Look up what has to be known of objects, and ask the policy about them."""
        node = self._node
        reader.markings(map(reader.value, page))
        firsts = node.store.objects.firsts([one.object_row for one in page])
        abouts = node.store.statements.abouts(
            [one.digest for one in page], kinds=("origin", "relay"), at_most=MAX_ABOUT
        )
        had = node.store.statements.had(self._recipient.party.party_row, [one.digest for one in page])
        looked = [self._look(one, firsts[one.object_row], abouts.get(one.digest, ()), reader) for one in page]
        decided = weighing.decisions(page, {one.kept.object_row: one.request for one in looked}, reader)
        permitted = self._permitted(looked, decided, weighing, reader)
        found: list[_Judged] = []
        for one in looked:
            row = one.kept.object_row
            permit, request, decision = permitted.get(row, (None, one.request, decided[row]))
            knows = request.recipient_is_source or one.kept.digest in had
            found.append(_Judged(one.asked(request), permit, decision, had=knows))
        return found

    def _look(self, kept: Kept, first: First, abouts: Sequence[About], reader: Reader) -> _Looked:
        own = reader.tlp(kept, first)
        way = self._ways.best(kept, own, abouts)
        received = own if way is None else way.marking(own)
        request = self._weighing.request(kept, first, received)
        if way is not None and (fault := _fault(way)):
            request = replace(request, chain_fault=fault)
        if way is not None and self._force.policy.orcon and self._force.policy.rules is not None:
            request = replace(request, permits=self._ways.may_have(way, kept))
        return _Looked(kept, first, abouts, way, received, request)

    def _permitted(
        self,
        looked: Sequence[_Looked],
        decided: Mapping[int, Decision],
        weighing: Weighing,
        reader: Reader,
    ) -> dict[int, tuple[Permitted, Request, Decision]]:
        """Ask again about what its marking holds back and its originator permits us to pass on."""
        found: dict[int, tuple[Permitted, Request]] = {}
        for one in looked:
            decision = decided[one.kept.object_row]
            if one.way is None or decision.allowed or decision.reasons[-1].rule != "tlp":
                continue
            permit = self._ways.permit(one.way, one.kept)
            if permit is not None and permit.marking.strictness < one.received.strictness:
                found[one.kept.object_row] = permit, replace(one.request, tlp=permit.marking)
        if not found:
            return {}
        kept = [one.kept for one in looked if one.kept.object_row in found]
        again = weighing.decisions(kept, {row: one for row, (_, one) in found.items()}, reader)
        return {
            row: (permit, request, _by_permit(permit, again[row])) for row, (permit, request) in found.items()
        }

    def _torn(self, judged: Sequence[_Judged], reader: Reader) -> dict[int, _Torn]:
        """Look for the tear-lines of what goes by nothing else, and ask about these and then about it again; by its row."""
        if not judged or self._is_deniable:
            return {}
        if self._tear_lines is None:
            self._tear_lines = TearLines(self._node, self._clock)
        self._unchanged.torn |= {one.row for one in judged}
        found = self._tear_lines.of([one.looked.kept for one in judged])
        cleared = {one.kept.object_row: one.kept for some in found.values() for one in some.cleared}
        asked = {one.row: one for one in self._judged(list(cleared.values()), self._unchanged, reader)}
        requests = {
            one.row: replace(
                one.looked.request,
                tear_lines=tuple(
                    _tear_line(asked[other.kept.object_row]) for other in found[one.row].cleared
                ),
                no_tear_line=found[one.row].why_none,
            )
            for one in judged
        }
        again = self._weighing.decisions([one.looked.kept for one in judged], requests, reader)
        torn: dict[int, _Torn] = {}
        for one in judged:
            decision = again[one.row]
            by = next((c for c in found[one.row].cleared if c.kept.stix_id == decision.instead), None)
            goes = None if by is None else asked[by.kept.object_row]
            torn[one.row] = _Torn(_Judged(one.looked, one.permit, decision, had=one.had), by, goes)
        return torn

    def _outcome(self, one: _Judged, reader: Reader) -> tuple[Going | None, PlannedObject]:
        """Return what becomes of an object that goes itself, changed or not, or stays."""
        decision, is_own = one.decision, one.looked.first.party == self._node.party.name
        if self._is_deniable and decision.allowed and (one.looked.way is not None or not is_own):
            # Nothing signed goes along, so a source that is left out would not even be counted.
            why = "it is not ours: a deniable drop carries our own word only"
            decision = Decision(False, (*decision.reasons, Reason("deniable", why)))
            one = _Judged(one.looked, one.permit, decision, had=one.had)
        learns = (
            ()
            if one.had or one.row in self._gone
            else self._learns(reader.value(one.looked.kept), decision, reader)
        )
        shown = _shown(one, reader.value(one.looked.kept), learns)
        if not decision.allowed:
            return None, shown
        return self._going(one, shown), shown

    def _instead(self, torn: _Torn, reader: Reader) -> tuple[Going | None, PlannedObject]:
        """Return what becomes of an object that stays, and of its tear-line."""
        value = reader.value(torn.whole.looked.kept)
        if torn.goes is None or torn.by is None:
            return None, _shown(torn.whole, value, ())
        tear_line, relationship = torn.goes.looked.kept, torn.by.relationship
        is_new = not torn.goes.had and tear_line.object_row not in self._gone
        learns = self._learns(reader.value(tear_line), torn.goes.decision, reader) if is_new else ()
        shown = replace(
            _shown(torn.whole, value, learns),
            outcome="tear-line",
            as_id=tear_line.stix_id,
            relationship=f"{relationship.stix_id} {digest_text(relationship.digest)}",
            had=torn.goes.had,
        )
        return self._going(torn.goes, shown), shown

    def _going(self, one: _Judged, shown: PlannedObject) -> Going | None:
        """Return what goes; None: it goes already."""
        looked = one.looked
        if one.row in self._gone:
            return None
        self._gone.add(one.row)
        return Going(
            kept=looked.kept,
            tlp=one.tlp,
            received=looked.received,
            way=looked.way,
            permit=one.permit,
            source=None
            if looked.first.party == self._node.party.name
            else looked.first.party or "nobody named",
            received_at=looked.first.received_at,
            otag=self._tags.of(looked.abouts),
            made=one.decision.value,
            removed=tuple(f"/{change.property}" for change in shown.changes),
        )

    def _learns(self, value: JsonObject, decision: Decision, reader: Reader) -> tuple[str, ...]:
        """Return what a reader of what goes could learn by it."""
        if not decision.allowed or self._described >= MAX_DESCRIBED:
            return ()
        self._described += 1
        goes = value if decision.value is None else decision.value
        found = [describe(goes, name_of=reader.name_of)]
        author = goes.get("created_by_ref")
        if isinstance(author, str) and author != self._node.party.party_id:
            found.append(f"who made it: {reader.name_of(author)}")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Looked:
    """One object, as far as it was looked up."""

    kept: Kept
    first: First
    abouts: Sequence[About]
    """The origins and relays that are about it, oldest first."""
    way: Way | None
    received: Tlp
    """How far it may go without a permit."""
    request: Request

    def asked(self, request: Request) -> _Looked:
        """Return it with the question that was asked last."""
        return self if request is self.request else dataclasses.replace(self, request=request)


@dataclass(frozen=True, slots=True)
class _Judged:
    """One object, and what the policy says of it."""

    looked: _Looked
    permit: Permitted | None
    decision: Decision
    had: bool
    """Whether the recipient has it already."""

    @property
    def row(self) -> int:
        return self.looked.kept.object_row

    @property
    def tlp(self) -> Tlp:
        """As what it goes, or how far it may go."""
        if self.permit is None or not self.decision.allowed:
            return self.looked.received
        return self.permit.marking


@dataclass(frozen=True, slots=True)
class _Torn:
    """An object that stays, and goes as its tear-line only."""

    whole: _Judged
    by: Cleared | None
    goes: _Judged | None
    """The tear-line; None: it has none that may go."""


def _tear_line(one: _Judged) -> TearLine:
    kept, decision = one.looked.kept, one.decision
    refused = None if decision.allowed else decision.reasons[-1]
    return TearLine(kept.stix_id, kept.version_key, one.tlp, refused)


def _fault(way: Way) -> str:
    if way.chain.state == "refused":
        return f"what is signed about it does not hold: {way.chain.faults[0].reason.meaning}"
    if len(way.statements) > MAX_HOPS:
        return f"it passed {MAX_HOPS} relays already"
    return ""


def _by_permit(permit: Permitted, decision: Decision) -> Decision:
    if not decision.allowed:
        return decision
    text = f"its originator permits us to pass it on as {permit.marking.label} until {permit.until}"
    return replace(decision, reasons=(*decision.reasons, Reason("permit", text)))


def _shown(one: _Judged, value: JsonObject, learns: tuple[str, ...]) -> PlannedObject:
    kept, decision, pap = one.looked.kept, one.decision, pap_of(value)
    reason, made = decision.reasons[-1], decision.value
    return PlannedObject(
        id=kept.stix_id,
        version=kept.version or None,
        goes=decision.allowed,
        outcome="withheld" if not decision.allowed else "goes" if made is None else "redacted",
        tlp=one.tlp.label,
        pap=pap.label if pap else None,
        rule=reason.rule,
        why=reason.text,
        reasons=tuple(f"{one.rule}: {one.text}" for one in decision.reasons),
        as_id=None if made is None else str(made["id"]),
        changes=() if made is None else tuple(_changes(value, made)),
        had=one.had,
        learns=learns,
    )


def _changes(value: JsonObject, made: JsonObject) -> Iterator[Change]:
    for name in sorted({*value, *made} - {"id"}):
        if value.get(name) != made.get(name):
            yield Change(property=name, before=_text(value, name), after=_text(made, name))


def _text(value: JsonObject, name: str) -> str | None:
    held: JsonValue = value.get(name)
    return visible(codec.encode(held).decode(), max_chars=MAX_SHOWN_CHARS) if name in value else None


class _Tags:
    """The tags of our own claims: one claim keeps one tag, and one statement tags many objects."""

    def __init__(self) -> None:
        self._read: dict[int, str | None] = {}

    def of(self, abouts: Sequence[About]) -> str | None:
        """Return the tag under which we asserted an object's very content before."""
        own = (one.statement for one in abouts if one.statement.is_own and one.statement.kind == "origin")
        return next((tag for tag in map(self._of_statement, own) if tag is not None), None)

    def _of_statement(self, row: StatementRow) -> str | None:
        if row.statement_row not in self._read:
            said = content_of(open_envelope(row.envelope).statement)
            self._read[row.statement_row] = said.otag if isinstance(said, Origin) else None
        return self._read[row.statement_row]
