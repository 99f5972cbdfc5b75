"""The inbox: what came last and is worth a person's attention; and one object in full.

First comes all that concerns us, then everything else, both the newest first; within a page what is most credible
stands first.

A row is a current object of a type in `ATTENTION`. What only describes others (relationships, markings,
identities, observables, ATT&CK's techniques and courses of action) is read beside what it describes; with
`everything` it has rows of its own. A quarantined object has none until a person accepts it: it is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.concerning import concerning
from backchannel.desk.documents import Inbox, Item, ItemDetail, ItemHit
from backchannel.desk.items import Reader, find
from backchannel.desk.node import Node
from backchannel.desk.sent_drops import unanswered
from backchannel.desk.tasks import tasks
from backchannel.desk.ties import tied_indicators
from backchannel.desk.unseen import unsaid_batches
from backchannel.desk.why import why
from backchannel.errors import UsageError
from backchannel.store.interface import Store
from backchannel.store.rows import Kept, Sightline

__all__ = ["ATTENTION", "inbox", "show", "why"]

ATTENTION = (
    "campaign",
    "grouping",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "malware",
    "malware-analysis",
    "note",
    "observed-data",
    "opinion",
    "report",
    "sighting",
    "threat-actor",
    "vulnerability",
)
"""Types that somebody has to look at."""

MAX_PAGE_ROWS = 1_000
MAX_SCANNED = 20_000
"""Candidates looked at for one page, superseded versions included: about 0.2 s."""
RELATED_IN_LIST = 5
RELATED_IN_DETAIL = 200
MAX_HITS_SHOWN = 100


def inbox(
    node: Node, clock: Clock, *, limit: int = 50, before: str | None = None, everything: bool = False
) -> Inbox:
    """Return one page of the inbox: what concerns us, then everything else.

    Args:
        node: the open node.
        clock: tells which indicators are valid now.
        limit: most items, at most `MAX_PAGE_ROWS`.
        before: `next` of the page before.
        everything: give every current object a row.

    Raises:
        UsageError: `before` is not what a page gave.
    """
    page, following = _page(
        node.store,
        before=before,
        types=None if everything else ATTENTION,
        rows=max(1, min(limit, MAX_PAGE_ROWS)),
    )
    return Inbox(
        items=tuple(sorted(Reader(node, clock).items(page, related=RELATED_IN_LIST), key=_urgency)),
        next=following,
        quarantined=node.store.objects.quarantined(),
        unanswered=unanswered(node, clock) if before is None else None,
        tasks=tasks(node, clock) if before is None else (),
        unsaid=unsaid_batches(node) if before is None else (),
    )


def show(node: Node, clock: Clock, stix_id: str) -> ItemDetail:
    """Return everything about one object: the version in force, else the newest one in quarantine.

    Args:
        node: the open node.
        clock: tells whether it is valid now.
        stix_id: its id, or so much of its beginning that only one object has it.

    Raises:
        NotFoundError: nothing of that id is here.
        UsageError: several objects begin so.
    """
    kept = find(node.store, stix_id)
    reader = Reader(node, clock)
    (item,) = reader.items((kept,), related=RELATED_IN_DETAIL)
    viewed = reader.view(kept)
    hits = node.store.sightlines.hits(
        tied_indicators(node.store, kept, reader.as_ours(kept)), at_most=MAX_HITS_SHOWN
    )
    return ItemDetail(
        item=item,
        spec_version=kept.spec_version,
        received=msgspec.Raw(kept.body),
        view=viewed.objects,
        changes=viewed.changes,
        digest=kept.digest.hex(),
        body_digest=kept.body_digest.hex(),
        hits=tuple(_hit(line) for line in hits),
    )


def _urgency(item: Item) -> tuple[bool, int]:
    """Sort what concerns us first, then by credibility; of equals the newest stays first."""
    return item.concerns.state != "yes", _RANKS[item.grade.number] if item.grade else len(_RANKS)


_RANKS: Final[dict[int, int]] = {1: 0, 2: 1, 3: 2, 6: 3, 4: 4, 5: 5}
"""What is not judged (6) comes before what something speaks against."""


_OURS: Final = "ours-"
"""Begins a place among what concerns us; any other lies in what comes after."""


def _page(
    store: Store, *, before: str | None, types: Sequence[str] | None, rows: int
) -> tuple[list[Kept], str | None]:
    """Return what stands on a page, the newest first, and where the next one begins."""
    ours = [kept for kept in concerning(store) if types is None or kept.type in types]
    page: list[Kept] = []
    if before is None or before.startswith(_OURS):
        place = None if before is None else _place(before.removeprefix(_OURS))
        page = [kept for kept in ours if place is None or kept.first_arrival < place][:rows]
        if len(page) == rows:
            return page, f"{_OURS}{page[-1].first_arrival}"
        before = None
    others, place = store.objects.newest(
        types, before=_place(before), rows=rows - len(page), scan=MAX_SCANNED
    )
    told = {kept.object_row for kept in ours}
    page += [kept for kept in others if kept.object_row not in told]
    return page, None if place is None else str(place)


def _place(before: str | None) -> int | None:
    if before is None:
        return None
    if not (before.isascii() and before.isdigit() and len(before) < 19):
        raise UsageError("that is no place in the inbox", hint="Begin at the first page.")
    return int(before)


def _hit(line: Sightline) -> ItemHit:
    return ItemHit(
        indicator=line.indicator,
        kind=line.kind,
        value=line.value,
        asset=line.asset,
        log=line.log,
        format=line.format,
        field=line.field,
        scope=line.scope,
        validity=line.validity,
        warninglists=tuple(codec.decode(line.warninglists)),
        first_seen=line.first_seen,
        last_seen=line.last_seen,
        count=line.count,
    )
