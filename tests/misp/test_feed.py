"""The feed that MISP fetches: as PyMISP writes one itself, each event at a time of its own, read back the same."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.misp.made import EVENT, ORG, attribute, event, event_files, events, events_in, uid

from backchannel import codec
from backchannel.misp.feed import attributes_of, distinct, feed_of
from backchannel.misp.reading import read_event
from backchannel.misp.to_stix import to_stix


def test_the_manifest_says_what_misp_looks_at():
    one = event(attribute("domain", "evil.example"), tags=("tlp:clear",), analysis=2, threat_level=1)
    feed = feed_of([one])
    assert codec.decode(feed.manifest) == {
        EVENT: {
            "Orgc": {"name": ORG.name, "uuid": ORG.uuid},
            "Tag": [{"name": "tlp:clear", "colour": "#ffffff"}],
            "info": "An event",
            "date": "2023-11-01",
            "analysis": 2,
            "threat_level_id": 1,
            "timestamp": 1_700_000_100,
        }
    }


def test_hashes_name_each_part_of_a_value():
    one = event(
        attribute("filename|md5", "x.exe|" + "d" * 32), attribute("url", "http://a.example/x|y", uuid=uid(2))
    )
    lines = feed_of([one]).hashes.decode().splitlines()
    values = ("x.exe", "d" * 32, "http://a.example/x|y")
    assert lines == [f"{hashlib.md5(value.encode()).hexdigest()},{EVENT}" for value in values]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=12))
def test_no_two_events_have_the_same_time_and_none_is_earlier_than_it_was(stamps: list[int]):
    made = [event(timestamp=stamp) for stamp in stamps]
    made = [msgspec.structs.replace(one, uuid=uid(n)) for n, one in enumerate(made)]
    found = distinct(made)
    times = [one.timestamp for one in found]
    assert times == sorted(set(times))
    assert sorted(one.uuid for one in found) == sorted(one.uuid for one in made)
    before = {one.uuid: one.timestamp for one in made}
    assert all(one.timestamp >= before[one.uuid] for one in found)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(events())
def test_a_feed_is_read_back_as_the_events_that_it_was_made_of(made):
    if not (made.info or made.attributes or made.objects or made.reports):
        return
    (body,) = feed_of([made]).events.values()
    assert read_event(codec.decode(body)["Event"]).event == made


PYMISP = """
import json, sys
from pymisp import MISPEvent
told = []
for line in sys.stdin:
    event = MISPEvent()
    event.load(line)
    feed = event.to_feed(with_meta=True)["Event"]
    manifest = json.loads(json.dumps(feed["_manifest"], default=lambda one: one.to_dict()))
    told.append({"uuid": event.uuid, "hashes": feed["_hashes"], "manifest": manifest[event.uuid]})
print(json.dumps(told))
"""


@pytest.mark.peer("misp")
def test_pymisp_reads_our_events_and_makes_the_same_feed_of_them(peer_python: Path, shared_data: Path):
    made = [read_event(value).event for path in event_files(shared_data) for value in events_in(path)]
    made = [one for one in made if one.orgc is not None and one.date]
    feed = feed_of(made)
    assert len(feed.events) >= 20
    dated = {one.uuid for one in made if any(inner.type == "datetime" for inner in attributes_of(one))}
    assert len(dated) < len(made) / 2
    lines = b"\n".join(feed.events.values())
    answer = subprocess.run(
        [peer_python, "-W", "ignore", "-c", PYMISP], input=lines, capture_output=True, check=True
    )
    ours = json.loads(feed.manifest)
    hashes: dict[str, list[str]] = {}
    for line in feed.hashes.decode().splitlines():
        digest, _, owner = line.partition(",")
        hashes.setdefault(owner, []).append(digest)
    for told in json.loads(answer.stdout):
        entry, other = ours[told["uuid"]], told["manifest"]
        own = hashes.get(told["uuid"], [])
        assert len(own) == len(told["hashes"])
        if told["uuid"] not in dated:  # it hashes a time as Python shows it, not as the event spells it
            assert sorted(own) == sorted(told["hashes"])
        assert (entry["timestamp"], entry["date"], entry["info"]) == (
            other["timestamp"],
            other["date"],
            other["info"],
        )
        assert [tag["name"] for tag in entry["Tag"]] == [tag["name"] for tag in other["Tag"]]
        assert entry["Orgc"]["uuid"] == other["Orgc"]["uuid"]


ORACLE = """
import json, sys
from misp_stix_converter import MISPtoSTIX21Parser
for line in sys.stdin:
    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event(json.loads(line))
    print(json.dumps([[one.id if hasattr(one, "id") else one["id"], str(getattr(one, "pattern", ""))] for one in parser.stix_objects]))
"""


@pytest.mark.peer("misp")
def test_misps_own_converter_gives_the_same_ids_to_the_same_attributes(peer_python: Path, shared_data: Path):
    values = [
        value
        for path in event_files(shared_data)
        for value in events_in(path)
        if value.get("Orgc") and value.get("date")
    ]
    values = [value for value in values if len(json.dumps(value)) < 120_000 and value.get("Attribute")][:6]
    lines = "\n".join(json.dumps({"Event": value}) for value in values).encode()
    answer = subprocess.run(
        [peer_python, "-W", "ignore", "-c", ORACLE], input=lines, capture_output=True, check=True
    )
    compared = 0
    for value, line in zip(values, answer.stdout.splitlines(), strict=True):
        theirs = dict(json.loads(line))
        ours = {one.value["id"]: one.value for one in to_stix(read_event(value).event).objects}
        assert {
            one for one in theirs if one.startswith(("report--", "grouping--", "identity--"))
        } <= ours.keys()
        inner = {one["uuid"] for part in value.get("Object") or [] for one in part["Attribute"]}
        indicators = {
            one for one in ours if one.startswith("indicator--") and one.partition("--")[2] not in inner
        }
        assert indicators <= theirs.keys()
        compared += len(indicators)
    assert compared > 100
