"""A command loads what it needs and no more: `--help` is what a person types most."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "duckdb",
    "_duckdb",
    "rich",
    "starlette",
    "jsonschema_rs",
    "jinja2",
    "uvicorn",
    "sqlite3",
    "cryptography",
    "zstandard",
}


def loaded(statement: str) -> set[str]:
    """The packages that a statement loads in a Python of its own."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_program_loads_nothing_heavy():
    assert loaded("import backchannel.cli.program") & HEAVY == set()


@pytest.mark.parametrize("words", [["--help"], ["hunt", "--help"], ["serve", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(words: list[str]):
    statement = (
        f"import sys, io; sys.argv[1:] = {words!r}; out = sys.stdout; sys.stdout = io.StringIO()\n"
        "from backchannel.app import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "sys.stdout = out"
    )
    assert loaded(statement) & HEAVY == set()


def test_reading_what_is_held_loads_no_matcher_and_no_pages():
    assert (
        loaded("import backchannel.desk.inbox, backchannel.desk.why")
        & {"duckdb", "_duckdb", "starlette", "jinja2"}
        == set()
    )
