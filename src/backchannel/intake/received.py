"""What reading yields: an object that is taken, or something that is refused, each with its address."""

from __future__ import annotations

from typing import Final

import msgspec

from backchannel.stix.findings import Finding
from backchannel.stix.limits import MAX_OBJECT_BYTES
from backchannel.stix.raw import RawObject

CLAUSE_JSON: Final = "RFC 8259"


class Received(msgspec.Struct, frozen=True):
    """One object that can be filed."""

    raw: RawObject
    findings: tuple[Finding, ...]
    """What validation noticed: `quarantine` and `note`, the worst first."""
    place: str
    """Its address: `file.json#/objects/3`, `list.txt:12`, `a.zip!b.csv:4`."""
    original: bytes | None = None
    """The line, row or element that the object was made from; None where the object itself was received."""
    has_version: bool = False
    """Whether an object that was made has the version of its source: then another content under the same id is
    another version, while a row has all that it says in its id."""


class Refused(msgspec.Struct, frozen=True):
    """An object, line, row or whole file that is not taken."""

    findings: tuple[Finding, ...]
    """Never empty; the first has the level `refuse`."""
    place: str
    original: bytes = b""
    """Its bytes, cut at `MAX_OBJECT_BYTES`; of a file only the beginning."""


def refused(place: str, what: str, clause: str, original: bytes = b"", *, stix_id: str = "") -> Refused:
    """Return the refusal, in one sentence, of what has no id, or none but the one that it gives itself."""
    return Refused((Finding("refuse", stix_id, place, what, clause),), place, original[:MAX_OBJECT_BYTES])


def broken(fault: str) -> str:
    """Say that one object of a document is no JSON, and what to do; `fault` as of `stix.split.Piece`."""
    return f"the object is no JSON ({fault}): mend it, or ask its producer to; what is around it is read"
