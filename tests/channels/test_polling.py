"""A server that does each wrong thing: nothing is lost, nothing is endless, and what is wrong is told."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from tests.channels.conftest import Poll, five, only
from tests.channels.misbehaving import (
    Asked,
    Collection,
    Reply,
    Wrong,
    as_json,
    basic,
    certificate,
    drips,
    filled,
    objects_asked,
    packed,
    serving,
    stamp,
)
from tests.desk.made import CLOCK, NOW, all_ids, an_id, indicator

from backchannel.channels import http, network
from backchannel.channels.opening import open_channel
from backchannel.channels.taxii.envelope import read_envelope
from backchannel.clock import FixedClock
from backchannel.desk.batches import list_batches
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel, list_channels, show_channel
from backchannel.desk.node import Node
from backchannel.desk.polling import poll
from backchannel.desk.pushing import push
from backchannel.errors import NetworkError, NotFoundError, UsageError

Channel = Callable[..., Poll]


@pytest.fixture
def stack() -> ExitStack:
    with ExitStack() as stack:
        yield stack


# --- What there is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/taxii2/",
        "/taxii2",
        "/api/",
        "/api/collections/",
        "/api/collections/{id}/",
        "/api/collections/{id}/objects/",
    ],
)
def test_any_url_of_a_server_leads_to_its_collections(channel: Channel, path: str):
    with serving(filled(5)) as server:
        poll = channel(server.url + path.replace("{id}", filled(0).id))
        assert five(only(poll())) == (5, 0, 0, 0, 0)


@pytest.mark.parametrize("form", ["/api/", "{url}/api/", "{url}/api", "../api/"])
def test_api_roots_are_taken_absolute_and_relative(channel: Channel, form: str):
    inner = filled(5)

    def answer(asked: Asked) -> Reply:
        if asked.path == "/taxii2/":
            root = form.replace("{url}", server.url)
            return Reply(as_json({"title": "T", "default": root, "api_roots": ["/empty/", root]}))
        return inner(asked)

    with serving(answer) as server:
        assert five(only(channel(server.discovery)()))[0] == 5


@pytest.mark.parametrize("wanted", ["107", "ind", "indicators"])
def test_a_collection_is_chosen_by_any_text_as_id_by_alias_or_by_title(channel: Channel, wanted: str):
    with serving(filled(5, id="107")) as server:
        found = only(channel(server.discovery, collections=(wanted,))())
    assert (found.id, found.counts.stored) == ("107", 5)


def test_a_collection_that_is_not_there_is_told_with_those_that_are(channel: Channel):
    with serving(filled(5)) as server:
        polled = channel(server.discovery, collections=("nowhere",))()
    assert "no collection 'nowhere'" in str(polled.error)
    assert "Indicators" in str(polled.hint)


def test_a_collection_of_another_root_than_the_default_is_found_when_it_is_named(channel: Channel):
    one, two = filled(3), filled(4, root="/other/", id="two", title="Two")

    def answer(asked: Asked) -> Reply:
        if asked.path == "/taxii2/":
            return Reply(as_json({"title": "T", "default": "/api/", "api_roots": ["/api/", "/other/"]}))
        return (two if asked.path.startswith("/other/") else one)(asked)

    with serving(answer) as server:
        assert only(channel(server.discovery, collections=("Two",))()).counts.stored == 4


# --- Paging ----------------------------------------------------------------------------------------


def test_a_collection_is_read_page_by_page_and_then_only_what_is_new(channel: Channel, node: Node):
    collection = filled(250)
    with serving(collection) as server:
        poll = channel(server.discovery)
        assert five(only(poll())) == (250, 0, 0, 0, 0)
        assert five(only(poll())) == (0, 0, 0, 0, 0)
        collection.add(indicator(251), indicator(252))
        found = only(poll())
    assert five(found) == (2, 0, 0, 0, 0)
    assert len(all_ids(node)) == 252
    assert [one.channel for one in list_batches(node).batches] == ["taxii", "taxii"]
    assert {one.party for one in list_batches(node).batches} == {"CERT Beta"}


@pytest.mark.parametrize("inclusive", [False, True])
def test_without_next_the_stamps_tell_how_to_go_on(channel: Channel, node: Node, inclusive: bool):
    with serving(filled(250, next=False, inclusive=inclusive)) as server:
        poll = channel(server.discovery)
        assert only(poll()).counts.stored == 250
        assert only(poll()).counts.stored == 0
    assert len(all_ids(node)) == 250


def test_without_next_no_object_is_lost_where_several_have_one_stamp(channel: Channel, node: Node):
    collection = Collection(page=10, next=False)
    for at in range(1, 6):
        collection.add(*(indicator(at * 100 + n) for n in range(7)), at=stamp(at))
    with serving(collection) as server:
        found = only(channel(server.discovery)())
    assert len(all_ids(node)) == 35
    assert found.error is None


def test_without_next_a_page_of_one_stamp_is_asked_for_larger(channel: Channel, node: Node):
    collection = Collection(page=4_000, next=False)
    collection.add(*(indicator(n) for n in range(1, 1_500)), at=stamp(1))
    collection.add(indicator(2_000), at=stamp(2))
    with serving(collection) as server:
        assert only(channel(server.discovery)()).error is None
    assert len(all_ids(node)) == 1_500


def test_an_inclusive_added_after_brings_the_last_object_again_and_makes_no_batch_of_it(
    channel: Channel, node: Node
):
    with serving(filled(20, inclusive=True)) as server:
        poll = channel(server.discovery)
        poll()
        assert five(only(poll())) == (0, 1, 0, 0, 0)
    assert len(list_batches(node).batches) == 1


def test_without_stamps_the_next_poll_begins_by_the_servers_clock(channel: Channel, node: Node):
    collection = filled(20, stamps=False, date="Thu, 01 Jan 2026 00:10:00 GMT")
    with serving(collection) as server:
        poll = channel(server.discovery)
        assert only(poll()).counts.stored == 20
        collection.add(indicator(21), at="2026-01-01T00:09:00.000000Z")
        assert only(poll()).counts.stored == 1
        assert server.listings()[-1].query["added_after"] == "2026-01-01T00:05:00.000000Z"


def test_a_stamp_from_the_servers_future_does_not_end_reading_for_good(channel: Channel):
    collection = filled(3, date="Thu, 01 Jan 2026 00:10:00 GMT")
    collection.add(indicator(4), at="2999-01-01T00:00:00.000000Z")
    with serving(collection) as server:
        poll = channel(server.discovery)
        assert only(poll()).counts.stored == 4
        collection.objects.insert(3, ("2026-01-01T00:11:00.000000Z", as_json(indicator(5))))
        assert only(poll()).counts.stored == 1


def test_our_own_clock_says_nothing_about_what_is_asked_for(channel: Channel, node: Node):
    collection = filled(3, date="Thu, 01 Jan 2026 00:10:00 GMT")
    with serving(collection) as server:
        channel(server.discovery)
        for clock in (FixedClock(NOW + timedelta(days=900)), FixedClock(NOW - timedelta(days=900))):
            poll(node, clock, ["beta"], open_channel, pause=time.sleep)
            assert "2026-01-01T00:00" in server.listings()[-1].query.get("added_after", "2026-01-01T00:00")
        collection.add(indicator(4))
        assert (
            poll(node, CLOCK, [], open_channel, pause=time.sleep).channels[0].collections[0].counts.stored
            == 1
        )


def test_the_same_page_for_ever_is_read_once_and_told(channel: Channel, node: Node):
    collection = filled(10)

    def same(asked: Asked) -> Reply:
        return collection.envelope(
            collection.objects, more=True, following=asked.query.get("next", "0") + "1"
        )

    with serving(Wrong(collection, objects_asked, same)) as server:
        found = only(channel(server.discovery)())
        assert len(server.listings()) == 2
    assert "same page again" in str(found.error)
    assert len(all_ids(node)) == 10
    assert list_channels(node).channels[0].state == "failing"


def test_the_same_page_for_ever_without_next_ends_too(channel: Channel, node: Node):
    collection = filled(10)
    with serving(
        Wrong(collection, objects_asked, lambda _: collection.envelope(collection.objects, more=True))
    ) as server:
        found = only(channel(server.discovery)())
        assert len(server.listings()) < 8
    assert "same page again" in str(found.error)
    assert len(all_ids(node)) == 10


def test_more_and_more_of_nothing_ends_and_is_told(channel: Channel):
    collection = filled(10)
    numbers = iter(range(10_000))
    empty = Wrong(
        collection, objects_asked, lambda _: collection.envelope([], more=True, following=f"n{next(numbers)}")
    )
    with serving(empty) as server:
        found = only(channel(server.discovery)())
        assert len(server.listings()) == 6
    assert "sends none of it" in str(found.error)


def test_an_empty_page_in_between_ends_nothing(channel: Channel):
    collection = filled(250)
    gap = Wrong(
        collection,
        lambda asked: objects_asked(asked) and asked.query.get("next") == "100",
        lambda _: collection.envelope([], more=True, following="100"),
        times=2,
    )
    with serving(gap) as server:
        assert only(channel(server.discovery)()).counts.stored == 250


def test_more_without_next_and_without_stamps_is_told(channel: Channel, node: Node):
    with serving(filled(250, next=False, stamps=False)) as server:
        found = only(channel(server.discovery)())
    assert "neither by `next` nor by stamps" in str(found.error)
    assert found.counts.stored == 100


def test_a_next_that_the_server_has_forgotten_is_begun_again_from_the_last_stamp(
    channel: Channel, node: Node
):
    collection = filled(250)
    broken = Wrong(
        collection, lambda asked: asked.query.get("next") == "200", lambda _: Reply(b"{}", 502), times=3
    )
    forgets = Wrong(broken, lambda asked: asked.query.get("next") == "200", lambda _: Reply(b"{}", 400))
    with serving(forgets) as server:
        forgets.times = 0
        poll = channel(server.discovery)
        assert "failed" in str(only(poll()).error)
        forgets.times = 1
        assert five(only(poll()))[0] == 50
    assert len(all_ids(node)) == 250


# --- What answers are ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "media_type", ["APPLICATION/TAXII+JSON; VERSION=2.1", "application/json", "text/plain; charset=utf-8", ""]
)
def test_a_wrong_content_type_is_told_and_costs_nothing(channel: Channel, media_type: str):
    with serving(filled(5, media_type=media_type)) as server:
        found = only(channel(server.discovery)())
    assert found.counts.stored == 5
    assert bool(found.notes) == ("json" not in media_type.lower())


def test_a_web_page_with_a_good_status_is_no_taxii(channel: Channel):
    collection = filled(5)
    page = Reply(b"<!DOCTYPE html><html><title>Sign in</title></html>", media_type="text/html")
    with serving(Wrong(collection, objects_asked, lambda _: page)) as server:
        assert "web page" in str(only(channel(server.discovery)()).error)
    with serving(lambda _: page) as server:
        assert "web page" in str(channel(server.discovery, name="other")().error)


@pytest.mark.parametrize("status", [401, 403, 404, 500, 410])
def test_each_refusal_is_told_in_words(channel: Channel, status: int):
    with serving(Wrong(filled(5), objects_asked, lambda _: Reply(b"{}", status))) as server:
        error = str(only(channel(server.discovery)()).error)
    assert f"(HTTP {status})" in error
    assert "Traceback" not in error


def test_a_body_that_is_cut_off_is_asked_for_again_and_never_taken_in_part(channel: Channel, node: Node):
    collection = filled(250)

    def cut(asked: Asked) -> Reply:
        whole = collection(asked)
        return Reply(whole.body[: len(whole.body) // 2], 200, whole.headers, length=len(whole.body))

    second = Wrong(collection, lambda asked: asked.query.get("next") == "100", cut, times=1)
    with serving(second) as server:
        assert only(channel(server.discovery)()).counts.stored == 250
    always = Wrong(collection, lambda asked: asked.query.get("next") == "100", cut)
    with serving(always) as server:
        found = only(channel(server.discovery, name="other")())
    assert "ends in the middle" in str(found.error)
    assert found.counts.objects == 100


@pytest.mark.parametrize("where", [0.1, 0.5, 0.99])
def test_a_body_that_is_cut_off_without_saying_its_length_is_not_taken_in_part(
    channel: Channel, where: float
):
    collection = filled(50)

    def cut(asked: Asked) -> Reply:
        whole = collection(asked)
        return Reply(whole.body[: int(len(whole.body) * where)], 200, whole.headers)

    with serving(Wrong(collection, objects_asked, cut)) as server:
        found = only(channel(server.discovery)())
    assert found.error is not None
    assert found.counts.objects == 0


@pytest.mark.parametrize(
    "broken",
    [
        b'{"type": "indicator", "id": }',
        b'{"type": "indicator" "id": "x"}',
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xe9"}',
        b'{"a": 1, "a": 2}',
    ],
)
def test_an_object_that_is_no_json_costs_only_itself(channel: Channel, node: Node, broken: bytes):
    collection = filled(5)
    collection.objects.insert(2, (stamp(2), broken))
    with serving(collection) as server:
        found = only(channel(server.discovery)())
    assert five(found) == (5, 0, 0, 0, 1)
    shown = show_channel(node, "beta")
    assert [finding.level for finding in shown.rejected] == ["refuse"]
    assert "/objects/2" in shown.rejected[0].where


def test_what_is_refused_and_set_aside_is_told_with_its_reason(channel: Channel, node: Node):
    collection = filled(2)
    collection.add(indicator(3, pattern="[[["), {"type": "indicator"})
    with serving(collection) as server:
        found = only(channel(server.discovery)())
    assert five(found) == (2, 0, 0, 1, 1)
    assert sorted(one.level for one in show_channel(node, "beta").rejected) == ["quarantine", "refuse"]


def test_objects_are_kept_as_the_bytes_that_came(channel: Channel, node: Node):
    body = (
        b'{ "type":"identity","spec_version":"2.1", "id":"%s",\n "created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","name":"\\u00c4" }'
        % an_id("identity", 9).encode()
    )
    collection = Collection(objects=[(stamp(1), body)])
    with serving(collection) as server:
        channel(server.discovery)()
    kept = node.store.objects.current(an_id("identity", 9))
    assert kept is not None
    assert kept.body == body


# --- Bounds ----------------------------------------------------------------------------------------


def test_a_packed_answer_is_unpacked_and_a_bomb_is_not(channel: Channel, monkeypatch: pytest.MonkeyPatch):
    collection = filled(50)
    with serving(Wrong(collection, objects_asked, lambda asked: packed(collection(asked).body))) as server:
        assert only(channel(server.discovery)()).counts.stored == 50
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 2**20)
    bomb = packed(b'{"objects":[' + b" " * 2**24 + b"]}")
    assert len(bomb.body) < 2**15
    with serving(Wrong(collection, objects_asked, lambda _: bomb)) as server:
        assert "larger than" in str(only(channel(server.discovery, name="other")()).error)


def test_a_packed_answer_that_is_cut_off_or_damaged_is_not_taken(channel: Channel):
    whole = packed(filled(50).envelope(filled(50).objects).body)
    for name, body in (
        ("cut", whole.body[:-200]),
        ("damaged", whole.body[:100] + b"\0" * 50 + whole.body[150:]),
    ):
        reply = Reply(body, 200, whole.headers)
        with serving(Wrong(filled(50), objects_asked, lambda _, reply=reply: reply)) as server:
            found = only(channel(server.discovery, name=name)())
        assert found.error is not None
        assert found.counts.objects == 0


def test_an_answer_that_never_ends_is_ended_by_time(channel: Channel, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(network, "REQUEST_S", 0.3)
    with serving(Wrong(filled(5), objects_asked, lambda _: Reply(write=drips))) as server:
        poll = channel(server.discovery)
        began = time.monotonic()
        assert "in time" in str(only(poll()).error)
        assert time.monotonic() - began < 5


def test_an_answer_that_does_not_come_is_not_waited_for(channel: Channel, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(http._TIMEOUTS, "read", 0.2)
    with serving(Wrong(filled(5), objects_asked, lambda _: Reply(write=lambda _: time.sleep(1)))) as server:
        assert "in time" in str(only(channel(server.discovery)()).error)


def test_headers_without_end_are_refused(channel: Channel):
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 2**20)

    with serving(Wrong(filled(5), objects_asked, lambda _: Reply(write=endless))) as server:
        assert only(channel(server.discovery)()).error is not None


def test_a_server_that_is_gone_is_told_in_words(channel: Channel):
    with serving(filled(5)) as server:
        url = server.discovery
    polled = channel(url)()
    assert "nothing listens" in str(polled.error)


# --- Patience --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_given(channel: Channel, waits: list[float], status: int):
    busy = Wrong(filled(5), objects_asked, lambda _: Reply(b"", status, {"Retry-After": "7"}), times=2)
    with serving(busy) as server:
        assert only(channel(server.discovery)()).counts.stored == 5
    assert waits == [7.0, 7.0]


def test_retry_after_as_a_date_is_measured_by_the_servers_clock(channel: Channel, waits: list[float]):
    headers = {"Date": "Thu, 01 Jan 2015 00:00:00 GMT", "Retry-After": "Thu, 01 Jan 2015 00:00:09 GMT"}
    with serving(Wrong(filled(5), objects_asked, lambda _: Reply(b"", 503, headers), times=1)) as server:
        assert only(channel(server.discovery)()).counts.stored == 5
    assert waits == [9.0]


def test_a_long_retry_after_ends_the_poll_and_sets_the_next_one(
    channel: Channel, node: Node, waits: list[float]
):
    with serving(
        Wrong(filled(5), objects_asked, lambda _: Reply(b"", 503, {"Retry-After": "7200"}))
    ) as server:
        assert "too busy" in str(only(channel(server.discovery)()).error)
    assert waits == []
    due = list_channels(node).channels[0].due_at
    assert due is not None
    assert due >= "2026-03-01T14:00"


def test_a_connection_that_breaks_is_tried_again(channel: Channel, waits: list[float]):
    with serving(
        Wrong(filled(5), objects_asked, lambda _: Reply(write=lambda c: c.close()), times=2)
    ) as server:
        assert only(channel(server.discovery)()).counts.stored == 5
    assert len(waits) == 2
    assert 0 < waits[0] < waits[1] * 4 < 10


def test_a_channel_that_fails_is_polled_more_and_more_rarely(channel: Channel, node: Node):
    with serving(lambda _: Reply(b"{}", 500)) as server:
        poll = channel(server.discovery)
        waits = []
        for _ in range(8):
            poll()
            summary = list_channels(node).channels[0]
            waits.append(summary.due_at or "")
    assert summary.failures == 8
    assert waits[:4] == sorted(waits[:4])
    assert waits[0] < "2026-03-01T12:17"
    assert "2026-03-01T17" < waits[-1] < "2026-03-01T19"


def test_one_collection_that_fails_costs_the_others_nothing(channel: Channel, node: Node):
    one, two = filled(3), filled(4, id="two", title="Two")

    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/collections/":
            return Reply(as_json({"collections": [one.value(), two.value()]}))
        if "/two/" in asked.path:
            return two(asked)
        return Reply(b"{}", 500) if objects_asked(asked) else one(asked)

    with serving(answer) as server:
        polled = channel(server.discovery)()
    assert [found.counts.stored for found in polled.collections] == [0, 4]
    assert polled.state == "failed"


# --- Redirects, credentials, addresses -------------------------------------------------------------


def test_a_redirect_is_followed_on_the_same_host_with_credentials(channel: Channel, secrets: Path):
    inner = filled(5)

    def answer(asked: Asked) -> Reply:
        if asked.path.startswith("/old/"):
            return Reply(b"", 308, {"Location": asked.path.replace("/old/", "/")})
        return inner(asked)

    with serving(answer) as server:
        poll = channel(f"{server.url}/old/taxii2/", user="alpha", password_file=str(secrets / "password"))
        assert only(poll()).counts.stored == 5
        assert {one.headers.get("authorization") for one in server.asked} == {basic("alpha", SECRET)}


def test_credentials_do_not_follow_a_redirect_to_another_host(channel: Channel, secrets: Path):
    with serving(filled(5)) as other:
        elsewhere = Wrong(
            filled(5), objects_asked, lambda asked: Reply(b"", 302, {"Location": other.url + asked.path})
        )
        with serving(elsewhere) as server:
            poll = channel(
                server.discovery,
                user="alpha",
                password_file=str(secrets / "password"),
                header="X-API-Key",
                header_file=str(secrets / "key"),
            )
            poll()
            assert all(one.headers.get("x-api-key") == SECRET for one in server.asked)
        assert other.asked
        assert all(
            "authorization" not in one.headers and "x-api-key" not in one.headers for one in other.asked
        )


def test_an_api_root_on_another_host_gets_no_credentials(channel: Channel, secrets: Path):
    with serving(filled(5)) as other:
        value = as_json({"title": "T", "default": f"{other.url}/api/", "api_roots": [f"{other.url}/api/"]})
        with serving(lambda _: Reply(value)) as server:
            channel(server.discovery, token_file=str(secrets / "token"))()
        assert other.asked
        assert all("authorization" not in one.headers for one in other.asked)


def test_redirects_have_an_end(channel: Channel):
    with serving(lambda asked: Reply(b"", 302, {"Location": asked.path + "x"})) as server:
        assert "more than 3 times" in str(channel(server.url + "/a/")().error)


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/", "http://[fd00:ec2::254]/", "http://0.0.0.0:1/"]
)
def test_a_redirect_to_where_no_channel_is_goes_nowhere_even_with_allow_private(
    channel: Channel, target: str
):
    with serving(lambda _: Reply(b"", 302, {"Location": target})) as server:
        assert "is not asked" in str(channel(server.discovery)().error)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_private_address_is_not_asked_unless_the_channel_allows_it(channel: Channel, host: str):
    with serving(filled(5)) as server:
        polled = channel(f"https://{host}:{server.port}/taxii2/", allow_private=False)()
        assert server.asked == []
    assert "is not asked" in str(polled.error)
    assert "--allow-private" in str(polled.hint)


def test_it_is_the_address_connected_to_that_is_asked_about(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
):
    """A name server that gives a public address first and a private one then (DNS rebinding)."""
    asked = []

    def lookup(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", port))]

    monkeypatch.setattr(network.socket, "getaddrinfo", lookup)
    polled = channel("https://rebinding.example/taxii2/", allow_private=False)()
    assert asked == ["rebinding.example"]
    assert "rebinding.example stands for 10.0.0.7 is not asked" in str(polled.error)


def test_taxii_over_http_is_only_for_ones_own_network(node: Node):
    with pytest.raises(UsageError, match="https"):
        add_channel(node, CLOCK, "taxii", Terms(url="http://taxii.example/taxii2/"))


def test_a_password_in_a_url_is_refused_and_not_repeated(node: Node):
    with pytest.raises(UsageError) as caught:
        add_channel(node, CLOCK, "taxii", Terms(url="https://alpha:geheim@taxii.example/taxii2/"))
    assert "geheim" not in caught.value.message + caught.value.hint


# --- Who we are ------------------------------------------------------------------------------------

SECRET = "s3cret-Wort-7719"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name in ("password", "token", "key"):
        (tmp_path / name).write_text(SECRET + "\n")
    (tmp_path / "scheme").write_text(f"Token {SECRET}")
    return tmp_path


def test_each_kind_of_credential_is_sent(channel: Channel, secrets: Path):
    kinds = {
        "password": ({"user": "alpha", "password_file": str(secrets / "password")}, basic("alpha", SECRET)),
        "bearer": ({"token_file": str(secrets / "token")}, f"Bearer {SECRET}"),
        "token": ({"token_file": str(secrets / "scheme")}, f"Token {SECRET}"),
    }
    with serving(filled(1)) as server:
        for name, (terms, sent) in kinds.items():
            channel(server.discovery, name=name, **terms)()
            assert server.asked[-1].headers["authorization"] == sent
        channel(server.discovery, name="header", header="Auth-Key", header_file=str(secrets / "key"))()
        assert server.asked[-1].headers["auth-key"] == SECRET
        assert server.asked[-1].headers["user-agent"].startswith("Backchannel/")


def test_no_secret_is_shown_anywhere(
    channel: Channel,
    node: Node,
    secrets: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    caplog.set_level(logging.DEBUG)
    with serving(lambda _: Reply(SECRET.encode(), 401, {"WWW-Authenticate": "Basic"})) as server:
        polled = [
            channel(
                f"{server.discovery}?key={SECRET}",
                user="alpha",
                password_file=str(secrets / "password"),
                header="X-API-Key",
                header_file=str(secrets / "key"),
            )(),
            channel(server.discovery, name="two", token_file=str(secrets / "token"))(),
        ]
    told = [
        repr(polled),
        repr(show_channel(node, "beta")),
        repr(list_channels(node)),
        caplog.text,
        *capfd.readouterr(),
    ]
    assert not [text for text in told if SECRET in text]
    assert "(HTTP 401)" in str(polled[0].error)
    rows = node.store.database.execute("SELECT terms FROM channel WHERE name = 'two'").fetchall()
    assert SECRET not in repr(rows)


def test_a_certificate_and_a_password_go_together_over_tls(channel: Channel, tmp_path: Path, secrets: Path):
    chain, key = certificate(tmp_path, "server")
    ours, our_key = certificate(tmp_path, "client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.load_verify_locations(ours)
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(filled(5), tls=context) as server:
        terms = {"user": "alpha", "password_file": str(secrets / "password"), "ca": str(chain)}
        with_both = channel(server.discovery, client_cert=str(ours), client_key=str(our_key), **terms)
        assert only(with_both()).counts.stored == 5
        assert server.asked[-1].headers["authorization"] == basic("alpha", SECRET)
        without = channel(server.discovery, name="bare", **terms)()
        assert without.error is not None


def test_a_certificate_that_nobody_vouches_for_is_refused(channel: Channel, tmp_path: Path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path, "server"))
    with serving(filled(5), tls=context) as server:
        polled = channel(server.discovery)()
        assert server.asked == []
    assert "not trusted" in str(polled.error)
    assert "--ca" in str(polled.hint)


def test_an_unknown_channel_and_a_name_twice_are_told(channel: Channel, node: Node):
    channel("https://taxii.example/taxii2/")
    with pytest.raises(UsageError, match="already"):
        channel("https://taxii.example/taxii2/", name="BETA")
    with pytest.raises(NotFoundError):
        show_channel(node, "gamma")


# --- What the standard asks of a client (TAXII 2.1 §3.1, §8.5) ---------------------------------------


def test_3_1_every_request_names_its_types_and_ends_its_path_with_a_slash(channel: Channel, node: Node):
    with serving(filled(25)) as server:
        channel(server.discovery)()
        push(node, CLOCK, "beta", [str(indicator(1)["id"])], open_channel, pause=lambda _: None)
        asked = list(server.asked)
    assert {one.method for one in asked} == {"GET", "POST"}
    for one in asked:
        assert one.path.endswith("/"), one.path
        assert one.headers["accept"].startswith("application/taxii+json;version=2.1"), one.path
        assert one.headers["user-agent"].startswith("Backchannel/")
        if one.method == "POST":
            assert one.headers["content-type"] == "application/taxii+json;version=2.1"


def test_8_5_a_server_that_speaks_no_tls_1_2_is_not_read(channel: Channel, tmp_path: Path):
    chain, key = certificate(tmp_path, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(filled(5), tls=context) as server:
        polled = channel(server.discovery, ca=str(chain))()
        assert server.asked == []
    assert "no secure connection" in str(polled.error)


def test_a_broken_answer_of_a_misp_server_is_no_envelope():
    with pytest.raises(NetworkError, match="something else than TAXII"):
        read_envelope(b'{"response": [{"id": NaN}]}', "application/taxii+json;version=2.1", "the server")
