"""Each endpoint of TAXII 2.1 (§4 and §5): a plain function from what was asked to an answer.

They run in a thread that may ask the store. Rights, policy and the record of what was sent are the desk's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from backchannel.channels.taxii.server import answers
from backchannel.channels.taxii.server.answers import Answer, Refused
from backchannel.channels.taxii.server.cursor import (
    BadCursorError,
    Cursor,
    format_cursor,
    listing_digest,
    parse_cursor,
)
from backchannel.channels.taxii.server.filters import ALL_FIELDS, BadQueryError, Filter, parse_query
from backchannel.clock import Clock
from backchannel.desk import access, comparison_serving, posting, taxii
from backchannel.desk.access import Caller, CollectionSeen
from backchannel.desk.node import Node
from backchannel.desk.paging import MAX_PAGE_ROWS, Page, Query
from backchannel.parties.at_rest import Unseal

MAX_NAME_CHARS = 320
"""Longest part of a path; a STIX identifier has at most 289 characters here."""

Kind = Literal[
    "discovery",
    "comparisons",
    "root",
    "status",
    "collections",
    "collection",
    "manifest",
    "objects",
    "object",
    "versions",
]


@dataclass(frozen=True, slots=True)
class Place:
    """What an address names."""

    kind: Kind
    root: str = ""
    collection: str = ""
    """Its id or its alias."""
    item: str = ""
    """A STIX identifier, or the id of a status."""

    @property
    def methods(self) -> tuple[str, ...]:
        """What may be done there."""
        if self.kind == "comparisons":
            return ("POST",)
        more = {"objects": ("POST",), "object": ("DELETE",)}
        return ("GET", "HEAD", *more.get(self.kind, ()))

    @property
    def is_listing(self) -> bool:
        """Whether it comes in pages."""
        return self.kind in _FIELDS


_FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    "manifest": ALL_FIELDS,
    "objects": ALL_FIELDS,
    "object": ("version", "spec_version"),
    "versions": ("spec_version",),
}


def find_place(path: str) -> Place | None:
    """Return what `path` names, from `/taxii2` on, with or without its last slash."""
    parts = path.removeprefix("/taxii2").removesuffix("/").split("/")[1:]
    if any(not part or len(part) > MAX_NAME_CHARS for part in parts):
        return None
    match parts:
        case []:
            return Place("discovery")
        case [".comparisons"]:
            return Place("comparisons")
        case [root]:
            return Place("root", root)
        case [root, "status", item]:
            return Place("status", root, item=item)
        case [root, "collections"]:
            return Place("collections", root)
        case [root, "collections", name]:
            return Place("collection", root, name)
        case [root, "collections", name, "manifest"]:
            return Place("manifest", root, name)
        case [root, "collections", name, "objects"]:
            return Place("objects", root, name)
        case [root, "collections", name, "objects", item]:
            return Place("object", root, name, item)
        case [root, "collections", name, "objects", item, "versions"]:
            return Place("versions", root, name, item)
    return None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as an endpoint sees it."""

    node: Node
    clock: Clock
    caller: Caller
    place: Place
    query: bytes
    base_url: str
    """Scheme and host by which we were reached: `https://intel.alpha.example`."""
    unseal: Unseal | None = None
    """Opens our keys, where they are under a passphrase that was given."""


def answer(asked: Asked) -> Answer:
    """Answer a GET.

    Raises:
        Refused: the query is malformed.
        BackchannelError: the desk's.
    """
    return _GET[asked.place.kind](asked)


def delete(asked: Asked) -> Answer:
    """Take an object out of a collection, in the versions that are named (TAXII 2.1 §5.7); raises as `answer`.

    The standard leaves open what goes where no version is named: here it is all of them.
    """
    wanted = _wanted(asked.query, "object").filter
    taxii.delete(
        asked.node,
        asked.clock,
        asked.caller,
        asked.place.root,
        asked.place.collection,
        asked.place.item,
        versions=wanted.versions,
        spec_versions=wanted.spec_versions,
    )
    return Answer(200, b"{}")


def may_post(asked: Asked) -> None:
    """Say at once, before its body is read, that a POST will not be taken; raises as `answer` does."""
    if asked.place.kind == "comparisons":
        comparison_serving.check_caller(asked.caller)
        return
    if not access.collection_seen(
        asked.node.store, asked.caller, asked.place.root, asked.place.collection
    ).can_write:
        raise access.NotAllowedError("objects may not be added to this collection")


def post(asked: Asked, body: bytes) -> Answer:
    """Take in what was posted; durable when it returns (TAXII 2.1 §5.5); raises as `answer` does."""
    if asked.place.kind == "comparisons":
        return Answer(
            200,
            comparison_serving.exchange(asked.node, asked.clock, asked.caller, body, unseal=asked.unseal),
        )
    return answers.status_resource(
        posting.post(asked.node, asked.clock, asked.caller, asked.place.root, asked.place.collection, body),
        status=202,
    )


# --- Information ---------------------------------------------------------------------------------------


def _discovery(asked: Asked) -> Answer:
    roots = access.roots_seen(asked.node.store, asked.caller)
    if not roots and asked.caller.party is None:
        raise access.NotThereError("nothing is offered to anybody who does not say who they are")
    return answers.discovery(asked.node.party.name, asked.base_url, roots)


def _root(asked: Asked) -> Answer:
    return answers.api_root(access.root_seen(asked.node.store, asked.caller, asked.place.root))


def _status(asked: Asked) -> Answer:
    return answers.status_resource(
        posting.status(asked.node, asked.caller, asked.place.root, asked.place.item)
    )


def _collections(asked: Asked) -> Answer:
    return answers.collections(access.collections_seen(asked.node.store, asked.caller, asked.place.root))


def _collection(asked: Asked) -> Answer:
    return answers.collection(_seen(asked))


def _seen(asked: Asked) -> CollectionSeen:
    return access.collection_seen(asked.node.store, asked.caller, asked.place.root, asked.place.collection)


# --- Listings ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a listing was asked for, its cursor read."""

    filter: Filter
    limit: int
    cursor: Cursor | None


def _wanted(query: bytes, kind: Kind) -> _Wanted:
    try:
        asked = parse_query(query, _FIELDS[kind])
        cursor = parse_cursor(asked.next) if asked.next else None
    except BadQueryError as error:
        raise Refused(400, "The address is malformed", f"{error}.") from None
    except BadCursorError:
        raise Refused(
            400, "The address is malformed", "next is none of ours: begin the listing without it."
        ) from None
    return _Wanted(asked.filter, asked.limit or 0, cursor)


def _listing(asked: Asked, read: Callable[[Asked, Query], Page]) -> tuple[Page, str, int | None]:
    """Return a page, the cursor to the one after it, and what the client has already."""
    wanted = _wanted(asked.query, asked.place.kind)
    seen = _seen(asked)
    if not seen.can_read:
        raise access.NotAllowedError("this collection may not be read")
    listing = listing_digest(seen.collection_id, asked.place.item)
    cursor = wanted.cursor
    if cursor is not None and cursor.listing != listing:
        cursor = None  # of another listing: some clients never forget one. Theirs begins anew.
    kept = wanted.filter if cursor is None else wanted.filter.and_also(cursor.filter)
    limit = wanted.limit or (MAX_PAGE_ROWS if cursor is None else min(cursor.limit, MAX_PAGE_ROWS))
    after = None if cursor is None else cursor.after
    if kept is None:
        return Page([], [], [], more=False), "", after
    page = read(
        asked,
        Query(
            added_after=kept.added_after,
            limit=limit,
            after=after,
            ids=kept.ids,
            types=kept.types,
            versions=kept.versions,
            spec_versions=kept.spec_versions,
        ),
    )
    following = ""
    if page.more and page.last is not None:
        following = format_cursor(Cursor(listing, page.last, limit, kept))
    since = [one for one in (kept.added_after, after) if one is not None]
    return page, following, max(since, default=None)


def _read_objects(asked: Asked, query: Query) -> Page:
    return taxii.objects_page(
        asked.node, asked.clock, asked.caller, asked.place.root, asked.place.collection, query
    )


def _read_manifest(asked: Asked, query: Query) -> Page:
    return taxii.manifest_page(
        asked.node, asked.clock, asked.caller, asked.place.root, asked.place.collection, query
    )


def _read_object(asked: Asked, query: Query) -> Page:
    place = asked.place
    return taxii.object_page(
        asked.node, asked.clock, asked.caller, place.root, place.collection, place.item, query
    )


def _read_versions(asked: Asked, query: Query) -> Page:
    place = asked.place
    return taxii.object_versions_page(
        asked.node, asked.clock, asked.caller, place.root, place.collection, place.item, query
    )


def _wants_empty_list(asked: Asked) -> bool:
    return access.EMPTY_OBJECTS in asked.caller.compat


def _objects(asked: Asked) -> Answer:
    page, following, since = _listing(asked, _read_objects)
    return answers.envelope(page, following, empty_list=_wants_empty_list(asked), since=since)


def _object(asked: Asked) -> Answer:
    page, following, since = _listing(asked, _read_object)
    return answers.envelope(page, following, empty_list=_wants_empty_list(asked), since=since)


def _manifest(asked: Asked) -> Answer:
    page, following, since = _listing(asked, _read_manifest)
    return answers.manifest(page, following, empty_list=_wants_empty_list(asked), since=since)


def _versions(asked: Asked) -> Answer:
    page, following, since = _listing(asked, _read_versions)
    return answers.versions(page, following, empty_list=_wants_empty_list(asked), since=since)


_GET: Final[dict[Kind, Callable[[Asked], Answer]]] = {
    "discovery": _discovery,
    "root": _root,
    "status": _status,
    "collections": _collections,
    "collection": _collection,
    "manifest": _manifest,
    "objects": _objects,
    "object": _object,
    "versions": _versions,
}
