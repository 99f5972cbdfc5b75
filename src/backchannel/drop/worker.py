"""The process that opens a drop: everything hostile happens here, under limits that the system enforces.

    job (a line of JSON)  ->                       file, private file: open descriptors, named in the job
                          <-  {"progress": bytes}  now and then
                          <-  {"opened": bytes}    the private file holds the drop, unverified
    list of chunks        ->                       once whoever asked has verified the manifest
                          <-  {"checked": places}
                          <-  {"refused": reason, "detail": text} or {"failed": what}, at any time

The process ends when its input does. It has no network, no store and no key but those that open the drop.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from typing import BinaryIO, Final

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.drop import guard, limits
from backchannel.drop.armor import Dearmored
from backchannel.drop.checking import check_contents
from backchannel.drop.sealing import Keys, decrypt
from backchannel.provenance.predicates import Chunk
from backchannel.provenance.reasons import Reason, Rejected

PROGRESS_BYTES: Final = 8 * limits.MIB

Say = Callable[[JsonObject], None]


def main() -> None:
    """Open the drop that standard input names; tell on standard output what came of it."""
    channel_in, channel_out = sys.stdin.buffer, sys.stdout.buffer

    def say(message: JsonObject) -> None:
        channel_out.write(codec.encode(message) + b"\n")
        channel_out.flush()

    try:
        _work(channel_in, say)
    except Rejected as refusal:
        say({"refused": refusal.reason.value, "detail": refusal.detail})
    except MemoryError:
        say({"refused": Reason.TOO_SLOW.value, "detail": "it takes more memory than is allowed"})
    except OSError as error:
        say({"failed": error.strerror or "input and output"})


def _work(channel_in: BinaryIO, say: Say) -> None:
    job = codec.decode(channel_in.readline())
    size: int = job["size"]
    _limit(size, is_passphrase=job["passphrase"] is not None)
    keys = Keys(tuple(job["identities"]), job["passphrase"])
    with os.fdopen(job["file"], "rb") as file, os.fdopen(job["private"], "w+b") as private:
        file.seek(0)
        head = guard.check(file, size, has_passphrase=keys.passphrase is not None)
        source = Dearmored(file) if head.is_armored else file
        decrypt(source, _Counted(private, say), keys, is_passphrase=head.is_passphrase)
        private.flush()
        say({"opened": private.tell()})
        line = channel_in.readline()
        if not line:
            return
        listed = codec.decode(line)
        _allow(listed["n"])
        chunks = [Chunk(**one) for one in listed["chunks"]]
        told = _Steps(say)
        say(
            {"checked": check_contents(private, chunks, n=listed["n"], root=listed["root"], progress=told.at)}
        )


def cpu_seconds(size: int) -> int:
    """Return how long (CPU seconds) the worker may take to open a file of `size` bytes."""
    return limits.WORKER_CPU_S + size // limits.WORKER_BYTES_PER_CPU_S


def _limit(size: int, *, is_passphrase: bool) -> None:
    """Let the system end this process when it takes too much, and let it write no core (which holds keys)."""
    seconds = cpu_seconds(size)
    most = seconds + limits.MAX_OBJECTS // limits.WORKER_OBJECTS_PER_CPU_S
    memory = limits.WORKER_PASSPHRASE_MEMORY_BYTES if is_passphrase else limits.WORKER_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + limits.MIB, size + limits.MIB))
    if sys.platform != "darwin":  # which knows this limit, and refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def _allow(n: int) -> None:
    """Allow the time that `n` objects take: a party that is known here signed for that number."""
    seconds, most = resource.getrlimit(resource.RLIMIT_CPU)
    seconds = min(seconds + n // limits.WORKER_OBJECTS_PER_CPU_S, most)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, most))


class _Steps:
    """Tells of progress, but not of every byte."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._told = 0

    def at(self, done: int) -> None:
        if done - self._told >= PROGRESS_BYTES:
            self._told = done
            self._say({"progress": done})


class _Counted:
    """The private file, which tells how much was written."""

    def __init__(self, file: BinaryIO, say: Say) -> None:
        self._file = file
        self._steps = _Steps(say)
        self._done = 0

    def write(self, data: bytes) -> int:
        self._done += len(data)
        self._steps.at(self._done)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


if __name__ == "__main__":
    main()
