"""What is malformed, oversized, deep, slow or never ends: bounded, answered, nothing lost, nobody else slowed."""

from __future__ import annotations

import logging
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.channels.taxii.server.asking import TAXII, Asking
from tests.channels.taxii.server.conftest import serving
from tests.channels.taxii.server.place import OBJECTS, ROOT, SHARED, Place
from tests.desk.made import an_id, indicator

from backchannel import codec
from backchannel.channels.bounds import MAX_BODY_BYTES, Limits
from backchannel.channels.forwarded import trusted_networks
from backchannel.desk import paging, posting
from backchannel.desk.lock import import_lock

SAME_NODE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
QUICK = Limits(body_idle_s=0.4, body_s=1.5, refused_s=0.4)


@pytest.fixture
def quick_url(place: Place) -> Iterator[str]:
    """A server that waits less long than ours does."""
    with serving(place, limits=QUICK) as url:
        yield url


def connect(url: str) -> socket.socket:
    split = urlsplit(url)
    return socket.create_connection((split.hostname or "", split.port or 0), timeout=15)


def head(place: Place, more: str = "") -> bytes:
    return (
        f"POST {OBJECTS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {TAXII}\r\nContent-Type: {TAXII}\r\n"
        f"Authorization: Bearer {place.vessland}\r\n{more}\r\n"
    ).encode()


def until_closed(client: socket.socket) -> bytes:
    got = b""
    try:
        while chunk := client.recv(2**16):
            got += chunk
    except ConnectionResetError:
        pass
    return got


def is_told(answer: bytes, status: int) -> bool:
    """Whether raw bytes are an error resource of that status."""
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 %d " % status), top[:200]
    assert b"content-type: application/taxii+json;version=2.1\r\n" in top.lower() + b"\r\n"
    return bool(codec.decode(body)["http_status"] == str(status))


# --- Bodies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [33, 1000, 100_000, 1_000_000])
@pytest.mark.parametrize("opened", [b"[", b'{"a":'])
def test_deep_bodies_are_refused(vessland: Asking, depth: int, opened: bytes):
    object_ = codec.encode(indicator(1))[:-1] + b',"x_deep":' + opened * depth
    for body in (opened * depth, b'{"objects":[' + object_):
        answer = vessland.ask(OBJECTS, method="POST", body=body[:MAX_BODY_BYTES])
        assert answer.status == 422
        assert b"Traceback" not in answer.body
    assert vessland.ask(OBJECTS).document == {"more": False}


def test_a_deep_object_does_not_cost_its_neighbours(vessland: Asking):
    deep = codec.encode(indicator(1))[:-1] + b',"x_deep":' + b"[" * 60 + b"]" * 60 + b"}"
    answer = vessland.post(OBJECTS, indicator(2), deep, indicator(3))
    assert (answer.document["success_count"], answer.document["failure_count"]) == (2, 1)
    assert vessland.ids(OBJECTS) == [an_id("indicator", n) for n in (2, 3)]


BAD_OBJECTS = [
    b"7",
    b"null",
    b'"text"',
    b"[]",
    b"{}",
    b'{"type":"indicator"}',
    b'{"type":"indicator","id":"indicator--nonsense"}',
    b'{"type":7,"id":[]}',
    b'{"id":"' + b"x" * 5000 + b'"}',
    codec.encode(indicator(9, modified="yesterday")),
    codec.encode(indicator(9, id=an_id("malware", 9))),
    codec.encode(indicator(9))[:-1] + b',"name":"twice"}',
    codec.encode(indicator(9))[:-1] + b',"x_n":123456789012345678901234567890}',
    codec.encode(indicator(9, pattern="[" * 5000)),
]


@pytest.mark.parametrize("bad", BAD_OBJECTS)
def test_a_bad_object_is_named_and_the_good_ones_are_kept(vessland: Asking, bad: bytes):
    answer = vessland.post(OBJECTS, indicator(1), bad, indicator(2))
    assert answer.status == 202
    document = answer.document
    assert (document["total_count"], document["success_count"], document["failure_count"]) == (3, 2, 1)
    (failure,) = document["failures"]
    assert failure["message"]
    assert len(codec.encode(failure)) < 3000
    assert vessland.ids(OBJECTS) == [an_id("indicator", n) for n in (1, 2)]


def test_the_same_version_with_other_content_is_a_conflict_and_said(vessland: Asking):
    vessland.post(OBJECTS, indicator(1))
    document = vessland.post(OBJECTS, indicator(1, name="Otherwise"), indicator(2)).document
    (failure,) = document["failures"]
    assert failure["id"] == an_id("indicator", 1)
    assert "same id and version" in failure["message"]
    assert document["success_count"] == 1


@SAME_NODE
@given(st.binary(max_size=300))
def test_no_bytes_break_a_post(vessland: Asking, body: bytes):
    answer = vessland.ask(OBJECTS, method="POST", body=body)
    assert answer.status in {202, 422}
    assert answer.headers["Content-Type"] == TAXII
    assert b"Traceback" not in answer.body


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@SAME_NODE
@given(st.lists(JSON_VALUES, max_size=4))
def test_no_values_break_a_post(vessland: Asking, values: list[object]):
    answer = vessland.ask(OBJECTS, method="POST", body=codec.encode({"objects": values}))
    assert answer.status == 202
    assert answer.document["failure_count"] == answer.document["total_count"] == len(values)


# --- Lengths and speed ---------------------------------------------------------------------------------


def test_a_body_that_says_too_much_is_refused_before_it_comes(place: Place, quick_url: str):
    with connect(quick_url) as client:
        client.sendall(head(place, "Content-Length: 99999999999\r\n"))
        assert is_told(until_closed(client), 413)


@pytest.mark.parametrize(
    "length", ["-1", "+5", "0x10", "1e3", "5, 5", "9" * 400, "\u0665".encode().decode("latin-1")]
)
def test_a_length_that_is_no_number_is_refused(place: Place, quick_url: str, length: str):
    with connect(quick_url) as client:
        client.sendall(
            head(place).replace(b"\r\n\r\n", f"\r\nContent-Length: {length}\r\n\r\n".encode("latin-1"))
        )
        assert until_closed(client).split(b" ", 2)[1] in {b"400", b"413"}


def test_two_lengths_or_a_length_and_chunks_are_refused(place: Place, quick_url: str):
    for more in (
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ):
        with connect(quick_url) as client:
            client.sendall(head(place, more) + b"{}")
            assert until_closed(client).startswith(b"HTTP/1.1 4")


def test_a_post_without_length_is_refused(place: Place, quick_url: str):
    with connect(quick_url) as client:
        client.sendall(head(place))
        assert is_told(until_closed(client), 411)


def test_chunks_that_never_end_are_refused_when_they_are_too_many(place: Place, url: str):
    with connect(url) as client:
        client.sendall(head(place, "Transfer-Encoding: chunked\r\n"))
        chunk = b"%x\r\n" % 2**20 + b"x" * 2**20 + b"\r\n"
        try:
            for _ in range(100):
                client.sendall(chunk)
        except OSError:
            pass  # it does not listen for ever
        else:
            pytest.fail("100 MiB were taken")


def test_a_body_that_is_larger_than_may_be_hears_so_although_it_is_still_being_sent(vessland: Asking):
    answer = vessland.ask(OBJECTS, method="POST", body=b" " * (MAX_BODY_BYTES + 2**20))
    assert answer.status == 413
    assert "max_content_length" in answer.document["description"]


def test_who_asks_first_whether_to_send_is_told_no_without_a_byte_of_the_body(place: Place, url: str):
    with connect(url) as client:
        began = time.monotonic()
        client.sendall(head(place, "Content-Length: 99999999\r\nExpect: 100-continue\r\n"))
        assert is_told(until_closed(client), 413)
        assert time.monotonic() - began < 3
    body = codec.encode({"objects": [indicator(1)]})
    with connect(url) as client:
        client.sendall(
            head(place, f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n")
        )
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        assert b"HTTP/1.1 202 " in until_closed(client)


def test_a_stranger_s_body_is_not_read_before_it_is_known_who_sends_it(place: Place, url: str):
    with connect(url) as client:
        unknown = head(place, "Content-Length: 10000000\r\nExpect: 100-continue\r\n").replace(b"vvv", b"www")
        client.sendall(unknown)
        assert is_told(until_closed(client), 401), "and no 100 before it"


@pytest.mark.parametrize("pause_s", [None, 0.1])
def test_a_body_that_stands_still_or_trickles_is_given_up_and_nobody_waits_for_it(
    place: Place, quick_url: str, pause_s: float | None
):
    other = Asking(quick_url, f"Bearer {place.sorrel}")
    slow = [connect(quick_url) for _ in range(2)]
    try:
        for client in slow:
            client.sendall(head(place, "Content-Length: 1000\r\n") + b'{"obj')
        began = time.monotonic()
        while pause_s is not None and time.monotonic() - began < 2.5:
            time.sleep(pause_s)
            for client in slow:
                try:
                    client.sendall(b" ")
                except OSError:
                    pause_s = None
            ask = time.monotonic()
            assert other.post(OBJECTS, indicator(1)).status == 202
            assert time.monotonic() - ask < 1
        for client in slow:
            answer = until_closed(client)
            assert answer == b"" or is_told(answer, 408)
        assert time.monotonic() - began < 8
    finally:
        for client in slow:
            client.close()


def test_bodies_of_one_client_do_not_take_the_room_of_others(place: Place, quick_url: str):
    slow = [connect(quick_url) for _ in range(3)]
    try:
        for client in slow:
            client.sendall(head(place, "Content-Length: 10000000\r\n") + b"{")
            time.sleep(0.05)
        assert is_told(until_closed(slow[2]), 429), "two at once"
        assert Asking(quick_url, f"Bearer {place.sorrel}").post(OBJECTS, indicator(1)).status == 202
    finally:
        for client in slow:
            client.close()


def test_a_client_that_hangs_up_leaves_nothing_behind(place: Place, url: str):
    for _ in range(20):
        with connect(url) as client:
            client.sendall(head(place, "Content-Length: 1000\r\n") + b'{"objects":[')
    assert Asking(url, f"Bearer {place.vessland}").post(OBJECTS, indicator(1)).status == 202


def test_packed_bodies_are_refused(vessland: Asking):
    answer = vessland.post(OBJECTS, indicator(1), Content_Encoding="gzip")
    assert answer.status == 415


# --- Addresses and headers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/taxii2/../",
        "/taxii2/%2e%2e/%2e%2e/etc/passwd",
        f"{ROOT}collections/{SHARED}%00/objects/",
        f"{ROOT}collections/..%2f..%2f/objects/",
        f"{ROOT}collections/{quote(chr(0x202E))}/",
        f"{ROOT}collections/' OR 1=1 --/objects/".replace(" ", "%20"),
        f"{OBJECTS}{quote('indicator--é')}/",
        f"{OBJECTS}{'x' * 5000}/",
        "/taxii2/%ff%fe/",
        "/taxii2/" + "a/" * 500,
        f"{OBJECTS}%25/",
    ],
)
def test_hostile_paths_lead_nowhere(vessland: Asking, path: str):
    answer = vessland.ask(path)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == TAXII


def test_an_address_that_is_too_long_is_refused(vessland: Asking):
    assert vessland.ask(f"{OBJECTS}?x={'a' * 33_000}").status == 414


FILTERS = st.sampled_from(
    [
        "match[id]",
        "match[type]",
        "match[version]",
        "match[spec_version]",
        "added_after",
        "limit",
        "next",
        "match[x]",
    ]
)
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["' OR '1'='1", "%' --", "*", "\0", "1e999", "-0", "9" * 300, "../..", "first,last,first", "${jndi:ldap://x}", "\u202e", ",,,", "2026-01-01T00:00:00Z\n"]
    ),
)  # fmt: skip


@SAME_NODE
@given(
    st.sampled_from(["objects/", "manifest/", f"objects/{an_id('indicator', 1)}/"]),
    st.lists(st.tuples(FILTERS, HOSTILE), max_size=4),
)
def test_no_filter_breaks_a_listing(filled: Asking, rest: str, query: list[tuple[str, str]]):
    answer = filled.ask(f"{ROOT}collections/{SHARED}/{rest}?{urlencode(query)}")
    assert answer.status in {200, 400}
    assert answer.headers["Content-Type"] == TAXII
    assert b"Traceback" not in answer.body


@SAME_NODE
@given(st.binary(max_size=60), st.integers(0, 40))
def test_no_cursor_breaks_a_listing_or_shows_more(filled: Asking, noise: bytes, at: int):
    real = filled.ask(f"{OBJECTS}?limit=3&match[type]=indicator").document["next"]
    for text in (quote(noise), real[:at] + real[at + 1 :], real[:at] + "A" + real[at + 1 :], real + "A" * at):
        answer = filled.ask(f"{OBJECTS}?next={text}")
        assert answer.status in {200, 400}
        if answer.status == 200:
            assert len(answer.document.get("objects", [])) <= 8


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "a" * 20_000},
        {"Accept": ",".join(["a/b"] * 5000)},
        {"Accept": '"' * 9999},
        {"Authorization": "Bearer " + "a" * 20_000},
        {"Authorization": "Basic " + "A" * 20_000},
        {"X-API-Key": "\xff" * 100, "Authorization": None},
        {"Accept-Encoding": "gzip;q=" + "9" * 9999},
        {"Host": "a" * 3000},
        {"Host": "evil.example"},
        {"Host": "x y"},
        {"Host": "@"},
    ],
)
def test_hostile_headers_are_answered(filled: Asking, headers: dict[str, str | None]):
    answer = filled.ask(OBJECTS, headers=headers)
    assert answer.status in {200, 400, 401, 406, 421}
    assert b"Traceback" not in answer.body
    assert b"evil" not in answer.body


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/taxii2/", ROOT, f"{ROOT}collections/", f"{ROOT}collections/{SHARED}/"])
def test_other_methods_are_405(vessland: Asking, method: str, path: str):
    answer = vessland.ask(path, method=method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.headers["Content-Type"] == TAXII


def test_a_page_of_a_stranger_reaches_nothing_through_a_name_of_its_own(stranger: Asking):
    """A name that leads to the loopback (DNS rebinding)."""
    assert stranger.ask("/taxii2/", headers={"Host": "evil.example"}).status == 421


def test_pages_and_channels_do_not_get_in_each_other_s_way(vessland: Asking, stranger: Asking):
    assert stranger.ask("/", headers={"Accept": "text/html"}).status == 303, "to the login page"
    assert stranger.ask("/login", headers={"Accept": "text/html"}).status == 200
    assert vessland.ask("/inbox.json").status == 401, "a token opens no page"
    assert vessland.ask("/taxii2x/").status == 303


# --- Rates ---------------------------------------------------------------------------------------------


def test_too_many_wrong_credentials_are_slowed_and_the_right_one_is_served(place: Place):
    with serving(place, limits=Limits(failures_burst=5, failures_per_s=0.1)) as url:
        wrong = Asking(url, "Bearer wrong")
        assert [wrong.ask(ROOT).status for _ in range(7)] == [401] * 5 + [429] * 2
        answer = wrong.ask(ROOT)
        assert 1 <= int(answer.headers["Retry-After"]) <= 10
        assert answer.headers["Content-Type"] == TAXII
        assert Asking(url, f"Bearer {place.vessland}").ask(ROOT).status == 200


def test_too_many_requests_are_slowed_for_their_sender_alone(place: Place):
    limits = Limits(requests_burst=10, requests_per_s=0.5, strangers_burst=3, strangers_per_s=0.5)
    with serving(place, limits=limits) as url:
        one, other = Asking(url, f"Bearer {place.vessland}"), Asking(url, f"Bearer {place.sorrel}")
        assert [one.ask(ROOT).status for _ in range(12)] == [200] * 10 + [429] * 2
        assert 1 <= int(one.ask(ROOT).headers["Retry-After"]) <= 2
        assert other.ask(ROOT).status == 200
        stranger = Asking(url, None)
        assert [stranger.ask("/taxii2/").status for _ in range(4)] == [200] * 3 + [429]


def test_strangers_behind_a_trusted_proxy_have_a_share_each_and_cannot_take_anothers(place: Place):
    limits = Limits(strangers_burst=3, strangers_per_s=0.1, failures_burst=2, failures_per_s=0.1)

    def ask(url: str, forwarded: str, authorization: str | None = None) -> int:
        return Asking(url, authorization).ask("/taxii2/", headers={"X-Forwarded-For": forwarded}).status

    with serving(place, limits=limits, trusted_proxies=trusted_networks(["127.0.0.0/8"])) as url:
        assert [ask(url, "203.0.113.9") for _ in range(4)] == [200] * 3 + [429]
        assert ask(url, "203.0.113.8") == 200
        # Other words before his address make him no other client.
        assert ask(url, "203.0.113.77, 203.0.113.9") == 429
        assert ask(url, "203.0.113.77, 203.0.113.76, 203.0.113.9") == 429
        guesses = [ask(url, "203.0.113.5", f"Bearer {'q' * 43}") for _ in range(3)]
        assert guesses == [401, 401, 429]
        assert ask(url, "203.0.113.6", f"Bearer {'q' * 43}") == 401
    with serving(place, limits=limits) as url:
        assert [ask(url, f"203.0.113.{n}") for n in range(4)] == [200] * 3 + [429], (
            "nobody is believed by default"
        )


def test_one_greedy_client_does_not_slow_another(filled: Asking, place: Place, url: str):
    filled.post(OBJECTS, *[indicator(n) for n in range(100, 900)])
    stop = threading.Event()

    def read_all() -> None:
        while not stop.is_set():
            assert filled.ask(f"{OBJECTS}?limit=1000").status in {200, 429}

    greedy = [threading.Thread(target=read_all) for _ in range(8)]
    for thread in greedy:
        thread.start()
    try:
        modest = Asking(url, f"Bearer {place.sorrel}")
        took = []
        for _ in range(15):
            began = time.monotonic()
            assert modest.ask(f"{OBJECTS}?limit=1").status == 200
            took.append(time.monotonic() - began)
    finally:
        stop.set()
        for thread in greedy:
            thread.join(20)
    assert sorted(took)[len(took) // 2] < 1.0


# --- What the operator reads ---------------------------------------------------------------------------


def test_no_secret_and_no_trace_is_in_a_log_or_an_answer(
    place: Place, url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    for authorization in (
        f"Bearer {place.vessland}",
        "Bearer not-a-secret-of-ours",
        "Basic bm90OmEtc2VjcmV0",
    ):
        asking = Asking(url, authorization)
        for answer in (
            asking.ask(OBJECTS),
            asking.ask("/taxii2/x/"),
            asking.post(OBJECTS, b"{"),
            asking.ask(f"{OBJECTS}?limit=x"),
        ):
            assert place.vessland.encode() not in answer.body
            assert b"not-a-secret" not in answer.body
            assert b'File "' not in answer.body
    written = caplog.text + "".join(capfd.readouterr())
    for secret in (place.vessland, "not-a-secret-of-ours", "bm90OmEtc2VjcmV0"):
        assert secret not in written


def test_a_bug_of_ours_is_an_error_resource_with_a_number_that_the_log_has_too(
    place: Place, url: str, caplog: pytest.LogCaptureFixture
):
    # The store breaks in a way that nobody foresaw: its table is gone.
    connection = sqlite3.connect(place.home / "store.sqlite", isolation_level=None)
    connection.execute("DROP TABLE api_root")
    connection.close()
    answer = Asking(url, f"Bearer {place.vessland}").ask("/taxii2/")
    assert answer.status == 500
    assert answer.headers["Content-Type"] == TAXII
    document = answer.document
    assert set(document) == {"title", "description", "error_id", "http_status"}
    assert "api_root" not in answer.text
    assert document["error_id"] in {getattr(record, "error_id", None) for record in caplog.records}


def test_a_store_that_is_busy_is_503_and_says_when_to_come_back(
    place: Place, url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(posting, "WAIT_S", 0.2)
    with import_lock(place.home):
        answer = Asking(url, f"Bearer {place.vessland}").post(OBJECTS, indicator(1))
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Content-Type"] == TAXII
    assert Asking(url, f"Bearer {place.vessland}").ask(OBJECTS).document == {"more": False}


def test_the_code_of_the_server_writes_no_header_to_a_log():
    source = Path(__file__).resolve().parents[4] / "src" / "backchannel" / "channels" / "taxii" / "server"
    for path in source.glob("*.py"):
        for line in re.findall(r"log\.\w+\(.*", path.read_text("utf-8")):
            assert not re.search(r"header|authorization|secret|credential|query|body", line), (
                f"{path.name}: {line}"
            )


def test_a_page_ends_where_large_objects_would_fill_the_memory(
    vessland: Asking, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paging, "MAX_PAGE_BYTES", 100_000)
    large = [indicator(n, description="x" * (60_000 if n % 2 else 10)) for n in range(9)] + [
        indicator(9, description="x" * 200_000)
    ]
    vessland.post(OBJECTS, *large)
    got, following, sizes = [], "", []
    while True:
        answer = vessland.ask(f"{OBJECTS}?{following}")
        got += [one["id"] for one in answer.document["objects"]]
        sizes.append(len(answer.body))
        if not answer.document["more"]:
            break
        following = f"next={answer.document['next']}"
    assert got == [one["id"] for one in large]
    assert all(size < 103_000 for size in sizes[:-1])
    assert sizes[-1] > 200_000, "one that is larger than a page is still given"
