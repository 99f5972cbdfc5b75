"""Three nodes that offer each other collections over TAXII, and what a party does there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.desk.drops import nodes
from tests.desk.made import CLOCK

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.desk.access import Caller, caller_by_secret
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.node import Node
from backchannel.desk.paging import Query
from backchannel.desk.posting import post
from backchannel.desk.publishing import NewOffer, add_collection, add_root
from backchannel.desk.taxii import StatusResource, objects_page

BASE = "http://127.0.0.1:8017"


@contextmanager
def offering(tmp_path: Path) -> Iterator[list[Node]]:
    """Give three nodes that know each other, each with the collections `shared` and `gather`."""
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        for node in found:
            add_root(node, CLOCK, "sharing", base_url=BASE)
            for alias in ("shared", "gather"):
                offered = NewOffer(title=alias, root_id="sharing", alias=alias, gather=alias == "gather")
                add_collection(node, CLOCK, offered, base_url=BASE)
        yield found


def caller(node: Node, party: Node) -> Caller:
    right = ("shared", "gather")
    found = add_token(node, CLOCK, NewCredential(party=party.party.name, read=right, write=right))
    who = caller_by_secret(node.store, found.token or "", now=CLOCK.now())
    assert who is not None
    return who


def read(node: Node, who: Caller, collection: str = "shared") -> list[JsonObject]:
    page = objects_page(node, CLOCK, who, "sharing", collection, Query())
    return [codec.decode(body) for body in page.bodies]


def notes(objects: list[JsonObject]) -> list[JsonObject]:
    return [one for one in objects if one["type"] == "note"]


def put(node: Node, who: Caller, *objects: JsonObject) -> StatusResource:
    return post(node, CLOCK, who, "sharing", "shared", codec.encode({"objects": objects}))
