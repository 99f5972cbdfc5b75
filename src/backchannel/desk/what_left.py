"""What a node gave and got, proved from its ledger, and whether something of it should have stayed: TLP:RED or unmarked.

A drop is proved by its sender: the manifest in the ledger names the root over what was in it. So is each page that
others read and each push: its record below a leaf has the root over what was in it. What others gave is proved by the
record of the batch that it came in. Markings are read here from the objects themselves, not by the rules that let
them go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from backchannel import codec
from backchannel.clock import Clock
from backchannel.codec import JsonObject
from backchannel.desk.auditing import verify_own
from backchannel.desk.entering import append_if_open
from backchannel.desk.ledger_documents import LedgerVerdict
from backchannel.desk.node import Node
from backchannel.desk.served import is_served, objects_of, open_served
from backchannel.desk.watched import is_manifest
from backchannel.drop.limits import MAX_MANIFEST_BYTES
from backchannel.ids import BatchId
from backchannel.provenance.deniable import open_either
from backchannel.provenance.leaves import grow
from backchannel.provenance.ledger.edge import root_of
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import content_of, digest_text
from backchannel.stix.markings import Tlp, tlp_defined, tlp_of
from backchannel.store.leaves import LeafRow

FROM_OTHERS: Final = frozenset({"drop", "taxii"})
"""Channels by which nodes give one another objects."""
PAGE: Final = 1_000


@dataclass(slots=True)
class WhatLeft:
    """What the ledger of one node proves."""

    node: str
    drops: int = 0
    sent: int = 0
    """Objects in them."""
    pages: int = 0
    """Pages that others read, and pushes."""
    served: int = 0
    """Objects on them, each counted as often as it went."""
    came: int = 0
    """Objects that others gave."""
    stayed: int = 0
    """Objects here that nobody else may have: TLP:RED or unmarked."""
    faults: list[str] = field(default_factory=list)
    """What should not have left, and what the ledger does not prove."""


def what_left(node: Node, clock: Clock) -> WhatLeft:
    """Prove from a node's ledger what it sent and got, and see how all of it is marked."""
    append_if_open(node, clock)
    verdict = verify_own(node)
    found = WhatLeft(node.party.name, faults=[*_doubts(verdict), *_unentered(node)])
    contents = _Contents(node)
    found.stayed = sum(map(contents.is_to_stay, contents.by_digest))
    for index in range(verdict.size):
        row = node.store.leaves.at(index)
        if row is None:
            continue  # counted among the doubts
        if row.kind == LeafKind.SENT and is_manifest(row.statement):
            digests = _sent(node, row, found)
            found.drops += 1
            found.sent += len(digests)
        elif is_served(row):
            digests = _served(node, row, found)
        elif row.kind == LeafKind.RECEIVED and not is_manifest(row.statement):
            digests = _came(node, row, found)
            found.came += len(digests)
        else:
            continue
        found.faults += [contents.called(digest) for digest in digests if contents.is_to_stay(digest)]
    return found


def _doubts(verdict: LedgerVerdict) -> Iterator[str]:
    if not verdict.good:
        yield f"the ledger is not as it was signed ({verdict.faults[0].what})"
    if verdict.unopened or verdict.waiting:
        yield f"{verdict.unopened + verdict.waiting} entries of the ledger say nothing that can be checked"


def _unentered(node: Node) -> Iterator[str]:
    if waiting := node.store.served.waiting().rows:
        yield f"{waiting} pages or pushes are not in the ledger yet"
    if unknown := node.store.served.unknown():
        yield f"{unknown} pages went before it was kept what was on them"


# --- What went and what came -----------------------------------------------------------------------------


def _sent(node: Node, row: LeafRow, found: WhatLeft) -> list[bytes]:
    """Return the digests of what was in a drop of ours, once they give the root that its manifest names."""
    opened, _ = open_either(row.statement, max_bytes=MAX_MANIFEST_BYTES)
    release, kept = content_of(opened.statement), node.store.statements.get(opened.digest)
    if not isinstance(release, Release) or kept is None:
        found.faults.append(f"{row.about} is in the ledger and not in the store")
        return []
    if release.tlp_max is Tlp.RED:
        found.faults.append(f"{row.about} calls itself TLP:RED")
    leaves = node.store.statements.subjects(kept.statement_row, at_most=release.n + 1)
    leaves.sort(key=lambda leaf: leaf.leaf_index or 0)
    digests = [bytes(leaf.object_digest) for leaf in leaves]
    salts = [leaf.salt or b"" for leaf in leaves]
    if len(digests) != release.n or (digests and grow(salts, digests).subject.root != release.root):
        found.faults.append(f"{row.about} held other objects than the store says")
    return digests


def _served(node: Node, row: LeafRow, found: WhatLeft) -> list[bytes]:
    """Return the digests of what others read and what was pushed, each once, if they give the roots of the ledger."""
    digests: dict[bytes, None] = {}
    try:
        opened = open_served(node.store, row)
        for index, one in enumerate(opened.rows):
            objects = objects_of(node.store, opened, index)
            found.pages += 1
            found.served += one.objects
            if objects is None:
                found.faults.append(f"{row.about} tells of a list that is too long to be looked through")
            else:
                digests |= dict.fromkeys(objects.digests)
    except Rejected as error:
        found.faults.append(error.message)
    return list(digests)


def _came(node: Node, row: LeafRow, found: WhatLeft) -> list[bytes]:
    """Return the digests of what others gave in a batch, once they give the root that the ledger has."""
    record = codec.decode(row.statement)
    if record.get("event") != "received" or record["channel"] not in FROM_OTHERS:
        return []
    digests = node.store.leaves.digests_of(BatchId(record["batch"]))
    if digest_text(root_of(digests)) != record["root"]:
        found.faults.append(f"{row.about} brought other objects than the store says")
    return digests


# --- How it is marked ------------------------------------------------------------------------------------


class _Contents:
    """Everything that a node holds, by its digest."""

    def __init__(self, node: Node) -> None:
        self.by_digest: Mapping[bytes, JsonObject] = {
            bytes(kept.digest): codec.decode(kept.body)
            for stix_id in _ids(node)
            for kept in node.store.objects.all_versions(stix_id, at_most=PAGE)
        }

    @cached_property
    def _marking(self) -> Mapping[str, Tlp | None]:
        defined = (one for one in self.by_digest.values() if one["type"] == "marking-definition")
        return {one["id"]: tlp_defined(one) for one in defined}

    def is_to_stay(self, digest: bytes) -> bool:
        """Whether an object is TLP:RED or unmarked, or not here to be looked at."""
        value = self.by_digest.get(digest)
        return value is None or tlp_of(value, default=Tlp.RED.label, known=self._marking) is Tlp.RED

    def called(self, digest: bytes) -> str:
        """Name an object."""
        value = self.by_digest.get(digest)
        return (
            f"an object that is not here any more ({digest.hex()[:12]})"
            if value is None
            else str(value["id"])
        )


def _ids(node: Node) -> Iterable[str]:
    place: int | None = None
    while True:
        page, place = node.store.objects.newest(None, before=place, rows=PAGE, scan=PAGE)
        yield from (kept.stix_id for kept in page)
        if place is None:
            return
