"""The end of act 7: what was told is proved from files alone, and a rewritten past is found."""

from __future__ import annotations

import shutil
from pathlib import Path

from backchannel.clock import Clock
from backchannel.demo.telling import Say, counted
from backchannel.desk.auditing import verify_folder
from backchannel.desk.ledger_documents import LedgerVerdict
from backchannel.desk.ledger_export import export_ledger
from backchannel.desk.node import Node
from backchannel.provenance.ledger.notes import parse_vkey


def prove_what_was_told(node: Node, clock: Clock, say: Say, folder: Path) -> None:
    """Hand out the ledger, check it without the node, and check a copy in which one byte is another."""
    handed_out, rewritten = folder / "ledger", folder / "ledger-rewritten"
    exported = export_ledger(node, clock, handed_out)
    key = (parse_vkey(exported.vkey),)
    verdict = verify_folder(handed_out, key)
    say(f"   The ledger of {node.party.name}, from its files and its key alone: {_in_words(verdict)}")
    shutil.copytree(handed_out, rewritten)
    (bundle,) = (path for path in (rewritten / "tile" / "entries").rglob("*") if path.is_file())
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    say(f"      Mallory changes one byte of the past: {_in_words(verify_folder(rewritten, key))}")


def _in_words(verdict: LedgerVerdict) -> str:
    if verdict.good:
        return f"{verdict.entries} entries in {counted(verdict.files, 'file')}, all as they were signed"
    fault = verdict.faults[0]
    return f"{fault.reason}: {fault.what}"
