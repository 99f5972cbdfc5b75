"""Other projects' TAXII 2.1 servers, started on the loopback from .peers, for tests and the benchmark."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".peers"
TAXII = "application/taxii+json;version=2.1"
PORTS = range(20_000, 32_000)
"""Linux gives those from 32768 by itself, others those from 49152 (RFC 6335 §6)."""
START_S = 60
"""How long a server may take to answer its first request, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Served:
    """A TAXII server that runs."""

    name: str
    url: str
    """Its discovery document."""
    api_root: str
    """With its last slash."""
    read: str
    """The id of a collection with objects."""
    write: str
    """The id of one for writing."""
    user: str
    password: str
    pid: int
    """The process that was started; its children belong to it."""
    start_s: float
    """From the start of the process to its first answer."""


def free_port() -> int:
    """Return a port of the loopback for a server that is started by itself, perhaps several times.

    None of those that a system gives to whoever asks for any: between two starts somebody else would get it.
    """
    while True:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with suppress(OSError), socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as packets:
            stream.bind(("127.0.0.1", port))
            packets.bind(("127.0.0.1", port))
            return port


@contextmanager
def running(
    command: list[str], ready: str, log: Path, environment: dict[str, str] | None = None
) -> Iterator[tuple[int, float]]:
    """Run a server until the end of the block; yield its process id and the seconds to its first answer."""
    began = time.perf_counter()
    with log.open("ab") as sink:
        child = subprocess.Popen(
            command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=os.environ | (environment or {})
        )
    try:
        while not _answers(ready):
            if child.poll() is not None or time.perf_counter() - began > START_S:
                raise SystemExit(f"{command[0]} did not start: {log.read_text('utf-8', 'replace')[-800:]}")
            time.sleep(0.01)
        yield child.pid, time.perf_counter() - began
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(10)


def _answers(url: str) -> bool:
    try:
        request = urllib.request.Request(url, headers={"Accept": TAXII})
        with urllib.request.urlopen(request, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def basic(user: str, password: str) -> str:
    """Return the Authorization header of a user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def get_json(url: str, user: str, password: str) -> dict[str, list[dict[str, str]]]:
    """Ask with Basic authentication; return the JSON that came."""
    request = urllib.request.Request(url, headers={"Accept": TAXII, "Authorization": basic(user, password)})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@contextmanager
def medallion(
    folder: Path, objects: Iterable[dict[str, object]] = (), *, page: int = 100
) -> Iterator[Served]:
    """Run medallion with its memory backend; the objects are in the collection for reading."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    read, write = str(uuid.uuid4()), str(uuid.uuid4())
    media = ["application/stix+json;version=2.1"]
    given = list(objects)
    began = datetime.now(UTC) - timedelta(hours=1)
    stamps = [
        f"{began + timedelta(microseconds=n * 1001 + 1):%Y-%m-%dT%H:%M:%S.%fZ}" for n in range(len(given))
    ]
    manifest = [
        {"id": one["id"], "date_added": at, "version": one.get("modified") or one.get("created") or at,
         "media_type": media[0]}
        for one, at in zip(given, stamps, strict=True)
    ]  # fmt: skip
    held = [
        one | {"_date_added": at} if "modified" not in one else one
        for one, at in zip(given, stamps, strict=True)
    ]

    def collection(
        name: str, title: str, some: list[dict[str, object]], about: list[dict[str, object]]
    ) -> object:
        rights = {"can_read": True, "can_write": True, "media_types": media}
        return {"id": name, "title": title, **rights, "objects": some, "manifest": about}

    data = {
        "/discovery": {"title": "medallion", "default": f"{base}/exchange/", "api_roots": [f"{base}/exchange/"]},
        "exchange": {
            "information": {"title": "Exchange", "versions": [TAXII], "max_content_length": 9765625},
            "status": [],
            "collections": [
                collection(read, "Threats", held, manifest), collection(write, "Inbox", [], []),
            ],
        },
    }  # fmt: skip
    (folder / "data.json").write_text(json.dumps(data))
    backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend",
               "filename": str(folder / "data.json")}  # fmt: skip
    config = {"backend": backend, "users": {"alice": "secret"}, "taxii": {"max_page_size": page}}
    (folder / "config.json").write_text(json.dumps(config))
    program = str(PEERS / "medallion" / "bin" / "python")
    command = [program, "-m", "medallion.scripts.run", "--port", str(port), str(folder / "config.json")]
    with running(command, f"{base}/taxii2/", folder / "medallion.log") as (pid, start_s):
        yield Served(
            "medallion", f"{base}/taxii2/", f"{base}/exchange/", read, write, "alice", "secret", pid, start_s
        )


OPENTAXII = """
domain: "127.0.0.1:{port}"
support_basic_auth: yes
return_server_error_details: no
auth_api:
  class: opentaxii.auth.sqldb.SQLDatabaseAPI
  parameters: {{db_connection: "sqlite:///{folder}/auth.db", create_tables: yes, secret: made-for-one-run}}
taxii1: null
taxii2:
  persistence_api:
    class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI
    parameters: {{db_connection: "sqlite:///{folder}/data.db", create_tables: yes}}
  title: "OpenTAXII"
  description: "made for one run"
  public_discovery: true
  max_content_length: 209715200
  default_pagination_limit: 100
  max_pagination_limit: 1000
logging: {{opentaxii: warning, root: warning}}
"""


SET_UP = """
import sys
from opentaxii.cli import app
with app.app_context():
    app.taxii_server.auth.api.create_account("alice", "secret", is_admin=True)
    kept = app.taxii_server.servers.taxii2.persistence.api
    kept.add_api_root(title="exchange", default=True, is_public=False, api_root_id=sys.argv[1])
    for title in ("Threats", "Inbox"):
        kept.add_collection(api_root_id=sys.argv[1], title=title, is_public=True, is_public_write=True)
"""
"""What its own commands do, in one process."""


@contextmanager
def opentaxii(folder: Path) -> Iterator[Served]:
    """Run OpenTAXII under gunicorn with two workers and SQLite; both its collections are empty."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    (folder / "opentaxii.yml").write_text(OPENTAXII.format(port=port, folder=folder))
    programs = PEERS / "opentaxii" / "bin"
    environment = {"OPENTAXII_CONFIG": str(folder / "opentaxii.yml"), "SQLALCHEMY_SILENCE_UBER_WARNING": "1"}

    root = str(uuid.uuid4())

    command = [str(programs / "python"), "-c", SET_UP, root]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"OpenTAXII could not be set up: {done.stderr[-600:]}")
    command = [
        str(programs / "python"), "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--timeout", "120",
        "--log-level", "warning", "opentaxii.http:app",
    ]  # fmt: skip
    with running(command, f"{base}/taxii2/", folder / "opentaxii.log", environment) as (pid, start_s):
        api_root = f"{base}/taxii2/{root}/"
        offered = get_json(f"{api_root}collections/", "alice", "secret")["collections"]
        named = {one["title"]: one["id"] for one in offered}
        yield Served(
            "OpenTAXII",
            f"{base}/taxii2/",
            api_root,
            named["Threats"],
            named["Inbox"],
            "alice",
            "secret",
            pid,
            start_s,
        )


def bearer(served: Served) -> str:
    """Log in to OpenTAXII; return the Authorization header that costs it least."""
    base = served.url.removesuffix("taxii2/")
    body = json.dumps({"username": served.user, "password": served.password}).encode()
    request = urllib.request.Request(
        f"{base}management/auth", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return f"Bearer {json.load(answer)['token']}"
