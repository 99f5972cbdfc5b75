"""Listen for lines of logs: syslog over UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425), and a Unix socket.

Whatever comes is a line to be searched, no more: nothing of it is answered, stored or passed on. Whoever can reach
the address can send lines, so it should be one that only the senders reach.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from backchannel.desk.watch_streams import WatchedStream
from backchannel.errors import UsageError
from backchannel.logs.lines import MAX_LINE_BYTES

SCHEMES: Final = ("udp", "tcp", "tls", "unix")
MAX_CONNECTIONS: Final = 256
"""Senders at one time; another's connection is closed."""
IDLE_S: Final = 3600.0
"""How long a connection may be silent."""
HANDSHAKE_S: Final = 10.0
_DATAGRAM: Final = 65_536
_RECEIVED: Final = 2**16
_LOOK_S: Final = 0.5
_COUNTED = re.compile(rb"([1-9][0-9]{0,6}) ")
"""RFC 6587 §3.4.1: a message begins with the number of its bytes."""


def is_address(word: str) -> bool:
    """Whether a word names where to listen, and no file."""
    return word.partition("://")[0] in SCHEMES and "://" in word


def listen(word: str, stream: WatchedStream, *, certificate: tuple[Path, Path] | None = None) -> None:
    """Begin to listen, and put what comes into a stream until it is closed.

    Args:
        word: `udp://127.0.0.1:5514`, `tcp://[::1]:5514`, `tls://0.0.0.0:6514`, `unix:///run/backchannel.sock`.
        stream: takes the lines.
        certificate: chain and key, for `tls`.

    Raises:
        UsageError: the address is not of its form, is taken, or a certificate is missing.
    """
    scheme = word.partition("://")[0]
    secure = None
    if scheme == "tls":
        if certificate is None:
            raise UsageError("tls:// needs a certificate", hint="Give --tls-cert and --tls-key.")
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        secure.load_cert_chain(*certificate)
    try:
        bound = _unix(word) if scheme == "unix" else _inet(word, scheme)
    except OSError as error:
        raise UsageError(
            f"{word} cannot be listened on: {error.strerror or error}", hint="Name another."
        ) from error
    stop = threading.Event()
    run = _datagrams if bound.type == socket.SOCK_DGRAM else _connections
    bound.settimeout(_LOOK_S)
    thread = threading.Thread(
        target=run, args=(bound, stream, stop, secure), name=f"listen {word}", daemon=True
    )
    thread.start()

    def close() -> None:
        stop.set()
        thread.join(2 * _LOOK_S + 1)
        bound.close()
        if scheme == "unix":
            Path(urlsplit(word).path).unlink(missing_ok=True)

    stream.on_close = close


def _inet(word: str, scheme: str) -> socket.socket:
    host, port = _host_and_port(word)
    kind = socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM
    family, _, _, _, where = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
        bound.bind(where)
        if kind == socket.SOCK_STREAM:
            bound.listen(64)
    except OSError:
        bound.close()
        raise
    return bound


def _host_and_port(word: str) -> tuple[str, int]:
    refusal = UsageError(f"{word} is no address to listen on", hint="Write udp://127.0.0.1:5514.")
    try:
        parts = urlsplit(word)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refusal from None
    if not host or port is None or parts.path.strip("/"):
        raise refusal
    return host, port


def _unix(word: str) -> socket.socket:
    path = Path(urlsplit(word).path)
    if not path.is_absolute():
        raise UsageError(f"{word} names no absolute path", hint="Write unix:///run/backchannel.sock.")
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()  # a watch that was killed left it
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    before = os.umask(0o177)
    try:
        bound.bind(str(path))
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(before)
    return bound


def _datagrams(
    bound: socket.socket, stream: WatchedStream, stop: threading.Event, _secure: ssl.SSLContext | None
) -> None:
    while not stop.is_set():
        try:
            message = bound.recv(_DATAGRAM)
        except TimeoutError:
            continue
        except OSError:
            return
        for line in message.splitlines():
            stream.put(line, may_lose=True)


def _connections(
    bound: socket.socket, stream: WatchedStream, stop: threading.Event, secure: ssl.SSLContext | None
) -> None:
    room = threading.Semaphore(MAX_CONNECTIONS)
    while not stop.is_set():
        try:
            connection, _ = bound.accept()
        except TimeoutError:
            continue
        except OSError:
            return
        if not room.acquire(blocking=False):
            connection.close()
            continue
        threading.Thread(
            target=_serve, args=(connection, stream, stop, secure, room.release), name="lines", daemon=True
        ).start()


def _serve(
    connection: socket.socket,
    stream: WatchedStream,
    stop: threading.Event,
    secure: ssl.SSLContext | None,
    leave: Callable[[], None],
) -> None:
    try:
        connection.settimeout(HANDSHAKE_S)
        if secure is not None:
            connection = secure.wrap_socket(connection, server_side=True)
        connection.settimeout(_LOOK_S)
        _messages(connection, stream, stop)
    except OSError:
        pass  # the sender went away, or speaks no TLS: what it sent whole was taken
    finally:
        connection.close()
        leave()


def _messages(connection: socket.socket, stream: WatchedStream, stop: threading.Event) -> None:
    waiting, silent = b"", 0.0
    while not stop.is_set() and silent < IDLE_S:
        try:
            came = connection.recv(_RECEIVED)
        except TimeoutError:
            silent += _LOOK_S
            continue
        silent = 0.0
        waiting, lines = _lines(waiting + came, is_end=not came)
        for line in lines:
            if not stream.put(line):
                return
        if not came:
            return


def _lines(received: bytes, *, is_end: bool) -> tuple[bytes, list[bytes]]:
    """Cut what was received into messages: counted ones, or lines (RFC 6587 §3.4); return the rest, too."""
    lines: list[bytes] = []
    at = 0
    while at < len(received):
        counted = _COUNTED.match(received, at)
        if counted is not None:
            end = counted.end() + int(counted[1])
            if end > len(received):
                break
            lines.append(received[counted.end() : end].rstrip(b"\r\n"))
            at = end
            continue
        end = received.find(b"\n", at)
        if end < 0:
            break
        lines.append(received[at:end].rstrip(b"\r"))
        at = end + 1
    rest = received[at:]
    if is_end and rest:
        return b"", [*lines, rest]
    if len(rest) > MAX_LINE_BYTES:
        return b"", [*lines, rest]  # too long: the stream counts it as lost
    return rest, lines
