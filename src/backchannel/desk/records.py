"""What is entered of our own doings where no signed statement says it: records in canonical JSON.

docs/formats/ledger.md has their fields. A record is opened together with its leaf, so it may name names; it
holds digests of objects and no text of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backchannel.clock import format_time
from backchannel.codec import JsonObject, canonical
from backchannel.desk.entering import MAX_STATEMENT_BYTES, enter
from backchannel.ids import BatchId, sha256
from backchannel.provenance.ledger.edge import root_of
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.store.interface import Store

RECORD_TYPE = "bc/record/v1"


def about_batch(batch_id: int) -> str:
    """Return what the leaf of a batch is looked up by."""
    return f"batch {batch_id}"


def record_received(
    store: Store,
    batch_id: BatchId,
    *,
    party: str | None,
    channel: str,
    digests: Sequence[bytes],
    now: datetime,
) -> None:
    """Enter that a batch came, in the transaction that completes it.

    Args:
        store: with that transaction open.
        batch_id: which.
        party: whom it is credited to.
        channel: how it came.
        digests: of its objects (JCS form), in the order in which they came: the record has their Merkle root.
        now: when.
    """
    record: JsonObject = {
        "_type": RECORD_TYPE,
        "event": "received",
        "at": format_time(now),
        "batch": batch_id,
        "channel": channel,
        "party": party,
        "n": len(digests),
        "root": f"sha256:{root_of(digests).hex()}",
    }
    enter(store, LeafKind.RECEIVED, canonical(record), about=about_batch(batch_id), now=now)


def record_signed(store: Store, kind: LeafKind, envelope: bytes, *, about: str, now: datetime) -> None:
    """Enter a signed statement, in the transaction that keeps it: whole, or by its digest where it is too large.

    Args:
        store: with that transaction open.
        kind: what became of it: sent, received, or what it is by itself.
        envelope: as it was sent or received.
        about: what it is looked up by: `sha256:...` of a drop's manifest, a party's key set.
        now: when.
    """
    said = envelope
    if len(envelope) > MAX_STATEMENT_BYTES:
        record: JsonObject = {
            "_type": RECORD_TYPE,
            "event": "signed",
            "at": format_time(now),
            "about": about,
            "said": f"sha256:{sha256(envelope).hex()}",
        }
        said = canonical(record)
    enter(store, kind, said, about=about, now=now)


def record_decision(
    store: Store, decision: str, about: str, *, now: datetime, digest: bytes | None = None
) -> None:
    """Enter a decision, in the transaction that carries it out.

    Args:
        store: with that transaction open.
        decision: in one word: `ack`, `sight`, `dispute`, `undo`, `refuse`.
        about: an object's id, a batch as `about_batch` writes it, or the `sha256:...` of what was refused.
        now: when.
        digest: SHA-256 of what was said, where something was.
    """
    record: JsonObject = {
        "_type": RECORD_TYPE,
        "event": "decision",
        "at": format_time(now),
        "decision": decision,
        "about": about,
        "said": f"sha256:{digest.hex()}" if digest else None,
    }
    enter(store, LeafKind.DECISION, canonical(record), about=about, now=now)
