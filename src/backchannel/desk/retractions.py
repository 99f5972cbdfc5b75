"""What was taken back: by a revoked version of the object, or by a signed retraction; and all that it reaches here.

A retraction counts for what its signer said, or passed on: nobody takes back what another party says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from backchannel import codec
from backchannel.clock import Clock
from backchannel.codec import JsonObject
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.redacted import claims_same
from backchannel.desk.reports import Gathered
from backchannel.provenance.predicates import Retract
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.verification import Terms, Verified, verify
from backchannel.store.rows import Kept

MAX_STATEMENTS: Final = 200
MAX_DERIVED: Final = 200
"""Objects made of one that was taken back that are listed; and steps that are walked to find them."""
MAX_TOLD: Final = 10_000
"""Arrivals by which it is seen who says of what an object was made."""


@dataclass(frozen=True, slots=True)
class Retracted:
    """Why a report counts no more."""

    at: str
    by: str
    """Id of the party that took it back; empty: whoever made the revoked version, which is not proven."""
    reason: str


class Retractions:
    """Finds retractions for one answer."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self._store = node.store
        self._keys = pinned_keys(node)
        self._terms = Terms(now=clock.now(), me=None, seen=None, late=True, known_at=known_at(node.store))

    def of(self, gathered: Gathered) -> dict[str, Retracted]:
        """Return the reports of a claim that were taken back, by `Report.key`."""
        found: dict[str, Retracted] = {}
        revoked = self._revoked(gathered)
        signed = self._signed(gathered)
        for report in gathered.reports:
            kept = gathered.contents[report.key]
            if kept.stix_id in revoked:
                found[report.key] = revoked[kept.stix_id]
            for one in signed.get(kept.digest, ()):
                # Of what it passes on itself, a relay may say that it passes it on no more.
                if one.by in {report.origin.name, report.voice}:
                    found[report.key] = one
        return found

    def _revoked(self, gathered: Gathered) -> dict[str, Retracted]:
        """Return the objects whose version in force is revoked (STIX 2.1 §3.2)."""
        newest: dict[str, Kept] = {}
        for kept in gathered.claim.members:
            known = newest.get(kept.stix_id)
            if known is None or _force(kept) > _force(known):
                newest[kept.stix_id] = kept
        rows = {kept.object_row: kept for kept in newest.values() if kept.revoked}
        told = self._store.beliefs.told(rows, at_most=MAX_STATEMENTS) if rows else []
        found: dict[str, Retracted] = {}
        for one in told:
            kept = rows[one.object_row]
            reason = f"{one.party or 'nobody named'} sent a version of it that is revoked"
            found.setdefault(kept.stix_id, Retracted(at=one.at, by="", reason=reason))
        return found

    def _signed(self, gathered: Gathered) -> dict[bytes, list[Retracted]]:
        """Return the retractions that hold, by the digest of what they are about."""
        found: dict[bytes, list[Retracted]] = {}
        for digest, verified, at in self._verified(gathered, "retract"):
            said = verified.predicate
            if isinstance(said, Retract):
                found.setdefault(digest, []).append(
                    Retracted(at=at, by=verified.signers[0].party, reason=said.reason)
                )
        return found

    def opinions(self, gathered: Gathered) -> Iterator[tuple[bytes, Verified, str]]:
        """Yield what others signed that they think of a content of the claim: its digest, and when it came."""
        return self._verified(gathered, "opinion")

    def sightings(self, gathered: Gathered) -> Iterator[tuple[bytes, Verified, str]]:
        """Yield what others signed that they saw of a content of the claim: its digest, and when it came."""
        return self._verified(gathered, "sighting")

    def _verified(self, gathered: Gathered, kind: str) -> Iterator[tuple[bytes, Verified, str]]:
        digests = {kept.digest for kept in gathered.claim.members}
        found = self._store.statements.abouts(digests, kinds=(kind,), at_most=MAX_STATEMENTS)
        terms = replace(self._terms, expect={kind})
        for digest, abouts in found.items():
            for about in abouts:
                if about.statement.is_own or not claims_same(self._store, about.subject):
                    continue
                try:
                    verified = verify(about.statement.envelope, self._keys, terms)
                except Rejected:
                    continue  # what does not verify says nothing
                if verified.has_weight:
                    yield digest, verified, about.statement.received_at

    # --- What it reaches ---------------------------------------------------------------------------------

    def derived(self, stix_id: str) -> tuple[str, ...]:
        """Return the objects that were made of one, over any number of steps (STIX 2.1 §3.7: `derived-from`)."""
        return self._walk(stix_id, by="target_ref", end="source_ref")

    def sources(self, stix_id: str) -> tuple[str, ...]:
        """Return the objects that one was made of, over any number of steps."""
        return self._walk(stix_id, by="source_ref", end="target_ref")

    def _walk(self, stix_id: str, *, by: str, end: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        waiting = [stix_id]
        while waiting and len(found) < MAX_DERIVED:
            rows = self._store.objects.referring(waiting.pop(), properties=(by,), at_most=MAX_DERIVED)
            for value in self._believed([kept for _, kept in rows]):
                other = str(value[end])
                if other != stix_id and other not in found:
                    found[other] = None
                    waiting.append(other)
        return tuple(found)[:MAX_DERIVED]

    def _believed(self, relations: Sequence[Kept]) -> Iterator[JsonObject]:
        """Yield of what objects were made, as far as we, or whoever gave such an object, say so.

        Nobody says it of what is another's: else a retraction of its own would reach that.
        """
        values = {
            kept.object_row: codec.decode(kept.body) for kept in relations if kept.type == "relationship"
        }
        made = {row: value for row, value in values.items() if _is_derived(value)}
        if not made:
            return
        held = self._store.objects.currents({str(value["source_ref"]) for value in made.values()})
        rows = {*made, *(kept.object_row for kept in held.values())}
        givers: dict[int, set[int]] = {}
        ours: set[int] = set()
        for one in self._store.beliefs.told(rows, at_most=MAX_TOLD):
            givers.setdefault(one.object_row, set()).add(one.party_row)
            if one.is_self:
                ours.add(one.object_row)
        for row, value in made.items():
            maker = held.get(str(value["source_ref"]))
            whose = set() if maker is None else givers.get(maker.object_row, set())
            if row in ours or givers.get(row, set()) & whose:
                yield value


def _is_derived(value: JsonObject) -> bool:
    ends = value.get("source_ref"), value.get("target_ref")
    return value.get("relationship_type") == "derived-from" and all(isinstance(one, str) for one in ends)


def _force(kept: Kept) -> tuple[str, int]:
    """Sort contents of one object by what is in force: the newest version, and of two in conflict what came first."""
    return kept.version_key, -kept.first_arrival
