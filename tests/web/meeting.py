"""Other nodes that the one behind the pages knows: one by its card, with a stopped card that claims its name."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from backchannel.clock import Clock
from backchannel.desk import membership
from backchannel.desk.node import init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.own_news import own_news
from backchannel.desk.receipt_drops import take_statements
from backchannel.desk.revoking import revoke
from backchannel.errors import PolicyError
from backchannel.parties.card import card_text


def meet(home: Path, clock: Clock) -> str:
    """Let the node know CERT Beta by its card and its key sets; returns the number that Beta reads aloud."""
    with (
        open_node(home) as alpha,
        init_node(home.parent / "beta", name="CERT Beta", clock=clock) as beta,
        init_node(home.parent / "mallory", name="CERT Beta", clock=clock) as mallory,
    ):
        membership.meet(beta, clock, card_text(own_keys(alpha, clock).card).encode())
        membership.meet(alpha, clock, card_text(own_keys(beta, clock).card).encode())
        revoke(beta, clock, "sign", reason="stolen", since="2026-11-01")
        take_statements(alpha, clock, own_news(beta), "news")
        with suppress(PolicyError):
            membership.meet(alpha, clock, card_text(own_keys(mallory, clock).card).encode())
        return membership.safety_of(beta, "CERT Alpha").digits
