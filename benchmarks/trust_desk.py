"""Drops through the desk, with the store: planned and sent, taken into a fresh home, passed on, and taken there.

    python -m benchmarks.trust_desk [--objects N]

CPU time (user and system) of the process and its worker. The yardstick, in the same run, is a plain import of the
same objects. Each step is a process of its own, so that the memory it names is its own. Ends with 1 when a goal is
missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from backchannel.clock import FixedClock
from backchannel.desk.choosing import Choice
from backchannel.desk.membership import contact_card, meet
from backchannel.desk.node import Node, init_node
from backchannel.desk.planning import plan
from backchannel.desk.receive import receive
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import release
from backchannel.desk.stating import How
from backchannel.desk.taking import TakeTerms, take_drop
from benchmarks.measure import ROOT, machine
from benchmarks.trust_drop import NOW, indicators

CLOCK = FixedClock(NOW)
GOAL_IMPORTS = 3.0
"""Neither sending nor taking costs more than so many imports of the same objects."""
GOAL_MIB = 600


CODE = """
import json, sys
from pathlib import Path
from backchannel.desk.node import open_node
from benchmarks.trust_desk import WORK
from benchmarks.trust_drop import cpu, held_mib
whose, what, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
with open_node(folder / whose) as node:
    begun = cpu()
    WORK[what](node, folder, sys.argv[4])
    print(json.dumps([cpu() - begun, held_mib()]))
"""
STEPS = (
    ("imported", "alpha", "import", ""),
    ("planned and sent, our own", "alpha", "send", "beta"),
    ("taken into a fresh home", "beta", "take", ""),
    ("planned and passed on", "beta", "send", "gamma"),
    ("taken into a fresh home, through a relay", "gamma", "take", ""),
)
"""Name, whose, what is done, and to whom."""


def make_nodes(folder: Path, objects: int) -> None:
    """Make three nodes that verified one another, and the bundle."""
    with ExitStack() as stack:
        names = ("alpha", "beta", "gamma")
        nodes = [stack.enter_context(init_node(folder / name, name=name, clock=CLOCK)) for name in names]
        for one in nodes:
            for other in nodes:
                if one is not other:
                    meet(one, CLOCK, contact_card(other, CLOCK).text.encode(), handed_over=True)
    bundle = {"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-4cbf938f4cbf"}
    (folder / "bundle.json").write_text(json.dumps(bundle | {"objects": list(indicators(objects))}))


def bring_in(node: Node, folder: Path, _: str) -> None:
    receive(node, CLOCK, [folder / "bundle.json"], party=node.party.name)


def send(node: Node, folder: Path, to: str) -> None:
    (newest,) = node.store.batches.newest(before=None, rows=1)
    planned = plan(node, CLOCK, recipient_of(node, to), Choice(batch=newest.batch_id))
    release(node, CLOCK, planned, How()).path.rename(folder / f"for-{to}.bcb")


def take(node: Node, folder: Path, _: str) -> None:
    with (folder / f"for-{node.party.name}.bcb").open("rb") as file:
        taken = take_drop(node, CLOCK, file, TakeTerms(place="drop.bcb"))
    if taken.stored != taken.objects or not taken.objects or taken.quarantined:
        raise SystemExit("not everything was taken")


WORK: dict[str, Callable[[Node, Path, str], None]] = {"import": bring_in, "send": send, "take": take}


def main() -> int:
    """Measure, print, and say whether the goals are reached."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--objects", type=int, default=100_000)
    objects: int = asked.parse_args().objects
    print(f"{machine()}; {objects:,} objects with the database, CPU time of the process and its worker")
    good, yardstick = True, 0.0
    with tempfile.TemporaryDirectory() as folder:
        make_nodes(Path(folder), objects)
        for name, *step in STEPS:
            command = [sys.executable, "-c", CODE, *step[:2], folder, step[2]]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            seconds, mib = json.loads(done.stdout)
            yardstick = yardstick or seconds
            good &= seconds <= GOAL_IMPORTS * yardstick and mib < GOAL_MIB
            print(
                f"  {name:<42}{seconds:7.2f} s {objects / seconds:8,.0f} objects/s "
                f"{seconds / yardstick:5.1f} imports {mib:5.0f} MiB"
            )
    print(f"  goals: at most {GOAL_IMPORTS} imports, and less than {GOAL_MIB} MiB")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
