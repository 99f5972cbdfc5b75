"""`serve` as an operator runs it: a process of its own."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.web.visitor import Visitor

from backchannel.errors import InputError, UsageError
from backchannel.web.serve import serve
from backchannel.web.tls import Tls

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; from pathlib import Path; from backchannel.web.serve import serve; serve(Path(sys.argv[1]), port=int(sys.argv[2]))"


class Process:
    """A server, and what it has said."""

    def __init__(self, home: Path) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROGRAM, str(home), "0"],
            env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stderr is not None
        self.lines = [self.popen.stderr.readline() for _ in range(2)]

    @property
    def link(self) -> str:
        found = re.search(r"https?://\S+$", self.lines[1].strip())
        assert found, self.lines
        return found[0]

    def stop(self, number: signal.Signals) -> tuple[int, str, str, float]:
        """Send a signal; return exit code, stdout, the rest of stderr, and the seconds that it took."""
        begun = time.monotonic()
        self.popen.send_signal(number)
        out, err = self.popen.communicate(timeout=20)
        return self.popen.returncode, out, err, time.monotonic() - begun


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], Process]]:
    running: list[Process] = []

    def begin() -> Process:
        running.append(Process(home))
        return running[-1]

    yield begin
    for process in running:
        process.popen.kill()  # nothing, where it has ended
        with process.popen:
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_one_link_on_stderr_and_a_signal_stops_it_at_once(
    start: Callable[[], Process], number: signal.Signals
):
    process = start()
    assert "this machine only" in process.lines[0]
    assert "127.0.0.1:" in process.lines[0]
    base, _, path = process.link.partition("/login")
    visitor = Visitor(base)
    assert visitor.ask(f"/login{path}").status == 303
    assert "CERT Alpha" in visitor.ask("/").text
    code, out, err, seconds = process.stop(number)
    assert (code, out, err) == (0, "", "")
    assert seconds < 5


def test_an_open_connection_does_not_hold_it_back(start: Callable[[], Process]):
    process = start()
    host, port = process.link.removeprefix("http://").partition("/")[0].split(":")
    with socket.create_connection((host, int(port)), timeout=20) as idle:
        idle.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert idle.recv(16).startswith(b"HTTP/1.1 200")
        code, _, _, seconds = process.stop(signal.SIGTERM)
    assert code == 0
    assert seconds < 6


def test_it_listens_on_the_loopback_only(start: Callable[[], Process]):
    port = int(start().link.removeprefix("http://127.0.0.1:").partition("/")[0])
    others = {
        address[4][0]
        for address in socket.getaddrinfo(None, port, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=0)
    } | {"127.0.0.2"}
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    for other in others - {"127.0.0.1"}:
        with pytest.raises(ConnectionRefusedError), socket.create_connection((other, port), timeout=5):
            pass


def test_a_node_that_is_not_there_is_said_before_anything_listens(tmp_path: Path):
    said: list[str] = []
    with pytest.raises(UsageError, match="no node") as caught:
        serve(tmp_path / "nothing", say=said.append)
    assert "backchannel init" in caught.value.hint
    assert said == []


def test_a_taken_port_is_said_with_another_one(home: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}") as caught:
            serve(home, port=port)
    assert f"--port {port + 1}" in caught.value.hint or port == 65_535


@pytest.mark.parametrize("public_url", [None, "http://intel.alpha.example"])
def test_nothing_leaves_the_machine_without_tls(home: Path, public_url: str | None):
    with pytest.raises(UsageError, match="without TLS") as caught:
        serve(home, "0.0.0.0", 0, public_url=public_url)
    assert "--tls-cert" in caught.value.hint


def test_a_public_address_with_a_path_is_refused(home: Path):
    with pytest.raises(UsageError, match="scheme and a host") as caught:
        serve(home, port=0, public_url="https://intel.alpha.example/backchannel")
    assert "--public-url" in caught.value.hint


def test_a_certificate_that_cannot_be_read_is_said_plainly(home: Path, tmp_path: Path):
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nonsense")
    for tls in (
        Tls(tmp_path / "cert.pem", tmp_path / "key.pem"),
        Tls(tmp_path / "no.pem", tmp_path / "no.pem"),
    ):
        with pytest.raises(InputError, match="certificate"):
            serve(home, port=0, tls=tls)


def test_no_thread_is_left_behind(start: Callable[[], Process]):
    before = threading.active_count()
    start().stop(signal.SIGTERM)
    assert threading.active_count() == before
