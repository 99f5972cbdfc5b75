"""What the forms do: one desk call each, then back to the page that shows it."""

from __future__ import annotations

from starlette.responses import Response

from backchannel.desk import answering
from backchannel.desk import batches as desk_batches
from backchannel.web.pages import batch_id_of, stix_id_of
from backchannel.web.rendering import item_url
from backchannel.web.visit import Visit, see_other


def acknowledge(visit: Visit) -> Response:
    """`POST /item/{id}/ack`."""
    stix_id = stix_id_of(visit)
    answering.acknowledge(visit.node, visit.clock, stix_id, text=visit.form.get("text", ""))
    return see_other(item_url(stix_id), said="ack")


def sight(visit: Visit) -> Response:
    """`POST /item/{id}/sight`."""
    stix_id = stix_id_of(visit)
    answering.sight(visit.node, visit.clock, stix_id, text=visit.form.get("text", ""))
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
    )
    return see_other(item_url(stix_id), said="dispute")


def undo(visit: Visit) -> Response:
    """`POST /batches/{n}/undo`."""
    desk_batches.undo_batch(visit.node, visit.clock, batch_id_of(visit))
    return see_other("/batches", said="undone")
