"""Statements about an object of `world`: a way with two relays, one that hides its source, and another content."""

from __future__ import annotations

from tests.provenance.made import said
from tests.provenance.test_chain import Way
from tests.sim.party import ALPHA, BETA, DELTA, GAMMA, MALLORY

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.provenance import keep_statement
from backchannel.ids import BatchId
from backchannel.provenance.hidden import cryptonym, hide, opening
from backchannel.provenance.predicates import Permit, Widened
from backchannel.provenance.reasons import Reason
from backchannel.provenance.statement import digest_text, open_envelope
from backchannel.stix.markings import Tlp


def sign(node: Node, clock: Clock, stix_id: str) -> None:
    """Keep the statements that a drop would have brought with an object."""
    kept = node.store.objects.current(stix_id)
    assert kept is not None
    value = codec.decode(kept.body)
    begun = Way.begun(value)
    begun.tlp = Tlp.AMBER
    whole = begun.passed(BETA, ALPHA).passed(GAMMA, BETA)
    hiding = begun.passed(BETA, ALPHA).passed(
        GAMMA, BETA, from_=hide(opening(BETA.kid)), cryptonym=cryptonym(bytes(32), "K7")
    )
    widened = begun.passed(DELTA, ALPHA, to=[GAMMA.kid], marking_out=Tlp.GREEN)
    other = said(value=value | {"name": "Another name, with <b>much</b> to say about it"}, by=MALLORY)
    envelopes = [link.envelope for link in (*whole.links, hiding.links[2], widened.links[1])]
    permit = said(Permit(to=[BETA.kid], until="2026-06-01T00:00:00Z", marking=Tlp.GREEN), value=value)
    told = Widened(
        relay=DELTA.kid,
        statement=digest_text(open_envelope(widened.links[1].envelope).digest),
        marking_in=Tlp.AMBER,
        marking_out=Tlp.GREEN,
        reason=Reason.NO_PERMIT,
    )
    for envelope in (*envelopes, other, permit, said(told, by=GAMMA, value=value)):
        keep_statement(node.store, clock, envelope, batch_id=BatchId(1))
