"""Our own ledger: where it lies, what it is called, and which keys sign it.

The files are in the folder `ledger` of the home; nothing else is there, so that it can be handed out as it is.
Its name and its keys stand in our key sets, which the parties that know us have: what was signed before a key
was changed can still be checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backchannel.clock import Clock
from backchannel.parties.at_rest import Unseal
from backchannel.parties.kid import Use
from backchannel.provenance.ledger.notes import VerifierKey, parse_vkey
from backchannel.provenance.ledger.signatures import Sign

if TYPE_CHECKING:
    from backchannel.desk.node import Node

LEDGER_FOLDER = "ledger"


@dataclass(frozen=True, slots=True, repr=False)
class OwnLedger:
    """What it takes to write the ledger."""

    folder: Path
    keys: tuple[VerifierKey, ...]
    """The present one first."""
    sign: Sign


def ledger_folder(home: Path) -> Path:
    """Return where the files of the node's ledger are."""
    return home / LEDGER_FOLDER


def ledger_keys(node: Node) -> tuple[VerifierKey, ...]:
    """Return the keys under which our ledger is or was signed, the present one first; none before our first key set."""
    from backchannel.desk.own_keys import own_key_sets  # noqa: PLC0415  # most commands enter nothing

    said = (keyset.log.vkey for keyset in reversed(own_key_sets(node)) if keyset.log is not None)
    return tuple(parse_vkey(vkey) for vkey in dict.fromkeys(said))


def own_ledger(node: Node, clock: Clock, unseal: Unseal | None = None) -> OwnLedger:
    """Return our ledger to be written, with the key that signs now; keys that are missing are made.

    Raises:
        SignatureError: the keys are damaged, or need a passphrase.
        StoreError: they cannot be read or written.
    """
    from backchannel.desk.own_keys import own_keys  # noqa: PLC0415

    secret = own_keys(node, clock, unseal).keyring.present(Use.LOG)
    return OwnLedger(ledger_folder(node.home), ledger_keys(node), secret.sign)
