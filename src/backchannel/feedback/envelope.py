"""What every answer has in common: who says it, when, how it is marked, and the bundle it travels in.

Ids are derived from who says what about which object, so saying it again is a new version of the same
object (STIX 2.1 §3.6), never a second one beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backchannel.clock import format_time
from backchannel.codec import JsonObject
from backchannel.ids import PartyId, StixId, derived_id

TLP_AMBER: Final = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
"""Every answer's marking (STIX 2.1 §7.2.1.4): the source may use it and tell those it must. Unmarked, it
would have to be kept inside our own organisation."""
TLP_CLEAR: Final = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
"""Marking of our identity: it holds our name alone, and is there wherever an answer of ours is read."""
MAX_TEXT_CHARS = 4_000
"""Longest explanation or note (characters): it is read by a person."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Ourselves, as the source will see us."""

    id: PartyId
    name: str
    since: datetime
    """When our identity was made: its `created` and `modified`."""


def identity(speaker: Speaker) -> JsonObject:
    """Return our identity (STIX 2.1 §4.5)."""
    since = format_time(speaker.since)
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": speaker.id,
        "created": since,
        "modified": since,
        "name": speaker.name,
        "identity_class": "organization",
        "object_marking_refs": [TLP_CLEAR],
    }


def answer_head(
    stix_type: str, speaker: Speaker, about: str, *, created: datetime, modified: datetime
) -> JsonObject:
    """Return the common properties of an answer of `stix_type` about the object `about` (STIX 2.1 §3.2).

    Args:
        stix_type: `sighting`, `opinion` or `note`.
        speaker: ourselves.
        about: id of the object answered.
        created: when we first said it; the same in every version.
        modified: when we say it now.
    """
    return {
        "type": stix_type,
        "spec_version": "2.1",
        "id": answer_id(stix_type, speaker.id, about),
        "created_by_ref": speaker.id,
        "created": format_time(created),
        "modified": format_time(modified),
        "object_marking_refs": [TLP_AMBER],
    }


def answer_id(stix_type: str, speaker: str, about: str) -> StixId:
    """Return the id that `speaker`'s answer of `stix_type` about `about` always has."""
    return derived_id(stix_type, speaker, about)


def bundle(answer: JsonObject, speaker: Speaker) -> JsonObject:
    """Return the bundle (STIX 2.1 §8) with `answer` and our identity; the same content has the same id."""
    return bundle_of([answer], speaker)


def bundle_of(answers: Sequence[JsonObject], speaker: Speaker) -> JsonObject:
    """Return the bundle of several answers."""
    told = [word for one in answers for word in (str(one["id"]), str(one["modified"]))]
    return {
        "type": "bundle",
        "id": derived_id("bundle", *told),
        "objects": [identity(speaker), *answers],
    }


def bounded(text: str, *, what: str) -> str:
    """Return `text` stripped.

    Raises:
        ValueError: it is empty or longer than `MAX_TEXT_CHARS`; the sentence names `what`.
    """
    stripped = text.strip()
    if not stripped:
        raise ValueError(f"{what} is empty: say something in it, or leave it out")
    if len(stripped) > MAX_TEXT_CHARS:
        raise ValueError(f"{what} has more than {MAX_TEXT_CHARS:,} characters: shorten it")
    return stripped
