"""Nodes that run as they do for a user: `serve` in a process of its own, killed at any instant."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.desk.node import Node

ROOT = Path(__file__).resolve().parents[2]


class Serving:
    """`backchannel serve --drop-box` of one home."""

    def __init__(self, home: Path) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "backchannel", "--home", str(home), "serve", "--port", "0", "--drop-box"],
            env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stderr is not None
        line = self.popen.stderr.readline()
        found = re.search(r"127\.0\.0\.1:\d+", line)
        assert found, line + self.popen.stderr.read()
        self.url = f"http://{found[0]}"

    def kill(self) -> None:
        """End it as a power cut would."""
        self.popen.kill()
        self.popen.wait(20)
        if self.popen.stderr is not None:
            self.popen.stderr.close()

    def leave(self, data: bytes) -> str | None:
        """Leave a file in the box; returns its ticket, None where no answer came."""
        split = urlsplit(self.url)
        connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=20)
        try:
            connection.request("POST", "/drop", body=data)
            answer = connection.getresponse()
            if answer.status == 429:
                return None
            assert answer.status == 202, answer.status
            return str(codec.decode(answer.read())["ticket"])
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()


def run(node: Node, *words: str, ends: int = 0) -> JsonObject:
    """Run a command as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", "backchannel", "--home", str(node.home), *words, "--json"],
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == ends, done.stderr.decode()
    value = codec.decode(done.stdout)
    assert isinstance(value, dict)
    return value
