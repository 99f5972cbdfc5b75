"""A home, a world of small files, and the command that runs there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.cli.running import Ran, Run, run_in, write_world


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the world, and in `home` a node that has imported and hunted; nobody changes it."""
    folder = tmp_path_factory.mktemp("prepared")
    write_world(folder)
    home = folder / "home"
    assert run_in(home, "init", "--name", "CERT Alpha", cwd=folder).code == 0
    assert run_in(home, "import", "beta.json", "--from", "CERT Beta", cwd=folder).code == 0
    assert run_in(home, "import", "bad.json", "--from", "CERT Beta", cwd=folder).code == 1
    assert run_in(home, "hunt", "conn.log", "dns.log", cwd=folder).code == 1
    return folder


@pytest.fixture
def ask(prepared: Path) -> Run:
    """Run a command that changes nothing, in the prepared home."""

    def run(*words: str | bytes | Path, stdin: bytes = b"", **environment: str) -> Ran:
        return run_in(prepared / "home", *words, stdin=stdin, cwd=prepared, **environment)

    return run


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with the world in it, the test's own."""
    folder = tmp_path / "world"
    folder.mkdir()
    write_world(folder)
    return folder


@pytest.fixture
def run(prepared: Path, world: Path) -> Run:
    """Run a command in a copy of the prepared home, the test's own."""
    shutil.copytree(prepared / "home", world / "home")

    def run(*words: str | bytes | Path, stdin: bytes = b"", **environment: str) -> Ran:
        return run_in(world / "home", *words, stdin=stdin, cwd=world, **environment)

    return run


@pytest.fixture
def fresh(world: Path) -> Run:
    """Run a command in a home where no node was made yet."""

    def run(*words: str | bytes | Path, stdin: bytes = b"", **environment: str) -> Ran:
        return run_in(world / "fresh", *words, stdin=stdin, cwd=world, **environment)

    return run
