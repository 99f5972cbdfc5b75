"""docs/drops.md is what a newcomer types: each command in it is run here, in order, and says what it shows.

The form is that of the README (`test_readme`). What no two runs have in common is written as an example there: the code of an
invitation is replaced by the one that was said.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.test_readme import ROOT, check_shown, steps

PAGE = (ROOT / "docs" / "drops.md").read_text("utf-8")
CODE = r"\b\d+-[a-z]+-[a-z]+-[a-z]+\b"


def test_no_command_stands_where_it_is_not_run():
    fences = re.findall(r"^```(\w*)$", PAGE, re.MULTILINE)
    assert set(fences[::2]) == {"console"}
    assert len(steps(PAGE)) > 20


@pytest.mark.timeout(180)
def test_each_command_of_the_page_on_drops_ends_as_it_says_and_prints_what_is_shown(tmp_path: Path):
    program = tmp_path / "bin" / "backchannel"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m backchannel "$@"\n', "utf-8")
    program.chmod(0o755)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "PYTHONPATH": str(ROOT / "src"),
        "LC_ALL": "C.UTF-8",
    }
    example = re.search(CODE, PAGE)
    assert example is not None
    code = ""
    for step in steps(PAGE.replace(f"way: {example[0]}", "way: …")):
        done = subprocess.run(
            ["bash", "-c", step.command.replace(example[0], code)],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        text = done.stdout.decode()
        assert done.returncode == step.code, f"{step.command}: {text}"
        check_shown(step, text)
        if said := re.search(f"by no other way: ({CODE})", text):
            code = said[1]
    assert code != example[0]
