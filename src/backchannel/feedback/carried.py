"""A signed statement within plain STIX, so that it travels wherever STIX does: a note, with the envelope in an extension.

Any tool can store the note and show what it says. Who knows the extension takes the envelope out again, letter for
letter, and judges it as if it had come by itself: nothing of the note around it counts (docs/formats/carried-statement.md).

    note = carry(envelope, speaker, reader=party_id, tlp=Tlp.GREEN, abstract="Read", content="CERT Beta read this.")
    envelope = envelope_in(note)

Pure. What is read here may be anybody's word: use `verification.verify`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from backchannel.clock import format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.feedback.envelope import Speaker, bounded, identity
from backchannel.ids import Digest, PartyId, StixId, derived_id
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import MAX_STATEMENT_BYTES, RootSubject, open_envelope
from backchannel.stix.markings import Tlp

EXTENSION: Final = "extension-definition--5a7c1f0e-3d0b-4b6e-9a52-8e1f6c2b7d94"
"""The extension that holds an envelope (STIX 2.1 §7.3)."""
AUTHOR: Final = "identity--0c9d4b7a-6e21-4f38-8b5d-71a3e2f4c605"
"""Who defined it: the software, not a party."""
_SINCE: Final = "2026-11-30T00:00:00.000Z"
_MARKINGS: Final[Mapping[Tlp, str]] = MappingProxyType(
    {
        Tlp.CLEAR: "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
        Tlp.GREEN: "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
        Tlp.AMBER: "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
        Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp.RED: "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
    }
)
"""Those of STIX 2.1 itself (§7.2.1.4), which every tool knows; AMBER+STRICT is of TLP 2.0 alone."""

AUTHOR_IDENTITY: Final[Mapping[str, object]] = MappingProxyType(
    {
        "type": "identity",
        "spec_version": "2.1",
        "id": AUTHOR,
        "created": _SINCE,
        "modified": _SINCE,
        "name": "Backchannel",
        "description": "The software, not a party: it stands here as the author of an extension.",
        "identity_class": "system",
        "object_marking_refs": [_MARKINGS[Tlp.CLEAR]],
    }
)
DEFINITION: Final[Mapping[str, object]] = MappingProxyType(
    {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION,
        "created_by_ref": AUTHOR,
        "created": _SINCE,
        "modified": _SINCE,
        "name": "Signed statement",
        "description": "The signed statement that a note puts into words, to be verified by whoever it is for.",
        "schema": (
            "One property: `envelope` (required), a string of at most 262144 bytes. It is the JSON text of a DSSE "
            "envelope whose payload type is application/vnd.backchannel.statement.v1+json. "
            "Specified in docs/formats/carried-statement.md of Backchannel."
        ),
        "version": "1.0.0",
        "extension_types": ["property-extension"],
        "object_marking_refs": [_MARKINGS[Tlp.CLEAR]],
    }
)
"""The definition of the extension (STIX 2.1 §7.3): the same bytes at every node."""


def carry(
    envelope: bytes, speaker: Speaker, *, reader: PartyId, tlp: Tlp, abstract: str, content: str
) -> JsonObject:
    """Return the note that carries a statement of ours.

    It is about the objects that the statement names, else about its reader. The same statement always gives the
    same note.

    Args:
        envelope: the statement, signed.
        speaker: ourselves: who signed it.
        reader: the party that it is for.
        tlp: how far it may go.
        abstract: a few words.
        content: what the statement says, in a sentence or two: no more than is in it.

    Raises:
        ValueError: it cannot be read, or a text is empty or too long.
    """
    try:
        opened = open_envelope(envelope)
    except Rejected as refusal:
        raise ValueError(f"there is no statement to carry: {refusal.message}") from None
    statement = opened.statement
    named = [] if isinstance(statement.subject, RootSubject) else [one.id for one in statement.subject]
    made_at = format_time(parse_time(statement.iat))
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": note_id(opened.digest),
        "created_by_ref": speaker.id,
        "created": made_at,
        "modified": made_at,
        "abstract": bounded(abstract, what="the note's abstract"),
        "content": bounded(content, what="the note"),
        "object_refs": list(dict.fromkeys(named)) or [reader],
        "object_marking_refs": [_MARKINGS[tlp]],
        "extensions": {EXTENSION: {"extension_type": "property-extension", "envelope": envelope.decode()}},
    }


def companions(speaker: Speaker) -> list[JsonObject]:
    """Return what goes beside such notes: who we are, what the extension is, and who defined it."""
    return [identity(speaker), dict(AUTHOR_IDENTITY), dict(DEFINITION)]


def note_id(statement: Digest) -> StixId:
    """Return the id of the note that carries the statement of this digest."""
    return derived_id("note", "statement", statement.hex())


def envelope_in(value: JsonObject) -> bytes | None:
    """Return the envelope that an object carries, as it was signed; None: it carries none.

    Args:
        value: a decoded STIX object, of any type.

    Raises:
        Rejected: `BAD_FORM`, its extension is not of the form; `TOO_LARGE`.
    """
    extensions = value.get("extensions")
    extension = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    if extension is None:
        return None
    text = extension.get("envelope") if isinstance(extension, dict) else None
    if not isinstance(text, str):
        raise Rejected(Reason.BAD_FORM, "the extension of a carried statement has no text `envelope`")
    envelope = text.encode()
    if len(envelope) > MAX_STATEMENT_BYTES:
        raise Rejected(
            Reason.TOO_LARGE, f"{len(envelope):,} bytes; at most {MAX_STATEMENT_BYTES:,} are taken"
        )
    return envelope
