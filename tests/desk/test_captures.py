"""Captures are read by Zeek or tshark where there is one, and named where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.matching.test_hunt import a_set

from backchannel.desk import captures
from backchannel.desk.own_logs import logs_in
from backchannel.matching.compiled import CompiledSet
from backchannel.matching.hunt import Tally, hunt_log

PCAP = b"\xd4\xc3\xb2\xa1\x02\0\x04\0" + b"\0" * 16


def hunted(*paths: Path) -> Tally:
    tally = Tally()
    compiled = CompiledSet([], threads=1)
    for log, name in logs_in(paths, tally):
        list(hunt_log(log, compiled, tally, name=name))
    return tally


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before all others in PATH; a PATH in which no zeek and no tshark is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("SECRET_TOKEN", "secret")
    found = captures.shutil.which
    monkeypatch.setattr(
        captures.shutil, "which", lambda name: str(folder / name) if (folder / name).exists() else None
    )
    assert found("sh")
    return folder


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "a capture; $(touch x).pcap"
    path.write_bytes(PCAP)
    return path


def test_without_a_program_a_capture_is_named_with_what_is_missing(tools: Path, capture: Path):
    (note,) = hunted(capture).skipped
    assert "neither zeek nor tshark is in PATH" in note.why
    assert note.path == str(capture)


def test_what_zeek_writes_is_hunted_through(tools: Path, capture: Path):
    record = '{"ts":1.5,"uid":"C1","id.orig_h":"10.0.0.5","id.resp_h":"203.0.113.7"}'
    program(
        tools,
        "zeek",
        f"""[ "$1 $2" = "-C -r" ] && [ -f "$3" ] && [ -z "$SECRET_TOKEN" ] && [ $# = 4 ] || exit 9
echo '{record}' > conn.log; : > empty.log""",
    )
    tally = hunted(capture)
    assert (tally.layouts, tally.records, tally.skipped) == ({"zeek-json": 1}, 1, [])
    assert not list(capture.parent.glob("x"))


def test_else_what_tshark_prints_is(tools: Path, capture: Path):
    program(tools, "tshark", r"printf 'frame.time_epoch\tip.src\tip.dst\n1.5\t10.0.0.5\t203.0.113.7\n'")
    tally = hunted(capture)
    assert (tally.layouts, tally.records, tally.skipped) == ({"tshark": 1}, 1, [])


def test_a_program_that_fails_or_hangs_is_named(tools: Path, capture: Path, monkeypatch: pytest.MonkeyPatch):
    program(tools, "zeek", "echo 'fatal error: no such format' >&2; exit 1")
    assert "zeek ended with 1: fatal error: no such format" in hunted(capture).skipped[0].why
    program(tools, "zeek", "exec sleep 30")
    monkeypatch.setattr(captures, "MAX_SECONDS", 0.2)
    assert "longer than" in hunted(capture).skipped[0].why


@pytest.mark.tool("tshark")
def test_real_captures_are_read(shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    real = shutil.which
    monkeypatch.setattr(captures.shutil, "which", lambda name: real(name) if name == "tshark" else None)
    folder = shared_data / "telemetry" / "pcap"
    paths = [*sorted(folder.glob("*dns*.pcap")), *sorted(folder.glob("*http*.pcap"))[:5]]
    tally = hunted(*paths)
    assert tally.layouts["tshark"] > 5
    assert {"domain-name", "ipv4-addr", "url"} <= tally.shown.kinds.keys()


@pytest.mark.tool("tshark")
def test_a_capture_in_a_zip_gives_hits(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = shutil.which
    monkeypatch.setattr(captures.shutil, "which", lambda name: real(name) if name == "tshark" else None)
    path = shared_data / "telemetry" / "other-otrf" / "pcap_log4shell_cve2021_44228_java_serialized.zip"
    compiled = a_set(tmp_path, "[ipv4-addr:value = '192.168.3.5']")
    tally, found = Tally(), []
    for log, name in logs_in([path], tally):
        found += hunt_log(log, compiled, tally, name=name)
    assert found
    assert all(one.path.endswith(".pcapng!packets.tsv") for one in found)
    assert all(one.layout.seen_at(one.cells).year == 2022 for one in found)
