"""Every object in one plain sentence that claims no more than the object says."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.stix.describe import MAX_SENTENCE, SENTENCES, describe, short_name

NAMES = {
    "identity--11111111-1111-4111-8111-111111111111": "CERT Beta",
    "malware--22222222-2222-4222-8222-222222222222": "Emotet",
    "ipv4-addr--33333333-3333-5333-8333-333333333333": "203.0.113.7",
    "email-addr--44444444-4444-5444-8444-444444444444": "bob@evil.example",
    "indicator--55555555-5555-4555-8555-555555555555": "Emotet C2",
}
BETA, EMOTET, ADDRESS, BOB, INDICATOR = NAMES
UNKNOWN = "threat-actor--66666666-6666-4666-8666-666666666666"

TYPES = {
    "attack-pattern", "campaign", "course-of-action", "grouping", "identity", "incident", "indicator",
    "infrastructure", "intrusion-set", "location", "malware", "malware-analysis", "note", "observed-data",
    "opinion", "report", "threat-actor", "tool", "vulnerability", "relationship", "sighting", "artifact",
    "autonomous-system", "directory", "domain-name", "email-addr", "email-message", "file", "ipv4-addr",
    "ipv6-addr", "mac-addr", "mutex", "network-traffic", "process", "software", "url", "user-account",
    "windows-registry-key", "x509-certificate", "marking-definition", "language-content",
    "extension-definition", "bundle",
}  # fmt: skip


def says(stix_type: str, **properties: object) -> str:
    return describe(
        {"type": stix_type, **properties}, name_of=lambda reference: NAMES.get(reference, reference)
    )


def phase(*names: str) -> list[JsonObject]:
    return [{"kill_chain_name": "lockheed-martin-cyber-kill-chain", "phase_name": name} for name in names]


def indicator(pattern: str, **properties: object) -> str:
    return says("indicator", spec_version="2.1", pattern_type="stix", pattern=pattern, **properties)


def test_there_is_a_sentence_for_every_type_of_the_standard():
    assert set(SENTENCES) == TYPES


@pytest.mark.parametrize(
    ("stix_type", "properties", "sentence"),
    [
        (
            "attack-pattern",
            {"name": "Phishing", "external_references": [{"source_name": "mitre-attack", "external_id": "T1566"}], "kill_chain_phases": phase("initial-access")},
            "A way to attack: 'Phishing' (T1566), used for initial access.",
        ),
        ("campaign", {"name": "Op", "aliases": ["Op", "Other"], "first_seen": "2026-01-02T00:00:00Z", "last_seen": "2026-02-03T00:00:00Z"}, "A campaign called 'Op', also called Other, seen between 2026-01-02 and 2026-02-03."),
        ("course-of-action", {"name": "Block it"}, "A course of action: 'Block it'."),
        ("grouping", {"context": "suspicious-activity", "object_refs": [EMOTET, INDICATOR], "created_by_ref": BETA}, "A grouping of 2 objects by its author CERT Beta (suspicious activity)."),
        ("identity", {"name": "CERT Beta", "identity_class": "organization", "sectors": ["financial-services"]}, "An organisation called 'CERT Beta' (financial services)."),
        ("incident", {"name": "Break-in"}, "An incident reported by its author: 'Break-in'."),
        ("infrastructure", {"name": "Panel", "infrastructure_types": ["command-and-control"]}, "Infrastructure called 'Panel' (command and control), says its author."),
        ("intrusion-set", {"name": "APT1"}, "An intrusion set, activity taken to be one actor's: 'APT1'."),
        ("location", {"country": "DE", "city": "Bonn"}, "A place: Bonn, DE."),
        ("location", {"latitude": 50.7, "longitude": 7.1}, "A place: 50.7, 7.1."),
        ("malware", {"name": "Emotet", "is_family": True, "malware_types": ["trojan"]}, "A malware family called 'Emotet' (trojan), says its author."),
        ("malware-analysis", {"product": "clamav", "result": "malicious", "sample_ref": EMOTET}, "An analysis of Emotet by 'clamav': malicious."),
        ("note", {"content": "Seen it too", "object_refs": [EMOTET]}, "A note on Emotet by its author: 'Seen it too'."),
        ("observed-data", {"number_observed": 3, "first_observed": "2026-01-02T00:00:00Z", "last_observed": "2026-01-02T01:00:00Z", "object_refs": [ADDRESS]}, "Seen 3 times on 2026-01-02: 203.0.113.7, says its author."),
        ("opinion", {"opinion": "strongly-disagree", "explanation": "It is ours", "object_refs": [INDICATOR]}, "An opinion on Emotet C2: strongly disagree, says its author: 'It is ours'."),
        ("report", {"name": "R", "published": "2026-01-02T00:00:00Z", "object_refs": [EMOTET]}, "A report on 1 object by its author, published on 2026-01-02: 'R'."),
        ("threat-actor", {"name": "X", "threat_actor_types": ["crime-syndicate"]}, "A threat actor called 'X' (crime syndicate)."),
        ("tool", {"name": "PsExec"}, "A tool that attackers can use: 'PsExec'."),
        ("vulnerability", {"name": "Log4Shell", "external_references": [{"source_name": "cve", "external_id": "CVE-2021-44228"}]}, "A vulnerability: 'Log4Shell' (CVE-2021-44228)."),
        ("relationship", {"relationship_type": "uses", "source_ref": BETA, "target_ref": EMOTET}, "CERT Beta uses Emotet."),
        ("relationship", {"relationship_type": "attributed-to", "source_ref": UNKNOWN, "target_ref": BETA}, "A threat actor that is not here is attributed to CERT Beta."),
        ("relationship", {"relationship_type": "x-likes", "source_ref": BETA, "target_ref": EMOTET}, "CERT Beta is related to Emotet as 'x likes'."),
        ("sighting", {"sighting_of_ref": INDICATOR, "count": 2, "first_seen": "2026-01-02T00:00:00Z", "last_seen": "2026-01-03T00:00:00Z", "where_sighted_refs": [BETA]}, "Emotet C2 was seen 2 times between 2026-01-02 and 2026-01-03 at CERT Beta, says its author."),
        ("sighting", {"sighting_of_ref": INDICATOR, "count": 0}, "Emotet C2 was looked for and not seen, says its author."),
        ("artifact", {"mime_type": "application/zip", "hashes": {"MD5": "0" * 32}}, f"The content of a file (application/zip) with MD5 {'0' * 32}."),
        ("autonomous-system", {"number": 64500, "name": "Example"}, "The autonomous system AS64500 ('Example')."),
        ("directory", {"path": "/srv"}, "The folder '/srv'."),
        ("domain-name", {"value": "evil.example"}, "The domain name evil.example."),
        ("email-addr", {"value": "bob@evil.example", "display_name": "Bob"}, "The e-mail address bob@evil.example ('Bob')."),
        ("email-message", {"from_ref": BOB, "to_refs": [BOB, BOB, BOB, BOB], "subject": "Hi"}, "An e-mail from bob@evil.example to bob@evil.example, bob@evil.example and 2 more, subject 'Hi'."),
        ("file", {"name": "a.exe", "size": 1234}, "The file 'a.exe' (1,234 bytes)."),
        ("file", {"hashes": {"MD5": "0" * 32, "SHA-256": "1" * 64}}, f"A file with SHA-256 {'1' * 64}."),
        ("ipv4-addr", {"value": "203.0.113.7"}, "The IPv4 address 203.0.113.7."),
        ("ipv6-addr", {"value": "2001:db8::/32"}, "The IPv6 network 2001:db8::/32."),
        ("mac-addr", {"value": "d2:fb:49:24:37:18"}, "The MAC address d2:fb:49:24:37:18."),
        ("mutex", {"name": "M"}, "The mutex 'M'."),
        ("network-traffic", {"dst_ref": ADDRESS, "dst_port": 443, "src_port": 5, "protocols": ["tcp", "https"]}, "Network traffic from port 5 to 203.0.113.7 port 443 (tcp and https)."),
        ("process", {"command_line": "cmd /c x", "pid": 7}, "A process running 'cmd /c x' (process number 7)."),
        ("software", {"name": "Word", "version": "2002", "vendor": "Example"}, "The software 'Word', version 2002, by Example."),
        ("url", {"value": "http://evil.example/"}, "The URL http://evil.example/."),
        ("user-account", {"account_login": "bob", "account_type": "windows-local"}, "The user account 'bob' (windows local)."),
        ("windows-registry-key", {"key": "HKLM\\X", "values": [{}]}, "The Windows registry key 'HKLM\\X', with 1 value."),
        ("x509-certificate", {"subject": "CN=evil", "issuer": "CN=ca", "serial_number": "1"}, "A certificate for 'CN=evil', issued by 'CN=ca' (serial number 1)."),
        ("marking-definition", {"definition_type": "tlp", "definition": {"tlp": "amber"}}, "The marking TLP:AMBER."),
        ("marking-definition", {"definition": {"statement": "Copyright"}}, "A marking that states: 'Copyright'."),
        ("language-content", {"object_ref": EMOTET, "contents": {"de": {}, "fr": {}}}, "A translation of Emotet into de and fr."),
        ("extension-definition", {"name": "Ours", "created_by_ref": BETA}, "A definition of properties beyond STIX by its author CERT Beta: 'Ours'."),
        ("bundle", {"objects": [{}, {}]}, "A bundle of 2 objects."),
        ("x-foo", {}, "An object of the type x-foo, which this version does not know."),
        ("x-foo", {"name": "N", "revoked": True}, "An object of the type x-foo, which this version does not know: 'N'."),
    ],
)  # fmt: skip
def test_an_object_is_said_in_one_sentence(stix_type: str, properties: JsonObject, sentence: str):
    assert says(stix_type, **properties) == sentence


@pytest.mark.parametrize(
    ("pattern", "properties", "sentence"),
    [
        (
            "[ipv4-addr:value = '203.0.113.7']",
            {"name": "Emotet C2", "indicator_types": ["malicious-activity"], "kill_chain_phases": phase("command-and-control")},
            "Traffic to 203.0.113.7 is malicious activity (command and control), says its author: 'Emotet C2'.",
        ),
        ("[ipv4-addr:value = '203.0.113.7']", {"created_by_ref": BETA}, "Traffic with 203.0.113.7 is something to look for, says its author CERT Beta."),
        ("[network-traffic:src_ref.value = '203.0.113.7']", {"indicator_types": ["anomalous-activity"]}, "Traffic from 203.0.113.7 is unusual, says its author."),
        ("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", {"indicator_types": ["benign"]}, "Traffic with the network 203.0.113.0/24 is benign, says its author."),
        ("[domain-name:value = 'evil.example']", {"name": "evil.example", "indicator_types": ["attribution"]}, "The name evil.example points to a known actor, says its author."),
        ("[domain-name:value LIKE '%.evil.example']", {}, "A name that ends in .evil.example is something to look for, says its author."),
        ("[url:value LIKE 'http://evil.example/%']", {"indicator_types": ["compromised"]}, "A URL that begins with http://evil.example/ is a sign of a compromised system, says its author."),
        (f"[file:hashes.MD5 = '{'0' * 32}']", {"indicator_types": ["malicious-activity"]}, f"A file with the MD5 {'0' * 32} is a sign of malicious activity, says its author."),
        ("[email-message:from_ref.value = 'bob@evil.example']", {}, "Mail from bob@evil.example is something to look for, says its author."),
        ("[domain-name:value IN ('a.example', 'b.example', 'c.example', 'd.example')]", {"indicator_types": ["x-ours"]}, "Any of 4 values (a.example, b.example and 2 more) is a sign of 'x ours', says its author."),
        ("[file:mime_type = 'x']", {}, "What its pattern describes (file:mime_type) is something to look for, says its author."),
        ("[file:mime_type = 'x' OR domain-name:value = 'a.example']", {}, "The name a.example, or what else its pattern says, is something to look for, says its author."),
        ("broken", {"name": "N"}, "An indicator whose pattern cannot be read: 'N'."),
        ("[domain-name:value = 'a.example']", {"revoked": True}, "The name a.example is something to look for, says its author. It has been revoked."),
    ],
)  # fmt: skip
def test_an_indicator_says_what_is_looked_for_and_who_says_so(
    pattern: str, properties: JsonObject, sentence: str
):
    assert indicator(pattern, **properties) == sentence


def test_a_rule_in_another_language_says_so():
    said = says(
        "indicator",
        pattern_type="sigma",
        pattern="title: x",
        name="Rule",
        indicator_types=["malicious-activity"],
    )
    assert said == (
        "A sigma rule, not a STIX pattern, so it is not searched; "
        "what it finds is a sign of malicious activity, says its author: 'Rule'."
    )


def test_text_from_outside_cannot_move_the_cursor_or_turn_words_round():
    said = says("malware", name="a\x1b[2Jb\u202ecod.exe\nsays its author.")
    assert said.isprintable()
    assert "\\x1b" in said
    assert "\\u{202e}" in said


def test_a_nameless_object_is_called_by_its_value():
    assert short_name({"type": "domain-name", "value": "evil.example"}) == "evil.example"
    assert (
        short_name(
            {"type": "indicator", "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix"}
        )
        == "evil.example"
    )
    assert short_name({"type": "x-foo"}) == ""


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=400)
    | st.sampled_from([*NAMES, UNKNOWN]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
WORDS = """
name value path key subject content abstract hashes created_by_ref object_refs sighting_of_ref source_ref target_ref
relationship_type count number size pid src_port dst_port src_ref dst_ref first_seen last_seen published definition
contents objects values aliases indicator_types pattern pattern_type kill_chain_phases external_references latitude
longitude protocols opinion revoked from_ref to_refs where_sighted_refs image_ref sample_ref
"""
PROPERTIES = st.sampled_from(WORDS.split())


@settings(max_examples=400)
@given(st.sampled_from([*sorted(TYPES), "x-foo", ""]), st.dictionaries(PROPERTIES, JUNK, max_size=8))
def test_an_object_of_any_content_is_one_harmless_sentence(stix_type: str, properties: JsonObject):
    said = says(stix_type, **properties)
    assert 0 < len(said) <= MAX_SENTENCE
    assert said.isprintable()


def test_real_objects_are_said_without_a_gap(shared_data: Path):
    data = gzip.decompress((shared_data / "stix" / "attack" / "ics-attack-18.1.json.gz").read_bytes())
    found = codec.decode(data)["objects"]
    names = {item["id"]: short_name(item) or item["id"] for item in found}
    for item in found:
        said = describe(item, name_of=lambda reference: names.get(reference, reference))
        assert said.endswith(".")
        assert "  " not in said
        assert "''" not in said
        assert "None" not in said
