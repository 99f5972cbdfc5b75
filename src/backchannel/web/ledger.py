"""The page of our ledger: its name, key and checkpoint, and what was entered last."""

from __future__ import annotations

from starlette.responses import Response

from backchannel.desk.auditing import show_ledger
from backchannel.web.pages import page_rows
from backchannel.web.rendering import with_query
from backchannel.web.visit import Visit


def ledger(visit: Visit) -> Response:
    """`/ledger` and its twin: never a statement or what opens a leaf."""
    text, limit = visit.query.get("before", ""), visit.query.get("limit")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    found = show_ledger(visit.node, rows=page_rows(visit), before=before)
    return visit.answer(
        found,
        "ledger",
        section="batches",
        ledger=found,
        first=with_query("/ledger", limit=limit) if before is not None else "",
        next=with_query("/ledger", limit=limit, before=found.next) if found.next is not None else "",
    )
