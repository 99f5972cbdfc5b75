"""Channels: where we fetch intelligence and send it by ourselves. Adding one reaches no network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, cast
from urllib.parse import urlsplit

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.addressing import shown_url
from backchannel.desk.carriers import carried_drops
from backchannel.desk.channel import Kind, Terms
from backchannel.desk.channel_documents import (
    ChannelCollection,
    ChannelDetail,
    ChannelPush,
    Channels,
    ChannelState,
    ChannelSummary,
    PollCounts,
    PushProblem,
)
from backchannel.desk.channel_terms import check_terms
from backchannel.desk.node import Node
from backchannel.errors import NotFoundError, UsageError
from backchannel.stix.findings import Finding
from backchannel.stix.visible import visible
from backchannel.store.interface import Store
from backchannel.store.polled import ChannelRow, PlaceRow, PushedRow
from backchannel.store.rows import BatchCounts

BATCH_CHANNEL: Final[dict[Kind, str]] = {
    "taxii": "taxii",
    "misp-feed": "misp",
    "feed": "feed",
    "drop": "drop",
}
"""What an arrival says of how it came (DESIGN: channel)."""
USUAL_EVERY_S: Final[dict[Kind, int]] = {"taxii": 15 * 60, "misp-feed": 3600, "feed": 3600, "drop": 60}
"""Seconds between polls where the operator says nothing: feeds ask not to be fetched more often."""
MIN_EVERY_S: Final = 10
MAX_EVERY_S: Final = 30 * 24 * 3600
MAX_CHANNELS: Final = 1_000
MAX_REJECTED_SHOWN: Final = 50
MAX_BATCHES_SHOWN: Final = 20
MAX_CURSOR_CHARS: Final = 500
MAX_PUSHES_SHOWN: Final = 20
MAX_PROBLEMS_SHOWN: Final = 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


def add_channel(
    node: Node,
    clock: Clock,
    kind: Kind,
    terms: Terms,
    *,
    name: str | None = None,
    party: str | None = None,
    tlp: str | None = None,
    every_s: int | None = None,
) -> ChannelDetail:
    """Add a channel. Nothing is fetched yet.

    Args:
        node: the open node.
        clock: gives the time.
        kind: which protocol.
        terms: how it is reached.
        name: by default made from the host or file name.
        party: whom what comes is credited to; by default the channel's name.
        tlp: the marking of what comes unmarked.
        every_s: seconds between polls while `serve` runs; 0: by hand only.

    Raises:
        UsageError: something is not of its form, contradicts itself, or the name is taken.
        InputError: a file that is named cannot be read.
    """
    from backchannel.desk.receive import import_terms  # noqa: PLC0415  # who only looks need not load the reading

    check_terms(kind, terms)
    store = node.store
    name = _free_name(store, terms.url) if name is None else name
    if _NAME.match(name) is None:
        raise UsageError(
            f"the name {visible(name, max_chars=80)!r} is not of the right form",
            hint="Use at most 64 letters (a to z), digits, dots, dashes and underscores.",
        )
    wait = USUAL_EVERY_S[kind] if every_s is None else every_s
    if wait and not MIN_EVERY_S <= wait <= MAX_EVERY_S:
        raise UsageError(
            f"polls every {wait} seconds are not made",
            hint=f"Between {MIN_EVERY_S} seconds and 30 days; 0: by hand only.",
        )
    came = import_terms(store, party or name, BATCH_CHANNEL[kind], tlp)
    with store.transaction():
        if store.channels.get(name) is not None:
            raise UsageError(f"there is a channel {name} already", hint="Give another --name.")
        if len(store.channels.all()) >= MAX_CHANNELS:
            raise UsageError(f"there are {MAX_CHANNELS} channels already", hint="Remove one first.")
        row = store.channels.add(
            ChannelRow(
                channel_row=0,
                name=name,
                kind=kind,
                terms=codec.encode(terms).decode(),
                party=came.party or name,
                tlp=came.tlp,
                every_s=wait,
                added_at=format_time(clock.now()),
            )
        )
    return _detail(store, row)


def list_channels(node: Node) -> Channels:
    """List the channels by name."""
    store = node.store
    rows = store.channels.all()
    return Channels(
        channels=tuple(
            _summary(row, store.channels.places(row.channel_row), _pushes(store, row, at_most=1))
            for row in rows
        )
    )


def show_channel(node: Node, name: str) -> ChannelDetail:
    """Show one channel with its collections, its newest batches and what was rejected.

    Raises:
        NotFoundError: there is none of that name.
    """
    return _detail(node.store, find_channel(node.store, name))


def remove_channel(node: Node, name: str) -> None:
    """Remove a channel; what came by it stays.

    Raises:
        NotFoundError: there is none of that name.
    """
    with node.store.transaction():
        node.store.channels.remove(find_channel(node.store, name).channel_row)


def pause_channel(node: Node, clock: Clock, name: str) -> ChannelDetail:
    """Let a channel rest: `serve` polls it no more until it is resumed. By hand it still can be.

    Raises:
        NotFoundError: there is none of that name.
    """
    with node.store.transaction():
        row = find_channel(node.store, name)
        if row.paused_at is None:
            node.store.channels.pause(row.channel_row, at=format_time(clock.now()))
    return show_channel(node, name)


def resume_channel(node: Node, name: str) -> ChannelDetail:
    """Poll a channel again as before, beginning at once.

    Raises:
        NotFoundError: there is none of that name.
    """
    with node.store.transaction():
        row = find_channel(node.store, name)
        if row.paused_at is not None:
            node.store.channels.pause(row.channel_row, at=None)
    return show_channel(node, name)


def want_poll(node: Node, clock: Clock, name: str) -> None:
    """Let whoever serves poll a channel at once, also one that is paused or polled by hand only.

    Raises:
        NotFoundError: there is none of that name.
    """
    with node.store.transaction():
        row = find_channel(node.store, name)
        node.store.channels.want(row.channel_row, at=format_time(clock.now()))


def brings_drops(node: Node, names: Sequence[str]) -> bool:
    """Whether one of these channels (none named: of all) may bring drops, which only our own keys open."""
    wanted = {name.strip().lower() for name in names}
    return any(
        row.kind == "drop" and "://" not in terms_of(row).url
        for row in node.store.channels.all()
        if not wanted or row.name.lower() in wanted
    )


def secret_files(node: Node) -> Iterable[str]:
    """Yield the files of passwords, tokens and keys that channels use."""
    for row in node.store.channels.all():
        terms = terms_of(row)
        for path in (
            terms.password_file,
            terms.token_file,
            terms.header_file,
            terms.client_key,
            terms.proxy_auth_file,
        ):
            if path is not None:
                yield path


def find_channel(store: Store, name: str) -> ChannelRow:
    """Return the channel of that name.

    Raises:
        NotFoundError: there is none.
    """
    row = store.channels.get(name.strip())
    if row is None:
        raise NotFoundError(
            f"there is no channel {visible(name, max_chars=80)!r}", hint="See `backchannel channel list`."
        )
    return row


def terms_of(row: ChannelRow) -> Terms:
    """Return how a channel is reached."""
    value = codec.decode(row.terms)
    return Terms(**{**value, "collections": tuple(value["collections"])})


def _free_name(store: Store, url: str) -> str:
    """Make a name from a URL's host or a file's name that no channel has."""
    last = url.rstrip("/").rpartition("/")[2].partition("?")[0]
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", urlsplit(url).hostname or last).strip("-.")[:56] or "channel"
    names = (base, *(f"{base}-{number}" for number in range(2, MAX_CHANNELS + 2)))
    return next(name for name in names if store.channels.get(name) is None)


def _summary(row: ChannelRow, places: Iterable[PlaceRow], pushes: Sequence[ChannelPush]) -> ChannelSummary:
    found = list(places)
    error = row.error or next((place.error for place in found if place.error), "")
    state: ChannelState = "new" if row.polled_at is None else "failing" if error else "fine"
    return ChannelSummary(
        name=row.name,
        kind=cast("Kind", row.kind),
        url=shown_url(terms_of(row).url),
        party=row.party,
        tlp=row.tlp,
        every_s=row.every_s,
        state=state,
        polled_at=row.polled_at,
        reached_at=row.reached_at,
        due_at=row.due_at,
        paused_at=row.paused_at,
        failures=row.failures,
        error=error or None,
        collections=len(found),
        counts=counts_document(
            BatchCounts(*(sum(column) for column in zip(*(place.counts for place in found), strict=True)))
        ),
        last_push=pushes[0] if pushes else None,
    )


def _pushes(store: Store, row: ChannelRow, *, at_most: int) -> list[ChannelPush]:
    found = store.channels.pushes(row.channel_row, at_most=at_most, reasons=MAX_PROBLEMS_SHOWN)
    return [_push(one) for one in found]


def _push(row: PushedRow) -> ChannelPush:
    states = dict(row.states)
    unknown = states.get("unknown", 0) + states.pop("sending", 0)
    withheld = [PushProblem(state="withheld", why=why, objects=count) for why, count in row.withheld.items()]
    told = [
        PushProblem(state=reason.state, why=reason.why, objects=reason.objects)  # type: ignore[arg-type]
        for reason in row.reasons
    ]
    problems = sorted([*told, *withheld], key=lambda one: -one.objects)
    return ChannelPush(
        pushed_at=row.pushed_at,
        collection=row.title or None,
        accepted=states.get("accepted", 0),
        refused=states.get("refused", 0),
        pending=states.get("pending", 0),
        unknown=unknown,
        withheld=sum(row.withheld.values()),
        problems=tuple(problems[:MAX_PROBLEMS_SHOWN]),
        error=row.error or None,
    )


def counts_document(counts: BatchCounts) -> PollCounts:
    """Return counts as a document has them."""
    return PollCounts(**counts._asdict())


def _detail(store: Store, row: ChannelRow) -> ChannelDetail:
    places, terms = store.channels.places(row.channel_row), terms_of(row)
    pushes = _pushes(store, row, at_most=MAX_PUSHES_SHOWN)
    return ChannelDetail(
        channel=_summary(row, places, pushes),
        wanted=terms.collections,
        known_by=tuple(_known_by(terms)),
        allow_private=terms.allow_private,
        gives_receipts=row.kind in {"drop", "taxii"} and terms.receipts,
        proxy=terms.proxy,
        collections=tuple(
            ChannelCollection(
                id=place.id,
                title=place.title,
                url=shown_url(place.place),
                polled_at=place.polled_at,
                reached_at=place.reached_at,
                error=place.error or None,
                note=place.note or None,
                cursor=place.cursor[:MAX_CURSOR_CHARS],
                counts=counts_document(place.counts),
            )
            for place in places
        ),
        batches=tuple(store.channels.batches(row.channel_row, at_most=MAX_BATCHES_SHOWN)),
        rejected=tuple(_rejected(store, row)),
        pushes=tuple(pushes),
        drops=carried_drops(store, row.channel_row) if row.kind == "drop" else None,
    )


def _rejected(store: Store, row: ChannelRow) -> list[Finding]:
    found: list[Finding] = []
    for batch_id in store.channels.rejecting(row.channel_row, at_most=MAX_BATCHES_SHOWN):
        listed, _ = store.batches.findings(batch_id, at_most=MAX_REJECTED_SHOWN)
        found += [finding for finding in listed if finding.level != "note"]
    return found[:MAX_REJECTED_SHOWN]


def _known_by(terms: Terms) -> Iterable[str]:
    if terms.user is not None:
        yield "password"
    if terms.token_file is not None:
        yield "token"
    if terms.header is not None:
        yield f"header {terms.header}"
    if terms.client_cert is not None:
        yield "certificate"
