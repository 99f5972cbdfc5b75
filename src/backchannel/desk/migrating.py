"""Take over a collection from another server with the stamps that it gave: its clients' cursors stay good.

A TAXII manifest (§5.3.1) says when each version was added. Stamps must rise, as they do in every manifest,
and must lie above all that the collection has given: behind a cursor nothing may appear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock, parse_time
from backchannel.desk.collecting import (
    CHUNK_OBJECTS,
    Brought,
    Put,
    collect,
    collect_batch,
    terms_of,
)
from backchannel.desk.node import Node
from backchannel.desk.publishing import collection_named
from backchannel.desk.stamps import format_micros, to_micros
from backchannel.errors import InputError
from backchannel.intake.lines import lines
from backchannel.stix.split import DocumentError, MoreError, split
from backchannel.stix.visible import visible
from backchannel.store.exchange import CollectionRow
from backchannel.store.interface import Store
from backchannel.store.rows import version_key

MAX_RECORDS: Final = 5_000_000
"""Most records of a manifest: each takes some 300 bytes of memory."""
MAX_RECORD_BYTES: Final = 2**20
"""Longest line of a manifest (bytes): one page of a thousand records has 200,000."""
AHEAD: Final = timedelta(days=1)
"""How far a stamp may lie ahead of our clock: everything that is added later must lie behind it."""

_MEND: Final = "Get the manifest again, oldest first, with `match[version]=all`."


class Stamped(msgspec.Struct):
    """What a manifest says: by id, the stamp of each version."""

    by_id: dict[str, list[tuple[str, int]]]
    records: int
    used: int = 0
    """How many of them had an object in the import."""

    def stamp(self, stix_id: str, key: str) -> int | None:
        """Return when a version was added; what has no version of its own is known by its id."""
        found = self.by_id.get(stix_id, [])
        if not key and len(found) == 1:
            return found[0][1]
        return next((stamp for version, stamp in found if version == key), None)


def read_manifest(path: Path, clock: Clock) -> Stamped:
    """Read a manifest: the resource, or lines of JSON that hold one page or one record each.

    Raises:
        InputError: it cannot be read, a record lacks what is needed, or the stamps do not rise; names the place.
    """
    stamped = Stamped({}, 0)
    latest = to_micros(clock.now() + AHEAD)
    last = 0
    try:
        with path.open("rb") as file:
            for place, body in _records(path.name, file):
                stix_id, version, stamp = _record(place, body)
                if not last < stamp <= latest:
                    raise InputError(_out_of_order(place, stamp, last), hint=_MEND)
                last = stamp
                stamped.records += 1
                if stamped.records > MAX_RECORDS:
                    raise InputError(f"{path.name} holds more than {MAX_RECORDS:,} records", hint="Split it.")
                stamped.by_id.setdefault(stix_id, []).append((version, stamp))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="Correct the name.") from error
    return stamped


def putting_stamped(node: Node, id_or_alias: str, stamped: Stamped) -> Put:
    """Return what puts an import in a collection under the stamps of a manifest.

    Raises:
        NotFoundError: there is no such collection.
    """
    collection = collection_named(node.store, id_or_alias)

    def put(store: Store, brought: Brought) -> int:
        added = _put(store, collection, brought, stamped)
        collect_batch(store, brought)
        return added

    return put


def _put(store: Store, collection: CollectionRow, brought: Brought, stamped: Stamped) -> int:
    """Put what a batch brought in, in the order of the stamps.

    Raises:
        InputError: the manifest lacks an object: nothing is imported then.
    """
    order: dict[int, int] = {}
    for one in store.collected.of_batch(brought.batch_id):
        stamp = stamped.stamp(one.stix_id, one.version_key)
        if stamp is None:
            shown = visible(one.stix_id, max_chars=300)
            raise InputError(
                f"the manifest does not say when {shown} in version {one.version_key or '(none)'} was added",
                hint=f"Nothing was imported. {_MEND}",
            )
        order.setdefault(one.object_row, stamp)
    stamped.used = len(order)
    rows = sorted(order, key=order.__getitem__)
    terms = terms_of(collection, brought)
    store.collected.note_batch(brought.batch_id, collection.collection_row, terms.default_tlp)
    added = 0
    for n in range(0, len(rows), CHUNK_OBJECTS):
        chunk = rows[n : n + CHUNK_OBJECTS]
        placed = collect(
            store,
            collection.collection_row,
            store.collected.collectables(chunk),
            terms,
            now=brought.now,
            stamps=[order[row] for row in chunk],
        )
        added += sum(1 for one in placed if one.outcome == "added")
    return added


def _records(name: str, file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Yield each record with its place."""
    try:
        outline, pieces = split(file)
        for piece in pieces:
            if outline.kind == "object" and "id" not in outline.members:
                return  # a page without records
            yield f"{name}#{piece.pointer}", piece.body
    except MoreError:
        file.seek(0)
        yield from _lines(name, file)
    except DocumentError as error:
        raise InputError(f"{name}:{error.line} is broken JSON: {error.what}", hint=_MEND) from None


def _lines(name: str, file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    for line in lines(file, max_bytes=MAX_RECORD_BYTES):
        place = f"{name}:{line.number}"
        if line.is_cut:
            raise InputError(f"{place} is longer than {MAX_RECORD_BYTES // 2**20} MiB", hint=_MEND)
        for body in _of_line(place, line.data.strip()):
            yield place, body


def _of_line(place: str, data: bytes) -> list[bytes]:
    if not data:
        return []
    try:
        value = codec.decode(data)
    except ValueError as error:
        raise InputError(f"{place} is broken JSON: {error}", hint=_MEND) from None
    if isinstance(value, dict) and isinstance(value.get("objects"), list):
        return [codec.encode(one) for one in value["objects"]]
    return [data]


def _record(place: str, body: bytes) -> tuple[str, str, int]:
    """Return id, version in the spelling that sorts, and stamp."""
    try:
        value = codec.decode(body)
    except ValueError:
        value = None
    held: Mapping[str, object] = value if isinstance(value, dict) else {}
    stix_id, version, added = held.get("id"), held.get("version"), held.get("date_added")
    if not (isinstance(stix_id, str) and isinstance(added, str) and isinstance(version, str | None)):
        raise InputError(f"{place} is no record of a manifest: it needs `id` and `date_added`", hint=_MEND)
    try:
        return stix_id, version_key(version or ""), to_micros(parse_time(added))
    except ValueError:
        shown = visible(added, max_chars=60)
        raise InputError(f"{place}: `date_added` is {shown}, which is no time", hint=_MEND) from None


def _out_of_order(place: str, stamp: int, last: int) -> str:
    shown = format_micros(stamp)
    if stamp == last:
        return f"{place}: `date_added` is {shown}, the same as of the record before: pages could not part the two"
    if stamp < last:
        return f"{place}: `date_added` is {shown}, before {format_micros(last)} of the record before"
    return f"{place}: `date_added` is {shown}, more than a day ahead of our clock"
