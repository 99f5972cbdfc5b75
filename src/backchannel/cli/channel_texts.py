"""What `channel ...` says to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backchannel.cli.findings import findings_text
from backchannel.cli.layout import counted, day_and_minute, facts, heading, joined, table
from backchannel.cli.wording import who

if TYPE_CHECKING:
    from backchannel.desk.carried_documents import CarriedDrops, CarriedFile
    from backchannel.desk.channel_documents import (
        ChannelDetail,
        ChannelPush,
        Channels,
        ChannelSummary,
        PollCounts,
        Polled,
        PolledChannel,
        Pushed,
    )

MAX_SHOWN = 20
MAX_BATCHES_TOLD = 5
"""Of what one poll of a collection brought; how many more there are is said."""


def list_text(found: Channels) -> str:
    """Return the channels as a table, and below it what is wrong."""
    rows = [
        (
            one.name,
            one.kind,
            one.state,
            f"{one.counts.objects:,}",
            day_and_minute(one.polled_at) or "never",
            _due(one),
            _pushed(one.last_push) if one.last_push else "",
        )
        for one in found.channels
    ]
    heads = ("channel", "kind", "state", "objects", "last poll", "next poll", "last push")
    text = table(heads, rows, numbers=("objects",), keep=("channel", "last poll", "next poll"))
    errors = facts(
        [(one.name, one.error or "") for one in found.channels if one.error]
        + [
            (one.name, f"push: {push.error}")
            for one in found.channels
            if (push := one.last_push) and push.error
        ]
    )
    return f"{text}\n\n{errors}" if errors else text


def detail_text(found: ChannelDetail) -> str:
    """Return one channel with its collections."""
    parts = [heading(found.channel.name), _about(found)]
    for place in found.collections:
        lines = facts(
            [
                ("brought", _counts(place.counts)),
                ("last read", day_and_minute(place.reached_at) or "never to its end"),
                ("error", place.error or ""),
                ("note", place.note or ""),
            ],
            indent=2,
        )
        parts += ["", heading(joined(place.title, place.id if place.id != place.title else "")), lines]
    if found.drops is not None:
        parts += ["", heading("Drops"), _drops(found.drops)]
    if found.pushes:
        parts += ["", heading("Pushed, newest first")]
        parts += [_push_lines(push) for push in found.pushes]
    if found.rejected:
        parts += ["", heading("Rejected, newest first")]
        parts.append(findings_text(found.rejected, total=len(found.rejected), at_most=MAX_SHOWN))
    return "\n".join(parts)


def _receipts(found: ChannelDetail) -> str:
    """Say how receipts for the party of a channel go to it."""
    if found.channel.kind not in {"drop", "taxii"}:
        return ""
    return f"go to {who(found.channel.party)} by it" if found.gives_receipts else "wait for another way"


def _about(found: ChannelDetail) -> str:
    one = found.channel
    return facts(
        [
            ("kind", one.kind),
            ("url", one.url),
            ("credited to", who(one.party)),
            ("unmarked is", one.tlp or "TLP:AMBER+STRICT"),
            ("known by", ", ".join(found.known_by) or "nothing: it asks as anybody"),
            ("through", found.proxy or ""),
            ("private", "may lead to addresses of your own networks" if found.allow_private else ""),
            ("receipts", _receipts(found)),
            (
                "collections",
                ", ".join(found.wanted) or ("all that may be read" if one.kind == "taxii" else ""),
            ),
            ("polled", f"{_every(one.every_s)}, last {day_and_minute(one.polled_at) or 'never'}"),
            ("next poll", _due(one)),
            ("paused", f"since {day_and_minute(one.paused_at)}" if one.paused_at else ""),
            ("failing", f"{counted(one.failures, 'poll')} in a row" if one.failures else ""),
            ("why", one.error or ""),
        ],
        indent=2,
    )


def polled_text(polled: Polled) -> str:
    """Return what polls brought."""
    return "\n".join(line for one in polled.channels for line in _polled(one))


def _polled(one: PolledChannel) -> list[str]:
    lines = [heading(one.channel)]
    if one.error:
        lines.append(facts([("failed", one.error), ("next", one.hint or "")], indent=2))
    for place in one.collections:
        told = [f"batch {number}" for number in place.batches[:MAX_BATCHES_TOLD]]
        more = len(place.batches) - len(told)
        batches = ", ".join(told) + (f" and {more:,} more" if more else "")
        pairs = [(place.title[:30] or place.id[:30], joined(_counts(place.counts) or "nothing new", batches))]
        pairs += [("note", note) for note in place.notes]
        pairs.append(("failed", place.error or ""))
        lines.append(facts(pairs, indent=2))
    lines += [facts([_file(file)], indent=2) for file in one.files[:MAX_SHOWN]]
    if len(one.files) > MAX_SHOWN:
        lines.append(f"  and {len(one.files) - MAX_SHOWN:,} more files")
    if one.told or one.told_note:
        said = f"{counted(one.told, 'answer')} went to it" if one.told else ""
        lines.append(facts([("told", joined(said, one.told_note or ""))], indent=2))
    if not one.collections and not one.error:
        lines.append("  nothing is read from it")
    return lines


def _drops(found: CarriedDrops) -> str:
    """Return how a carrier of drops stands."""
    counts = [
        f"{number:,} {word}"
        for word in ("taken", "known", "part", "other", "refused", "sending", "sent")
        if (number := getattr(found.counts, word))
    ]
    pairs = [("files", ", ".join(counts) or "none so far")]
    if found.waiting:
        pairs.append(("waiting", f"{found.waiting:,} for the next look"))
    for parts in found.parts:
        shown = ", ".join(map(str, parts.missing[:MAX_SHOWN]))
        more = f" and {parts.missing_total - MAX_SHOWN:,} more" if parts.missing_total > MAX_SHOWN else ""
        pairs.append(("missing", f"{shown}{more} of {parts.of} parts of {parts.name[:8]}…"))
    pairs += [_file(one) for one in (*found.refused, *found.sent)]
    pairs += [("left alone", f"{one.name}: {one.why}") for one in found.left]
    return facts(pairs, indent=2)


def _file(one: CarriedFile) -> tuple[str, str]:
    batch = f"batch {one.batch}" if one.batch else ""
    return one.state, joined(one.name, batch, one.reason or "", one.says)


def pushed_text(pushed: Pushed) -> str:
    """Return what became of what was to be sent."""
    where = f"{pushed.channel}, {pushed.collection}" if pushed.collection else pushed.channel
    head = heading(joined(where, *_fates(pushed)))
    shown = [one for one in pushed.objects if one.state != "accepted"][:MAX_SHOWN]
    lines = [facts([(one.state, joined(one.id, one.why or ""))], indent=2) for one in shown]
    if pushed.error:
        lines.append(facts([("failed", pushed.error)], indent=2))
    return "\n".join([head, *lines])


def _fates(push: Pushed | ChannelPush) -> list[str]:
    words = ("accepted", "refused", "pending", "unknown", "withheld")
    return [f"{number:,} {word}" for word in words if (number := getattr(push, word))]


def _pushed(push: ChannelPush) -> str:
    return ", ".join(_fates(push)) or "failed"


def _push_lines(push: ChannelPush) -> str:
    pairs = [
        (day_and_minute(push.pushed_at), joined(push.collection or "", *_fates(push)) or "nothing was sent")
    ]
    pairs += [(one.state, joined(one.why, counted(one.objects, "object"))) for one in push.problems]
    return facts([*pairs, ("failed", push.error or "")], indent=2)


def _counts(counts: PollCounts) -> str:
    said = (
        f"{number:,} {word}"
        for word in ("stored", "known", "conflict", "quarantined", "refused")
        if (number := getattr(counts, word))
    )
    return joined(*said)


def _every(seconds: int) -> str:
    if not seconds:
        return "by hand only"
    for unit, word in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % unit == 0:
            return f"every {counted(seconds // unit, word)}"
    return f"every {seconds:,} seconds"


def _due(one: ChannelSummary) -> str:
    if one.paused_at and not one.due_at:
        return "paused"
    if not one.every_s and not one.due_at:
        return "by hand"
    return day_and_minute(one.due_at) or "at once"
