"""A skip is honest: where everything should be there it is a failure, in one process and in several."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_runs(): pass
def test_skips_itself(): pytest.skip("no data")
@pytest.mark.tool("no-such-program")
def test_wants_a_program(): pass
@pytest.mark.peer("no-such-peer")
def test_wants_a_peer(): pass
@pytest.mark.xfail(reason="known")
def test_fails_as_expected(): raise AssertionError
"""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("everything", "outcome"),
    [("1", "1 failed, 1 passed, 1 xfailed, 2 errors"), ("0", "1 passed, 3 skipped, 1 xfailed")],
)
def test_what_is_skipped_where_nothing_may_be_fails(
    tmp_path: Path, root: Path, workers: str, everything: str, outcome: str
):
    (tmp_path / "test_some.py").write_text(TESTS)
    ran = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider",
            "-c", str(root / "pyproject.toml"), "--rootdir", str(tmp_path), "--numprocesses", workers, str(tmp_path),
        ],
        cwd=root,
        env=os.environ | {"BACKCHANNEL_TEST_ALL": everything},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )  # fmt: skip
    assert outcome in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == int(everything)
