"""Who reported a claim, over every way on which it came, and when we ourselves told it to others.

One report is one way of one content: an object that two relays send in one drop is two reports, and one that a feed
brings every day is one. Where a claim comes from
is what signatures, or the party's own channel, prove; what somebody else writes into `created_by_ref` proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Literal, NamedTuple

from backchannel import codec
from backchannel.clock import Clock, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.claims import Claim
from backchannel.desk.node import Node
from backchannel.desk.origin_ways import OriginWay, OriginWays, Signed
from backchannel.desk.overrides import overrides_of
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.parties.names import visible_name
from backchannel.provenance.hidden import source_tag
from backchannel.provenance.likeness import sketch
from backchannel.provenance.predicates import Deconflict
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.reports import Deconflicted, OriginRef, Override, Released, Report
from backchannel.provenance.verification import Terms, verify
from backchannel.store.belief import Told, WentOut
from backchannel.store.rows import Kept

MAX_REPORTS: Final = 5_000
"""Reports of one claim that are looked at; of more, as many of each voice."""
MAX_RELEASES: Final = 1_000
"""Times that we told one claim to somebody, the first."""
MAX_DERIVED: Final = 50
"""Relationships of one object by which it says what it was made of."""
MAX_DECONFLICTED: Final = 1_000
"""Statements about two hidden origins that are read, the newest."""
Same = Literal["same", "different"]
_NOTHING: Final = Signed()
NOBODY: Final = "nobody"
"""Voice of what came from nobody named."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """All reports of one claim."""

    claim: Claim
    reports: tuple[Report, ...]
    told: Mapping[str, Told]
    """By `Report.key`."""
    contents: Mapping[str, Kept]
    """By `Report.key`: what came."""
    releases: tuple[Released, ...]
    went: Mapping[str, WentOut]
    """By `Released.key`."""
    overrides: tuple[Override, ...]
    deconflicted: tuple[Deconflicted, ...] = ()


class Gatherer:
    """Gathers for one answer: what was looked up once is not looked up again."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self._node, self._store, self._clock = node, node.store, clock
        self._keys = pinned_keys(node)
        self._ways = OriginWays(node, clock, self._keys)
        self._sketches: dict[int, tuple[int, ...]] = {}

    @cached_property
    def identities(self) -> Mapping[str, str]:
        """Identity that an object may name as its author, to the party whose own it is."""
        known = self._store.membership.known()
        bound = {row.identity: row.party.party_id for row in known if row.root is not None}
        return bound | {row.party.party_id: row.party.party_id for row in known}

    def gather(self, claims: Sequence[Claim]) -> list[Gathered]:
        """Return the reports of each claim, in their order."""
        beliefs = self._store.beliefs
        rows = {kept.object_row for claim in claims for kept in claim.members}
        told: dict[int, list[Told]] = {}
        for one in beliefs.told(rows, at_most=MAX_REPORTS * max(1, len(claims))):
            told.setdefault(one.object_row, []).append(one)
        members = {kept.object_row: kept for claim in claims for kept in claim.members}
        signed = self._ways.of(list(members.values()))
        return [self._gathered(claim, told, signed) for claim in claims]

    def _gathered(
        self, claim: Claim, told: Mapping[int, Sequence[Told]], signed: Mapping[int, Signed]
    ) -> Gathered:
        reports: list[Report] = []
        came: dict[str, Told] = {}
        contents: dict[str, Kept] = {}
        for kept in claim.members:
            arrivals = told.get(kept.object_row, ())
            for report, one in self._reports(kept, arrivals, signed.get(kept.object_row, _NOTHING)):
                reports.append(report)
                came[report.key] = one
                contents[report.key] = kept
        members = claim.members
        went = self._store.beliefs.went_out(
            [kept.object_row for kept in members], [kept.digest for kept in members], at_most=MAX_RELEASES
        )
        by_row = {kept.object_row: kept for kept in members}
        released = {f"{one.way} {number}": one for number, one in enumerate(went)}
        return Gathered(
            claim=claim,
            reports=_fairly(reports),
            told=came,
            contents=contents,
            releases=tuple(
                self._released(key, one, by_row[one.object_row], signed.get(one.object_row, _NOTHING))
                for key, one in released.items()
            ),
            went=released,
            overrides=overrides_of(self._store, reports, came),
            deconflicted=self._deconflicted(reports),
        )

    # --- Reports -----------------------------------------------------------------------------------------

    def _reports(self, kept: Kept, arrivals: Sequence[Told], signed: Signed) -> Iterator[tuple[Report, Told]]:
        """Yield the reports that brought one content: one for each batch, or for each signed way in it."""
        if not arrivals:
            return
        created = _time(codec.decode(kept.body).get("created"))
        by_batch = self._by_batch(signed)
        derived = self._derived(kept)
        seen: set[tuple[int, str, int]] = set()
        for one in arrivals:
            ways = by_batch.get(one.batch_id, ())
            for number, way in enumerate(ways or (None,)):
                # The same content by the same way from the same party again tells nothing new: a feed is read daily.
                told = one.party_row, one.channel, 0 if way is None else way.head
                if told in seen:
                    continue
                seen.add(told)
                key = f"{kept.object_row}.{one.batch_id}" + (f".{number}" if number else "")
                yield self._report(key, kept, created, one, way, derived), one

    def _by_batch(self, signed: Signed) -> dict[int, list[OriginWay]]:
        """Return the signed ways of a content by the batches that brought them.

        What came back through us brings the way by which we had it once more: that is a part of its own way.
        """
        brought = self._store.beliefs.brought([way.head for way in signed.ways]) if signed.ways else {}
        found: dict[int, list[OriginWay]] = {}
        for way in signed.ways:
            for batch_id in brought.get(way.head, ()):
                found.setdefault(batch_id, []).append(way)
        return {
            batch_id: [one for one in ways if not _is_part(one, ways)] for batch_id, ways in found.items()
        }

    def _report(
        self,
        key: str,
        kept: Kept,
        created: datetime | None,
        told: Told,
        way: OriginWay | None,
        derived: Mapping[str, AbstractSet[str | None]],
    ) -> Report:
        voice = told.party_id or NOBODY
        stated = None if way is None else way.origin
        origin = self._origin(kept, told, way)
        # A relay says nothing of what a proven origin's object was made of: else it could take it from its origin.
        may_say = origin.kind != "key" or origin.value == told.party_id
        made_of = [name for name, voices in derived.items() if may_say and told.party_id in voices]
        return Report(
            key=key,
            voice=voice,
            origin=origin,
            arrived_at=parse_time(told.at),
            stix_id=kept.stix_id,
            digest=kept.digest,
            created=created,
            created_by_ref=kept.created_by_ref,
            otag="" if way is None else way.otag,
            sketch=self._sketch(kept),
            is_first_hand=stated is not None and stated.collection == "first-hand",
            statements=() if way is None else way.statements,
            derived_from=(*made_of, *(() if way is None else way.inputs)),
            path=self._path(told, way),
        )

    def _origin(self, kept: Kept, told: Told, way: OriginWay | None) -> OriginRef:
        """Say who first asserted it, as far as this arrival proves it."""
        voice = told.party_id or ""
        if way is None:
            return origin_by_channel(self.identities, kept.created_by_ref, voice)
        first = way.chain.hops[0]
        if way.chain.faults:
            return OriginRef("undisclosed", relay=voice)
        if first.kind == "origin":
            signer = self._keys(first.kid) if first.kid and first.signature == "good" else None
            if signer is not None and way.chain.otag is not None:
                return OriginRef("key", signer.party)
        hidden = next((hop for hop in way.chain.hops if hop.cryptonym is not None), None)
        if hidden is not None:
            behind = way.chain.hops[way.chain.hops.index(hidden) + 1 :]
            relay = next((self._party(hop.kid) for hop in behind if hop.kid is not None), "")
            return OriginRef("cryptonym", hidden.cryptonym or "", relay or voice)
        return OriginRef("undisclosed", relay=voice)

    def _party(self, kid: str) -> str:
        key = self._keys(kid)
        return "" if key is None else key.party

    def _path(self, told: Told, way: OriginWay | None) -> tuple[str, ...]:
        voice = NOBODY if told.party is None else visible_name(told.party)
        hops = () if way is None else way.chain.hops
        named = [visible_name(hop.party) if hop.party else "?" for hop in hops]
        return tuple(named if named and named[-1] == voice else [*named, voice])

    def _derived(self, kept: Kept) -> dict[str, set[str | None]]:
        """Return what an object is said to be made of (STIX 2.1 §3.7: `derived-from`), and which voices say so."""
        found = self._store.objects.referring(kept.stix_id, properties=("source_ref",), at_most=MAX_DERIVED)
        targets = {
            other.object_row: str(value["target_ref"])
            for _, other in found
            if other.type == "relationship"
            and (value := codec.decode(other.body)).get("relationship_type") == "derived-from"
        }
        said: dict[str, set[str | None]] = {}
        if targets:
            for one in self._store.beliefs.told(targets, at_most=MAX_REPORTS):
                said.setdefault(targets[one.object_row], set()).add(one.party_id)
        return said

    def _sketch(self, kept: Kept) -> tuple[int, ...]:
        """Return the sketch of a content's text: made once, however often it came and went out."""
        known = self._sketches.get(kept.object_row)
        if known is None:
            known = self._sketches[kept.object_row] = sketch(_text_of(codec.decode(kept.body)))
        return known

    # --- What we told others, and what a person knows ------------------------------------------------------

    def _released(self, key: str, went: WentOut, kept: Kept, signed: Signed) -> Released:
        return Released(
            key=key,
            at=parse_time(went.at),
            to=() if went.to is None else (visible_name(went.to),),
            stix_id=went.form_id or kept.stix_id,
            digest=went.form_digest or kept.digest,
            otag=signed.own_otag,
            sketch=self._sketch(kept),
        )

    def _deconflicted(self, reports: Sequence[Report]) -> tuple[Deconflicted, ...]:
        """Return what those who hide the origins of the claim signed of two of them, or of one and a party."""
        named = self._named(reports) if self._told_apart else {}
        signers: dict[tuple[str, str, Same], list[str]] = {}
        for said in self._told_apart:
            first, second = (named.get(tag) for tag in said.otags)
            if first is not None and second is not None and first != second:
                left, right = sorted((first, second))
                signers.setdefault((left, right, said.result), []).append(said.signer)
        parties = {report.origin.name for report in reports if report.origin.kind == "key"}
        tying = tying_parties([(left, right) for left, right, result in signers if result == "same"], parties)
        return tuple(
            Deconflicted(left=left, right=right, result=result, signers=tuple(by))
            for (left, right, result), by in signers.items()
            if result == "different" or (left, right) not in tying
        )

    def _named(self, reports: Iterable[Report]) -> dict[str, str]:
        """Return by what statements may name the origins of reports, and as what these are counted."""
        found: dict[str, str] = {}
        for report in reports:
            origin = report.origin
            if report.otag and origin.kind != "key":
                found[report.otag] = origin.name if origin.kind == "cryptonym" else report.otag
            if origin.kind == "cryptonym":
                found[source_tag(origin.value)] = origin.name
            for kid in self._kids.get(origin.value, ()) if origin.kind == "key" else ():
                found[source_tag(kid)] = origin.name
        return found

    @cached_property
    def _kids(self) -> Mapping[str, AbstractSet[str]]:
        return {row.party.party_id: row.kids for row in self._store.membership.known()}

    @cached_property
    def _told_apart(self) -> tuple[_ToldApart, ...]:
        """All that verified parties signed of hidden origins; it is rare that one does."""
        terms = Terms(now=self._clock.now(), me=None, seen=None, late=True, known_at=known_at(self._store))
        found = []
        for row in self._store.beliefs.deconflicting(at_most=MAX_DECONFLICTED):
            try:
                verified = verify(row.envelope, self._keys, terms)
            except Rejected:
                continue  # what does not verify says nothing
            said = verified.predicate
            if isinstance(said, Deconflict) and verified.has_weight:
                found.append(_ToldApart(tuple(said.otags), said.result, verified.signers[0].party))
        return tuple(found)


def tying_parties(pairs: Sequence[tuple[str, str]], parties: AbstractSet[str]) -> set[tuple[str, str]]:
    """Return those of the pairs said to be one by which two proven origins would become one.

    Whoever hides a source may say whose it is, and not that two parties who speak for themselves are one.
    """
    beside: dict[str, set[str]] = {}
    for left, right in pairs:
        beside.setdefault(left, set()).add(right)
        beside.setdefault(right, set()).add(left)
    found: set[tuple[str, str]] = set()
    for pair in pairs:
        reached, waiting = set(pair), list(pair)
        while waiting:
            new = beside[waiting.pop()] - reached
            reached |= new
            waiting += new
        if len(reached & parties) > 1 and parties & set(pair):
            found.add(pair)
    return found


def origin_by_channel(identities: Mapping[str, str], author: str, voice: str) -> OriginRef:
    """Say whose an unsigned object is: its party's own, where it names nobody else as its author.

    Args:
        identities: identity to the party whose own it is.
        author: `created_by_ref`, or empty.
        voice: id of the party whose channel brought it; empty: nobody named.
    """
    if voice and identities.get(author, author) in {"", voice}:
        return OriginRef("key", voice)
    return OriginRef("undisclosed", relay=voice)


def _fairly(reports: Sequence[Report]) -> tuple[Report, ...]:
    """Return as many reports as are looked at: the first of each voice, the second of each, and so on."""
    if len(reports) <= MAX_REPORTS:
        return tuple(reports)
    said: Counter[str] = Counter()
    turns: list[tuple[int, int]] = []
    for report in reports:
        turns.append((said[report.voice], len(turns)))
        said[report.voice] += 1
    return tuple(reports[index] for _, index in sorted(turns)[:MAX_REPORTS])


def _is_part(way: OriginWay, ways: Iterable[OriginWay]) -> bool:
    """Whether another of the ways goes on where this one ends."""
    return any(way.statements[-1] in other.statements[:-1] for other in ways)


class _ToldApart(NamedTuple):
    otags: tuple[str, ...]
    result: Same
    signer: str


def _text_of(value: JsonObject) -> str:
    """Return what an author wrote, apart from names that anybody would give."""
    texts = (value.get("description"), value.get("content"), value.get("explanation"))
    return " ".join(one for one in texts if isinstance(one, str))


def _time(value: object) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:  # validation has told
        return None
