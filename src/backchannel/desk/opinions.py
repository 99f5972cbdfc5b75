"""Which parties disagree with an object, by the last opinion that each of them signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backchannel.clock import parse_time
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.provenance.predicates import Opinion
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.verification import Terms, verify

MAX_VIEWS: Final = 200
_DISAGREEING: Final = frozenset({"disagree", "strongly-disagree"})


def disagreeing(node: Node, stix_id: str) -> Iterator[str]:
    """Yield the parties whose last signed opinion of an object, in any content of it, disagrees."""
    rows = node.store.requests.about_id(stix_id, ("opinion",), at_most=MAX_VIEWS)
    if not rows:
        return
    keys, last = pinned_keys(node), {}
    for row in rows:
        terms = Terms(now=parse_time(row.received_at), me=None, seen=None, known_at=known_at(node.store))
        if row.is_own:
            continue
        try:
            one = verify(row.envelope, keys, terms)
        except Rejected:
            continue  # its key was given up since: it says nothing any more
        if one.has_weight and isinstance(one.predicate, Opinion):
            last[one.signers[0].name] = one.predicate.opinion
    yield from (name for name, said in last.items() if said in _DISAGREEING)
