"""A node with roots, collections and parties, and the real server in front of it on a loopback port."""

from __future__ import annotations

import base64
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.channels.taxii.server.asking import Asking
from tests.channels.taxii.server.place import Place, make_place
from tests.web.visitor import MovingClock

from backchannel.channels.bounds import Limits
from backchannel.channels.forwarded import Network
from backchannel.channels.front import open_channels
from backchannel.web.app import create_app
from backchannel.web.serve import make_server
from backchannel.web.tls import Tls

NOON = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


@contextmanager
def serving(
    place: Place,
    *,
    tls: Tls | None = None,
    limits: Limits | None = None,
    public_url: str | None = None,
    trusted_proxies: tuple[Network, ...] = (),
) -> Iterator[str]:
    """The server of a place, as `serve` puts it together; its address."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        open_channels(
            place.home, place.clock, public_url=public_url, limits=limits, trusted_proxies=trusted_proxies
        ) as channels,
    ):
        url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        pages = create_app(place.home, place.clock, base_url=public_url or url)
        server = make_server(pages, tls=tls, channels=channels)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


class Stage:
    """One server for all tests: each puts its own node on it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stage = Stage()
        server = make_server(stage)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield stage, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock(NOON)


@pytest.fixture(scope="session")
def made_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Made once: tests work on copies."""
    return make_place(tmp_path_factory.mktemp("taxii") / "node", MovingClock(NOON))


@pytest.fixture(scope="session")
def filled_place(made_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same with something in `shared`, made once."""
    home = shutil.copytree(made_place.home, tmp_path_factory.mktemp("filled") / "node")
    place = made_place.at(home, MovingClock(NOON))
    place.fill()
    return place


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, clock: MovingClock) -> Place:
    """A node of the test's own; one that asks for `filled` finds something in it."""
    kind = "filled_place" if "filled" in request.fixturenames else "made_place"
    made: Place = request.getfixturevalue(kind)
    return made.at(shutil.copytree(made.home, tmp_path / "node"), clock)


@pytest.fixture
def url(stage: tuple[Stage, str], place: Place) -> Iterator[str]:
    at, url = stage
    with open_channels(place.home, place.clock) as channels:
        at.app = channels.before(create_app(place.home, place.clock, base_url=url))
        yield url


@pytest.fixture
def vessland(place: Place, url: str) -> Asking:
    """A party that may read and write `shared`, and more."""
    return Asking(url, f"Bearer {place.vessland}")


@pytest.fixture
def filled(vessland: Asking) -> Asking:
    """The same party, and something in `shared`: see `Place.fill`."""
    return vessland


@pytest.fixture
def stranger(url: str) -> Asking:
    """Somebody without a credential."""
    return Asking(url, None)


@pytest.fixture
def basic() -> Callable[[str, str], str]:
    return lambda account, secret: "Basic " + base64.b64encode(f"{account}:{secret}".encode()).decode()
