"""What every driver of a client is asked, and how it answers.

A driver is a script that another project's Python runs (`.peers/NAME`): it imports nothing of ours. It does
the whole job of one client against a live server, prints one line of JSON about it, and ends with 1 and a
sentence when it could not do all of it. The names of the arguments are in `arguments`.
"""

from __future__ import annotations

import argparse
import json
import uuid
from collections.abc import Iterable
from typing import Any

TAXII = "application/taxii+json;version=2.1"
TIMEOUT_S = 30


def arguments() -> argparse.Namespace:
    """Read what the test wants done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", help="the discovery document's URL")
    parser.add_argument("--api-root", help="an API root's URL, with its last slash")
    parser.add_argument("--collection", help="id of the collection to read")
    parser.add_argument("--title", help="its title")
    parser.add_argument("--write-collection", help="id of a collection to write to and read from")
    parser.add_argument("--write-title", help="its title")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--token", help="the same secret, for clients that send it without a user")
    parser.add_argument("--expect", type=int, help="how many objects a whole read brings")
    parser.add_argument("--versioned", help="id of an object there in three versions")
    parser.add_argument("--mode", default="", help="which of the client's settings")
    return parser.parse_args()


def need(held: object, sentence: str) -> None:
    """End with the sentence unless something holds."""
    if not held:
        raise SystemExit(sentence)


def same(got: object, wanted: object, what: str) -> None:
    """End unless two things are equal."""
    if got != wanted:
        raise SystemExit(f"{what}: {str(got)[:300]} instead of {str(wanted)[:300]}")


def report(client: str, **facts: object) -> None:
    """Print the one line."""
    print(json.dumps({"client": client, **facts}))


def ids(objects: Iterable[Any]) -> list[str]:
    """Return the ids, sorted, as often as they came."""
    return sorted(str(one["id"]) for one in objects)


def whole(objects: list[Any], expect: int) -> list[str]:
    """Return the sorted ids of a whole read, in which each object came once."""
    came = ids(objects)
    same(len(came), len(set(came)), "objects that came twice (came, distinct)")
    same(len(came), expect, "objects read")
    return came


def indicators(count: int, **more: object) -> list[dict[str, object]]:
    """Make objects to write."""
    at = "2026-03-01T12:00:00.000Z"
    return [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid.uuid4()}",
            "created": at,
            "modified": at,
            "name": f"written {number}",
            "description": "written by a client under test",
            "pattern": f"[domain-name:value = 'written{number}.example.org']",
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": at,
            **more,
        }
        for number in range(count)
    ]


def objects_url(asked: argparse.Namespace, collection: str) -> str:
    """Return the URL of a collection's objects."""
    return f"{asked.api_root}collections/{collection}/objects/"


def put_new(asked: argparse.Namespace, count: int) -> list[str]:
    """Add objects to the collection for writing, as anybody could; return their ids, sorted."""
    import requests  # noqa: PLC0415 - not every client's environment has it

    new = indicators(count)
    answer = requests.post(
        objects_url(asked, asked.write_collection),
        data=json.dumps({"objects": new}),
        headers={"Content-Type": TAXII, "Accept": TAXII},
        auth=(asked.user, asked.password),
        timeout=TIMEOUT_S,
    )
    same(answer.status_code, 202, "status of adding objects")
    same(answer.json()["success_count"], count, "objects added")
    return ids(new)
