"""How far a party is known here: from unknown to verified, suspended and revoked; and what each state allows.

The states belong to a party's root key, not to its name: other keys under a known name start anew, after a person
decided about the alarm (`alarm.py`). No state rises by time, by habit, or by what the party itself says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backchannel.errors import UsageError
from backchannel.stix.markings import Tlp


class Standing(StrEnum):
    """How far a party is known."""

    UNKNOWN = "unknown"
    """A name, or keys that nobody vouched for."""
    INTRODUCED = "introduced"
    """A verified party vouched for its keys; or it came back with recovery keys, or out of suspension."""
    VERIFIED = "verified"
    """A person of ours made sure whose keys they are."""
    SUSPENDED = "suspended"
    """Something speaks against it; a person has to decide."""
    REVOKED = "revoked"
    """Over. Its keys are never taken again."""


class Event(StrEnum):
    """What moves a party from one state to another."""

    VOUCHED = "vouched"
    """A verified party introduced it."""
    COMPARED = "compared"
    """Two people compared the safety number, or handed over the card in person."""
    CODE_MATCHED = "code-matched"
    """An invitation code was used by both sides."""
    RECOVERED = "recovered"
    """It came back with recovery keys."""
    SUSPENDED = "suspended"
    """A person, a forked key set or a forked ledger."""
    RESUMED = "resumed"
    """A person lifted the suspension without comparing anything."""
    REVOKED = "revoked"


_U, _I, _V, _S, _R = Standing
_NEXT: dict[tuple[Standing, Event], Standing] = {
    (_U, Event.VOUCHED): _I,
    (_I, Event.VOUCHED): _I,
    (_V, Event.VOUCHED): _V,
    (_U, Event.COMPARED): _V,
    (_I, Event.COMPARED): _V,
    (_V, Event.COMPARED): _V,
    (_S, Event.COMPARED): _V,
    (_U, Event.CODE_MATCHED): _V,
    (_I, Event.CODE_MATCHED): _V,
    (_V, Event.CODE_MATCHED): _V,
    (_U, Event.RECOVERED): _U,
    (_I, Event.RECOVERED): _I,
    (_V, Event.RECOVERED): _I,
    (_S, Event.RECOVERED): _S,
    (_U, Event.SUSPENDED): _S,
    (_I, Event.SUSPENDED): _S,
    (_V, Event.SUSPENDED): _S,
    (_S, Event.SUSPENDED): _S,
    (_S, Event.RESUMED): _I,
    (_U, Event.REVOKED): _R,
    (_I, Event.REVOKED): _R,
    (_V, Event.REVOKED): _R,
    (_S, Event.REVOKED): _R,
    (_R, Event.REVOKED): _R,
}


def moved(standing: Standing, event: Event) -> Standing:
    """Return the state of a party after `event`.

    Raises:
        UsageError: the event does not happen to a party in this state.
    """
    after = _NEXT.get((standing, event))
    if after is None:
        raise UsageError(f"a party that is {standing!s} cannot be {event!s}", hint=_HINTS[standing])
    return after


_HINTS = {
    Standing.UNKNOWN: "It is not suspended.",
    Standing.INTRODUCED: "It is not suspended.",
    Standing.VERIFIED: "It is not suspended.",
    Standing.SUSPENDED: "Compare the safety number with the party: backchannel party verify.",
    Standing.REVOKED: "Its keys are never taken again: ask the party for a card with new ones.",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a state allows."""

    may_act: bool
    """Whether what the party says may set something in motion without a person."""
    most_tlp: Tlp | None
    """The highest TLP 2.0 label of what it is sent; None for nothing at all."""
    best_letter: str
    """The best reliability it can have (Admiralty)."""


LIMITS = {
    Standing.UNKNOWN: Limits(may_act=False, most_tlp=Tlp.CLEAR, best_letter="F"),
    Standing.INTRODUCED: Limits(may_act=False, most_tlp=Tlp.GREEN, best_letter="C"),
    Standing.VERIFIED: Limits(may_act=True, most_tlp=Tlp.RED, best_letter="A"),
    Standing.SUSPENDED: Limits(may_act=False, most_tlp=None, best_letter="F"),
    Standing.REVOKED: Limits(may_act=False, most_tlp=None, best_letter="F"),
}
"""Only a verified party may be sent more than TLP:GREEN, or set something in motion."""
