"""The keys that are pinned to parties of this node: what signatures are verified with."""

from __future__ import annotations

from datetime import timedelta

from backchannel.clock import parse_time
from backchannel.desk.node import Node
from backchannel.parties.kid import Alg, Use, kid
from backchannel.provenance.verification import Keys, KnownKey

NEVER_ENDS = timedelta(days=365 * 100)
"""A key that no key set gives an end counts until it is revoked."""


def pinned_keys(node: Node) -> Keys:
    """Return what finds the pinned key of a `kid`."""
    us = node.party
    if us.public_key is None:
        return {}.get
    root = kid(Alg.ED25519, us.public_key)
    since = parse_time(us.added_at)
    ours = KnownKey(
        kid=root,
        use=Use.ROOT,
        public=us.public_key,
        party=us.party_id,
        name=us.name,
        valid_from=since,
        valid_until=since + NEVER_ENDS,
    )
    return {root: ours}.get
