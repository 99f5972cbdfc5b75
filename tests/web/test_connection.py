"""What one connection may take: slow heads, large heads, answers that nobody reads, crowds."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from backchannel.web import connection
from backchannel.web.connection import CROWDED, Crowd, for_crowd

LARGE = b"x" * 30 * 2**20


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, without reading a body; `/large` is more than any buffer holds."""
    body = LARGE if scope["path"] == "/large" else b"crowded" if scope["extensions"].get(CROWDED) else b"ok"
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(app: ASGIApp, crowd: Crowd) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, http=for_crowd(crowd), lifespan="off", log_config=None, interface="asgi3", ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.4)
    monkeypatch.setattr(connection, "STALL_S", 0.4)


@pytest.fixture
def port() -> Iterator[int]:
    with serving(application, Crowd()) as port:
        yield port


def until_closed(client: socket.socket) -> bytes:
    got = b""
    try:
        while chunk := client.recv(2**16):
            got += chunk
    except ConnectionResetError:
        pass
    return got


def answer_to(client: socket.socket, ends: tuple[bytes, ...] = (b"ok", b"crowded")) -> bytes:
    """What stands at the end of one answer on a connection that goes on; "" where there is none."""
    got = b""
    try:
        while not got.endswith(ends) and (chunk := client.recv(2**16)):
            got += chunk
    except ConnectionResetError:
        pass
    return got.rpartition(b"\r\n\r\n")[2]


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_a_head_that_never_ends_is_cut_off(port: int, begun: bytes):
    with connect(port) as client:
        began = time.monotonic()
        client.sendall(begun)
        assert until_closed(client).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 5


def test_a_head_that_trickles_is_cut_off_and_others_are_served_meanwhile(port: int):
    began = time.monotonic()  # the server may take it up before `connect` has returned
    with connect(port) as slow:
        served = 0
        try:
            for byte in b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"x" * 1000:
                slow.sendall(bytes([byte]))
                with connect(port) as other:
                    other.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    served += until_closed(other).endswith(b"ok")
        except OSError:
            pass
        assert 0.3 < time.monotonic() - began < 5
        assert served > 3


def test_after_an_answer_the_next_head_is_held_to_the_same_time(port: int):
    with connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer_to(client) == b"ok"
        client.sendall(b"\r\n")
        assert until_closed(client).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 200_000,
        b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000,
        b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 30_000,
        b"GET / HTTP/1.1\r\n" + b"X" * 200_000,
    ],
)
def test_a_head_that_is_too_large_is_cut_off(port: int, head: bytes):
    with connect(port) as client:
        try:
            client.sendall(head)
        except OSError:
            return  # it was cut off before all was sent
        assert until_closed(client).split(b" ", 2)[1:2] in ([b"431"], [])


def test_an_answer_does_not_wait_for_a_sign_of_its_first_part(port: int):
    took = []
    with connect(port) as client:
        for _ in range(12):
            began = time.monotonic()
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert answer_to(client) == b"ok"
            took.append(time.monotonic() - began)
    assert sorted(took)[len(took) // 2] < 0.03, "Nagle's algorithm and a delayed acknowledgement make 40 ms"


def test_a_body_that_nobody_reads_ends_the_connection(port: int):
    with connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\nxxx")
        assert until_closed(client).endswith(b"ok")


def test_a_large_body_is_no_large_head(port: int):
    with connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 99_000)
        assert b" 431 " not in until_closed(client)


def test_an_answer_that_nobody_reads_is_not_held_for_ever(port: int):
    crowd = Crowd()
    with serving(application, crowd) as other, connect(other) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(16) == b"HTTP/1.1 200 OK\r"
        assert not crowd.is_empty
        deadline = time.monotonic() + 10
        while not crowd.is_empty and time.monotonic() < deadline:
            time.sleep(0.05)
        assert crowd.is_empty
        assert len(until_closed(client)) < len(LARGE)


def test_an_answer_that_is_read_steadily_arrives_whole(port: int):
    with connect(port) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        got = 0
        for _ in range(12):  # three times as long as an unread answer may lie
            got += len(client.recv(2**20))
            time.sleep(0.1)
        assert got + len(until_closed(client)) > len(LARGE)


def test_a_crowd_is_told_so_and_what_goes_beyond_it_is_cut_off():
    ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    with serving(application, Crowd(most=100, each=2)) as port:
        held: list[socket.socket] = []
        answers: list[bytes] = []
        try:
            for _ in range(5):
                held.append(connect(port))
                held[-1].sendall(ask)
                answers.append(answer_to(held[-1]))
        finally:
            for client in held:
                client.close()
    assert answers == [b"ok", b"ok", b"crowded", b"crowded", b""]


def test_a_crowd_is_counted_by_address_and_as_a_whole():
    crowd = Crowd(most=3, each=2)
    assert [crowd.enter(host) for host in "aab"] == [True, True, True]
    assert not crowd.is_full("a")
    assert crowd.enter("a")
    assert crowd.is_full("a")
    assert crowd.is_full("b"), "four of everybody"
    crowd.leave("a")
    assert not crowd.is_full("b")
    assert crowd.enter("a")
    assert crowd.enter("a")
    assert not crowd.enter("a"), "more than twice what one may have"
    for host in "aaaaab":
        crowd.leave(host)
    assert crowd.is_empty


def test_what_is_no_http_is_refused(port: int):
    with connect(port) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 nonsense\r\n\r\n")
        assert until_closed(client).startswith(b"HTTP/1.1 400 ")
