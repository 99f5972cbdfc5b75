"""Our own server, started as an operator starts it: a node, a root, collections, tokens, `serve`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT, US
from benchmarks.taxii_servers import Served, free_port, running


@dataclass(frozen=True, slots=True)
class Node:
    """A node's home folder, and how to command it."""

    home: Path

    def do(self, *command: str, may_need: bool = False) -> dict[str, str]:
        """Run a command with `--json`; return its document."""
        done = subprocess.run(
            [*US, *command, "--home", str(self.home), "--json"],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in ({0, 1} if may_need else {0}):
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-800:]}")
        return json.loads(done.stdout)

    @staticmethod
    def environment() -> dict[str, str]:
        """Return an environment in which the clone's own code runs."""
        return os.environ | {"PYTHONPATH": str(ROOT / "src")}

    @contextmanager
    def serve(self, *more: str) -> Iterator[tuple[str, int, float]]:
        """Run `serve` until the end of the block; yield its base URL, process id and seconds to start."""
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        command = [*US, "serve", "--home", str(self.home), "--port", str(port), "--public-url", base, *more]
        log = self.home.parent / f"{self.home.name}.log"
        with running(command, f"{base}/taxii2/", log, self.environment()) as (pid, start_s):
            yield base, pid, start_s


def a_node(folder: Path, name: str = "Backchannel") -> Node:
    """Make a node in the folder."""
    node = Node(folder / "home")
    node.do("init", "--name", name)
    return node


def exchange(node: Node, *parties: str, default_tlp: str | None = "green") -> tuple[str, str, list[str]]:
    """Offer a root with two collections to the parties; return the collections' ids and each one's token."""
    node.do("taxii", "root", "add", "exchange", "--title", "Exchange")
    how = ["--root", "exchange", *(["--default-tlp", default_tlp] if default_tlp else [])]
    read, write = (node.do("taxii", "collection", "add", title, *how)["id"] for title in ("Threats", "Inbox"))
    tokens = [
        node.do(
            "taxii",
            "token",
            "add",
            party,
            *("--read", read, "--write", read, "--read", write, "--write", write),
        )["token"]
        for party in parties
    ]
    return read, write, tokens


@contextmanager
def backchannel(folder: Path) -> Iterator[tuple[Served, list[str]]]:
    """Run our server with two parties; yield it, and the Authorization header of each."""
    node = a_node(folder)
    read, write, tokens = exchange(node, "Alice Ltd", "Bob GmbH", default_tlp=None)
    with node.serve() as (base, pid, start_s):
        served = Served(
            "Backchannel", f"{base}/taxii2/", f"{base}/taxii2/exchange/", read, write, "Alice Ltd", tokens[0], pid,
            start_s,
        )  # fmt: skip
        yield served, [f"Bearer {token}" for token in tokens]
