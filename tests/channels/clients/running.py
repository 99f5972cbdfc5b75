"""Run a driver: another project's Python, one script, one line of JSON."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.taxii_objects import Object, objects
from benchmarks.taxii_servers import PEERS, Served

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 120
"""Bound of one driver's work, on a busy machine."""
COUNT = 250
"""Objects that a whole read brings: several pages for each client."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the collection for reading holds."""

    latest: list[Object]
    """Each object in its last version."""
    older: list[list[Object]]
    """Earlier versions of one of them, in the order to give them in."""
    versioned: str

    @property
    def ids(self) -> list[str]:
        """Sorted ids."""
        return sorted(str(one["id"]) for one in self.latest)

    @property
    def indicators(self) -> list[str]:
        """Sorted ids of the indicators."""
        return [one for one in self.ids if one.startswith("indicator--")]

    @property
    def given(self) -> list[list[Object]]:
        """Everything, as batches to give in this order."""
        return [*self.older, self.latest]


def held() -> Held:
    """Return what every server under test holds."""
    latest = objects(COUNT)
    first = dict(latest[1])
    latest[1] = first | {"modified": "2026-02-05T04:05:06.789Z", "name": "third version"}
    second = first | {"modified": "2026-02-04T04:05:06.789Z", "name": "second version"}
    return Held(latest, [[first], [second]], str(first["id"]))


def drive(
    peer: str,
    script: str,
    served: Served,
    *,
    mode: str = "",
    versioned: str = "",
    expect: int = COUNT,
    **more: str,
) -> dict[str, list[str]]:
    """Run a driver to its end; return what it says, or fail with its sentence."""
    asked = {
        "url": served.url, "api-root": served.api_root, "collection": served.read, "title": "Threats",
        "write-collection": served.write, "write-title": "Inbox", "user": served.user,
        "password": served.password, "expect": str(expect), "versioned": versioned, "mode": mode, **more,
    }  # fmt: skip
    command = [str(PEERS / peer / "bin" / "python"), str(HERE / f"{script}.py")]
    command += [f"--{name}={value}" for name, value in asked.items() if value]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, f"{script} {mode}: {done.stderr[-1500:]}"
    # Some clients write what they log there too, before and after it.
    (told,) = [line for line in done.stdout.splitlines() if line.startswith('{"client"')]
    return json.loads(told)
