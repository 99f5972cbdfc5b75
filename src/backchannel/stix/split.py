"""Split a JSON document into the objects it holds, each as the bytes received.

What is in memory at once is one object and a window, however long the document is. A document is read to
its end before its first object is given out, so that of a file cut off in the middle nothing is taken:
in one step where it is small enough to be in memory, else by reading the stream twice.

An object that is no JSON (NaN, a comma too few, a byte that is not UTF-8) costs only itself, as long as its
brackets and quotation marks tell where it ends. They are trusted no further than that: where a backslash
stands outside of a text, a quotation mark is missing, and what looks like an object may be a part of a text.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, Literal, NamedTuple

import msgspec

from backchannel import codec
from backchannel.stix import objects
from backchannel.stix.objects import NotJsonError, RepeatedKeyError, UnscannableError
from backchannel.stix.visible import visible
from backchannel.stix.window import NotUtf8Error, Window

MAX_WHOLE_BYTES: Final = 64 * 2**20
"""Largest document that is read into memory (bytes); a longer one is streamed."""
MAX_WHOLE_COMMAS: Final = 2_000_000
"""Most commas in such a document: each may part two items, which take 80 bytes of memory even where the
document spends two on them."""
CHECKED_BYTES: Final = 2**16
"""Read at once to see whether a document is UTF-8 (bytes): fits the processor's cache."""
MAX_HELD: Final = 5_000_000
"""Most objects of a document: some seconds of reading, and more than a gigabyte of the smallest real ones."""
MAX_BROKEN: Final = 100_000
"""Most objects of a document that are no JSON: each takes some 20 µs twice. With more it is broken as a whole."""
MAX_MEMBER_CHARS: Final = 2**16
"""Longest value beside `objects` that is kept of a bundle (characters)."""
MAX_MEMBERS: Final = 1000
"""Most keys of a bundle."""

ANSWER: Final = "response"
"""Where an answer of a MISP server has its events."""

_OBJECTS = re.compile(rb'"objects"[ \t\r\n]*:[ \t\r\n]*(?=\[)')
_BLANKS: Final = b" \t\r\n"


class Outline(NamedTuple):
    """What a document is, without its objects."""

    kind: Literal["bundle", "list", "object"]
    """`bundle`: an object with a list `objects` (a STIX bundle, a TAXII envelope)."""
    members: dict[str, str]
    """The members of a bundle or object beside `objects`, as their JSON texts; long ones cut, so none at all."""
    held: int
    """How many objects it holds."""
    under: str = ""
    """`response` where a list stands there: of an answer of a MISP server of which some event is no JSON. One that is
    whole is an object."""

    def text(self, key: str) -> str:
        """Return the member `key` if it is a text, else ""."""
        try:
            found = codec.decode(self.members.get(key, '""'))
        except ValueError:
            return ""
        return found if isinstance(found, str) else ""


class Piece(NamedTuple):
    """One object of a document."""

    pointer: str
    """Where: "" (the document itself), `/objects/3` or `/3`."""
    body: bytes
    is_cut: bool
    """Whether it was too long or too deeply nested to be read: `body` is only its beginning."""
    fault: str = ""
    """Why it is no JSON, while what is around it is (`line 3, column 17: ...`); "" if it is."""


class DocumentError(ValueError):
    """A document is not JSON, or cannot be read in one way only."""

    mend = "fetch it again or mend it"
    is_broken = True
    """Whether it is no JSON, and not only more than is read."""
    is_more = False
    """Whether all that is wrong is that another text follows behind the end of the document."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(what)
        self.what, self.line, self.column = what, line, column


class NotUtf8DocumentError(DocumentError):
    """A document is not UTF-8."""

    mend = "save it as UTF-8"


class MoreError(DocumentError):
    """Behind the end of a document there is more."""

    is_more = True


class ChangedError(DocumentError):
    """A document is not the same when it is read for the second time."""

    mend = "wait until it is written to its end, and import it again"


class TooManyError(DocumentError):
    """A document holds more than `MAX_HELD` objects."""

    mend = "split it into several files"
    is_broken = False


def split(stream: BinaryIO) -> tuple[Outline, Iterator[Piece]]:
    """Return what the JSON document in `stream` is, and its objects in their order.

    Args:
        stream: UTF-8 from the beginning, with or without byte order mark; it must be able to `seek(0)`
            if it is longer than `MAX_WHOLE_BYTES`.

    Raises:
        DocumentError: it is not JSON, or a key of the bundle stands twice.
    """
    data = stream.read(MAX_WHOLE_BYTES + 1)
    if len(data) > MAX_WHOLE_BYTES:
        del data
        return split_stream(stream)
    data = data.removeprefix(b"\xef\xbb\xbf")
    # An item and its comma take two bytes at least: nothing to count in what is short.
    is_small = len(data) <= 2 * MAX_WHOLE_COMMAS or data.count(b",") <= MAX_WHOLE_COMMAS
    whole = split_whole(data) if is_small else None
    return whole if whole is not None else split_stream(io.BytesIO(data))


def split_whole(data: bytes) -> tuple[Outline, Iterator[Piece]] | None:
    """Return the same for a document in memory, or None if it has to be read step by step."""
    if not (data.isascii() or _is_utf8(data)):
        return None
    if data.lstrip(_BLANKS)[:1] == b"[":
        listed = objects.items(data)
        return None if listed is None else (Outline("list", {}, len(listed)), _numbered(listed, ""))
    found = objects.members(data)
    if found is None:
        return None
    members = {key: _kept(bytes(raw).decode()) for key, raw in found.items() if key != "objects"}
    raw = found.get("objects")
    if raw is None or not _is_bundle(members, bytes(memoryview(raw)[:1]).decode()):
        if raw is None and members.get("type") == '"bundle"':
            return Outline("bundle", members, 0), iter(())
        return Outline("object", members, 1), iter((Piece("", data.strip(_BLANKS), False),))
    listed = objects.items(raw)
    if listed is None or not _is_plain_envelope(data, len(memoryview(raw)), len(found)):
        return None
    return Outline("bundle", members, len(listed)), _numbered(listed, "/objects")


def _is_utf8(data: bytes) -> bool:
    # Piece by piece: as one text it would take two or four times the memory.
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(data)
    try:
        for at in range(0, len(data), CHECKED_BYTES):
            decoder.decode(view[at : at + CHECKED_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _kept(text: str) -> str:
    return text if len(text) <= MAX_MEMBER_CHARS else ""


def _is_bundle(members: dict[str, str], first: str) -> bool:
    return first == "[" and members.get("type", '"bundle"') == '"bundle"'


def _numbered(listed: Iterable[msgspec.Raw], base: str) -> Iterator[Piece]:
    for number, raw in enumerate(listed):
        yield Piece(f"{base}/{number}", bytes(raw), False)


def _is_plain_envelope(data: bytes, length: int, count: int) -> bool:
    """Whether no key of the bundle stands twice: what is left without the objects tells."""
    match = _OBJECTS.search(data)
    if match is None:
        return False
    rest = data[: match.end()] + b"0" + data[match.end() + length :]
    try:
        objects.check_keys(rest)
    except (NotJsonError, RepeatedKeyError, UnscannableError):
        return False
    left = objects.members(rest)
    return left is not None and len(left) == count


def split_stream(stream: BinaryIO) -> tuple[Outline, Iterator[Piece]]:
    """Return the same for a document of any length, reading it twice.

    Raises:
        DocumentError: it is not JSON, or a key of the bundle stands twice.
    """
    outline = _outline(stream)
    return outline, _pieces(stream, outline)


def _outline(stream: BinaryIO) -> Outline:
    stream.seek(0)
    window: Window | None = None
    try:
        window = Window(stream)
        found = _read_list(window, "") if window.peek() == "[" else _read_members(window)
        if window.peek() != "":
            raise MoreError("there is more behind the end of the value", *window.place())
    except NotJsonError as error:
        before = f"; what was wrong first: {window.fault}" if window and window.fault else ""
        raise DocumentError(error.what + before, *(window.place(error.at) if window else (1, 1))) from None
    except NotUtf8Error as error:
        raise NotUtf8DocumentError(error.what, error.line, error.column) from None
    return found


def _read_list(window: Window, base: str) -> Outline:
    count = broken = 0
    for count, piece in enumerate(_walk(window, base), 1):
        broken += bool(piece.fault)
        if count > MAX_HELD:
            raise TooManyError(f"holds more than {MAX_HELD:,} objects", *window.place())
        if broken > MAX_BROKEN:
            what = f"more than {MAX_BROKEN:,} of its objects are no JSON, the first of them in {window.fault}"
            raise DocumentError(what, *window.place())
    return Outline("list", {}, count)


def _walk(window: Window, base: str) -> Iterator[Piece]:
    window.expect("[")
    if window.peek() == "]":
        window.expect("]")
        return
    number = 0
    while True:
        yield Piece(f"{base}/{number}", *window.item())
        number += 1
        if window.expect(",]") == "]":
            return


def _read_members(window: Window) -> Outline:
    members: dict[str, str] = {}
    listed = answered = 0
    is_listed, fault = False, ""
    for key in _keys(window):
        if key in members or (key == "objects" and is_listed):
            shown = visible(key, max_chars=60)
            raise DocumentError(
                f"the key `{shown}` stands twice: two readers would see two things", *window.place()
            )
        if key == "objects" and window.peek() == "[":
            listed, is_listed = _read_list(window, "").held, True
        elif key == ANSWER and not is_listed and window.peek() == "[":
            answered, members[key], fault = _read_list(window, "").held, "", window.fault
        else:
            text, is_cut = window.value()
            members[key] = "" if is_cut else _kept(text)
    if fault and (is_listed or members.get("type") == '"bundle"'):
        raise DocumentError(f"`{ANSWER}` holds what is no JSON: {fault}", *window.place())
    if is_listed and _is_bundle(members, "["):
        return Outline("bundle", members, listed)
    if not is_listed and "objects" not in members and members.get("type") == '"bundle"':
        return Outline("bundle", members, 0)
    if fault:
        return Outline("list", {}, answered, under=ANSWER)
    return Outline("object", members, 1)


def _keys(window: Window) -> Iterator[str]:
    """Yield each key of an object; whoever takes it passes its value before asking for the next."""
    window.expect("{")
    if window.peek() == "}":
        window.expect("}")
        return
    for _ in range(MAX_MEMBERS):
        if window.peek() != '"':
            raise NotJsonError("a key in double quotes is expected here", window.at)
        text, is_cut = window.value()
        if is_cut or len(text) > MAX_MEMBER_CHARS:
            raise NotJsonError("a key is longer than any key needs to be", window.at)
        window.expect(":")
        try:
            yield str(codec.decode(text))
        except ValueError:
            raise NotJsonError("a key is no valid Unicode", window.at) from None
        if window.expect(",}") == "}":
            return
    raise NotJsonError(f"an object has more than {MAX_MEMBERS:,} keys", window.at)


def _pieces(stream: BinaryIO, outline: Outline) -> Iterator[Piece]:
    stream.seek(0)
    window = Window(stream)
    try:
        yield from _read_again(window, outline)
    except NotJsonError as error:
        raise ChangedError("it changed while it was read", *window.place(error.at)) from None


def _read_again(window: Window, outline: Outline) -> Iterator[Piece]:
    if outline.kind == "list" and not outline.under:
        yield from _walk(window, "")
    elif outline.kind == "object":
        text, is_cut = window.value()
        yield Piece("", text.encode("utf-8", "surrogateescape"), is_cut)
    elif outline.held:
        for key in _keys(window):
            if key == (outline.under or "objects"):
                yield from _walk(window, f"/{key}")
                return
            window.value()
