"""Who said an object first, as far as it is proven: what only its originator may do is done by nobody else's word.

Stricter than what a new version is judged by (`creators`): there an unproven object has a creator too, here it has none.
"""

from __future__ import annotations

from collections.abc import Sequence

from backchannel.clock import Clock
from backchannel.desk.items import Reader
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.steps import KINDS
from backchannel.desk.ways import Ways
from backchannel.store.rows import First, Kept
from backchannel.store.statements import About

MAX_ABOUT = 200
"""Statements about one object that are looked at, the oldest."""


class Originators:
    """Finds the originators of many objects with one reading of keys and ways."""

    def __init__(self, node: Node, clock: Clock) -> None:
        self._node, self._clock = node, clock
        self._ways = Ways(node, clock, pinned_keys(node))
        known = [row for row in node.store.membership.known() if row.root is not None]
        # An identity that two claim is that of whoever was known by it first.
        self._bound = {row.identity: row.party.party_id for row in reversed(known)}
        self._bound |= {row.party.party_id: row.party.party_id for row in known}

    def of(self, page: Sequence[Kept]) -> dict[int, str | None]:
        """Return each object's originator by its row: the id of a party, ours among them; None: nobody is proven.

        It is the only party that signed that it said the object: where two did, neither is, since a party says itself
        which identity it has, and could take that of an object's author. Where the author is a party, it has to be that one.
        """
        store, reader = self._node.store, Reader(self._node, self._clock)
        firsts = store.objects.firsts([one.object_row for one in page])
        abouts = store.statements.abouts([one.digest for one in page], kinds=KINDS, at_most=MAX_ABOUT)
        reader.markings(map(reader.value, page))
        return {
            one.object_row: self._of(one, firsts[one.object_row], abouts.get(one.digest, ()), reader)
            for one in page
        }

    def _of(self, kept: Kept, first: First, found: Sequence[About], reader: Reader) -> str | None:
        said = self._ways.originators(kept, reader.tlp(kept, first), found)
        if self._is_ours(first, found):
            said |= {self._node.party.party_id}
        if len(said) != 1:
            return None
        [only] = said
        return only if self._bound.get(kept.created_by_ref, only) == only else None

    def _is_ours(self, first: First, found: Sequence[About]) -> bool:
        """Whether we said it: in a drop; or it was brought in as ours, and nobody else signed that they said it."""
        origins = [about.statement for about in found if about.statement.kind == "origin"]
        if any(one.is_own for one in origins):
            return True
        return first.party == self._node.party.name and not origins
