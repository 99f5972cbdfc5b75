"""Read MISP events in JSON: each becomes STIX objects, with the bytes that each was made from.

The forms are those in which events travel: the event itself, `{"Event": ...}`, a list of either, and the
answer of a server, `{"response": [...]}`. One bad event costs only itself. What is not carried over of an
event is told with its report, reason by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.intake.doubts import doubt
from backchannel.intake.received import CLAUSE_JSON, Received, Refused, broken, refused
from backchannel.misp.event import Attribute, Event
from backchannel.misp.patterns import parts, pattern_of
from backchannel.misp.reading import EventError, EventRead, read_event
from backchannel.misp.to_stix import Converted, event_id, to_stix
from backchannel.misp.types import ADDRESSES
from backchannel.observables.guess import guess
from backchannel.observables.kinds import Kind, Network, Observable
from backchannel.observables.normalise import normalise
from backchannel.stix import objects
from backchannel.stix.findings import Finding
from backchannel.stix.limits import CLAUSE_SAME, LimitError, check_depth, check_values
from backchannel.stix.read import raw_object
from backchannel.stix.split import Piece
from backchannel.stix.validate import address, validate
from backchannel.stix.visible import visible

CLAUSE: Final = "MISP core format"
CLAUSE_WIDE: Final = "limit: what an indicator may cover"
MAX_EVENT_BYTES: Final = 32 * 2**20
"""Largest event read (bytes): one of 50,000 attributes has about 20 MiB."""
MAX_EVENT_VALUES: Final = 3_000_000
"""Most values inside one event, by its commas and brackets: an attribute has some twenty."""
CLAUSE_LARGE: Final = f"limit: event of {MAX_EVENT_BYTES // 2**20} MiB"
MAX_NAMED: Final = 12
"""Most fields named in the sentence about one reason."""

_BARE: Final = frozenset({"Attribute", "Object", "Orgc", "EventReport"})
_NAMES: Final = frozenset({"domain", "hostname"})
_NO_EVENT: Final = "this is no whole MISP event, as the first of its list is: leave it out, or mend it"
_NO_EVENTS: Final = "this is an answer of a MISP server (JSON) without events: ask it for whole events"


def holds_events(body: bytes) -> bool:
    """Whether a JSON object is a MISP event, or an answer that may hold some."""
    found = objects.members(body)
    if found is None or {"type", "id"} <= found.keys():
        return False
    return "Event" in found or "response" in found or not _BARE.isdisjoint(found)


def read_events(place: str, piece: Piece) -> Iterator[Received | Refused]:
    """Yield the STIX objects of each MISP event in one piece of a document."""
    if piece.is_cut:
        yield refused(place, _too_large(len(piece.body)), CLAUSE_LARGE, piece.body)
        return
    if piece.fault:
        yield refused(place, broken(piece.fault), CLAUSE_JSON, piece.body)
        return
    events = list(_events(piece.body, ""))
    if not events:
        is_answer = "response" in (objects.members(piece.body) or {})
        yield refused(place, _NO_EVENTS if is_answer else _NO_EVENT, CLAUSE, piece.body)
    for pointer, body in events:
        where = address(place, pointer)
        try:
            yield from _event(where, body)
        except LimitError as error:
            yield refused(where, error.what, error.clause, body)
        except EventError as error:
            what = f"this is no whole MISP event: {error}"
            yield refused(where, what, CLAUSE, body)


def _events(body: bytes, pointer: str) -> Iterator[tuple[str, bytes]]:
    """Yield each event in a JSON value, at most two frames deep, with its JSON pointer."""
    found = objects.members(body)
    if found is None:
        return
    if "response" in found:
        raw = bytes(found["response"])
        listed = objects.items(raw)
        for number, one in enumerate([raw] if listed is None else listed):
            inner = f"{pointer}/response" if listed is None else f"{pointer}/response/{number}"
            held = objects.members(bytes(one)) or {}
            if "Event" in held or "info" in held:
                yield from _one(bytes(one), inner)
    else:
        yield from _one(body, pointer)


def _one(body: bytes, pointer: str) -> Iterator[tuple[str, bytes]]:
    found = objects.members(body)
    if found is not None and "Event" in found:
        yield f"{pointer}/Event", bytes(found["Event"])
    elif found is not None and not (_BARE | {"info", "uuid"}).isdisjoint(found):
        yield pointer, body


def _event(where: str, body: bytes) -> Iterator[Received]:
    read = read_event(_decoded(body))
    made = to_stix(read.event)
    originals = _originals(body)
    told = _told(where, read, made)
    doubts = {
        one.uuid: why for one in _attributes(read.event) if one.to_ids and (why := _doubt(one)) is not None
    }
    for one in made.objects:
        stix_id: str = one.value["id"]
        pointer = read.places.get(one.source, "")
        place = address(where, pointer)
        findings = list(told) if stix_id == event_id(read.event) else []
        if one.source in doubts and one.value["type"] == "indicator":
            findings.append(Finding("quarantine", stix_id, place, doubts[one.source], CLAUSE_WIDE))
        original = (
            body if stix_id == event_id(read.event) else originals.get(pointer or one.value["type"], b"{}")
        )
        yield _received(one.value, place, original, findings)


def _received(value: JsonObject, place: str, original: bytes | None, more: Sequence[Finding]) -> Received:
    body = codec.encode(value)
    found = validate(value, spec_version="2.1", place=place, body=body)
    if found and found[0].level == "refuse":
        raise LimitError(f"{value['id']}: {found[0].what}", found[0].clause)
    findings = sorted((*found, *more), key=lambda finding: finding.level == "note")
    return Received(raw_object(body, value, "2.1"), tuple(findings), place, original, has_version=True)


def _decoded(body: bytes) -> JsonObject:
    """Decode one event within its bounds.

    Raises:
        LimitError: it is beyond a limit, or cannot be read in one way only.
        EventError: it is no JSON object.
    """
    if len(body) > MAX_EVENT_BYTES:
        raise LimitError(_too_large(len(body)), CLAUSE_LARGE)
    check_values(body, at_most=MAX_EVENT_VALUES)
    try:
        objects.check_keys(body)
        value = codec.decode(body)
    except objects.RepeatedKeyError as error:
        what = f"the key `{visible(error.key, max_chars=60)}` stands twice in the event: readers would see two events"
        raise LimitError(what, CLAUSE_SAME) from None
    except (objects.NotJsonError, objects.UnscannableError, ValueError):
        raise LimitError(
            "the event cannot be read: it is nested too deeply, or holds what is no text", CLAUSE_SAME
        ) from None
    if not isinstance(value, dict):
        raise EventError("`Event` is no JSON object")
    check_depth(value, body)
    return value


def _too_large(size: int) -> str:
    return f"the event is {size:,} bytes long, and at most {MAX_EVENT_BYTES // 2**20} MiB are read: split it in MISP"


def _originals(body: bytes) -> dict[str, bytes]:
    """Return the bytes of each part of an event by its JSON pointer, `identity`, or `cluster NAME`."""
    event = objects.members(body) or {}
    found: dict[str, bytes] = {}
    for key in ("Attribute", "Object", "EventReport"):
        for number, raw in enumerate(_listed(event.get(key))):
            at = f"/{key}/{number}"
            found[at] = bytes(raw)
            inner = objects.members(found[at]) if key == "Object" else None
            for place, attribute in enumerate(_listed((inner or {}).get("Attribute"))):
                found[f"{at}/Attribute/{place}"] = bytes(attribute)
    if "Orgc" in event:
        found["identity"] = bytes(event["Orgc"])
    for galaxy in _listed(event.get("Galaxy")):
        for cluster in _listed((objects.members(bytes(galaxy)) or {}).get("GalaxyCluster")):
            name = (objects.members(bytes(cluster)) or {}).get("value", b'""')
            found[f"cluster {codec.decode(bytes(name))}"] = bytes(cluster)
    return found


def _listed(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    if raw is None:
        return []
    found = objects.items(raw)
    return [raw] if found is None else found


def _told(where: str, read: EventRead, made: Converted) -> list[Finding]:
    """Return what is not carried over of an event, one sentence for each reason, and what cannot be searched."""
    stix_id = event_id(read.event)
    by_reason: dict[str, Counter[str]] = {}
    for loss in (*read.losses, *made.losses):
        by_reason.setdefault(loss.reason, Counter())[loss.field] += 1
    told = [f"{_named(fields)} not carried over: {reason}" for reason, fields in by_reason.items()]
    kinds = Counter(
        one.type
        for one in _attributes(read.event)
        if one.to_ids and one.type != "vulnerability" and pattern_of(one.type, one.value) is None
    )
    if kinds:
        told.append(
            f"meant for detection, but STIX has nothing to compare with: {_listing(kinds)}; kept as notes"
        )
    return [Finding("note", stix_id, where, what, CLAUSE) for what in told]


def _named(fields: Counter[str]) -> str:
    total = fields.total()
    return f"{_listing(fields)} {'is' if total == 1 else 'are'}"


def _listing(counted: Counter[str]) -> str:
    shown = [
        f"`{visible(name, max_chars=60)}`{f' ({n:,})' if n > 1 else ''}"
        for name, n in counted.most_common(MAX_NAMED)
    ]
    more = len(counted) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _attributes(event: Event) -> Iterator[Attribute]:
    yield from event.attributes
    for one in event.objects:
        yield from one.attributes


def _doubt(attribute: Attribute) -> str | None:
    """Return why an attribute that is meant for detection should wait for a person, in one sentence, or None."""
    for kind, value in parts(attribute.type, attribute.value):
        found = _judged(kind, value)
        why = doubt(found) if found is not None else None
        if why is not None:
            return why
    return None


def _judged(kind: str, value: str) -> Observable | Network | None:
    if kind in ADDRESSES:
        guessed = guess(value)
        return None if guessed is None else guessed[1]
    if kind not in _NAMES:
        return None
    try:
        return normalise(Kind.DOMAIN, value)
    except ValueError:
        return None
