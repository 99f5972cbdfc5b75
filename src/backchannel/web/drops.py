"""The page of drops: what came, what went and who is silent, what was refused, what waits."""

from __future__ import annotations

from starlette.responses import Response

from backchannel.desk.drop_book import drop_book
from backchannel.web.pages import page_rows
from backchannel.web.rendering import with_query
from backchannel.web.visit import Visit


def drops(visit: Visit) -> Response:
    """`/drops` and its twin."""
    before, limit = visit.query.get("before") or None, visit.query.get("limit")
    found = drop_book(visit.node, visit.clock, rows=page_rows(visit), before=before)
    return visit.answer(
        found,
        "drops",
        section="drops",
        drops=found,
        first=with_query("/drops", limit=limit) if before else "",
        next=with_query("/drops", limit=limit, before=found.next) if found.next else "",
    )
