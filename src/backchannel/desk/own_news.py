"""News of our own keys: what we said of them, let go with the next drop to each party, and written out for other media."""

from __future__ import annotations

from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.provenance import keep_statement
from backchannel.parties.states import Standing

MAX_KEY_SETS = 20
"""Versions of our key set that go along: whoever missed more asks for our card."""


def announce(node: Node, clock: Clock, statement: bytes) -> None:
    """Keep a statement about our keys, and let it go with the next drop to everybody whose keys are here.

    Inside the transaction that makes it true.
    """
    store = node.store
    row = keep_statement(store, clock, statement, batch_id=None, is_own=True)
    for known in store.membership.known():
        party = known.party
        if party.is_self or known.root is None:
            continue
        if store.membership.standing(party.party_row) != Standing.REVOKED:
            store.statements.wait(row, party_row=party.party_row)


def own_key_statements(node: Node) -> list[bytes]:
    """Return the statements of our newest key sets, oldest first: they go along in every drop."""
    rows = node.store.membership.key_sets(node.party.party_row)[-MAX_KEY_SETS:]
    return [row.statement for row in rows if row.statement is not None]


def own_news(node: Node) -> bytes:
    """Return all that we said of our keys, key sets before revocations, oldest first: one statement a line.

    For media that carry no drop; whoever knows us takes it with `backchannel receive FILE`.
    """
    revocations = node.store.membership.revocations(node.party.party_row)
    said = [*own_key_statements(node), *(row.statement for row in revocations if row.statement is not None)]
    return b"".join(statement + b"\n" for statement in said)


def waiting_for(node: Node) -> int:
    """Return how many parties have news of ours to come, of whatever kind."""
    return len(node.store.statements.waiting_parties())
