"""A MISP feed in a folder: what its reader may have and nothing else, read back the same, and only over our own files."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, GREEN, NOW, RED, a_file, an_id, identity, indicator, made
from tests.intake.reader import take, taken
from tests.misp.made import event_files, events_in

from backchannel.clock import FixedClock
from backchannel.desk.feeding import STATE, FeedReport, export_feed
from backchannel.desk.node import Node
from backchannel.desk.receive import receive
from backchannel.errors import InputError, UsageError

CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"


def marked(n: int, marking: str | None, **more: object) -> dict[str, object]:
    return indicator(n, object_marking_refs=[marking] if marking else None, **more)


@pytest.fixture
def filled(node: Node, tmp_path: Path) -> Node:
    receive(
        node,
        CLOCK,
        [a_file(tmp_path, *[marked(n, ref) for n, ref in enumerate((CLEAR, GREEN, AMBER, RED, None))])],
        party="CERT Beta",
    )
    receive(node, CLOCK, [a_file(tmp_path, marked(9, None), name="own.json")], party="CERT Gamma")
    return node


def values(folder: Path) -> set[str]:
    found: set[str] = set()
    for path in folder.glob("*-*.json"):
        event = json.loads(path.read_text())["Event"]
        found |= {one["value"] for one in event["Attribute"]}
    return found


def export(node: Node, folder: Path, to: str | None = None) -> FeedReport:
    return export_feed(node, CLOCK, folder, to=to)


@pytest.mark.parametrize(
    ("to", "numbers"),
    [(None, {0}), ("CERT Beta", {0, 1, 2, 3, 4}), ("CERT Gamma", {0, 1, 9}), ("cert gamma", {0, 1, 9})],
)
def test_only_what_its_reader_may_have(filled: Node, tmp_path: Path, to: str | None, numbers: set[int]):
    report = export(filled, tmp_path / "feed", to)
    assert values(tmp_path / "feed") == {f"evil{n}.example" for n in numbers}
    assert (report.objects, report.attributes, report.withheld) == (6, len(numbers), 6 - len(numbers))
    assert sum(report.withheld_by_reason.values()) == report.withheld
    everything = b"".join(path.read_bytes() for path in (tmp_path / "feed").iterdir())
    for n in {0, 1, 2, 3, 4, 9} - numbers:
        assert f"evil{n}.example".encode() not in everything
        assert an_id("indicator", n).partition("--")[2].encode() not in everything


def test_an_event_leaves_out_what_its_reader_may_not_have(node: Node, tmp_path: Path):
    report = made("report", 1, name="Both", published="2026-01-01T00:00:00Z", object_marking_refs=[CLEAR],
                  object_refs=[an_id("indicator", 1), an_id("indicator", 2)])  # fmt: skip
    receive(node, CLOCK, [a_file(tmp_path, report, marked(1, CLEAR), marked(2, RED))])
    export(node, tmp_path / "feed")
    (event,) = (tmp_path / "feed").glob("*-*.json")
    assert event.name == f"{an_id('report', 1).partition('--')[2]}.json"
    assert values(tmp_path / "feed") == {"evil1.example"}


def test_what_is_written_twice_is_the_same_and_what_is_withdrawn_is_taken_away(node: Node, tmp_path: Path):
    folder = tmp_path / "feed"
    report = {"name": "A", "published": "2026-01-01T00:00:00Z", "object_refs": [an_id("indicator", 1)]}
    receive(
        node,
        CLOCK,
        [a_file(tmp_path, made("report", 1, object_marking_refs=[CLEAR], **report), marked(1, CLEAR))],
    )
    assert export(node, folder).changed
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    later = FixedClock(NOW + timedelta(days=1))
    assert not export_feed(node, later, folder).changed
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    stricter = made("report", 1, version=2, object_marking_refs=[RED], **report)
    receive(node, CLOCK, [a_file(tmp_path, stricter, name="later.json")])
    assert export(node, folder).changed
    name = f"{an_id('report', 1).partition('--')[2]}.json"
    assert name in before
    assert not (folder / name).exists()
    assert name[:-5] not in json.loads((folder / "manifest.json").read_text())


def test_nothing_is_written_over_that_is_not_ours(filled: Node, tmp_path: Path):
    folder = tmp_path / "feed"
    folder.mkdir()
    (folder / "manifest.json").write_text("precious")
    with pytest.raises(UsageError, match="was there before"):
        export(filled, folder)
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
    export(filled, tmp_path / "for anybody")
    with pytest.raises(UsageError, match="holds the feed for anybody, not for CERT Beta"):
        export(filled, tmp_path / "for anybody", "CERT Beta")
    with pytest.raises(UsageError, match="no party"):
        export(filled, tmp_path / "x", "nobody")


@pytest.mark.parametrize("name", ["../precious", "/etc/passwd", "precious.txt"])
def test_a_forged_state_takes_no_other_file_away(filled: Node, tmp_path: Path, name: str):
    folder = tmp_path / "feed"
    export(filled, folder)
    (tmp_path / "precious").write_text("x")
    (folder / "precious.txt").write_text("x")
    state = json.loads((folder / STATE).read_text())
    state["files"].append({**state["files"][0], "name": name})
    (folder / STATE).write_text(json.dumps(state))
    export(filled, folder)
    assert (tmp_path / "precious").exists()
    assert (folder / "precious.txt").exists()


def test_more_than_a_feed_holds_is_refused(filled: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backchannel.desk.feeding.MAX_OBJECTS", 2)
    with pytest.raises(InputError, match="more than one MISP feed holds"):
        export(filled, tmp_path / "feed", "CERT Beta")
    assert not (tmp_path / "feed").exists()


def test_losses_are_told(node: Node, tmp_path: Path):
    receive(
        node,
        CLOCK,
        [a_file(tmp_path, marked(1, CLEAR, confidence=50), identity(1, object_marking_refs=[CLEAR]))],
    )
    report = export(node, tmp_path / "feed")
    told = {(loss.field, loss.count) for loss in report.losses}
    assert ("indicator.confidence", 1) in told
    assert report.losses_total >= 2


def digests(path: Path) -> set[bytes]:
    """Of what an event says itself: clusters and organisations come in their newest version."""
    return {item.raw.digest for item in taken(take(path)) if item.raw.header.version[:4] != "1970"}


def test_real_events_that_were_imported_go_out_as_they_came(node: Node, tmp_path: Path, shared_data: Path):
    """Our own importer reads our own feed: each object is known, and each event is that of its file."""
    paths = [path for path in event_files(shared_data) if path.parent.name == "eset"]
    receive(node, CLOCK, paths, party="ESET", tlp="clear")
    report = export(node, tmp_path / "feed", "ESET")
    names = {event["uuid"] for path in paths for event in events_in(path)}
    written = {path.name[:-5] for path in (tmp_path / "feed").glob("*-*.json")}
    assert names <= written
    again = receive(node, CLOCK, sorted((tmp_path / "feed").glob("*-*.json")), party="ESET")
    assert (again.refused, again.quarantined, again.conflict) == (0, 0, 0)
    assert again.known > 3000
    for path in paths:
        uuid = next(iter(events_in(path)))["uuid"]
        assert digests(tmp_path / "feed" / f"{uuid}.json") == digests(path), path.name
    assert report.attributes >= 1_900
