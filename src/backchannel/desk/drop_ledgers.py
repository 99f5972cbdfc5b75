"""What a drop says of ledgers: its sender's, held against what we saw of it; ours, cosigned; those of third parties."""

from __future__ import annotations

from collections.abc import Iterator

from backchannel.clock import Clock
from backchannel.desk.known_ledgers import KnownLedger, known_ledger
from backchannel.desk.node import Node
from backchannel.desk.own_checkpoint import own_witness, take_cosignature
from backchannel.desk.witnessing import Shown, accuse, find_breach, hear_told, witness_shown
from backchannel.drop.manifest import Manifest
from backchannel.parties.keyring import Keyring
from backchannel.provenance.ledger.growth import parse_growth
from backchannel.provenance.reasons import Reason, Rejected


class Ledgers:
    """The ledgers that the manifest of one drop speaks of. A deniable one speaks of none that counts."""

    def __init__(self, node: Node, clock: Clock, manifest: Manifest, keyring: Keyring) -> None:
        self._node, self._clock, self._manifest = node, clock, manifest
        self._release, self._keyring = manifest.release, keyring

    def check(self, sender: str) -> None:
        """See, before anything of the drop is kept, that its sender's ledger was not rewritten.

        Raises:
            Rejected: it was; the evidence is kept, and the sender is suspended.
        """
        known = self._known(sender)
        if known is None or not self._release.my_checkpoint:
            return
        try:
            evidence = find_breach(self._node, self._clock, known, self._shown())
        except Rejected:
            return  # told once the drop is kept: a checkpoint that does not verify says nothing of the rest
        if evidence is not None:
            accuse(self._node, self._clock, known, evidence)
            raise Rejected(evidence.reason, f"of {sender}")

    def keep(self, sender_row: int) -> Iterator[tuple[Reason, str]]:
        """Judge and keep what is said; yield what a person should know. Inside the transaction that keeps the drop."""
        release, node = self._release, self._node
        if self._manifest.is_deniable:
            return
        party = next(row.party for row in node.store.membership.known() if row.party.party_row == sender_row)
        known = known_ledger(node, party)
        if known is None:
            return
        if release.my_checkpoint:
            witness = own_witness(node, self._keyring)
            judged = witness_shown(node, self._clock, known, self._shown(), witness)
            if judged.reason is not None:
                yield judged.reason, f"the ledger of {party.name}"
        if release.your_checkpoint_seen:
            refused = take_cosignature(node, self._clock, known, release.your_checkpoint_seen.encode())
            if refused is not None:
                yield refused, f"our checkpoint, as {party.name} cosigned it"
        told = hear_told(node, self._clock, release.shown_elsewhere, bundle=release.bundle, by=sender_row)
        for one in told:
            yield Reason.LEDGER_FORK, f"the ledger of {one.party.name}, as {party.name} was shown it"

    def _known(self, sender: str) -> KnownLedger | None:
        party = self._node.store.parties.by_name(sender)
        return None if party is None or self._manifest.is_deniable else known_ledger(self._node, party)

    def _shown(self) -> Shown:
        release = self._release
        try:
            growth = parse_growth(release.tlog_proof)
        except Rejected:
            growth = {}  # what cannot be read proves nothing
        order = f"{release.created} {release.seq:016d}"
        return Shown(note=release.my_checkpoint.encode(), way="drop", order=order, growth=growth)
