"""`status`: how the node stands, in counts."""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel import __version__, codec
from backchannel.clock import Clock
from backchannel.desk.batches import batch_documents
from backchannel.desk.documents import Batch
from backchannel.desk.node import Node
from backchannel.desk.receipt_documents import Unanswered


class LastHunt(msgspec.Struct, frozen=True, kw_only=True):
    """The newest finished hunt."""

    started_at: str
    ended_at: str | None
    paths: tuple[str, ...]
    files: int
    records: int
    hits: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """`status --json`."""

    schema: Literal["backchannel.status/1"] = "backchannel.status/1"
    name: str
    party: str
    """Our own identity's id."""
    home: str
    version: str
    """Of the program."""
    store_version: int
    """Number of the last migration that the store has seen."""
    store_bytes: int
    objects: int
    """Contents held: each version and each side of a conflict is one."""
    quarantined: int
    types: dict[str, int]
    """How many of each STIX type, the 50 most frequent, most first."""
    parties: int
    """Without ourselves."""
    batches: int
    """Complete ones."""
    last_batch: Batch | None
    hunts: int
    last_hunt: LastHunt | None
    answers: int
    collections: int
    """What we offer to others."""
    refused: int
    """Drops and statements that were refused, and wait for a person."""
    alarms: int
    """About keys that do not fit what is known, and that nobody decided."""
    waiting: int
    """Statements that wait for the next drop to their reader."""
    unanswered: Unanswered
    """Drops that we sent and whose readers are silent."""
    credentials: int
    """Of parties for our own server, those that have expired among them."""


def standing(node: Node, clock: Clock) -> Status:
    """Count what the node holds.

    Args:
        node: ours.
        clock: tells how long somebody has been silent.
    """
    store = node.store
    objects, quarantined, types = store.objects.counts()
    hunts, answers = store.sightlines.tally()
    last = store.batches.last_complete()
    return Status(
        name=node.settings.name,
        party=node.party.party_id,
        home=str(node.home),
        version=__version__,
        store_version=store.version,
        store_bytes=store.bytes_used(),
        objects=objects,
        quarantined=quarantined,
        types=types,
        parties=store.parties.others(),
        batches=store.batches.completed(),
        last_batch=batch_documents(store, (last,))[0] if last else None,
        hunts=hunts,
        last_hunt=_last_hunt(node),
        answers=answers,
        refused=store.statements.open_refused(),
        alarms=len(store.membership.alarms()),
        waiting=sum(number for _, number in store.statements.waiting_parties()),
        unanswered=_unanswered(node, clock),
        collections=len(store.collections.all()),
        credentials=len(store.credentials.all()),
    )


def _unanswered(node: Node, clock: Clock) -> Unanswered:
    if not node.store.statements.sent(party_row=None, manifest=None, at_most=1, is_asking=True):
        return Unanswered()
    from backchannel.desk.sent_drops import unanswered  # noqa: PLC0415  # loads what verifies signatures

    return unanswered(node, clock)


def _last_hunt(node: Node) -> LastHunt | None:
    hunt = node.store.sightlines.last_hunt()
    if hunt is None:
        return None
    return LastHunt(
        started_at=hunt.started_at,
        ended_at=hunt.ended_at,
        paths=tuple(codec.decode(hunt.paths)),
        files=hunt.files,
        records=hunt.records,
        hits=hunt.hits,
    )
