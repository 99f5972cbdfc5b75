"""Small intelligence of our own for the desk's tests, and every view of a node at once."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.desk.documents import Receipt
from backchannel.desk.inbox import inbox, show, why
from backchannel.desk.node import Node, status
from backchannel.desk.parties import list_parties
from backchannel.desk.receive import receive

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLOCK = FixedClock(NOW)
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

Made = dict[str, object]


def an_id(stix_type: str, n: int) -> str:
    """The nth id of a type: random in form, the same every time."""
    random = uuid.uuid5(uuid.NAMESPACE_OID, f"{stix_type} {n}").int
    return f"{stix_type}--{uuid.UUID(int=random, version=4)}"


def made(stix_type: str, n: int = 1, *, version: int = 1, **properties: object) -> Made:
    """An object of `stix_type`, its nth, in one of its versions; a property given as None is left out."""
    value: Made = {
        "type": stix_type,
        "spec_version": "2.1",
        "id": an_id(stix_type, n),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": f"2026-01-{version:02}T00:00:00.000Z",
        **properties,
    }
    return {name: one for name, one in value.items() if one is not None}


def indicator(n: int = 1, *, version: int = 1, **properties: object) -> Made:
    return made(
        "indicator",
        n,
        version=version,
        **{
            "name": f"Indicator {n}",
            "indicator_types": ["malicious-activity"],
            "pattern": f"[domain-name:value = 'evil{n}.example']",
            "pattern_type": "stix",
            "valid_from": "2026-01-01T00:00:00Z",
            **properties,
        },
    )


def malware(n: int = 1, **properties: object) -> Made:
    return made("malware", n, **{"name": f"Malware {n}", "is_family": False, **properties})


def relationship(source: Made, relation: str, target: Made, n: int = 1, **properties: object) -> Made:
    return made(
        "relationship",
        n,
        **{
            "relationship_type": relation,
            "source_ref": source["id"],
            "target_ref": target["id"],
            **properties,
        },
    )


def identity(n: int = 1, **properties: object) -> Made:
    return made("identity", n, **{"name": f"Author {n}", "identity_class": "organization", **properties})


def a_file(folder: Path, *objects: Made | bytes, name: str = "bundle.json") -> Path:
    """Write a bundle; an object given as bytes stands in it letter for letter."""
    bodies = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in objects]
    head = f'{{"type": "bundle", "id": "{an_id("bundle", 1)}", "objects": ['.encode()
    path = folder / name
    path.write_bytes(head + b",\n".join(bodies) + b"]}")
    return path


def take(node: Node, *paths: Path, party: str | None = "CERT Beta", **terms: str) -> Receipt:
    return receive(node, CLOCK, paths, party=party, **terms)


def five(receipt: Receipt) -> tuple[int, int, int, int, int]:
    """(stored, known, conflict, quarantined, refused)."""
    counts = (receipt.stored, receipt.known, receipt.conflict, receipt.quarantined, receipt.refused)
    assert sum(counts) == receipt.objects
    return counts


def all_ids(node: Node) -> list[str]:
    return [str(found) for found in node.store.objects.ids_like("", at_most=100_000)]


def views(node: Node) -> dict[str, object]:
    """Everything that a person can see of what is held, as its JSON: not the list of batches."""
    told = status(node, CLOCK)
    ids = all_ids(node)
    seen = {
        "inbox": inbox(node, CLOCK, limit=1000),
        "everything": inbox(node, CLOCK, limit=1000, everything=True),
        "show": {one: show(node, CLOCK, one) for one in ids},
        "why": {one: why(node, CLOCK, one) for one in ids},
        "parties": list_parties(node),
        "counts": (told.objects, told.quarantined, told.types, told.parties, told.batches, told.last_batch),
    }
    value: dict[str, object] = codec.decode(codec.encode(seen))
    return value
