"""Reports brought together that come from one origin, with the reason for each step.

Proven origins are brought together first, and only by what they themselves have in common; then what proves no
origin is attached to them. So nobody who hides where they had it can tie two proven origins together by imitating
both. What the operator tells apart is never joined.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from backchannel.provenance.likeness import SAME_LIKENESS, like_pairs
from backchannel.provenance.reports import Report

Because = Literal[
    "operator",
    "same-origin",
    "same-otag",
    "same-object",
    "same-content",
    "same-creation",
    "deconflicted",
    "same-text",
    "same-attachment",
    "same-error",
]
Strength = Literal["hard", "inferred"]

_UUID_VERSION_AT: Final = -22
"""Where the digit of the version stands in an id that ends with a UUID (RFC 9562 §4.2)."""
INFERRED: Final = frozenset({"same-text", "same-attachment", "same-error"})
MAX_MARKS: Final = 16
"""Attachments, and rare errors, of a report that are looked at."""
MAX_TEXTS: Final = 2_000
"""Different texts of one claim that are compared; origins of others do not count."""


class Union(msgspec.Struct, frozen=True, gc=False):
    """Two reports are of one origin."""

    left: str
    """`Report.key`."""
    right: str
    because: Because
    strength: Strength
    likeness: float = 1.0
    """Of the texts, where these are the reason."""


class Bond(NamedTuple):
    """Reports that have one thing in common."""

    because: Because
    members: list[int]
    """Indices, rising."""
    likeness: float = 1.0


class Clusters:
    """Which reports belong together (union-find), and what must stay apart."""

    def __init__(self, reports: Sequence[Report], apart: Iterable[tuple[int, int]] = ()) -> None:
        self._reports = reports
        self._parent = list(range(len(reports)))
        self._foes: dict[int, set[int]] = {}
        self.unions: list[tuple[int, Union]] = []
        """In the order made, with an index of the cluster it made."""
        self.not_joined = 0
        """How often the operator's word kept apart what would have been joined."""
        for left, right in apart:
            self._foes.setdefault(left, set()).add(right)
            self._foes.setdefault(right, set()).add(left)

    def find(self, index: int) -> int:
        """Return the one that stands for the cluster of `index`."""
        parent = self._parent
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def members(self) -> dict[int, list[int]]:
        """Return the indices of each cluster, by the one that stands for it."""
        found: dict[int, list[int]] = {}
        for index in range(len(self._parent)):
            found.setdefault(self.find(index), []).append(index)
        return found

    def may_join(self, left: int, right: int) -> bool:
        """Whether nobody keeps two clusters apart."""
        if not self._foes:
            return True
        one, other = self.find(left), self.find(right)
        return not any(self.find(foe) == other for foe in self._foes.get(one, ()))

    def join_all(self, members: Sequence[int], bond: Bond) -> None:
        """Bring the clusters of all members together, as far as nobody keeps them apart."""
        if len(members) < 2:
            return
        parent, first = self._parent, members[0]
        root = parent[first]
        for index in members:
            if parent[index] != root:
                self.join(first, index, bond)
                root = parent[first]

    def one_of_each(self, members: Sequence[int]) -> list[int]:
        """Return one member for each cluster that members of a bond are in: one, if nobody kept them apart."""
        if not self._foes:
            return list(members[:1])
        return list({self.find(index): index for index in reversed(members)}.values())

    def join(self, left: int, right: int, bond: Bond) -> None:
        """Bring two clusters together, unless they are one, or kept apart."""
        one, other = self.find(left), self.find(right)
        if one == other:
            return
        if not self.may_join(one, other):
            self.not_joined += 1
            return
        if other < one:
            one, other = other, one
        self._parent[other] = one
        if other in self._foes:
            self._foes.setdefault(one, set()).update(self._foes.pop(other))
        union = Union(
            self._reports[left].key,
            self._reports[right].key,
            bond.because,
            "inferred" if bond.because in INFERRED else "hard",
            round(bond.likeness, 2),
        )
        self.unions.append((left, union))


def is_proven(report: Report) -> bool:
    """Whether it shows by itself who first asserted it."""
    return report.origin.kind == "key"


def _is_derived_id(stix_id: str) -> bool:
    """Whether anybody who describes the same thing gives it this id (STIX 2.1 §2.9: UUIDv5)."""
    return stix_id[_UUID_VERSION_AT : _UUID_VERSION_AT + 1] == "5"


def bonds_of(reports: Sequence[Report]) -> list[Bond]:
    """Find what reports have in common by their marks, the surest kinds first."""
    bonds = []
    surest: dict[int, list[int]] = {}  # by first member: what has one mark in common mostly has all
    for because, by_mark in (_by_identity(reports) | _by_company(reports)).items():
        for members in by_mark.values():
            if len(members) > 1:
                surer = surest.setdefault(members[0], members)
                if surer is members or surer != members:
                    bonds.append(Bond(because, members))
    return bonds


_Marked = dict[Because, dict[Hashable, list[int]]]


def _by_identity(reports: Sequence[Report]) -> _Marked:
    origins: dict[Hashable, list[int]] = {}
    otags: dict[Hashable, list[int]] = {}
    objects: dict[Hashable, list[int]] = {}
    contents: dict[Hashable, list[int]] = {}
    creations: dict[Hashable, list[int]] = {}
    for index, report in enumerate(reports):
        origin = report.origin
        if origin.kind == "key":
            origins.setdefault(origin.value, []).append(index)
        elif origin.kind == "cryptonym":
            origins.setdefault((origin.relay, origin.value), []).append(index)
        otag = origin.value if origin.kind == "otag" else report.otag
        if otag:
            otags.setdefault(otag, []).append(index)
        if report.stix_id and not _is_derived_id(report.stix_id):
            objects.setdefault(report.stix_id, []).append(index)
        if report.created is not None:
            if report.digest:  # an object without a creation time may be the same from anybody: an address is
                contents.setdefault(report.digest, []).append(index)
            if report.created_by_ref:
                creations.setdefault((report.created, report.created_by_ref), []).append(index)
    return {
        "same-origin": origins,
        "same-otag": otags,
        "same-object": objects,
        "same-content": contents,
        "same-creation": creations,
    }


def _by_company(reports: Sequence[Report]) -> _Marked:
    attachments: dict[Hashable, list[int]] = {}
    errors: dict[Hashable, list[int]] = {}
    for index, report in enumerate(reports):
        for attachment in report.attachments[:MAX_MARKS]:
            attachments.setdefault(attachment, []).append(index)
        for error in report.rare_errors[:MAX_MARKS]:
            errors.setdefault(error, []).append(index)
    return {"same-attachment": attachments, "same-error": errors}


def _spokesmen(reports: Sequence[Report], members: Sequence[int]) -> list[int]:
    """Choose one proven and one unproven report of those with the same text: the others go with them."""
    chosen = (
        next((index for index in members if is_proven(reports[index]) is proven), None)
        for proven in (True, False)
    )
    return [index for index in chosen if index is not None]


class Texts(NamedTuple):
    """What texts have in common."""

    same: list[Bond]
    """Those that are one text."""
    possible: list[Bond]
    """Those of which one may be the other, reworded."""
    uncompared: list[int]
    """Indices of reports whose texts were too many to be compared."""
    is_whole: bool
    """Each text was compared with all it may be like."""


def text_bonds(reports: Sequence[Report], means: Mapping[str, float]) -> Texts:
    """Find texts that are the same, and those that may be one reworded.

    Where there are more than `MAX_TEXTS`, those of the best origins are compared: a flood by strangers pushes nobody
    else aside.
    """
    by_sketch: dict[tuple[int, ...], list[int]] = {}
    for index, report in enumerate(reports):
        if report.sketch:
            by_sketch.setdefault(report.sketch, []).append(index)
    same = [Bond("same-text", members) for members in by_sketch.values() if len(members) > 1]
    sketches, uncompared = sorted(by_sketch), []
    if len(sketches) > MAX_TEXTS:
        best = {
            text: max(means.get(reports[index].origin.name, 0.0) for index in members)
            for text, members in by_sketch.items()
        }
        sketches.sort(key=lambda text: -best[text])
        uncompared = [index for text in sketches[MAX_TEXTS:] for index in by_sketch[text]]
        sketches = sorted(sketches[:MAX_TEXTS])
    pairs, is_whole = like_pairs(sketches)
    possible: list[Bond] = []
    for left, right, value in pairs:
        members = sorted(
            _spokesmen(reports, by_sketch[sketches[left]]) + _spokesmen(reports, by_sketch[sketches[right]])
        )
        (same if value >= SAME_LIKENESS else possible).append(Bond("same-text", members, value))
    same.sort(key=lambda bond: (-bond.likeness, bond.members[0], bond.members[1]))
    possible.sort(key=lambda bond: (-bond.likeness, bond.members[0], bond.members[1]))
    return Texts(same, possible, uncompared, is_whole and not uncompared)


def _parted(members: list[int], proven: Sequence[bool]) -> tuple[list[int], list[int]]:
    """Part members into proven and unproven ones."""
    loose = [index for index in members if not proven[index]]
    return (members, loose) if not loose else ([index for index in members if proven[index]], loose)


def cluster(
    reports: Sequence[Report], bonds: Sequence[Bond], apart: Iterable[tuple[int, int]]
) -> tuple[Clusters, dict[int, set[int]]]:
    """Bring together what belongs together.

    Args:
        reports: in an order that does not depend on when they came.
        bonds: what they have in common, the surest first.
        apart: index pairs that the operator tells apart.

    Returns:
        The clusters; and for a cluster that proves no origin but resembles several proven ones, those it was not
        attached to. (Keys and values: indices that stand for clusters.)
    """
    clusters = Clusters(reports, apart)
    proven = [is_proven(report) for report in reports]
    split = [(*_parted(bond.members, proven), bond) for bond in bonds]
    for anchors, _, bond in split:
        clusters.join_all(anchors, bond)
    for _, loose, bond in split:
        clusters.join_all(loose, bond)
    ties: dict[int, dict[int, tuple[int, int, Bond]]] = {}
    for anchors, loose, bond in split:
        for index in clusters.one_of_each(loose) if anchors else ():
            tied = ties.setdefault(clusters.find(index), {})
            for anchor in clusters.one_of_each(anchors):
                tied.setdefault(clusters.find(anchor), (anchor, index, bond))
    others: dict[int, set[int]] = {}
    for first, several in ties.items():
        for anchor, index, bond in several.values():
            if clusters.may_join(anchor, index):
                clusters.join(anchor, index, bond)
                break
        others[first] = several.keys() - {clusters.find(first)}
    return clusters, {first: several for first, several in others.items() if several}
