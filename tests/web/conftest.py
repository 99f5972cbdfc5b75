"""A real node with a real server in front of it, on a loopback port that the system chooses."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.web.visitor import MovingClock, Visitor
from tests.web.world import OBJECTS

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.desk.node import init_node, open_node
from backchannel.desk.receive import receive
from backchannel.web.app import create_app
from backchannel.web.auth import Logins

NOON = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock(NOON)


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node with nothing in it, made once: tests work on copies."""
    path = tmp_path_factory.mktemp("new") / "node"
    init_node(path, name="CERT Alpha", own_domains=["alpha.example"], clock=FixedClock(NOON)).close()
    return path


@pytest.fixture
def home(new_home: Path, tmp_path: Path) -> Path:
    """A node with nothing in it."""
    return shutil.copytree(new_home, tmp_path / "node")


@pytest.fixture
def bring(home: Path, clock: MovingClock, tmp_path: Path) -> Callable[..., None]:
    """Import objects, as `backchannel import` does."""

    def bring_in(
        objects: list[codec.JsonObject], *, party: str | None = "CERT Vessland", name: str = "a.json"
    ) -> None:
        path = tmp_path / name
        path.write_bytes(
            codec.encode(
                {"type": "bundle", "id": "bundle--5a1f1f63-9f4b-4d60-8a55-6f6f5f7c0b01", "objects": objects}
            )
        )
        with open_node(home) as node:
            receive(node, clock, [path], party=party)

    return bring_in


@pytest.fixture
def filled(bring: Callable[..., None]) -> None:
    """The node holds the objects of `world`."""
    bring(OBJECTS, name="slack-tide.json")


@dataclass
class Served:
    """A running server."""

    url: str
    logins: Logins
    said: list[str] = field(default_factory=list)

    def visitor(self) -> Visitor:
        return Visitor(self.url)

    def signed_in(self) -> Visitor:
        visitor = self.visitor()
        assert visitor.ask(f"/login?link={self.logins.new_link()}").status == 303
        return visitor


class Stage:
    """One server for all tests: each puts its own application on it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stage = Stage()
        config = uvicorn.Config(
            stage, lifespan="off", log_config=None, server_header=False, interface="asgi3"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield stage, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def served(stage: tuple[Stage, str], home: Path, clock: MovingClock) -> Served:
    """The server in front of the node."""
    at, url = stage
    served = Served(url, Logins(clock))
    at.app = create_app(home, clock, base_url=url, logins=served.logins, announce=served.said.append)
    return served


@pytest.fixture
def visitor(served: Served) -> Visitor:
    """A browser that is signed in."""
    return served.signed_in()
