"""Through an HTTP proxy: what is asked of it, and that the guard of addresses holds there too."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpcore2
import pytest
from tests.channels.conftest import Poll
from tests.channels.misbehaving import basic, filled, serving
from tests.channels.test_polling import certificate, only
from tests.desk.made import CLOCK

from backchannel.channels import network
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel, secret_files, show_channel
from backchannel.desk.node import Node
from backchannel.errors import UsageError

Channel = Callable[..., Poll]


@dataclass
class Proxied:
    """A proxy that knows CONNECT, and every name as this machine."""

    port: int = 0
    refuses: int = 0
    """The status with which it refuses; 0: it opens the way."""
    heads: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heads]


def pipe(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(2**16):
            other.sendall(data)
    except OSError:
        pass
    finally:
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def serve_one(proxied: Proxied, client: socket.socket) -> None:
    with client:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(2**16)
        proxied.heads.append(head.decode())
        if proxied.refuses:
            client.sendall(f"HTTP/1.1 {proxied.refuses} No\r\nContent-Length: 0\r\n\r\n".encode())
            return
        port = int(proxied.targets[-1].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=pipe, args=(server, client), daemon=True).start()
            pipe(client, server)


@contextmanager
def proxying() -> Iterator[Proxied]:
    proxied = Proxied()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxied.port = listener.getsockname()[1]

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve_one, args=(proxied, client), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxied
        listener.shutdown(socket.SHUT_RDWR)


def test_tls_goes_through_the_proxy_from_end_to_end(channel: Channel, tmp_path: Path, node: Node):
    chain, key = certificate(tmp_path, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    (tmp_path / "who").write_text("alpha:s3cret\n")
    with serving(filled(25), tls=context) as server, proxying() as proxied:
        terms = {"proxy": proxied.url, "proxy_auth_file": str(tmp_path / "who"), "ca": str(chain)}
        polled = channel(server.discovery, **terms)()
        assert only(polled).counts.stored == 25, polled
        assert set(proxied.targets) == {f"127.0.0.1:{server.port}"}
        assert f"Proxy-Authorization: {basic('alpha', 's3cret')}" in proxied.heads[0]
        assert not any("proxy-authorization" in asked.headers for asked in server.asked)
    assert show_channel(node, "beta").proxy == proxied.url
    assert str(tmp_path / "who") in list(secret_files(node))


def test_the_proxy_is_asked_for_the_address_that_was_checked(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(network, "_addresses", lambda *_: ["198.51.100.7"])
    monkeypatch.setattr(network, "refusal", lambda address, **_: None if address == "198.51.100.7" else "no")
    with proxying() as proxied:
        proxied.refuses = 403
        polled = channel("https://taxii.example/taxii2/", proxy=proxied.url, allow_private=False)()
    assert proxied.targets == ["198.51.100.7:443"]
    assert "opens no way to 198.51.100.7:443 (HTTP 403)" in str(polled.error)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.7", "169.254.169.254"])
def test_through_a_proxy_no_private_address_is_asked_either(channel: Channel, host: str):
    with proxying() as proxied:
        polled = channel(f"https://{host}/taxii2/", proxy=proxied.url, allow_private=False)()
        assert proxied.heads == []
    assert "is not asked" in str(polled.error)


def test_addresses_of_clouds_are_not_asked_whatever_is_allowed(channel: Channel):
    with proxying() as proxied:
        channel("https://169.254.169.254/taxii2/", proxy=proxied.url)()
        assert proxied.heads == []


def test_a_name_that_only_the_proxy_knows_is_for_channels_that_may_go_anywhere(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
):
    def unknown(host: str, port: int) -> list[str]:
        raise httpcore2.ConnectError("no such name")

    monkeypatch.setattr(network, "_addresses", unknown)
    with proxying() as proxied:
        proxied.refuses = 502
        polled = channel("https://inside.invalid/taxii2/", proxy=proxied.url, allow_private=False)()
        assert "where the proxy would take it cannot be seen" in str(polled.error)
        assert proxied.heads == []
        channel("https://inside.invalid/taxii2/", name="open", proxy=proxied.url)()
        assert set(proxied.targets) == {"inside.invalid:443"}


def test_a_proxy_that_wants_to_know_who_asks_is_told_so(channel: Channel):
    with proxying() as proxied:
        proxied.refuses = 407
        polled = channel("https://127.0.0.1:9/taxii2/", proxy=proxied.url)()
    assert "wants to know who asks" in str(polled.error)
    assert "--proxy-auth-file" in str(polled.hint)


def test_a_proxy_that_is_not_there_is_a_failed_connection(channel: Channel):
    assert channel("https://127.0.0.1:9/taxii2/", proxy="http://127.0.0.1:9")().error is not None


def test_the_environment_names_no_proxy(channel: Channel, monkeypatch: pytest.MonkeyPatch):
    with serving(filled(3)) as server, proxying() as proxied:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxied.url)
        assert only(channel(server.discovery)()).counts.stored == 3
        assert proxied.heads == []


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"proxy": "https://proxy.example:3128"}, "no HTTP proxy"),
        ({"proxy": "socks5://proxy.example:1080"}, "no HTTP proxy"),
        ({"proxy": "http://a:b@proxy.example"}, "no user name or password"),
        ({"proxy": "http://proxy.example/x"}, "no HTTP proxy"),
        ({"proxy_auth_file": "x"}, "says nothing without one"),
    ],
)
def test_what_is_no_proxy_is_refused(node: Node, terms: dict[str, str], said: str):
    with pytest.raises(UsageError, match=said) as caught:
        add_channel(node, CLOCK, "taxii", Terms(url="https://taxii.example/taxii2/", **terms))
    assert "a:b" not in caught.value.message + caught.value.hint
