"""Read whatever file a user has: recognise it by content, split it, decode and validate what is in it.

The one entry of import and validate. Nothing raises: what cannot be read is a `Refused` that says what it
is and what would mend it, and the rest goes on. Memory is bounded whatever the size of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from backchannel.intake.columns import layout_of
from backchannel.intake.containers import ContainerError, Source, open_file, open_stream
from backchannel.intake.documents import read_document, read_lines
from backchannel.intake.lists import read_list
from backchannel.intake.received import Received, Refused, refused
from backchannel.intake.recognise import HEAD_BYTES, Form, first_lines, recognise
from backchannel.intake.records import Terms
from backchannel.intake.tables import read_table
from backchannel.stix.window import NotUtf8Error

__all__ = ["Received", "Refused", "read", "read_stream"]


def read(
    path: Path | None, *, party: str, now: datetime, on_bytes: Callable[[int], None] | None = None
) -> Iterator[Received | Refused]:
    """Yield each object in the file, in its order: taken, or refused with the reason.

    Args:
        path: the file, plain or in gzip or zip; None is stdin.
        party: name of who sent it: part of the ids of indicators made from rows and lines.
        now: when it arrived: the date of rows that have none.
        on_bytes: called, as reading goes on, with how many bytes of the file have been read so far.
    """
    yield from _read_all(_sources(path, on_bytes), party, now)


def read_stream(name: str, stream: BinaryIO, *, party: str, now: datetime) -> Iterator[Received | Refused]:
    """Yield each object in what was fetched, as `read` does of a file.

    Args:
        name: where it comes from: part of every address.
        stream: from its beginning; it can `seek`.
        party: who it is credited to.
        now: when it arrived.
    """
    yield from _read_all(_opened(name, stream), party, now)


def _read_all(sources: Iterator[Source | Refused], party: str, now: datetime) -> Iterator[Received | Refused]:
    for source in sources:
        if isinstance(source, Refused):
            yield source
            continue
        try:
            yield from _read(source, party, now)
        except ContainerError as error:
            yield refused(error.name, f"the file {error.what}", error.clause)
        except NotUtf8Error as error:
            what = f"the file is not UTF-8 (line {error.line}: {error.what}): save it as UTF-8"
            yield refused(f"{source.name}:{error.line}", what, "RFC 8259 §8.1")


def _sources(path: Path | None, on_bytes: Callable[[int], None] | None) -> Iterator[Source | Refused]:
    try:
        yield from open_file(path, on_bytes=on_bytes)
    except ContainerError as error:
        yield refused(error.name, f"the file {error.what}", error.clause)


def _opened(name: str, stream: BinaryIO) -> Iterator[Source | Refused]:
    try:
        yield from open_stream(name, stream)
    except ContainerError as error:
        yield refused(error.name, f"the file {error.what}", error.clause)


def _read(source: Source, party: str, now: datetime) -> Iterator[Received | Refused]:
    head = _head(source.stream)
    form = recognise(head)
    if source.is_packed and form in {Form.LINES, Form.LIST, Form.TABLE}:
        _read_through(source.stream)
    if form is Form.JSON:
        yield from read_document(source, Terms(source.name, party, now))
    elif form is Form.LINES:
        yield from read_lines(source, Terms(source.name, party, now))
    elif form is Form.LIST:
        yield from read_list(source, party=party, now=now)
    elif form is Form.TABLE:
        layout = layout_of(first_lines(head.removeprefix(b"\xef\xbb\xbf").decode(errors="ignore")))
        if layout is not None:
            yield from read_table(source, layout, party=party, now=now)
    else:
        yield refused(source.name, f"the file is {form.what}: {form.mend}", "import: forms", head)


def _head(stream: BinaryIO) -> bytes:
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    return head


def _read_through(stream: BinaryIO) -> None:
    """Read to the end once: of a container that is cut off or damaged, no line is taken (`split` does the same)."""
    while stream.read(2**20):
        pass
    stream.seek(0)
