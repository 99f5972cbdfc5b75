"""What our server offers to the clients under test."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.backchannel_server import Node
from benchmarks.taxii_objects import CLEAR, GREEN, Maker, Object
from tests.channels.clients.running import held

HELD = held()
ATTACK = {
    "enterprise": "x-mitre-collection--1f5f1533-f617-4ca8-9ab4-6a02367fa019",
    "mobile": "x-mitre-collection--dac0d2d7-8653-445c-9bff-82f934c1e858",
    "ics": "x-mitre-collection--90c00720-636b-4485-b342-8751d232bf09",
}
"""The ids that attackcti asks for."""
TECHNIQUES = 14


def put(node: Node, folder: Path, collection: str, objects: list[Object]) -> None:
    """Put objects in a collection as an operator does: from a file."""
    path = folder / f"{collection}-{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps({"objects": objects}))
    node.do("import", str(path), "--collection", collection, may_need=True)


def attack_like(kind: str, name: str, domain: str) -> Object:
    """Make an object as the ATT&CK knowledge base writes it."""
    return Maker(len(name) * 1000 + len(kind) + len(domain)).common(kind) | {
        "name": name,
        "description": "made for a test",
        "object_marking_refs": [CLEAR],
        "external_references": [{"source_name": "mitre-attack", "external_id": f"X{len(name)}"}],
        "x_mitre_domains": [f"{domain}-attack"],
        "x_mitre_version": "1.0",
    }


def phishing(count: int) -> list[Object]:
    """Make indicators of URLs."""
    maker = Maker(11)
    return [
        maker.common("indicator")
        | {
            "name": f"Phishing {number}",
            "pattern": f"[url:value = 'https://login{number}.example.net/a,b?c={number}']",
            "pattern_type": "stix",
            "valid_from": f"2026-01-{number + 1:02d}T06:00:00Z",
            "object_marking_refs": [GREEN],
        }
        for number in range(count)
    ]
