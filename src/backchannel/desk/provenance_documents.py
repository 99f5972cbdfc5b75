"""What is shown of an object's provenance: chains of signed statements, hop by hop, and what differs from them."""

from __future__ import annotations

from typing import Literal

import msgspec


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One top-level property in which two contents of an object differ."""

    property: str
    here: str | None
    """Its JSON in the content that is shown, at most 300 characters; null where it is absent."""
    there: str | None


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One party in a chain of signed statements."""

    kind: Literal["origin", "relay", "undisclosed"]
    says: str
    """In one plain sentence: who did what, and what proves it."""
    signature: Literal["good", "unknown-key", "maybe-stolen-key", "withheld", "none", "bad"]
    party: str | None = None
    """Null: not known here, or hidden."""
    kid: str | None = None
    cryptonym: str | None = None
    signed_at: str | None = None
    received_at: str | None = None
    handling: str | None = None
    removed: tuple[str, ...] = ()
    marking_in: str | None = None
    marking_out: str | None = None
    permit: str | None = None
    """`sha256:...` of the originator's permit by which it widened the marking."""
    statement: str | None = None
    notes: tuple[str, ...] = ()


class ChainFault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a chain is refused."""

    code: str
    hop: int
    """From 0, in `hops`."""
    means: str
    mend: str
    detail: str


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """One way on which an object came, its originator first, with what signatures say of it."""

    state: Literal["proven", "unproven", "refused"]
    says: str
    hops: tuple[Hop, ...]
    faults: tuple[ChainFault, ...]
    tlp: str | None
    otag: str | None


class SignedOtherwise(msgspec.Struct, frozen=True, kw_only=True):
    """A statement about another content of this very version: what came here is not what was signed."""

    signer: str | None
    """Whose key it names; null: unknown here."""
    statement: str
    digest: str
    """Of the content that was signed."""
    kind: Literal["respelled", "altered", "not held"]
    """`respelled`: the same content, written anew by a tool. `not held`: the signed content is not here."""
    differences: tuple[Difference, ...]


class PermitSaid(msgspec.Struct, frozen=True, kw_only=True):
    """A permit about the object that is here and whose signature holds."""

    says: str
    """Who lets whom do what, until when, in one sentence."""
    signer: str
    statement: str
    to: tuple[str | None, ...]
    """Names of the parties that it is for; null: not known here. Empty: everybody."""
    tlp: str | None
    """With which marking they may pass it on; null: it gives none."""
    until: str
    is_over: bool


class WidenedSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What a party tells of a relay that widened the marking of the object without its originator's permit."""

    says: str
    """Who tells what of whom, in one sentence."""
    signer: str
    relay: str | None
    """Null: not known here."""
    statement: str
    """Digest of what the relay signed."""
    code: str
    marking_in: str
    marking_out: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What signed statements say of one object."""

    chains: tuple[Chain, ...] = ()
    signed_otherwise: tuple[SignedOtherwise, ...] = ()
    permits: tuple[PermitSaid, ...] = ()
    widened: tuple[WidenedSaid, ...] = ()
