"""Check what is in an opened drop against its verified manifest, before any of it is used.

Nothing of a chunk is parsed before its SHA-256 is the one that the manifest lists at its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO

from backchannel.drop import limits
from backchannel.drop.attachments import check_name
from backchannel.drop.chunks import check_object, read_chunk
from backchannel.drop.frames import LISTED, MAX_BYTES, OBJECTS, Frame, Kind, read_frames
from backchannel.ids import sha256
from backchannel.provenance.leaves import RunningRoot, leaf
from backchannel.provenance.predicates import Chunk
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import digest_text


def read_manifest(file: IO[bytes]) -> bytes:
    """Return the manifest's frame of an opened drop, which nothing has verified yet.

    Raises:
        Rejected: as `read_frames`.
    """
    file.seek(0)
    return next(read_frames(file)).body


def leading_statements(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the statements that stand right behind the manifest, of which nothing has been verified yet.

    Among them a reader may look for key sets, each of which a root key signed, so that it stands by itself; nothing
    else may be read before the manifest is verified. At most `limits.MAX_LEADING` are yielded.

    Raises:
        Rejected: as `read_frames`.
    """
    file.seek(0)
    frames = read_frames(file)
    next(frames)
    for frame in islice(frames, limits.MAX_LEADING):
        if frame.kind is not Kind.STATEMENT:
            return
        yield frame.body


def check_list(chunks: Sequence[Chunk], n: int) -> None:
    """Check that the manifest's list of chunks is one that can be.

    Raises:
        Rejected: `BAD_FORM`, `TOO_LARGE`, `TOO_MANY`, `BAD_NAME`, `UNLISTED_CHUNK` (one is listed twice).
    """
    if n > limits.MAX_OBJECTS:
        raise Rejected(Reason.TOO_MANY, f"{n:,} objects, and at most {limits.MAX_OBJECTS:,} are taken")
    if len(chunks) > limits.MAX_CHUNKS:
        raise Rejected(Reason.TOO_MANY, f"{len(chunks):,} parts, and at most {limits.MAX_CHUNKS:,} are taken")
    seen: set[str] = set()
    names: set[str] = set()
    is_within_file = False
    for number, chunk in enumerate(chunks):
        if chunk.i != number:
            raise Rejected(Reason.BAD_FORM, f"part {number} is listed under the number {chunk.i}")
        if chunk.len > MAX_BYTES[Kind(chunk.type)]:
            raise Rejected(Reason.TOO_LARGE, f"part {number} is listed with {chunk.len:,} bytes")
        if chunk.type != Kind.ATTACHMENT.value:
            if chunk.name:
                raise Rejected(Reason.BAD_FORM, f"part {number} has a name, and is no attachment")
            if chunk.sha256 in seen:
                raise Rejected(Reason.UNLISTED_CHUNK, f"part {number} is listed twice")
            seen.add(chunk.sha256)
        elif chunk.name:
            _check_new_name(chunk.name, names)
        elif not is_within_file:
            raise Rejected(Reason.BAD_FORM, f"part {number} belongs to an attachment that has no name")
        is_within_file = chunk.type == Kind.ATTACHMENT.value


def _check_new_name(name: str, names: set[str]) -> None:
    check_name(name)
    if name.casefold() in names:
        raise Rejected(Reason.BAD_NAME, f"two attachments are called {name}")
    names.add(name.casefold())
    if len(names) > limits.MAX_FILES:
        raise Rejected(Reason.TOO_MANY, f"more than {limits.MAX_FILES} attachments")


def check_contents(
    file: IO[bytes],
    chunks: Sequence[Chunk],
    *,
    n: int,
    root: str,
    progress: Callable[[int], None] = lambda _: None,
) -> list[int]:
    """Check everything in an opened drop against its manifest, which has been verified.

    Args:
        file: the opened drop.
        chunks: the manifest's list.
        n: how many objects it says there are.
        root: their root (`provenance.leaves`).
        progress: is told now and then how many bytes were checked.

    Returns:
        Where the body of each chunk begins in `file`.

    Raises:
        Rejected: as `check_list`, `read_frames`, `read_chunk` and `check_object`; `UNLISTED_CHUNK`,
            `MISSING_CHUNK`, `CHUNK_MISMATCH` (of a chunk, the number of objects or the root).
    """
    check_list(chunks, n)
    file.seek(0)
    places: list[int] = []
    tree = RunningRoot()
    for frame in read_frames(file):
        if frame.kind not in LISTED:
            continue
        if len(places) == len(chunks):
            raise Rejected(Reason.UNLISTED_CHUNK, f"the one at byte {frame.at:,}")
        _check_chunk(frame, chunks[len(places)])
        places.append(frame.at)
        if frame.kind in OBJECTS:
            _check_objects(frame, tree, n)
        progress(frame.at + len(frame.body))
    if len(places) < len(chunks):
        raise Rejected(Reason.MISSING_CHUNK, f"part {len(places)} of {len(chunks)} and those behind it")
    if tree.size != n or digest_text(tree.root()) != root:
        raise Rejected(Reason.CHUNK_MISMATCH, "its objects do not have the root that is signed")
    return places


def _check_chunk(frame: Frame, listed: Chunk) -> None:
    is_listed = frame.kind.value == listed.type and len(frame.body) == listed.len
    if not is_listed or hashlib.sha256(frame.body).hexdigest() != listed.sha256:
        raise Rejected(Reason.CHUNK_MISMATCH, f"part {listed.i}, at byte {frame.at:,}")


def _check_objects(frame: Frame, tree: RunningRoot, n: int) -> None:
    for number, one in enumerate(read_chunk(frame.kind, frame.body), 1):
        try:
            check_object(one.jcs)
        except Rejected as refusal:
            where = f"object {number} of the part at byte {frame.at:,}"
            detail = f"{where}: {refusal.detail}" if refusal.detail else where
            raise Rejected(refusal.reason, detail) from None
        if tree.size == n:
            raise Rejected(Reason.CHUNK_MISMATCH, "it holds more objects than its manifest says")
        tree.add(leaf(one.salt, sha256(one.jcs)))
