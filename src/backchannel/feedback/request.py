"""A request for information in plain STIX, for tools that cannot read ours: a note with the question, and a grouping.

STIX has no object for a request: the note (STIX 2.1 §4.13) says what is asked and carries the signed statement, the
grouping (§4.6, context `suspicious-activity`) holds it together with the objects that it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backchannel.codec import JsonObject
from backchannel.feedback.carried import carry, companions
from backchannel.feedback.envelope import Speaker
from backchannel.feedback.telling import in_words
from backchannel.ids import PartyId, derived_id
from backchannel.provenance.statement import digest_text, open_envelope

CONTEXT: Final = "suspicious-activity"


def request_bundle(
    envelope: bytes, asker: Speaker, *, reader: PartyId, about: Sequence[JsonObject]
) -> JsonObject:
    """Return a request as a bundle: who asks, the note, the grouping, and the objects that it is about.

    Args:
        envelope: the request, signed.
        asker: who asks: ourselves.
        reader: id of the party that is asked.
        about: the objects that it is about, as far as they go along.

    Raises:
        ValueError: it is no statement.
    """
    opened = open_envelope(envelope)
    words = in_words(opened.statement, asker.name)
    note = carry(
        envelope, asker, reader=reader, tlp=words.tlp, abstract=words.abstract, content=words.content
    )
    name = digest_text(opened.digest)
    grouping: JsonObject = {
        "type": "grouping",
        "spec_version": "2.1",
        "id": derived_id("grouping", name),
        "created_by_ref": asker.id,
        "created": note["created"],
        "modified": note["modified"],
        "name": f"{words.abstract} {name[7:19]}",
        "context": CONTEXT,
        "object_refs": [note["id"], *note["object_refs"]],
        "object_marking_refs": note["object_marking_refs"],
    }
    return {
        "type": "bundle",
        "id": derived_id("bundle", name),
        "objects": [*companions(asker), note, grouping, *about],
    }
