"""Drops to open: honest ones by the writer, and what a hostile sender with keys of its own could make."""

from __future__ import annotations

import hashlib
import io
import struct
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import pyrage
import pytest
from tests.sim.party import ALPHA, BETA, KNOWN, NOW, SimParty

from backchannel.codec import JsonObject
from backchannel.drop import guard
from backchannel.drop.armor import Dearmored
from backchannel.drop.checking import check_contents, read_manifest
from backchannel.drop.frames import MAGIC
from backchannel.drop.manifest import NO_ROOT, Manifest, Verify, signer, verifier
from backchannel.drop.opening import Opened, open_drop
from backchannel.drop.sealing import Keys, decrypt, new_identity
from backchannel.drop.writer import Attachment, Contents, Recipients, write_drop
from backchannel.ids import sha256
from backchannel.provenance.leaves import RunningRoot, leaf
from backchannel.provenance.predicates import Chunk, Release
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Terms

IDENTITY, RECIPIENT = new_identity()
"""Beta's."""
KEYS = Keys((IDENTITY,))
TERMS = Terms(now=NOW, me={BETA.kid}, seen=None)
VERIFY = verifier(KNOWN.get, TERMS)


def indicator(number: int = 0, **changes: object) -> JsonObject:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--8e2e2d2b-17d4-4cbf-938f-{number:012x}",
        "created": "2026-01-02T03:04:05.000Z",
        "modified": "2026-01-02T03:04:05.000Z",
        "name": f"host {number} of the loader",
        "pattern": f"[domain-name:value = 'h{number}.example.net']",
        "pattern_type": "stix",
        "valid_from": "2026-01-02T03:04:05Z",
    } | changes


def indicators(count: int) -> list[JsonObject]:
    return [indicator(number) for number in range(count)]


def draft(**changes: object) -> Release:
    fields: dict[str, object] = {
        "bundle": "4f" * 16,
        "from_": ALPHA.kid,
        "to": [BETA.kid],
        "chan": "alpha-beta",
        "seq": 1,
        "created": "2026-01-15T10:00:00Z",
        "expires": "2026-02-14T10:00:00Z",
        "tlp_max": "amber",
        "root": NO_ROOT,
        "n": 0,
        "chunks": [],
    }
    return Release(**(fields | changes))  # type: ignore[arg-type]


def write(
    objects: Iterable[JsonObject] = (),
    *,
    by: SimParty = ALPHA,
    statements: Sequence[bytes] = (),
    attachments: Sequence[tuple[str, bytes]] = (),
    to: Recipients | None = None,
    armored: bool = False,
    **changes: object,
) -> tuple[bytes, Manifest]:
    """An honest drop of Alpha's to Beta, and its manifest."""
    target = io.BytesIO()
    contents = Contents(
        objects, statements, [Attachment(name, io.BytesIO(data)) for name, data in attachments]
    )
    with tempfile.TemporaryDirectory() as private:
        manifest = write_drop(
            target,
            contents,
            draft(from_=by.kid, **changes),
            seal=signer(by.key),
            to=to or Recipients((RECIPIENT,)),
            private=Path(private),
            armored=armored,
        )
    return target.getvalue(), manifest


def open_in_worker(
    data: bytes,
    folder: Path,
    *,
    keys: Keys = KEYS,
    verify: Verify = VERIFY,
    progress: Callable[[int], None] | None = None,
) -> Opened:
    path = folder / "received"
    path.write_bytes(data)
    with path.open("rb") as file:
        told = {} if progress is None else {"progress": progress}
        return open_drop(file, keys=keys, verify=verify, private=folder, **told)


def open_here(data: bytes, *, keys: Keys = KEYS, verify: Verify = VERIFY) -> Manifest:
    """All that the worker does, in this process: for what has to be tried thousands of times."""
    file, private = io.BytesIO(data), io.BytesIO()
    head = guard.check(file, len(data), has_passphrase=keys.passphrase is not None)
    decrypt(Dearmored(file) if head.is_armored else file, private, keys, is_passphrase=head.is_passphrase)
    manifest = verify(read_manifest(private))
    release = manifest.release
    check_contents(private, release.chunks, n=release.n, root=release.root)
    return manifest


def refused(data: bytes, *reasons: Reason, verify: Verify = VERIFY, keys: Keys = KEYS) -> Rejected:
    with pytest.raises(Rejected) as caught:
        open_here(data, keys=keys, verify=verify)
    assert caught.value.reason in reasons, caught.value.message
    return caught.value


# --- What a hostile sender could make ------------------------------------------------------------------


def frame(kind: str, body: bytes, *, length: int | None = None) -> bytes:
    return struct.pack(">cI", kind.encode(), len(body) if length is None else length) + body


def encrypted(plain: bytes, *recipients: str) -> bytes:
    to = recipients or (RECIPIENT,)
    return pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(one) for one in to])


def listed(chunks: Sequence[tuple[str, bytes]]) -> list[Chunk]:
    return [
        Chunk(
            i=i,
            type=kind,
            len=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            name="a.bin" if kind == "A" else "",
        )  # type: ignore[arg-type]
        for i, (kind, body) in enumerate(chunks)
    ]


def lines(*objects: bytes) -> bytes:
    return b"".join(b"%032x %s\n" % (number, one) for number, one in enumerate(objects))


def root_of(*objects: bytes) -> str:
    root = RunningRoot()
    for number, one in enumerate(objects):
        root.add(leaf(number.to_bytes(16, "big"), sha256(one)))
    return digest_text(root.root())


def manifest_of(chunks: list[Chunk], *, by: SimParty = ALPHA, **changes: object) -> bytes:
    return signer(by.key)(draft(chunks=chunks, from_=by.kid, **changes)).frame


def plaintext(*frames: bytes, end: bytes | None = None) -> bytes:
    """A drop of these frames, closed as it should be."""
    joined = b"".join(frames)
    return MAGIC + joined + frame("E", hashlib.sha256(joined).digest() if end is None else end)


def forged(
    chunks: Sequence[tuple[str, bytes]],
    *,
    listing: list[Chunk] | None = None,
    n: int = 0,
    root: str = NO_ROOT,
    **changes,
) -> bytes:
    """A drop with these chunks, signed by Alpha, with whatever list."""
    signed = manifest_of(listed(chunks) if listing is None else listing, n=n, root=root, **changes)
    return encrypted(plaintext(frame("M", signed), *(frame(kind, body) for kind, body in chunks)))


def with_objects(*objects: bytes, packed: Callable[[bytes], bytes] | None = None) -> bytes:
    """A drop that holds these bytes as its objects, all hashes and the root right."""
    body = lines(*objects)
    chunk = ("O", body) if packed is None else ("Z", packed(body))
    return forged([chunk], n=len(objects), root=root_of(*objects))


def renamed(chunk: Chunk, **changes: object) -> Chunk:
    return msgspec.structs.replace(chunk, **changes)
