"""What others say in STIX, as MISP says it: simple patterns, reports, ties; each property is carried or named."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.misp.made import ORG, plain

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.misp.event import Event
from backchannel.misp.from_stix import Publisher, Returned, from_stix
from backchannel.misp.to_stix import to_stix

U = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3"
AT = {"created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "spec_version": "2.1"}
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


def back(*values: JsonObject) -> Returned:
    return from_stix(values, Publisher(ORG, "Collection", "c"))


def indicator(pattern: str, **more: object) -> JsonObject:
    return {"type": "indicator", "id": f"indicator--{U}0", **AT, "pattern": pattern, "pattern_type": "stix",
            "valid_from": "2026-01-01T00:00:00Z", **more}  # fmt: skip


def only_event(found: Returned) -> Event:
    (event,) = found.events
    return event


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("[domain-name:value = 'evil.example']", [("domain", "evil.example")]),
        ("[ipv4-addr:value = '203.0.113.7' OR ipv6-addr:value = '2001:db8::7']", [("ip-dst", "203.0.113.7"), ("ip-dst", "2001:db8::7")]),
        ("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", [("ip-dst", "203.0.113.0/24")]),
        ("[url:value IN ('http://a.example', 'http://b.example')]", [("url", "http://a.example"), ("url", "http://b.example")]),
        ("[file:hashes.'SHA-256' = '" + "a" * 64 + "'] OR [file:hashes.md5 = '" + "b" * 32 + "']", [("sha256", "a" * 64), ("md5", "b" * 32)]),
        ("[file:name = 'x.exe' AND file:hashes.MD5 = '" + "b" * 32 + "']", [("filename|md5", "x.exe|" + "b" * 32)]),
        ("[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.7' AND network-traffic:dst_port = 443]", [("ip-dst|port", "203.0.113.7|443")]),
        ("[network-traffic:dst_ref.value = 'evil.example' AND network-traffic:dst_port = 443]", [("hostname|port", "evil.example|443")]),
        ("[email-message:from_ref.value = 'a@evil.example']", [("email-src", "a@evil.example")]),
        ("[x509-certificate:hashes.'SHA-1' = '" + "a" * 40 + "']", [("x509-fingerprint-sha1", "a" * 40)]),
        ("[autonomous-system:number = 64500]", [("AS", "64500")]),
        ("[file:name LIKE '%.exe']", [("stix2-pattern", "[file:name LIKE '%.exe']")]),
        ("[a:b = 1] FOLLOWEDBY [a:c = 2]", [("stix2-pattern", "[a:b = 1] FOLLOWEDBY [a:c = 2]")]),
        ("[domain-name:value != 'evil.example']", [("stix2-pattern", "[domain-name:value != 'evil.example']")]),
    ],
)  # fmt: skip
def test_a_pattern_is_the_attributes_that_say_the_same(pattern: str, values: list[tuple[str, str]]):
    event = only_event(back(indicator(pattern)))
    assert [(one.type, one.value) for one in event.attributes] == values
    assert all(one.to_ids for one in event.attributes)
    assert event.attributes[0].uuid == f"{U}0"
    assert event.info == "Collection"
    assert event.orgc == ORG


def test_a_pattern_that_cannot_be_read_is_named():
    found = back(indicator("no pattern"))
    assert found.events == ()
    assert [(loss.field, loss.id) for loss in found.losses] == [("indicator", f"indicator--{U}0")]


def test_each_property_is_carried_or_named():
    kept = {
        "name": "A host",
        "description": "Seen",
        "labels": ["x"],
        "object_marking_refs": [RED],
        "revoked": True,
    }
    lost = {"valid_until": "2027-01-01T00:00:00Z", "confidence": 50, "x_own": "y", "kill_chain_phases": [{}]}
    found = back(indicator("[domain-name:value = 'evil.example']", **kept, **lost))
    (one,) = only_event(found).attributes
    assert (one.comment, one.tags, one.deleted) == ("A host; Seen", ("x", "tlp:red"), True)
    assert one.first_seen == "2026-01-01T00:00:00.000000+00:00"
    assert {loss.field for loss in found.losses} == {f"indicator.{name}" for name in lost}


def test_a_report_is_an_event_with_all_that_it_names():
    actor = {"type": "threat-actor", "id": f"threat-actor--{U}1", **AT, "name": "Bear"}
    technique = {"type": "attack-pattern", "id": f"attack-pattern--{U}2", **AT, "name": "Masquerading",
                 "external_references": [{"source_name": "mitre-attack", "external_id": "T1036"}]}  # fmt: skip
    who = {
        "type": "identity",
        "id": f"identity--{U}3",
        **AT,
        "name": "CERT Gamma",
        "identity_class": "organization",
    }
    tie = {"type": "relationship", "id": f"relationship--{U}4", **AT, "relationship_type": "indicates",
           "source_ref": f"indicator--{U}0", "target_ref": actor["id"]}  # fmt: skip
    sighting = {"type": "sighting", "id": f"sighting--{U}5", **AT, "sighting_of_ref": f"indicator--{U}0",
                "last_seen": "2026-01-02T00:00:00Z", "created_by_ref": who["id"]}  # fmt: skip
    opinion = {
        "type": "opinion",
        "id": f"opinion--{U}6",
        **AT,
        "opinion": "disagree",
        "object_refs": [f"indicator--{U}0"],
    }
    note = {
        "type": "note",
        "id": f"note--{U}7",
        **AT,
        "abstract": "N",
        "content": "text",
        "object_refs": [actor["id"]],
    }
    report = {"type": "report", "id": f"report--{U}8", **AT, "name": "A campaign", "published": "2026-01-03T00:00:00Z",
              "created_by_ref": who["id"], "object_marking_refs": [RED], "external_references": [{"source_name": "blog", "url": "https://blog.example/x"}],
              "object_refs": [f"indicator--{U}0", technique["id"], note["id"], f"observed-data--{U}9"]}  # fmt: skip
    domain = {
        "type": "domain-name",
        "id": f"domain-name--{U}a",
        "value": "seen.example",
        "spec_version": "2.1",
    }
    observed = {"type": "observed-data", "id": f"observed-data--{U}9", **AT, "first_observed": "2026-01-01T00:00:00Z",
                "last_observed": "2026-01-02T00:00:00Z", "number_observed": 1, "object_refs": [domain["id"]]}  # fmt: skip
    found = back(
        indicator("[domain-name:value = 'evil.example']"),
        actor,
        technique,
        who,
        tie,
        sighting,
        opinion,
        note,
        report,
        domain,
        observed,
    )
    event = only_event(found)
    assert (event.uuid, event.info, event.publish_timestamp) == (f"{U}8", "A campaign", 1767398400)
    assert event.orgc is not None
    assert event.orgc.name == "CERT Gamma"
    assert event.tags == ("tlp:red", 'misp-galaxy:mitre-attack-pattern="Masquerading - T1036"')
    told = {one.value: one for one in event.attributes}
    assert set(told) == {"https://blog.example/x", "evil.example", "seen.example"}
    assert told["evil.example"].tags == ('misp-galaxy:threat-actor="Bear"',)
    assert [(one.type, one.at) for one in told["evil.example"].sightings] == [
        (0, 1767312000),
        (1, 1767225600),
    ]
    assert (told["seen.example"].to_ids, told["seen.example"].last_seen) == (
        False,
        "2026-01-02T00:00:00.000000+00:00",
    )
    assert [(one.name, one.content) for one in event.reports] == [("N", "text")]
    lost = {loss.field for loss in found.losses}
    assert lost == {"attack-pattern.external_references", "observed-data.number_observed"}


def test_what_was_changed_since_it_left_misp_is_read_anew():
    values = [
        one.value
        for one in to_stix(only_event(back(indicator("[domain-name:value = 'evil.example']")))).objects
    ]
    changed = [
        {**value, "pattern": "[domain-name:value = 'worse.example']"}
        if value["type"] == "indicator"
        else value
        for value in values
    ]
    assert [one.value for one in only_event(back(*changed)).attributes] == ["worse.example"]


def test_of_two_versions_the_newer_is_taken():
    newer = indicator("[domain-name:value = 'new.example']", modified="2026-02-01T00:00:00.000Z")
    for order in (1, -1):
        two = [indicator("[domain-name:value = 'old.example']"), newer][::order]
        assert [one.value for one in only_event(back(*two)).attributes] == ["new.example"]


def test_published_bundles_become_events_and_every_object_is_placed_or_named(shared_data: Path):
    attributes = 0
    for folder in ("amnesty", "oasis-examples"):
        for path in sorted((shared_data / "stix" / folder).iterdir()):
            value = codec.decode(plain(path))
            listed = value.get("objects", []) if isinstance(value, dict) else value
            found = back(*listed)
            placed = {loss.id.partition("--")[2] for loss in found.losses}
            tags = ""
            for event in found.events:
                placed |= {event.uuid, *(one.uuid for one in (*event.attributes, *event.reports))}
                placed |= {event.orgc.uuid} if event.orgc else set()
                placed |= {one.uuid for attribute in event.attributes for one in attribute.sightings}
                tags += " ".join(
                    [*event.tags, *(tag for attribute in event.attributes for tag in attribute.tags)]
                )
                attributes += len(event.attributes)
            for one in listed:
                is_tie = one["type"] in {"relationship", "marking-definition"}
                assert one["id"].partition("--")[2] in placed or one.get("name", "-") in tags or is_tie, (
                    path.name,
                    one,
                )
    assert attributes > 300
