"""Run the pages and the channels: one process, one port, on the loopback unless told otherwise."""

from __future__ import annotations

import asyncio.constants
import contextlib
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import uvicorn
from starlette.types import ASGIApp

from backchannel.clock import Clock, SystemClock
from backchannel.desk.box import Box
from backchannel.desk.node import open_node
from backchannel.errors import InputError, UsageError
from backchannel.parties.at_rest import Unseal
from backchannel.web.app import create_app
from backchannel.web.auth import LINK_MINUTES, Logins
from backchannel.web.connection import Crowd, for_crowd
from backchannel.web.doorway import login_url
from backchannel.web.tls import PinnedContext, Tls

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8017
HANDSHAKE_S = 10.0
"""How long a TLS handshake may take."""
STOP_SECONDS = 2
"""How long requests under way may take once a signal came."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Channels(Protocol):
    """What is served beside the pages, at the same port."""

    def before(self, pages: ASGIApp) -> ASGIApp:
        """Return one application of the channels and the pages."""
        ...

    def certificates(self) -> tuple[bytes, ...]:
        """Return every client certificate that is trusted (DER)."""
        ...


def serve(  # noqa: PLR0913  # each says one thing about one server
    home: Path,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    public_url: str | None = None,
    tls: Tls | None = None,
    channels: Channels | None = None,
    box: Box | None = None,
    unseal: Unseal | None = None,
    clock: Clock | None = None,
    say: Callable[[str], None] | None = None,
) -> None:
    """Serve the pages of the node in `home`, and its channels, until SIGINT or SIGTERM.

    Args:
        home: the node's folder.
        host: the name or address to listen on.
        port: the TCP port; 0 takes a free one.
        public_url: how browsers reach us, where that is not `host` and `port` (a proxy in front).
        tls: serve over TLS with this certificate.
        channels: what is served before the pages; by default nothing.
        box: the drop box, where anybody may leave something; by default there is none.
        unseal: opens our keys under a passphrase, for pages that sign.
        clock: the machine's unless given.
        say: where lines for the operator go; stderr unless given.

    Raises:
        UsageError: there is no node, the port is taken, or pages would leave the machine without TLS.
        InputError: the certificate or its key cannot be read.
        StoreError: the store cannot be opened.
    """
    clock, say = clock or SystemClock(), say or _to_stderr
    with open_node(home):
        pass  # what is wrong with it is said here rather than on the first page
    _refuse_open_network(host, public_url, tls)
    with _listen(host, port) as listener:
        at = f"[{host}]" if ":" in host else host
        at += f":{listener.getsockname()[1]}"
        url = (public_url or f"{'https' if tls else 'http'}://{at}").rstrip("/")
        logins = Logins(clock)
        pages = _pages(home, clock, url, logins, say, box, unseal)
        server = make_server(pages, tls=tls, channels=channels)
        reach = "this machine only" if host in _LOOPBACK else "other machines can reach it"
        say(f"Listening on {at}, {reach}. Ctrl-C stops it.")
        _say_link(login_url(url, logins.new_link()), say)
        server.run(sockets=[listener])


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _say_link(url: str, say: Callable[[str], None]) -> None:
    say(f"Sign in with this link (it works once, within {LINK_MINUTES} minutes): {url}")


def _refuse_open_network(host: str, public_url: str | None, tls: Tls | None) -> None:
    if host in _LOOPBACK or tls is not None or (public_url or "").startswith("https://"):
        return
    raise UsageError(
        f"pages served on {host} without TLS could be read on the way, and the session with them",
        hint="Give --tls-cert and --tls-key, or put a proxy with TLS in front and name it with --public-url.",
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "a port is between 0 and 65535"
        raise UsageError(
            f"nothing can listen on {host} port {port}: {why}",
            hint=f"Name another one: `backchannel serve --port {min(port + 1, 65_535)}`.",
        ) from error


def _pages(
    home: Path,
    clock: Clock,
    url: str,
    logins: Logins,
    say: Callable[[str], None],
    box: Box | None,
    unseal: Unseal | None,
) -> ASGIApp:
    try:
        return create_app(
            home,
            clock,
            base_url=url,
            logins=logins,
            announce=lambda link: _say_link(link, say),
            box=box,
            unseal=unseal,
        )
    except ValueError as error:
        raise UsageError(str(error), hint="Mend --public-url.") from error


def make_server(
    pages: ASGIApp, *, tls: Tls | None = None, channels: Channels | None = None
) -> uvicorn.Server:
    """Return what serves `pages` and the channels before them, with every bound of a connection; not yet running.

    Raises:
        InputError: the certificate or its key cannot be read.
    """
    # asyncio gives a handshake 60 s, and uvicorn has no word for it. Nothing else here makes TLS connections
    # through asyncio: channels fetch in threads.
    asyncio.constants.SSL_HANDSHAKE_TIMEOUT = HANDSHAKE_S
    # Every scanner sends what is no HTTP; a line for each would hide what matters.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config = uvicorn.Config(
        pages if channels is None else channels.before(pages),
        http=for_crowd(Crowd()),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,  # it would hold the login link, and which items somebody looked at
        server_header=False,
        proxy_headers=False,  # nothing here depends on who a proxy says is in front of it
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_context_factory=(lambda *_: _context(tls, channels)) if tls else None,
        interface="asgi3",
    )
    config.load()
    return _Server(config)


def _context(tls: Tls, channels: Channels | None) -> PinnedContext:
    try:
        return PinnedContext.of(tls, channels.certificates if channels is not None else tuple)
    except OSError as error:  # ssl.SSLError is one
        raise InputError(
            f"the certificate or its key cannot be used: {error.strerror or error}",
            hint="Both are PEM files, and the key belongs to the certificate.",
        ) from error


class _Server(uvicorn.Server):
    """uvicorn that ends by returning, where its own would raise the signal once more."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
