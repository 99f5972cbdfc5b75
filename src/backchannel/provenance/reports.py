"""What is known of each report of one claim, as far as it says where the claim came from.

A *claim* is an observable, or a (source, verb, target), within a time window; the desk gathers its reports. These
are plain values to be handed to `origins.independent_origins`; nothing here decides anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

OURS: Final = "ours"
"""In an `Override`, our own releases: "this report is no echo of ours"."""

OriginKind = Literal["key", "otag", "cryptonym", "undisclosed"]


class OriginRef(msgspec.Struct, frozen=True, order=True, gc=False):
    """Who first asserted it, as far as the way here proves it."""

    kind: OriginKind
    """`key`: a party proven by its signature, or by its own authenticated channel. What a third party merely
    *says* of the originator (`created_by_ref`) proves nothing: that is `undisclosed`."""
    value: str = ""
    """Key id or party id (the caller says always the same), otag, or cryptonym; empty where undisclosed."""
    relay: str = ""
    """The party that keeps it from us; empty where nobody does."""

    @property
    def name(self) -> str:
        """Return the one name under which it is counted, judged and deconflicted."""
        if self.kind == "cryptonym":
            return f"?{self.relay}:{self.value}"
        if self.kind == "undisclosed":
            return f"?{self.relay}"
        return self.value


class Report(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One arrival that asserts the claim."""

    key: str
    """The caller's name for it, unique among the reports of the claim."""
    voice: str
    """The party that gave it to us."""
    origin: OriginRef
    arrived_at: datetime
    stix_id: str = ""
    digest: bytes = b""
    """SHA-256 of the JCS form."""
    created: datetime | None = None
    created_by_ref: str = ""
    otag: str = ""
    """As it came, also where the chain does not prove it."""
    sketch: tuple[int, ...] = ()
    """`likeness.sketch` of its text."""
    attachments: tuple[bytes, ...] = ()
    """SHA-256 of documents that came with it; no malware samples: two who caught the same have the same."""
    rare_errors: tuple[str, ...] = ()
    """Mistakes that hardly two people make: a misspelt name, a digit too many."""
    is_first_hand: bool = False
    statements: tuple[str, ...] = ()
    """Digests (text form) of the statements of its chain: by these, others name it in `derived_from`."""
    derived_from: tuple[str, ...] = ()
    """What it was made of (reworded, merged, derived): keys, STIX ids, digests (hexadecimal) or statements."""
    path: tuple[str, ...] = ()
    """The parties on its way, originator first, hidden ones as `?`."""


class Released(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One earlier release of ours of the same claim."""

    key: str
    at: datetime
    to: tuple[str, ...] = ()
    stix_id: str = ""
    digest: bytes = b""
    otag: str = ""
    sketch: tuple[int, ...] = ()


class Deconflicted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Two hidden origins compared by those who hide them (statement `deconflict`, verified by the caller)."""

    left: str
    """An otag, or `OriginRef.name`."""
    right: str
    result: Literal["same", "different"]
    signers: tuple[str, ...]
    """Parties who signed it. `same` holds if a relay of either side did, `different` if those of both did."""


class Override(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The operator knows better; the caller keeps who said so, when and why."""

    left: str
    """`Report.key`."""
    right: str
    """`Report.key`, or `OURS`."""
    result: Literal["same", "different"]
