"""The page of security cases names for each case files that hold its tests: those that carry its number."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "security-cases.md").read_text("utf-8")
CASES = {
    *range(1, 39),
    *range(40, 50),
    *range(50, 56),
    *range(60, 71),
}
"""Of drops, objects, keys, ledgers, belief, comparisons, permits and release: those that the page is about."""
ROWS = re.findall(r"^\| (T\d+(?:, T\d+)*) \| (?:.+) \| (?:.+) \| (.+) \|$", PAGE, re.MULTILINE)
"""Of each row its cases and its last column."""


def cases(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"T(\d+)", text)}


def files(text: str) -> list[Path]:
    """Return the files that a column names; one without a folder lies where the one before it does."""
    found: list[Path] = []
    for name in re.findall(r"`([\w/]+\.py)`", text):
        found.append(ROOT / name if "/" in name else found[-1].with_name(name))
    return found


@cache
def numbers_in(path: Path) -> set[int]:
    """Return the numbers that the tests of a file carry in their names."""
    names = re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    return {int(number) for name in names for number in re.findall(r"_t(\d+)(?=_|$)", name)}


def test_every_row_is_read_and_every_case_stands_on_the_page():
    assert len(ROWS) == len([line for line in PAGE.splitlines() if line.startswith("| T")])
    assert set.union(*(cases(row) for row, _ in ROWS)) == CASES


@pytest.mark.parametrize(("row", "column"), ROWS, ids=[row for row, _ in ROWS])
def test_the_files_of_a_row_are_there_and_hold_tests_of_its_cases(row: str, column: str):
    wanted, named = cases(row), files(column)
    assert named
    assert [path for path in named if not path.is_file()] == []
    assert [path.name for path in named if not wanted & numbers_in(path)] == []
    assert wanted - set.union(*map(numbers_in, named)) == set()


def test_every_case_that_a_test_names_stands_on_the_page_with_its_file():
    pages = {(case, path) for row, column in ROWS for case in cases(row) for path in files(column)}
    found = {
        (case, path) for path in (ROOT / "tests").rglob("test_*.py") for case in numbers_in(path) & CASES
    }
    assert sorted(f"T{case} {path.relative_to(ROOT)}" for case, path in found - pages) == []
