"""Logs of others are read as their own tests say: every address that they assert stands in a field of ours."""

from __future__ import annotations

import json
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import pytest

from backchannel.logs.cells import observables
from backchannel.logs.opening import open_log
from backchannel.logs.recognise import Record, recognise, records
from backchannel.logs.shape import LogShape
from backchannel.logs.times import Assumed

ASSERTED = ("source_ip", "remote_addr", "src_ip")
SAMPLES = {
    "apache2-logs": "web",
    "asterisk-logs": "asterisk",
    "baikal-logs": "web",
    "bind9-logs": "bind",
    "bind9-syslog": "bind",
    "bookstack-logs": "web",
    "bunkerweb-http-malformed": "web",
    "calibre-web-whitelist": "web",
    "cve_2022_37042": "web",
    "dovecot-logs": "dovecot",
    "dovecot-slow-bf-no-overlap": "dovecot",
    "dovecot-time-based-bf-user-enum": "dovecot",
    "exim-logs": "exim",
    "exim-syslog-logs": "exim",
    "freeswitch": "freeswitch",
    "iis-xml-logs": "windows-xml",
    "nginx-mail-logs": "web",
    "nginx_http-logs": "web",
    "overseerr-whitelist": "web",
    "postfix-logs": "postfix",
    "sshd-logs": "sshd",
}
"""Folder under telemetry/logs-crowdsec to the format of its lines."""


def read(path: Path) -> tuple[LogShape, list[Record]]:
    with open_log(path) as log:
        shape = recognise(log.sample(), assumed=Assumed(written=log.written))
        with log.path.open("rb") as stream:
            return shape, list(records(stream, shape, end=log.size, on_broken=pytest.fail))


def held(record: Record) -> set[str]:
    """The values of all fields of a record."""
    return {
        seen.value
        for one in record.layout.fields
        if len(one.columns) == 1 and (cell := record.cells[one.columns[0]]) is not None
        for seen in observables(one.reading, cell, is_list=one.is_list)
    }


def spelled(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return text
    return str(getattr(address, "ipv4_mapped", None) or address)


def asserted(folder: Path) -> dict[str, Counter[str]]:
    truth = json.loads((folder / "truth.json").read_text("utf-8"))
    return {name: Counter(spelled(row[name]) for row in truth if row.get(name)) for name in ASSERTED}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_others_assert_of_a_log_stands_in_a_field(name: str, shared_data: Path):
    folder = shared_data / "telemetry" / "logs-crowdsec" / name
    found: Counter[str] = Counter()
    for path in sorted(set(folder.iterdir()) - {folder / "truth.json"}):
        _, got = read(path)
        assert {record.layout.format for record in got} == {SAMPLES[name]}
        assert any(record.layout.seen_at(record.cells) for record in got)
        for record in got:
            found.update(held(record))
    expected = asserted(folder)
    assert sum(map(Counter.total, expected.values()))
    for field, values in expected.items():
        short = {value: (found[value], count) for value, count in values.items() if found[value] < count}
        assert not short, f"{field}: {short}"


@pytest.mark.parametrize(
    ("name", "format_", "source", "destination"),
    [
        ("iptables-scan-multi-port", "netfilter", "62.34.17.168", "10.73.140.49"),
        ("pf-scan-multi-port", "pf", "10.0.2.2", "10.0.2.15"),
        ("pfsense-rfc5424-filterlog", "pf", "fdfd:ace:ace:10:d8:cdbf:f6f8:6d69", "fdfd:ace:ace:5::6"),
    ],
)
def test_firewalls_are_read_with_both_sides(
    name: str, format_: str, source: str, destination: str, shared_data: Path
):
    (path,) = (shared_data / "telemetry" / "logs-crowdsec" / name).glob("*.log")
    shape, got = read(path)
    assert shape.format == "syslog"
    assert {record.layout.format for record in got} == {format_}
    assert len(got) == sum(1 for line in path.read_bytes().splitlines() if line.strip())
    sides = {(one.cells[one.layout.source], one.cells[one.layout.destination]) for one in got}
    assert (source, destination) in sides
