"""Decide whether an object may go to a party, and say why. Sends nothing, stores nothing.

TLP 2.0 (FIRST, August 2022) sets the outer bound; whatever no rule allows is denied. One function guards
every channel, page, feed and export.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from backchannel import codec
from backchannel.ids import PartyId, sha256
from backchannel.parties.states import LIMITS, Standing
from backchannel.stix.markings import Tlp

RULES: Final = 2
"""Number of the rules below: it rises when `decide` would answer anything else than before."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How far each kind of reader reaches: the strictest label that it may be given."""

    anybody: Tlp = Tlp.CLEAR
    """Whoever asks (TLP 2.0: CLEAR may be shared without restriction)."""
    any_party: Tlp = Tlp.GREEN
    """A party that we know (TLP 2.0: GREEN, within the community)."""
    named_reader: Tlp = Tlp.AMBER
    """A party to whom the operator gave the right to read this very collection: their need to know."""

    @property
    def version(self) -> str:
        """Name of these rules with these values: recorded with each page that they let go."""
        return f"{RULES}-{sha256(codec.canonical(codec.decode(codec.encode(self)))).hex()[:16]}"


DEFAULT_POLICY: Final = Policy()
POLICY_VERSION: Final = DEFAULT_POLICY.version


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to go where."""

    tlp: Tlp
    """Of the object, the marking of what came unmarked included."""
    recipient: PartyId | None
    """None: nobody that we know."""
    recipient_is_source: bool = False
    recipient_is_ourselves: bool = False
    collection_allows: bool
    """Whether the recipient may read the collection at all."""
    standing: Standing | None = None
    """How far the recipient is known, where it goes to them by a drop; None: another rule says who may read."""
    is_named_reader: bool = False
    """Whether the operator gave this recipient itself the right to read the collection."""
    purpose: str = "taxii"
    """By which way it goes: `taxii`, `misp`, `feed`, ..."""
    now: datetime


class Reason(msgspec.Struct, frozen=True):
    """One rule that spoke."""

    rule: str
    text: str


class Decision(msgspec.Struct, frozen=True):
    """Whether it may go, and the rules that decided, in the order applied; the last one decided."""

    allowed: bool
    reasons: tuple[Reason, ...]
    """Never empty."""


def decide(request: Request, policy: Policy = DEFAULT_POLICY) -> Decision:
    """Decide whether an object may go to a party."""
    if not request.collection_allows:
        return _denied("collection", "the recipient has no right to read this collection")
    if request.standing is not None and LIMITS[request.standing].most_tlp is None:
        return _denied("standing", f"the recipient is {request.standing!s}: nothing goes to it")
    reach, who = _reach(request, policy)
    if request.recipient_is_ourselves and request.recipient is not None:
        return _allowed("ourselves", "it stays with us")
    if request.recipient_is_source and request.recipient is not None:
        return _allowed("source", "the recipient sent it to us itself")
    label = request.tlp.label
    if request.tlp.strictness <= reach.strictness:
        return _allowed("tlp", f"{label} may go to {who}")
    return _denied("tlp", f"{label} may not go to {who}: up to {reach.label} may")


def _reach(request: Request, policy: Policy) -> tuple[Tlp, str]:
    """Return the strictest label that the recipient may be given: a policy can only narrow what TLP allows."""
    if request.standing is not None:
        most = LIMITS[request.standing].most_tlp or Tlp.CLEAR
        reach = min(policy.named_reader, Tlp.AMBER, most, key=_strictness)
        return reach, f"a party that is {request.standing!s}"
    if request.recipient is None:
        return min(policy.anybody, Tlp.CLEAR, key=_strictness), "anybody who asks"
    if request.is_named_reader:
        reach = min(policy.named_reader, Tlp.AMBER, key=_strictness)
        return reach, "a party with the right to read this collection"
    return min(policy.any_party, Tlp.GREEN, key=_strictness), "a party that we know"


def _strictness(tlp: Tlp) -> int:
    return tlp.strictness


def _allowed(rule: str, text: str) -> Decision:
    return Decision(True, (Reason(rule, text),))


def _denied(rule: str, text: str) -> Decision:
    return Decision(False, (Reason(rule, text),))
