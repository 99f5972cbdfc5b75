"""One answer to a whole batch: of which of its indicators we can say that they were searched for and not seen.

Each is a sighting with count 0 (STIX 2.1 §5.2) under an id that depends on nothing but the indicator and ourselves,
so saying it again after the next hunt is a new version, not another sighting. What was seen is left to a person,
since a hit may be a false alarm; what was not searched for in full is not told as unseen.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final, Literal

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.answer_versions import sighting_maker, version_of
from backchannel.desk.batches import show_batch
from backchannel.desk.documents import UnsaidBatch
from backchannel.desk.node import Node
from backchannel.desk.records import about_batch, record_decision
from backchannel.desk.request_documents import ToldOf
from backchannel.desk.searching import Searched, Searches
from backchannel.desk.views import tell_of_many
from backchannel.desk.writing import write_files
from backchannel.feedback.envelope import Speaker, answer_id, bundle_of
from backchannel.ids import BatchId, sha256
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.predicates import Sighting
from backchannel.provenance.requests import step
from backchannel.store.rows import Kept

MAX_INDICATORS: Final = 10_000
"""Indicators of one batch that one answer speaks of; the next answer speaks of the same and says so."""


MAX_OFFERED: Final = 3
"""Batches that are offered to be answered, the newest."""
MAX_LOOKED_AT: Final = 100
"""Indicators of each that are looked at for that (some 30 ms)."""


class LeftUnsaid(msgspec.Struct, frozen=True, kw_only=True):
    """Indicators of which it cannot be said that they were not seen."""

    why: str
    count: int


class UnseenOfBatch(msgspec.Struct, frozen=True, kw_only=True):
    """`sight --batch N --json`."""

    schema: Literal["backchannel.unseen/1"] = "backchannel.unseen/1"
    batch: int
    party: str | None
    """Who gave it; null where nobody was named."""
    indicators: int
    """In force, that it brought; at most 10,000 are answered."""
    unseen: int
    """Said to be searched for and not seen, now or before."""
    changed: int
    """Of these, said for the first time, or otherwise than before."""
    seen: tuple[str, ...]
    """Ids of those that were seen, at most 100: a person answers each, `sight ID` or `dispute ID`."""
    seen_count: int
    left: tuple[LeftUnsaid, ...]
    """Most first."""
    written: str | None
    """File the bundle was written to."""
    bundle: msgspec.Raw
    """The STIX 2.1 bundle: our identity and the sightings."""
    told: tuple[ToldOf, ...]
    """Whether the party is told by a signed statement."""


def answer_unseen(
    node: Node,
    clock: Clock,
    batch_id: BatchId,
    *,
    out: Path | None = None,
    unseal: Unseal | None = None,
) -> UnseenOfBatch:
    """Tell who gave a batch which of its indicators were searched for in our logs and not seen.

    Args:
        node: who speaks.
        clock: gives the present.
        batch_id: the batch.
        out: file to write the bundle to.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such batch.
        InputError: `out` cannot be written.
    """
    batch = show_batch(node, batch_id).batch
    unseen, seen, left = searched_of(node, batch_id)
    speaker = Speaker(node.party.party_id, node.party.name, parse_time(node.party.added_at))
    now = clock.now()
    kept = node.store.objects.currents(unseen)
    made: list[JsonObject] = []
    changed = 0
    told: tuple[ToldOf, ...] = ()
    with node.store.transaction():
        for stix_id, searched in unseen.items():
            value, is_new = _said(node, clock, speaker, stix_id, searched)
            made.append(value)
            changed += is_new
        if changed:
            digest = sha256(codec.encode(made))
            record_decision(node.store, "sight", about_batch(batch_id), now=now, digest=digest)
        if made and batch.party is not None and batch.party != node.party.name:
            several: list[Kept] = [kept[one] for one in unseen if one in kept]
            view = Sighting(count=step(0))
            told = (tell_of_many(node, clock, several, view, batch.party, unseal=unseal),)
    packed = codec.encode(bundle_of(made, speaker))
    if out is not None:
        write_files(out.parent, {out.name: packed + b"\n"})
    return UnseenOfBatch(
        batch=batch_id,
        party=batch.party,
        indicators=len(unseen) + len(seen) + left.total(),
        unseen=len(unseen),
        changed=changed,
        seen=tuple(seen[:100]),
        seen_count=len(seen),
        left=tuple(LeftUnsaid(why=why, count=count) for why, count in left.most_common()),
        written=None if out is None else str(out),
        bundle=msgspec.Raw(packed),
        told=told,
    )


def unsaid_batches(node: Node) -> tuple[UnsaidBatch, ...]:
    """Return the newest batches whose givers can be told what was searched for and not seen."""
    hunted = node.store.sightlines.last_hunt()
    if hunted is None:
        return ()
    found = []
    for row in node.store.batches.newest(before=None, rows=MAX_OFFERED):
        is_hunted = row.completed_at is not None and row.completed_at <= hunted.started_at
        if row.state != "complete" or not is_hunted or row.party in {None, node.party.name}:
            continue
        unseen, _, _ = searched_of(node, row.batch_id, at_most=MAX_LOOKED_AT)
        answers = node.store.sightlines.answers(unseen)
        count = sum(all(one.kind != "sight" for one in answers.get(stix_id, ())) for stix_id in unseen)
        if count:
            found.append(UnsaidBatch(batch=row.batch_id, party=str(row.party), count=count))
    return tuple(found)


def searched_of(
    node: Node, batch_id: BatchId, *, at_most: int = MAX_INDICATORS
) -> tuple[dict[str, Searched], list[str], Counter[str]]:
    """Return which indicators of a batch were searched for and not seen, which were seen, and why not the others.

    Args:
        node: whose logs.
        batch_id: the batch.
        at_most: indicators looked at, those that came first.
    """
    searches = Searches(node.store)
    unseen: dict[str, Searched] = {}
    seen: list[str] = []
    left: Counter[str] = Counter()
    for stix_id in node.store.sightlines.brought(batch_id, at_most=at_most):
        if node.store.answers.hit_sum(stix_id).count:
            seen.append(stix_id)
            continue
        searched = searches.of((stix_id,))
        if searched.held and searched.extent == "searched":
            unseen[stix_id] = searched
        else:
            left[_why_not(searched)] += 1
    return unseen, seen, left


def _why_not(searched: Searched) -> str:
    if not searched.held:
        return "hunts do not look for it"
    if searched.hunted_at is None:
        return "no log was hunted since it came"
    if not searched.is_noted:
        return "the hunts since it came did not note what their logs show"
    return searched.why_not or "a part of the pattern cannot be searched yet"


def _said(
    node: Node, clock: Clock, speaker: Speaker, stix_id: str, searched: Searched
) -> tuple[JsonObject, bool]:
    """Keep one sighting with count 0; return it, and whether it is new."""
    answers, now = node.store.answers, clock.now()
    before = answers.get(answer_id("sighting", speaker.id, stix_id))
    make = sighting_maker(
        stix_id,
        speaker,
        count=0,
        first_at=searched.first_at,
        last_at=searched.last_at,
        description=searched.told,
    )
    value = version_of(make, codec.decode(before.body) if before else None, now)
    body = codec.encode(value)
    if before is not None and before.body == body:
        return value, False
    answers.put("sight", stix_id, str(value["id"]), said_at=format_time(now), body=body)
    return value, True
