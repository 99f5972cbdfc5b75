"""Keep the originals of what was refused, each with its reason: in the store, or where they are large in the home."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from backchannel.clock import Clock, format_time
from backchannel.desk.node import Node
from backchannel.desk.records import record_decision
from backchannel.errors import StoreError
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import digest_text
from backchannel.store.statements import MAX_REFUSED_BYTES, NewRefused

QUARANTINE: Final = "quarantine"
"""Folder of the home with the originals of what was refused, each named by its SHA-256."""


def quarantine(
    node: Node,
    clock: Clock,
    file: BinaryIO,
    place: str,
    refusal: Rejected,
    *,
    and_then: Callable[[], None] = lambda: None,
) -> None:
    """Keep the original of a drop that was refused, and why; the same one again is not kept twice.

    Args:
        node: ours.
        clock: the present.
        file: the drop.
        place: where it came from, for people.
        refusal: why.
        and_then: called in the same transaction.

    Raises:
        StoreError: the disk is full, or cannot be written.
    """
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]  # any file of the system
    size = file.tell()
    file.seek(0)
    body = None
    try:
        if size <= MAX_REFUSED_BYTES:
            body = file.read()
        else:
            _copy(file, node.home / QUARANTINE, digest.hex())
    except OSError as error:
        raise StoreError(
            f"the drop cannot be kept: {error.strerror}", hint="See that there is room."
        ) from error
    with node.store.transaction():
        node.store.statements.refuse(
            NewRefused(
                at=format_time(clock.now()),
                what="drop",
                place=place,
                reason=refusal.reason,
                detail=refusal.detail,
                sha256=digest,
                size=size,
                body=body,
            )
        )
        record_decision(node.store, "refuse", digest_text(digest), now=clock.now(), digest=digest)
        and_then()


def _copy(file: BinaryIO, folder: Path, name: str) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if (folder / name).exists():
        return
    part = folder / f"{name}.part"
    with part.open("wb") as target:
        shutil.copyfileobj(file, target, 2**20)
        target.flush()
        os.fsync(target.fileno())
    part.rename(folder / name)
