"""Open a log: plain, in UTF-16, gzip, zstd, xz or bzip2, by content, as a plain file of a fixed length."""

from __future__ import annotations

import bz2
import codecs
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from gzip import GzipFile
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from backchannel.logs.lines import BOM, numbered

MAX_UNPACKED_BYTES = 64 * 2**30
"""Most that one compressed log may unpack to; bounds the disk that a hostile file can take."""
MAX_RATIO = 300
"""Most bytes out for one in, beyond `RATIO_FREE_BYTES`: logs compress well, bombs a thousandfold."""
RATIO_FREE_BYTES = 64 * 2**20
SAMPLE_BYTES = 96 * 1024
MAX_SAMPLED_LINES = 300
"""Lines looked at where the first ones are too long for a sample by bytes."""
MAX_WINDOW_BYTES = 2**27
"""Largest window of a zstd frame: bounds the memory that a hostile one can ask for."""
PARQUET_MAGIC = b"PAR1"
_CHUNK = 2**20
_PIECE = 2**16


class UnreadableLogError(ValueError):
    """A log that cannot be opened; a sentence says why."""


@dataclass(frozen=True, slots=True)
class OpenLog:
    """One log, ready to be read."""

    path: Path
    """A plain file: the log itself, whatever has its name meanwhile, or a copy unpacked for the while."""
    size: int
    """Bytes of it that are read (uncompressed)."""
    written: datetime | None = None
    """When it was last written to."""
    damage: str = ""
    """Why only the beginning of a compressed log could be unpacked; "" if all of it was."""

    def lost(self) -> bool:
        """Whether the log is shorter by now than it was when it was opened."""
        return self.path.stat().st_size < self.size

    def sample(self) -> list[bytes]:
        """Return lines from the beginning, the middle and the end."""
        with self.path.open("rb") as stream:
            head = stream.read(min(SAMPLE_BYTES, self.size))
            if len(head) < self.size and b"\n" not in head:
                stream.seek(0)
                shorter = numbered(stream, end=self.size, on_long=_pass_over)
                return [line for _, line in islice(shorter, MAX_SAMPLED_LINES)] or [head]
            lines = [line.strip(b"\0") for line in head.removeprefix(BOM).splitlines()]
            for start in (self.size // 2, self.size - SAMPLE_BYTES):
                if start > SAMPLE_BYTES:
                    stream.seek(start)
                    lines += stream.read(min(SAMPLE_BYTES, self.size - start)).splitlines()[1:-1]
        return lines


def _pass_over(line: int, why: str) -> None:
    """What is too long for a sample is told when it is read."""


@contextmanager
def open_log(path: Path, *, scratch: Path | None = None) -> Iterator[OpenLog]:
    """Open a log for the while of a `with`.

    Args:
        path: the file.
        scratch: folder for an unpacked copy; the system's own for such by default.

    Raises:
        UnreadableLogError: it cannot be opened, or is no regular file.
    """
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            written = datetime.fromtimestamp(status.st_mtime, UTC)
            head = stream.read(4)
            unpack = _unpacker(head)
            if unpack is None:
                # DuckDB remembers parts of Parquet by name; nobody rotates such files while they are written.
                held = path if head == PARQUET_MAGIC else _held(stream.fileno(), path)
                yield OpenLog(held, status.st_size, written)
                return
            stream.seek(0)
            with tempfile.NamedTemporaryFile(dir=scratch, prefix="backchannel-", suffix=".log") as copy:
                damage = _copy(unpack(stream), cast("BinaryIO", copy), packed=status.st_size)
                copy.flush()
                yield OpenLog(Path(copy.name), copy.tell(), written, damage)
    except OSError as error:
        raise UnreadableLogError(f"it cannot be opened: {error.strerror or error}") from error


def _held(descriptor: int, path: Path) -> Path:
    """Return a name of the open file itself: under its own, another log may lie before this one is read to its end."""
    held = Path(f"/proc/self/fd/{descriptor}")
    return held if held.exists() else path


def is_packed(path: Path) -> bool:
    """Whether a log is compressed; raises `OSError` where it cannot be opened."""
    with path.open("rb") as stream:
        return _unpacker(stream.read(4)) is not None


def beginning(path: Path) -> list[bytes]:
    """Return the first lines of a log, of which no more is unpacked than that.

    Raises:
        UnreadableLogError: it cannot be opened, is no regular file, or is damaged at its beginning.
    """
    if not path.is_file():
        raise UnreadableLogError("it is no file")
    try:
        with path.open("rb") as stream:
            unpack = _unpacker(stream.read(4))
            stream.seek(0)
            head = stream.read(SAMPLE_BYTES) if unpack is None else unpack(stream).read1(SAMPLE_BYTES)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, MemoryError) as error:
        raise UnreadableLogError(f"it cannot be opened: {error}") from error
    except Exception as error:  # zstandard's own error, whose module is not loaded for gzip
        if type(error).__name__ != "ZstdError":
            raise
        raise UnreadableLogError(f"it cannot be opened: {error}") from error
    lines = [line.strip(b"\0") for line in head.removeprefix(BOM).splitlines()]
    return lines[:-1] if len(lines) > 1 and not head.endswith(b"\n") else lines


class _Unpacked(Protocol):
    """What a compressed log unpacks to."""

    def read1(self, size: int, /) -> bytes:
        """Return what the next piece unpacks to, before anything is said of damage behind it; b"" at the end."""
        ...


def _unpacker(head: bytes) -> Callable[[BinaryIO], _Unpacked] | None:
    if head.startswith(b"\x1f\x8b"):
        return lambda stream: GzipFile(fileobj=stream)
    if head == b"\x28\xb5\x2f\xfd":
        return _ZstdStream
    if head == b"\xfd7zX":
        return lambda stream: _Stepwise(
            stream, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_WINDOW_BYTES)
        )
    if head.startswith(b"BZh"):
        return lambda stream: _Stepwise(stream, bz2.BZ2Decompressor)
    encoding = _utf_16(head)
    return None if encoding is None else lambda stream: _Utf16Stream(stream, encoding)


def _utf_16(head: bytes) -> str | None:
    """Return in which order of bytes a text of UTF-16 is, None if it is none: by its mark, or by two plain letters."""
    for encoding, mark, zeros in (
        ("utf-16-le", b"\xff\xfe", head[1::2]),
        ("utf-16-be", b"\xfe\xff", head[::2]),
    ):
        letters = head.replace(b"\0", b"")
        if head.startswith(mark) or (zeros == b"\0\0" and len(letters) == len(zeros) and letters.isascii()):
            return encoding
    return None


class _Utf16Stream:
    """A text in UTF-16, as some programs of Windows write it, in UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read1(self, size: int, /) -> bytes:
        """Return the next piece; b"" at the end."""
        while piece := self._stream.read(size):
            if text := self._decoder.decode(piece):
                return text.encode("utf-8", "replace")
        return b""


class _Decompressor(Protocol):
    """What `lzma` and `bz2` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        """Return what comes out, at most `max_length` bytes."""
        ...


class _Stepwise:
    """A file of xz or bzip2, stream after stream, never more than a step of it in memory."""

    def __init__(self, packed: BinaryIO, begin: Callable[[], _Decompressor]) -> None:
        self._packed, self._begin = packed, begin
        self._stream = begin()
        self._piece = b""

    def read1(self, size: int, /) -> bytes:
        """Return what the next piece of the file unpacks to; b"" at the end."""
        while True:
            if self._stream.eof:
                rest = self._stream.unused_data.lstrip(b"\0")  # between streams of xz zeros may stand
                while not rest and (piece := self._packed.read(_PIECE)):
                    rest = piece.lstrip(b"\0")
                if not rest:
                    return b""
                self._stream, self._piece = self._begin(), rest
            elif self._stream.needs_input and not self._piece:
                self._piece = self._packed.read(_PIECE)
                if not self._piece:
                    raise EOFError("its end is missing")
            piece, self._piece = self._piece, b""
            if out := self._stream.decompress(piece, size):
                return out


class _ZstdStream:
    """A zstd file, frame after frame; reading one that is cut off raises `EOFError`."""

    def __init__(self, packed: BinaryIO) -> None:
        import zstandard  # noqa: PLC0415  # only logs packed so pay for it

        self._packed = packed
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        self._frame = self._decompressor.decompressobj()
        self._begun = False

    def read1(self, _: int, /) -> bytes:
        """Return what the next piece of the file unpacks to; b"" at the end."""
        while piece := self._packed.read(_PIECE):
            out = self._unpacked(piece)
            if out:
                return out
        if self._begun and not self._frame.eof:
            raise EOFError("its end is missing")
        return b""

    def _unpacked(self, piece: bytes) -> bytes:
        out = []
        while piece:
            if self._frame.eof:
                self._frame, self._begun = self._decompressor.decompressobj(), False
            self._begun = True
            out.append(self._frame.decompress(piece))
            piece = self._frame.unused_data if self._frame.eof else b""
        return b"".join(out)


def _copy(packed_stream: _Unpacked, copy: BinaryIO, *, packed: int) -> str:
    """Unpack; return why it ended early, "" if it did not."""
    total = 0
    while True:
        try:
            chunk = packed_stream.read1(_CHUNK)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, MemoryError) as error:
            return f"its compressed data is damaged or cut off ({error}): only what came before was read"
        except Exception as error:  # zstandard's own error, whose module is not loaded for gzip
            if type(error).__name__ != "ZstdError":
                raise
            return f"its compressed data is damaged or cut off ({error}): only what came before was read"
        if not chunk:
            return ""
        total += len(chunk)
        if total > MAX_UNPACKED_BYTES or (total > RATIO_FREE_BYTES and total > MAX_RATIO * packed):
            return f"it unpacks to far more than a log does: only its first {total - len(chunk):,} bytes were read"
        copy.write(chunk)
