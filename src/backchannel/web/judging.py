"""What the forms about belief do: how a claim turned out, its number, its origins, a party's letter, what we hide."""

from __future__ import annotations

from starlette.responses import Response

from backchannel.desk import judgements
from backchannel.desk.deconflicting import Sources, deconflict
from backchannel.desk.party_page import party_called
from backchannel.errors import UsageError
from backchannel.web.pages import stix_id_of
from backchannel.web.rendering import item_url, party_url
from backchannel.web.visit import Visit, see_other


def outcome(visit: Visit) -> Response:
    """`POST /item/{id}/outcome`."""
    stix_id, word, why = stix_id_of(visit), visit.form.get("outcome", ""), visit.form.get("why", "")
    if word == "none":
        judgements.take_back(visit.node, visit.clock, stix_id, why)
    elif word in {"confirmed", "refuted", "harmful"}:
        judgements.judge(visit.node, visit.clock, stix_id, word, why)  # type: ignore[arg-type]  # just asked
    else:
        raise _not_ours()
    return see_other(item_url(stix_id), said="outcome")


def grade(visit: Visit) -> Response:
    """`POST /item/{id}/grade`: blind, where the page showed no letters."""
    stix_id, number = stix_id_of(visit), visit.form.get("number", "")
    if number != "computed" and number not in {"1", "2", "3", "4", "5", "6"}:
        raise _not_ours()
    judgements.grade(
        visit.node,
        visit.clock,
        stix_id,
        number=None if number == "computed" else int(number),
        reason=visit.form.get("why", ""),
        is_blind=visit.form.get("letters") == "hidden",
        ends=number == "computed",
    )
    return see_other(item_url(stix_id), said="grade")


def union(visit: Visit) -> Response:
    """`POST /item/{id}/union`."""
    stix_id, form = stix_id_of(visit), visit.form
    result = form.get("result", "")
    if result not in {"same", "different", "computed"}:
        raise _not_ours()
    judgements.unite(
        visit.node,
        visit.clock,
        stix_id,
        form.get("first", ""),
        form.get("second", ""),
        None if result == "computed" else result,  # type: ignore[arg-type]  # just asked
        form.get("why", ""),
    )
    return see_other(item_url(stix_id), said="union")


def letter(visit: Visit) -> Response:
    """`POST /parties/{name}/grade`."""
    one, form = party_called(visit.node, visit.parts["name"]), visit.form
    word = form.get("letter", "")
    judgements.grade_party(
        visit.node,
        visit.clock,
        one.name,
        None if word == "computed" else word,
        form.get("why", ""),
        source=form.get("source") or None,
    )
    return see_other(party_url(one.name, one.party_id), said="graded")


def sources(visit: Visit) -> Response:
    """`POST /parties/{name}/deconflict`: the party of the page is told."""
    one, form = party_called(visit.node, visit.parts["name"]), visit.form
    result = form.get("result", "")
    if result not in {"same", "different"}:
        raise _not_ours()
    said = Sources(
        form.get("source", ""),
        form.get("other", ""),
        result,  # type: ignore[arg-type]  # just asked
        names_other=form.get("named") == "yes",
    )
    deconflict(visit.node, visit.clock, said, [one.name], form.get("why", ""))
    return see_other(party_url(one.name, one.party_id), said="deconflicted")


def _not_ours() -> UsageError:
    return UsageError("the form is not one of ours", hint="Open the page and press its button.")
