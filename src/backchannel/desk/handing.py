"""Hand a drop on: the copy in the outbox is the source of every form in which it leaves.

Names of what is written are random, and say nothing of sender, reader or content. A file appears under its name when
it is whole.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from backchannel.clock import Clock, parse_time
from backchannel.desk.drop_documents import SentDrop
from backchannel.desk.node import Node
from backchannel.desk.outbox import OUTBOX
from backchannel.desk.releasing import Made
from backchannel.desk.writing import sync_folder
from backchannel.drop import limits
from backchannel.drop.armor import write_armored
from backchannel.drop.parts import split
from backchannel.errors import InputError, NotFoundError, UsageError
from backchannel.provenance.deniable import open_either
from backchannel.provenance.predicates import Release
from backchannel.provenance.statement import MAX_MANIFEST_BYTES, content_of, digest_text
from backchannel.stix.visible import visible
from backchannel.store.statements import SentRow

MAX_LOOKED_AT = 100_000
"""Drops that one is looked for among, the newest."""
_STEP_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """In which form a drop leaves."""

    armored: bool = False
    """As text, for mail and chat."""
    part_chars: int | None = None
    """As numbered texts of so many characters at most."""


def write_out(drop: Path, form: Form, out: IO[bytes]) -> None:
    """Write a drop to a stream; of a drop in parts, one part after the other.

    Raises:
        InputError: it is too long for parts.
        UsageError: the parts would be too short.
        OSError: it cannot be read or written.
    """
    if form.part_chars is not None:
        for text in _parts(drop, form.part_chars):
            out.write(text.encode() + b"\n")
        return
    with drop.open("rb") as source:
        if form.armored:
            write_armored(source, out)
        else:
            shutil.copyfileobj(source, out, _STEP_BYTES)


def write_into(drop: Path, form: Form, folder: Path) -> tuple[Path, ...]:
    """Write a drop into a folder, under a random name or, in parts, under several of one; return where.

    Raises:
        InputError: it cannot be written, or is too long for parts.
        UsageError: the parts would be too short.
    """
    name = random_name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if form.part_chars is None:
            path = folder / f"{name}.{'txt' if form.armored else 'bcb'}"
            with whole_file(path) as out:
                write_out(drop, form, out)
            return (path,)
        texts = list(_parts(drop, form.part_chars))
        width = len(str(len(texts)))
        paths = [folder / f"{name}-{number:0{width}}.txt" for number in range(1, len(texts) + 1)]
        for path, text in zip(paths, texts, strict=True):
            with whole_file(path) as out:
                out.write(text.encode())
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written: {error.strerror}", hint="Name another folder with -o."
        ) from error
    return tuple(paths)


def random_name() -> str:
    """Return a name for a file: 16 random hexadecimal digits."""
    return secrets.token_hex(8)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a draft beside `path` to write to; it gets that name once it is whole, and is gone after an error."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _parts(drop: Path, part_chars: int) -> Iterator[str]:
    size = drop.stat().st_size
    if size > limits.MAX_TEXT_FILE_BYTES:
        raise InputError(
            f"a drop of {size:,} bytes is too long for parts: {limits.MAX_TEXT_FILE_BYTES:,} are put together",
            hint="Hand it on as a file, or make several drops.",
        )
    yield from split(drop.read_bytes(), part_chars)


# --- Once more -----------------------------------------------------------------------------------------


def kept_copy(node: Node, clock: Clock, *, drop: str = "", to: str = "", seq: int | None = None) -> Made:
    """Return the copy of a drop that was sent before: the very bytes, for whoever did not get them.

    Args:
        node: ours.
        clock: the present.
        drop: the digest of its manifest, or its beginning; or
        to: the party, with
        seq: its number.

    Raises:
        NotFoundError: no such drop was sent, or its copy is kept no more.
        UsageError: several begin so, or several have that number.
    """
    row = _sent(node, drop, to, seq)
    manifest = node.store.statements.get(row.manifest)
    if manifest is None:
        raise NotFoundError("the manifest of that drop is not here", hint="Send its objects anew.")
    opened, is_deniable = open_either(manifest.envelope, max_bytes=MAX_MANIFEST_BYTES)
    release = content_of(opened.statement)
    if not isinstance(release, Release):
        raise NotFoundError("the manifest of that drop is not here", hint="Send its objects anew.")
    until = parse_time(release.expires)
    path = node.home / OUTBOX / f"{release.bundle}-{int(until.timestamp())}.bcb"
    if not path.is_file() or until < clock.now():
        raise NotFoundError(
            f"the copy of that drop was good until {release.expires[:10]} and is kept no more",
            hint="Send its objects anew: backchannel release send.",
        )
    document = SentDrop(
        to=row.party,
        seq=row.seq,
        drop=digest_text(row.manifest),
        bytes=path.stat().st_size,
        objects=row.objects,
        withheld=0,
        statements=sum(chunk.type == "S" for chunk in release.chunks),
        attachments=sum(chunk.type == "A" and bool(chunk.name) for chunk in release.chunks),
        deniable=is_deniable,
        ack=row.ack,
        expires=release.expires,
        paths=(),
    )
    return Made(document, path)


def _sent(node: Node, drop: str, to: str, seq: int | None) -> SentRow:
    wanted = drop.strip().lower().removeprefix("sha256:").removesuffix("…")
    if bool(wanted) == bool(to) or (seq is not None and not to):
        raise UsageError(
            "name a drop, or a party and a number", hint="For example: release again --to PARTY --seq 3"
        )
    party_row = None
    if to:
        party = node.store.parties.by_name(to.strip())
        if party is None:
            raise NotFoundError(
                f"there is no party {visible(to.strip(), max_chars=100)!r}",
                hint="See `backchannel party list`.",
            )
        party_row = party.party_row
    rows = node.store.statements.sent(party_row=party_row, manifest=None, at_most=MAX_LOOKED_AT)
    found = [row for row in rows if row.manifest.hex().startswith(wanted) and (seq is None or row.seq == seq)]
    if to and seq is None:
        found = found[:1]  # the last one
    if not found:
        raise NotFoundError("no such drop was sent", hint="See `backchannel release list`.")
    if len(found) > 1:
        raise UsageError(
            "several drops are meant", hint="Write more of the digest that `backchannel release list` shows."
        )
    return found[0]
