"""Which objects say the same: the claim that an object makes, and everything here that makes it too.

Of an indicator the claim is what its pattern asks for, whatever the id under which somebody says so; of a
relationship it is its two ends and its kind; of anything else it is the object itself. Looking up costs what was
found, not what the store holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from backchannel import codec
from backchannel.desk.node import Node
from backchannel.ids import sha256
from backchannel.matching.same import Value, rows_naming, rows_waiting, values_of
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import NORMALISER_VERSION
from backchannel.store.rows import Kept
from backchannel.trust.reliability import Topic

CLAIMING: Final = frozenset(
    {
        "attack-pattern",
        "campaign",
        "incident",
        "indicator",
        "infrastructure",
        "intrusion-set",
        "malware",
        "malware-analysis",
        "relationship",
        "report",
        "threat-actor",
        "tool",
        "vulnerability",
    }
)
"""Types that claim something of the world, which can turn out right or wrong."""
MAX_MEMBERS: Final = 1_000
"""Objects of one claim that are looked at."""
MAX_OF_ONE: Final = 100
"""Objects of one claim that one party's word is taken by: who says it in more says nothing more, and drowns nobody."""
FEW: Final = 50
"""Objects of one claim that are all looked at, whoever brought them."""
MAX_VERSIONS: Final = 100
MAX_RELATIONSHIPS: Final = 1_000
"""Relationships to one target that are looked through."""

_TYPES: Final[dict[str, str]] = {
    Kind.ADDRESS: "ipv4-addr",
    Kind.DOMAIN: "domain-name",
    Kind.URL: "url",
    Kind.HASH: "file",
    Kind.EMAIL: "email-addr",
    **dict.fromkeys((Kind.FILE, Kind.PATH, Kind.REGISTRY, Kind.MUTEX, Kind.COMMAND), "file"),
}
"""Kind of what a pattern asks for to the STIX type by which a claim fades."""
_TOPICS: Final[dict[str, Topic]] = {
    "ipv4-addr": "network",
    "ipv6-addr": "network",
    "domain-name": "network",
    "url": "network",
    "infrastructure": "network",
    "file": "malware",
    "malware": "malware",
    "malware-analysis": "malware",
    "tool": "malware",
    "email-addr": "phishing",
    "vulnerability": "vulnerability",
    "threat-actor": "attribution",
    "intrusion-set": "attribution",
    "campaign": "attribution",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed, and by which objects."""

    key: str
    """The same for all who claim it: it is kept with outcomes and numbers."""
    says: str
    """What it is about, to be read: a value, or an id."""
    type: str
    """STIX type by which it fades and is expected to be right."""
    asked: Kept
    """The object by which it was asked for."""
    members: tuple[Kept, ...]
    """The contents in sight that claim it, the asked one among them: those that each party gave first before what it
    gave besides."""
    unread: int = 0
    """Contents that claim it too and are not looked at: there are too many of them."""

    @property
    def topic(self) -> Topic:
        """Return in what a source is good or not that says so."""
        return _TOPICS.get(self.type, "other")

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the objects that claim it, the asked one first."""
        return tuple(dict.fromkeys((self.asked.stix_id, *(kept.stix_id for kept in self.members))))


def claims_of(node: Node, page: Sequence[Kept]) -> list[Claim]:
    """Return what each object claims, in their order; the values of all are looked up at once."""
    asked = {kept.object_row: _values(kept) for kept in page}
    rows = _rows(
        node,
        {value for values, _ in asked.values() for value in values},
        {probe for _, probes in asked.values() for probe in probes},
    )
    chosen: _Chosen = {}
    for values, _ in asked.values():
        if values and values not in chosen:
            chosen[values] = _chosen(node, _naming_all(rows, values))
    wanted = {row for some, _ in chosen.values() for row in some}
    held = {one.object_row: (one, is_current) for one, is_current in node.store.beliefs.by_rows(wanted)}
    return [_claim(node, kept, asked[kept.object_row][0], chosen, held) for kept in page]


def claim_key(kept: Kept) -> str:
    """Return by what the claim of an object is kept."""
    values, _ = _values(kept)
    if values:
        return _key_of(values)
    return _relationship_key(kept) or kept.stix_id


_Chosen = dict[tuple[Value, ...], tuple[tuple[int, ...], int]]
"""Rows of the contents by which the claim of some values is judged, and how many there are besides."""


def _claim(
    node: Node,
    kept: Kept,
    values: tuple[Value, ...],
    chosen: _Chosen,
    held: Mapping[int, tuple[Kept, bool]],
) -> Claim:
    if values:
        rows, unread = chosen[values]
        members = _in_force(held[row] for row in rows if row in held)
        made = _made(kept, _key_of(values), _says(values), _type_of(values), members)
        return replace(made, unread=unread)
    ends = _relationship_key(kept)
    if ends:
        return _made(kept, ends, ends, "relationship", _relationships(node, kept))
    versions = node.store.objects.all_versions(kept.stix_id, at_most=MAX_VERSIONS)
    return _made(
        kept, kept.stix_id, kept.stix_id, kept.type, [one for one in versions if not one.quarantined]
    )


def _made(kept: Kept, key: str, says: str, stix_type: str, members: Iterable[Kept]) -> Claim:
    found = {one.object_row: one for one in members}
    ordered = list(found.values())[:MAX_MEMBERS]
    # What lies in quarantine, is not compiled yet, or was not chosen still claims what it claims.
    if kept.object_row not in found:
        ordered.append(kept)
    return Claim(key, says, stix_type, kept, tuple(ordered))


def _in_force(contents: Iterable[tuple[Kept, bool]]) -> list[Kept]:
    """Leave out what its source has replaced by a version that says something else."""
    found = list(contents)
    current = {one.stix_id for one, is_current in found if is_current}
    return [one for one, _ in found if one.stix_id in current]


def _values(kept: Kept) -> tuple[tuple[Value, ...], tuple[str, ...]]:
    if kept.type != "indicator":
        return (), ()
    value = codec.decode(kept.body)
    pattern = value.get("pattern")
    if not isinstance(pattern, str) or value.get("pattern_type", "stix") != "stix":
        return (), ()
    return values_of(pattern, stix_version=kept.spec_version)


def _rows(node: Node, values: Collection[Value], probes: Collection[str]) -> Mapping[Value, tuple[int, ...]]:
    if not values:
        return {}
    from backchannel.matching import engine, segments  # noqa: PLC0415  # loads the matcher

    waiting = rows_waiting(node.store.segments.pending(normaliser=NORMALISER_VERSION), probes)
    for _ in range(2):
        files = [node.home / segments.FOLDER / one.file for one in node.store.segments.all()]
        try:
            found = rows_naming(files, values, probes)
        except engine.Error:  # an import replaced a file between the two steps: the new one is in the store
            continue
        return {
            value: (*found.get(value, ()), *waiting.get(value, ())) for value in found.keys() | waiting.keys()
        }
    return waiting


def _chosen(node: Node, rows: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """Choose of the contents that claim one thing those that are looked at, before any is read; count the others."""
    if len(rows) <= FEW:
        return rows, 0
    found = tuple(node.store.beliefs.spoken_by(rows, of_each=MAX_OF_ONE, at_most=MAX_MEMBERS))
    return found, len(rows) - len(found)


def _naming_all(rows: Mapping[Value, tuple[int, ...]], values: Sequence[Value]) -> tuple[int, ...]:
    """Return the indicators that ask for all of these values: who names more, names these too."""
    found = set(rows.get(values[0], ()))
    for value in values[1:]:
        found &= set(rows.get(value, ()))
    return tuple(sorted(found))


def _key_of(values: Sequence[Value]) -> str:
    if len(values) == 1:
        return f"{values[0].kind}:{values[0].operator}:{values[0].value}"
    return f"several:{sha256(codec.encode([list(value) for value in values])).hex()}"


def _says(values: Sequence[Value]) -> str:
    more = f" and {len(values) - 1} more" if len(values) > 1 else ""
    return f"{values[0].value}{more}"


def _type_of(values: Sequence[Value]) -> str:
    first = values[0]
    if first.kind == Kind.ADDRESS and ":" in first.value:
        return "ipv6-addr"
    return _TYPES.get(first.kind, "indicator")


def _relationship_key(kept: Kept) -> str:
    if kept.type != "relationship":
        return ""
    value = codec.decode(kept.body)
    ends = (value.get("source_ref"), value.get("relationship_type"), value.get("target_ref"))
    return " ".join(ends) if all(isinstance(one, str) for one in ends) else ""


def _relationships(node: Node, kept: Kept) -> list[Kept]:
    value = codec.decode(kept.body)
    found, _ = node.store.objects.referring_with(
        str(value["target_ref"]),
        properties=("target_ref",),
        beside=str(value["source_ref"]),
        at_most=MAX_MEMBERS,
        scan=MAX_RELATIONSHIPS,
    )
    key = _relationship_key(kept)
    return [other for _, other in found if _relationship_key(other) == key]
