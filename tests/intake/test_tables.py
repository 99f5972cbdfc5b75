"""Tables: whatever the producer calls the columns, however it quotes, and whatever it writes beside the values."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.intake.reader import (
    NOW,
    findings,
    names,
    patterns,
    refusals,
    take,
    taken,
    the_refusal,
    written,
)

from backchannel.codec import JsonObject
from backchannel.intake.columns import MAX_COLUMNS, layout_of
from backchannel.intake.lines import MAX_LINE_BYTES
from backchannel.stix.validate import validate

SHA256 = "c" * 64


def values(folder: Path, text: str | bytes) -> list[JsonObject]:
    return [item.raw.value for item in taken(take(written(folder, text)))]


# --- Layouts of public feeds (own values in them) ---------------------------------------------------------

FEODO = """\
################################################################
# abuse.ch Feodo Tracker Botnet C2 IP Blocklist (CSV)          #
################################################################
#
"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"
"2026-01-02 03:04:05","192.0.2.7","443","online","2026-01-09","Emotet"
"2026-01-03 03:04:05","198.51.100.8","8080","offline","","QakBot"
# END 2 entries
""".replace("\n", "\r\n")


def test_feodo_tracker(tmp_path: Path):
    one, two = values(tmp_path, FEODO)
    assert one["pattern"] == "[ipv4-addr:value = '192.0.2.7']"
    assert (one["valid_from"], one["description"]) == ("2026-01-02T03:04:05.000Z", "Emotet")
    assert two["pattern"] == "[ipv4-addr:value = '198.51.100.8']"


def test_feodo_tracker_in_its_older_form_with_the_header_in_a_comment(tmp_path: Path):
    text = "# first_seen_utc,dst_ip,dst_port,c2_status,last_online,malware\r\n2026-01-02 03:04:05,192.0.2.7,443,online,2026-01-09,Emotet\r\n"
    (one,) = values(tmp_path, text)
    assert (one["pattern"], one["valid_from"]) == (
        "[ipv4-addr:value = '192.0.2.7']",
        "2026-01-02T03:04:05.000Z",
    )


def test_a_feed_that_is_empty_this_week_is_no_fault(tmp_path: Path):
    assert take(written(tmp_path, "".join(FEODO.splitlines(keepends=True)[:5]))) == []


def test_urlhaus(tmp_path: Path):
    text = (
        "# URLhaus Database Dump (CSV - recent URLs only)\r\n#\r\n"
        "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\r\n"
        '"1","2026-01-02 03:04:05","http://evil.example/a,b","online","None","malware_download","elf,mozi",'
        '"https://urlhaus.example/url/1/","anon"\r\n'
        '"2","2026-01-02 03:04:06","http://192.0.2.9:8080/x?q=""y""","offline","None","malware_download","None",'
        '"https://urlhaus.example/url/2/","anon"\r\n'
    )
    one, two = values(tmp_path, text)
    assert one["pattern"] == "[url:value = 'http://evil.example/a,b']"
    assert one["labels"] == ["elf", "mozi"]
    assert one["external_references"][0]["url"] == "https://urlhaus.example/url/1/"
    assert two["pattern"] == "[url:value = 'http://192.0.2.9:8080/x?q=%22y%22']"
    assert "labels" not in two


THREATFOX = (
    '# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","fk_malware","malware_alias",'
    '"malware_printable","last_seen_utc","confidence_level","is_compromised","reference","tags","anonymous","reporter"\r\n'
)


@pytest.mark.parametrize(
    ("value", "value_type", "pattern"),
    [
        ("evil.example", "domain", "[domain-name:value = 'evil.example']"),
        ("192.0.2.1:443", "ip:port", "[ipv4-addr:value = '192.0.2.1']"),
        ("[2001:db8::1]:443", "ip:port", "[ipv6-addr:value = '2001:db8::1']"),
        ("https://evil.example/x", "url", "[url:value = 'https://evil.example/x']"),
        ("a" * 32, "md5_hash", f"[file:hashes.MD5 = '{'a' * 32}']"),
        ("b" * 40, "sha1_hash", f"[file:hashes.'SHA-1' = '{'b' * 40}']"),
        (SHA256, "sha256_hash", f"[file:hashes.'SHA-256' = '{SHA256}']"),
    ],
)
def test_threatfox_with_a_blank_after_each_comma(tmp_path: Path, value: str, value_type: str, pattern: str):
    row = f'"2026-01-02 03:04:05", "7", "{value}", "{value_type}", "botnet_cc", "win.x", "None", "X", "", "75", "False", "https://ref.example/", "a,b", "0", "rep"\r\n'
    (one,) = values(tmp_path, THREATFOX + row)
    assert one["pattern"] == pattern
    assert (one["confidence"], one["labels"]) == (75, ["a", "b"])
    assert one["valid_from"] == "2026-01-02T03:04:05.000Z"


def test_threatfox_says_whose_host_was_broken_into(tmp_path: Path):
    row = '"2026-01-02 03:04:05", "7", "shop.example", "domain", "payload_delivery", "x", "None", "X", "", "75", "True", "", "", "0", "r"\r\n'
    (found,) = findings(take(written(tmp_path, THREATFOX + row)))
    assert found.level == "note"
    assert "victim" in found.what


def test_sslbl_names_certificates_and_no_files(tmp_path: Path):
    text = f"# Listingdate,SHA1,Listingreason\r\n2026-01-02 03:04:05,{'b' * 40},Quakbot C&C\r\n"
    (one,) = values(tmp_path, text)
    assert one["pattern"] == f"[x509-certificate:hashes.'SHA-1' = '{'b' * 40}']"


def test_phishtank_rows_that_nobody_verified_wait_for_a_person(tmp_path: Path):
    text = (
        "phish_id,url,phish_detail_url,submission_time,verified,verification_time,online,target\n"
        "1,http://evil.example/a,http://phish.example/1,2026-01-02T03:04:05+00:00,yes,2026-01-02T04:04:05+00:00,yes,Other\n"
        "2,http://bad.example/b,http://phish.example/2,2026-01-02T03:04:05+00:00,no,,yes,Other\n"
    )
    items = take(written(tmp_path, text))
    assert patterns(items) == [
        "[url:value = 'http://evil.example/a']",
        "[url:value = 'http://bad.example/b']",
    ]
    assert [[found.level for found in item.findings] for item in items] == [[], ["quarantine"]]


def test_dataplane_with_blanks_around_every_cell(tmp_path: Path):
    rows = "".join(
        f"6449{n}           |  EXAMPLE-AS{n}, US        |  192.0.2.4{n}      |  2026-01-02 03:04:05  |  sipquery\n"
        for n in range(4)
    )
    assert patterns(take(written(tmp_path, "# dataplane\n#\n" + rows))) == [
        f"[ipv4-addr:value = '192.0.2.4{n}']" for n in range(4)
    ]


def test_otx_kinds_of_indicators(tmp_path: Path):
    text = f"Indicator type,Indicator,Description\nIPv4,192.0.2.3,\nFileHash-SHA256,{SHA256},x\nCIDR,192.0.2.0/24,\nhostname,evil.example,\nemail,a@evil.example,\nMutex,Global\\x,\n"
    items = take(written(tmp_path, text))
    assert patterns(items) == [
        "[ipv4-addr:value = '192.0.2.3']",
        f"[file:hashes.'SHA-256' = '{SHA256}']",
        "[ipv4-addr:value ISSUBSET '192.0.2.0/24']",
        "[domain-name:value = 'evil.example']",
        "[email-addr:value = 'a@evil.example']",
    ]
    (found,) = refusals(items)
    assert "of the type mutex, which cannot be searched for yet" in found.what


def test_misp_with_two_values_in_a_cell_and_what_is_not_meant_for_detection(tmp_path: Path):
    text = (
        "uuid,event_id,category,type,value,comment,to_ids,date\n"
        f'"8e2e2d2b-17d4-4cbf-938f-98ee46b3cd31","7","Payload delivery","filename|sha256","x.exe|{SHA256}","",1,"20260102"\n'
        '"8e2e2d2b-17d4-4cbf-938f-98ee46b3cd32","7","Network activity","ip-dst|port","192.0.2.1|443","",1,""\n'
        '"8e2e2d2b-17d4-4cbf-938f-98ee46b3cd33","7","Network activity","domain|ip","evil.example|192.0.2.2","",1,""\n'
        '"8e2e2d2b-17d4-4cbf-938f-98ee46b3cd34","7","Network activity","domain","good.example","victim",0,""\n'
    )
    items = take(written(tmp_path, text))
    assert patterns(items) == [
        f"[file:hashes.'SHA-256' = '{SHA256}']",
        "[ipv4-addr:value = '192.0.2.1']",
        "[domain-name:value = 'evil.example']",
        "[ipv4-addr:value = '192.0.2.2']",
        "[domain-name:value = 'good.example']",
    ]
    (waiting,) = [item for item in items if any(found.level == "quarantine" for found in item.findings)]
    assert waiting is items[-1]
    assert "not meant for detection" in waiting.findings[0].what


# --- Columns ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["value", "IOC", "Indicator Value", "Associated URL", "domain_name", "C2 domain"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_column_is_known_by_its_name_with_any_delimiter(tmp_path: Path, header: str, delimiter: str):
    rows = [[header, "Comment"], ["evil.example", "first"], ["bad.example", "second"]]
    text = "\n".join(delimiter.join(row) for row in rows)
    found = values(tmp_path, text)
    assert [one["name"] for one in found] == ["evil.example", "bad.example"]
    assert [one["description"] for one in found] == ["first", "second"]


def test_a_table_without_header_is_read_by_what_its_cells_are(tmp_path: Path):
    text = "1,evil.example,x y\n2,bad.example,z\n3,not a name,z\n"
    items = take(written(tmp_path, text))
    assert names(items) == ["evil.example", "bad.example"]
    assert [found.where[-2:] for found in refusals(items)] == [":3"]


def test_hashes_of_one_row_are_of_one_file(tmp_path: Path):
    text = f"md5,sha1,sha256,file_name\n{'a' * 32},{'b' * 40},{SHA256},x.exe\n{'d' * 32},,-,y.exe\n"
    assert patterns(take(written(tmp_path, text))) == [
        f"[file:hashes.MD5 = '{'a' * 32}' OR file:hashes.'SHA-1' = '{'b' * 40}' OR file:hashes.'SHA-256' = '{SHA256}']",
        f"[file:hashes.MD5 = '{'d' * 32}']",
    ]


def test_a_cell_of_several_hashes_is_of_one_file_and_a_damaged_one_is_told(tmp_path: Path):
    text = f'value,note\n"{"a" * 32},{"b" * 40}",x\n"{"a" * 32},{"b" * 39}",y\nabc def,z\n'
    items = take(written(tmp_path, text))
    assert patterns(items)[1] == f"[file:hashes.MD5 = '{'a' * 32}']"
    assert [found.level for found in findings(items)] == ["note", "refuse"]
    assert "39 digits" in findings(items)[0].what


@pytest.mark.parametrize("cells", [1, MAX_COLUMNS + 1])
def test_what_is_no_table_is_no_table(cells: int):
    assert layout_of([",".join(["evil.example"] * cells)] * 3) is None


# --- Dates and what else a row says -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "read_as"),
    [
        ("2026-01-02", "2026-01-02T00:00:00.000Z"),
        ("2026-1-2 3:04", "2026-01-02T03:04:00.000Z"),
        ("2026-01-02 03:04:05 UTC", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
        ("1767323045", "2026-01-02T03:04:05.000Z"),
        ("1767323045000", "2026-01-02T03:04:05.000Z"),
    ],
)
def test_a_date_is_read_in_the_forms_that_feeds_write(tmp_path: Path, cell: str, read_as: str):
    (item,) = take(written(tmp_path, f"value,first_seen\nevil.example,{cell}\n"))
    assert item.findings == ()
    (one,) = taken([item])
    assert one.raw.value["valid_from"] == one.raw.value["created"] == read_as


@pytest.mark.parametrize(
    "cell",
    ["02/01/2026", "yesterday", "2026-02-30", "0001-01-01", "99999999999", "9999-12-31T23:00:00-05:00"],
)
def test_a_date_that_cannot_be_read_is_passed_over_and_told(tmp_path: Path, cell: str):
    (item,) = take(written(tmp_path, f"value,first_seen\nevil.example,{cell}\n"))
    assert [found.level for found in item.findings] == ["note"]
    assert "cannot be read, and is passed over" in item.findings[0].what
    assert taken([item])[0].raw.value["valid_from"] == "2026-03-01T12:00:00.000Z"


def test_an_end_before_the_beginning_is_passed_over_and_told(tmp_path: Path):
    text = "value,first_seen,valid_until\nevil.example,2026-01-02,2026-01-01\nbad.example,2026-01-02,2026-02-01\n"
    one, two = values(tmp_path, text)
    assert "valid_until" not in one
    assert two["valid_until"] == "2026-02-01T00:00:00.000Z"
    assert "not after its beginning" in findings(take(written(tmp_path, text)))[0].what


def test_of_several_dates_the_first_seen_counts(tmp_path: Path):
    (one,) = values(tmp_path, "value,last_seen,first_seen\nevil.example,2026-02-02,2026-01-02\n")
    assert one["valid_from"] == "2026-01-02T00:00:00.000Z"


# --- Quotes and lines -------------------------------------------------------------------------------------


def test_a_quoted_cell_may_go_over_several_lines(tmp_path: Path):
    text = 'value,description\nevil.example,"line one\nline, two\n"\nbad.example,x\n'
    items = take(written(tmp_path, text))
    assert names(items) == ["evil.example", "bad.example"]
    assert [item.place[-2:] for item in items] == [":2", ":5"]
    assert taken(items)[0].original == b'evil.example,"line one\nline, two\n"'


def test_a_table_whose_every_row_goes_over_several_lines_is_a_table(tmp_path: Path):
    rows = "".join(f'evil{n}.example,"one\ntwo\n\nthree, {n}"\n' for n in range(300))
    items = take(written(tmp_path, "value,description\n" + rows))
    assert names(items) == [f"evil{n}.example" for n in range(300)]


@pytest.mark.parametrize("rows", [3, 63, 64, 65, 150])
def test_a_quote_that_never_closes_costs_its_own_row_only(tmp_path: Path, rows: int):
    lines = [f'evil{n}.example,"d{n}"\n' if n != 1 else 'evil1.example,"d\n' for n in range(rows)]
    items = take(written(tmp_path, "value,description\n" + "".join(lines)))
    assert names(items) == [f"evil{n}.example" for n in range(rows) if n != 1]
    (found,) = refusals(items)
    assert found.where.endswith(":3")
    assert "never closes" in found.what


def test_two_stray_quotes_cost_two_rows_only(tmp_path: Path):
    lines = [f"evil{n}.example,{chr(34) if n in {2, 9} else ''}d\n" for n in range(20)]
    items = take(written(tmp_path, "value,description\n" + "".join(lines)))
    assert [found.where.rpartition(":")[2] for found in refusals(items)] in (["4", "11"], ["4"], ["11"])
    assert len(taken(items)) >= 12


def test_a_quotation_mark_inside_a_cell_is_no_quote(tmp_path: Path):
    text = 'value,description\nevil.example,a 5" disk\nbad.example,b\n'
    one, two = values(tmp_path, text)
    assert (one["description"], two["description"]) == ('a 5" disk', "b")


def test_a_quotation_mark_in_a_comment_costs_nothing(tmp_path: Path):
    text = 'value,description\nevil.example,a\n# the 5" ones\nbad.example,b\n'
    items = take(written(tmp_path, text))
    assert names(items) == ["evil.example", "bad.example"]
    assert refusals(items) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20),
        min_size=1,
        max_size=8,
    )
)
def test_whatever_a_quoted_cell_holds_the_values_beside_it_are_read(tmp_path: Path, texts: list[str]):
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerow(["value", "comment"])
    table.writerows([f"evil{n}.example", text] for n, text in enumerate(texts))
    items = take(written(tmp_path, out.getvalue()))
    assert names(items) == [f"evil{n}.example" for n in range(len(texts))]


def test_many_open_quotes_cost_no_more_than_their_lines(tmp_path: Path):
    good = "".join(f"evil{n}.example,x\n" for n in range(300))
    text = "value,description\n" + good + 'a,"b\n""\n' * 20_000 + "bad.example,y\n"
    items = take(written(tmp_path, text))
    assert len(taken(items)) == 301
    assert len(refusals(items)) >= 20_000


def test_a_row_that_is_too_long_costs_only_itself(tmp_path: Path):
    text = f"value,description\nevil.example,x\nlong.example,{'x' * (MAX_LINE_BYTES + 10)}\nbad.example,y\n"
    items = take(written(tmp_path, text))
    assert names(items) == ["evil.example", "bad.example"]
    assert "64 KiB" in refusals(items)[0].what


def test_a_row_that_is_not_utf8_far_into_a_file_costs_only_itself(tmp_path: Path):
    good = b"".join(b"e%d.example,x\n" % n for n in range(6000))
    items = take(written(tmp_path, b"value,description\n" + good + b"bad.example,caf\xe9\nworse.example,x\n"))
    assert len(taken(items)) == 6001
    (found,) = refusals(items)
    assert found.where.endswith(":6002")
    assert "save the file as UTF-8" in found.what


def test_a_table_in_latin_1_is_refused_with_the_command_that_mends_it(tmp_path: Path):
    found = the_refusal(take(written(tmp_path, b"value,description\nevil.example,caf\xe9\n")))
    assert "0xe9 in line 2" in found.what
    assert "iconv" in found.what


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path):
    assert names(take(written(tmp_path, b"\xef\xbb\xbfvalue,x\nevil.example,1\n"))) == ["evil.example"]


# --- What is made of a row --------------------------------------------------------------------------------


def test_the_same_row_gives_the_same_id_whenever_it_is_read_and_another_party_another(tmp_path: Path):
    path = written(tmp_path, "value,first_seen\nevil.example,2026-01-02\n")
    one = taken(take(path))[0].raw
    later = taken(take(path, now=NOW + timedelta(days=9)))[0].raw
    other = taken(take(path, party="CERT Gamma"))[0].raw
    assert one.body == later.body
    assert one.header.id != other.header.id


def test_what_is_made_of_rows_is_valid_stix(tmp_path: Path):
    row = '"2026-01-02 03:04:05", "1", "evil\'s.example", "domain", "botnet_cc", "x", "None", "X", "", "75", "False", "https://r.example/", "a,b", "0", "r"\r\n'
    for text in (FEODO, THREATFOX + row, f"value\n{SHA256},a\n", "url,x\nhttp://evil.example/it's\\x,1\n"):
        for item in taken(take(written(tmp_path, text))):
            raw = item.raw
            assert validate(raw.value, spec_version="2.1", place="x", body=raw.body) == ()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("10.0.0.0/8", "private use"),
        ("192.168.1.1", "private use"),
        ("0.0.0.0/0", "so wide"),
        ("127.0.0.1", "this machine itself"),
        ("224.0.0.0/8", "multicast"),
        ("::/0", "so wide"),
        ("fe80::1", "link-local"),
        ("co.uk", "public suffix"),
    ],
)
def test_a_value_that_would_hit_everything_waits_for_a_person(tmp_path: Path, value: str, why: str):
    items = take(
        written(tmp_path, f"value,type\n{value},{'domain' if value == 'co.uk' else 'x'}\nevil.example,y\n")
    )
    (found,) = findings(items)
    assert found.level == "quarantine"
    assert why in found.what
