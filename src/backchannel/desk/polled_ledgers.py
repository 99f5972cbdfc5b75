"""The ledger of the party behind a channel, as the answers of its server show it."""

from __future__ import annotations

from datetime import datetime

from backchannel.clock import Clock, format_time
from backchannel.desk.channel import Page
from backchannel.desk.known_ledgers import KnownLedger, known_ledger
from backchannel.desk.node import Node
from backchannel.desk.own_checkpoint import own_witness
from backchannel.desk.own_keys import own_keys
from backchannel.desk.witnessing import Shown, Witness, witness_shown
from backchannel.errors import SignatureError
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.reasons import Rejected


class PolledLedger:
    """What one poll of one channel sees of the ledger of its party, if a key set of it names one."""

    def __init__(self, node: Node, clock: Clock, party: str, unseal: Unseal | None) -> None:
        self._node, self._clock, self._unseal = node, clock, unseal
        row = node.store.parties.by_name(party)
        self._known: KnownLedger | None = None if row is None or row.is_self else known_ledger(node, row)
        self._last, self._is_cosigned = b"", False

    def seen(self) -> int:
        """Return the size that we cosigned last: from there its server is asked for a proof."""
        if self._known is None:
            return 0
        row = self._node.store.witness.newest(
            self._known.party.party_row, self._known.origin, is_cosigned=True
        )
        return 0 if row is None else row.size

    def look_at(self, page: Page, *, asked_at: datetime, seen: int) -> str | None:
        """Judge the checkpoint of a page, and keep it; returns what should be noted.

        Args:
            page: before anything of it is kept.
            asked_at: before it was asked for.
            seen: the size that it was asked with.

        Raises:
            Rejected: the ledger was rewritten; the evidence is kept, and the party is suspended.
        """
        if self._known is None or not page.checkpoint or page.checkpoint == self._last:
            return None
        self._last = page.checkpoint
        shown = Shown(
            note=page.checkpoint,
            way="taxii",
            order=format_time(asked_at),
            growth={seen: page.growth} if seen else {},
        )
        # It may grow while we read: one is cosigned in each reading, the others are compared.
        witness = None if self._is_cosigned else self._witness()
        judged = witness_shown(self._node, self._clock, self._known, shown, witness)
        self._is_cosigned = self._is_cosigned or judged.cosigned
        name = self._known.party.name
        if judged.evidence is not None:
            raise Rejected(judged.evidence.reason, f"of {name}")
        return (
            None
            if judged.reason is None
            else f"{judged.reason}: the ledger of {name}: {judged.reason.meaning}"
        )

    def _witness(self) -> Witness | None:
        try:
            return own_witness(self._node, own_keys(self._node, self._clock, self._unseal).keyring)
        except SignatureError:
            return None  # under a passphrase that nobody gave: it is compared, and cosigned another time
