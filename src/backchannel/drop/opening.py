"""Open a drop: in a process with limits, into a private file that has no name, verified before it is parsed.

    with open_drop(file, keys=keys, verify=verify, private=folder) as opened:
        opened.release                      # what was signed
        for one in opened.objects(): ...    # canonical bytes, with their salts

Everything in the drop has been checked against its signed manifest before `open_drop` returns; of a drop that
is refused, nothing was given to anybody. Whom it is addressed to and its times are judged by `verify`, its place on
the channel by `sequence`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Self

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.drop import guard, limits
from backchannel.drop.attachments import create
from backchannel.drop.checking import check_list, leading_statements, read_manifest
from backchannel.drop.chunks import Salted, read_chunk
from backchannel.drop.frames import OBJECTS, Kind
from backchannel.drop.links import Linked, by_object, read_lines
from backchannel.drop.manifest import Manifest, Verify
from backchannel.drop.sealing import STEP_BYTES, Keys
from backchannel.errors import StoreError
from backchannel.provenance.predicates import Chunk, Release
from backchannel.provenance.reasons import REASONS, Reason, Rejected
from backchannel.stix.visible import visible

Progress = Callable[[int], None]
"""Is told now and then how many bytes were worked through."""

Introduce = Callable[[Iterator[bytes]], bool]
"""Takes key sets among the statements that stand first, each verified by itself; returns whether one was news."""

_MAX_LINE_BYTES: Final = limits.MIB
"""Longest line that the worker says: a place for each chunk."""
_START: Final = "import sys; sys.path[:] = sys.argv[1:]; del sys.argv[1:]; from backchannel.drop.worker import main; main()"


@dataclass(frozen=True, slots=True)
class File:
    """An attachment: never run, never shown, only saved."""

    name: str
    size: int
    first: int
    """Number of its first chunk."""
    count: int


@dataclass(slots=True)
class Opened:
    """A drop that was opened, verified and checked. Close it: its contents lie in a file until then."""

    manifest: Manifest
    head: guard.Head
    _private: IO[bytes] = field(repr=False)
    _places: list[int] = field(repr=False)

    @property
    def release(self) -> Release:
        """What was signed."""
        return self.manifest.release

    def objects(self) -> Iterator[Salted]:
        """Yield each object, in the order in which they were signed."""
        for chunk in self.release.chunks:
            if Kind(chunk.type) in OBJECTS:
                yield from read_chunk(Kind(chunk.type), self._body(chunk))

    def statements(self) -> Iterator[bytes]:
        """Yield each statement that came along, as its envelope. Nobody has verified it yet."""
        for chunk in self.release.chunks:
            if chunk.type == Kind.STATEMENT.value:
                yield self._body(chunk)

    def links(self) -> Iterator[Linked]:
        """Yield, for each object in its order, which statements stand behind it, as the drop says.

        Raises:
            Rejected: `BAD_FORM`, `TOO_LARGE`.
        """
        bodies = (self._body(chunk) for chunk in self.release.chunks if chunk.type == Kind.LINKS.value)
        return by_object(read_lines(bodies), self.release.n)

    def files(self) -> list[File]:
        """Return the attachments."""
        found: list[File] = []
        for chunk in self.release.chunks:
            if chunk.type == Kind.ATTACHMENT.value and chunk.name:
                found.append(File(chunk.name, chunk.len, chunk.i, 1))
            elif chunk.type == Kind.ATTACHMENT.value:
                last = found[-1]
                found[-1] = File(last.name, last.size + chunk.len, last.first, last.count + 1)
        return found

    def save(self, file: File, folder: Path) -> Path:
        """Write an attachment into `folder`, under its name or its name with a number; return where.

        Raises:
            StoreError: it cannot be written.
        """
        path, target = create(folder, file.name)
        try:
            with target:
                for chunk in self.release.chunks[file.first : file.first + file.count]:
                    target.write(self._body(chunk))
        except OSError as error:
            path.unlink(missing_ok=True)
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error
        return path

    def _body(self, chunk: Chunk) -> bytes:
        body = os.pread(self._private.fileno(), chunk.len, self._places[chunk.i])
        # Once more, here: the process that checked it could write to the file.
        if hashlib.sha256(body).hexdigest() != chunk.sha256:
            raise Rejected(Reason.CHUNK_MISMATCH, f"part {chunk.i} changed after it was checked")
        return body

    def close(self) -> None:
        """Let go of the contents."""
        self._private.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def spool(stream: IO[bytes], private: Path) -> IO[bytes]:
    """Copy what can be read only once (a pipe, an upload) into a private file without a name.

    Raises:
        Rejected: `TOO_LARGE`.
    """
    file = tempfile.TemporaryFile(dir=private)  # noqa: SIM115 - whoever asked for it closes it
    size = 0
    while data := stream.read(STEP_BYTES):
        size += len(data)
        if size > limits.MAX_FILE_BYTES:
            file.close()
            raise Rejected(Reason.TOO_LARGE, f"more than {limits.MAX_FILE_BYTES:,} bytes")
        file.write(data)
    file.flush()
    file.seek(0)
    return file


def open_drop(
    file: IO[bytes],
    *,
    keys: Keys,
    verify: Verify,
    private: Path,
    progress: Progress = lambda _: None,
    introduce: Introduce = lambda _: False,
) -> Opened:
    """Open the drop in `file`, verify its manifest, and check everything else against that.

    Args:
        file: a file of the system (what cannot be reopened or sought goes through `spool`).
        keys: what opens it.
        verify: verifies the manifest.
        private: a folder that nobody else can read, with room for the contents.
        progress: is told how far it is.
        introduce: is asked where the key that signed the manifest is not known, or is over, whether the key sets
            that stand first in the drop say otherwise; then `verify` is asked once more.

    Raises:
        Rejected: whatever is wrong with it; nothing of it was given to anybody.
        StoreError: the disk is full, or cannot be written.
    """
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    head = guard.check(file, size, has_passphrase=keys.passphrase is not None)
    kept = tempfile.TemporaryFile(dir=private)  # noqa: SIM115 - closed with what is returned
    try:
        with _Worker(file, kept, progress) as worker:
            worker.tell(_job(file, kept, size, keys))
            worker.hear("opened")
            manifest = _verified(kept, verify, introduce)
            check_list(manifest.release.chunks, manifest.release.n)
            worker.tell(_listed(manifest.release))
            places = worker.hear("checked")
            if len(places) != len(manifest.release.chunks):
                raise _nonsense()
    except BaseException:
        kept.close()
        raise
    return Opened(manifest, head, kept, places)


def _verified(kept: IO[bytes], verify: Verify, introduce: Introduce) -> Manifest:
    frame = read_manifest(kept)
    try:
        return verify(frame)
    except Rejected as refusal:
        is_of_keys = refusal.reason in {Reason.UNKNOWN_KEY, Reason.KEY_NOT_CURRENT}
        if not is_of_keys or not introduce(leading_statements(kept)):
            raise
    return verify(frame)


def _job(file: IO[bytes], kept: IO[bytes], size: int, keys: Keys) -> JsonObject:
    return {
        "file": file.fileno(),
        "private": kept.fileno(),
        "size": size,
        "identities": list(keys.identities),
        "passphrase": keys.passphrase,
    }


def _listed(release: Release) -> JsonObject:
    chunks = [
        {"i": c.i, "type": c.type, "len": c.len, "sha256": c.sha256, "name": c.name} for c in release.chunks
    ]
    return {"n": release.n, "root": release.root, "chunks": chunks}


class _Worker:
    """The process that opens a drop (`worker`)."""

    def __init__(self, file: IO[bytes], kept: IO[bytes], progress: Progress) -> None:
        self._progress = progress
        # -I -S: nothing of the environment and no site's start-up code; the path is ours, handed on.
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(file.fileno(), kept.fileno()),
        )
        if process.stdin is None or process.stdout is None:
            raise StoreError("the process that opens drops could not be started")
        self._process, self._in, self._out = process, process.stdin, process.stdout
        self._timer = threading.Timer(limits.WORKER_WALL_S, process.kill)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.communicate()

    def tell(self, message: JsonObject) -> None:
        try:
            self._in.write(codec.encode(message) + b"\n")
            self._in.flush()
        except BrokenPipeError:
            pass  # what became of it is heard next

    def hear(self, awaited: str) -> list[int]:
        """Wait until the worker says `awaited`."""
        while line := self._out.readline(_MAX_LINE_BYTES):
            # The process read what is hostile, so what it says is taken for no more than it may be.
            message = _message(line)
            if "progress" in message:
                self._progress(_number(message["progress"]))
            elif awaited in message:
                found = message[awaited]
                return [_number(each) for each in (found if isinstance(found, list) else [found])]
            elif message.get("refused") in REASONS:
                raise Rejected(REASONS[message["refused"]], visible(str(message.get("detail", ""))))
            else:
                raise StoreError(
                    f"the drop cannot be opened: {message.get('failed')}", hint="See that there is room."
                )
        code = self._process.wait()
        raise Rejected(Reason.TOO_SLOW, f"the process that opened it was ended ({_why(code)})")


def _message(line: bytes) -> JsonObject:
    try:
        message = codec.decode(line)
    except ValueError:
        raise _nonsense() from None
    if not isinstance(message, dict):
        raise _nonsense()
    return message


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise _nonsense()
    return value


def _nonsense() -> Rejected:
    return Rejected(Reason.TOO_SLOW, "the process that opened it did not say what it should")


def _why(code: int) -> str:
    import signal  # noqa: PLC0415  # only where something went wrong

    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
