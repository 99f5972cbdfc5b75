"""Only its creator makes new versions of an object (STIX 2.1 §3.6.2): who that is, and what came of another party.

The creator is the party whose own identity an object names as its author; where it names nobody's, the party whose
origin statement about it came first. What came by other ways than a drop has a creator only where it names one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from backchannel.codec import JsonObject
from backchannel.desk.node import Node
from backchannel.ids import Digest, StixId
from backchannel.provenance.altered import Version, version_fault
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.verification import Keys, Terms, verify
from backchannel.store.rows import Kept, version_key
from backchannel.store.statements import About

MAX_VERSIONS: Final = 100
"""Contents of one object that a new one is compared with, the newest."""
MAX_ORIGINS: Final = 20
"""Origins of one content that are looked at, the oldest."""
MAX_FRESH: Final = 100_000
"""Objects of a drop whose creators are remembered while it is taken: more than are written at once."""


@dataclass(frozen=True, slots=True)
class Came:
    """One object of a drop."""

    name: StixId
    author: str
    """`created_by_ref`, or empty."""
    version: str
    """`modified`, else `created`, else empty."""
    digest: Digest
    originator: str | None
    """The party whose statement behind it is an origin and holds; None: nobody's."""
    is_signed: bool = True
    """Whether a statement about it came along."""


def came(value: JsonObject, digest: Digest, originator: str | None, *, is_signed: bool = True) -> Came:
    """Return an object as far as it tells whose version it is."""
    version = _text(value, "modified") or _text(value, "created")
    author = _text(value, "created_by_ref")
    return Came(StixId(_text(value, "id")), author, version, digest, originator, is_signed)


class Creators:
    """Compares what comes in one drop with the versions held, and with what came before it in the same drop."""

    def __init__(self, node: Node, sender: str, keys: Keys, terms: Terms) -> None:
        """Remember who stands for which identity, and what is held already.

        Args:
            node: ours.
            sender: the party whose drop it is: it says what nobody signed anything about.
            keys: the pinned keys.
            terms: the present.
        """
        self._store, self._sender, self._keys = node.store, sender, keys
        self._terms = replace(terms, me=None, seen=None, late=True, chan="", expect={"origin"})
        known = [row for row in node.store.membership.known() if row.root is not None]
        # An identity that two claim is that of whoever was known by it first: the other is kept under one of its own.
        self._bound = {row.identity: row.party.party_id for row in known}
        self._bound |= {row.party.party_id: row.party.party_id for row in known}
        self._parties = frozenset(self._bound.values())
        self._first_row = node.store.batches.foresee().object_row
        self._fresh: dict[StixId, list[Version]] = {}
        self._signers: dict[int, str | None] = {}

    def judge(self, page: Sequence[Came | None]) -> Iterator[Reason | None]:
        """Yield of each object why it is no version of what is held, or None; in their order.

        Args:
            page: what comes next in the drop; None: it is refused for another reason, and nobody's version.
        """
        held = self._held([one.name for one in page if one is not None])
        for one in page:
            yield None if one is None else self._judge(one, held.get(one.name, ()))

    def _judge(self, one: Came, held: Sequence[Version]) -> Reason | None:
        new = self._version(one)
        versions = [*held, *self._fresh.get(one.name, ())]
        if any(other.digest == new.digest for other in versions):
            return None
        if version_fault(new, versions, self._parties) is Reason.NOT_CREATOR:
            return Reason.NOT_CREATOR
        self._remember(one.name, new)
        return None  # another content of one version is kept beside the first, as from anywhere

    def _remember(self, name: StixId, new: Version) -> None:
        self._fresh.setdefault(name, []).append(new)
        if len(self._fresh) > MAX_FRESH:
            for oldest in list(islice(self._fresh, MAX_FRESH // 2)):
                del self._fresh[oldest]

    def _version(self, one: Came) -> Version:
        author = self._author(one.author)
        originator = one.originator
        if not one.is_signed and author in {"", self._sender}:
            originator = self._sender
        key = version_key(one.version)
        return Version(version=key, digest=one.digest, created_by=author, originator=originator)

    def _author(self, identity: str) -> str:
        """Return an object's author by the name under which the party is kept here, where it is one."""
        return self._bound.get(identity, identity)

    def _held(self, ids: Sequence[StixId]) -> dict[StixId, list[Version]]:
        """Return what is used of each object; what is in quarantine makes nobody its creator."""
        there = self._store.objects.held(ids)
        kept = {
            StixId(name): [
                one
                for one in self._store.objects.all_versions(name, at_most=MAX_VERSIONS)
                if not one.quarantined
            ]
            for name in there
        }
        found = self._store.statements.abouts(
            [one.digest for versions in kept.values() for one in versions],
            kinds=("origin",),
            at_most=MAX_ORIGINS,
        )
        return {
            name: [self._kept_version(one, found.get(one.digest, ())) for one in versions]
            for name, versions in kept.items()
        }

    def _kept_version(self, kept: Kept, origins: Sequence[About]) -> Version:
        author = self._author(kept.created_by_ref)
        creator = author if author in self._parties else self._first_signer(origins)
        if creator is None and kept.object_row >= self._first_row:
            creator = _FORGOTTEN
        return Version(version=kept.version_key, digest=kept.digest, created_by=author, originator=creator)

    def _first_signer(self, origins: Sequence[About]) -> str | None:
        found = (self._signer(about) for about in origins)
        return next((one for one in found if one is not None), None)

    def _signer(self, about: About) -> str | None:
        row = about.statement
        if row.statement_row not in self._signers:
            try:
                signer = verify(row.envelope, self._keys, self._terms).signers[0]
            except Rejected:
                self._signers[row.statement_row] = (
                    None  # its key was given up since: it says nothing any more
                )
            else:
                self._signers[row.statement_row] = signer.party
        return self._signers[row.statement_row]


_FORGOTTEN: Final = "?"
"""Who made what came so long ago in this same drop that it is remembered no more: equal to no party."""


def _text(value: JsonObject, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
