"""Run the real command in a process of its own, on small data of our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cli.warm import warm
from tests.desk.made import a_file, identity, indicator, made, malware, relationship

ONE = indicator(1)
"""A name, met twice in `dns.log`: itself and a name below it."""
TWO = indicator(2, pattern="[ipv4-addr:value = '203.0.113.9']")
"""An address, met twice in `conn.log`."""
THREE = indicator(3, pattern="[process:cwd = 'x'] FOLLOWEDBY [domain-name:value = 'evil3.example']")
"""Not searched: nothing of its first part can be looked up."""
FOUR = indicator(4, pattern="[domain-name:value = 'later.example']", valid_from="2026-02-01T00:00:00Z")
"""Met in `dns.log` before it was valid."""
BROKEN = indicator(5, pattern="[[[")

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Ran:
    """How one run of the command ended."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def document(self) -> dict[str, object]:
        value: dict[str, object] = json.loads(self.out)
        assert self.out.count(b"\n") == 1
        assert self.out.endswith(b"\n")
        return value

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]
"""`run(*words, stdin=b"", **environment)`: runs `backchannel WORD...` in a home of the test's own."""


def environment(**more: str) -> dict[str, str]:
    """The environment of a run: nothing of the person's who runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_DATA_HOME") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "COLUMNS": "100", **more}


def command(home: Path, *words: str | bytes | Path) -> list[str | bytes | Path]:
    return [sys.executable, "-m", "backchannel", "--home", home, *words]


def run_in(home: Path, *words: str | bytes | Path, stdin: bytes = b"", cwd: Path, **more: str) -> Ran:
    """Run the command; with more in its environment in a new interpreter, which may read that before it begins."""
    if not more:
        given = [os.fsdecode(word) for word in ("--home", home, *words)]
        code, out, err = warm().run(given, stdin=stdin, cwd=cwd, environment=environment(), timeout_s=60)
        return Ran(code, out, err.decode())
    done = subprocess.run(
        command(home, *words),
        input=stdin,
        capture_output=True,
        check=False,
        cwd=cwd,
        env=environment(**more),
        timeout=60,
    )
    return Ran(done.returncode, done.stdout, done.stderr.decode())


def jsonl(path: Path, *records: Record) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def conn(second: int, server: str, *, client: str = "10.0.0.5") -> Record:
    """One line of Zeek's conn.log."""
    return {
        "ts": 1767225600 + second,
        "uid": f"C{second}",
        "id.orig_h": client,
        "id.orig_p": 40000 + second,
        "id.resp_h": server,
        "id.resp_p": 443,
        "proto": "tcp",
    }


def dns(second: int, query: str, *, client: str = "10.0.0.5") -> Record:
    """One line of Zeek's dns.log."""
    return {
        "ts": 1767225600 + second,
        "uid": f"D{second}",
        "id.orig_h": client,
        "id.orig_p": 50000 + second,
        "id.resp_h": "10.0.0.1",
        "id.resp_p": 53,
        "proto": "udp",
        "query": query,
    }


def write_world(folder: Path) -> None:
    """Write the intelligence and the logs that the tests of commands use."""
    a_file(
        folder,
        ONE,
        TWO,
        THREE,
        FOUR,
        malware(1),
        relationship(ONE, "indicates", malware(1)),
        identity(1),
        name="beta.json",
    )
    a_file(folder, BROKEN, b'{"type": "indicator"}', made("x-note", 1), name="bad.json")
    jsonl(
        folder / "conn.log",
        conn(0, "203.0.113.9"),
        conn(1, "192.0.2.1"),
        conn(2, "203.0.113.9", client="10.0.0.6"),
    )
    jsonl(
        folder / "dns.log",
        dns(0, "evil1.example"),
        dns(1, "www.evil1.example"),
        dns(2, "good.example"),
        dns(3, "later.example"),
    )
