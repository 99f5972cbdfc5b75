"""Which indicators we judged to be false alarms: refuted by `dispute` or `outcome`, and not taken back since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from backchannel.desk.claims import claim_key
from backchannel.desk.node import Node
from backchannel.stix.visible import visible
from backchannel.store.rows import Kept


class FalseAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """Our own judgement that a claim is wrong. What was seen of it stays."""

    outcome: Literal["refuted", "harmful"]
    at: str
    by: str
    """Name of the party that judged so: ourselves."""
    reason: str

    @property
    def says(self) -> str:
        """In words, without a full stop."""
        return f"marked as a false alarm on {self.at[:10]} by {visible(self.by)}: {visible(self.reason)}"


def false_alarms(node: Node, page: Sequence[Kept]) -> dict[str, FalseAlarm]:
    """Return by id which indicators' claims we judged wrong, under whatever id we judged them."""
    keys = {kept.stix_id: claim_key(kept) for kept in page}
    outcomes = node.store.beliefs.outcomes(set(keys.values()))
    found: dict[str, FalseAlarm] = {}
    for stix_id, key in keys.items():
        ours = [one for one in outcomes.get(key, ()) if one.said_by is None]
        if ours and (last := ours[-1]).outcome != "confirmed":
            found[stix_id] = FalseAlarm(
                outcome=last.outcome, at=last.at, by=node.party.name, reason=last.reason
            )
    return found
