"""STIX objects to exchange in tests of clients and in the benchmark: the same each time, references resolve."""

from __future__ import annotations

import random
import uuid

# TLP 2.0's marking definitions (FIRST, OASIS STIX 2.1 extension `tlp-2-0`).
CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
AT = "2026-02-03T04:05:06.789Z"

Object = dict[str, object]


class Maker:
    """Makes objects one after the other, from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def id(self, kind: str) -> str:
        """Return a new id."""
        return f"{kind}--{uuid.UUID(int=self.chance.getrandbits(128), version=4)}"

    def common(self, kind: str) -> Object:
        """Return what every domain object has."""
        return {"type": kind, "spec_version": "2.1", "id": self.id(kind), "created": AT, "modified": AT}

    def indicator(self, number: int) -> Object:
        """Return an indicator with the properties that every client knows, and no other."""
        return self.common("indicator") | {
            "name": f"Host {number} of a campaign",
            "description": "Seen in the logs of a member. " * 6,
            "pattern": f"[domain-name:value = 'host{number}.example.com']",
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": AT,
        }

    def malware(self, number: int) -> Object:
        """Return a malware family."""
        return self.common("malware") | {
            "name": f"Family {number}",
            "is_family": True,
            "malware_types": ["remote-access-trojan"],
            "description": "Loads its second stage from the hosts named beside it. " * 5,
        }

    def relationship(self, source: Object, target: Object) -> Object:
        """Return what ties two objects."""
        return self.common("relationship") | {
            "relationship_type": "indicates",
            "source_ref": source["id"],
            "target_ref": target["id"],
            "description": "By the analyst's own observation. " * 5,
        }


def objects(count: int, seed: int = 7, *, mixed: bool = False) -> list[Object]:
    """Return objects: of ten, seven indicators, two relationships and a malware family.

    With `mixed`, three kinds of marking (TLP:CLEAR, TLP:GREEN, TLP:AMBER) and none take turns; otherwise
    none of them is marked.
    """
    maker = Maker(seed)
    made: list[Object] = []
    family = maker.malware(0)
    while len(made) < count:
        number = len(made)
        if number % 10 == 0:
            family = maker.malware(number)
            one = family
        elif number % 10 in {4, 8}:
            one = maker.relationship(made[-1], family)
        else:
            one = maker.indicator(number)
        marking = (None, CLEAR, GREEN, AMBER)[number % 4]
        if mixed and marking is not None:
            one["object_marking_refs"] = [marking]
        made.append(one)
    return made
