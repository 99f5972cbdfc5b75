"""A live server of feeds and of MISP's interface, with collections for everybody, for one party, and hidden ones."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from benchmarks.taxii_servers import free_port
from starlette.types import Receive, Scope, Send
from tests.desk.made import NOW, a_file, an_id, indicator
from tests.misp.made import plain

from backchannel.channels.front import open_channels
from backchannel.clock import FixedClock
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.node import Node, init_node
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch
from backchannel.desk.receive import receive

CLOCK = FixedClock(NOW)
BASE = "http://127.0.0.1:8017"
CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> dict[str, object]:
        return json.loads(self.body)


@dataclass(frozen=True)
class Live:
    node: Node
    url: str
    beta: str
    """Key of CERT Beta, who reads all but `hidden` and writes `shared`."""
    gamma: str
    """Key of CERT Gamma, who only reads `shared`."""
    nobody: str

    def ask(
        self, path: str, *, key: str | None = None, method: str = "GET", body: object = None, **headers: str
    ) -> Answer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        for name, text in headers.items():
            request.add_header(name.replace("_", "-"), text)
        if key is not None:
            request.add_header("Authorization", key)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(
                    answer.status,
                    {name.lower(): text for name, text in answer.headers.items()},
                    answer.read(),
                )
        except urllib.error.HTTPError as error:
            return Answer(
                error.code, {name.lower(): text for name, text in error.headers.items()}, error.read()
            )


def offered(node: Node, alias: str, *paths: Path, tlp: str | None = None, anonymous: bool = False) -> None:
    new = NewOffer(title=alias.title(), root_id="sharing", alias=alias, anonymous_read=anonymous)
    add_collection(node, CLOCK, new, base_url=BASE)
    batch = receive(node, CLOCK, list(paths), party="ESET", tlp=tlp).batch
    put_batch(node, CLOCK, alias, batch)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("misp")
    eset = [folder / name for name in ("powerpool.json", "signsight.json")]
    for path, name in zip(
        eset, ("powerpool_misp-powerpool.json", "signsight_signsight-misp-event.json"), strict=True
    ):
        path.write_bytes(plain(shared_data / "misp" / "eset" / name))
    marked = [indicator(n, object_marking_refs=[ref]) for n, ref in enumerate((CLEAR, GREEN, RED), 1)]
    urls = [
        indicator(n, pattern=f"[url:value = 'http://evil{n}.example/a,b']", object_marking_refs=[CLEAR])
        for n in (11, 12)
    ]
    with init_node(folder / "home", name="CERT Alpha", clock=CLOCK) as node:
        add_root(node, CLOCK, "sharing", base_url=BASE)
        offered(node, "shared", *eset, a_file(folder, *marked), tlp="green")
        offered(node, "open", a_file(folder, *marked, *urls, name="open.json"), anonymous=True)
        offered(
            node, "hidden", a_file(folder, indicator(21, object_marking_refs=[CLEAR]), name="hidden.json")
        )
        keys = [
            add_token(node, CLOCK, NewCredential(party=party, read=read, write=write)).token or ""
            for party, read, write in (
                ("CERT Beta", ("shared", "open"), ("shared",)),
                ("CERT Gamma", ("shared",), ()),
                ("CERT Nobody", (), ()),
            )
        ]
        channels = open_channels(folder / "home", CLOCK)
        app = channels.before(no_pages)
        port = free_port()
        server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off")
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.started
        try:
            yield Live(node, f"http://127.0.0.1:{port}", *keys)
        finally:
            server.should_exit = True
            thread.join(10)
            channels.close()


async def no_pages(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(f"{scope['path']} went to the pages")


def uuid_of(n: int) -> str:
    return an_id("indicator", n).partition("--")[2]
