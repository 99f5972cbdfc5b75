"""Who gave us an object over TAXII, where no drop asks for a receipt, what we told them, and to whom we gave one so."""

from __future__ import annotations

from typing import Final

from backchannel.desk.came_drops import MAX_ARRIVALS
from backchannel.desk.node import Node
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.errors import NotFoundError
from backchannel.provenance.predicates import Receipt
from backchannel.provenance.statement import content_of, open_envelope
from backchannel.store.rows import Kept, PartyRow

CHANNEL: Final = "taxii"
MAX_GIVERS: Final = 20
MAX_RECEIPTS: Final = 200


def givers(node: Node, kept: Kept) -> list[Recipient]:
    """Return the parties whose keys we have that gave us an object in this content over TAXII, the newest first."""
    arrivals, _ = node.store.objects.arrivals(kept.stix_id, at_most=MAX_ARRIVALS)
    names = dict.fromkeys(
        one.party
        for one in arrivals
        if one.object_row == kept.object_row
        and one.channel == CHANNEL
        and one.party not in {None, node.party.name}
    )
    found: list[Recipient] = []
    for name in list(names)[:MAX_GIVERS]:
        try:
            found.append(recipient_of(node, str(name)))
        except NotFoundError:  # known by its name only: there is nobody to address
            continue
    return found


def told_of(node: Node, to: Recipient, kept: Kept) -> list[Receipt]:
    """Return what we told a party of an object that it gave us without a drop, oldest first."""
    known = next(
        (one.kids for one in node.store.membership.known() if one.party.party_row == to.party.party_row),
        frozenset[str](),
    )
    found: list[Receipt] = []
    for about in node.store.statements.about(kept.digest, kinds=("receipt",), at_most=MAX_RECEIPTS):
        if not about.statement.is_own:
            continue
        statement = open_envelope(about.statement.envelope).statement
        said = content_of(statement)
        if isinstance(said, Receipt) and said.manifest is None and known & set(statement.aud):
            found.append(said)
    return found


def given_to(node: Node, kept: Kept, *, with_keys: bool = True) -> list[PartyRow]:
    """Return the parties that an object in this content went to over TAXII, of those whose keys we have or of all.

    It was pushed to them, or stood on a page that they read under their own name.
    """
    if not node.store.given.is_out(kept.stix_id, kept.digest):
        return []
    return [
        known.party
        for known in node.store.membership.known()
        if (known.root is not None or not with_keys)
        and not known.party.is_self
        and node.store.given.was_given(known.party.party_row, kept.stix_id, kept.digest, is_named=True)
    ]
