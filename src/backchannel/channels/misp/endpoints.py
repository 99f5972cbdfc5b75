"""Which address is which question: files of feeds, and the calls that PyMISP makes first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from backchannel import codec
from backchannel.channels.misp.answers import Answer, Refused, file, json, plain_tags
from backchannel.clock import Clock
from backchannel.codec import JsonObject
from backchannel.desk import misp
from backchannel.desk.access import Caller
from backchannel.desk.lists import Lists
from backchannel.desk.node import Node
from backchannel.desk.shelves import Shelves

FEEDS: Final = "feeds"
REST: Final = "misp"
"""First parts of the addresses."""
INTERFACE: Final = "2.5.34"
"""The version of MISP whose calls these are."""

_COLLECTION = r"(?P<collection>[A-Za-z0-9][A-Za-z0-9._-]{0,254})"
_FILE = re.compile(rf"/feeds/{_COLLECTION}/(?P<name>[0-9A-Za-z-]{{1,64}}\.(?:json|csv))\Z")
_LIST = re.compile(rf"/feeds/{_COLLECTION}\.(?P<form>txt|csv)\Z")
_EVENT = re.compile(r"/misp/events/(?:view/)?(?P<uuid>[0-9A-Fa-f-]{36})(?:\.json)?\Z")
_SIGHTING = re.compile(r"/misp/sightings/add(?:/(?P<uuid>[0-9A-Fa-f-]{36}))?(?:\.json)?/?\Z")
_TAG = re.compile(r'(?:W/)?("[^"]{0,200}"|\*)')


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, and who asks it."""

    node: Node
    clock: Clock
    caller: Caller
    shelves: Shelves
    lists: Lists
    path: str
    query: bytes
    has: str
    takes_gzip: bool
    """`If-None-Match`."""
    body: bytes = b""

    @property
    def tags(self) -> frozenset[str]:
        """The entity tags that the reader has."""
        return frozenset(_TAG.findall(self.has[:4_000]))

    @property
    def plain_tags(self) -> frozenset[str]:
        """What they are where the answer is not packed."""
        return plain_tags(self.tags, takes_gzip=self.takes_gzip)

    def json(self) -> JsonObject:
        """Return the body; {} where there is none.

        Raises:
            Refused: it is no JSON object.
        """
        if not self.body.strip():
            return {}
        try:
            value = codec.decode(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Refused(400, "The body is no JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Place:
    """What answers at an address."""

    methods: frozenset[str]
    answer: Callable[[Asked], Answer]
    writes: bool = False
    is_open: bool = False
    """Whether anybody may ask."""


def find_place(path: str) -> Place | None:
    """Return what answers at an address; None: nothing does."""
    if _FILE.match(path) or _LIST.match(path):
        return Place(_READ, _file if _FILE.match(path) else _list, is_open=True)
    if _EVENT.match(path):
        return Place(_READ | {"POST"}, _event)
    if _SIGHTING.match(path):
        return Place(frozenset({"POST"}), _sighting, writes=True)
    return _FIXED.get(path.rstrip("/").removesuffix(".json"))


def _file(asked: Asked) -> Answer:
    match = _FILE.match(asked.path)
    if match is None:
        raise Refused(404, "There is nothing at this address")
    name = match["name"]
    served = misp.feed_file(
        asked.node, asked.clock, asked.caller, asked.shelves, match["collection"], name, has=asked.plain_tags
    )
    return file(served, name.rpartition(".")[2], has=asked.tags)


def _list(asked: Asked) -> Answer:
    match = _LIST.match(asked.path)
    if match is None:
        raise Refused(404, "There is nothing at this address")
    kinds = parse_qs(asked.query.decode("latin-1"), max_num_fields=10).get("type", [])
    served = misp.list_file(
        asked.node, asked.clock, asked.caller, asked.lists, match["collection"], match["form"],
        kind=kinds[0] if kinds else None, has=asked.plain_tags,
    )  # fmt: skip
    return file(served, match["form"], has=asked.tags)


def _version(_asked: Asked) -> Answer:
    return json(
        codec.encode(
            {"version": INTERFACE, "perm_sync": False, "perm_sighting": True, "perm_galaxy_editor": False}
        )
    )


def _client_version(_asked: Asked) -> Answer:
    return json(codec.encode({"version": INTERFACE}))


def _me(asked: Asked) -> Answer:
    party = asked.caller.party
    name = party.name if party else ""
    party_id = party.party_id.partition("--")[2] if party else ""
    return json(
        codec.encode(
            {
                "User": {
                    "id": "1",
                    "email": name,
                    "org_id": "1",
                    "role_id": "1",
                    "disabled": False,
                    "autoalert": False,
                },
                "Organisation": {"id": "1", "name": name, "uuid": party_id},
                "Role": {
                    "id": "1",
                    "name": "Reader",
                    "perm_auth": True,
                    "perm_add": False,
                    "perm_sighting": True,
                },
                "UserSetting": {},
            }
        )
    )


def _types(_asked: Asked) -> Answer:
    return json(codec.encode(misp.describe_types()))


def _events(asked: Asked) -> Answer:
    return json(misp.find_events(asked.node, asked.clock, asked.caller, asked.shelves, asked.json()))


def _attributes(asked: Asked) -> Answer:
    return json(misp.find_attributes(asked.node, asked.clock, asked.caller, asked.shelves, asked.json()))


def _event(asked: Asked) -> Answer:
    match = _EVENT.match(asked.path)
    uuid = match["uuid"] if match else ""
    return json(misp.view_event(asked.node, asked.clock, asked.caller, asked.shelves, uuid))


def _sighting(asked: Asked) -> Answer:
    match = _SIGHTING.match(asked.path)
    uuid = (match["uuid"] if match else None) or ""
    told = misp.add_sighting(
        asked.node, asked.clock, asked.caller, asked.shelves, asked.json(), attribute=uuid
    )
    return json(codec.encode(told))


_READ: Final = frozenset({"GET", "HEAD"})
_ASK: Final = frozenset({"GET", "POST"})
_FIXED: Final[Mapping[str, Place]] = {
    "/misp/servers/getVersion": Place(_READ, _version),
    "/misp/servers/getPyMISPVersion": Place(_READ, _client_version),
    "/misp/users/view/me": Place(_READ, _me),
    "/misp/attributes/describeTypes": Place(_READ, _types),
    "/misp/events/restSearch": Place(_ASK, _events),
    "/misp/attributes/restSearch": Place(_ASK, _attributes),
}
