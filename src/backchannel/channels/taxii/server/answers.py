"""What the server says, as the standard writes it: resources, errors, pages of stored bytes.

Objects are never parsed or written anew: a page is their bytes, joined.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from backchannel import codec
from backchannel.channels.bounds import MAX_BODY_BYTES
from backchannel.channels.taxii.server.authorization import CHALLENGES
from backchannel.channels.taxii.server.media import CONTENT_TYPE, STIX_20, STIX_21
from backchannel.desk.access import CollectionSeen, RootSeen
from backchannel.desk.paging import Page, Record
from backchannel.desk.stamps import format_micros
from backchannel.desk.taxii import StatusResource

MIN_GZIP_BYTES = 1024
"""Smaller answers are sent as they are: packing costs more than it saves."""
GZIP_LEVEL = 1
"""A page of 100 objects takes about 1 ms of CPU, a third of what the default level takes."""

Headers = tuple[tuple[bytes, bytes], ...]

_ALWAYS: Final[Headers] = (
    (b"content-type", CONTENT_TYPE.encode()),
    (b"cache-control", b"no-store"),
    (b"vary", b"Authorization, X-API-Key, Accept-Encoding"),
    (b"x-content-type-options", b"nosniff"),
)
_GZIP: Final = (b"content-encoding", b"gzip")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, ready to be sent."""

    status: int
    body: bytes
    headers: Headers = ()
    """Beside those of every answer."""
    closes: bool = False
    """Whether the connection ends with it."""

    def packed(self) -> Answer:
        """Return it in gzip, where that is worth it."""
        if len(self.body) < MIN_GZIP_BYTES:
            return self
        packer = zlib.compressobj(GZIP_LEVEL, wbits=16 + zlib.MAX_WBITS)
        body = packer.compress(self.body) + packer.flush()
        return Answer(self.status, body, (*self.headers, _GZIP), self.closes)

    def beside(self, headers: Headers) -> Answer:
        """Return it with more headers."""
        return Answer(self.status, self.body, (*self.headers, *headers), self.closes)

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Return every header of the answer."""
        headers = [*_ALWAYS, *self.headers, (b"content-length", str(len(self.body)).encode())]
        return [*headers, (b"connection", b"close")] if self.closes else headers


class Refused(Exception):  # noqa: N818  # an answer that cuts the work short, as much as an error
    """A request that is not served, and the error resource that says why (TAXII 2.1 §3.6.1)."""

    def __init__(
        self,
        status: int,
        title: str,
        description: str = "",
        *,
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        error_id: str = "",
    ) -> None:
        super().__init__(title)
        self.status, self.title, self.description, self.error_id = status, title, description, error_id
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["retry-after"] = str(max(1, -int(-retry_after_s // 1)))

    def answer(self, *, closes: bool = False) -> Answer:
        """Return it as an answer."""
        value = {
            "title": self.title,
            "description": self.description,
            "error_id": self.error_id,
            "http_status": str(self.status),
        }
        headers = [(name.encode(), text.encode("latin-1")) for name, text in self.headers.items()]
        if self.status == 401:
            headers += [(b"www-authenticate", challenge.encode()) for challenge in CHALLENGES]
        body = codec.encode({name: text for name, text in value.items() if text})
        return Answer(self.status, body, tuple(headers), closes)


def document(value: Mapping[str, object], *, status: int = 200, headers: Headers = ()) -> Answer:
    """Return a resource. What is None or an empty list is left out: TAXII 2.1 §2 `list`."""
    return Answer(status, codec.encode(_without_empty(value)), headers)


def _without_empty(value: Mapping[str, object]) -> dict[str, object]:
    return {name: one for name, one in value.items() if one is not None and one != []}


def discovery(name: str, base_url: str, roots: Iterable[RootSeen]) -> Answer:
    """Return the discovery resource (TAXII 2.1 §4.1.1). URLs are absolute: many clients do not join them."""
    urls = [f"{base_url}/taxii2/{root.root_id}/" for root in roots]
    return document(
        {
            "title": f"Backchannel of {name}",
            "default": urls[0] if urls else None,
            "api_roots": urls,
        }
    )


def api_root(root: RootSeen) -> Answer:
    """Return an API root (TAXII 2.1 §4.2.1)."""
    return document(
        {
            "title": root.title,
            "description": root.description or None,
            "versions": [CONTENT_TYPE],
            "max_content_length": MAX_BODY_BYTES,
        }
    )


def collections(seen: Iterable[CollectionSeen]) -> Answer:
    """Return the collections (TAXII 2.1 §5.1.1); without any, an empty object."""
    return document({"collections": [_collection(one) for one in seen]})


def collection(seen: CollectionSeen) -> Answer:
    """Return one collection, always with its real id (TAXII 2.1 §5.2.1)."""
    return document(_collection(seen))


def _collection(seen: CollectionSeen) -> dict[str, object]:
    return _without_empty(
        {
            "id": seen.collection_id,
            "title": seen.title,
            "description": seen.description or None,
            "alias": seen.alias or None,
            "can_read": seen.can_read,
            "can_write": seen.can_write,
            "media_types": [STIX_21, STIX_20],
        }
    )


def _opening(page: Page, cursor: str) -> bytes:
    """Return the start of a page: `more`, always, and `next`, if and only if it is true."""
    return b'{"more":true,"next":"%s"' % cursor.encode() if page.more else b'{"more":false'


def envelope(page: Page, cursor: str, *, empty_list: bool, since: int | None) -> Answer:
    """Return a page of objects (TAXII 2.1 §3.7): nothing in it but `more`, `next` and `objects`.

    Args:
        page: what the desk gave.
        cursor: `next`, where there is more.
        empty_list: write `"objects":[]` for a client that cannot do without.
        since: what the client has already (microseconds since 1970).
    """
    if page.bodies:
        body = b"".join((_opening(page, cursor), b',"objects":[', b",".join(page.bodies), b"]}"))
    else:
        body = _opening(page, cursor) + (b',"objects":[]}' if empty_list else b"}")
    return Answer(200, body, _dates(page, since))


def manifest(page: Page, cursor: str, *, empty_list: bool, since: int | None) -> Answer:
    """Return a page of manifest records (TAXII 2.1 §5.3.1), with `next` although it names none."""
    value: dict[str, object] = {"more": page.more}
    if page.more:
        value["next"] = cursor
    if page.records or empty_list:
        value["objects"] = [_manifest_record(one) for one in page.records]
    return Answer(200, codec.encode(value), _dates(page, since))


def _manifest_record(record: Record) -> dict[str, str]:
    return {
        "id": record.stix_id,
        "date_added": format_micros(record.added),
        "version": record.version,
        "media_type": STIX_20 if record.spec_version == "2.0" else STIX_21,
    }


def versions(page: Page, cursor: str, *, empty_list: bool, since: int | None) -> Answer:
    """Return the versions of an object (TAXII 2.1 §5.8.1)."""
    value: dict[str, object] = {"more": page.more}
    if page.more:
        value["next"] = cursor
    if page.records or empty_list:
        value["versions"] = [one.version for one in page.records]
    return Answer(200, codec.encode(value), _dates(page, since))


def _dates(page: Page, since: int | None) -> Headers:
    """Return the two headers of every page (TAXII 2.1 §3.2).

    The standard gives no value for a page with nothing on it. A client takes the next `added_after` from
    there, and some start over or skip to the present where it is missing: so it is told what it said, or
    the beginning of time.
    """
    first, last = page.first, page.last
    if first is None or last is None:
        first = last = since or 0
    return (
        (b"x-taxii-date-added-first", format_micros(first).encode()),
        (b"x-taxii-date-added-last", format_micros(last).encode()),
    )


def status_resource(value: StatusResource, *, status: int = 200) -> Answer:
    """Return what became of a POST, object by object (TAXII 2.1 §4.3.1)."""
    return document(
        {
            "id": value.id,
            "status": value.status,
            "request_timestamp": format_micros(value.request_timestamp),
            "total_count": value.total_count,
            "success_count": value.success_count,
            "successes": list(value.successes),
            "failure_count": value.failure_count,
            "failures": list(value.failures),
            "pending_count": value.pending_count,
        },
        status=status,
    )
