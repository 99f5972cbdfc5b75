"""The drops that came: from whom, under which number, what they ask to be told, and which of them brought an object."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.drop.manifest import Manifest
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import BatchId
from backchannel.provenance.deniable import open_either
from backchannel.provenance.predicates import Receipt, Release
from backchannel.provenance.receipts import Ack
from backchannel.provenance.statement import (
    MAX_MANIFEST_BYTES,
    RootSubject,
    content_of,
    digest_text,
    open_envelope,
)
from backchannel.provenance.verification import Keys
from backchannel.store.rows import Kept, PartyRow
from backchannel.store.statements import CameRow

MAX_ARRIVALS = 200
"""Arrivals of one object whose drops are answered."""
MAX_DROPS = 100
"""Drops that one answer goes to."""
MIN_DIGITS = 8
"""Fewest digits of a drop's digest that name it."""


@dataclass(frozen=True, slots=True)
class Came:
    """A drop that came and was taken."""

    row: int
    """Of its manifest in the store."""
    manifest: bytes
    """The digest of its manifest."""
    seq: int
    chan: str
    ack: Ack
    issuer: str
    """The key that signed it, and that is answered."""
    sender: PartyRow | None
    """None: the key is pinned to nobody any more, so nobody is answered."""
    batch: BatchId | None
    received_at: str
    frame: bytes
    """Its manifest, as it came."""
    is_deniable: bool

    @property
    def name(self) -> str:
        """How statements and people name it."""
        return digest_text(self.manifest)


def drops_that_came(node: Node, *, before: int | None = None, rows: int) -> list[Came]:
    """Return drops that came, newest first.

    Args:
        node: ours.
        before: only those with a smaller `row`.
        rows: most of them.
    """
    return _read(node, node.store.statements.came(before=before, rows=rows))


def drops_of(node: Node, kept: Kept) -> list[Came]:
    """Return the drops that brought an object in this content, newest first."""
    arrivals, _ = node.store.objects.arrivals(kept.stix_id, at_most=MAX_ARRIVALS)
    batches = {one.batch_id for one in arrivals if one.object_row == kept.object_row}
    if not batches:
        return []
    return _read(node, node.store.statements.came(batch_ids=sorted(batches), rows=MAX_DROPS))


def came_now(node: Node, manifest: Manifest, keys: Keys) -> Came:
    """Return the drop that is being taken, or refused: its manifest was verified and is not kept yet."""
    release = manifest.release
    return Came(
        row=0,
        manifest=bytes.fromhex(manifest.digest.removeprefix("sha256:")),
        seq=release.seq,
        chan=release.chan,
        ack=_asked(release, is_deniable=manifest.is_deniable),
        issuer=release.from_,
        sender=_sender(node, keys, release),
        batch=None,
        received_at="",
        frame=manifest.frame,
        is_deniable=manifest.is_deniable,
    )


def names_drop(text: str) -> bool:
    """Whether a text names a drop, and no object."""
    return text.strip().lower().startswith("sha256:")


def drop_named(node: Node, text: str) -> Came:
    """Return the drop of a digest, or of so much of it that only one has it.

    Raises:
        NotFoundError: no such drop came.
        UsageError: it is no digest, too short, or several begin so.
    """
    digits = text.strip().lower().removeprefix("sha256:")
    if not re.fullmatch(rf"[0-9a-f]{{{MIN_DIGITS},64}}", digits):
        raise UsageError(
            "a drop is named by sha256: and the first digits of its digest, at least eight",
            hint="See `backchannel receive`, or the page of drops.",
        )
    found = node.store.statements.came(digest_prefix=digits, rows=2)
    if not found:
        raise NotFoundError(
            f"no drop sha256:{digits[:16]} was taken here", hint="See the page of drops for those that were."
        )
    if len(found) > 1 and found[0].manifest.digest != found[1].manifest.digest:
        raise UsageError(f"several drops begin with sha256:{digits}", hint="Write more of the digest.")
    return _read(node, found)[0]


def told(node: Node, manifest: bytes, *, about: bytes | None = None) -> list[Receipt]:
    """Return what we said about a drop, oldest first.

    Args:
        node: ours.
        manifest: digest of its manifest.
        about: digest of an object: what was said of it counts too; without it only what was said of the whole.
    """
    found: list[Receipt] = []
    for row in node.store.statements.receipts(manifest):
        if not row.is_own:
            continue
        statement = open_envelope(row.envelope).statement
        said = content_of(statement)
        subject = [] if isinstance(statement.subject, RootSubject) else statement.subject
        is_about = not subject or (
            about is not None and any(one.jcs == digest_text(about) for one in subject)
        )
        if isinstance(said, Receipt) and is_about:
            found.append(said)
    return found


def _read(node: Node, rows: Sequence[CameRow]) -> list[Came]:
    keys = pinned_keys(node)
    return [one for row in rows if (one := _came(node, keys, row)) is not None]


def _came(node: Node, keys: Keys, row: CameRow) -> Came | None:
    opened, is_deniable = open_either(row.manifest.envelope, max_bytes=MAX_MANIFEST_BYTES)
    release = content_of(opened.statement)
    if not isinstance(release, Release):
        return None
    return Came(
        row=row.manifest.statement_row,
        manifest=row.manifest.digest,
        seq=row.seq,
        chan=row.chan,
        ack=_asked(release, is_deniable=is_deniable),
        issuer=release.from_,
        sender=_sender(node, keys, release),
        batch=row.batch_id,
        received_at=row.manifest.received_at,
        frame=row.manifest.envelope,
        is_deniable=is_deniable,
    )


def _asked(release: Release, *, is_deniable: bool) -> Ack:
    """Return what is told at most: our signature under a receipt would show whom a deniable drop came from."""
    return "none" if is_deniable else release.ack


def _sender(node: Node, keys: Keys, release: Release) -> PartyRow | None:
    key = keys(release.from_)
    return None if key is None else node.store.parties.by_name(key.name)
