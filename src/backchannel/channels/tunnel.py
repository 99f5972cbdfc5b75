"""A way through an HTTP proxy that the operator named: it is told an address, never a name.

The proxy opens the connection, so what a name leads to must be settled here, where it can be refused; a tunnel
to the number that was checked reaches that and nothing else. TLS goes through the tunnel from end to end.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Final, NamedTuple

import httpcore2

from backchannel.errors import NetworkError

USUAL_PORT: Final = 3128


class Proxy(NamedTuple):
    """An HTTP proxy."""

    host: str
    port: int
    authorization: str = ""
    """What `Proxy-Authorization` says; "" for nothing. Never shown."""

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


def basic(user_and_password: str) -> str:
    """Return what `Proxy-Authorization` says of `user:password` (RFC 7617)."""
    return "Basic " + b64encode(user_and_password.encode()).decode()


def tunnel(
    stream: httpcore2.NetworkStream, proxy: Proxy, host: str, port: int, timeout: float | None
) -> httpcore2.NetworkStream:
    """Return the way to `host` through a proxy to which `stream` leads (RFC 9110 §9.3.6).

    Raises:
        NetworkError: the proxy does not open it.
        httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError: it does not answer.
    """
    at = (b"http", proxy.host.encode("ascii"), proxy.port)
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = {"Host": target, "Proxy-Authorization": proxy.authorization}
    connection = httpcore2.HTTP11Connection(httpcore2.Origin(*at), stream)
    response = connection.handle_request(
        httpcore2.Request(
            "CONNECT",
            httpcore2.URL(scheme=at[0], host=at[1], port=at[2], target=target),
            headers=[(name, text) for name, text in headers.items() if text],
            extensions={"timeout": {"read": timeout, "write": timeout}},
        )
    )
    if 200 <= response.status < 300:
        opened: httpcore2.NetworkStream = response.extensions["network_stream"]
        return opened
    connection.close()
    shown = f"the proxy {proxy.host}:{proxy.port}"
    if response.status == 407:
        raise NetworkError(
            f"{shown} wants to know who asks (HTTP 407)",
            hint="Make the channel with --proxy-auth-file: `user:password` in one line.",
        )
    raise NetworkError(
        f"{shown} opens no way to {target} (HTTP {response.status})",
        hint="Ask its operator to let it through.",
    )
