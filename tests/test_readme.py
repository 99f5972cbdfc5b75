"""The README is what a newcomer types: each command in it is run here, in order, and says what it shows.

A block that begins with ```` ```console ```` holds commands (`$ ...`) and what they print. A line `…` stands for lines left
out, and `…` within a line for the rest of it or a part of it. A comment behind a command says how it ends, where that is not
with 0: `# ends with 1`, `# until Ctrl-C`, or `# in a terminal of its own`: that one runs until all the others have.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from backchannel.cli.program import backchannel

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what the README says of it."""

    command: str
    code: int
    is_server: bool
    stays: bool
    """Whether the server runs while the commands behind it do."""
    shown: tuple[str, ...]


def steps(page: str = README) -> list[Step]:
    """The commands of a page, in their order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *shown = part.rstrip("\n").split("\n")
            command, _, comment = line.partition("  # ")
            ends = re.search(r"ends with (\d+)", comment)
            stays = comment == "in a terminal of its own"
            is_server = stays or comment == "until Ctrl-C"
            found.append(Step(command, int(ends[1]) if ends else 0, is_server, stays, tuple(shown)))
    return found


def test_no_command_stands_where_it_is_not_run():
    fences = re.findall(r"^```(\w*)$", README, re.MULTILINE)
    assert set(fences[::2]) == {"console"}
    assert len(steps()) > 10


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is to the README's commands what a clone after `make demo` is."""
    folder = tmp_path_factory.mktemp("readme") / "clone"
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "activate").write_text(f'PATH="{folder}/.venv/bin:$PATH"\n', "utf-8")
    program = folder / ".venv" / "bin" / "backchannel"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m backchannel "$@"\n', "utf-8")
    program.chmod(0o755)
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def test_each_command_ends_as_it_says_and_prints_what_is_shown(clone: Path):
    before: list[str] = []
    port = "8017"
    environment = {
        **os.environ,
        "COLUMNS": "100",
        "PYTHONPATH": str(ROOT / "src"),
        "LC_ALL": "C.UTF-8",
        "XDG_DATA_HOME": str(clone / "data"),
    }
    with ExitStack() as terminals:
        for step in steps():
            if step.command.startswith("make "):
                _check_target(step.command.split()[1])
                continue
            if step.command.startswith((". ", "export ")):
                before.append(step.command)
            if step.is_server:
                server = _server([*before, f"exec {step.command} --port 0"], clone, environment)
                if step.stays:
                    said = terminals.enter_context(server)
                    port = re.search(r"127\.0\.0\.1:(\d+)", said)[1]  # type: ignore[index]
                else:
                    with server as said:
                        pass
                check_shown(step, said)
                continue
            command = step.command.replace("http://127.0.0.1:8017/", f"http://127.0.0.1:{port}/")
            done = subprocess.run(
                ["bash", "-c", " && ".join([*before, command])],
                cwd=clone,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            text = done.stdout.decode()
            assert done.returncode == step.code, f"{step.command}: {text}"
            check_shown(step, text)
    assert (clone / "sighting.json").is_file()


@contextmanager
def _server(script: list[str], folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run a server until it has said where it listens; yield what it said; at the end press Ctrl-C."""
    with subprocess.Popen(
        ["bash", "-c", " && ".join(script)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            said = ""
            while "login?link=" not in said:
                line = server.stdout.readline()
                assert line, said
                said += line
            with urlopen(re.search(r"http://[0-9.:]+/login", said)[0]) as page:  # type: ignore[index]
                assert page.status == 200
            yield said
        finally:
            server.send_signal(signal.SIGINT)
            rest, _ = server.communicate(timeout=20)
        assert (server.returncode, rest) == (0, "")


def check_shown(step: Step, text: str) -> None:
    """See that a command printed the lines that the page shows, in their order."""
    lines = [line.rstrip() for line in text.splitlines()]
    at = 0
    for shown in step.shown:
        if shown.strip() == "…":
            continue
        looks = re.compile(".*".join(map(re.escape, shown.split("…"))))
        found = next((n for n in range(at, len(lines)) if looks.fullmatch(lines[n])), None)
        assert found is not None, f"{step.command}: not said: {shown}\n{text}"
        at = found + 1


def _check_target(name: str) -> None:
    """Say whether `make` would do it; this test runs in `make test`, and the demo has tests of its own."""
    does = {"demo": "bin/backchannel demo", "test": "bin/python -m pytest"}[name]
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", name], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert does in done.stdout.decode()


def test_the_demo_of_the_readme_runs(clone: Path):
    done = subprocess.run(
        [sys.executable, "-m", "backchannel", "demo"],
        cwd=clone,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "BLOCK" in done.stdout.decode()


def test_the_table_of_commands_is_the_programs():
    table = README.partition("## Commands\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    named = {code.split()[0] for row in rows for code in re.findall(r"`([^`]+)`", row)}
    assert named == set(backchannel.commands)
    for row in rows:
        for code in re.findall(r"`([^`]+)`", row):
            name, _, rest = code.partition(" ")
            group = getattr(backchannel.commands[name], "commands", None)
            if group is not None:
                assert set(rest.split(" ")[0].split("\\|")) == set(group), code
