"""One connection, held within the bounds that the server underneath leaves open.

uvicorn bounds how long an idle connection stays. Here are the rest: how long the head of a request may take
and how large it may be, how slowly an answer may be taken, how many connections there may be, of everybody
and of one address. And the certificate of a client is told to the application, which uvicorn does not.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections import Counter
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 48 * 2**10
"""Largest head of a request: 32 KiB of address, and what browsers send besides."""
HEAD_S = 10.0
"""How long the head of a request may take."""
STALL_S = 20.0
"""How long an answer may lie unread, or nearly so, before its connection is cut."""
STALL_BYTES = 64 * 2**10
"""What of an answer is to be taken in that time, where so much is left."""
MAX_CONNECTIONS = 200
"""Connections served at once; more are told to come back. One person's browser uses six."""
MAX_CONNECTIONS_EACH = 100
"""Of them from one address, which may be a proxy with many behind it."""

CLIENT_CERTIFICATE: Final = "backchannel.client_certificate"
"""Extension of the scope: SHA-256 of the client's certificate in DER (32 bytes)."""
CROWDED: Final = "backchannel.crowded"
"""Extension of the scope, true where there are too many connections: the application says so."""


class Crowd:
    """How many connections there are."""

    def __init__(self, most: int = MAX_CONNECTIONS, each: int = MAX_CONNECTIONS_EACH) -> None:
        self._most, self._each = most, each
        self._of: Counter[str] = Counter()

    def enter(self, host: str) -> bool:
        """Count one more; False where it cannot even be told to come back."""
        self._of[host] += 1
        return self._of.total() <= 2 * self._most and self._of[host] <= 2 * self._each

    def leave(self, host: str) -> None:
        """Count one less."""
        self._of[host] -= 1
        if self._of[host] <= 0:
            del self._of[host]

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here."""
        return not self._of

    def is_full(self, host: str) -> bool:
        """Whether there are more than may be served."""
        return self._of.total() > self._most or self._of[host] > self._each


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    crowd: Crowd
    """Shared by all connections of a server: `for_crowd`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take up a connection, its handshake done."""
        super().connection_made(transport)
        raw: socket.socket | None = transport.get_extra_info("socket")
        if raw is not None and raw.family in {socket.AF_INET, socket.AF_INET6}:
            # An answer goes out in two parts; without this the second one waits 40 ms for a sign of the first.
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = self.client[0] if self.client else ""
        self._certificate = _certificate(transport)
        self._head_bytes = 0
        self._in_body = False
        self._late: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._unread = 0
        if self.crowd.enter(self._host):
            self._expect_head()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.crowd.leave(self._host)
        for timer in (self._late, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    # --- What comes in ---------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take what came, and count it while it is the head of a request."""
        if not self._in_body:
            self._expect_head()
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_body and self._head_bytes > MAX_HEAD_BYTES:
            self._cut(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        """Start on a request, its head read."""
        self._in_body, self._head_bytes = True, 0
        if self._late is not None:
            self._late.cancel()
            self._late = None
        extensions: dict[str, object] = {}
        if self._certificate is not None:
            extensions[CLIENT_CERTIFICATE] = self._certificate
        if self.crowd.is_full(self._host):
            extensions[CROWDED] = True
        self.scope["extensions"] = extensions  # type: ignore[typeddict-item]
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the next bytes are another request's."""
        super().on_message_complete()
        self._in_body = False

    def _expect_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._cut, b"408 Request Timeout")

    def _cut(self, status: bytes) -> None:
        """End a connection that sends no whole request, and say why."""
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()
            self._watch()

    # --- What goes out ---------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """End the connection where a body is still coming in: nobody reads it."""
        if self.cycle.more_body:
            self.transport.close()
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Note that the client takes its answer more slowly than it is written."""
        super().pause_writing()
        self._watch()

    def _watch(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        if self._stalled is None and self._unread:
            self._stalled = self.loop.call_later(STALL_S, self._look)

    def _look(self) -> None:
        """Cut a connection whose client takes next to nothing."""
        self._stalled = None
        before = self._unread
        unread = self.transport.get_write_buffer_size()
        if unread and unread > before - min(STALL_BYTES, before):
            self.transport.abort()
        else:
            self._watch()


def _certificate(transport: asyncio.Transport) -> bytes | None:
    """Return the SHA-256 of the client's certificate."""
    secured: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    der = None if secured is None else secured.getpeercert(binary_form=True)
    return None if der is None else hashlib.sha256(der).digest()


def for_crowd(crowd: Crowd) -> type[Connection]:
    """Return the kind of connections that are counted in `crowd`."""
    return type("Connection", (Connection,), {"crowd": crowd})
