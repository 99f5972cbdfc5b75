"""kill -9 of a command at each of its steps: each time in a new copy of the same home, one step later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cli.running import environment

from backchannel.desk.node import Node

KILLS = """
import itertools, os, shutil, signal, sys
from importlib import import_module
from pathlib import Path

from backchannel.app import main
from backchannel.store.sqlite.connection import Database

# What each run would load for itself.
for name in ("cli.asking", "cli.replying", "matching.hunt", "desk.hunt_requests", "desk.retracting"):
    import_module(f"backchannel.{name}")

left = 0

def dying(step):
    def run(*words):
        global left
        left -= not str(words[1]).lstrip().startswith(("SELECT", "WITH", "PRAGMA"))
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*words)
    return run

# Before each statement of SQL that writes, and before each file gets its name.
Database.execute, Database.executemany = dying(Database.execute), dying(Database.executemany)
os.rename, os.replace = dying(os.rename), dying(os.replace)
home, folder, *command = sys.argv[1:]
for left in itertools.count(1):
    copy = shutil.copytree(home, Path(folder, str(left)))
    child = os.fork()
    if not child:
        sys.argv[1:] = ["--home", str(copy), *command]
        main()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != -signal.SIGKILL:
        print(left)
        sys.exit(status)
"""


def killed_at_each_step(home: Path, folder: Path, *words: str) -> list[Path]:
    """Run a command in copies of a home that nobody has open, each killed one step later than the one before.

    Returns:
        The copies, in the order of their steps. In the last one the command came to its end.
    """
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", KILLS, str(home), str(folder), *words, "--quiet"],
        capture_output=True,
        check=False,
        env=environment(),
        timeout=500,
    )
    assert ran.returncode == 0, ran.stderr
    return [folder / str(number) for number in range(1, int(ran.stdout.split()[-1]) + 1)]


def check_store(node: Node) -> None:
    """See that the store is whole."""
    assert node.store.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert node.store.database.execute("PRAGMA foreign_key_check").fetchall() == []
