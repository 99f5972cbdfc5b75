"""Give receipts and answers back by the carrier that brings a party's drops: in a drop of their own, that asks for none.

A channel of drops is between us and one party, the one that it names. Where a person added it so, the party is not
known, is not to be sent anything, the folder cannot be written, or our keys are under a passphrase that nobody gave, the
receipts wait for the next drop as they would without it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from backchannel.clock import Clock
from backchannel.desk.channel import Terms
from backchannel.desk.channels import terms_of
from backchannel.desk.node import Node
from backchannel.desk.receipt_drops import receipts_drop
from backchannel.errors import NotFoundError, PolicyError, SignatureError
from backchannel.parties.at_rest import Unseal
from backchannel.store.polled import ChannelRow

ANSWERS: Final = frozenset({"answer", "opinion", "outcome", "receipt", "retract", "rfi", "sighting", "tally"})
"""Kinds of statement that go back at once; news of keys waits for a drop that goes anyway."""


def write_receipts(node: Node, clock: Clock, row: ChannelRow, *, unseal: Unseal | None = None) -> bool:
    """Make a drop of the receipts that wait for the party of a channel, and write it down to go by that channel.

    Returns whether there is one. What waits otherwise goes along.

    Args:
        node: ours.
        clock: the present.
        row: a channel of kind `drop`.
        unseal: opens our keys.

    Raises:
        StoreError: it cannot be written.
    """
    terms = terms_of(row)
    party = node.store.parties.by_name(row.party)
    if not terms.receipts or party is None or not _can_be_written(terms):
        return False
    if not any(one.kind in ANSWERS for one in node.store.statements.waiting(party.party_row)):
        return False
    try:
        made = receipts_drop(node, clock, party.name, carrier=row.name, unseal=unseal)
    except (NotFoundError, PolicyError, SignatureError):
        return False  # it has no keys here, may be sent nothing, or nobody is there who gives our passphrase
    return made is not None


def _can_be_written(terms: Terms) -> bool:
    """Whether a drop can go by it, as far as can be told without trying."""
    return "://" in terms.url or os.access(Path(terms.url), os.W_OK)
