"""Write a drop: sign what is in it, and for whom; then encrypt it to them.

    with path.open("wb") as target:
        written = write_drop(target, contents, draft, seal=sign, to=Recipients(("age1...",)), private=folder)

Constant memory, whatever is in it: chunks go to a private file first, because the manifest, which lists them,
stands before them.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from backchannel.codec import JsonObject
from backchannel.drop import limits, links
from backchannel.drop.armor import write_armored
from backchannel.drop.attachments import plain_name
from backchannel.drop.chunks import Salted, salt, to_chunks
from backchannel.drop.frames import HEAD, MAGIC, Kind, to_bytes
from backchannel.drop.links import Line
from backchannel.drop.manifest import Manifest, Seal
from backchannel.drop.padding import padding
from backchannel.drop.sealing import STEP_BYTES, check_recipients, encrypt, new_identity
from backchannel.errors import InputError
from backchannel.ids import sha256
from backchannel.parties.passphrase import encrypt_with_passphrase
from backchannel.provenance.leaves import RunningRoot, leaf
from backchannel.provenance.predicates import Chunk, Release
from backchannel.provenance.statement import digest_text

_END_BYTES = HEAD.size + 32
_LETTERS: Mapping[Kind, Literal["S", "L", "O", "Z", "A"]] = {
    Kind.STATEMENT: "S",
    Kind.LINKS: "L",
    Kind.OBJECTS: "O",
    Kind.PACKED: "Z",
    Kind.ATTACHMENT: "A",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along."""

    name: str
    """As its owner calls it; a plain name is made of it."""
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a drop; each part is read once, as a stream."""

    objects: Iterable[JsonObject] = ()
    """Decoded STIX objects; they go in canonical form."""
    statements: Iterable[bytes] = ()
    """Signed statements, each as its DSSE envelope."""
    attachments: Iterable[Attachment] = ()
    links: Iterable[Line] = ()
    """Which statements stand behind which objects, in their order."""


@dataclass(frozen=True, slots=True, repr=False)
class Recipients:
    """Who can open it: age recipients, or whoever has the passphrase. Its text form shows nothing of it."""

    age: tuple[str, ...] = ()
    passphrase: str | None = None
    hides_number: bool = False
    """Whether random recipients are added up to 32, so that nobody sees how many there are."""

    def all(self) -> tuple[str, ...]:
        """Return the age recipients, the random ones among them."""
        missing = limits.MAX_STANZAS - len(self.age) if self.hides_number else 0
        return (*self.age, *(new_identity()[1] for _ in range(missing)))


def write_drop(
    target: BinaryIO,
    contents: Contents,
    draft: Release,
    *,
    seal: Seal,
    to: Recipients,
    private: Path,
    armored: bool = False,
    salts: Iterable[bytes] | None = None,
    wrote: Callable[[Salted], None] = lambda _: None,
) -> Manifest:
    """Write a drop to `target`, and return its signed manifest: keep it as proof of what was sent.

    Args:
        target: where it goes; what stands in it after an error is to be thrown away.
        contents: what goes into it.
        draft: the manifest, without `root`, `n` and `chunks`, which are filled in.
        seal: signs it.
        to: who can open it.
        private: a folder that nobody else can read, with room for the contents.
        armored: whether it is written as text, for mail and chat.
        salts: 16 bytes for each object, which say later whose copy one is from (`provenance.leaves`); by default
            random ones.
        wrote: is told of each object with its salt, in order: what a proof about it is made of later.

    Raises:
        InputError: an object, a statement or the whole is too large, or cannot be written.
        UsageError: the recipients are none, too many, or no age recipients.
    """
    if to.passphrase is None:
        check_recipients(to.age)
    with tempfile.TemporaryFile(dir=private) as spool, tempfile.TemporaryFile(dir=private) as sealed:
        release = _spool(spool, contents, draft, salts, wrote)
        manifest = seal(release)
        source = _Blocks(_plaintext(spool, manifest.frame))
        out = sealed if armored else target
        if to.passphrase is not None:
            out.write(encrypt_with_passphrase(_in_memory(source), to.passphrase))
        else:
            encrypt(source, out, to.all())
        if armored:
            sealed.seek(0)
            write_armored(sealed, target)
    return manifest


def _spool(
    spool: BinaryIO,
    contents: Contents,
    draft: Release,
    salts: Iterable[bytes] | None,
    wrote: Callable[[Salted], None],
) -> Release:
    """Write all chunks to `spool`; return the manifest that lists them."""
    root = RunningRoot()

    def salted() -> Iterator[Salted]:
        for one in salt(contents.objects, salts):
            root.add(leaf(one.salt, sha256(one.jcs)))
            wrote(one)
            yield one

    chunks: list[Chunk] = []
    for kind, body, name in _parts(contents, salted()):
        try:
            frame = to_bytes(kind, body)
        except ValueError:
            raise InputError(f"a statement of {len(body):,} bytes is too long for a drop") from None
        spool.write(frame)
        digest = hashlib.sha256(body).hexdigest()
        chunks.append(Chunk(i=len(chunks), type=_LETTERS[kind], len=len(body), sha256=digest, name=name))
        if len(chunks) > limits.MAX_CHUNKS or spool.tell() > limits.MAX_FILE_BYTES:
            raise InputError(
                "this is more than one drop holds (2 GiB)", hint="Make several drops, each with a part of it."
            )
    return msgspec.structs.replace(draft, root=digest_text(root.root()), n=root.size, chunks=chunks)


def _parts(contents: Contents, salted: Iterable[Salted]) -> Iterator[tuple[Kind, bytes, str]]:
    for statement in contents.statements:
        yield Kind.STATEMENT, statement, ""
    for body in links.to_chunks(contents.links):
        yield Kind.LINKS, body, ""
    for kind, body in to_chunks(salted):
        yield kind, body, ""
    names: set[str] = set()
    for number, attachment in enumerate(contents.attachments, 1):
        if number > limits.MAX_FILES:
            raise InputError(
                f"a drop takes {limits.MAX_FILES} attachments, and there are more",
                hint="Put them into an archive.",
            )
        name = plain_name(attachment.name, names)
        names.add(name.casefold())
        body = attachment.file.read(limits.MAX_CHUNK_BYTES)
        yield Kind.ATTACHMENT, body, name
        while body := attachment.file.read(limits.MAX_CHUNK_BYTES):
            yield Kind.ATTACHMENT, body, ""


def _plaintext(spool: BinaryIO, manifest: bytes) -> Iterator[bytes]:
    """Yield the whole drop, as it is before it is encrypted."""
    if len(manifest) > limits.MAX_MANIFEST_BYTES:
        raise InputError(
            "the list of what is in the drop is longer than 1 MiB",
            hint="Make several drops, each with a part of it.",
        )
    digest = hashlib.sha256()

    def frames() -> Iterator[bytes]:
        yield to_bytes(Kind.MANIFEST, manifest)
        length = len(MAGIC) + HEAD.size + len(manifest) + spool.tell() + _END_BYTES
        spool.seek(0)
        while block := spool.read(STEP_BYTES):
            yield block
        yield from padding(length)

    yield MAGIC
    for block in frames():
        digest.update(block)
        yield block
    yield to_bytes(Kind.END, digest.digest())


def _in_memory(source: _Blocks) -> bytes:
    most = (
        limits.MAX_PASSPHRASE_FILE_BYTES - limits.MAX_HEADER_BYTES - limits.MAX_PASSPHRASE_FILE_BYTES // 1024
    )
    data = source.read(most + 1)
    if len(data) > most:
        raise InputError(
            f"a drop under a passphrase takes {limits.MAX_PASSPHRASE_FILE_BYTES // limits.MIB} MiB at most",
            hint="Encrypt it to the party's key, or make several drops.",
        )
    return data


class _Blocks:
    """Blocks of bytes as a stream."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, `size` of them or all that are left."""
        parts: list[memoryview] = []
        while size:
            if not self._block:
                following = next(self._blocks, None)
                if following is None:
                    break
                self._block = memoryview(following)
            part = self._block if size < 0 else self._block[:size]
            self._block = self._block[len(part) :]
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)
