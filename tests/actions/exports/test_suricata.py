from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.actions.exports import capture
from tests.actions.made import GREEN, NOW, entry

from backchannel.actions.exports import suricata
from backchannel.actions.exports.entry import Export, ExportEntry
from backchannel.observables.kinds import Kind
from backchannel.stix.markings import Pap

FILES = {
    "backchannel.rules",
    "backchannel-names.list",
    "backchannel-v4.list",
    "backchannel-v6.list",
    "backchannel-md5.list",
    "backchannel-sha1.list",
    "backchannel-sha256.list",
}
PAYLOAD = b"MZ this is no program" * 20


def export(entries: Iterable[ExportEntry]) -> Export:
    drafts = suricata.draft(entries, at=NOW)
    numbers = {
        rule.key: suricata.RuleNumber(suricata.FIRST_SID + n, 1) for n, rule in enumerate(drafts.rules)
    }
    return suricata.write(drafts, numbers=numbers)


def rules(made: Export) -> list[str]:
    lines = made.files["backchannel.rules"].decode("ascii").splitlines()
    return [line for line in lines if not line.startswith("#")]


@dataclass
class Sensor:
    """A real Suricata over one folder of rules."""

    folder: Path

    def install(self, made: Export) -> None:
        for name, data in made.files.items():
            (self.folder / name).write_bytes(data)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        config = self.folder / "suricata.yaml"
        config.write_text(CONFIG, "utf-8")
        return subprocess.run(
            [
                "suricata",
                "-c",
                config,
                "-S",
                self.folder / "backchannel.rules",
                "-l",
                self.folder,
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def check(self) -> str:
        """What `suricata -T` complains about; "" if nothing."""
        done = self._run("-T", "--init-errors-fatal")
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("E:", "W:"))]
        return "\n".join(said) if said or done.returncode == 0 else f"exit {done.returncode}"

    def alerts(self, frames: Sequence[bytes]) -> list[dict[str, object]]:
        """The alerts over `frames`, in order."""
        capture.write_pcap(self.folder / "made.pcap", frames)
        (self.folder / "eve.json").unlink(missing_ok=True)
        done = self._run("-r", str(self.folder / "made.pcap"), "-k", "none")
        assert done.returncode == 0, done.stdout + done.stderr
        lines = (self.folder / "eve.json").read_text("utf-8").splitlines()
        return [event for event in map(json.loads, lines) if event["event_type"] == "alert"]

    def client_ports(self, frames: Sequence[bytes]) -> list[int]:
        """The clients' ports of the alerts, in order of the ports: threads end in any order."""
        return sorted(int(str(event["src_port"])) for event in self.alerts(frames))


CONFIG = """\
%YAML 1.1
---
vars:
  address-groups:
    HOME_NET: "[10.0.0.0/8]"
    EXTERNAL_NET: "!$HOME_NET"
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      types: [alert: {metadata: yes}, files: {force-hash: [md5, sha1, sha256]}]
app-layer:
  protocols:
    dns: {udp: {enabled: yes, detection-ports: {dp: 53}}, tcp: {enabled: yes, detection-ports: {dp: 53}}}
    http: {enabled: yes}
    tls: {enabled: yes, detection-ports: {dp: 443}}
    smtp: {enabled: yes}
    ftp: {enabled: yes}
    smb: {enabled: yes, detection-ports: {dp: 445}}
    nfs: {enabled: yes}
stream: {checksum-validation: no}
"""


@pytest.fixture
def sensor(tmp_path: Path) -> Sensor:
    return Sensor(tmp_path)


def whose(alerts: Iterable[dict[str, object]]) -> set[str]:
    found = set()
    for event in alerts:
        metadata = event["alert"]["metadata"]  # type: ignore[index]
        found |= set(metadata["bc_id"])
    return found


ALL_KINDS = [
    entry("evil.example", number=1),
    entry("under.example", number=2, scope="subdomain"),
    entry("203.0.113.7", Kind.ADDRESS, number=3),
    entry("2001:db8::1", Kind.ADDRESS, number=3),
    entry("203.0.113.128/25", Kind.ADDRESS, number=4),
    entry('http://evil.example:8080/a b;"x\\?q=1', Kind.URL, number=5),
    entry("https://pre.example/dir", Kind.URL, number=6, scope="url prefix"),
    entry(hashlib.md5(PAYLOAD).hexdigest(), Kind.HASH, number=7),
    entry(hashlib.sha1(b"a").hexdigest(), Kind.HASH, number=8),
    entry(hashlib.sha256(PAYLOAD).hexdigest(), Kind.HASH, number=9),
]


@pytest.mark.tool("suricata")
def test_suricata_takes_every_kind_of_rule_without_a_word(sensor: Sensor):
    made = export(ALL_KINDS)
    sensor.install(made)
    assert sensor.check() == ""
    assert made.skipped == ()
    assert {line.indicator[-2:] for line in made.manifest} == {f"{n:02}" for n in range(1, 10)}


@pytest.mark.tool("suricata")
def test_an_empty_export_is_valid_for_suricata_and_replaces_every_file(sensor: Sensor):
    made = export([])
    assert set(made.files) == FILES
    assert rules(made) == []
    assert {data for name, data in made.files.items() if name.endswith(".list")} == {b""}
    sensor.install(made)
    assert sensor.check().splitlines() in (
        [],
        ["W: detect: 1 rule files specified, but no rules were loaded!"],
    )


@pytest.mark.tool("suricata")
def test_a_name_is_found_with_what_is_below_it_in_any_case_and_a_look_alike_is_not(sensor: Sensor):
    sensor.install(export([entry("evil.example", number=1)]))
    hit = ["evil.example", "a.evil.example", "EVIL.eXample"]
    miss = ["notevil.example", "evil.example.com", "vil.example", "example"]
    frames: list[bytes] = []
    for number, name in enumerate([*hit, *miss]):
        frames += capture.dns_question(name, port=20000 + number)
        frames += capture.tls_hello(name, port=21000 + number)
        frames += capture.http_get(name, "/", port=22000 + number)
    assert sensor.client_ports(frames) == [20000, 20001, 20002, 21000, 21001, 21002, 22000, 22001, 22002]


@pytest.mark.tool("suricata")
def test_names_below_only_means_below_only(sensor: Sensor):
    sensor.install(export([entry("under.example", number=2, scope="subdomain")]))
    frames: list[bytes] = []
    for number, name in enumerate(
        ["under.example", "a.under.example", "x.y.UNDER.example", "xunder.example"]
    ):
        frames += capture.dns_question(name, port=20000 + number)
    assert sensor.client_ports(frames) == [20001, 20002]


@pytest.mark.tool("suricata")
def test_above_five_hundred_names_a_dataset_finds_whole_names(sensor: Sensor):
    names = [entry(f"n{number}.evil.example", number=number) for number in range(501)]
    made = export(names)
    assert len(rules(made)) == 3
    assert len(made.files["backchannel-names.list"].splitlines()) == 501
    assert "dataset" in made.notes[0]
    sensor.install(made)
    assert sensor.check() == ""
    frames = capture.dns_question("N7.evil.example", port=20000)
    frames += capture.dns_question("x.n7.evil.example", port=20001)
    frames += capture.tls_hello("n8.Evil.example", port=20002)
    frames += capture.http_get("n9.evil.example", "/", port=20003)
    assert sensor.client_ports(frames) == [20000, 20002, 20003]


@pytest.mark.tool("suricata")
def test_addresses_and_networks_are_found_on_either_side(sensor: Sensor):
    entries = [
        entry("203.0.113.7", Kind.ADDRESS, number=3),
        entry("198.51.100.64/26", Kind.ADDRESS, number=4),
    ]
    sensor.install(export(entries))
    talk = [(True, b"hello"), (False, b"hello")]
    frames = capture.conversation(talk, port=20000, server_port=4444, server="203.0.113.7")
    frames += capture.conversation(talk, port=20001, server_port=22, server="10.0.0.9", client="203.0.113.7")
    frames += capture.conversation(talk, port=20002, server_port=22, server="198.51.100.80")
    frames += capture.conversation(talk, port=20003, server_port=22, server="203.0.113.8")
    frames += capture.conversation(talk, port=20004, server_port=22, server="198.51.100.63")
    alerts = sensor.alerts(frames)
    assert whose(alerts) == {entries[0].indicator, entries[1].indicator}
    seen = {event["src_port"] for event in alerts} | {event["dest_port"] for event in alerts}
    assert {20000, 20001, 20002} <= seen
    assert not {20003, 20004} & seen


@pytest.mark.tool("suricata")
def test_addresses_of_above_five_hundred_indicators_are_found_once_for_each_flow(sensor: Sensor):
    entries = [
        entry(f"203.0.{100 + number // 200}.{number % 200}", Kind.ADDRESS, number=number)
        for number in range(501)
    ]
    entries += [entry(f"2001:db8::{number:x}", Kind.ADDRESS, number=number) for number in range(1, 4)]
    entries += [entry("198.51.100.64/26", Kind.ADDRESS, number=900)]
    made = export(entries)
    assert len(rules(made)) == 5
    sensor.install(made)
    assert sensor.check() == ""
    talk = [(True, b"hello"), (False, b"hello"), (True, b"again")]
    frames = capture.conversation(talk, port=20000, server_port=4444, server="203.0.101.7")
    frames += capture.conversation(talk, port=20001, server_port=25, server="10.0.0.9", client="203.0.102.7")
    frames += capture.conversation(talk, port=20002, server_port=22, server="198.51.100.80")
    frames += capture.conversation(talk, port=20003, server_port=22, server="203.0.99.7")
    ports = [int(str(event["src_port"])) for event in sensor.alerts(frames)]
    found = [{25: 20001, 4444: 20000}.get(port, port) for port in ports]
    assert found.count(20000) == 1
    assert found.count(20001) == 1
    assert 20002 in found
    assert 20003 not in found


@pytest.mark.tool("suricata")
def test_a_url_is_found_whole_and_no_other_page_of_its_host_is(sensor: Sensor):
    entries = [
        entry("http://evil.example/drop.php?x=1;y", Kind.URL, number=1),
        entry("http://evil.example:8080/a%20b", Kind.URL, number=2),
        entry("http://pre.example/dir", Kind.URL, number=3, scope="url prefix"),
    ]
    sensor.install(export(entries))
    assert sensor.check() == ""
    frames = capture.http_get("evil.example", "/drop.php?x=1;y", port=20000)
    frames += capture.http_get("EVIL.example", "/drop.php?x=1;y", port=20001)
    frames += capture.http_get("evil.example:8080", "/a%20b", port=20002, server_port=8080)
    frames += capture.http_get("pre.example", "/dir/more", port=20003)
    for number, (host, path) in enumerate(
        [
            ("evil.example", "/drop.php?x=1"),
            ("evil.example", "/drop.php?x=1;yz"),
            ("evil.example", "/DROP.php?x=1;y"),
            ("notevil.example", "/drop.php?x=1;y"),
            ("evil.example", "/a%20b"),
            ("pre.example", "/di"),
        ]
    ):
        frames += capture.http_get(host, path, port=21000 + number)
    assert sensor.client_ports(frames) == [20000, 20001, 20002, 20003]


@pytest.mark.tool("suricata")
def test_a_file_is_found_by_each_of_its_digests(sensor: Sensor):
    entries = [
        entry(digest(PAYLOAD).hexdigest(), Kind.HASH, number=number)
        for number, digest in enumerate((hashlib.md5, hashlib.sha1, hashlib.sha256))
    ]
    made = export(entries)
    for name in ("md5", "sha1", "sha256"):
        line = made.files[f"backchannel-{name}.list"].decode()
        assert re.search(r"# indicator--\S+ until 2027-", line)
    assert "force-hash: [md5, sha1, sha256]" in made.notes[0]
    sensor.install(made)
    frames = capture.http_get("files.example", "/a.exe", port=20000, body=PAYLOAD)
    frames += capture.http_get("files.example", "/b.exe", port=20001, body=PAYLOAD + b"!")
    alerts = sensor.alerts(frames)
    assert sorted(event["alert"]["signature"] for event in alerts) == [  # type: ignore[index]
        "BC filemd5 http",
        "BC filesha1 http",
        "BC filesha256 http",
    ]
    assert {event["dest_port"] for event in alerts} == {20000}


@pytest.mark.tool("suricata")
def test_hostile_titles_and_values_load(sensor: Sensor):
    hostile = 'x"; sid:1; rev:2;) alert ip any any -> any any (msg:"\\ | $HOME_NET\n#\x00é\u202e'
    entries = [
        entry("evil.example", number=1, title=hostile, source=hostile),
        entry(f"http://evil.example/{hostile}", Kind.URL, number=2, title=hostile),
        entry(f'http://evil.example/?q=|41 42|;"{"%" * 3}', Kind.URL, number=3, title="'`$(id)`"),
    ]
    made = export(entries)
    sensor.install(made)
    assert sensor.check() == ""
    assert len(rules(made)) == 5


def test_rules_carry_the_indicator_its_marking_and_its_end():
    (line, *_) = rules(export([entry("evil.example", number=1)]))
    assert (
        "metadata:bc_id indicator--6a1b2c3d-0000-4000-8000-000000000001, tlp amber_strict, until 2027_05_17"
        in line
    )
    assert line.endswith("sid:1500000; rev:1;)")


def test_only_alert_is_ever_written():
    assert {line.split()[0] for line in rules(export(ALL_KINDS))} == {"alert"}


def test_the_same_entries_in_another_order_give_the_same_bytes():
    assert export(ALL_KINDS).files == export(reversed(ALL_KINDS)).files


def test_each_manifest_line_points_at_the_line_that_holds_the_value():
    made = export(ALL_KINDS)
    for row in made.manifest:
        line = made.files[row.file].decode().splitlines()[row.line - 1]
        assert row.indicator in line
    many = export([entry(f"n{number}.evil.example", number=number) for number in range(600)])
    for row in many.manifest:
        line = many.files[row.file].splitlines()[row.line - 1]
        assert base64.b64decode(line).decode() == row.value


def test_addresses_of_one_indicator_share_a_rule():
    made = export([entry(f"203.0.113.{n}", Kind.ADDRESS, number=1) for n in range(1, 6)])
    assert len(rules(made)) == 1
    assert "[203.0.113.1,203.0.113.2,203.0.113.3,203.0.113.4,203.0.113.5]" in rules(made)[0]


def test_a_rule_without_a_number_of_our_block_is_never_written():
    drafts = suricata.draft([entry("evil.example")], at=NOW)
    with pytest.raises(ValueError, match="no sid of our block"):
        suricata.write(drafts, numbers={})
    with pytest.raises(ValueError, match="no sid of our block"):
        suricata.write(drafts, numbers={rule.key: suricata.RuleNumber(2_000_000, 1) for rule in drafts.rules})


def test_an_alert_needs_no_pap_but_red_forbids_it():
    standing = {
        pap: export([entry("evil.example", standing=replace(GREEN, pap=pap))]).skipped for pap in (None, *Pap)
    }
    assert {pap: [skip.gate for skip in skipped] for pap, skipped in standing.items()} == {
        None: [],
        Pap.AMBER: [],
        Pap.GREEN: [],
        Pap.CLEAR: [],
        Pap.RED: ["pap"],
    }


def test_what_suricata_cannot_express_is_left_out_with_the_reason():
    made = export(
        [
            entry("mallory@evil.example", Kind.EMAIL, number=1),
            entry("0" * 128, Kind.HASH, number=2),
            entry("http://evil.example/" + "x" * 300, Kind.URL, number=3),
            entry("evil.example", number=4, standing=replace(GREEN, valid_until=NOW - timedelta(days=1))),
        ]
    )
    assert rules(made) == []
    reasons = {skip.indicator[-1]: skip.why for skip in made.skipped}
    assert "no keyword for mail addresses" in reasons["1"]
    assert "not SHA-512" in reasons["2"]
    assert "longer than the 255 characters" in reasons["3"]
    assert reasons["4"] == "it expired on 2026-11-19"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_out_of_its_field(title: str, path: str):
    try:
        one = entry("http://evil.example/" + path, Kind.URL, title=title)
    except ValueError:
        return
    (line,) = rules(export([one])) or ("",)
    if not line:
        return
    inside = re.sub(r'"[^"]*"', '""', line)
    assert re.fullmatch(
        r'alert http any any -> any any \(msg:""; http\.host; content:""; startswith; endswith; '
        r'http\.uri(\.raw)?; content:""; startswith; endswith; metadata:[\w ,-]+; sid:\d+; rev:1;\)',
        inside,
    )
    assert line.isascii()
    assert line.isprintable()
