"""Connections that go only where they may, and end when their time is over.

The address is chosen here and connected to as a number, so what was checked is what is reached, whatever a
name server says a moment later; also through a proxy, which is asked for the number.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

import httpcore2

from backchannel.channels.addresses import is_private, refusal
from backchannel.channels.tunnel import Proxy, tunnel
from backchannel.errors import NetworkError

MAX_ADDRESSES: Final = 8
"""Most addresses of one name that are tried."""
REQUEST_S: Final = 300.0
"""Longest time of one request with its answer, however steadily it drips (seconds)."""
_ALLOW: Final = "If the other side is on your own network, make the channel with --allow-private."


class Watch:
    """What holds for the request under way: where it may go, and until when."""

    def __init__(self, *, allow_private: bool) -> None:
        self.allow_private = allow_private
        self.only_private = False
        """Whether credentials go over http: then only to an address that the public internet does not lead to."""
        self._deadline = 0.0

    def begin(self, more_s: float = 0.0) -> None:
        """Let the time of a request run: `REQUEST_S` and, for a large one, so many seconds more."""
        self._deadline = time.monotonic() + REQUEST_S + more_s

    def left_s(self, timeout: float | None) -> float:
        """Return how long the next step may take (seconds).

        Raises:
            httpcore2.ReadTimeout: no time is left.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time of the request is over")
        return left if timeout is None else min(left, timeout)

    def check(self, host: str, address: str) -> None:
        """See that a connection may be made to `address`, which `host` stands for.

        Raises:
            NetworkError: it may not.
        """
        why = refusal(address, allow_private=self.allow_private)
        if why is not None:
            named = "" if host == address else f"{host} stands for "
            raise NetworkError(f"{named}{address} is not asked: {why}", hint=_ALLOW)
        if self.only_private and not is_private(address):
            raise NetworkError(
                f"credentials are not sent to {host} over http: anybody on the way could read them",
                hint="Give its https:// address.",
            )


class Guarded(httpcore2.NetworkBackend):
    """Makes connections for one door."""

    def __init__(self, watch: Watch, proxy: Proxy | None = None) -> None:
        self._watch, self._proxy = watch, proxy
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address of `host` that answers.

        Raises:
            NetworkError: one of its addresses may not be asked.
            httpcore2.ConnectError: it has no address, or none answers.
        """
        addresses = self._checked(host, port)
        failure: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            near = (address, port) if self._proxy is None else (self._proxy.host, self._proxy.port)
            try:
                stream = self._sockets.connect_tcp(
                    *near,
                    timeout=self._watch.left_s(timeout),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                timed = _Timed(stream, self._watch)
                return timed if self._proxy is None else tunnel(timed, self._proxy, address, port, timeout)
        raise failure

    def _checked(self, host: str, port: int) -> list[str]:
        """Return the addresses of `host`, each of which may be asked; raises as `connect_tcp` does.

        Where only the proxy can look the name up, nobody sees where it leads: it is handed on for a channel
        that may go anywhere, and for no other.
        """
        try:
            addresses = _addresses(host, port)
        except httpcore2.ConnectError:
            if self._proxy is None:
                raise
            if not self._watch.allow_private or self._watch.only_private:
                raise NetworkError(
                    f"{host} has no address here, and where the proxy would take it cannot be seen",
                    hint="Let this machine look names up, or make the channel with --allow-private.",
                ) from None
            return [host]
        for address in addresses:
            self._watch.check(host, address)
        return addresses


class _Timed(httpcore2.NetworkStream):
    """A connection whose every step ends when the time of the whole request is over."""

    def __init__(self, stream: httpcore2.NetworkStream, watch: Watch) -> None:
        self._stream, self._watch = stream, watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._watch.left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._watch.left_s(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, self._watch.left_s(timeout))
        return _Timed(inner, self._watch)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses that `host` stands for now, in the system's order.

    Raises:
        httpcore2.ConnectError: there are none; its cause is the system's error.
    """
    bare = host.strip("[]")
    with suppress(ValueError):
        return [str(ip_address(bare))]  # a number stands for itself: nobody is asked
    try:
        found = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))[:MAX_ADDRESSES]
