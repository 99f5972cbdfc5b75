"""What a chain is made of: the statements that are followed, and the hops that are shown. Plain data, to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backchannel.codec import JsonObject
from backchannel.provenance.leaves import Proof
from backchannel.provenance.permits import Permitted
from backchannel.provenance.reasons import Reason
from backchannel.stix.markings import Tlp

SignatureState = Literal["good", "unknown-key", "maybe-stolen-key", "withheld", "none", "bad"]
"""`withheld`: a relay hides whose statement it was. `none`: it came without a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One statement of a chain, and the object that it is about."""

    envelope: bytes
    digest: bytes
    """Of the object as it was here: SHA-256 of its canonical form."""
    proof: Proof | None = None
    """Where the statement is about the root of many."""
    is_within: bool = False
    """Whether the object is known to be one of the many: whoever asks has all leaves of the root, and formed it."""
    value: JsonObject | None = None
    """The object as it was here, where we hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The object as we hold it."""

    digest: bytes
    marking: Tlp
    value: JsonObject | None = None
    salts: Mapping[str, bytes] | None = None
    """Of its fields, where the originator let relays leave some out (`redactable`)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the object is refused."""

    reason: Reason
    hop: int
    """Index in `Chain.hops`."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One party of a chain: plain data, to be drawn."""

    kind: Literal["origin", "relay", "undisclosed"]
    signature: SignatureState
    party: str | None = None
    """Whose, as we know them; None: not known here, or hidden."""
    kid: str | None = None
    """The key that signed, or that an opening named; None: hidden."""
    cryptonym: str | None = None
    """What the next relay calls it, where it is hidden."""
    signed_at: str | None = None
    received_at: str | None = None
    """The day on which a relay says that it had it."""
    handling: str | None = None
    removed: tuple[str, ...] = ()
    marking_in: Tlp | None = None
    marking_out: Tlp | None = None
    permit: Permitted | None = None
    """What allows it to widen the marking, where it did."""
    statement: str | None = None
    """`sha256:...` of the statement."""
    notes: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The whole way of one object, its originator first."""

    hops: tuple[Hop, ...]
    faults: tuple[Fault, ...]
    marking: Tlp | None
    """How far it may go: the stricter of the chain's last word and of what the object bears, unless the originator
    permitted a wider one: then the chain's last word. None: no chain."""
    otag: str | None
    """Of the origin: equal ones are of one origin. None: there is none, or it is not proven to be of this chain."""

    @property
    def permits(self) -> tuple[Permitted, ...]:
        """The originator's permits that it relies on."""
        return tuple(hop.permit for hop in self.hops if hop.permit is not None)

    @property
    def widens(self) -> bool:
        """Whether a relay widened the marking: then what is found of it depends on the permits for this object."""
        reasons = {Reason.NO_PERMIT, Reason.DOWNGRADED_MARKING}
        return bool(self.permits) or any(fault.reason in reasons for fault in self.faults)

    @property
    def state(self) -> Literal["refused", "unproven", "proven"]:
        """`proven`: every hop is named and its signature holds."""
        if self.faults:
            return "refused"
        return "proven" if self.hops and all(hop.signature == "good" for hop in self.hops) else "unproven"
