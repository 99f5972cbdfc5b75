"""What MISP's `restSearch` asks for, and which events and attributes that is.

A filter that is not understood is refused: passing over it would answer with more than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

import msgspec

from backchannel.clock import parse_time
from backchannel.codec import JsonObject, JsonValue
from backchannel.misp.event import Attribute, Event, Object
from backchannel.misp.feed import attributes_of, values_of_attribute

MAX_VALUES: Final = 1_000
"""Most alternatives of one filter."""
MAX_CHARS: Final = 4_000
"""Longest text of a filter (characters)."""
MAX_LIMIT: Final = 100_000
"""Largest page."""

_IGNORED: Final = frozenset(
    {
        "returnFormat", "enforceWarninglist", "withAttachments", "sgReferenceOnly", "includeEventUuid",
        "includeEventTags", "includeContext", "includeSightings", "includeCorrelations", "includeDecayScore",
        "includeFullModel", "includeProposals", "headerless", "requested_attributes",
        "allow_proposal_blocking", "includeAllTags", "excludeDecayed", "decayingModel", "modelOverrides", "score",
        "includeGalaxy", "includeWarninglistHits", "includeAttachments", "order", "pythonify",
    }
)  # fmt: skip
"""What only says how the answer is to look."""
_SPAN = re.compile(r"([0-9]{1,6})([dhms])\Z")
_SECONDS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


_Held = TypeVar("_Held")


class SearchError(ValueError):
    """A filter is not understood."""


class Choice(NamedTuple):
    """Values of which one must fit, values of which all must, and values of which none may."""

    some: tuple[str, ...] = ()
    every: tuple[str, ...] = ()
    none: tuple[str, ...] = ()

    def takes(self, held: Sequence[str]) -> bool:
        """Whether what an element has fits."""
        if any(_is_like(one, pattern) for pattern in self.none for one in held):
            return False
        if not all(any(_is_like(one, pattern) for one in held) for pattern in self.every):
            return False
        return not self.some or any(_is_like(one, pattern) for pattern in self.some for one in held)


class Span(NamedTuple):
    """A stretch of time, both ends included; seconds since 1970."""

    first: int = 0
    last: int = 2**53

    def takes(self, at: int) -> bool:
        """Whether a time lies in it."""
        return self.first <= at <= self.last


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    page: int = 1
    limit: int | None = None
    metadata: bool = False
    """Events without what stands in them."""
    published: bool | None = None
    to_ids: bool | None = None
    deleted: bool | None = False
    """None: whether deleted or not."""
    value: Choice = Choice()
    type: Choice = Choice()
    category: Choice = Choice()
    tags: Choice = Choice()
    org: Choice = Choice()
    uuid: Choice = Choice()
    event: Choice = Choice()
    """UUIDs of events."""
    info: Choice = Choice()
    object_relation: Choice = Choice()
    timestamp: Span = Span()
    """Of the element that is asked for."""
    event_timestamp: Span = Span()
    publish_timestamp: Span = Span()
    day: Span = Span()
    """Of the event's date."""
    anything: Choice = Choice()
    """Parts of a value or of the info."""


class Found(NamedTuple):
    """One attribute, and what it stands in."""

    attribute: Attribute
    event: Event
    object: Object | None


def search_of(body: JsonObject, *, now: datetime) -> Search:
    """Read the body of a search.

    Args:
        body: the decoded JSON; also what `request` holds in it.
        now: what spans like `7d` count back from.

    Raises:
        SearchError: a filter is not understood.
    """
    inner = body.get("request")
    asked = {**body, **(inner if isinstance(inner, dict) else {})}
    asked.pop("request", None)
    found: dict[str, object] = {}
    for name, value in asked.items():
        if (
            value is None
            or value in ("", [], {})
            or name in _IGNORED
            or (value is False and name not in _READERS)
        ):
            continue
        if name not in _READERS:
            raise SearchError(f"the filter `{name[:60]}` is not understood here")
        field, read = _READERS[name]
        found[field] = read(value, now)
    start, end = found.pop("start", None), found.pop("end", None)
    if start is not None or end is not None:
        first = start.first if isinstance(start, Span) else 0
        found["day"] = Span(first, end.last if isinstance(end, Span) else 2**53)
    return Search(**found)  # type: ignore[arg-type]


def events_found(events: Iterable[Event], search: Search) -> list[Event]:
    """Return one page of the events that a search finds, in their order."""
    asks_attributes = not _is_all(search)
    found = [
        event
        for event in events
        if _takes_event(event, search)
        and search.timestamp.takes(event.timestamp)
        and search.tags.takes(_all_tags(event))
        and _has_uuid(event, search.uuid)
        and (not asks_attributes or any(_takes(one, search) for one in attributes_of(event)))
    ]
    return [_told(event, search) for event in _page(found, search)]


def attributes_found(events: Iterable[Event], search: Search) -> list[Found]:
    """Return one page of the attributes that a search finds, in their order."""
    found = [
        one
        for event in events
        if _takes_event(event, search)
        for one in _found(event)
        if _takes(one.attribute, search)
        and search.timestamp.takes(one.attribute.timestamp)
        and search.tags.takes((*event.tags, *one.attribute.tags))
        and search.uuid.takes((one.attribute.uuid, event.uuid))
    ]
    return _page(found, search)


def _found(event: Event) -> Iterator[Found]:
    for attribute in event.attributes:
        yield Found(attribute, event, None)
    for one in event.objects:
        for attribute in one.attributes:
            yield Found(attribute, event, one)


def _takes_event(event: Event, search: Search) -> bool:
    orgc = event.orgc
    return (
        (search.published is None or search.published is event.published)
        and search.event.takes((event.uuid,))
        and search.info.takes((event.info,))
        and search.org.takes((orgc.name, orgc.uuid) if orgc else ())
        and search.event_timestamp.takes(event.timestamp)
        and search.publish_timestamp.takes(event.publish_timestamp)
        and search.day.takes(_day_stamp(event))
        and (search.anything == Choice() or search.anything.takes(_texts(event)))
    )


def _takes(attribute: Attribute, search: Search) -> bool:
    return (
        (search.to_ids is None or search.to_ids is attribute.to_ids)
        and (search.deleted is None or search.deleted is attribute.deleted)
        and search.value.takes((attribute.value, *values_of_attribute(attribute)))
        and search.type.takes((attribute.type,))
        and search.category.takes((attribute.category,))
        and search.object_relation.takes((attribute.object_relation,))
    )


def _is_all(search: Search) -> bool:
    nothing = Choice()
    return search.value == search.type == search.category == search.object_relation == nothing and (
        search.to_ids is None
    )


def _told(event: Event, search: Search) -> Event:
    if not search.metadata:
        return event
    return msgspec.structs.replace(event, attributes=(), objects=(), reports=())


def _page(found: list[_Held], search: Search) -> list[_Held]:
    if search.limit is None:
        return found if search.page == 1 else []
    at = (search.page - 1) * search.limit
    return found[at : at + search.limit]


def _all_tags(event: Event) -> list[str]:
    return [*event.tags, *(tag for attribute in attributes_of(event) for tag in attribute.tags)]


def _has_uuid(event: Event, choice: Choice) -> bool:
    if choice == Choice():
        return True
    return choice.takes(
        (event.uuid, *(one.uuid for one in attributes_of(event)), *(one.uuid for one in event.objects))
    )


def _texts(event: Event) -> tuple[str, ...]:
    return (event.info, event.uuid, *(one.value for one in attributes_of(event)))


def _day_stamp(event: Event) -> int:
    if not event.date:
        return event.timestamp
    return int(datetime.fromisoformat(event.date).replace(tzinfo=UTC).timestamp())


def _is_like(held: str, pattern: str) -> bool:
    """Whether `held` is `pattern`, in any case; `%` at an end stands for anything."""
    low, wanted = held.casefold(), pattern.casefold()
    if len(wanted) > 1 and wanted[0] == wanted[-1] == "%":
        return wanted[1:-1] in low
    if wanted.endswith("%"):
        return low.startswith(wanted[:-1])
    if wanted.startswith("%"):
        return low.endswith(wanted[1:])
    return low == wanted


# --- Reading ----------------------------------------------------------------------------------------------


def _texts_of(value: JsonValue) -> list[str]:
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        found = str(value).split("&&") if isinstance(value, str) else [str(value)]
    elif isinstance(value, list) and all(isinstance(one, (str, int)) for one in value):
        found = [str(one) for one in value]
    else:
        raise SearchError("a filter is neither a text nor a list of texts")
    if len(found) > MAX_VALUES or any(len(one) > MAX_CHARS for one in found):
        raise SearchError(f"a filter has more than {MAX_VALUES:,} values, or one that is too long")
    return found


def _choice(value: JsonValue, _now: datetime) -> Choice:
    if isinstance(value, dict):
        if not value.keys() <= {"OR", "AND", "NOT"}:
            raise SearchError("a filter has other words than OR, AND and NOT")
        parts = {
            name: tuple(_texts_of(value[name])) if value.get(name) else () for name in ("OR", "AND", "NOT")
        }
        return Choice(parts["OR"], parts["AND"], parts["NOT"])
    texts = _texts_of(value)
    return Choice(
        tuple(one for one in texts if not one.startswith("!")),
        (),
        tuple(one[1:] for one in texts if one.startswith("!")),
    )


def _parts(value: JsonValue, now: datetime) -> Choice:
    found = _choice(value, now)
    return Choice(*(tuple(f"%{one.strip('%')}%" for one in group) for group in found))


def _span(value: JsonValue, now: datetime) -> Span:
    """Read a time, from which on, or two, between which; each absolute or back from now."""
    if isinstance(value, list):
        if len(value) == 1:
            return Span(_stamp(value[0], now))
        if len(value) == 2:
            ends = sorted((_stamp(value[0], now), _stamp(value[1], now)))
            return Span(ends[0], ends[1])
        raise SearchError("a time is one, or a list of two")
    return Span(_stamp(value, now))


def _stamp(value: JsonValue, now: datetime) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    text = value.strip() if isinstance(value, str) else ""
    span = _SPAN.match(text)
    if span is not None:
        return int(now.timestamp()) - int(span[1]) * _SECONDS[span[2]]
    if re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]+)?", text):
        return int(text.partition(".")[0])
    try:
        return int(parse_time(text if len(text) > 10 else f"{text}T00:00:00Z").timestamp())
    except ValueError:
        raise SearchError(
            f"`{text[:40]}` is no time: write seconds since 1970, a date, or a span like 7d"
        ) from None


def _until(value: JsonValue, now: datetime) -> Span:
    return Span(0, _stamp(value, now))


def _flag(value: JsonValue, _now: datetime) -> bool | None:
    if isinstance(value, list):  # MISP takes [0, 1] for: either
        return None if len(set(map(str, value))) > 1 else _flag(value[0], _now)
    if value in (True, 1, "1", "true"):
        return True
    if value in (False, 0, "0", "false"):
        return False
    raise SearchError("a flag is neither 0 nor 1")


def _number(value: JsonValue, _now: datetime) -> int:
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise SearchError(f"a page or limit is a number from 1 to {MAX_LIMIT:,}")
    return int(text)


_READERS: Final[Mapping[str, tuple[str, Callable[[JsonValue, datetime], object]]]] = MappingProxyType(
    {
        "page": ("page", _number),
        "limit": ("limit", _number),
        "metadata": ("metadata", lambda value, now: _flag(value, now) is True),
        "published": ("published", _flag),
        "to_ids": ("to_ids", _flag),
        "deleted": ("deleted", _flag),
        "value": ("value", _choice),
        "type": ("type", _choice),
        "type_attribute": ("type", _choice),
        "category": ("category", _choice),
        "object_relation": ("object_relation", _choice),
        "tags": ("tags", _choice),
        "tag": ("tags", _choice),
        "org": ("org", _choice),
        "uuid": ("uuid", _choice),
        "eventid": ("event", _choice),
        "event_id": ("event", _choice),
        "eventinfo": ("info", _parts),
        "timestamp": ("timestamp", _span),
        "attribute_timestamp": ("timestamp", _span),
        "event_timestamp": ("event_timestamp", _span),
        "publish_timestamp": ("publish_timestamp", _span),
        "last": ("publish_timestamp", _span),
        "date": ("day", _span),
        "from": ("start", _span),
        "date_from": ("start", _span),
        "to": ("end", _until),
        "date_to": ("end", _until),
        "quickFilter": ("anything", _parts),
        "searchall": ("anything", _parts),
    }
)
"""Name of a filter to the field that it is, and how its value is read."""
