"""What other people's logs show is what stands in their columns, read here by code of the test's own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from backchannel.logs.shown import HASHES, in_words
from backchannel.matching import bulk
from backchannel.matching.compiled import CompiledSet
from backchannel.matching.hunt import Tally, hunt_log
from backchannel.observables.kinds import PERSONAL

COLUMNS = {
    "file:hashes.MD5": {"md5"},
    "file:hashes.SHA-1": {"sha1"},
    "file:hashes.SHA-256": {"sha256"},
    "url": {"links"},  # and `uri` with `host`
    "email-addr": {"mailfrom", "rcptto", "from", "to", "cc", "reply_to"},
    "ipv4-addr source": {"id.orig_h", "id_orig_h", "src"},
}
"""Kind to the columns of Zeek's logs of which one has to be filled in."""


def filled(path: Path) -> set[str] | None:
    """The columns with a value in some line; None for a log that does not say what its columns are."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8", "replace")
    found: set[str] = set()
    names: list[str] = []
    for line in text.splitlines():
        if line.startswith("{"):
            found |= {
                name
                for name, value in json.loads(line).items()
                if value not in (None, "", [], "-", "(empty)")
            }
        elif line.startswith("#fields\t"):
            names = line.split("\t")[1:]
        elif names and line and not line.startswith("#"):
            cells = zip(names, line.split("\t"), strict=False)
            found |= {name for name, cell in cells if cell not in {"", "-", "(empty)"}}
    return found | ({"links"} if {"uri", "host"} <= found else set()) or None


def test_logs_of_others_show_what_their_columns_hold(shared_data: Path):
    paths = sorted((shared_data / "telemetry" / "zeek-baselines").glob("*.log"))
    compiled = CompiledSet([], threads=1)
    looked, told = 0, set[str]()
    for path in paths:
        tally = Tally()
        assert list(hunt_log(path, compiled, tally, personal=PERSONAL.values())) == []
        columns = filled(path)
        if not tally.files or columns is None:
            continue
        looked += 1
        shown = {kind for kind in COLUMNS if kind in tally.shown.kinds}
        held = {kind for kind, names in COLUMNS.items() if names & columns}
        assert shown == held, path
        told |= shown
    compiled.close()
    assert looked > 100
    assert told == COLUMNS.keys()


@pytest.mark.parametrize(
    ("log", "kinds"),
    [
        ("ssh", {"ipv4-addr", "ipv6-addr", "ssh-key"}),
        ("dns", {"ipv4-addr", "ipv6-addr", "domain-name"}),
    ],
)
def test_a_days_log_shows_its_kinds_and_the_days(shared_data: Path, log: str, kinds: set[str]):
    found = sorted((shared_data / "telemetry").glob(f"zeek-*/**/{log}*.log*"))
    if not found:
        pytest.skip(f"no {log} log in the data")
    compiled, tally = CompiledSet([], threads=1), Tally()
    assert list(hunt_log(found[0], compiled, tally)) == []
    compiled.close()
    assert {kind for kind in tally.shown.kinds if " " not in kind} == kinds
    (records, first, last) = tally.shown.kinds["ipv4-addr"]
    assert records == tally.records
    assert first is not None
    assert last is not None
    assert first <= last


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ((), ""),
        (("ipv6-addr",), "IPv6 addresses"),
        (("url", "ipv6-addr", "ipv4-addr"), "addresses and URLs"),
        (("file:hashes.SHA-1", "file:hashes.MD5"), "hashes of files (MD5, SHA-1)"),
        (tuple(HASHES.values()), "hashes of files"),
        (("email-addr sender", "url", "domain-name"), "domain names, URLs and e-mail addresses of senders"),
        (("LIKE",), ""),
    ],
)
def test_kinds_are_told_in_words(kinds: tuple[str, ...], words: str):
    assert in_words(kinds) == words


@pytest.mark.parametrize("least", [1, 2**60])
@pytest.mark.parametrize(
    ("value", "is_shown"),
    [
        ("9e107d9d372bb6826bd81d3542a419d6", True),
        ("9E107D9D372BB6826BD81D3542A419D6", True),
        (":".join(["9e"] * 16), True),
        ("deadbeef", False),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", False),
        ("not of this world, in thirty-two", False),
        ("-", False),
    ],
)
@pytest.mark.parametrize("form", ["json", "tsv"])
def test_only_a_hash_of_its_kind_shows_that_a_log_has_such_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: int, form: str, value: str, is_shown: bool
):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
    path, names = tmp_path / "files.log", ["ts", "fuid", "id.orig_h", "id.resp_h", "md5"]
    rows = [
        ["1767225600.5", f"F{n}", "10.0.0.5", "198.51.100.1", "-" if n < 30 else value] for n in range(40)
    ]
    if form == "json":
        path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))
    else:
        lines = ["#separator \\x09", "#path\tfiles", "\t".join(["#fields", *names])]
        path.write_text("\n".join([*lines, *("\t".join(row) for row in rows), ""]))
    compiled, tally = CompiledSet([], threads=1), Tally()
    assert list(hunt_log(path, compiled, tally)) == []
    compiled.close()
    assert "ipv4-addr" in tally.shown.kinds
    assert ("file:hashes.MD5" in tally.shown.kinds) is is_shown
