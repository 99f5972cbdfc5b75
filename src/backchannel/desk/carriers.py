"""How the carriers of drops stand: what came, what was refused and why, which numbers are missing."""

from __future__ import annotations

from typing import Final

from backchannel.desk.carried_documents import (
    CarriedCounts,
    CarriedDrops,
    CarriedFile,
    LeftAlone,
    PartsWaiting,
)
from backchannel.provenance.reasons import REASONS
from backchannel.stix.visible import visible
from backchannel.store.carried import Carried, CarriedState
from backchannel.store.interface import Store

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


def carried_document(row: Carried) -> CarriedFile:
    """Return one file as a document has it."""
    reason = REASONS.get(row.reason)
    says = row.detail
    if reason is not None:
        detail = f" ({row.detail})" if row.detail else ""
        says = f"{reason.meaning}{detail}. {reason.mend}"
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
