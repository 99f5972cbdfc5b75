"""Open what a file holds: itself, or what gzip or zip packed into it, one inside the other if need be.

By content, never by name. Everything is bounded: how much comes out in sum and against what went in, how
many members, how deep. Streams are unpacked while they are read, so memory does not grow with them.
"""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

from backchannel.stix.visible import visible

MAX_UNPACKED_BYTES: Final = 8 * 2**30
"""Most bytes that one file may unpack to, all members together."""
MAX_RATIO: Final = 200
"""Most bytes out for one byte in, once `RATIO_FREE_BYTES` came out: repetitive JSON reaches 60, a bomb 1,000."""
RATIO_FREE_BYTES: Final = 16 * 2**20
"""What may come out whatever the ratio (bytes): small files of one line repeated compress to nearly nothing."""
MAX_MEMBERS: Final = 10_000
"""Most members of a zip."""
MAX_DIRECTORY_BYTES: Final = 8 * 2**20
"""Longest directory of a zip (bytes): 10,000 members with names of 800 characters."""
MAX_NESTING: Final = 3
"""Most containers inside each other: a gzip in a zip in a zip."""
SPOOL_BYTES: Final = 16 * 2**20
"""How much of a stream that cannot be read twice stays in memory (bytes); the rest goes to a temporary file."""
STEP_BYTES: Final = 2**20
"""Most that is unpacked before the budget is looked at again (bytes)."""
HEAD_BYTES: Final = 8

_LIMIT_OUT: Final = f"limit: {MAX_UNPACKED_BYTES // 2**30} GiB unpacked"
_TAIL_BYTES: Final = 2**16 + 22 + 20 + 56
"""Where the end of a zip's directory is looked for: before a comment of any length, and a zip64 record."""
_GZIP = b"\x1f\x8b"
_ZIPS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE: Final = ("[Content_Types].xml", "mimetype", "AndroidManifest.xml", "META-INF/MANIFEST.MF")
"""Members that make a zip a document, an app or a library: it is one thing, not a container of files."""


class ContainerError(ValueError):
    """A file cannot be opened, or a container is damaged, beyond a limit or of a kind that is not unpacked."""

    def __init__(self, name: str, what: str, clause: str = "container") -> None:
        super().__init__(f"{name}: {what}")
        self.name, self.what, self.clause = name, what, clause


class Source(NamedTuple):
    """One file to read."""

    name: str
    """Its path as given, `-` for stdin; of a member `a.zip!b.json`."""
    stream: BinaryIO
    """From the beginning; it can `seek(0)` to be read again. Good until the next source is asked for. Reading
    raises `ContainerError` where a container is damaged or too much comes out."""
    is_packed: bool = False
    """Whether it comes out of a container, and may turn out to be damaged before its end."""


def open_file(path: Path | None, *, on_bytes: Callable[[int], None] | None = None) -> Iterator[Source]:
    """Yield each file in `path`: itself, or what is packed into it.

    Args:
        path: the file; None is stdin.
        on_bytes: called, as reading goes on, with how many bytes of `path` itself have been read so far.

    Raises:
        ContainerError: it cannot be opened, or is a container that cannot be unpacked at all.
    """
    name = "-" if path is None else str(path)
    with ExitStack() as stack:
        counted = stack.enter_context(_opened(path, name, on_bytes))
        yield from _unpacked(Source(name, cast("BinaryIO", counted)), _Budget(counted), 0)


def open_stream(name: str, stream: BinaryIO) -> Iterator[Source]:
    """Yield each file in `stream`, as `open_file` does; `name` stands for its path."""
    counted = _Counted(stream, name, None)
    yield from _unpacked(Source(name, cast("BinaryIO", counted)), _Budget(counted), 0)


@contextmanager
def _opened(path: Path | None, name: str, on_bytes: Callable[[int], None] | None) -> Iterator[_Counted]:
    with ExitStack() as stack:
        try:
            raw: BinaryIO = (
                sys.stdin.buffer if path is None else stack.enter_context(path.open("rb", buffering=0))
            )
            if not _is_rewindable(raw):
                raw = stack.enter_context(_spooled(raw, name))
        except OSError as error:
            raise ContainerError(name, f"cannot be opened: {_reason(error)}", "file") from None
        yield _Counted(raw, name, on_bytes)


def _is_rewindable(stream: BinaryIO) -> bool:
    try:
        return stream.seekable()
    except ValueError:
        return False


def _spooled(stream: BinaryIO, name: str) -> BinaryIO:
    """Copy a stream that comes once (a pipe) to where it can be read twice."""
    spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115 - the caller closes it
    try:
        size = 0
        while data := stream.read(2**20):
            size += len(data)
            if size > MAX_UNPACKED_BYTES:
                what = f"is longer than {MAX_UNPACKED_BYTES // 2**30} GiB: split it"
                raise ContainerError(name, what, _LIMIT_OUT)
            spool.write(data)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return spool


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; check the path"
    if isinstance(error, IsADirectoryError):
        return "it is a folder; name the files in it"
    if isinstance(error, PermissionError):
        return "you may not read it; check its permissions"
    return error.strerror or "the system gave no reason"


class _Counted(io.RawIOBase):
    """A file of the operator's, counting what is read from it."""

    def __init__(self, raw: BinaryIO, name: str, on_bytes: Callable[[int], None] | None) -> None:
        super().__init__()
        self._raw, self._name, self._on_bytes = raw, name, on_bytes
        self.furthest = 0
        """How far into the file reading has come (bytes); what is read twice counts once."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._raw.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def readinto(self, buffer: object) -> int:
        try:
            size: int = self._raw.readinto(buffer)  # type: ignore[attr-defined]  # every binary stream has it
        except OSError as error:
            raise ContainerError(self._name, f"cannot be read: {_reason(error)}", "file") from None
        here = self._raw.tell()
        if size and here > self.furthest:
            self.furthest = here
            if self._on_bytes is not None:
                self._on_bytes(here)
        return size


class _Budget:
    """What may still come out of one file."""

    def __init__(self, counted: _Counted) -> None:
        self._counted = counted
        self._out = 0
        self._wasted = 0

    def give_back(self, size: int) -> None:
        """Take back what was counted of a stream that is read again from its beginning."""
        self._out -= size

    def write_off(self, size: int) -> None:
        """Take back what was counted of a bomb: its neighbours are none, and still there is an end to bombs."""
        self._out -= size
        self._wasted += size

    def spend(self, name: str, size: int) -> None:
        """Count `size` unpacked bytes.

        Raises:
            ContainerError: it is too much.
        """
        self._out += size
        if self._out + self._wasted > MAX_UNPACKED_BYTES:
            what = f"unpacks to more than {MAX_UNPACKED_BYTES // 2**30} GiB: unpack it yourself, and split it"
            raise ContainerError(name, what, _LIMIT_OUT)
        if self._out > RATIO_FREE_BYTES and self._out > MAX_RATIO * max(self._counted.furthest, 1):
            what = f"unpacks to more than {MAX_RATIO} times its size, as bombs do: unpack it yourself if you trust it"
            raise ContainerError(name, what, f"limit: ratio {MAX_RATIO}")


class _Unpacked(io.RawIOBase):
    """What comes out of a container, with the container's errors as ours and within the budget."""

    def __init__(self, inner: BinaryIO, name: str, budget: _Budget) -> None:
        super().__init__()
        self._inner, self._name, self._budget = inner, name, budget
        self._spent = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        with _as_ours(self._name):
            here = self._inner.seek(offset, whence)
        if here == 0:
            self._budget.give_back(self._spent)
            self._spent = 0
        return here

    def tell(self) -> int:
        return self._inner.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        try:
            with _as_ours(self._name):
                data = self._inner.read(min(len(view), STEP_BYTES))
            self._spent += len(data)
            self._budget.spend(self._name, len(data))
        except ContainerError:
            self._budget.write_off(self._spent)
            self._spent = 0
            raise
        view[: len(data)] = data
        return len(data)


@contextmanager
def _as_ours(name: str) -> Iterator[None]:
    """Turn what goes wrong in a container into a `ContainerError`."""
    try:
        yield
    except ContainerError:
        raise  # of a container inside this one
    except EOFError:
        raise ContainerError(
            name, "is cut off: the end of the compressed data is missing; fetch it again"
        ) from None
    except NotImplementedError:
        # zipfile's word for a compression that it does not know (Deflate64, PPMd, ...)
        raise ContainerError(
            name, "is packed in a way that is not unpacked here: pack it as plain zip"
        ) from None
    except RuntimeError:  # zipfile's word for a member that is encrypted
        what = "is encrypted with a password: unpack it yourself, and import what it holds"
        raise ContainerError(name, what) from None
    except (
        gzip.BadGzipFile,
        zlib.error,
        zipfile.BadZipFile,
        lzma.LZMAError,
        ValueError,
        struct.error,
    ) as error:
        raise ContainerError(
            name, f"is damaged ({visible(str(error), max_chars=80)}); fetch it again"
        ) from None
    except (OSError, OverflowError) as error:
        raise ContainerError(name, f"cannot be read: {visible(str(error), max_chars=80)}") from None


def _unpacked(source: Source, budget: _Budget, depth: int) -> Iterator[Source]:
    stream = io.BufferedReader(cast(io.RawIOBase, source.stream), 2**16)
    head = stream.peek(HEAD_BYTES)[:HEAD_BYTES]
    kind = "gzip" if head[:2] == _GZIP else "zip" if head[:4] in _ZIPS else ""
    if kind and depth >= MAX_NESTING:
        raise ContainerError(
            source.name, f"holds containers in each other more than {MAX_NESTING} deep: unpack it yourself"
        )
    if kind == "gzip":
        with gzip.GzipFile(fileobj=stream) as inner:
            opened = _Unpacked(cast(BinaryIO, inner), source.name, budget)
            yield from _unpacked(Source(source.name, cast(BinaryIO, opened), True), budget, depth + 1)
    elif kind == "zip":
        yield from _members(Source(source.name, stream), budget, depth + 1)
    else:
        yield Source(source.name, stream, source.is_packed)


def _members(source: Source, budget: _Budget, depth: int) -> Iterator[Source]:
    with ExitStack() as stack:
        stream = source.stream
        if depth > 1:
            stream = stack.enter_context(_spooled(stream, source.name))  # its directory is at its end
        with _as_ours(source.name):
            _check_directory(source.name, stream)
            archive = stack.enter_context(zipfile.ZipFile(stream))
        members = [member for member in archive.infolist() if not member.is_dir()]
        if not members:
            raise ContainerError(source.name, "is a zip without any file in it: look what packed it")
        if len(members) > MAX_MEMBERS:
            raise ContainerError(
                source.name, f"holds more than {MAX_MEMBERS:,} files: split it", f"limit: {MAX_MEMBERS} files"
            )
        if any(member.filename in _OFFICE for member in members):
            stream.seek(0)
            yield Source(source.name, stream)
            return
        for member in members:
            yield from _member(archive, member, f"{source.name}!{visible(member.filename)}", budget, depth)


def _check_directory(name: str, stream: BinaryIO) -> None:
    """Refuse a zip whose directory alone would fill the memory: it is read in one piece.

    Raises:
        ContainerError: it would.
    """
    end = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, end - _TAIL_BYTES))
    tail = stream.read(_TAIL_BYTES)
    at = tail.rfind(_ZIPS[1])
    size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    at = tail.rfind(b"PK\x06\x06", 0, max(at, 0))
    if at >= 0:  # zip64: the size of the directory stands in a record of its own
        size = int.from_bytes(tail[at + 40 : at + 48], "little")
    if size > MAX_DIRECTORY_BYTES:
        raise ContainerError(
            name, f"holds more than {MAX_MEMBERS:,} files: split it", f"limit: {MAX_MEMBERS} files"
        )
    stream.seek(0)


def _member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, budget: _Budget, depth: int
) -> Iterator[Source]:
    try:
        with _as_ours(name):
            inner = archive.open(member)
    except ContainerError as error:
        yield Source(name, cast(BinaryIO, _Broken(error)))
        return
    with inner:
        opened = cast(BinaryIO, _Unpacked(cast(BinaryIO, inner), name, budget))
        try:
            yield from _unpacked(Source(name, opened, True), budget, depth)
        except ContainerError as error:
            # One damaged member never costs its neighbours.
            yield Source(error.name, cast(BinaryIO, _Broken(error)))


class _Broken(io.RawIOBase):
    """A member that cannot be read: whoever tries is told why."""

    def __init__(self, error: ContainerError) -> None:
        super().__init__()
        self._error = error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:  # noqa: ARG002 - the signature of RawIOBase
        raise self._error
