"""What would go to a party, object by object, and what stays and why: formed anew each time, and named by its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.choosing import Choice, chosen
from backchannel.desk.drop_documents import PlannedObject, ReleasePlan
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.recipients import Recipient
from backchannel.desk.ways import Way, Ways
from backchannel.policy.decide import POLICY_VERSION, Decision, Reason, Request, decide
from backchannel.provenance.permits import Permitted
from backchannel.provenance.predicates import MAX_HOPS, Origin
from backchannel.provenance.statement import content_of, open_envelope
from backchannel.stix.markings import Tlp
from backchannel.store.rows import First, Kept
from backchannel.store.statements import About, StatementRow

PAGE_OBJECTS: Final = 1_000
"""Objects that are looked up at once: what is held of them beside themselves does not grow with the drop."""
MAX_ABOUT: Final = 200
"""Statements about one object that are looked at."""


@dataclass(frozen=True, slots=True)
class Going:
    """One object that goes, and what is said about it."""

    kept: Kept
    tlp: Tlp
    """As what it goes."""
    received: Tlp
    """How far it may go without a permit."""
    way: Way | None
    """Of what came with statements."""
    permit: Permitted | None
    """By which it goes further than that."""
    source: str | None
    """Of what came without: our name for who gave it to us; None: it is our own."""
    received_at: str
    otag: str | None
    """Of our own that we said before: the tag of that claim."""

    @property
    def permits(self) -> tuple[Permitted, ...]:
        """The permits that its markings rely on, of those who passed it on before and of us."""
        before = () if self.way is None else self.way.chain.permits
        return before if self.permit is None else (*before, self.permit)

    @property
    def group(self) -> tuple[str, ...]:
        """What objects share that one statement is made for."""
        day = self.received_at[:10]
        if self.way is not None:
            by = "" if self.permit is None else self.permit.digest.hex()
            behind = (digest.hex() for digest in self.way.key)
            return ("relay", self.tlp.label, day, self.received.label, by, *behind)
        if self.source is not None:
            return ("told", self.tlp.label, day, self.source)
        return ("own", self.tlp.label, self.otag or "")


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes and what does not, with its name."""

    recipient: Recipient
    going: tuple[Going, ...]
    """Those of one group stand together."""
    objects: tuple[PlannedObject, ...]
    """As they were named."""
    sha256: str
    is_deniable: bool = False
    """Whether only the recipient can know that we made the drop: nothing in it is signed."""

    @property
    def groups(self) -> Iterator[list[Going]]:
        """The objects for each of which one statement is made."""
        for _, members in groupby(self.going, key=lambda one: one.group):
            yield list(members)

    @property
    def withheld(self) -> int:
        """How many stay."""
        return len(self.objects) - len(self.going)

    def document(self) -> ReleasePlan:
        """Return it as it is shown."""
        behind = {digest for one in self.going if one.way for digest in one.way.key}
        behind |= {permit.digest for one in self.going for permit in one.permits}
        statements = 0 if self.is_deniable else len(behind) + sum(1 for _ in self.groups)
        return ReleasePlan(
            to=self.recipient.party.name,
            standing=self.recipient.standing,
            goes=len(self.going),
            withheld=self.withheld,
            statements=statements,
            deniable=self.is_deniable,
            plan_sha256=self.sha256,
            objects=self.objects,
        )


def plan(
    node: Node, clock: Clock, recipient: Recipient, choice: Choice, *, is_deniable: bool = False
) -> Plan:
    """Decide about each object that was chosen.

    Args:
        node: ours.
        clock: the present.
        recipient: to whom.
        choice: what is to go; nothing is a drop without objects.
        is_deniable: whether nothing in the drop is to be signed.

    Raises:
        NotFoundError: what was chosen is not here.
        UsageError: it is chosen in several ways at once, or is more than one drop takes.
    """
    decided = list(_decided(node, clock, recipient, chosen(node, choice), is_deniable=is_deniable))
    going = sorted((one for one, _ in decided if one is not None), key=lambda one: one.group)
    objects = tuple(shown for _, shown in decided)
    sha256 = _digest(recipient, going, objects, is_deniable=is_deniable)
    return Plan(recipient, tuple(going), objects, sha256, is_deniable)


def _decided(
    node: Node, clock: Clock, recipient: Recipient, kept: Sequence[Kept], *, is_deniable: bool
) -> Iterator[tuple[Going | None, PlannedObject]]:
    ways, tags, now = Ways(node, clock, pinned_keys(node)), _Tags(), clock.now()
    for one, facts in _with_facts(node, clock, kept):
        own, first = facts.tlp, facts.first
        way = ways.best(one, own, facts.abouts)
        received = own if way is None else way.marking(own)
        decision = _decision(one, way, received, first, recipient, now)
        permit = None
        if way is not None and decision.reasons[-1].rule == "tlp" and not decision.allowed:
            permit = ways.permit(way, one)
        if permit is not None and permit.marking.strictness < received.strictness:
            permitted = _decision(one, way, permit.marking, first, recipient, now)
            decision = _by_permit(permit) if permitted.allowed else permitted
        tlp = received if permit is None or not decision.allowed else permit.marking
        if is_deniable and decision.allowed and (way is not None or first.party != node.party.name):
            # Nothing signed goes along, so a source that is left out would not even be counted.
            decision = _denied("deniable", "it is not ours: a deniable drop carries our own word only")
        reason = decision.reasons[-1]
        shown = PlannedObject(
            id=one.stix_id,
            version=one.version or None,
            goes=decision.allowed,
            tlp=tlp.label,
            rule=reason.rule,
            why=reason.text,
        )
        if not decision.allowed:
            yield None, shown
            continue
        source = None if first.party == node.party.name else first.party or "nobody named"
        going = Going(one, tlp, received, way, permit, source, first.received_at, tags.of(facts.abouts))
        yield going, shown


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the store tells of one object."""

    first: First
    tlp: Tlp
    """Its own marking."""
    abouts: Sequence[About]
    """The origins and relays that are about it, oldest first."""


def _with_facts(node: Node, clock: Clock, kept: Sequence[Kept]) -> Iterator[tuple[Kept, _Facts]]:
    """Look up page by page what is asked of each object; what was read of a page is let go with it."""
    for at in range(0, len(kept), PAGE_OBJECTS):
        page = kept[at : at + PAGE_OBJECTS]
        reader = Reader(node, clock)
        reader.markings(map(reader.value, page))
        firsts = node.store.objects.firsts([one.object_row for one in page])
        abouts = node.store.statements.abouts(
            [one.digest for one in page], kinds=("origin", "relay"), at_most=MAX_ABOUT
        )
        for one in page:
            first = firsts[one.object_row]
            yield one, _Facts(first, reader.tlp(one, first), abouts.get(one.digest, ()))


def _decision(
    kept: Kept,
    way: Way | None,
    tlp: Tlp,
    first: First,
    recipient: Recipient,
    now: datetime,
) -> Decision:
    if kept.quarantined:
        return _denied("quarantine", "it is in quarantine")
    if way is not None and way.chain.state == "refused":
        return _denied(
            "chain", f"what is signed about it does not hold: {way.chain.faults[0].reason.meaning}"
        )
    if way is not None and len(way.statements) > MAX_HOPS:
        return _denied("chain", f"it passed {MAX_HOPS} relays already")
    party = recipient.party
    return decide(
        Request(
            tlp=tlp,
            recipient=party.party_id,
            recipient_is_source=first.parties == 1 and first.party == party.name,
            collection_allows=True,
            standing=recipient.standing,
            purpose="drop",
            now=now,
        )
    )


def _by_permit(permit: Permitted) -> Decision:
    text = f"its originator permits us to pass it on as {permit.marking.label} until {permit.until}"
    return Decision(True, (Reason("permit", text),))


def _denied(rule: str, text: str) -> Decision:
    return Decision(False, (Reason(rule, text),))


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


def _digest(
    recipient: Recipient, going: Iterable[Going], objects: Sequence[PlannedObject], *, is_deniable: bool
) -> str:
    """Return the digest of everything that the plan depends on."""
    parts = {
        "to": [recipient.party.party_id, recipient.sign, recipient.age_kid, recipient.standing.value],
        "policy": POLICY_VERSION,
        "deniable": is_deniable,
        "objects": [[one.id, one.version, one.goes, one.tlp, one.rule] for one in objects],
        "going": [[one.kept.stix_id, one.kept.digest.hex(), *one.group] for one in going],
    }
    return hashlib.sha256(codec.canonical(parts)).hexdigest()
