"""Our checkpoint in answers over HTTP: read from the disk when it changed, and otherwise at hand."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from backchannel.desk.own_checkpoint import newest_checkpoint
from backchannel.desk.own_ledger import ledger_folder, ledger_keys
from backchannel.errors import BackchannelError
from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint, parse_number
from backchannel.provenance.ledger.headers import (
    CHECKPOINT_HEADER,
    GROWTH_HEADER,
    MAX_NOTE_BYTES,
    format_growth,
)
from backchannel.provenance.ledger.layout import CHECKPOINT
from backchannel.provenance.ledger.tiles import Tiles, files_in
from backchannel.provenance.ledger.tree import consistency_proof

if TYPE_CHECKING:
    from backchannel.desk.node import Node

log = logging.getLogger(__name__)

KEPT_PROOFS: Final = 64
"""Proofs kept for clients that saw an older checkpoint, until the ledger grows."""

Headers = tuple[tuple[bytes, bytes], ...]


class ShownCheckpoint:
    """The headers of one node's ledger. Used by several threads: what is kept is only ever exchanged whole."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._path = ledger_folder(node.home) / CHECKPOINT
        self._at: tuple[int, int] | None = None
        self._checkpoint: Checkpoint | None = None
        self._header: Headers = ()
        self._proofs: OrderedDict[int, Headers] = OrderedDict()

    def headers(self, seen: str = "") -> Headers:
        """Return the headers of an answer; none where there is no ledger, or it is damaged.

        Args:
            seen: the size that the client says it saw.
        """
        try:
            stat = self._path.stat()
        except OSError:
            return ()
        try:
            if self._at != (stat.st_mtime_ns, stat.st_ino):
                self._read()
                self._at = (stat.st_mtime_ns, stat.st_ino)
            return (*self._header, *self._growth(parse_number(seen) or 0))
        except BackchannelError as error:
            log.warning("ledger.not_shown", extra={"error": error.message})
            return ()

    def _read(self) -> None:
        note = newest_checkpoint(self._node)
        self._proofs, self._header, self._checkpoint = OrderedDict(), (), None
        if note is not None and len(note) <= MAX_NOTE_BYTES:
            self._checkpoint, _ = open_checkpoint(note, *ledger_keys(self._node))
            self._header = ((CHECKPOINT_HEADER.encode(), b64encode(note)),)

    def _growth(self, size: int) -> Headers:
        checkpoint = self._checkpoint
        if checkpoint is None or not 0 < size < checkpoint.size:
            return ()
        found = self._proofs.get(size)
        if found is None:
            tiles = Tiles(files_in(self._path.parent), checkpoint.size)
            value = format_growth(consistency_proof(size, checkpoint.size, tiles.node))
            found = ((GROWTH_HEADER.encode(), value.encode()),)
            self._proofs[size] = found
            while len(self._proofs) > KEPT_PROOFS:
                self._proofs.pop(next(iter(self._proofs)), None)
        return found
