"""The permits that came here: which hold for an object, and whether we may pass it on by one.

A permit is judged with the keys that are pinned when it is asked for, as chains are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from backchannel.provenance.predicates import Permit
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Keys, Terms, Verified, verify
from backchannel.store.interface import Store
from backchannel.store.statements import StatementRow

MAX_PERMITS: Final = 50
"""Permits about one object that are read."""


@dataclass(slots=True)
class KeptPermits:
    """The permits that are kept or came along, each verified once; called with the digest of an object."""

    store: Store
    keys: Keys
    terms: Terms
    brought: Sequence[Verified] = ()
    """What came along and is not kept yet."""
    _verified: dict[int, Verified | None] = field(default_factory=dict)
    _brought: dict[str, list[Verified]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        # A permit is shown by whoever relies on it, not said to us.
        self.terms = replace(self.terms, me=None, seen=None, late=True, chan="", expect={"permit"})
        for one in self.brought:
            for digest in digests_of(one):
                self._brought.setdefault(digest, []).append(one)

    def __call__(self, digest: bytes) -> Sequence[Verified]:
        """Return the permits about an object whose signatures hold."""
        found = self.store.statements.about(digest, kinds=("permit",), at_most=MAX_PERMITS)
        kept = (self._of(about.statement) for about in found)
        unique = {one.digest: one for one in kept if one is not None}
        unique |= {one.digest: one for one in self._brought.get(digest_text(digest), ())}
        return list(unique.values())

    def holds(self, name: str) -> bool:
        """Whether a permit that a drop names by its digest is here and its signature holds."""
        if any(digest_text(one.digest) == name for one in self.brought):
            return True
        row = self.store.statements.get(bytes.fromhex(name.removeprefix("sha256:")))
        return row is not None and row.kind == "permit" and self._of(row) is not None

    def _of(self, row: StatementRow) -> Verified | None:
        if row.statement_row not in self._verified:
            try:
                found = verify(row.envelope, self.keys, self.terms)
            except Rejected:
                found = None  # what does not verify permits nothing
            self._verified[row.statement_row] = found
        return self._verified[row.statement_row]


def digests_of(verified: Verified) -> Iterable[str]:
    """Return the digests of the objects that a permit names, as it spells them."""
    subject = verified.statement.subject
    is_permit = isinstance(verified.predicate, Permit) and isinstance(subject, list)
    return [one.jcs for one in subject] if is_permit and isinstance(subject, list) else []
