"""Who said it first, who passed it on, what was done to it on the way, and who is hidden.

A chain is the statements behind one object, from its originator's to that of whoever gave it to us. Each relay
signs what it had, from whom, what it did, and how many relays there have been: a hidden party is still counted.
Markings may only be kept or tightened, unless the originator permits more (`permits`).

`trace` never raises: it returns the chain as it can be shown, and with it what is wrong and at which hop. Where
`faults` is not empty, nothing of the object is used, and it goes into quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from backchannel.provenance.handling import handling_fault
from backchannel.provenance.hidden import Opening, is_hidden, opens
from backchannel.provenance.hops import Chain, Fault, Held, Hop, Link, SignatureState
from backchannel.provenance.leaves import proves
from backchannel.provenance.permits import Asked, Permits, Permitted, find_permit, no_permits
from backchannel.provenance.predicates import MAX_HOPS, Origin, Predicate, Relay
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.redactable import check as check_fields
from backchannel.provenance.statement import (
    Opened,
    RootSubject,
    Statement,
    content_of,
    digest_text,
    open_envelope,
)
from backchannel.provenance.verification import Keys, Terms, verify
from backchannel.stix.markings import Tlp, marked

MAX_LINKS: Final = MAX_HOPS + 1


@dataclass(frozen=True, slots=True)
class _Read:
    """A link that was read, verified as far as its key is known."""

    link: Link
    statement: Statement
    predicate: Predicate | None
    digest: str
    signature: SignatureState
    notes: tuple[Reason, ...]


def trace(
    links: Sequence[Link],
    held: Held,
    keys: Keys,
    terms: Terms,
    *,
    permits: Permits = no_permits,
    openings: Sequence[Opening] = (),
) -> Chain:
    """Follow the chain of one object.

    Args:
        links: its statements, the originator's first.
        held: the object as we hold it.
        keys: the pinned keys.
        terms: the present, and what is known of when statements existed; the audience is not asked.
        permits: gives the verified permits about an object; asked only where a relay widens a marking.
        openings: what opens hidden parties, where somebody gave it to us.
    """
    tracer = _Tracer(keys, replace(terms, me=None, seen=None, late=True, chan=""), permits, openings)
    if not links:
        tracer.fault(Reason.NO_ORIGIN, "no statement came with it")
    elif len(links) > MAX_LINKS:
        tracer.fault(Reason.TOO_MANY, f"a chain of {len(links)} statements; at most {MAX_LINKS} are read")
    else:
        for link in links:
            tracer.follow(link)
        tracer.arrive(held)
    return tracer.chain()


class _Tracer:
    """Walks along one chain, and gathers hops and faults."""

    def __init__(self, keys: Keys, terms: Terms, permits: Permits, openings: Sequence[Opening]) -> None:
        self._keys, self._terms, self._permits, self._openings = keys, terms, permits, openings
        self._hops: list[Hop] = []
        self._faults: list[Fault] = []
        self._before: _Read | None = None
        self._origin: _Read | None = None
        self._count = 0  # relays so far
        self._marking: Tlp | None = None
        self._is_permitted = False
        self._lost: list[int] = []
        """Faults of proofs that came along and do not lead from the object to what was signed, since the last that does."""

    def fault(self, reason: Reason, detail: str = "") -> None:
        self._faults.append(Fault(reason, max(len(self._hops) - 1, 0), detail))

    def chain(self) -> Chain:
        origin = None if self._origin is None else self._origin.predicate
        if any(hop.kind == "undisclosed" for hop in self._hops):
            origin = None  # nothing shows that what is hidden leads to this origin and to no other
        return Chain(
            hops=tuple(self._hops),
            faults=tuple(self._faults),
            marking=self._marking,
            otag=origin.otag if isinstance(origin, Origin) else None,
        )

    def follow(self, link: Link) -> None:
        """Take the next statement."""
        try:
            read = self._read(link)
        except Rejected as error:
            self._hops.append(Hop(kind="relay" if self._hops else "origin", signature="bad"))
            is_forged = error.reason in {Reason.BAD_SIGNATURE, Reason.WRONG_USE}
            self.fault(Reason.FORGED_HOP if is_forged else error.reason, error.detail)
            return
        if isinstance(read.predicate, Relay):
            self._relay(read, read.predicate)
        else:
            self._begin(read)
        self._check_subject(read)
        self._before = read

    def arrive(self, held: Held) -> None:
        """Compare what the last statement is about with what we hold."""
        if self._before is None:
            return
        is_altered = self._before.link.digest != held.digest
        if is_altered:
            self.fault(Reason.ALTERED, "what came is not what the last statement of the chain is about")
        stated = self._marking or held.marking
        # Unchanged, an object keeps its own marking, and a relay that tightens says so beside it. Whoever
        # changed it wrote the marking that it bears now.
        was_changed = is_altered or any(hop.handling not in {None, "verbatim"} for hop in self._hops)
        if was_changed and held.marking.strictness < stated.strictness:
            self.fault(
                Reason.DOWNGRADED_MARKING, f"it came as {held.marking.label}, passed on as {stated.label}"
            )
        if not self._is_permitted:
            self._marking = max(stated, held.marking, key=lambda tlp: tlp.strictness)
        self._check_fields(held)

    def _check_fields(self, held: Held) -> None:
        """Where the originator signed each field, check those that are left."""
        origin = None if self._origin is None else self._origin.predicate
        if not isinstance(origin, Origin) or origin.redactable is None:
            return
        if held.value is None or held.salts is None:
            return
        try:
            check_fields(held.value, held.salts, origin.redactable)
        except Rejected as error:
            self.fault(error.reason, error.detail)

    def _read(self, link: Link) -> _Read:
        opened = open_envelope(link.envelope)
        try:
            found = verify(link.envelope, self._keys, replace(self._terms, expect={"origin", "relay"}))
        except Rejected as error:
            if error.reason is not Reason.UNKNOWN_KEY:
                raise
            return _unverified(link, opened)
        stolen = Reason.MAYBE_STOLEN_KEY in found.notes
        return _Read(
            link,
            found.statement,
            found.predicate,
            digest_text(found.digest),
            "maybe-stolen-key" if stolen else "good",
            found.notes,
        )

    def _begin(self, read: _Read) -> None:
        """Take the originator's statement."""
        is_first = not self._hops
        origin = read.predicate
        stated = origin.marking if isinstance(origin, Origin) else None
        self._hops.append(self._hop(read, kind="origin", marking_out=stated))
        if not is_first:
            self.fault(Reason.BROKEN_CHAIN, "an origin stands behind another statement")
            return
        self._origin = read
        borne = None if read.link.value is None else marked(read.link.value)[0]
        found = [tlp for tlp in (stated, borne) if tlp is not None]
        self._marking = max(found, key=lambda tlp: tlp.strictness, default=None)

    def _relay(self, read: _Read, relay: Relay) -> None:
        hidden = self._undisclosed(relay)
        self._hops.extend(hidden)
        self._hops.append(
            self._hop(
                read,
                kind="relay",
                received_at=relay.received_at,
                handling=relay.handling,
                removed=tuple(relay.removed),
                marking_in=relay.marking_in,
                marking_out=relay.marking_out,
            )
        )
        if hidden or self._before is None:
            self._check_gap(relay)
        else:
            self._check_step(read, relay, self._before)
        self._check_marking(read, relay)
        self._count = relay.hops

    def _undisclosed(self, relay: Relay) -> list[Hop]:
        """Return the hops that a relay counts and does not show."""
        missing = relay.hops - self._count - 1 + (not self._hops)
        if missing <= 0:
            return []
        named = None if not is_hidden(relay.from_) else self._opened(relay.from_)
        last = Hop(
            kind="undisclosed",
            signature="none" if relay.prev is None else "withheld",
            party=self._name(named or relay.from_) if named or not is_hidden(relay.from_) else None,
            kid=named or (None if is_hidden(relay.from_) else relay.from_),
            cryptonym=relay.cryptonym,
            statement=relay.prev,
        )
        return [*(Hop(kind="undisclosed", signature="withheld") for _ in range(missing - 1)), last]

    def _check_gap(self, relay: Relay) -> None:
        """Check that who is left out is hidden by the relay, and was not cut out on the way."""
        if not is_hidden(relay.from_):
            reason = Reason.NO_ORIGIN if self._before is None else Reason.BROKEN_CHAIN
            self.fault(reason, "the relay names its source, and the statement of that source is missing")

    def _check_step(self, read: _Read, relay: Relay, before: _Read) -> None:
        """Check that a relay's statement follows the one before it."""
        source = before.statement.iss
        if relay.hops != self._count + 1:
            self.fault(Reason.BROKEN_CHAIN, f"hop {relay.hops} stands behind hop {self._count}")
        if relay.prev != before.digest:
            self.fault(Reason.BROKEN_CHAIN, "it follows another statement than the one before it")
        if not is_hidden(relay.from_):
            if not self._is_same(relay.from_, source):
                self.fault(Reason.BROKEN_CHAIN, "it came from another party than the one that signed before")
        elif (named := self._opened(relay.from_)) is not None and not self._is_same(named, source):
            self.fault(Reason.BAD_OPENING, "the opened party is not the one that signed before")
        if not self._was_addressed(before, read.statement.iss):
            self.fault(Reason.NOT_ADDRESSED, "the party before did not send it to this relay")
        why = handling_fault(
            relay, before.digest, before.link.value, read.link.value, _is_equal(before, read)
        )
        if why:
            self.fault(Reason.BAD_HANDLING, why)

    def _check_marking(self, read: _Read, relay: Relay) -> None:
        before = self._marking
        if before is not None and relay.marking_in.strictness < before.strictness:
            self.fault(
                Reason.DOWNGRADED_MARKING, f"received as {relay.marking_in.label}, sent as {before.label}"
            )
        strictest = max(before or relay.marking_in, relay.marking_in, key=lambda tlp: tlp.strictness)
        self._marking = relay.marking_out
        if relay.marking_out.strictness >= strictest.strictness:
            return
        found = self._permitted(read, relay)
        if isinstance(found, Permitted):
            self._hops[-1] = replace(self._hops[-1], permit=found)
            self._is_permitted = True
            return
        widened = f"{strictest.label} to {relay.marking_out.label}"
        if found:
            self.fault(Reason.NO_PERMIT, f"{widened}: {found}")
        else:
            self.fault(Reason.DOWNGRADED_MARKING, widened)
        self._marking = strictest

    def _permitted(self, read: _Read, relay: Relay) -> Permitted | str:
        """Return the originator's permit for this relay to widen the marking so far, or why there is none."""
        origin = self._origin
        if (
            origin is None
            or origin.signature != "good"
            or any(hop.kind == "undisclosed" for hop in self._hops)
        ):
            return ""
        asked = Asked(
            digest=origin.link.digest,
            originator=origin.statement.iss,
            relays=(read.statement.iss,),
            at=read.statement.iat,
            marking=relay.marking_out,
        )
        return find_permit(asked, self._permits(asked.digest), self._is_same)

    def _check_subject(self, read: _Read) -> None:
        subject, link = read.statement.subject, read.link
        if isinstance(subject, RootSubject):
            is_proven = link.proof is not None and proves(link.proof, link.digest, subject)
            if is_proven or link.is_within:
                self._find_altered(read)
                return
            self.fault(Reason.BAD_PROOF, "the object is not among those that were signed together")
            if link.proof is not None:
                self._lost.append(len(self._faults) - 1)
        elif not any(one.jcs == digest_text(link.digest) for one in subject):
            self.fault(Reason.BROKEN_CHAIN, "the statement is about another object")

    def _find_altered(self, read: _Read) -> None:
        """Say of proofs that failed that the object was altered, where this relay signed it as unchanged."""
        relay = read.predicate
        if not isinstance(relay, Relay) or relay.handling != "verbatim":
            return
        for at in self._lost:
            self._faults[at] = Fault(
                Reason.ALTERED,
                len(self._hops) - 1,
                "the relay signed it as unchanged, and it is not what was signed before",
            )
        self._lost.clear()

    def _was_addressed(self, before: _Read, kid: str) -> bool:
        to = before.predicate.to if isinstance(before.predicate, Relay) else before.statement.aud
        return any(one == "*" or is_hidden(one) or self._is_same(one, kid) for one in to)

    def _opened(self, commitment: str) -> str | None:
        return next((one.kid for one in self._openings if opens(one, commitment)), None)

    def _is_same(self, kid: str, other: str) -> bool:
        """Whether two keys are of one party: keys are changed, parties stay."""
        if kid == other:
            return True
        one, two = self._keys(kid), self._keys(other)
        return one is not None and two is not None and one.party == two.party

    def _name(self, kid: str) -> str | None:
        key = self._keys(kid)
        return None if key is None else key.name

    def _hop(self, read: _Read, **fields: object) -> Hop:
        kid = read.statement.iss
        return Hop(
            signature=read.signature,
            party=self._name(kid),
            kid=kid,
            signed_at=read.statement.iat,
            statement=read.digest,
            notes=read.notes,
            **fields,  # type: ignore[arg-type]
        )


def _unverified(link: Link, opened: Opened) -> _Read:
    """Return a link whose signer we do not know: readable, and proving nothing."""
    try:
        predicate = content_of(opened.statement)
    except ValueError as error:
        raise Rejected(Reason.BAD_FORM, str(error)[:200]) from None
    if not isinstance(predicate, Origin | Relay):
        raise Rejected(Reason.WRONG_TYPE, "neither an origin nor a relay")
    notes = (Reason.UNKNOWN_KEY,)
    return _Read(link, opened.statement, predicate, digest_text(opened.digest), "unknown-key", notes)


def _is_equal(one: _Read, other: _Read) -> bool:
    return one.link.digest == other.link.digest
