"""What each page shows: one desk document (an item's page: two), and its JSON twin is that document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from markupsafe import Markup
from starlette.responses import Response

from backchannel.desk import batches as desk_batches
from backchannel.desk import channels as desk_channels
from backchannel.desk import hitbook as desk_hits
from backchannel.desk import hubs as desk_hubs
from backchannel.desk import inbox as desk_inbox
from backchannel.desk import parties as desk_parties
from backchannel.desk.documents import Inbox, Item
from backchannel.desk.hitting import HitBook
from backchannel.ids import BatchId
from backchannel.observables.refang import refang
from backchannel.web.language import say
from backchannel.web.rendering import with_query
from backchannel.web.visit import Visit

PAGE_ROWS = 50
MAX_PAGE_ROWS = 200
"""More lines than a browser draws at once without a pause on a phone."""
MAX_PAGES_SEARCHED = 10
"""Pages of the inbox read for one page of a filtered view; then it says where to go on."""


# --- Inbox ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the views of the inbox."""

    words: Markup
    url: str
    current: bool


_FILTERS: Final[dict[str, Callable[[Item, str], bool]]] = {
    "concerns": lambda item, wanted: item.concerns.state == wanted,
    "do": lambda item, wanted: item.advice is not None and item.advice.do == wanted,
    "type": lambda item, wanted: item.type == wanted,
    "tlp": lambda item, wanted: item.tlp == wanted,
    "party": lambda item, wanted: item.source.party == wanted,
}
"""What of an item the address can ask for."""


def inbox(visit: Visit) -> Response:
    """`/` and `/inbox.json`: what needs a person, what concerns us first."""
    kept = {name: visit.query[name] for name in (*_FILTERS, "everything") if visit.query.get(name)}
    before, limit = visit.query.get("before") or None, visit.query.get("limit")
    found = _matching(visit, kept, before=before)
    return visit.answer(
        found,
        "inbox",
        section="inbox",
        inbox=found,
        choices=_choices(kept),
        filtered=bool(kept),
        first=with_query("/", **kept, limit=limit) if before else "",
        next=with_query("/", **kept, limit=limit, before=found.next) if found.next else "",
    )


def _matching(visit: Visit, kept: Mapping[str, str], *, before: str | None) -> Inbox:
    """Return about one page of the items that `kept` asks for; a short one may have a next (`Inbox.next`)."""
    tests = [(test, kept[name]) for name, test in _FILTERS.items() if name in kept]
    wanted_rows = limit = page_rows(visit)
    items: list[Item] = []
    pages_left = MAX_PAGES_SEARCHED
    while True:
        page = desk_inbox.inbox(
            visit.node, visit.clock, limit=limit, before=before, everything="everything" in kept
        )
        items += (item for item in page.items if all(test(item, wanted) for test, wanted in tests))
        before, pages_left, limit = page.next, pages_left - 1, MAX_PAGE_ROWS
        if not tests or before is None or 2 * len(items) >= wanted_rows or not pages_left:
            return msgspec.structs.replace(page, items=tuple(items))


def _choices(kept: Mapping[str, str]) -> list[Choice]:
    views: tuple[tuple[Markup, dict[str, str]], ...] = (
        (say("For you"), {}),
        (say("Concerns us"), {"concerns": "yes"}),
        (say("Searched in part"), {"concerns": "in part"}),
        (say("Not checked"), {"concerns": "not checked"}),
        (say("Indicators"), {"type": "indicator"}),
        (say("Reports"), {"type": "report"}),
        (say("All objects"), {"everything": "1"}),
    )
    return [Choice(words, with_query("/", **view), view == kept) for words, view in views]


# --- Item ----------------------------------------------------------------------------------------------

_SAID: Final = {
    "ack": "Acknowledged. The source can be told with the note that was written.",
    "told": "Acknowledged. A receipt goes back to each sender whom so much may be told.",
    "denied": "Acknowledged. No receipt is given: the rules of release do not allow it.",
    "decline": "Declined. A receipt with the reason goes back to its sender.",
    "sight": "Sighting recorded. The source can be told with the object that was written.",
    "dispute": "Dispute recorded. The source can be told with the opinion that was written.",
    "outcome": "Kept. It counts for or against everybody who had told us so.",
    "grade": "Kept. Your number counts; the computed one stays beside it.",
    "union": "Kept. The origins are counted anew.",
    "poll": "It is polled within seconds. Open this page again to see what came.",
    "pause": "Paused: it is polled no more until you resume it.",
    "resume": "Resumed: it is polled at once, and then as before.",
    "undone": "Undone. Every view is as if that batch had never come.",
}


def item(visit: Visit) -> Response:
    """`/item/{id}` and its twin: one object, what to do about it first, its bytes last."""
    stix_id = stix_id_of(visit)
    detail = desk_inbox.show(visit.node, visit.clock, stix_id)
    if visit.path.endswith(".json"):
        return visit.answer(detail, "item", section="inbox")
    return visit.answer(
        detail,
        "item",
        section="inbox",
        detail=detail,
        why=desk_inbox.why(visit.node, visit.clock, stix_id),
        said=said(visit),
        shows_letters=visit.query.get("letters") == "show",
    )


def why(visit: Visit) -> Response:
    """`/item/{id}/why.json`: everything that we know about why we hold it."""
    return visit.answer(desk_inbox.why(visit.node, visit.clock, stix_id_of(visit)), "item", section="inbox")


def stix_id_of(visit: Visit) -> str:
    """Return the id in the address; the desk says whether there is such an object."""
    return visit.parts["stix_id"]


def said(visit: Visit) -> str:
    """Return what the page says about the form that led here; "" for nothing."""
    words = _SAID.get(visit.query.get("said", ""))
    return say(words) if words else ""


# --- Hits ----------------------------------------------------------------------------------------------


def hits(visit: Visit) -> Response:
    """`/hits` and `/hits.json`: what hunts found, by our host and by indicator."""
    book = desk_hits.hits(visit.node)
    wanted = visit.query.get("q", "").strip()
    if wanted:
        book = _with(book, wanted)
    by = "indicator" if visit.query.get("by") == "indicator" else "host"
    rows: Sequence[object] = book.by_indicator if by == "indicator" else book.by_asset
    start = _number(visit.query.get("start", ""), at_most=len(rows))
    following = start + PAGE_ROWS
    view = {"by": "indicator" if by == "indicator" else "", "q": wanted}
    return visit.answer(
        book,
        "hits",
        section="hits",
        book=book,
        rows=rows[start:following],
        any_hits=bool(rows),
        indicators={row.indicator: row for row in book.by_indicator},
        by=by,
        q=wanted,
        first=with_query("/hits", **view) if start else "",
        next=with_query("/hits", **view, start=following) if following < len(rows) else "",
    )


def _with(book: HitBook, wanted: str) -> HitBook:
    """Return of `book` what has `wanted` in one of our hosts or in a value, defanged or not."""
    text = refang(wanted).lower()
    by_indicator = tuple(
        row
        for row in book.by_indicator
        if text in row.observable.value.lower() or any(text in asset.lower() for asset in row.assets)
    )
    found = {row.indicator for row in by_indicator if text in row.observable.value.lower()}
    by_asset = tuple(
        row
        for row in book.by_asset
        if text in (row.asset or "").lower() or not found.isdisjoint(row.indicators)
    )
    return msgspec.structs.replace(book, by_indicator=by_indicator, by_asset=by_asset)


def hub(visit: Visit) -> Response:
    """`/hub` and `/hub.json`: where the hits lead to, with what was read last of the logs around them."""
    book = desk_hubs.hubs(visit.node, visit.clock, reads=False)
    start = _number(visit.query.get("start", ""), at_most=len(book.hubs))
    following = start + PAGE_ROWS
    return visit.answer(
        book,
        "hub",
        section="hits",
        book=book,
        rows=book.hubs[start:following],
        first=with_query("/hub") if start else "",
        next=with_query("/hub", start=following) if following < len(book.hubs) else "",
    )


# --- Batches and parties -------------------------------------------------------------------------------


def batches(visit: Visit) -> Response:
    """`/batches` and its twin: what each import brought."""
    before, limit = visit.query.get("before") or None, visit.query.get("limit")
    found = desk_batches.list_batches(visit.node, limit=page_rows(visit), before=before)
    return visit.answer(
        found,
        "batches",
        section="batches",
        batches=found,
        said=said(visit),
        first=with_query("/batches", limit=limit) if before else "",
        next=with_query("/batches", limit=limit, before=found.next) if found.next else "",
    )


def batch(visit: Visit) -> Response:
    """`/batches/{n}` and its twin: one batch with its findings."""
    detail = desk_batches.show_batch(visit.node, batch_id_of(visit))
    return visit.answer(detail, "batch", section="batches", detail=detail)


def batch_id_of(visit: Visit) -> BatchId:
    """Return the batch's number in the address."""
    return BatchId(int(visit.parts["batch_id"]))


def parties(visit: Visit) -> Response:
    """`/parties` and its twin: whom we exchange with."""
    found = desk_parties.list_parties(visit.node)
    return visit.answer(found, "parties", section="parties", parties=found)


# --- Channels ------------------------------------------------------------------------------------------


def channels(visit: Visit) -> Response:
    """`/channels` and its twin: where we fetch by ourselves."""
    found = desk_channels.list_channels(visit.node)
    return visit.answer(found, "channels", section="channels", channels=found)


def channel(visit: Visit) -> Response:
    """`/channels/{name}` and its twin: one channel, what it brought and what was rejected."""
    detail = desk_channels.show_channel(visit.node, visit.parts["name"])
    return visit.answer(detail, "channel", section="channels", detail=detail, said=said(visit))


def page_rows(visit: Visit) -> int:
    """Return how many lines the address asks for."""
    return max(1, _number(visit.query.get("limit", ""), at_most=MAX_PAGE_ROWS, instead=PAGE_ROWS))


def _number(text: str, *, at_most: int, instead: int = 0) -> int:
    """Return the number that `text` writes, at most `at_most`; `instead` for what is no number."""
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        return instead
    return min(int(text), at_most)
