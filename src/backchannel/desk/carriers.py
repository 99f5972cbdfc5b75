"""How the carriers of drops stand: what came, what was refused and why, which numbers are missing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import msgspec

from backchannel.clock import format_time
from backchannel.desk.box import MAX_WAITING, MAX_WAITING_BYTES, Box
from backchannel.desk.carried_documents import (
    BoxStanding,
    CarriedCounts,
    CarriedDrops,
    CarriedFile,
    LeftAlone,
    PartsWaiting,
)
from backchannel.desk.node import Node
from backchannel.desk.own_keys import is_sealed
from backchannel.provenance.reasons import REASONS
from backchannel.stix.visible import visible
from backchannel.store.carried import BOX, Carried, CarriedState
from backchannel.store.interface import Store
from backchannel.store.polled import ChannelRow

MAX_SHOWN: Final = 20
MAX_NUMBERS_SHOWN: Final = 100


def carried_drops(store: Store, channel_row: int) -> CarriedDrops:
    """Return how a carrier stands."""

    def newest(*states: CarriedState) -> tuple[CarriedFile, ...]:
        found = store.carried.newest(channel_row, states, at_most=MAX_SHOWN)
        return tuple(map(carried_document, found))

    seen = store.carried.seen(channel_row)
    left = [LeftAlone(name=shown_name(one.name), why=one.why) for one in seen if one.why]
    return CarriedDrops(
        counts=CarriedCounts(**store.carried.counts(channel_row)),
        waiting=sum(not one.is_done and not one.why for one in seen),
        refused=newest("refused"),
        taken=newest("taken"),
        sent=newest("sending", "sent"),
        parts=tuple(_waiting_parts(store, channel_row)),
        left=tuple(left[:MAX_SHOWN]),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How one carrier stands, in words."""

    name: str
    is_channel: bool
    """Else it is our own drop box."""
    says: str
    troubles: tuple[str, ...]
    """What a person should look at."""


def carriers(node: Node) -> list[Standing]:
    """Return how each carrier of drops stands; our own drop box too, where something was ever left in it."""
    store = node.store
    found = [
        _standing(store, row, carried_drops(store, row.channel_row))
        for row in store.channels.all()
        if row.kind == "drop"
    ]
    box = carried_drops(store, BOX)
    waiting = len(Box(node.home).waiting())
    if waiting or box.counts != CarriedCounts():
        box = msgspec.structs.replace(box, waiting=waiting)
        found.append(_standing(store, None, box))
        if waiting and is_sealed(node):
            sealed = f"{waiting:,} wait, and our keys are under a passphrase: serve with --passphrase-file"
            found[-1] = replace(found[-1], troubles=(*found[-1].troubles, sealed))
    return found


def box_standing(node: Node) -> BoxStanding | None:
    """Return how our drop box stands; None where nothing was ever left in it."""
    files = []
    for path in Box(node.home).waiting():
        with suppress(FileNotFoundError):  # taken meanwhile
            files.append(path.stat())
    counts = CarriedCounts(**node.store.carried.counts(BOX))
    if not files and counts == CarriedCounts():
        return None
    return BoxStanding(
        waiting=len(files),
        waiting_bytes=sum(one.st_size for one in files),
        max_waiting=MAX_WAITING,
        max_waiting_bytes=MAX_WAITING_BYTES,
        since=format_time(datetime.fromtimestamp(files[0].st_mtime, UTC)) if files else None,
        needs_passphrase=is_sealed(node),
        counts=counts,
    )


def _standing(store: Store, row: ChannelRow | None, drops: CarriedDrops) -> Standing:
    counts = drops.counts
    looked = f"last look {row.polled_at or 'never'}, " if row else ""
    troubles = []
    undecided = store.carried.undecided(row.channel_row if row else BOX)
    if undecided and drops.refused:
        newest = drops.refused[0]
        troubles.append(
            f"{undecided:,} refused and not decided about, the last one {newest.name}: {newest.says}"
        )
    for parts in drops.parts:
        shown = ", ".join(map(str, parts.missing[:MAX_SHOWN]))
        troubles.append(f"of {parts.of} parts of {parts.name[:8]}… these are missing: {shown}")
    if counts.sending:
        troubles.append(f"{counts.sending:,} could not be handed on yet")
    troubles += [f"{one.name} is left alone: {one.why}" for one in drops.left]
    says = f"{looked}{counts.taken:,} taken, {counts.sent:,} sent, {drops.waiting:,} waiting"
    name = row.name if row else "the drop box"
    return Standing(name, row is not None, says, tuple(troubles))


def carried_document(row: Carried) -> CarriedFile:
    """Return one file as a document has it."""
    reason = REASONS.get(row.reason)
    says = row.detail
    if reason is not None:
        detail = f" ({row.detail})" if row.detail else ""
        says = f"{reason.meaning[:1].upper()}{reason.meaning[1:]}{detail}. {reason.mend}"
    return CarriedFile(
        name=row.name,
        sha256=row.sha256.hex(),
        bytes=row.size,
        at=row.at,
        state=row.state,
        reason=row.reason or None,
        says=says,
        batch=row.batch_id,
    )


def shown_name(name: bytes) -> str:
    """Return a file's name as it is shown, whatever bytes it has."""
    return visible(name.decode("utf-8", "backslashreplace"), max_chars=200)


def _waiting_parts(store: Store, channel_row: int) -> list[PartsWaiting]:
    found = []
    for one in store.carried.parts(channel_row, at_most=MAX_SHOWN):
        missing = sorted(set(range(1, one.of + 1)) - set(one.numbers))
        found.append(
            PartsWaiting(
                name=one.name,
                of=one.of,
                missing=tuple(missing[:MAX_NUMBERS_SHOWN]),
                missing_total=len(missing),
            )
        )
    return found
