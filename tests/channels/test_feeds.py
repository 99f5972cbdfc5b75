"""Lists, tables and MISP feeds over HTTP and from folders: read when they have changed, and only then."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.channels.conftest import Poll, five, only
from tests.channels.misbehaving import Asked, Reply, serving
from tests.desk.made import CLOCK, all_ids

from backchannel.desk.batches import list_batches, undo_batch
from backchannel.desk.channels import show_channel
from backchannel.desk.node import Node

Channel = Callable[..., Poll]

LIST = b"# Servers of malware\r\n203.0.113.9\r\n198.51.100.0/24\r\nevil1[.]example\r\n"
TABLE = (
    b"################\r\n# Feodo\r\n################\r\n"
    b'"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"\r\n'
    b'"2026-01-01 10:00:00","203.0.113.9","443","online","2026-01-02","Dridex"\r\n'
    b'"2026-01-01 11:00:00","203.0.113.10","443","offline","2026-01-02","Dridex"\r\n'
    b"# END 2 entries\r\n"
)


class Feed:
    """One file with the headers of a public feed."""

    def __init__(
        self, body: bytes, *, etag: bool = True, key: str = "", media_type: str = "text/plain"
    ) -> None:
        self.body, self.etag, self.key, self.media_type = body, etag, key, media_type
        self.sent = 0

    def __call__(self, asked: Asked) -> Reply:
        if self.key and asked.headers.get("auth-key") != self.key:
            return Reply(b'{"error": "Unauthorized"}', 401)
        tag = f'"{hash(self.body)}"'
        if self.etag and asked.headers.get("if-none-match") == tag:
            return Reply(b"", 304)
        self.sent += 1
        return Reply(self.body, 200, {"ETag": tag} if self.etag else {}, self.media_type)


@pytest.mark.parametrize(("body", "indicators"), [(LIST, 3), (TABLE, 2), (gzip.compress(LIST), 3)])
def test_a_list_or_table_is_read_by_its_content(channel: Channel, node: Node, body: bytes, indicators: int):
    with serving(Feed(body, media_type="application/octet-stream")) as server:
        found = only(channel(f"{server.url}/c2.txt?key=hidden", kind="feed")())
    assert found.counts.stored == indicators
    (batch,) = list_batches(node).batches
    assert (batch.channel, batch.party) == ("feed", "CERT Beta")
    assert [file.name for file in batch.files] == [f"{server.url}/c2.txt"]


@pytest.mark.parametrize("etag", [True, False])
def test_a_feed_that_has_not_changed_is_not_read_again(channel: Channel, node: Node, etag: bool):
    feed = Feed(LIST, etag=etag)
    with serving(feed) as server:
        poll = channel(f"{server.url}/c2.txt", kind="feed")
        assert only(poll()).counts.objects == 3
        for _ in range(3):
            assert poll().state == "done"
        assert feed.sent == (1 if etag else 4)
        feed.body += b"203.0.113.77\r\n"
        assert five(only(poll())) == (1, 3, 0, 0, 0)
        feed.body = feed.body.replace(b"203.0.113.9\r\n", b"")
        assert five(only(poll())) == (0, 3, 0, 0, 0)
    assert len(list_batches(node).batches) == 2
    arrivals = node.store.database.execute("SELECT count(*) FROM arrival").fetchone()
    assert arrivals == (4,)


def test_a_feed_that_is_undone_is_read_again_on_demand(channel: Channel, node: Node):
    with serving(Feed(LIST)) as server:
        poll = channel(f"{server.url}/c2.txt", kind="feed")
        (number,) = only(poll()).batches
        undo_batch(node, CLOCK, number)  # type: ignore[arg-type]
        assert all_ids(node) == []
        assert poll().collections[0].counts.objects == 0
        assert only(poll(again=True)).counts.stored == 3
    assert len(all_ids(node)) == 3


def test_a_key_in_a_header_is_sent(channel: Channel, tmp_path: Path):
    (tmp_path / "key").write_text("k-4711\n")
    with serving(Feed(LIST, key="k-4711")) as server:
        without = channel(f"{server.url}/c2.txt", kind="feed", name="without")
        assert "(HTTP 401)" in str(only(without()).error)
        terms = {"header": "Auth-Key", "header_file": str(tmp_path / "key")}
        assert only(channel(f"{server.url}/c2.txt", kind="feed", **terms)()).counts.stored == 3


def test_a_web_page_is_no_feed(channel: Channel, node: Node):
    page = b"<!DOCTYPE html>\n<html><body>203.0.113.9</body></html>"
    with serving(Feed(page, media_type="text/html")) as server:
        assert "web page" in str(only(channel(f"{server.url}/c2.txt", kind="feed")()).error)
    assert all_ids(node) == []


def test_a_file_of_this_machine_is_a_feed(channel: Channel, node: Node, tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_bytes(LIST)
    poll = channel(str(path), kind="feed")
    assert only(poll()).counts.stored == 3
    assert only(poll()).counts.objects == 0
    path.write_bytes(LIST + b"203.0.113.77\n")
    assert five(only(poll())) == (1, 3, 0, 0, 0)


# --- MISP ------------------------------------------------------------------------------------------


def uuid(n: int) -> str:
    return f"5a1f1f63-9f4b-4d60-8a55-6f6f5f7c{n:04}"


def event(n: int, stamp: int) -> dict[str, object]:
    return {
        "Event": {
            "uuid": uuid(n),
            "info": f"Event {n}",
            "date": "2026-01-01",
            "timestamp": str(stamp),
            "published": True,
            "analysis": "2",
            "threat_level_id": "1",
            "Orgc": {"name": "CIRCL", "uuid": "55f6ea5e-2c60-40e5-964f-47a8950d210f"},
            "Tag": [{"name": "tlp:green"}],
            "Attribute": [
                {
                    "uuid": f"6b1f1f63-9f4b-4d60-8a55-6f6f5f7c{n:04}",
                    "type": "domain",
                    "category": "Network activity",
                    "value": f"evil{n}.example",
                    "to_ids": True,
                    "timestamp": str(stamp),
                }
            ],
        }
    }


class MispFeed:
    """A folder of a MISP feed over HTTP."""

    def __init__(self, *numbers: int) -> None:
        self.stamps = {n: 1767225600 + n for n in numbers}
        self.missing: set[int] = set()
        self.asked: list[str] = []

    def files(self) -> dict[str, bytes]:
        manifest = {
            uuid(n): {"info": f"Event {n}", "timestamp": stamp if n % 2 else str(stamp)}
            for n, stamp in self.stamps.items()
        }
        events = {
            f"{uuid(n)}.json": json.dumps(event(n, stamp)).encode()
            for n, stamp in self.stamps.items()
            if n not in self.missing
        }
        return {"manifest.json": json.dumps(manifest).encode(), **events}

    def __call__(self, asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        self.asked.append(name)
        body = self.files().get(name)
        if body is None:
            return Reply(b"", 404)
        tag = f'"{hash(body)}"'
        return (
            Reply(b"", 304) if asked.headers.get("if-none-match") == tag else Reply(body, 200, {"ETag": tag})
        )


def events_asked(feed: MispFeed) -> int:
    found = sum(name != "manifest.json" for name in feed.asked)
    feed.asked.clear()
    return found


@pytest.mark.parametrize("path", ["/feed", "/feed/", "/feed/manifest.json"])
def test_a_misp_feed_is_read_event_by_event_and_then_what_has_changed(
    channel: Channel, node: Node, path: str
):
    feed = MispFeed(1, 2, 3)
    with serving(feed) as server:
        poll = channel(server.url + path, kind="misp-feed")
        found = only(poll())
        assert found.error is None
        assert found.counts.stored > 3
        assert events_asked(feed) == 3
        poll()
        assert feed.asked == ["manifest.json"]
        assert events_asked(feed) == 0
        feed.stamps[2] += 1000
        feed.stamps[4] = 1767225600  # older than all others, and new
        assert only(poll()).counts.stored > 0
        assert events_asked(feed) == 2
    assert {one.channel for one in list_batches(node).batches} == {"misp"}
    patterns = [row[0] for row in node.store.database.execute("SELECT pattern FROM indicator")]
    assert {f"[domain-name:value = 'evil{n}.example']" for n in range(1, 5)} <= set(patterns)


def test_an_event_that_is_missing_or_broken_costs_the_others_nothing(channel: Channel, node: Node):
    feed = MispFeed(1, 2, 3)
    feed.missing = {2}
    broken = json.dumps(event(9, 1767225609)).encode()[:-40]
    feed.stamps[9] = 1767225609
    inner = feed.files
    feed.files = lambda: {**inner(), f"{uuid(9)}.json": broken}  # type: ignore[method-assign]
    with serving(feed) as server:
        found = only(channel(server.url + "/feed/", kind="misp-feed")())
    assert any(uuid(2) in note for note in found.notes)
    assert found.counts.refused == 1
    assert show_channel(node, "beta").rejected[0].level == "refuse"
    patterns = [row[0] for row in node.store.database.execute("SELECT pattern FROM indicator")]
    assert len(patterns) == 2


def test_an_event_that_was_missing_is_asked_for_until_it_is_there(channel: Channel, node: Node):
    feed = MispFeed(1, 2)
    feed.missing = {2}
    with serving(feed) as server:
        poll = channel(server.url + "/feed/", kind="misp-feed")
        poll()
        feed.missing = set()
        assert only(poll()).counts.stored > 0
        assert events_asked(feed) == 3
        poll()
        assert events_asked(feed) == 0


def test_a_misp_feed_that_breaks_off_goes_on_where_it_ended(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
):
    feed = MispFeed(*range(1, 7))

    def answer(asked: Asked) -> Reply:
        return Reply(b"", 500) if asked.path.endswith(f"{uuid(4)}.json") and broken else feed(asked)

    broken = True
    with serving(answer) as server:
        poll = channel(server.url + "/feed/", kind="misp-feed")
        assert "(HTTP 500)" in str(only(poll()).error)
        assert events_asked(feed) == 3
        broken = False
        assert only(poll()).error is None
        assert events_asked(feed) == 3


def test_a_folder_is_a_misp_feed(channel: Channel, tmp_path: Path):
    folder = tmp_path / "feed"
    folder.mkdir()
    for name, body in MispFeed(1, 2).files().items():
        (folder / name).write_bytes(body)
    poll = channel(str(folder), kind="misp-feed")
    assert only(poll()).counts.stored > 2
    assert only(poll()).counts.objects == 0


@pytest.mark.parametrize("manifest", [b"[]", b"<html>", b"nothing", b""])
def test_what_has_no_manifest_is_no_misp_feed(channel: Channel, manifest: bytes):
    def answer(asked: Asked) -> Reply:
        return Reply(manifest, 200)

    with serving(answer) as server:
        assert only(channel(server.url + "/feed/", kind="misp-feed")()).error is not None


def test_every_name_in_a_manifest_that_is_no_uuid_is_passed_over(channel: Channel):
    asked: list[str] = []

    def answer(one: Asked) -> Reply:
        asked.append(one.path)
        names = {"../../etc/passwd": {"timestamp": 1}, "x": {"timestamp": 1}, uuid(1): "no"}
        return Reply(json.dumps(names).encode())

    with serving(answer) as server:
        assert only(channel(server.url + "/feed/", kind="misp-feed")()).error is None
    assert asked == ["/feed/manifest.json"]
