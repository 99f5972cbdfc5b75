"""What the forms do: one desk call each, then back to the page that shows it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from backchannel.desk import answering
from backchannel.desk import batches as desk_batches
from backchannel.desk import channels as desk_channels
from backchannel.desk.receipting import READ, Word, acknowledged, decline_reason
from backchannel.web.pages import batch_id_of, stix_id_of
from backchannel.web.rendering import channel_url, item_url
from backchannel.web.visit import Visit, see_other


def acknowledge(visit: Visit) -> Response:
    """`POST /item/{id}/ack`."""
    stix_id = stix_id_of(visit)
    word = _TOLD.get(visit.form.get("told", ""), READ)
    said = answering.acknowledge(visit.node, visit.clock, stix_id, text=visit.form.get("text", ""), word=word)
    outcomes = {one.outcome for one in said.receipts}
    told = "told" if "given" in outcomes else "denied" if "denied" in outcomes else "ack"
    return see_other(item_url(stix_id), said=told)


_TOLD: Final = {
    "assessed": Word(state="assessed"),
    "blocked": Word(state="acted", acted="blocked"),
    "hunted-nothing": Word(state="acted", acted="hunted, nothing"),
    "hunted-found": Word(state="acted", acted="hunted, found"),
}
"""What the form can tell the senders of drops, beside that it was read."""


def decline(visit: Visit) -> Response:
    """`POST /item/{id}/decline`."""
    stix_id = stix_id_of(visit)
    reason = decline_reason(
        visit.form.get("reason", ""),
        other=visit.form.get("other", ""),
        text=visit.form.get("text", ""),
        node=visit.node,
    )
    acknowledged(visit.node, visit.clock, stix_id, Word(state="declined", reason=reason))
    return see_other(item_url(stix_id), said="decline")


def sight(visit: Visit) -> Response:
    """`POST /item/{id}/sight`."""
    stix_id = stix_id_of(visit)
    words, unseal = visit.form.get("text", ""), visit.house.unseal
    answering.sight(visit.node, visit.clock, stix_id, text=words, unseal=unseal)
    return see_other(item_url(stix_id), said="sight")


def dispute(visit: Visit) -> Response:
    """`POST /item/{id}/dispute`."""
    stix_id = stix_id_of(visit)
    answering.dispute(
        visit.node,
        visit.clock,
        stix_id,
        text=visit.form.get("text", ""),
        strongly=visit.form.get("strongly") == "yes",
        unseal=visit.house.unseal,
    )
    return see_other(item_url(stix_id), said="dispute")


def undo(visit: Visit) -> Response:
    """`POST /batches/{n}/undo`."""
    desk_batches.undo_batch(visit.node, visit.clock, batch_id_of(visit))
    return see_other("/batches", said="undone")


def poll(visit: Visit) -> Response:
    """`POST /channels/{name}/poll`: whoever polls beside the pages does it within seconds."""
    name = visit.parts["name"]
    desk_channels.want_poll(visit.node, visit.clock, name)
    return see_other(channel_url(name), said="poll")


def pause(visit: Visit) -> Response:
    """`POST /channels/{name}/pause`."""
    name = visit.parts["name"]
    desk_channels.pause_channel(visit.node, visit.clock, name)
    return see_other(channel_url(name), said="pause")


def resume(visit: Visit) -> Response:
    """`POST /channels/{name}/resume`."""
    name = visit.parts["name"]
    desk_channels.resume_channel(visit.node, name)
    return see_other(channel_url(name), said="resume")
