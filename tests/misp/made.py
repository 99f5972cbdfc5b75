"""Events of MISP for the tests: any that are possible (`events`), one by hand, and those in the shared data."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

from backchannel.misp.event import (
    Attribute,
    Cluster,
    Event,
    EventReport,
    Object,
    Org,
    Reference,
    SharingGroup,
    Sighting,
)
from backchannel.misp.types import defaults

ORG = Org("55f6ea5e-2c60-40e5-964f-47a8950d210f", "CIRCL")
EVENT = "5f0e7ac0-6f1e-4e7c-8b5a-5a2f1f0e0a01"


def uid(number: int) -> str:
    return str(uuid.UUID(int=(0xA << 124) | number, version=4))


def attribute(kind: str, value: str, **more: object) -> Attribute:
    held = {
        "category": "Network activity",
        "to_ids": True,
        "timestamp": 1_700_000_000,
        "uuid": uid(1),
        **more,
    }
    return Attribute(type=kind, value=value, **held)  # type: ignore[arg-type]


def event(*attributes: Attribute, **more: object) -> Event:
    held = {"info": "An event", "date": "2023-11-01", "timestamp": 1_700_000_100, "orgc": ORG, **more}
    return Event(uuid=EVENT, attributes=attributes, **held)  # type: ignore[arg-type]


def plain(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


PARTS = frozenset(
    {
        "mispevent_testfiles_galaxy.json",
        "mispevent_testfiles_overwrite_file_definition.json",
        "mispevent_testfiles_simple.json",
        "mispevent_testfiles_event_obj_attr_tag.json",
        "mispevent_testfiles_event_obj_tag.json",
    }
)
"""Files among those of PyMISP that hold no whole event."""


def event_files(shared_data: Path) -> list[Path]:
    found = [path for name in ("eset", "pymisp") for path in sorted((shared_data / "misp" / name).iterdir())]
    found.append(shared_data / "stix" / "misp-stix" / "test_events_collection_1.json")
    found = [path for path in found if path.name not in PARTS]
    assert len(found) == 29
    return found


def events_in(path: Path) -> Iterator[dict[str, object]]:
    """The events of a file, as `json` reads them."""
    value = json.loads(plain(path))
    value = value.get("response", value) if isinstance(value, dict) else value
    for one in value if isinstance(value, list) else [value]:
        yield one.get("Event", one)


# --- Any event --------------------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
some = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=30)
stamps = st.integers(0, 4_000_000_000)
moments = st.sampled_from(
    ["", "2021-06-10T07:00:00.123456+00:00", "2021-06-11T00:00:00Z", "1999-01-01T00:00:00.000000+02:00"]
)
tags = st.lists(
    st.one_of(
        some, st.sampled_from(["tlp:green", "tlp:red", "PAP:AMBER", 'misp:type="x"', 'osint:certainty="93"'])
    ),
    unique=True,
    max_size=3,
).map(tuple)
groups = st.none() | st.builds(SharingGroup, st.uuids().map(str), some, text, text)
orgs = st.sampled_from([Org(uid(900 + n), f"Org {n}") for n in range(3)])
VALUES = ["evil.example", "203.0.113.7", "2001:db8::1/64", "a'b\\c", "x|y", "a.exe|" + "d" * 32, "AS64500", "203.0.113.7|443",
          "evil.example|203.0.113.7", "HKLM\\Software\\x|data|more", "443", "http://evil.example/a b", "CVE-2021-44228", "d" * 64]  # fmt: skip
TYPES = [*sorted(defaults()), "a type of the future"]


@st.composite
def attributes(draw: st.DrawFn, ids: Iterator[int]) -> Attribute:
    return Attribute(
        uuid=uid(next(ids)),
        type=draw(st.sampled_from(TYPES)),
        category=draw(st.sampled_from(["Network activity", "Other", "", 'a "category"'])),
        value=draw(st.sampled_from(VALUES) | some),
        to_ids=draw(st.booleans()),
        timestamp=draw(stamps),
        comment=draw(text),
        deleted=draw(st.booleans()),
        disable_correlation=draw(st.booleans()),
        distribution=draw(st.integers(0, 5)),
        first_seen=draw(moments),
        last_seen=draw(moments),
        object_relation=draw(text),
        sharing_group=draw(groups),
        tags=draw(tags),
        clusters=draw(clusters()),
        sightings=tuple(draw(st.lists(sightings(ids), max_size=2))),
    )


@st.composite
def sightings(draw: st.DrawFn, ids: Iterator[int]) -> Sighting:
    return Sighting(uid(next(ids)), draw(st.integers(0, 2)), draw(stamps), draw(text), draw(st.none() | orgs))


GALAXIES = [
    Cluster(uid(700), "threat-actor", "Sofacy", 'misp-galaxy:threat-actor="Sofacy"', "A group.", "MISP",
            ("A", "B"), "12", {"synonyms": ["APT28"], "refs": ["https://a.example"], "x": 1.5}, uid(701), "Actor", "misp", uid(702)),
    Cluster(uid(703), "mitre-attack-pattern", "Masquerading - T1036", "t", meta={"external_id": ["T1036"]}, galaxy_uuid=uid(704)),
    Cluster("", "botnet", "Asprox", 'misp-galaxy:botnet="Asprox"'),
    Cluster(uid(705), "sector", "Finance", "s"),
    Cluster(uid(706), "country", "italy", "c", meta={"ISO": "IT"}),
]  # fmt: skip


def clusters() -> st.SearchStrategy[tuple[Cluster, ...]]:
    return st.lists(st.sampled_from(GALAXIES), max_size=2, unique_by=lambda one: one.value).map(tuple)


@st.composite
def events(draw: st.DrawFn) -> Event:
    ids = iter(range(1000, 9000))
    own = tuple(draw(st.lists(attributes(ids), max_size=3)))
    objects = []
    for _ in range(draw(st.integers(0, 2))):
        inner = tuple(draw(st.lists(attributes(ids), max_size=2)))
        known = [uid(next(ids)), *(one.uuid for one in (*own, *inner))]
        references = tuple(
            Reference(uid(next(ids)), draw(st.sampled_from(known)), draw(st.sampled_from(["uses", "Related To", "", "a"])),
                      draw(stamps), draw(text), draw(st.booleans()))
            for _ in range(draw(st.integers(0, 2)))
        )  # fmt: skip
        objects.append(
            Object(known[0], draw(some), draw(text), draw(stamps), draw(text), draw(st.sampled_from(["", uid(99)])),
                   draw(text), draw(text), draw(st.booleans()), draw(st.integers(0, 5)), draw(moments), draw(moments),
                   draw(groups), inner, references)
        )  # fmt: skip
    reports = tuple(
        EventReport(
            uid(next(ids)), draw(text), draw(text), draw(stamps), draw(st.integers(0, 5)), draw(st.booleans())
        )
        for _ in range(draw(st.integers(0, 2)))
    )
    return Event(
        uuid=uid(1),
        info=draw(text),
        date=draw(st.sampled_from(["", "2021-06-10", "1970-01-01", "2024-02-29"])),
        timestamp=draw(stamps),
        published=draw(st.booleans()),
        publish_timestamp=draw(stamps),
        analysis=draw(st.none() | st.integers(0, 2)),
        threat_level=draw(st.none() | st.integers(1, 4)),
        distribution=draw(st.none() | st.integers(0, 4)),
        extends_uuid=draw(st.sampled_from(["", uid(98)])),
        disable_correlation=draw(st.booleans()),
        orgc=draw(st.none() | orgs),
        sharing_group=draw(groups),
        tags=draw(tags),
        clusters=draw(clusters()),
        attributes=own,
        objects=tuple(objects),
        reports=reports,
    )
