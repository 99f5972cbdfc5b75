"""Which of what waits for a party may go to it now: the rules are asked when it is said, and again when it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from backchannel.clock import Clock
from backchannel.desk.node import Node
from backchannel.desk.weighing import may_say
from backchannel.feedback.telling import in_words
from backchannel.provenance.predicates import Receipt
from backchannel.provenance.statement import content_of, open_envelope
from backchannel.stix.markings import Tlp
from backchannel.store.rows import PartyRow
from backchannel.store.statements import StatementRow

PURPOSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "answer": "answer",
        "deconflict": "answer",
        "opinion": "answer",
        "outcome": "outcome",
        "receipt": "receipt",
        "retract": "retraction",
        "rfi": "request",
        "sighting": "sighting",
    }
)
"""Kinds of statements that the rules are asked about when they are made, and as what."""


def may_go(node: Node, clock: Clock, party: PartyRow) -> list[StatementRow]:
    """Return what waits for a party and may go to it now; what may not waits on.

    Args:
        node: ours.
        clock: the present.
        party: for whom it waits.

    Raises:
        BrokenPolicyError: the policy cannot be read.
    """
    decided: dict[tuple[str, Tlp, str], bool] = {}
    found: list[StatementRow] = []
    for row in node.store.statements.waiting(party.party_row):
        purpose = PURPOSES.get(row.kind)
        if purpose is None:  # news of keys, and what people decided about: no rule was asked
            found.append(row)
            continue
        statement = open_envelope(row.envelope).statement
        said = content_of(statement)
        state = said.state if isinstance(said, Receipt) else ""
        asked = purpose, in_words(statement, "").tlp, state
        if asked not in decided:
            decided[asked] = may_say(node, clock, party, asked[1], purpose, state=state).allowed
        if decided[asked]:
            found.append(row)
    return found
