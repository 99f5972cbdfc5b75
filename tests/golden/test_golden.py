"""hunt, in bulk and line by line, watch and rehunt find in the golden set what an independent slow judge finds in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.desk.made import a_file, an_id, indicator, take
from tests.desk.test_hunting import hunted
from tests.desk.test_rehunting import rehunted
from tests.desk.test_watching import watched
from tests.golden.golden import LOGS, MAPPING, NOT_IN_THE_INDEX, VALID, WANTED, pattern
from tests.golden.oracle import Comparison, judged
from tests.matching.test_hunt import a_set, both_ways

from backchannel.desk import watch_logs, watching
from backchannel.desk.hit_taking import HuntOptions
from backchannel.desk.hunting import mapping_in
from backchannel.desk.node import Node, open_node
from backchannel.desk.watching import WatchOptions
from backchannel.logs.tables import formats
from backchannel.matching import bulk
from backchannel.settings import checked, write_settings

Told = tuple[str, int, str, str, str]
"""Format of the log, line, indicator, scope, validity."""
NAMES = {an_id("indicator", number): name for number, name in enumerate(WANTED, 1)}
PERSONAL = pytest.mark.parametrize("personal", [False, True], ids=["persons off", "persons on"])


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, text in LOGS.items():
        (folder / f"{name}.log").write_text(text, "utf-8")
    return folder


@pytest.fixture
def given_node(node: Node, tmp_path: Path, logs: Path, personal: bool) -> Iterable[Node]:
    section = [{"logs": f"{logs}/**", "kinds": ["email"], "purpose": "phishing"}]
    write_settings(node.home, checked(name="A", personal=section if personal else []))
    with open_node(node.home) as other:
        yield other


def take_all(node: Node, tmp_path: Path) -> None:
    made = []
    for number, (name, comparisons) in enumerate(WANTED.items(), 1):
        valid = (
            dict(zip(("valid_from", "valid_until"), VALID, strict=True))
            if name == "for a day"
            else {"valid_from": "2020-01-01T00:00:00Z"}
        )
        made.append(indicator(number, pattern=pattern(comparisons), **valid))
    take(node, a_file(tmp_path, *made))


def expected(*, personal: bool, without: Iterable[str] = ()) -> set[Told]:
    found: set[Told] = set()
    for format_, text in LOGS.items():
        wanted = {name: several for name, several in WANTED.items() if name not in without}
        for (line, name), (scopes, at) in judged(format_, text, wanted, personal=personal).items():
            if name == "for a day" and at is None:
                assert format_ not in {"zeek-json", "zeek-tsv", "suricata-eve"}
                continue  # the judge reads no times of text
            found.add(
                (
                    format_,
                    line,
                    name,
                    "|".join(sorted(scopes)),
                    _validity(at) if name == "for a day" else "inside",
                )
            )
    return found


def _validity(at: datetime | None) -> str:
    begin, end = map(datetime.fromisoformat, VALID)
    return "inside" if at is None or begin <= at < end else "before" if at < begin else "after"


def compare(told: Iterable[tuple[str, int | None, str, str, str]], wanted: set[Told]) -> None:
    """Hold what was told against the judge: he names every scope in which a hit is one, and the exact one alone."""
    got: dict[tuple[str, int | None, str], tuple[str, str]] = {}
    for path, line, stix_id, scope, validity in told:
        key = (Path(path).stem, line, NAMES[stix_id])
        assert key not in got, "one hit for one indicator and line"
        got[key] = (scope, validity)
    timed = {"zeek-json", "zeek-tsv", "suricata-eve"}
    got = {key: value for key, value in got.items() if key[2] != "for a day" or key[0] in timed}
    should = {one[:3]: one[3:] for one in wanted}
    assert sorted(got.keys() - should.keys(), key=str) == []
    assert sorted(should.keys() - got.keys()) == []
    odd = {
        key: (got[key], should[key])
        for key in should
        if got[key][1] != should[key][1] or got[key][0] not in should[key][0].split("|")
    }
    assert odd == {}


def test_there_is_a_golden_log_of_every_format():
    assert set(formats()) - {"tshark", "syslog"} <= LOGS.keys()


@PERSONAL
@pytest.mark.parametrize("least", [1, 2**60], ids=["in bulk", "by lines"])
def test_a_hunt_finds_what_the_judge_finds(
    given_node: Node, tmp_path: Path, logs: Path, monkeypatch, least: int, personal: bool
):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
    take_all(given_node, tmp_path)
    (tmp_path / "mapping.toml").write_text(MAPPING)
    hits, end = hunted(given_node, logs, options=HuntOptions(mapping=mapping_in(tmp_path / "mapping.toml")))
    assert [(Path(one.path).stem, one.line) for one in end.skipped] == [
        ("zeek-json", LOGS["zeek-json"].count("\n"))
    ]
    assert end.files == len(LOGS)
    compare(
        ((one.log.path, one.log.line, one.indicator, one.scope, one.validity) for one in hits),
        expected(personal=personal),
    )


@PERSONAL
def test_a_rehunt_finds_what_the_judge_finds(given_node: Node, tmp_path: Path, logs: Path, personal: bool):
    (logs / "csv.log").unlink()
    hunted(given_node, logs)
    take_all(given_node, tmp_path)
    hits, end = rehunted(given_node)
    assert end.logs == len(LOGS) - 1
    wanted = {one for one in expected(personal=False, without=NOT_IN_THE_INDEX) if one[0] != "csv"}
    compare(((one.log.path, one.log.line, one.indicator, one.scope, one.validity) for one in hits), wanted)


@PERSONAL
def test_a_watch_finds_what_the_judge_finds(
    given_node: Node, tmp_path: Path, logs: Path, monkeypatch, personal: bool
):
    monkeypatch.setattr(watch_logs, "LOOK_S", 0.05)
    monkeypatch.setattr(watching, "REFRESH_S", 0.05)
    (logs / "csv.log").unlink()
    take_all(given_node, tmp_path)
    wanted = {one for one in expected(personal=personal) if one[0] != "csv"}
    with watched(given_node, logs, options=WatchOptions(from_start=True, max_evidence=10_000)) as one:
        one.until(len(wanted))
    hits = [hit["hit"] for hit in one.hits]
    compare(
        (
            (hit["log"]["path"], hit["log"]["line"], hit["indicator"], hit["scope"], hit["validity"])
            for hit in hits
        ),
        wanted,
    )


# --- Random worlds --------------------------------------------------------------------------------

VALUES = st.sampled_from(
    ["evil.example", "www.EVIL.example.", "notevil.example", "bücher.example", "203.0.113.7", "203.0.113.70", "198.51.100.9", "2001:db8::7",
     "2001:DB8:0::0:7", "::ffff:203.0.113.7", "http://evil.example/a?b=1", "https://evil.example:8443/x", "http://evil.example:80/dir/y", "http://203.0.113.7:8080/a",
     "evil.example/a", "who@evil.example", "<a@my-evil.example>", "CN=evil.example", "d41d8cd98f00b204e9800998ecf8427e", "-", "", "fine.example"]
)  # fmt: skip
FIELDS = st.sampled_from(
    [
        "id.orig_h",
        "id.resp_h",
        "query",
        "host",
        "uri",
        "server_name",
        "referrer",
        "mailfrom",
        "answers",
        "rcptto",
        "subject",
        "md5",
        "tx_hosts",
    ]
)
LISTS = {"answers", "rcptto", "tx_hosts"}


@st.composite
def worlds(draw: st.DrawFn) -> list[Mapping[str, object]]:
    found = []
    for _ in range(draw(st.integers(1, 6))):
        record: dict[str, object] = {"ts": 1_767_225_600, "uid": "C"}
        for field in draw(st.lists(FIELDS, max_size=5, unique=True)):
            record[field] = draw(st.lists(VALUES, max_size=3)) if field in LISTS else draw(VALUES)
        if "uri" in record:
            record.setdefault("host", draw(VALUES))  # a request has one: a log without any shows no URLs
        found.append(record)
    return found


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(worlds(), st.lists(st.sampled_from(sorted(WANTED)), min_size=1, max_size=8, unique=True))
def test_in_any_records_both_ways_find_what_the_judge_finds(
    tmp_path: Path, monkeypatch, records, names: list[str]
):
    wanted: dict[str, list[Comparison]] = {name: WANTED[name] for name in names}
    log = tmp_path / "any.log"
    log.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    compiled = a_set(tmp_path, *(pattern(several) for several in wanted.values()))
    try:
        got = {
            (line, names[row - 1]): scope for line, row, _, scope, _ in both_ways(log, compiled, monkeypatch)
        }
    finally:
        compiled.close()
    should = judged("zeek-json", log.read_text("utf-8"), wanted, personal=True)
    assert got.keys() == should.keys()
    assert {key: scope for key, scope in got.items() if scope not in should[key][0]} == {}
