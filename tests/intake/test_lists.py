"""Plain lists in the habits of people: defanged, bulleted, commented, hosts files, filter lists, zones."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.intake.reader import findings, names, patterns, refusals, take, taken, the_refusal, written

from backchannel.intake.lines import MAX_LINE_BYTES, lines
from backchannel.intake.values import line_values

SHA256 = "c" * 64


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("evil.example", "[domain-name:value = 'evil.example']"),
        ("EVIL.example.", "[domain-name:value = 'evil.example']"),
        ("evil[.]example", "[domain-name:value = 'evil.example']"),
        ("evil(dot)example", "[domain-name:value = 'evil.example']"),
        ("*.evil.example", "[domain-name:value = 'evil.example']"),
        (".evil.example", "[domain-name:value = 'evil.example']"),
        ("m\u00fcnchen.example", "[domain-name:value = 'xn--mnchen-3ya.example']"),
        ("hxxp://evil[.]example/a", "[url:value = 'http://evil.example/a']"),
        ("hxxps[:]//evil[.]example/a?b=c", "[url:value = 'https://evil.example/a?b=c']"),
        ("192[.]0[.]2[.]5", "[ipv4-addr:value = '192.0.2.5']"),
        ("192.0.2.5:8080", "[ipv4-addr:value = '192.0.2.5']"),
        ("192.0.2.0/24", "[ipv4-addr:value ISSUBSET '192.0.2.0/24']"),
        ("192.0.2.5/32", "[ipv4-addr:value = '192.0.2.5']"),
        ("2001:db8::1", "[ipv6-addr:value = '2001:db8::1']"),
        ("[2001:db8::1]:443", "[ipv6-addr:value = '2001:db8::1']"),
        ("2001:db8::/32", "[ipv6-addr:value ISSUBSET '2001:db8::/32']"),
        ("user[@]evil[.]example", "[email-addr:value = 'user@evil.example']"),
        (SHA256.upper(), f"[file:hashes.'SHA-256' = '{SHA256}']"),
        (f"sha256: {SHA256}", f"[file:hashes.'SHA-256' = '{SHA256}']"),
        ("a" * 32, f"[file:hashes.MD5 = '{'a' * 32}']"),
        ("- evil.example", "[domain-name:value = 'evil.example']"),
        ("\u2022 evil.example,", "[domain-name:value = 'evil.example']"),
        ("12. evil.example", "[domain-name:value = 'evil.example']"),
        ('"evil.example",', "[domain-name:value = 'evil.example']"),
        ("`evil.example`", "[domain-name:value = 'evil.example']"),
        ("||evil.example^", "[domain-name:value = 'evil.example']"),
        ("||evil.example^$third-party", "[domain-name:value = 'evil.example']"),
        ("0.0.0.0 evil.example", "[domain-name:value = 'evil.example']"),
        ("127.0.0.1\tevil.example # ads", "[domain-name:value = 'evil.example']"),
        (":: evil.example", "[domain-name:value = 'evil.example']"),
        ("evil.example CNAME .", "[domain-name:value = 'evil.example']"),
        ("*.evil.example. 60 IN CNAME rpz-drop.", "[domain-name:value = 'evil.example']"),
        ("192.0.2.0/24 ; SBL1", "[ipv4-addr:value ISSUBSET '192.0.2.0/24']"),
        ("\ufeffevil.example", "[domain-name:value = 'evil.example']"),
    ],
)
def test_a_line_is_read_in_every_habit(tmp_path: Path, line: str, pattern: str):
    assert patterns(take(written(tmp_path, line + "\n"))) == [pattern]


def test_what_had_to_be_mended_is_told_and_what_had_not_is_not(tmp_path: Path):
    items = take(written(tmp_path, "evil[.]example\nbad.example\n*.worse.example\n192.0.2.5:80\n"))
    assert [[found.level for found in item.findings] for item in items] == [["note"], [], ["note"], ["note"]]
    told = [found.what for found in findings(items)]
    assert "refanged" in told[0]
    assert "wildcard" in told[1]
    assert "port 80" in told[2]


@pytest.mark.parametrize(
    "line",
    [
        "setup.exe",
        "foo",
        "C:\\x\\y.exe",
        "12/2026",
        "and/or",
        "1.2.3",
        "a b c",
        "999.1.1.1",
        "-",
        "b" * 39,
    ],
)
def test_what_is_plainly_nothing_of_these_is_refused_and_costs_only_itself(tmp_path: Path, line: str):
    items = take(written(tmp_path, f"evil.example\n{line}\nbad.example\nworse.example\n"))
    assert names(items) == ["evil.example", "bad.example", "worse.example"]
    (found,) = refusals(items)
    assert found.where.endswith(":2")
    assert "mend the line or leave it out" in found.what


def test_comments_blank_lines_and_a_header_are_passed_over(tmp_path: Path):
    text = "domain\n\n# one\n; two\n// three\n! four\nevil.example # the worst\n   \nbad.example ; SBL2\n"
    one, two = taken(take(written(tmp_path, text)))
    assert (one.raw.value["name"], one.raw.value["description"]) == ("evil.example", "the worst")
    assert (two.raw.value["name"], two.raw.value["description"]) == ("bad.example", "SBL2")
    assert (one.place[-2:], two.place[-2:]) == (":7", ":9")


def test_a_hosts_file_names_several_hosts_a_line_and_this_machine(tmp_path: Path):
    text = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n255.255.255.255 broadcasthost\n0.0.0.0 0.0.0.0\n0.0.0.0 evil.example bad.example # c2\n"
    items = take(written(tmp_path, text))
    assert names(items) == ["evil.example", "bad.example"]
    assert refusals(items) == []


ZONE = """\
$TTL 60
@ IN SOA localhost. root.localhost. (
    2026010101 ; serial
    3600       ; refresh
    600
    86400
    60 )
  IN NS localhost.
; the list
evil.example CNAME .
*.evil.example CNAME .
good.example CNAME rpz-passthru.
32.5.2.0.192.rpz-ip CNAME .
bad.example 60 IN CNAME *.
"""


def test_a_response_policy_zone_gives_its_names_and_what_it_lets_through_is_none(tmp_path: Path):
    items = take(written(tmp_path, ZONE))
    assert names(items) == ["evil.example", "evil.example", "bad.example"]
    exception, address = refusals(items)
    assert exception.where.endswith(":12")
    assert "let through" in exception.what
    assert address.where.endswith(":13")


def test_a_filter_list_begins_like_json_and_is_none(tmp_path: Path):
    items = take(
        written(
            tmp_path,
            "[Adblock Plus 2.0]\n! Title: x\n||evil.example^\n@@||good.example^\n||bad.example^$doc\n",
        )
    )
    assert names(items) == ["evil.example", "bad.example"]
    (found,) = refusals(items)
    assert "let through" in found.what


def test_a_list_of_addresses_in_brackets_begins_like_json_and_is_none(tmp_path: Path):
    items = take(written(tmp_path, "[2001:db8::1]:443\n[2001:db8::2]:443\n"))
    assert names(items) == ["2001:db8::1", "2001:db8::2"]


def test_headings_between_bullets_make_no_yaml_of_a_list(tmp_path: Path):
    items = take(
        written(
            tmp_path, "Domains:\n- evil[.]example\n- bad[.]example\n\nAddresses:\n- 192.0.2.5\n- 192.0.2.6\n"
        )
    )
    assert len(taken(items)) == 4
    assert [found.where[-2:] for found in refusals(items)] == [":5"]  # the first line passes for a header


@pytest.mark.parametrize("name", ["localhost", "printer.local", "router.lan", "5.2.0.192.in-addr.arpa"])
def test_a_name_of_every_network_waits_for_a_person(tmp_path: Path, name: str):
    (item,) = take(written(tmp_path, f"{name}\n"))
    assert [found.level for found in item.findings] in (["quarantine"], ["refuse"])


# --- What is no list --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("# one\n# two\n", "nothing in it but comments"),
        ("evil.example\rbad.example\r", "old Macintoshes"),
        ('alert http any any -> any any (msg:"x"; content:"evil.example"; sid:1;)\n', "rules of Suricata"),
        ("rule x {\n strings: $a = \"evil.example\"\n}\n", "YARA"),
        ("---\na: b\n", "YAML"),
        ("- name: x\n  type: y\n  sites:\n  - evil.example\n  - bad.example\n", "YAML"),
        ("#separator \\x09\n#fields\tts\tid.orig_h\n1\t192.0.2.1\n", "Zeek log"),
        (f"{'a' * 32},8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\n{'b' * 32},8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\n", "MISP feed"),
        ("<!DOCTYPE html><html><body>evil.example</body></html>", "web page"),
        ('<?xml version="1.0"?>\n<stix:STIX_Package xmlns:stix="x"/>\n', "STIX 1 in XML"),
        ('<?xml version="1.0"?>\n<rss/>\n', "XML"),
        ('<{"type": "tool"}', "broken JSON"),
        ("<<<<<<< HEAD\n", "begins like XML"),
        ("Dear all,\nplease find the list at the usual place.\nBest\n", "no line is an address"),
        ("", "empty"),
        (" \n\t\n", "empty"),
        ("\x0b\n\u00a0", "empty"),
    ],
)  # fmt: skip
def test_text_of_another_form_is_refused_by_its_name_with_a_mend(tmp_path: Path, text: str, what: str):
    found = the_refusal(take(written(tmp_path, text)))
    assert what in found.what
    assert ": " in found.what


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"\x7fELF\x02\x01\x01", "program"),
        (b"MZ\x90\0\x03", "program"),
        (b"SQLite format 3\0", "SQLite"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"(\xb5/\xfd\x04", "zstd"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"\xd4\xc3\xb2\xa1\x02\0", "packet capture"),
        (b"age-encryption.org/v1\n", "encrypted"),
        (b"-----BEGIN PGP MESSAGE-----\n", "PGP"),
        (b"\xff\xfe{\0}\0", "UTF-16"),
        (b"\xfe\xff\0{\0}", "UTF-16"),
        (b"{\0\"\0t\0y\0p\0e\0\"\0:\0", "UTF-16"),
        (b"\0{\0\"\0t\0y\0p\0e\0\"", "UTF-16"),
        (b'{"type": "tool"\0}', "NUL"),
        (b"evil.example\n\0\nbad.example\n", "NUL"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["x.json", "x.csv"])
def test_a_binary_is_named_whatever_its_name_says(tmp_path: Path, head: bytes, what: str, name: str):
    found = the_refusal(take(written(tmp_path, head, name)))
    assert what in found.what


# --- Hostile lines ----------------------------------------------------------------------------------------


def test_a_line_that_is_too_long_costs_only_itself(tmp_path: Path):
    items = take(written(tmp_path, "evil.example\n" + "a" * (MAX_LINE_BYTES * 5) + "\nbad.example\n"))
    assert names(items) == ["evil.example", "bad.example"]
    (found,) = refusals(items)
    assert found.where.endswith(":2")
    assert "64 KiB" in found.what


@pytest.mark.parametrize("odd", [b"bad\0.example", b"caf\xe9.example", b"\xff\xfe", b"\xed\xa0\x80.example"])
def test_an_odd_line_far_into_a_list_costs_only_itself(tmp_path: Path, odd: bytes):
    items = take(written(tmp_path, b"evil.example\n" * 6000 + odd + b"\nbad.example\n"))
    assert len(taken(items)) == 6001
    (found,) = refusals(items)
    assert found.where.endswith(":6001")
    assert found.what.isprintable()


@given(
    st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=8),
    st.integers(1, 40),
)
def test_lines_are_those_of_the_stream_cut_where_they_are_too_long(raw: list[bytes], most: int):
    found = list(lines(io.BytesIO(b"\n".join(raw) + b"\n"), max_bytes=most))
    assert [line.number for line in found] == list(range(1, max(len(raw), 1) + 1))
    for line, whole in zip(found, raw, strict=False):
        expected = whole.removeprefix(b"\xef\xbb\xbf") if line.number == 1 else whole
        data = line.data.rstrip(b"\n")
        assert expected.startswith(data)
        assert line.is_cut or data == expected


@given(st.text(max_size=80))
def test_no_line_raises(text: str):
    for value in line_values(text):
        assert value.text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                b"evil.example",
                b"{",
                b"[",
                b'"',
                b",",
                b"\n",
                b"#",
                b"\0",
                b"\xe9",
                b"<",
                b"value",
                b":",
                b"- a",
            ]
        )
    ).map(b"".join)
)
def test_no_file_raises_and_every_finding_leads_to_it(tmp_path: Path, data: bytes):
    path = written(tmp_path, data)
    for item in take(path):
        for found in item.findings:
            assert found.where.startswith(str(path))
            assert found.what.isprintable()
