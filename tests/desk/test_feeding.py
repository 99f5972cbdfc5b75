"""A MISP feed in a folder: what its reader may have and nothing else, read back the same, and only over our own files."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, GREEN, NOW, RED, a_file, an_id, identity, indicator, made
from tests.intake.reader import take, taken
from tests.misp.made import event_files, events_in

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.feeding import STATE, FeedReport, export_feed
from backchannel.desk.node import Node
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch
from backchannel.desk.receive import receive
from backchannel.errors import InputError, NotFoundError, UsageError
from backchannel.ids import BatchId
from backchannel.stix.markings import Tlp, tlp_of

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


# --- Of one collection, and labels that came from us -----------------------------------------------------


@pytest.fixture
def offering(filled: Node) -> Node:
    """Two collections: CERT Beta's five objects in `named`, one of CERT Gamma's in `open` with a default label."""
    add_root(filled, CLOCK, "sharing", base_url="")
    for new in (
        NewOffer(title="Named", root_id="sharing", alias="named"),
        NewOffer(title="Open", root_id="sharing", alias="open", default_tlp="clear", anonymous_read=True),
    ):
        add_collection(filled, CLOCK, new, base_url="")
    put_batch(filled, CLOCK, "named", BatchId(1))
    put_batch(filled, CLOCK, "open", BatchId(2))
    add_token(filled, CLOCK, NewCredential(party="CERT Delta", read=("named",)))
    add_token(filled, CLOCK, NewCredential(party="CERT Late", read=("named",), expires="1d"))
    add_token(filled, CLOCK, NewCredential(party="CERT Writer", write=("named",)))
    return filled


@pytest.mark.parametrize(
    ("to", "collection", "numbers"),
    [
        ("CERT Delta", "named", {0, 1, 2}),  # a named reader: up to AMBER, where the whole node gives GREEN
        ("CERT Beta", "named", set()),  # it has no right there, also to what it sent us itself
        ("CERT Writer", "named", set()),
        (None, "named", set()),
        (None, "open", {9}),
        ("CERT Delta", "open", {9}),
    ],
)
def test_of_a_collection_a_party_gets_what_its_rights_there_let_it_read(
    offering: Node, tmp_path: Path, to: str | None, collection: str, numbers: set[int]
):
    report = export_feed(offering, CLOCK, tmp_path / "feed", to=to, collection=collection)
    assert values(tmp_path / "feed") == {f"evil{n}.example" for n in numbers}
    assert report.objects == (5 if collection == "named" else 1)
    assert (report.attributes, report.withheld) == (len(numbers), report.objects - len(numbers))


def test_a_right_that_has_ended_is_none(offering: Node, tmp_path: Path):
    def attributes(clock: FixedClock, name: str) -> int:
        return export_feed(offering, clock, tmp_path / name, to="CERT Late", collection="named").attributes

    assert attributes(CLOCK, "before") == 3
    assert attributes(FixedClock(NOW + timedelta(days=2)), "after") == 0


def test_each_collection_has_a_folder_of_its_own(offering: Node, tmp_path: Path):
    report = export_feed(offering, CLOCK, tmp_path / "feed", collection="open")
    assert report.collection is not None
    with pytest.raises(UsageError, match=r"holds the feed for anybody of .*, not for anybody"):
        export(offering, tmp_path / "feed")
    with pytest.raises(NotFoundError, match="no collection"):
        export_feed(offering, CLOCK, tmp_path / "else", collection="nothing")


def labels(folder: Path) -> dict[str, list[str]]:
    """Value of each attribute to the TLP tags that hold for it."""
    found: dict[str, list[str]] = {}
    for path in folder.glob("*-*.json"):
        event = json.loads(path.read_text())["Event"]
        around = [tag["name"] for tag in event.get("Tag", []) if tag["name"].startswith("tlp:")]
        for one in [*event["Attribute"], *(a for held in event.get("Object", []) for a in held["Attribute"])]:
            own = [tag["name"] for tag in one.get("Tag", []) if tag["name"].startswith("tlp:")]
            found[one["value"]] = own or around
    return found


@pytest.mark.parametrize("how", ["import", "collection", "neither"])
def test_a_label_under_which_something_came_goes_with_it(node: Node, tmp_path: Path, how: str):
    folder = tmp_path / "feed"
    tlp = "green" if how == "import" else None
    batch = receive(node, CLOCK, [a_file(tmp_path, marked(1, None), marked(2, CLEAR))], tlp=tlp).batch
    add_root(node, CLOCK, "r", base_url="")
    default = "green" if how == "collection" else None
    new = NewOffer(title="C", root_id="r", alias="c", default_tlp=default)
    add_collection(node, CLOCK, new, base_url="")
    put_batch(node, CLOCK, "c", batch)
    add_token(node, CLOCK, NewCredential(party="CERT Delta", read=("c",)))
    export_feed(node, CLOCK, folder, to="CERT Delta", collection="c")
    clear = {"evil2.example": ["tlp:clear"]}
    assert labels(folder) == ({**clear, "evil1.example": ["tlp:green"]} if how != "neither" else clear)
    if how == "import":
        export_feed(node, CLOCK, tmp_path / "node", to="CERT Delta")
        assert labels(tmp_path / "node") == labels(folder)


def test_an_event_of_misp_without_a_label_goes_out_under_ours_and_comes_back_so(node: Node, tmp_path: Path):
    event = {
        "Event": {
            "uuid": "5b8d9d33-ccf0-4fd9-82dc-7dbc0a016219",
            "info": "No label",
            "date": "2026-01-01",
            "timestamp": "1767225600",
            "published": True,
            "Attribute": [
                {"uuid": "5b8d9d33-ccf0-4fd9-82dc-7dbc0a01621a", "type": "domain", "category": "Network activity",
                 "value": "evil.example", "to_ids": True, "timestamp": "1767225600"},
                {"uuid": "5b8d9d33-ccf0-4fd9-82dc-7dbc0a01621b", "type": "domain", "category": "Network activity",
                 "value": "red.example", "to_ids": True, "timestamp": "1767225600", "Tag": [{"name": "tlp:red"}]},
            ],
        }
    }  # fmt: skip
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    receive(node, CLOCK, [path], party="CERT Beta", tlp="green")
    receive(node, CLOCK, [a_file(tmp_path, marked(9, None))], party="CERT Gamma")
    export_feed(node, CLOCK, tmp_path / "back", to="CERT Beta")
    assert labels(tmp_path / "back") == {"evil.example": [], "red.example": ["tlp:red"]}
    export_feed(node, CLOCK, tmp_path / "feed", to="CERT Gamma")
    assert labels(tmp_path / "feed") == {"evil.example": ["tlp:green"], "evil9.example": []}
    name = tmp_path / "feed" / "5b8d9d33-ccf0-4fd9-82dc-7dbc0a016219.json"
    objects = {one.raw.header.id: codec.decode(one.raw.body) for one in taken(take(name))}
    read = objects["indicator--5b8d9d33-ccf0-4fd9-82dc-7dbc0a01621a"]
    assert tlp_of(read, default=None) is Tlp.GREEN
