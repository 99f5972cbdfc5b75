"""Read JSON: STIX in bundles, lists and lines, MISP events, records of feeds. One bad object costs itself only."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from backchannel.intake.containers import Source
from backchannel.intake.events import holds_events, read_events
from backchannel.intake.lines import Line, lines
from backchannel.intake.received import CLAUSE_JSON, Received, Refused, broken, refused
from backchannel.intake.recognise import json_named
from backchannel.intake.records import Terms, is_record, read_record
from backchannel.stix import objects
from backchannel.stix.called import MAX_LOOKED_BYTES, called
from backchannel.stix.findings import Finding
from backchannel.stix.limits import CLAUSE_DEPTH, CLAUSE_SIZE, MAX_DEPTH, MAX_OBJECT_BYTES, LimitError
from backchannel.stix.read import decode_object, raw_object, spec_version_of
from backchannel.stix.split import DocumentError, Outline, Piece, split
from backchannel.stix.validate import address, validate
from backchannel.stix.visible import visible

CLAUSE_FORMS: Final = "import: forms"
CLAUSE_BUNDLE: Final = "STIX 2.1 §8"
OBJECTS_TRIED: Final = 20
"""How many objects are looked at to tell a list of STIX objects from any other list."""


def read_document(source: Source, terms: Terms) -> Iterator[Received | Refused]:
    """Yield each object of the JSON document in `source`; of one that is not STIX one refusal."""
    try:
        outline, pieces = split(source.stream)
        yield from _by_first(source.name, outline, pieces, terms)
    except DocumentError as error:
        if (
            error.is_more and error.line == 2
        ):  # the first line is longer than what was looked at to tell the form
            source.stream.seek(0)
            yield from read_lines(source, terms)
            return
        place = f"{source.name}:{error.line}"
        where = f"is broken JSON (line {error.line}, column {error.column}): " if error.is_broken else ""
        source.stream.seek(0)
        stix_id = called(source.stream.read(MAX_LOOKED_BYTES))
        yield refused(place, f"the file {where}{error.what}; {error.mend}", CLAUSE_JSON, stix_id=stix_id)


def read_lines(source: Source, terms: Terms) -> Iterator[Received | Refused]:
    """Yield each object of a file of JSON lines; a line may hold a bundle too. A bad line costs only itself.

    Of a file whose first lines hold no STIX at all (a log, a feed of another form) one refusal is told.
    """
    foreign: list[Refused] = []
    is_stix = False
    for line in lines(source.stream, max_bytes=MAX_OBJECT_BYTES):
        for item in _line(f"{source.name}:{line.number}", line, terms):
            clause = item.findings[0].clause if isinstance(item, Refused) else ""
            if isinstance(item, Refused) and clause == CLAUSE_FORMS and not is_stix:
                foreign.append(item)
                continue
            if clause not in {CLAUSE_JSON, CLAUSE_SIZE}:  # a damaged line says nothing about the others
                is_stix = True
                yield from foreign
                foreign.clear()
            yield item
        if len(foreign) == OBJECTS_TRIED:
            break
    if foreign:
        yield refused(source.name, foreign[0].findings[0].what, CLAUSE_FORMS, foreign[0].original)


def read_pieces(place: str, outline: Outline, pieces: Iterator[Piece]) -> Iterator[Received | Refused]:
    """Yield each object of a document that is split already; `place` is its address."""
    yield from _objects(place, outline, pieces)


def _line(place: str, line: Line, terms: Terms) -> Iterator[Received | Refused]:
    data = line.data.strip(b" \t\r\n")
    if line.is_cut:
        what = f"the line is longer than {MAX_OBJECT_BYTES // 2**20} MiB: split it"
        yield refused(place, what, CLAUSE_SIZE, line.data, stix_id=called(data))
    elif data:
        try:
            outline, pieces = split(io.BytesIO(data))
        except DocumentError as error:
            what = f"the line is broken JSON (column {error.column}): {error.what}; {error.mend}; the other lines are read"
            yield refused(place, what, CLAUSE_JSON, line.data, stix_id=called(data))
        else:
            yield from _by_first(place, outline, pieces, terms)


def _by_first(
    place: str, outline: Outline, pieces: Iterator[Piece], terms: Terms
) -> Iterator[Received | Refused]:
    """Read STIX, MISP events or records of a feed: the first object of a list tells for all of them."""
    begun = _begun(pieces) if outline.kind != "bundle" else []
    whole = chain(begun, pieces)
    if begun and holds_events(begun[-1].body):
        for piece in whole:
            yield from read_events(address(place, piece.pointer), piece)
    elif begun and is_record(begun[-1].body):
        for piece in whole:
            yield from read_record(address(place, piece.pointer), piece, terms)
    else:
        yield from _objects(place, outline, whole)


def _begun(pieces: Iterator[Piece]) -> list[Piece]:
    """Return the pieces up to the first that is not broken, within bounds."""
    begun: list[Piece] = []
    for piece in islice(pieces, OBJECTS_TRIED):
        begun.append(piece)
        if not piece.fault or sum(len(one.body) for one in begun) > MAX_OBJECT_BYTES:
            break
    return begun


def _objects(place: str, outline: Outline, pieces: Iterator[Piece]) -> Iterator[Received | Refused]:
    tried, foreign = _tried(outline, pieces)
    if foreign is not None:
        yield refused(place, foreign, CLAUSE_FORMS, tried[0].body if tried else b"")
        return
    notes = _bundle_notes(place, outline)
    bundle_version = outline.text("spec_version")
    is_unsaid = outline.kind == "bundle" and "type" in outline.members and not bundle_version
    base = address(place, "/").removesuffix("/")
    for piece in chain(tried, pieces):
        item = read_piece(base + piece.pointer if piece.pointer else place, piece, bundle_version)
        if is_unsaid and isinstance(item, Received) and _says_no_version(item):
            notes, is_unsaid = (*notes, _unsaid(place, outline)), False
        yield _with(item, notes) if notes else item
        notes = ()
    if notes and outline.held == 0:
        yield refused(place, f"the bundle is empty, and {notes[0].what}", CLAUSE_BUNDLE)


def _with(item: Received | Refused, notes: tuple[Finding, ...]) -> Received | Refused:
    """Return `item` with what is to be said of the bundle around it: its first object carries that."""
    if isinstance(item, Received):
        return Received(item.raw, (*item.findings, *notes), item.place, item.original)
    return Refused((*item.findings, *notes), item.place, item.original)


def read_piece(place: str, piece: Piece, bundle_version: str) -> Received | Refused:
    """Return one object of a document, validated, or why it is refused.

    Args:
        place: its address.
        piece: its bytes.
        bundle_version: `spec_version` of the bundle around it, "" if it states none.
    """
    body = piece.body
    if piece.is_cut:
        what = (
            f"the object is longer than {MAX_OBJECT_BYTES // 2**20} MiB, or nested far more than {MAX_DEPTH} deep: "
            f"split it, or send what it holds apart"
        )
        clause = CLAUSE_DEPTH if body[:200].count(b"[") > MAX_DEPTH else CLAUSE_SIZE
        return refused(place, what, clause, body, stix_id=called(body))
    if piece.fault:
        return refused(place, broken(piece.fault), CLAUSE_JSON, body, stix_id=called(body))
    try:
        value, is_plain = decode_object(body)
        version = spec_version_of(value, bundle_version)
        findings = validate(value, spec_version=version, place=place, body=body, is_plain=is_plain)
        if findings and findings[0].level == "refuse":
            return Refused(findings, place, body[:MAX_OBJECT_BYTES])
        return Received(raw_object(body, value, version, is_plain=is_plain), findings, place)
    except LimitError as error:
        return refused(place, error.what, error.clause, body, stix_id=called(body))


def _named(outline: Outline) -> str | None:
    """Return what a document is that is no STIX but known, and the mend."""
    if outline.kind != "object" or {"type", "id"} <= outline.members.keys():
        return None
    known = json_named(outline.members)
    return None if known is None else f"this is {known.what}: {known.mend}"


def _tried(outline: Outline, pieces: Iterator[Piece]) -> tuple[list[Piece], str | None]:
    """Return the first pieces, and what the document is if none of them looks like STIX."""
    if outline.kind == "object" and outline.members.get("type") == '"bundle"':
        what = "the bundle's `objects` is no list: ask its producer for a bundle with a list of objects"
        return [], what
    tried: list[Piece] = []
    keys: list[Collection[str]] = []
    for piece in islice(pieces, OBJECTS_TRIED):
        tried.append(piece)
        found = None if piece.is_cut else objects.members(piece.body)
        if found is not None and found.keys().isdisjoint({"type", "id"}):
            keys.append(found.keys())
        elif outline.kind != "list" or piece.body[:1] == b"{":
            return tried, _named(outline)
        if sum(len(one.body) for one in tried) > MAX_OBJECT_BYTES:
            break
    return tried, _named(outline) or (_foreign(outline, keys) if tried else None)


def _foreign(outline: Outline, keys: Sequence[Collection[str]]) -> str | None:
    """Return what a document is whose objects have `keys`, none of which STIX has; None to refuse each by itself."""
    if not keys:
        return "this is a JSON list of something else than objects; import takes STIX 2.1 and 2.0, CSV and plain lists"
    known = json_named(keys[0])
    if known is not None:
        return f"this is {known.what}: {known.mend}"
    if len(keys) == 1 and outline.kind == "bundle":
        return None
    shown = ", ".join(f"`{visible(key, max_chars=30)}`" for key in sorted(keys[0])[:5]) or "nothing at all"
    return f"this is JSON, but no STIX: its objects have no `type` and no `id`, but {shown}; import takes STIX 2.1 and 2.0"


def _bundle_notes(place: str, outline: Outline) -> tuple[Finding, ...]:
    """Return what is wrong with the bundle itself; a TAXII envelope (no `type`) has nothing to be wrong."""
    if outline.kind != "bundle" or "type" not in outline.members:
        return ()
    bundle_id, version = outline.text("id"), outline.text("spec_version")
    found: list[tuple[str, str]] = []
    if not bundle_id.startswith("bundle--"):
        found.append(("/id", "the bundle has no id of the form bundle--UUID"))
    if version not in {"", "2.0", "2.1"}:
        shown = visible(version, max_chars=20)
        found.append(
            (
                "/spec_version",
                f"the bundle says it is STIX {shown}: what is not said by its objects is read as 2.0",
            )
        )
    return tuple(_bundle_note(place, outline, path, what) for path, what in found)


def _bundle_note(place: str, outline: Outline, path: str, what: str) -> Finding:
    bundle_id = outline.text("id")
    named = bundle_id if bundle_id.isprintable() and len(bundle_id) < 100 else ""
    return Finding("note", named, address(place, path), what, CLAUSE_BUNDLE)


def _says_no_version(item: Received) -> bool:
    return item.raw.header.spec_version == "2.0" and "spec_version" not in item.raw.value


def _unsaid(place: str, outline: Outline) -> Finding:
    what = "neither the bundle nor what it holds says its version of STIX: it is read as 2.0"
    return _bundle_note(place, outline, "/spec_version", what)
