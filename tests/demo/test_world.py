"""The demonstration's world is invented, and small, and says what its README says."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORLD = ROOT / "src" / "backchannel" / "demo" / "world"
EXAMPLES = ROOT / "examples"
FILES = sorted(
    p
    for p in [*WORLD.rglob("*"), *EXAMPLES.iterdir()]
    if p.is_file() and p.suffix not in {".md", ".service", ".cron"}
)

MAX_WORLD_BYTES = 150_000

RESERVED = [
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "10.0.0.0/8")
]
RESERVED_NAMES = re.compile(r"(?:.*\.)?(?:example|test|invalid|example\.(?:com|net|org))\Z")
# Where a host name stands by itself: a quoted value, a column, the host of a URL or of a mail address.
NAME = re.compile(r"(?<![\w./:-])(?:[a-z0-9_-]+\.)+[a-z]{2,}(?![\w.])")
ENDINGS_OF_FILES = {"cab", "iso", "log", "txt", "json", "csv", "list", "toml", "zip"}
# Words of the logs and of STIX that are written with dots; no host is called so.
NOT_NAMES = re.compile(r"(?:id\.(?:orig|resp)_[hp]|.*\.(?:arpa|txt|json))\Z")
ADDRESS = re.compile(
    r"(?<![\w.])(?<!Chrome/)\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|(?<![\w:])[0-9a-f:]*[0-9a-f]::[0-9a-f:]*(?:/\d+)?(?![\w:])"
)


def text_of(path: Path) -> str:
    return path.read_text("utf-8").replace("[.]", ".").replace("[at]", "@")


def test_the_world_is_small_enough_to_ship():
    assert sum(p.stat().st_size for p in WORLD.rglob("*") if p.is_file()) < MAX_WORLD_BYTES


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_address_is_one_that_no_machine_on_the_internet_has(path: Path):
    for found in set(ADDRESS.findall(text_of(path))):
        try:
            address = ipaddress.ip_network(found)
        except ValueError:
            assert found == "203.0.113.300", f"{found}: only the row that is wrong on purpose"
            continue
        assert any(address.version == net.version and address.subnet_of(net) for net in RESERVED), found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_name_is_one_that_nobody_can_register(path: Path):
    for found in set(NAME.findall(text_of(path).lower())):
        if NOT_NAMES.match(found) or found.rpartition(".")[2] in ENDINGS_OF_FILES:
            continue
        assert RESERVED_NAMES.match(found), found


@pytest.mark.parametrize("path", sorted((WORLD / "logs" / "zeek").iterdir()), ids=lambda p: p.name)
def test_every_line_of_a_zeek_log_has_the_columns_of_its_header(path: Path):
    lines = path.read_text("utf-8").splitlines()
    if path.name in {"ssl.log", "files.log"}:
        assert all({"ts", "uid", "id.orig_h", "id.resp_h"} <= set(json.loads(line)) for line in lines)
        return
    header = next(line for line in lines if line.startswith("#fields")).split("\t")[1:]
    types = next(line for line in lines if line.startswith("#types")).split("\t")[1:]
    assert len(header) == len(types)
    assert {len(line.split("\t")) for line in lines if not line.startswith("#")} == {len(header)}


def test_the_logs_are_in_the_order_of_time():
    for path in [*(WORLD / "logs" / "zeek").iterdir(), WORLD / "logs" / "suricata" / "eve.json"]:
        times = [
            json.loads(line).get("ts") or json.loads(line)["timestamp"]
            if line.startswith("{")
            else line.split("\t")[0]
            for line in path.read_text("utf-8").splitlines()
            if not line.startswith("#")
        ]
        assert times == sorted(times), path.name


def test_every_connection_that_a_zeek_log_tells_of_is_in_conn_log():
    zeek = WORLD / "logs" / "zeek"
    known = {
        line.split("\t")[1] for line in (zeek / "conn.log").read_text("utf-8").splitlines() if line[0] != "#"
    }
    for name in ("dns", "http", "smtp"):
        lines = (zeek / f"{name}.log").read_text("utf-8").splitlines()
        assert {line.split("\t")[1] for line in lines if line[0] != "#"} <= known, name
    for name in ("ssl", "files"):
        assert {
            json.loads(line)["uid"] for line in (zeek / f"{name}.log").read_text("utf-8").splitlines()
        } <= known


def test_no_two_objects_of_the_bundles_have_one_id():
    ids = [
        thing["id"]
        for path in sorted((WORLD / "intelligence").glob("*.json"))
        for thing in json.loads(path.read_text("utf-8"))["objects"]
    ]
    assert len(ids) == len(set(ids))


def test_every_reference_in_a_bundle_leads_to_an_object_in_it():
    bundles = [*(WORLD / "intelligence").glob("*.json"), *(WORLD / "offered").iterdir()]
    for path in [*bundles, EXAMPLES / "bundle.json"]:
        bundle = json.loads(path.read_text("utf-8"))
        ids = {thing["id"] for thing in bundle["objects"]}
        for thing in bundle["objects"]:
            for key, value in thing.items():
                refs = [value] if key.endswith("_ref") else value if key.endswith("_refs") else []
                assert set(refs) <= ids, f"{path.name}: {thing['id']} {key}"
