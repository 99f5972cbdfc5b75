"""The page of requests: what we are asked, with its answer forms; what we ask; who needs help with what we sent."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from backchannel.desk.receipting import decline_reason
from backchannel.desk.replying import Reply, mark_helped, reply
from backchannel.desk.requests import list_requests
from backchannel.web.language import say
from backchannel.web.pages import page_rows
from backchannel.web.visit import Visit, see_other

_SAID: Final = {
    "acknowledged": "Who asks is told with the next drop that it was read.",
    "working": "Who asks is told with the next drop that somebody works on it.",
    "answered": "The answer goes with the next drop.",
    "declined": "That we decline, and why, goes with the next drop.",
    "done": "Done. Nobody is told by this.",
}


def requests(visit: Visit) -> Response:
    """`/requests` and its twin."""
    found = list_requests(visit.node, visit.clock, rows=page_rows(visit))
    words = _SAID.get(visit.query.get("said", ""))
    return visit.answer(
        found,
        "requests",
        section="requests",
        requests=found,
        open=[one for one in found.to_us if one.task],
        closed=[one for one in found.to_us if not one.task],
        said=say(words) if words else "",
    )


def answer(visit: Visit) -> Response:
    """`POST /requests/{which}/answer`: to a request, or to a party that needs help."""
    which, form = visit.parts["which"], visit.form
    text, does = form.get("text", ""), form.get("do", "")
    unseal = visit.house.unseal
    if does == "done":
        mark_helped(visit.node, visit.clock, which, text)
        return see_other("/requests", said="done")
    if does == "decline":
        why = decline_reason(form.get("reason", ""), text=text, node=visit.node)
        said = Reply(state="declined", reason=why)
    elif does in {"read", "working"}:
        said = Reply(state="acknowledged" if does == "read" else "working", text=text)
    else:
        said = Reply(text=text)
    replied = reply(visit.node, visit.clock, which, said, unseal=unseal)
    return see_other("/requests", said=replied.state)
