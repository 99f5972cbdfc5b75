"""A server that speaks TAXII 2.0 only: other media types, a bundle for a page, and items counted by Range."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from tests.channels.conftest import Poll, five, only
from tests.channels.misbehaving import Asked, Reply, as_json, serving, stamp
from tests.desk.made import Made, all_ids, an_id, indicator

from backchannel.desk.node import Node

TAXII = "application/vnd.oasis.taxii+json; version=2.0"
STIX = "application/vnd.oasis.stix+json; version=2.0"


def old(n: int) -> Made:
    value = indicator(n)
    for name in ("spec_version", "pattern_type", "indicator_types"):
        del value[name]
    return {**value, "labels": ["malicious-activity"]}


@dataclass
class Old:
    """TAXII 2.0 §3.4: `Range: items 0-99`, 206 with `Content-Range`, `added_after`."""

    objects: list[Made] = field(default_factory=list)
    page: int = 100
    ranges: bool = True
    total: bool = True
    refuses_newer: int = 406

    def __call__(self, asked: Asked) -> Reply:
        accepts = asked.headers.get("accept", "")
        is_listing = asked.path.endswith("/objects/")
        if accepts not in ({STIX} if is_listing else {TAXII}):
            return Reply(as_json({"title": "no"}), self.refuses_newer, media_type=TAXII)
        if asked.path == "/taxii/":
            return Reply(
                as_json({"title": "Old", "default": "/api/", "api_roots": ["/api/"]}), media_type=TAXII
            )
        if asked.path == "/api/":
            return Reply(
                as_json({"title": "R", "versions": ["taxii-2.0"], "max_content_length": 9765625}),
                media_type=TAXII,
            )
        if asked.path == "/api/collections/":
            value = {"id": "old", "title": "Old things", "can_read": True, "can_write": False}
            return Reply(as_json({"collections": [value]}), media_type=TAXII)
        return self.listing(asked) if is_listing else Reply(b"{}", 404)

    def listing(self, asked: Asked) -> Reply:
        after = asked.query.get("added_after", "")
        found = [one for n, one in enumerate(self.objects, 1) if stamp(n) > after]
        numbers = re.fullmatch(r"items (\d+)-(\d+)", asked.headers.get("range", ""))
        first, last = (int(numbers[1]), int(numbers[2])) if numbers and self.ranges else (0, len(found) - 1)
        last = min(last, first + self.page - 1, len(found) - 1) if self.ranges else last
        if first and first >= len(found):
            return Reply(b"{}", 416, media_type=TAXII)
        shown = found[first : last + 1]
        body: Made = {"type": "bundle", "id": an_id("bundle", 1), "spec_version": "2.0", "objects": shown}
        headers = {}
        if shown:
            headers["X-TAXII-Date-Added-Last"] = stamp(self.objects.index(shown[-1]) + 1)
        if self.ranges:
            headers["Content-Range"] = f"items {first}-{last}/{len(found) if self.total else '*'}"
        return Reply(json.dumps(body).encode(), 206 if self.ranges else 200, headers, STIX)


@pytest.mark.parametrize("refuses_newer", [406, 404, 415])
@pytest.mark.parametrize("path", ["", "/taxii/", "/api/"])
def test_a_server_of_taxii_2_0_is_read_by_ranges(
    channel: Callable[..., Poll], node: Node, path: str, refuses_newer: int
):
    server = Old([old(n) for n in range(1, 251)], refuses_newer=refuses_newer)
    with serving(server) as served:
        poll = channel(served.url + path)
        assert five(only(poll())) == (250, 0, 0, 0, 0)
        server.objects += [old(251), old(252)]
        assert five(only(poll())) == (2, 0, 0, 0, 0)
        assert five(only(poll())) == (0, 0, 0, 0, 0)
    assert len(all_ids(node)) == 252
    kept = node.store.objects.current(str(old(1)["id"]))
    assert kept is not None
    assert kept.spec_version == "2.0"


@pytest.mark.parametrize(("ranges", "total"), [(False, True), (True, False)])
def test_a_server_that_gives_all_at_once_or_no_total_is_read_to_its_end(
    channel: Callable[..., Poll], node: Node, ranges: bool, total: bool
):
    with serving(Old([old(n) for n in range(1, 206)], ranges=ranges, total=total)) as served:
        found = only(channel(served.url)())
    assert found.error is None
    assert found.counts.stored == 205


def test_ranges_that_go_nowhere_have_an_end(channel: Callable[..., Poll]):
    old_server = Old([old(n) for n in range(1, 30)])

    def stuck(asked: Asked) -> Reply:
        if not asked.path.endswith("/objects/"):
            return old_server(asked)
        reply = old_server.listing(Asked("GET", asked.path, {}, {"range": "items 0-9"}, b""))
        reply.headers["Content-Range"] = "items 0-9/29"
        return reply

    with serving(stuck) as served:
        found = only(channel(served.url + "/taxii/")())
        assert len(served.listings()) == 2
    assert "again and again" in str(found.error)
