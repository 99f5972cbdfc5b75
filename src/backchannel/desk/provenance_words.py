"""Chains in words: what each hop did, and what the whole of it proves."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from backchannel import codec
from backchannel.clock import parse_time
from backchannel.desk import provenance_documents as documents
from backchannel.desk.provenance_documents import Difference
from backchannel.parties.names import visible_name
from backchannel.provenance.altered import Comparison
from backchannel.provenance.hops import Chain, Hop
from backchannel.provenance.predicates import Permit, Widened
from backchannel.provenance.reasons import Reason
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Keys, Verified
from backchannel.stix.visible import visible

MAX_SHOWN_CHARS: Final = 300
SHOWN_KID_CHARS: Final = 8

_DID: Final = {
    "verbatim": "passed it on unchanged",
    "redacted": "passed it on with something left out",
    "excerpt": "passed a part of it on",
    "translated": "passed it on in another language",
    "reworded": "passed it on in other words",
    "merged": "passed on what it made of this and other statements",
}
_PROOF: Final = {
    "good": "the signature holds",
    "unknown-key": "the key belongs to no party here: nothing proves it",
    "maybe-stolen-key": "the key may have been stolen by then: it counts for nothing",
    "withheld": "hidden by the next party",
    "none": "there is no statement of it",
    "bad": "the statement does not hold",
}


def chain_document(chain: Chain) -> documents.Chain:
    """Return a chain as it is shown."""
    return documents.Chain(
        state=chain.state,
        says=chain_says(chain),
        hops=tuple(
            documents.Hop(
                kind=hop.kind,
                says=hop_says(hop),
                signature=hop.signature,
                party=None if hop.party is None else visible(hop.party),
                kid=hop.kid,
                cryptonym=hop.cryptonym,
                signed_at=hop.signed_at,
                received_at=hop.received_at,
                handling=hop.handling,
                removed=tuple(visible(pointer) for pointer in hop.removed),
                marking_in=None if hop.marking_in is None else hop.marking_in.label,
                marking_out=None if hop.marking_out is None else hop.marking_out.label,
                permit=None if hop.permit is None else digest_text(hop.permit.digest),
                statement=hop.statement,
                notes=tuple(note.value for note in hop.notes),
            )
            for hop in chain.hops
        ),
        faults=tuple(
            documents.ChainFault(
                code=fault.reason,
                hop=fault.hop,
                means=fault.reason.meaning,
                mend=fault.reason.mend,
                detail=visible(fault.detail),
            )
            for fault in chain.faults
        ),
        tlp=None if chain.marking is None else chain.marking.label,
        otag=chain.otag,
    )


def chain_says(chain: Chain) -> str:
    """Return what a chain proves, in one sentence."""
    relays = sum(hop.kind == "relay" for hop in chain.hops)
    hidden = sum(hop.kind == "undisclosed" for hop in chain.hops)
    way = "directly from its originator" if relays == 0 else f"through {_number(relays, 'relay')}"
    if hidden:
        way += f", with {_number(hidden, 'party', 'parties')} hidden"
    if chain.faults:
        return f"Refused ({chain.faults[0].reason}): {chain.faults[0].reason.meaning}."
    if chain.state == "proven":
        return f"It came {way}, and every signature holds."
    return f"It came {way}; not every step is proven."


def hop_says(hop: Hop) -> str:
    """Return what one party did, and what proves it, in one sentence."""
    who = _who(hop)
    if hop.kind == "origin":
        did = "says so itself"
    elif hop.kind == "relay":
        did = _DID.get(hop.handling or "", "passed it on")
    else:
        did = "had it before"
    removed = f" ({', '.join(visible(pointer) for pointer in hop.removed[:5])})" if hop.removed else ""
    widened = ""
    if hop.marking_in is not None and hop.marking_out is not None and hop.marking_in != hop.marking_out:
        widened = f", {hop.marking_in.label} to {hop.marking_out.label}"
    if hop.permit is not None:
        widened += f" as the originator permits until {hop.permit.until}"
    notes = ", its time is over" if Reason.EXPIRED in hop.notes else ""
    return f"{who} {did}{removed}{widened}: {_PROOF[hop.signature]}{notes}."


def _who(hop: Hop) -> str:
    if hop.party is not None:
        return visible_name(hop.party)
    if hop.kid is not None:
        return f"An unknown party (key {hop.kid[:SHOWN_KID_CHARS]}…)"
    if hop.cryptonym is not None:
        return f"A hidden party, called {hop.cryptonym[:SHOWN_KID_CHARS]} by the next"
    return "A hidden party" if hop.kind == "undisclosed" else "Somebody"


def permit_document(verified: Verified, keys: Keys, now: datetime) -> documents.PermitSaid:
    """Return a permit as it is shown.

    Args:
        verified: it.
        keys: the pinned keys.
        now: the present.
    """
    permit = verified.predicate
    if not isinstance(permit, Permit):
        raise TypeError("that is no permit")
    parties = {kid: None if (key := keys(kid)) is None else visible_name(key.name) for kid in permit.to}
    names = () if "*" in permit.to else tuple(parties.values())
    signer = visible_name(verified.signers[0].name)
    whom = " and ".join(name or "an unknown party" for name in names) or "everybody"
    what = (
        "nothing that can be read here" if permit.marking is None else f"pass it on as {permit.marking.label}"
    )
    is_over = parse_time(permit.until) < now
    end = f"until {permit.until}" + (", which is over" if is_over else "")
    if not verified.has_weight:
        end += "; its key may have been stolen, so it counts for nothing"
    return documents.PermitSaid(
        says=f"{signer} lets {whom} {what} {end}.",
        signer=signer,
        statement=digest_text(verified.digest),
        to=names,
        tlp=None if permit.marking is None else permit.marking.label,
        until=permit.until,
        is_over=is_over,
    )


def widened_document(verified: Verified, keys: Keys) -> documents.WidenedSaid:
    """Return what a party tells of a relay that widened a marking, as it is shown."""
    said = verified.predicate
    if not isinstance(said, Widened):
        raise TypeError("that tells of nothing that was widened")
    signer = visible_name(verified.signers[0].name)
    relay = None if (key := keys(said.relay)) is None else visible_name(key.name)
    how = f"as {said.marking_out.label}, who had it as {said.marking_in.label}"
    return documents.WidenedSaid(
        says=f"{signer} tells that {relay or 'an unknown party'} passed it on {how}, and refused it ({said.reason}).",
        signer=signer,
        relay=relay,
        statement=said.statement,
        code=said.reason,
        marking_in=said.marking_in.label,
        marking_out=said.marking_out.label,
    )


def differences(found: Comparison) -> tuple[Difference, ...]:
    """Return what differs, as it is shown: `here` is what came, `there` what was signed."""
    return tuple(
        Difference(
            property=visible(one.pointer.removeprefix("/"), max_chars=MAX_SHOWN_CHARS),
            here=_shown(one.copy),
            there=_shown(one.original),
        )
        for one in found.differences
    )


def _shown(value: codec.JsonValue) -> str | None:
    if value is None:
        return None
    return visible(codec.encode(value).decode("utf-8", "replace"), max_chars=MAX_SHOWN_CHARS)


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
