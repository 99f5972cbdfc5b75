"""Send objects to a collection: in messages that the server takes, waiting for what it says of each object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote, urljoin

from backchannel import codec
from backchannel.channels.http import Answer, Door
from backchannel.channels.reasons import status_error
from backchannel.channels.taxii.dialect import OBJECTS, TAXII
from backchannel.channels.taxii.finding import Root
from backchannel.codec import JsonObject
from backchannel.desk.addressing import shown_url
from backchannel.desk.channel import Outgoing, Pause, Place, Verdict
from backchannel.errors import NetworkError
from backchannel.ids import new_id
from backchannel.stix.visible import visible

USUAL_BYTES: Final = 10 * 2**20
"""Largest message where a server says nothing of it (bytes)."""
MAX_MESSAGE_OBJECTS: Final = 1_000
"""Most objects of one message: what is refused as a whole is little."""
MAX_STATUS_ASKED: Final = 60
"""How often is asked what became of a message."""
STATUS_WAIT_S: Final = 1.0
MAX_WHY_CHARS: Final = 300
_FRAME_BYTES: Final = 256
"""Room for what stands around the objects."""


def send(
    door: Door, pause: Pause, place: Place, root: Root, objects: Sequence[Outgoing]
) -> Iterator[Verdict]:
    """Send `objects` in as many messages as it takes, and yield what became of each.

    Raises:
        NetworkError: a message was not taken; what went before it was.
    """
    room = min(root.max_content_bytes or USUAL_BYTES, USUAL_BYTES) - _FRAME_BYTES
    message: list[Outgoing] = []
    size = 0
    for one in objects:
        if len(one.body) + 1 > room:
            why = f"it is larger than the {room + _FRAME_BYTES:,} bytes that the server takes"
            yield Verdict(one.id, one.version, "refused", why)
            continue
        if message and (size + len(one.body) + 1 > room or len(message) == MAX_MESSAGE_OBJECTS):
            yield from _message(door, pause, place, root, message)
            message, size = [], 0
        message.append(one)
        size += len(one.body) + 1
    if message:
        yield from _message(door, pause, place, root, message)


def _message(
    door: Door, pause: Pause, place: Place, root: Root, objects: Sequence[Outgoing]
) -> Iterator[Verdict]:
    url = urljoin(place.place, "objects/")
    joined = b",".join(one.body for one in objects)
    if root.version == "2.0":
        head = f'{{"type":"bundle","id":"{new_id("bundle")}","spec_version":"2.0","objects":['.encode()
    else:
        head = b'{"objects":['
    headers = {"Accept": TAXII[root.version], "Content-Type": OBJECTS[root.version]}
    answer = door.post(url, headers, head + joined + b"]}")
    if answer.status not in {200, 201, 202}:
        raise status_error(answer.status, shown_url(url))
    value = _resource(answer)
    for _ in range(MAX_STATUS_ASKED):
        if value.get("status") != "pending" or not isinstance(value.get("id"), str):
            break
        pause(STATUS_WAIT_S)
        at = urljoin(root.url, f"status/{quote(str(value['id']), safe='')}/")
        later = door.get(at, {"Accept": TAXII[root.version]})
        if later.status != 200:
            break
        value = _resource(later)
    yield from _verdicts(value, objects)


def _resource(answer: Answer) -> JsonObject:
    try:
        value = codec.decode(answer.body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise NetworkError(
            f"{shown_url(answer.url)} took the objects and says nothing of what became of them",
            hint="See in the collection what is there.",
        )
    return value


def _verdicts(value: JsonObject, objects: Sequence[Outgoing]) -> Iterator[Verdict]:
    """Yield one verdict for each object, in their order (TAXII 2.1 §4.3.1; 2.0 lists bare ids)."""
    refused, pending, accepted = (_told(value.get(name)) for name in ("failures", "pendings", "successes"))
    all_good = value.get("status") == "complete" and value.get("failure_count") == 0
    for one in objects:
        if (why := _of(refused, one)) is not None:
            yield Verdict(one.id, one.version, "refused", why or "without a reason")
        elif (why := _of(pending, one)) is not None:
            yield Verdict(one.id, one.version, "pending", why)
        elif (why := _of(accepted, one)) is not None:
            yield Verdict(one.id, one.version, "accepted", why)
        elif all_good:
            yield Verdict(one.id, one.version, "accepted")
        else:
            yield Verdict(one.id, one.version, "unknown", "the server does not name it")


def _told(listed: object) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, str):
            found[one, ""] = ""
        elif isinstance(one, dict) and isinstance(one.get("id"), str):
            version, why = one.get("version"), one.get("message")
            text = visible(why, max_chars=MAX_WHY_CHARS) if isinstance(why, str) else ""
            found[str(one["id"]), version if isinstance(version, str) else ""] = text
    return found


def _of(told: dict[tuple[str, str], str], one: Outgoing) -> str | None:
    """Return what is told of an object: of its version, or of its id where no version is named."""
    return told.get((one.id, one.version), told.get((one.id, "")))
