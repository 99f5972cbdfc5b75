"""Evidence that a ledger was rewritten: two checkpoints that its own key signed and that cannot both be true. Pure.

Anybody who has the ledger's public key can check the signatures with any tool for C2SP checkpoints: the two notes
are kept and exported byte by byte as they came.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from backchannel.clock import format_time
from backchannel.codec import JsonObject, encode
from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint
from backchannel.provenance.ledger.notes import VerifierKey, format_vkey
from backchannel.provenance.ledger.tiles import Tiles
from backchannel.provenance.ledger.tree import consistency_proof, is_consistent, range_hash
from backchannel.provenance.reasons import Reason, Rejected


class Breach(StrEnum):
    """What the two checkpoints show."""

    FORK = "fork"
    """Two roots for one size: proof by itself, to everybody."""
    INCONSISTENT = "inconsistent"
    """The larger does not begin with the smaller: a proof joins it to another root of that size."""
    ROLLBACK = "rollback"
    """A ledger that was larger was shown smaller: only whoever saw both knows in which order."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two signed checkpoints of one ledger."""

    breach: Breach
    key: VerifierKey
    first: bytes
    """The note seen first."""
    second: bytes
    """The note seen later."""
    seen_at: datetime
    """When the second was seen."""
    other_root: bytes = b""
    """`INCONSISTENT`: the root that the larger ledger has at the size of the smaller one."""
    proof: tuple[bytes, ...] = ()
    """`INCONSISTENT`: joins `other_root` to the root of the larger."""
    second_key: VerifierKey | None = None
    """That signed the second, where the ledger's key was changed between the two."""

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """The ledger's keys under which the two notes verify."""
        return (self.key,) if self.second_key is None else tuple(dict.fromkeys((self.key, self.second_key)))

    @property
    def reason(self) -> Reason:
        """The code under which the party's exchange is suspended."""
        return Reason.LEDGER_ROLLBACK if self.breach is Breach.ROLLBACK else Reason.LEDGER_FORK


def check_evidence(evidence: Evidence) -> tuple[Checkpoint, Checkpoint]:
    """Return the two checkpoints, after seeing that their signatures are the ledger's and that they are at odds.

    A fork and an inconsistency are proved by the evidence itself. For a rollback the notes show two sizes; in
    which order they were seen is the word of whoever holds the evidence.

    Raises:
        Rejected: a note is not of the form or not signed by the ledger's key; `BAD_FORM`, both can be true.
    """
    first, _ = open_checkpoint(evidence.first, *evidence.keys)
    second, _ = open_checkpoint(evidence.second, *evidence.keys)
    if first.origin != second.origin:
        raise Rejected(Reason.WRONG_LEDGER, "the two checkpoints are of two ledgers")
    smaller, larger = sorted((first, second), key=lambda one: one.size)
    match evidence.breach:
        case Breach.FORK:
            at_odds = first.size == second.size and first.root != second.root
        case Breach.ROLLBACK:
            at_odds = second.size < first.size
        case _:
            at_odds = evidence.other_root != smaller.root and is_consistent(
                smaller.size, larger.size, evidence.proof, evidence.other_root, larger.root
            )
    if not at_odds:
        raise Rejected(Reason.BAD_FORM, f"the two checkpoints are no {evidence.breach}: both can be true")
    return first, second


def evidence_files(evidence: Evidence) -> dict[str, bytes]:
    """Return the files to hand to somebody: both notes as they came, the ledger's key, and what they show."""
    first, second = check_evidence(evidence)
    about: JsonObject = {
        "_type": "bc/ledger-evidence/v1",
        "breach": evidence.breach.value,
        "origin": first.origin,
        "vkeys": [format_vkey(key) for key in evidence.keys],
        "first": {"file": "first.checkpoint", "size": first.size},
        "second": {"file": "second.checkpoint", "size": second.size},
        "seen_at": format_time(evidence.seen_at),
    }
    if evidence.breach is Breach.INCONSISTENT:
        about["other_root"] = b64encode(evidence.other_root).decode()
        about["proof"] = [b64encode(one).decode() for one in evidence.proof]
    return {
        "first.checkpoint": evidence.first,
        "second.checkpoint": evidence.second,
        "log.vkey": "".join(f"{format_vkey(key)}\n" for key in evidence.keys).encode(),
        "evidence.json": encode(about) + b"\n",
    }


def compare(
    key: VerifierKey,
    known: bytes,
    shown: bytes,
    *,
    at: datetime,
    proof: Sequence[bytes] | None = None,
    tiles: Tiles | None = None,
    may_be_old: bool = False,
) -> tuple[Checkpoint, Evidence | None]:
    """Return a checkpoint that a party shows, and the evidence if it is at odds with the one known before.

    A wrong or missing proof is no evidence, for anybody on the way may have put it there. Tiles that give the
    signed root of the larger checkpoint are: then the party's own ledger contradicts its own signature.

    Args:
        key: of the ledger, pinned.
        known: the newest note seen of it.
        shown: the note that came now.
        at: when it came.
        proof: joins the smaller to the larger.
        tiles: of the larger, in place of a proof.
        may_be_old: whether it may have been on the way for long, as a drop may: then a smaller one is no rollback.

    Raises:
        Rejected: as `open_checkpoint`; `BAD_CONSISTENCY`, nothing joins the two: ask for a proof; `BAD_TILE` or
            `MISSING_TILE`, the tiles are not those of the larger.
    """
    before, _ = open_checkpoint(known, key)
    now, _ = open_checkpoint(shown, key)
    if now.size == before.size:
        same = now.root == before.root
        return now, None if same else Evidence(Breach.FORK, key, known, shown, at)
    if now.size < before.size and not may_be_old:
        return now, Evidence(Breach.ROLLBACK, key, known, shown, at)
    smaller, larger = sorted((before, now), key=lambda one: one.size)
    if smaller.size == 0:
        return now, None
    if proof is not None and is_consistent(smaller.size, larger.size, proof, smaller.root, larger.root):
        return now, None
    if tiles is None:
        raise Rejected(Reason.BAD_CONSISTENCY, f"from size {smaller.size} to {larger.size}")
    return now, _inconsistent(Evidence(Breach.INCONSISTENT, key, known, shown, at), tiles, smaller, larger)


def _inconsistent(found: Evidence, tiles: Tiles, smaller: Checkpoint, larger: Checkpoint) -> Evidence | None:
    """Complete `found` from the tiles of the larger; None where they show that the ledger only grew."""
    joined = consistency_proof(smaller.size, larger.size, tiles.node)
    root = range_hash(0, smaller.size, tiles.node)
    if not is_consistent(smaller.size, larger.size, joined, root, larger.root):
        raise Rejected(Reason.BAD_TILE, f"the files are not those of the checkpoint of size {larger.size}")
    if root == smaller.root:
        return None
    return replace(found, other_root=root, proof=tuple(joined))
