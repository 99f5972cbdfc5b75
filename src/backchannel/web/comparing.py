"""The pages of private comparisons: how they stand, what both hold, and the forms that decide."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from backchannel.desk import comparing
from backchannel.desk.comparison_listing import list_comparisons, show_comparison
from backchannel.errors import UsageError
from backchannel.psi.items import Sort
from backchannel.web.language import say
from backchannel.web.visit import Visit, see_other

MAX_WHY_CHARS: Final = 1_000
_SAID: Final = {
    "answered": "Our next message is made, and waits for the party to fetch it.",
    "revealed": "We agree to show which. It is shown once both sides agreed.",
    "declined": "Declined. The party is told with a message.",
}


def comparisons(visit: Visit) -> Response:
    """`/comparisons` and its twin."""
    found = list_comparisons(visit.node)
    return visit.answer(found, "comparisons", section="requests", comparisons=found)


def comparison(visit: Visit) -> Response:
    """`/comparisons/{session}` and its twin."""
    found = show_comparison(visit.node, visit.parts["session"])
    words = _SAID.get(visit.query.get("said", ""))
    return visit.answer(
        found,
        "comparison",
        section="requests",
        shown=found,
        one=found.comparison,
        said=say(words) if words else "",
    )


def decide(visit: Visit) -> Response:
    """`POST /comparisons/{session}`: answer, agree to show which, or decline; what `compare` does on the command line."""
    which, form = visit.parts["session"], visit.form
    node, clock, unseal = visit.node, visit.clock, visit.house.unseal
    does, why = form.get("do", ""), form.get("why", "")
    if len(why) > MAX_WHY_CHARS:
        raise UsageError(f"a reason has at most {MAX_WHY_CHARS:,} characters", hint="Write less.")
    if does == "decline":
        session, said = comparing.decline(node, clock, which, because=why, unseal=unseal), "declined"
    elif does in {"answer", "reveal"}:
        # A page overrides nothing: what can be guessed is let through on the command line, with a reason.
        none: tuple[Sort, ...] = ()
        session = comparing.answer(node, clock, which, shows=does == "reveal", overridden=none, unseal=unseal)
        said = "revealed" if does == "reveal" else "answered"
    else:
        raise UsageError("the form does not say what to do", hint="Open the page and press its button.")
    return see_other(f"/comparisons/{session.name}", said=said)
