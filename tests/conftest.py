"""What every test may lean on: the shared data, the tools beside Python, and the rules of the house.

- A test reaches no network beyond the loopback: the socket guard fails it.
- A skip is honest: under `BACKCHANNEL_TEST_ALL=1` (CI) it is a failure, unless `tests/unavailable.toml`
  names the test or the tool and says why it cannot be had.
- Tests run beside each other in several processes, in any order: none counts on what another left, on a fixed
  port, or on how long something takes.
"""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALL = os.environ.get("BACKCHANNEL_TEST_ALL") == "1"
MAX_WORKERS = 8
"""Each makes for itself what tests share: servers, prepared nodes."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """What `tests/unavailable.toml` excuses: name (of a test, tool or peer) to reason."""

    tests: dict[str, str]
    tools: dict[str, str]
    peers: dict[str, str]

    def reason(self, item: pytest.Item) -> str | None:
        """Why `item` may be skipped, or None if nothing excuses it."""
        for test, why in self.tests.items():
            if item.nodeid == test or item.nodeid.startswith((f"{test}[", f"{test}::")):
                return why
        for marker, excused in (("tool", self.tools), ("peer", self.peers)):
            for mark in item.iter_markers(marker):
                if mark.args[0] in excused:
                    return excused[mark.args[0]]
        return None


def _read_unavailable() -> Unavailable:
    value = tomllib.loads((ROOT / "tests" / "unavailable.toml").read_text("utf-8"))
    return Unavailable(value.get("tests", {}), value.get("tools", {}), value.get("peers", {}))


UNAVAILABLE = _read_unavailable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return in how many processes `make test` runs; on one core in its own."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_WORKERS) if cores > 1 else 0


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test by an argument's name where it is packed bytes: they differ from process to process."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip that nothing excuses into a failure, where everything should be there."""
    report = yield
    if ALL and report.skipped and not hasattr(report, "wasxfail") and UNAVAILABLE.reason(item) is None:
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} was skipped, and with BACKCHANNEL_TEST_ALL=1 nothing may be: {report.longrepr}\n"
            f"Mend what is missing, or name the test or its tool with a reason in tests/unavailable.toml."
        )
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program or peer is missing."""
    for mark in item.iter_markers("tool"):
        if shutil.which(mark.args[0]) is None:
            pytest.skip(f"the program {mark.args[0]} is not installed")
    for mark in item.iter_markers("peer"):
        if not _peer_python(mark.args[0]).exists():
            pytest.skip(f"the peer {mark.args[0]} is not installed in .peers (see .ci/run)")


def _peer_python(name: str) -> Path:
    return ROOT / ".peers" / name / "bin" / "python"


@pytest.fixture
def peer_python(request: pytest.FixtureRequest) -> Path:
    """The Python that has the peer named by the test's `peer` mark: `subprocess.run([peer_python, ...])`."""
    mark = request.node.get_closest_marker("peer")
    assert mark is not None, "a test that asks for peer_python says which: @pytest.mark.peer('stix2')"
    return _peer_python(mark.args[0])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of outside data: `$BACKCHANNEL_TEST_DATA`, by default `../shared/data` of the clone."""
    path = Path(os.environ.get("BACKCHANNEL_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not (path / "MANIFEST.json").is_file():
        pytest.skip(f"no outside data in {path}: set BACKCHANNEL_TEST_DATA to a folder that has it")
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the clone."""
    return ROOT


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the home of the person who runs it, or takes its colours."""
    for name in ("BACKCHANNEL_HOME", "BACKCHANNEL_DEBUG", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg-data"))


class NetworkReachedError(AssertionError):
    """A test tried to leave this machine."""


_LOOPBACK = ("127.", "::1", "localhost")


def _guard(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = args[1]
    elif event == "socket.getaddrinfo":
        address = (args[0],)
    else:
        return
    if not isinstance(address, tuple):
        return  # a Unix socket
    host = address[0]
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is None or str(name).startswith(_LOOPBACK) or name in {"", "0.0.0.0", "::"}:
        return
    raise NetworkReachedError(f"a test reached for {name}: tests stay on the loopback")


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Hold every socket of the test process to the loopback.

    An audit hook, because it also sees sockets opened from C code and by libraries that keep their own
    reference to `socket.socket`. It cannot be removed, so it looks at a flag.
    """
    watching = True

    def hook(event: str, args: tuple[object, ...]) -> None:
        if watching:
            _guard(event, args)

    sys.addaudithook(hook)
    yield
    watching = False
