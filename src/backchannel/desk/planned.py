"""Decide about each object that is to go into a drop: asked of the policy page by page, with what is said about it."""

from __future__ import annotations

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
from backchannel.desk.ways import Way, Ways
from backchannel.desk.weighing import To, Weighing, names_of
from backchannel.policy.decide import Decision, Reason, Request
from backchannel.provenance.permits import Permitted
from backchannel.provenance.predicates import MAX_HOPS, Origin
from backchannel.provenance.statement import content_of, open_envelope
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
        self._described = 0
        self._ways, self._tags = Ways(node, clock, pinned_keys(node)), _Tags()

    def decided(self, kept: Sequence[Kept]) -> Iterator[tuple[Going | None, PlannedObject]]:
        """Yield for each object what goes, None where nothing does, and how it is shown."""
        for at in range(0, len(kept), PAGE_OBJECTS):
            yield from self._page(kept[at : at + PAGE_OBJECTS])

    def _page(self, page: Sequence[Kept]) -> Iterator[tuple[Going | None, PlannedObject]]:
        node, reader = self._node, Reader(self._node, self._clock)
        reader.markings(map(reader.value, page))
        firsts = node.store.objects.firsts([one.object_row for one in page])
        abouts = node.store.statements.abouts(
            [one.digest for one in page], kinds=("origin", "relay"), at_most=MAX_ABOUT
        )
        had = node.store.statements.had(self._recipient.party.party_row, [one.digest for one in page])
        looked = [self._look(one, firsts[one.object_row], abouts.get(one.digest, ()), reader) for one in page]
        decided = self._weighing.decisions(page, {one.kept.object_row: one.request for one in looked}, reader)
        permitted = self._permitted(looked, decided, reader)
        for one in looked:
            permit, decision = permitted.get(one.kept.object_row, (None, decided[one.kept.object_row]))
            knows = one.request.recipient_is_source or one.kept.digest in had
            yield self._outcome(one, permit, decision, reader, had=knows)

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
        self, looked: Sequence[_Looked], decided: Mapping[int, Decision], reader: Reader
    ) -> dict[int, tuple[Permitted, Decision]]:
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
        again = self._weighing.decisions(kept, {row: one for row, (_, one) in found.items()}, reader)
        return {row: (permit, _by_permit(permit, again[row])) for row, (permit, _) in found.items()}

    def _outcome(
        self, one: _Looked, permit: Permitted | None, decision: Decision, reader: Reader, *, had: bool
    ) -> tuple[Going | None, PlannedObject]:
        is_own = one.first.party == self._node.party.name
        if self._is_deniable and decision.allowed and (one.way is not None or not is_own):
            # Nothing signed goes along, so a source that is left out would not even be counted.
            why = "it is not ours: a deniable drop carries our own word only"
            decision = Decision(False, (*decision.reasons, Reason("deniable", why)))
        tlp = one.received if permit is None or not decision.allowed else permit.marking
        value = reader.value(one.kept)
        learns = () if had else self._learns(value, decision, reader)
        shown = _shown(one.kept, value, tlp, decision, had=had, learns=learns)
        if not decision.allowed:
            return None, shown
        going = Going(
            kept=one.kept,
            tlp=tlp,
            received=one.received,
            way=one.way,
            permit=permit,
            source=None if is_own else one.first.party or "nobody named",
            received_at=one.first.received_at,
            otag=self._tags.of(one.abouts),
            made=decision.value,
            removed=tuple(f"/{change.property}" for change in shown.changes),
        )
        return going, shown

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


def _shown(
    kept: Kept, value: JsonObject, tlp: Tlp, decision: Decision, *, had: bool, learns: tuple[str, ...]
) -> PlannedObject:
    reason, pap = decision.reasons[-1], pap_of(value)
    made = decision.value
    return PlannedObject(
        id=kept.stix_id,
        version=kept.version or None,
        goes=decision.allowed,
        outcome="withheld" if not decision.allowed else "goes" if made is None else "redacted",
        tlp=tlp.label,
        pap=pap.label if pap else None,
        rule=reason.rule,
        why=reason.text,
        reasons=tuple(f"{one.rule}: {one.text}" for one in decision.reasons),
        as_id=None if made is None else str(made["id"]),
        changes=() if made is None else tuple(_changes(value, made)),
        had=had,
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
