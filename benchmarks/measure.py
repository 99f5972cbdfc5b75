"""Run a command, and measure what it cost."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
US = (sys.executable, "-m", "backchannel")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost."""

    cpu_s: float
    """User and system time of the process and what it started."""
    rss_mib: float
    """Most memory it held."""


def run(*command: str, home: Path | None = None, out: Path | None = None, may_fail: bool = False) -> Cost:
    """Run a command to its end; its output goes to `out` or nowhere."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    environment.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # an installed program is compiled: the first run does that
    if home is not None:
        environment["BACKCHANNEL_HOME"] = str(home)
    with (out or Path(os.devnull)).open("wb") as sink:
        child = subprocess.Popen(command, stdout=sink, stderr=subprocess.PIPE, env=environment)
        assert child.stderr is not None
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    child.returncode = code
    if code not in {0, 1} and not may_fail:
        raise SystemExit(f"{' '.join(command[:4])} ended with {code}: {said.decode()[-400:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def best(times: int, *command: str, home: Path | None = None, out: Path | None = None) -> Cost:
    """Run a command several times; return the cheapest run."""
    return min((run(*command, home=home, out=out) for _ in range(times)), key=lambda cost: cost.cpu_s)


def machine() -> str:
    """Describe the machine in a line."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = names[0].partition(":")[2].strip() if names else platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"
