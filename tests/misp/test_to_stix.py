"""What each part of an event becomes: the ids of MISP, patterns of every common type, markings, times, ties."""

from __future__ import annotations

import uuid

import pytest
from tests.misp.made import EVENT, GALAXIES, ORG, attribute, event, uid

from backchannel.codec import JsonObject
from backchannel.misp.event import Event, EventReport, Object, Org, Reference, Sighting
from backchannel.misp.to_stix import to_stix
from backchannel.stix.markings import Pap, Tlp, pap_of, tlp_of
from backchannel.stix.pattern.parse import parse
from backchannel.stix.sco_ids import observable_id

HASH = {"md5": "d" * 32, "sha1": "a" * 40, "sha256": "b" * 64, "sha512": "c" * 128}


def made(found: Event) -> dict[str, JsonObject]:
    return {one.value["id"]: one.value for one in to_stix(found).objects}


def only(found: Event, stix_type: str) -> JsonObject:
    (value,) = [value for value in made(found).values() if value["type"] == stix_type]
    return value


@pytest.mark.parametrize(
    ("kind", "value", "pattern"),
    [
        ("domain", "evil.example", "[domain-name:value = 'evil.example']"),
        ("hostname", "www.evil.example", "[domain-name:value = 'www.evil.example']"),
        ("ip-dst", "203.0.113.7", "[ipv4-addr:value = '203.0.113.7']"),
        ("ip-src", "2001:db8::7", "[ipv6-addr:value = '2001:db8::7']"),
        ("ip-dst", "203.0.113.0/24", "[ipv4-addr:value ISSUBSET '203.0.113.0/24']"),
        ("url", "http://evil.example/it's", "[url:value = 'http://evil.example/it\\'s']"),
        ("email-src", "a@evil.example", "[email-message:from_ref.value = 'a@evil.example']"),
        ("email-dst", "a@evil.example", "[email-message:to_refs[*].value = 'a@evil.example']"),
        ("email-subject", "Invoice", "[email-message:subject = 'Invoice']"),
        ("email-reply-to", "a@b.example", "[email-message:additional_header_fields.'Reply-To' = 'a@b.example']"),
        ("md5", HASH["md5"], f"[file:hashes.MD5 = '{HASH['md5']}']"),
        ("sha1", HASH["sha1"], f"[file:hashes.'SHA-1' = '{HASH['sha1']}']"),
        ("sha256", HASH["sha256"], f"[file:hashes.'SHA-256' = '{HASH['sha256']}']"),
        ("sha512", HASH["sha512"], f"[file:hashes.'SHA-512' = '{HASH['sha512']}']"),
        ("imphash", HASH["md5"], f"[file:hashes.'IMPHASH' = '{HASH['md5']}']"),
        ("filename", "invoice.exe", "[file:name = 'invoice.exe']"),
        ("filename|md5", f"a|b.exe|{HASH['md5']}", f"[file:hashes.MD5 = '{HASH['md5']}']"),
        ("filename|sha256", f"x.exe|{HASH['sha256']}", f"[file:hashes.'SHA-256' = '{HASH['sha256']}']"),
        ("malware-sample", f"x.exe|{HASH['md5']}", f"[file:hashes.MD5 = '{HASH['md5']}']"),
        ("domain|ip", "evil.example|203.0.113.7", "[domain-name:value = 'evil.example' OR ipv4-addr:value = '203.0.113.7']"),
        ("ip-dst|port", "203.0.113.7|443", "[network-traffic:dst_ref.value = '203.0.113.7' AND network-traffic:dst_port = 443]"),
        ("ip-dst|port", "203.0.113.7:443", "[network-traffic:dst_ref.value = '203.0.113.7' AND network-traffic:dst_port = 443]"),
        ("ip-src|port", "203.0.113.7|443", "[network-traffic:src_ref.value = '203.0.113.7' AND network-traffic:src_port = 443]"),
        ("hostname|port", "evil.example|8443", "[network-traffic:dst_ref.value = 'evil.example' AND network-traffic:dst_port = 8443]"),
        ("regkey", "HKLM\\Run", "[windows-registry-key:key = 'HKLM\\\\Run']"),
        ("regkey|value", "HKLM\\Run|x|y", "[windows-registry-key:key = 'HKLM\\\\Run' AND windows-registry-key:values[*].data = 'x|y']"),
        ("AS", "AS64500", "[autonomous-system:number = 64500]"),
        ("mutex", "Global\\x", "[mutex:name = 'Global\\\\x']"),
        ("user-agent", "Evil/1.0", "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Evil/1.0']"),
        ("ja3-fingerprint-md5", HASH["md5"], f"[network-traffic:x_ja3_md5 = '{HASH['md5']}']"),
        ("x509-fingerprint-sha1", HASH["sha1"], f"[x509-certificate:hashes.'SHA-1' = '{HASH['sha1']}']"),
        ("phone-number", "+49 30 1234", "[x-phone-number:value = '+49 30 1234']"),
        ("mac-address", "02:00:00:00:00:01", "[mac-addr:value = '02:00:00:00:00:01']"),
    ],
)  # fmt: skip
def test_what_is_meant_for_detection_is_an_indicator_with_its_pattern(kind: str, value: str, pattern: str):
    found = only(event(attribute(kind, value, comment="c2")), "indicator")
    parse(pattern)
    assert found["pattern"] == pattern
    assert found["pattern_type"] == "stix"
    assert found["id"] == f"indicator--{uid(1)}"
    assert found["name"] == value
    assert found["description"] == "c2"
    assert found["labels"] == [
        f'misp:type="{kind}"',
        'misp:category="Network activity"',
        'misp:to_ids="True"',
    ]


@pytest.mark.parametrize(
    ("kind", "language"), [("yara", "yara"), ("sigma", "sigma"), ("snort", "snort"), ("suricata", "suricata")]
)
def test_a_rule_is_an_indicator_in_its_own_language(kind: str, language: str):
    found = only(event(attribute(kind, "rule x {}")), "indicator")
    assert (found["pattern"], found["pattern_type"]) == ("rule x {}", language)


def test_the_ids_are_those_of_misp():
    found = made(event(attribute("domain", "evil.example"), published=True))
    assert set(found) == {f"report--{EVENT}", f"identity--{ORG.uuid}", f"indicator--{uid(1)}"}
    report = found[f"report--{EVENT}"]
    assert report["created_by_ref"] == f"identity--{ORG.uuid}"
    assert report["created"] == "2023-11-01T00:00:00.000Z"
    assert report["modified"] == "2023-11-14T22:15:00.000Z"
    assert set(report["object_refs"]) == set(found) - {report["id"]}
    assert f"grouping--{EVENT}" in made(event(attribute("domain", "evil.example")))


def test_what_is_only_told_is_an_observation_of_plain_observables():
    found = made(event(attribute("domain|ip", "evil.example|203.0.113.7", to_ids=False, comment="seen")))
    observed = found[f"observed-data--{uid(1)}"]
    assert [found[ref]["value"] for ref in observed["object_refs"]] == ["evil.example", "203.0.113.7"]
    assert (observed["x_misp_value"], observed["x_misp_comment"]) == ("evil.example|203.0.113.7", "seen")
    other = made(event(attribute("domain", "evil.example", to_ids=False, uuid=uid(2))))
    assert observed["object_refs"][0] in other  # the same value is the same object


def test_what_stix_has_no_property_for_is_a_note_about_the_event():
    found = only(event(attribute("text", "Linux/NukeSped.E", category="Antivirus detection")), "note")
    assert found["content"] == "Linux/NukeSped.E"
    assert found["abstract"] == "text (Antivirus detection)"
    assert found["object_refs"] == [f"grouping--{EVENT}"]
    link = only(event(attribute("link", "https://report.example/x", to_ids=False)), "note")
    assert link["external_references"] == [{"source_name": "link", "url": "https://report.example/x"}]


def test_a_vulnerability_is_one():
    found = only(event(attribute("vulnerability", "CVE-2021-44228", to_ids=False)), "vulnerability")
    assert found["external_references"] == [{"source_name": "cve", "external_id": "CVE-2021-44228"}]


def test_times_of_an_attribute():
    first, last = "2023-10-30T10:00:00.000000+00:00", "2023-11-02T10:00:00.000000+02:00"
    found = only(event(attribute("domain", "evil.example", first_seen=first, last_seen=last)), "indicator")
    assert found["valid_from"] == "2023-10-30T10:00:00.000Z"
    assert "valid_until" not in found  # last seen is no end
    told = only(
        event(attribute("domain", "evil.example", first_seen=first, last_seen=last, to_ids=False)),
        "observed-data",
    )
    assert (told["first_observed"], told["last_observed"]) == (
        "2023-10-30T10:00:00.000Z",
        "2023-11-02T08:00:00.000Z",
    )


def test_what_was_deleted_is_revoked():
    assert only(event(attribute("domain", "evil.example", deleted=True)), "indicator")["revoked"] is True


@pytest.mark.parametrize(
    ("event_tags", "own", "distribution", "own_distribution", "tlp"),
    [
        (("tlp:green",), (), None, 5, Tlp.GREEN),
        (("tlp:white",), (), None, 5, Tlp.CLEAR),
        (("tlp:green",), ("tlp:red",), None, 5, Tlp.RED),
        (("tlp:red",), ("tlp:green",), None, 5, Tlp.RED),
        (("tlp:nonsense",), (), None, 5, Tlp.RED),
        (("tlp:clear",), (), 0, 5, Tlp.AMBER_STRICT),
        (("tlp:clear",), (), 1, 5, Tlp.AMBER),
        (("tlp:clear",), (), 3, 5, Tlp.CLEAR),
        (("tlp:clear",), (), 3, 4, Tlp.AMBER_STRICT),
        (("tlp:red",), (), 1, 5, Tlp.RED),
        ((), (), 0, 5, Tlp.AMBER_STRICT),
        ((), (), 1, 5, None),
        ((), (), None, 5, None),
    ],
)  # fmt: skip
def test_tags_mark_and_distribution_where_it_is_stricter(
    event_tags: tuple[str, ...],
    own: tuple[str, ...],
    distribution: int | None,
    own_distribution: int,
    tlp: Tlp | None,
):
    found = event(
        attribute("domain", "evil.example", tags=own, distribution=own_distribution),
        tags=event_tags,
        distribution=distribution,
    )
    indicator = only(found, "indicator")
    assert tlp_of(indicator, default="clear") is (tlp or Tlp.CLEAR)
    assert ("object_marking_refs" in indicator) is (tlp is not None)
    assert only(found, "grouping")["labels"] == list(event_tags) if event_tags else True


def test_pap_of_the_event_holds_for_what_is_in_it():
    found = event(
        attribute("domain", "evil.example"),
        attribute("domain", "b.example", uuid=uid(2)),
        tags=("PAP:AMBER",),
    )
    for value in made(found).values():
        if value["type"] == "indicator":
            assert pap_of(value) is Pap.AMBER


def test_stated_confidence_is_carried_the_lowest():
    tags = (
        'estimative-language:likelihood-probability="very-likely"',
        'misp:confidence-level="fairly-confident"',
    )
    assert only(event(attribute("domain", "evil.example", tags=tags)), "indicator")["confidence"] == 50


def test_an_object_is_a_grouping_and_its_references_relationships():
    inner = attribute("md5", HASH["md5"], object_relation="md5")
    found = made(
        event(
            attribute("domain", "evil.example", uuid=uid(5)),
            objects=(
                Object(uid(2), "file", "file", 1_700_000_000, attributes=(inner,),
                       references=(Reference(uid(3), uid(5), "downloaded-from", 1_700_000_000),
                                   Reference(uid(4), uid(5), "Made By", 1_700_000_000))),
            ),
        )
    )  # fmt: skip
    assert found[f"grouping--{uid(2)}"]["object_refs"] == [f"indicator--{uid(1)}"]
    relation = found[f"relationship--{uid(3)}"]
    assert (relation["source_ref"], relation["relationship_type"], relation["target_ref"]) == (
        f"grouping--{uid(2)}", "downloaded-from", f"indicator--{uid(5)}",
    )  # fmt: skip
    assert found[f"relationship--{uid(4)}"]["relationship_type"] == "related-to"


def test_a_reference_that_leads_out_of_the_event_is_named():
    one = Object(uid(2), "file", "file", 0, references=(Reference(uid(3), uid(77), "uses", 0),))
    (loss,) = to_stix(event(objects=(one,))).losses
    assert (loss.field, loss.id) == ("Event.Object.ObjectReference", uid(3))


def test_galaxies_are_what_they_name_and_what_an_indicator_indicates():
    found = made(
        event(attribute("domain", "evil.example", clusters=tuple(GALAXIES[:2])), clusters=tuple(GALAXIES))
    )
    actor = found[f"threat-actor--{uid(700)}"]
    assert (actor["name"], actor["aliases"]) == ("Sofacy", ["APT28"])
    technique = next(value for value in found.values() if value["type"] == "attack-pattern")
    assert technique["external_references"] == [{"source_name": "mitre-attack", "external_id": "T1036"}]
    assert {value["type"] for value in found.values()} >= {"malware", "identity", "location"}
    ties = [value for value in found.values() if value["type"] == "relationship"]
    assert {tie["relationship_type"] for tie in ties} == {"indicates"}
    assert {tie["target_ref"] for tie in ties} == {actor["id"], technique["id"]}


def test_what_an_authority_publishes_of_a_technique_is_newer():
    found = made(event(attribute("domain", "evil.example"), clusters=tuple(GALAXIES)))
    dated = [value["modified"] for value in found.values() if "x_misp_cluster" in value]
    assert dated
    assert all(at.startswith("1970-") for at in dated)


def test_an_organisation_that_may_be_known_to_all_is_the_newest_version():
    clear, red = (
        made(event(attribute("domain", "a.example"), tags=(f"tlp:{tlp}",))) for tlp in ("clear", "red")
    )
    own = f"identity--{ORG.uuid}"
    assert clear[own]["modified"] > red[own]["modified"]


@pytest.mark.parametrize(("kind", "stix_type"), [(0, "sighting"), (1, "opinion"), (2, "note")])
def test_sightings_false_positives_and_expirations(kind: int, stix_type: str):
    one = Sighting(uid(9), kind, 1_700_000_500, "sensor", Org(uid(8), "Other"))
    found = made(event(attribute("domain", "evil.example", sightings=(one,))))
    told = found[f"{stix_type}--{uid(9)}"]
    assert told["created_by_ref"] == f"identity--{uid(8)}"
    until = found[f"indicator--{uid(1)}"].get("valid_until")
    assert until == ("2023-11-14T22:21:40.000Z" if kind == 2 else None)
    if kind == 0:
        assert (told["sighting_of_ref"], told["count"]) == (f"indicator--{uid(1)}", 1)
        assert told["where_sighted_refs"] == [f"identity--{uid(8)}"]
    if kind == 1:
        assert told["opinion"] == "strongly-disagree"


def test_a_report_is_a_note_about_the_event():
    found = only(event(reports=(EventReport(uid(6), "Report", "# Title", 1_700_000_000),)), "note")
    assert (found["id"], found["abstract"], found["content"]) == (f"note--{uid(6)}", "Report", "# Title")


# --- One value, one author, several markings ---------------------------------------------------------------


def test_a_value_told_under_two_labels_is_two_observables_and_no_contradiction():
    def told(*tags: str, number: int = 1) -> dict[str, object]:
        found = made(event(attribute("ip-dst", "203.0.113.7", to_ids=False, tags=tags, uuid=uid(number))))
        (one,) = [value for value in found.values() if value["type"] == "ipv4-addr"]
        return one

    unmarked = told()
    assert unmarked["id"] == observable_id({"type": "ipv4-addr", "value": "203.0.113.7"})
    assert "object_marking_refs" not in unmarked
    every = [told(f"tlp:{label}") for label in ("clear", "green", "amber", "amber+strict", "red")]
    assert len({one["id"] for one in (unmarked, *every)}) == 6
    assert {str(uuid.UUID(str(one["id"]).partition("--")[2]).version) for one in every} == {"4"}
    for one in every:
        label = str(tlp_of(one, default=None).value)
        assert told(f"tlp:{label}", number=2) == one  # the same value under the same label is the same object


@pytest.mark.parametrize(
    ("around", "each", "widest"),
    [
        ((), [("tlp:green",), ("tlp:red",)], Tlp.GREEN),
        (("tlp:amber",), [("tlp:clear",), ("tlp:red",)], Tlp.AMBER),  # nothing in it goes further
        ((), [("tlp:red",), ()], None),  # the other one goes as far as its receiver says
        ((), [("tlp:clear",), ()], Tlp.CLEAR),
        ((), [(), ()], None),
    ],
)
def test_who_may_have_a_part_of_an_event_may_know_whose_it_is(
    around: tuple[str, ...], each: list[tuple[str, ...]], widest: Tlp | None
):
    parts = [
        attribute("domain", f"evil{n}.example", tags=tags, uuid=uid(n)) for n, tags in enumerate(each, 1)
    ]
    found = made(event(*parts, tags=around))
    author = found[f"identity--{ORG.uuid}"]
    assert (tlp_of(author, default="amber") if "object_marking_refs" in author else None) is widest
    for value in found.values():
        if value["type"] == "indicator" and widest is not None:
            assert (
                tlp_of(value, default="clear" if widest is Tlp.CLEAR else "red").strictness
                >= widest.strictness
            )
