"""A TAXII server of our own that does each wrong thing in turn, on a loopback port that the system chooses.

`Collection` holds objects with stamps and answers as TAXII 2.1 (or 2.0) wants it; its knobs, and `Wrong`
answers put before it, make it misbehave.
"""

from __future__ import annotations

import base64
import gzip
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.desk.made import Made, indicator

TAXII = "application/taxii+json;version=2.1"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """One answer."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = TAXII
    length: int | None = None
    """What Content-Length says, where it lies."""
    write: Callable[[socket.socket], None] | None = None
    """Writes the whole answer itself."""


Answer = Callable[[Asked], Reply]


def stamp(n: int) -> str:
    """The nth microsecond of a second."""
    return f"2026-01-01T00:00:00.{n:06}Z"


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


@dataclass
class Collection:
    """Objects with stamps behind one API root."""

    objects: list[tuple[str, bytes]] = field(default_factory=list)
    """(stamp, body), oldest first."""
    page: int = 100
    next: bool = True
    """Whether `next` is given."""
    stamps: bool = True
    """Whether X-TAXII-Date-Added-* are given."""
    inclusive: bool = False
    """Whether `added_after` takes what has that very stamp too."""
    media_type: str = TAXII
    date: str | None = None
    """The `Date` of every answer."""
    root: str = "/api/"
    id: str = COLLECTION
    title: str = "Indicators"
    can_write: bool = True
    max_content_length: int = 10_000_000
    posted: list[Asked] = field(default_factory=list)

    def add(self, *values: Made, at: str | None = None) -> None:
        for value in values:
            self.objects.append((at or stamp(len(self.objects) + 1), json.dumps(value).encode()))

    def __call__(self, asked: Asked) -> Reply:
        path = asked.path
        if path == "/taxii2/":
            return self.reply(as_json({"title": "T", "default": self.root, "api_roots": [self.root]}))
        if path == self.root:
            value = {"title": "R", "versions": [TAXII], "max_content_length": self.max_content_length}
            return self.reply(as_json(value))
        if path == f"{self.root}collections/":
            return self.reply(as_json({"collections": [self.value()]}))
        if path == f"{self.root}collections/{self.id}/":
            return self.reply(as_json(self.value()))
        if path == f"{self.root}collections/{self.id}/objects/":
            return self.post(asked) if asked.method == "POST" else self.listing(asked)
        return Reply(as_json({"title": "Not Found"}), 404)

    def value(self) -> Made:
        return {
            "id": self.id,
            "title": self.title,
            "alias": "ind",
            "can_read": True,
            "can_write": self.can_write,
            "media_types": ["application/stix+json;version=2.1"],
        }

    def listing(self, asked: Asked) -> Reply:
        after = asked.query.get("added_after", "")
        limit = min(int(asked.query.get("limit", self.page)), self.page)
        found = [one for one in self.objects if one[0] > after or (self.inclusive and one[0] == after)]
        start = int(asked.query.get("next") or 0)
        shown = found[start : start + limit]
        more = start + limit < len(found)
        return self.envelope(shown, more=more, following=str(start + limit) if more and self.next else None)

    def envelope(
        self, shown: list[tuple[str, bytes]], *, more: bool = False, following: str | None = None
    ) -> Reply:
        parts = [f'"more":{"true" if more else "false"}'.encode()]
        if shown:
            parts.append(b'"objects":[' + b",".join(body for _, body in shown) + b"]")
        if following is not None:
            parts.append(f'"next":"{following}"'.encode())
        reply = self.reply(b"{" + b",".join(parts) + b"}")
        if self.stamps and shown:
            reply.headers |= {
                "X-TAXII-Date-Added-First": shown[0][0],
                "X-TAXII-Date-Added-Last": shown[-1][0],
            }
        return reply

    def reply(self, body: bytes) -> Reply:
        return Reply(body, 200, {"Date": self.date} if self.date else {}, self.media_type)

    def post(self, asked: Asked) -> Reply:
        self.posted.append(asked)
        objects = json.loads(asked.body)["objects"]
        told = [{"id": one["id"], "version": one["modified"]} for one in objects]
        value = {
            "id": "2d086da7-4bdc-4f91-900e-d77486753710",
            "status": "complete",
            "total_count": len(told),
            "success_count": len(told),
            "successes": told,
            "failure_count": 0,
            "pending_count": 0,
        }
        return Reply(as_json(value), 202)


@dataclass
class Wrong:
    """A collection of which some requests are answered otherwise."""

    inner: Answer
    when: Callable[[Asked], bool]
    wrong: Answer
    times: int = 10**9
    """How often; after that it behaves."""

    def __call__(self, asked: Asked) -> Reply:
        if self.times and self.when(asked):
            self.times -= 1
            return self.wrong(asked)
        return self.inner(asked)


def objects_asked(asked: Asked) -> bool:
    return asked.path.endswith("/objects/") and asked.method == "GET"


@dataclass
class Server:
    """What runs."""

    answer: Answer
    port: int = 0
    scheme: str = "http"
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def discovery(self) -> str:
        return f"{self.url}/taxii2/"

    def listings(self) -> list[Asked]:
        return [one for one in self.asked if objects_asked(one)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ours: Server

    def log_message(self, *args: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(timestamp)

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes) -> None:
        split = urlsplit(self.path)
        query = {key: texts[-1] for key, texts in parse_qs(split.query, keep_blank_values=True).items()}
        headers = {name.lower(): text for name, text in self.headers.items()}
        asked = Asked(self.command, split.path, query, headers, body)
        self.ours.asked.append(asked)
        reply = self.ours.answer(asked)
        try:
            if reply.write is not None:
                self.close_connection = True
                reply.write(self.connection)
                return
            self.send_response_only(reply.status)
            if "Date" not in reply.headers:
                self.send_header("Date", self.date_time_string())
            for name, text in {"Content-Type": reply.media_type, **reply.headers}.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
            self.end_headers()
            self.wfile.write(reply.body)
            if reply.length is not None:
                self.close_connection = True
        except OSError:
            self.close_connection = True  # the client has had enough


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serving(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server until the block ends."""
    ours = Server(answer, scheme="https" if tls else "http")
    handler = type("Handler", (_Handler,), {"ours": ours})
    server = _Quiet(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    ours.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield ours
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def filled(n: int = 250, **knobs: object) -> Collection:
    """A collection of n indicators."""
    collection = Collection(**knobs)  # type: ignore[arg-type]
    collection.add(*(indicator(number) for number in range(1, n + 1)))
    return collection


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def packed(body: bytes) -> Reply:
    return Reply(gzip.compress(body), 200, {"Content-Encoding": "gzip"})


def drips(connection: socket.socket) -> None:
    """Send a header a byte at a time, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(200):
        connection.sendall(b"a")
        time.sleep(0.05)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    words = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}"
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(["openssl", *words.split(), *more], check=True, capture_output=True)
    return chain, key
