"""Push objects to another server: what the policy lets go, and nothing else; each is written down before it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, cast

from backchannel.clock import Clock, format_time
from backchannel.desk.channel import Channel, Kind, Opener, Outgoing, Pause, Place, Verdict
from backchannel.desk.channel_documents import Pushed, PushedObject
from backchannel.desk.channels import find_channel, terms_of
from backchannel.desk.choosing import without_answers
from backchannel.desk.items import Reader, find
from backchannel.desk.node import Node
from backchannel.desk.policy_file import in_force
from backchannel.desk.weighing import Weighing, to_party
from backchannel.errors import BackchannelError, NetworkError, NotFoundError, UsageError
from backchannel.ids import BatchId
from backchannel.stix.visible import visible
from backchannel.store.polled import ChannelRow, PushRow
from backchannel.store.rows import Kept, PartyRow

MAX_PUSHED: Final = 100_000
"""Most objects of one push: an import's transaction holds as many."""


class _Ready(NamedTuple):
    """What may go, and what stays."""

    go: list[Kept]
    withheld: list[PushedObject]


def push(
    node: Node,
    clock: Clock,
    name: str,
    ids: Sequence[str],
    opener: Opener,
    *,
    batch: BatchId | None = None,
    pause: Pause,
) -> Pushed:
    """Send objects by a channel to the one collection that it may write.

    Args:
        node: the open node.
        clock: gives the time.
        name: of the channel.
        ids: of objects, in their version in force; or none, with `batch`.
        opener: opens the channel.
        batch: everything that this batch brought.
        pause: waits between tries.

    Raises:
        UsageError: nothing is named, or the channel cannot be written to.
        NotFoundError: there is no such channel, object or batch, or no collection that may be written.
        NetworkError: the server cannot be asked at all.
    """
    row = find_channel(node.store, name)
    if row.kind != "taxii":
        raise UsageError(f"{row.name} is a feed: it is read only", hint="Push by a channel of kind taxii.")
    kept = named(node, ids, batch)
    party = node.store.parties.by_name(row.party)
    ready = _decided(node, clock, kept, party)
    withheld = Counter(one.why or "" for one in ready.withheld)
    with node.store.transaction():
        push_id = node.store.channels.begin_push(row, withheld=withheld, at=format_time(clock.now()))
    if not ready.go:
        return document(row, "", ready.withheld, None)
    try:
        with opener(cast("Kind", row.kind), terms_of(row), pause) as channel:
            place = _target(row, channel.places())
            told, error = send(node, push_id, row, channel, place, ready.go)
    except BackchannelError as caught:
        _keep_error(node, push_id, caught.message)
        raise
    return document(row, place.title, [*told, *ready.withheld], error)


def named(node: Node, ids: Sequence[str], batch: BatchId | None) -> list[Kept]:
    """Return the objects of these ids, or all that a batch brought.

    Raises:
        UsageError: both are named, or neither; or the batch holds too many.
        NotFoundError: one of them is not here.
    """
    if bool(ids) == (batch is not None):
        raise UsageError("name objects or a batch", hint="For example --batch 12, or ID...")
    if batch is None:
        return [find(node.store, one) for one in dict.fromkeys(ids)]
    found = without_answers(node, node.store.channels.objects_of(batch))
    if not found:
        raise NotFoundError(f"nothing of a batch {batch} is here", hint="See `backchannel batch list`.")
    if len(found) > MAX_PUSHED:
        raise UsageError(f"batch {batch} holds more than {MAX_PUSHED:,} objects", hint="Push it in parts.")
    return found


def _decided(node: Node, clock: Clock, kept: Iterable[Kept], party: PartyRow | None) -> _Ready:
    """Ask the policy about each object: the operator named channel and objects, so its party is a named reader."""
    listed = list(kept)
    reader = Reader(node, clock)
    to = to_party(node, party, "push", is_named_reader=party is not None)
    weighing = Weighing(node, clock, to, in_force(node))
    decided = weighing.decisions(listed, weighing.requests(listed, reader), reader)
    ready = _Ready([], [])
    for one in listed:
        decision = decided[one.object_row]
        if decision.allowed:
            ready.go.append(one)
        else:
            why = decision.reasons[-1].text
            ready.withheld.append(
                PushedObject(id=one.stix_id, version=one.version or None, state="withheld", why=why)
            )
    return ready


def _target(row: ChannelRow, places: Sequence[Place]) -> Place:
    found = [place for place in places if place.can_write]
    if not found:
        raise NotFoundError(
            f"{row.name} has no collection that we may write", hint="Ask its operator for the right to write."
        )
    if len(found) > 1:
        shown = ", ".join(visible(place.title or place.id, max_chars=60) for place in found[:5])
        raise UsageError(
            f"{row.name} has {len(found)} collections that we may write: {shown}",
            hint="Make a channel for the one you mean: channel add taxii URL --collection ID.",
        )
    return found[0]


def send(
    node: Node, push_id: int, row: ChannelRow, channel: Channel, place: Place, kept: Sequence[Kept]
) -> tuple[list[PushedObject], str | None]:
    """Send objects; each is written down before it goes, and so is what became of it.

    Args:
        node: the open node.
        push_id: of the push that was begun.
        row: the channel.
        channel: the same, open.
        place: where they go.
        kept: the objects.

    Returns:
        What became of each, and why sending ended before its end.
    """
    store, policy = node.store, in_force(node).policy.version
    with store.transaction():
        pushes = [PushRow(one.object_row, place.place, policy) for one in kept]
        numbers = store.channels.record(push_id, row, pushes, title=place.title or place.id)
    number_of = {(str(one.stix_id), one.version): number for one, number in zip(kept, numbers, strict=True)}
    told: list[PushedObject] = []
    error: str | None = None
    try:
        for verdict in channel.push(place, [Outgoing(one.stix_id, one.version, one.body) for one in kept]):
            told.append(_told(verdict))
            with store.transaction():
                number = number_of[verdict.id, verdict.version]
                store.channels.record_verdict(number, state=verdict.state, why=verdict.why)
    except NetworkError as caught:
        error = caught.message
        _keep_error(node, push_id, error)
        sent = {(one.id, one.version or "") for one in told}
        why = "it may have been sent, or not: sending ended before an answer came"
        told += [
            PushedObject(id=one.stix_id, version=one.version or None, state="unknown", why=why)
            for one in kept
            if (one.stix_id, one.version) not in sent
        ]
    return told, error


def _keep_error(node: Node, push_id: int, error: str) -> None:
    with node.store.transaction():
        node.store.channels.end_push(push_id, error=error)


def _told(verdict: Verdict) -> PushedObject:
    return PushedObject(
        id=verdict.id, version=verdict.version or None, state=verdict.state, why=verdict.why or None
    )


def document(row: ChannelRow, title: str, objects: Sequence[PushedObject], error: str | None) -> Pushed:
    """Return what is shown of a push."""

    def count(state: str) -> int:
        return sum(one.state == state for one in objects)

    return Pushed(
        channel=row.name,
        collection=title,
        accepted=count("accepted"),
        refused=count("refused"),
        pending=count("pending"),
        unknown=count("unknown"),
        withheld=count("withheld"),
        objects=tuple(objects),
        error=error,
    )
