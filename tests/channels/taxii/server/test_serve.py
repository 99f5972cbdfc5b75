"""`backchannel serve` as an operator runs it, with everything before the pages: a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.channels.taxii.server.asking import Asking
from tests.channels.taxii.server.place import OBJECTS, OPEN, ROOT, Place
from tests.desk.made import an_id, indicator

from backchannel import codec

ROOT_FOLDER = Path(__file__).resolve().parents[4]
MAX_IDLE_BYTES = 90 * 2**20
MAX_START_S = 1.0


@dataclass
class Process:
    popen: subprocess.Popen[str]
    url: str
    said: list[str]


@contextmanager
def serve(home: Path, *options: str) -> Iterator[Process]:
    popen = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "backchannel",
            "--home",
            str(home),
            "serve",
            "--port",
            "0",
            *options,
        ],
        env={"PYTHONPATH": str(ROOT_FOLDER / "src"), "PATH": os.environ["PATH"]},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert popen.stderr is not None
        lines = [popen.stderr.readline() for _ in range(2)]
        found = re.search(r"127\.0\.0\.1:\d+", lines[0])
        assert found, lines
        yield Process(popen, f"http://{found[0]}", lines)
    finally:
        popen.kill()
        with popen:
            pass


def backchannel(home: Path, *words: str) -> dict[str, str]:
    """One command, and its document."""
    done = subprocess.run(
        [sys.executable, "-m", "backchannel", "--home", str(home), *words, "--json"],
        env={"PYTHONPATH": str(ROOT_FOLDER / "src"), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    value: dict[str, str] = codec.decode(done.stdout)
    return value


def test_two_commands_and_a_token_are_all_that_a_party_needs(tmp_path: Path):
    home = tmp_path / "node"
    backchannel(home, "init", "--name", "CERT Alpha")
    root = backchannel(home, "taxii", "root", "add", "sharing")
    collection = backchannel(
        home,
        "taxii",
        "collection",
        "add",
        "Shared",
        "--root",
        root["id"],
        "--alias",
        "shared",
        "--default-tlp",
        "green",
    )
    with serve(home) as process:
        both = ("--read", collection["id"], "--write", "shared")
        token = backchannel(home, "taxii", "token", "add", "CERT Beta", *both)["token"]
        beta = Asking(process.url, f"Bearer {token}")
        path = f"/taxii2/{root['id']}/collections/{collection['id']}/objects/"
        assert beta.post(path, indicator(1)).document["success_count"] == 1
        assert beta.ids(path) == [an_id("indicator", 1)]
        assert [
            one["title"] for one in beta.ask(f"/taxii2/{root['id']}/collections/").document["collections"]
        ] == ["Shared"]


def test_a_cursor_lasts_over_a_restart(filled_place: Place, place: Place):
    home = filled_place.home
    with serve(home) as first:
        asking = Asking(first.url, f"Bearer {place.vessland}")
        following = asking.ask(f"{OBJECTS}?limit=3").document["next"]
        rest = asking.ids(f"{OBJECTS}?next={following}&limit=100")
        first.popen.send_signal(signal.SIGTERM)
        assert first.popen.wait(20) == 0
    with serve(home) as second:
        asking = Asking(second.url, f"Bearer {place.vessland}")
        assert asking.ids(f"{OBJECTS}?next={following}&limit=100") == rest


def test_what_was_acknowledged_outlives_kill_9(place: Place):
    numbers = iter(range(10_000))
    acknowledged: list[str] = []
    for _ in range(4):
        with serve(place.home) as process:
            asking = Asking(process.url, f"Bearer {place.vessland}")
            for _ in range(3):
                batch = [next(numbers) for _ in range(3)]
                assert asking.post(OBJECTS, *map(indicator, batch)).document["success_count"] == 3
                acknowledged += [an_id("indicator", n) for n in batch]
            process.popen.kill()
            process.popen.wait(20)
    with serve(place.home) as process:
        got = Asking(process.url, f"Bearer {place.vessland}").ids(OBJECTS)
    assert got == acknowledged


def test_it_starts_quickly_and_takes_little_memory(place: Place):
    with serve(place.home) as process:
        of_process = psutil.Process(process.popen.pid)
        assert Asking(process.url, f"Bearer {place.vessland}").ask("/taxii2/").status == 200
        times = of_process.cpu_times()  # what else this machine does meanwhile is no fault of ours
        assert times.user + times.system < MAX_START_S
        assert of_process.memory_info().rss < MAX_IDLE_BYTES


def test_a_signal_lets_a_request_end_and_nothing_is_said_of_it(place: Place):
    with serve(place.home) as process:
        asking = Asking(process.url, f"Bearer {place.vessland}")
        assert asking.post(OBJECTS, indicator(1)).status == 202
        assert asking.ask(f"{OBJECTS}?limit=x").status == 400
        began = time.monotonic()
        process.popen.send_signal(signal.SIGINT)
        assert process.popen.wait(20) == 0
        assert time.monotonic() - began < 5
        assert process.popen.stderr is not None
        assert process.popen.stderr.read() == ""


def test_the_public_address_is_what_discovery_names(place: Place):
    with serve(place.home, "--public-url", "https://intel.alpha.example/") as process:
        document = Asking(process.url, f"Bearer {place.vessland}").ask("/taxii2/").document
        assert document["default"] == f"https://intel.alpha.example{ROOT}"
        assert "https://intel.alpha.example/taxii2/open/" in document["api_roots"]
        stranger = Asking(process.url, None)
        assert stranger.ask(f"/taxii2/open/collections/{OPEN}/objects/").status == 200


@pytest.mark.parametrize("url", ["intel.alpha.example", "https://a.example/path"])
def test_a_public_address_of_another_form_is_refused(place: Place, url: str):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "backchannel",
            "--home",
            str(place.home),
            "serve",
            "--port",
            "0",
            "--public-url",
            url,
        ],
        env={"PYTHONPATH": str(ROOT_FOLDER / "src"), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "--public-url" in done.stderr
