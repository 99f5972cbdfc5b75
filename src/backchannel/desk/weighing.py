"""Ask the policy about many objects at once: what it has to know of each is looked up for all of them together."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from backchannel.clock import Clock
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.policy_file import InForce, in_force
from backchannel.desk.related import Related
from backchannel.desk.tear_lines import TearLines
from backchannel.parties.states import Standing
from backchannel.policy.conditions import OURSELVES
from backchannel.policy.decide import Decision, Request, decide
from backchannel.policy.request import NO_NAMES, Reason, denied
from backchannel.policy.rules import NO_PARTY, VERIFIED
from backchannel.policy.transforms import Hand
from backchannel.stix.markings import Tlp
from backchannel.store.derivations import RELATION
from backchannel.store.rows import First, Kept, PartyRow

MAX_ORIGINS: Final = 1_000
"""Objects that one may be derived from, over all steps. What is derived from more counts as TLP:RED."""
MAX_NAMED: Final = 20_000
"""Objects that are looked at to learn what some name. Whatever lies beyond counts as withheld."""
MAX_STEPS: Final = 200
"""Steps from an object to what it names, to what that names, and so on. Whatever lies beyond counts as withheld."""
CLOSED: Final = frozenset({Standing.SUSPENDED, Standing.REVOKED})
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """To whom, and by which way."""

    party: PartyRow | None
    """None: anybody."""
    purpose: str
    names: frozenset[str] = NO_NAMES
    """What groups call it."""
    standing: Standing | None = None
    """Where it goes by a drop; or where the party is suspended or revoked, by whichever way."""
    is_named_reader: bool = False
    collection_allows: bool = True


def to_party(
    node: Node,
    party: PartyRow | None,
    purpose: str,
    *,
    is_named_reader: bool = False,
    collection_allows: bool = True,
) -> To:
    """Return a party as the policy is asked about it, on a way for which another rule says who may read."""
    standing = None if party is None else Standing(node.store.membership.standing(party.party_row))
    # Without rules nobody is called by any name: a page need not look them up.
    is_asked = party is not None and in_force(node).policy.rules is not None
    names = names_of(node, party, standing) if party is not None and is_asked else NO_NAMES
    return To(
        party=party,
        purpose=purpose,
        names=names,
        standing=standing if standing in CLOSED else None,
        is_named_reader=is_named_reader,
        collection_allows=collection_allows,
    )


def names_of(node: Node, party: PartyRow, standing: Standing | None) -> frozenset[str]:
    """Return what groups of a policy may call a party: its name here, its identity, its keys; in small letters.

    A party chooses its name, and says itself which identity it has: what means another party, or something else in a
    policy, is nothing by which it could be called.
    """
    said, sure, others = {party.name.casefold()}, {party.party_id.casefold()}, set(NO_PARTY)
    for row in node.store.membership.known():
        if row.party.party_row == party.party_row:
            said.add(row.identity.casefold())
            sure |= row.kids
        else:
            others |= {row.party.party_id.casefold(), *row.kids}
    names = sure | (said - others)
    if standing is Standing.VERIFIED:
        names.add(VERIFIED)
    return frozenset(names)


def may_say(
    node: Node, clock: Clock, party: PartyRow, tlp: Tlp, purpose: str, *, state: str = ""
) -> Decision:
    """Ask the policy whether a party may be told something by a statement of ours.

    Args:
        node: ours.
        clock: the present.
        party: who is to be told.
        tlp: how far it may go.
        purpose: what it is: `receipt`, `request`, `answer`, ...
        state: of a receipt.

    Raises:
        BrokenPolicyError: the policy cannot be read.
    """
    standing = Standing(node.store.membership.standing(party.party_row))
    request = Request(
        tlp=tlp,
        recipient=party.party_id,
        collection_allows=True,
        standing=standing,
        purpose=purpose,
        now=clock.now(),
        names=names_of(node, party, standing),
        type=purpose,
        source=OURSELVES,
        statement=state or purpose,
    )
    return decide(request, in_force(node).policy)


@dataclass(slots=True)
class Weighing:
    """The questions of one answer: about one recipient, under one policy, at one time."""

    node: Node
    clock: Clock
    to: To
    force: InForce
    may_change: bool = False
    """Whether what goes may be changed: only where a person looks at it before."""
    torn: set[int] = field(default_factory=set)
    """Rows of objects known to go as their tear-lines only, whatever else is found of them here."""
    _hand: Hand | None = field(default=None)
    _tear_lines: TearLines | None = field(default=None)

    def __post_init__(self) -> None:
        if self.may_change:
            self._hand = hand_for(self.node, self.to)

    def decisions(
        self, kept: Sequence[Kept], requests: Mapping[int, Request], reader: Reader | None = None
    ) -> dict[int, Decision]:
        """Return what the policy says of each object.

        Args:
            kept: the objects.
            requests: what is known of each already, by its row (`request`).
            reader: what was read of them already.
        """
        policy = self.force.policy
        reader = reader or Reader(self.node, self.clock)
        asked = self._with_origins(kept, requests, reader)
        if not policy.looks_at_objects:
            return {row: decide(one, policy) for row, one in asked.items()}
        asked = {
            one.object_row: _replace(
                asked[one.object_row], value=reader.value(one), scan=self.force.scan, hand=self._hand
            )
            for one in kept
        }
        if policy.references == "let":
            decided = {row: decide(one, policy) for row, one in asked.items()}
            return self._without_ties(asked, decided) if policy.tear_lines else decided
        return self._with_references(kept, asked)

    def request(self, kept: Kept, first: First, tlp: Tlp) -> Request:
        """Return the question about one object, as far as the object and its arrivals tell."""
        party = self.to.party
        return Request(
            tlp=tlp,
            recipient=party.party_id if party else None,
            recipient_is_source=party is not None and first.parties == 1 and first.party == party.name,
            recipient_is_ourselves=party is not None and party.is_self,
            collection_allows=self.to.collection_allows,
            standing=self.to.standing,
            is_named_reader=self.to.is_named_reader,
            purpose=self.to.purpose,
            now=self.clock.now(),
            names=self.to.names,
            type=kept.type,
            spec_version=kept.spec_version,
            source=source_word(self.node, first.party),
            quarantined=kept.quarantined,
        )

    def requests(self, kept: Sequence[Kept], reader: Reader) -> dict[int, Request]:
        """Return the question about each object."""
        firsts = self.node.store.objects.firsts([one.object_row for one in kept])
        reader.markings(map(reader.value, kept))
        return {
            one.object_row: self.request(one, firsts[one.object_row], reader.tlp(one, firsts[one.object_row]))
            for one in kept
        }

    # --- What it was derived from ----------------------------------------------------------------

    def _with_origins(
        self, kept: Sequence[Kept], requests: Mapping[int, Request], reader: Reader
    ) -> dict[int, Request]:
        """Add how far that may go which objects were derived from, and what that was derived from.

        Its originator says itself how far a tear-line may go: what it was cleared from does not count, unless it was
        derived from that by another way too.
        """
        derivations = self.node.store.derivations
        asked = dict(requests)
        rows = derivations.derived([one.object_row for one in kept]) if derivations.any() else frozenset()
        if not rows:
            return asked
        above = self._origins([one.stix_id for one in kept if one.object_row in rows])
        labels = self._labels({origin for origins in above.values() for origin in origins}, reader)
        derived = [one for one in kept if one.object_row in rows]
        cleared = self._cleared(derived, above, labels, reader) if self.force.policy.tear_lines else {}
        for one in derived:
            left_out = cleared.get(one.object_row, NO_NAMES)
            ways = [origin for origin in above.get(one.stix_id, ()) if origin not in left_out]
            known = asked[one.object_row]
            asked[one.object_row] = _replace(
                known,
                derived_from=(*known.derived_from, *_marked(one.stix_id, ways, above, labels)),
                is_tear_line=bool(left_out),
            )
        return asked

    def _cleared(
        self,
        derived: Sequence[Kept],
        above: Mapping[str, Sequence[str]],
        labels: Mapping[str, Tlp],
        reader: Reader,
    ) -> dict[int, frozenset[str]]:
        """Return for tear-lines, by row, the ids of what goes to this recipient as its tear-line only."""
        if self._tear_lines is None:
            self._tear_lines = TearLines(self.node, self.clock)
        found = self._tear_lines.cleared_from(derived)
        whole = {one.object_row: one for some in found.values() for one in some}
        torn = set(self.torn)
        for row, request in self.requests(list(whole.values()), reader).items():
            one = whole[row]
            above_it = _marked(one.stix_id, above.get(one.stix_id, ()), above, labels)
            asked = _replace(request, value=reader.value(one), derived_from=above_it)
            if decide(asked, self.force.policy).wants_tear_line:
                torn.add(row)
        left_out = {
            row: frozenset(one.stix_id for one in some if one.object_row in torn)
            for row, some in found.items()
        }
        return {row: ids for row, ids in left_out.items() if ids}

    def _origins(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Return what these were derived from, and that in turn: id to ids, of all that is within the bound of one of them.

        What many share is read once. Each has a bound of its own: who says of one object that it was derived from
        very much withholds that one, and none beside it.
        """
        found: dict[str, list[str]] = {}
        frontier = {one: {one} for one in ids}
        reached: dict[str, set[str]] = {one: set() for one in frontier}
        while frontier:
            wanted = set[str]().union(*frontier.values()) - found.keys()
            found |= {one: [] for one in wanted}
            found |= self.node.store.derivations.origins(wanted, at_most=MAX_ORIGINS + 1)
            for start, some in list(frontier.items()):
                new = {origin for one in some for origin in found[one]} - reached[start]
                reached[start] |= new
                if new and len(reached[start]) <= MAX_ORIGINS:
                    frontier[start] = new
                else:
                    del frontier[start]
        return found

    def _labels(self, ids: Iterable[str], reader: Reader) -> dict[str, Tlp]:
        """Return how far each of these may go by itself; what is not here is left out: its marking is not known."""
        currents = self.node.store.objects.currents(ids)
        firsts = self.node.store.objects.firsts([one.object_row for one in currents.values()])
        return {stix_id: reader.tlp(one, firsts[one.object_row]) for stix_id, one in currents.items()}

    # --- What it names -------------------------------------------------------------------------------

    def _without_ties(
        self, asked: Mapping[int, Request], decided: Mapping[int, Decision]
    ) -> dict[int, Decision]:
        """Hold back what says that something was derived from an object which the recipient may not have.

        Elsewhere the policy lets ids be named: this one would tell whoever has a tear-line that there is more.
        """
        targets = {row: target for row, one in asked.items() if (target := _origin_named(one))}
        beside = Reader(self.node, self.clock)
        spelled = {spelling for target in targets.values() for spelling in (target, target.lower())}
        currents = list(self.node.store.objects.currents(spelled).values())
        requests = self._with_origins(currents, self.requests(currents, beside), beside)
        stay = {
            one.stix_id.lower()
            for one in currents
            if not decide(
                _replace(
                    requests[one.object_row],
                    value=beside.value(one),
                    scan=self.force.scan,
                    hand=self._hand,
                ),
                self.force.policy,
            ).allowed
        }
        why = Reason("result", "it names an object that the recipient may not have")
        return {
            row: denied(*one.reasons, why) if one.allowed and targets.get(row, "").lower() in stay else one
            for row, one in decided.items()
        }

    def _with_references(self, kept: Sequence[Kept], asked: Mapping[int, Request]) -> dict[int, Decision]:
        """Decide about objects that name others: by themselves first, then by what becomes of those."""
        known = Related(self.force.policy, self._hand)
        for one in kept:
            known.add(one, asked[one.object_row])
        steps = 0
        while frontier := known.unseen():
            steps += 1
            if steps > MAX_STEPS or len(known.requests) + len(frontier) > MAX_NAMED:
                known.give_up(frontier)
                break
            beside = Reader(self.node, self.clock)
            currents = list(self.node.store.objects.currents(frontier).values())
            requests = self._with_origins(currents, self.requests(currents, beside), beside)
            for one in currents:
                value = beside.value(one)
                known.add(
                    one,
                    _replace(requests[one.object_row], value=value, scan=self.force.scan, hand=self._hand),
                )
        decided = known.settled()
        return {one.object_row: decided[one.object_row] for one in kept}


def _replace(request: Request, **changes: object) -> Request:
    changed: Request = replace(request, **changes)
    return changed


def _origin_named(request: Request) -> str:
    """Return the id of what something was derived from, as a relationship says; "": it says no such thing."""
    value = request.value
    if request.type != "relationship" or value is None or value.get("relationship_type") != RELATION:
        return ""
    target = value.get("target_ref")
    return target if isinstance(target, str) else ""


def _marked(
    start: str, ways: Iterable[str], above: Mapping[str, Sequence[str]], labels: Mapping[str, Tlp]
) -> tuple[Tlp, ...]:
    """Return the labels of everything that the ways from an object lead to; TLP:RED where that is too much."""
    is_cut = len(above.get(start, ())) > MAX_ORIGINS  # what was not read of it may be anything
    reached = None if is_cut else _reached(start, ways, above)
    return (Tlp.RED,) if reached is None else tuple({labels[one] for one in reached if one in labels})


def _reached(start: str, ways: Iterable[str], above: Mapping[str, Sequence[str]]) -> set[str] | None:
    """Return everything that can be reached, None where it is too much; what was derived in a ring ends where it began."""
    found: set[str] = {start}
    stack = list(ways)
    while stack:
        one = stack.pop()
        if one not in found:
            origins = above.get(one)
            if origins is None or len(origins) > MAX_ORIGINS or len(found) > MAX_ORIGINS:
                return None
            found.add(one)
            stack.extend(origins)
    return found - {start}


def source_word(node: Node, party: str | None) -> str:
    """Return whom we have something from, as rules call it; "": nobody that they could name."""
    word = (party or "").casefold()
    return OURSELVES if party == node.party.name else "" if word == OURSELVES else word


def hand_for(node: Node, to: To) -> Hand:
    """Return what makes redacted objects for a recipient: under a secret of this node, made once."""
    with node.store.transaction():
        secret = node.store.statements.own_secret("redactions", secrets.token_bytes(_SECRET_BYTES))
    recipient = to.party.party_id if to.party else ""
    return Hand(secret, recipient, node.party.party_id)
