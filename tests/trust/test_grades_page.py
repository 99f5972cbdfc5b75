"""The page on grades says what the code does."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from tests.trust.made import straight

from backchannel.provenance.clusters import INFERRED, Because
from backchannel.provenance.effective import P_POSSIBLE_TEXT
from backchannel.provenance.likeness import MIN_SHINGLES, POSSIBLE_LIKENESS, SAME_LIKENESS
from backchannel.trust.contradictions import ContradictionKind
from backchannel.trust.credibility import CONFIDENCE, LEAST_TOGETHER
from backchannel.trust.decay import MODELS
from backchannel.trust.dependence import P_FOLLOWS, P_SHARED_ERRORS
from backchannel.trust.reliability import STEPS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "grades.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, each as its cells."""
    section = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip(" `") for cell in line.strip("| ").split(" | ")] for line in lines[1:]]


def test_every_reason_of_a_union_is_explained_with_its_strength():
    told = {because: strength for because, _, strength in rows("Origins: who really says so")}
    assert told == {because: "inferred" if because in INFERRED else "hard" for because in get_args(Because)}


@pytest.mark.parametrize("row", rows("The letter of a source")[:5], ids=lambda row: row[0])
def test_so_many_right_claims_make_the_letter(row: list[str]):
    letter, least, *needed = row
    assert {step: f"{low:.0%}".replace("%", " %") for step, low in STEPS if low}.get(letter, "less") == least
    for wrong, right in enumerate(needed):
        got = [n for n in range(60) if straight(n, wrong).letter == letter]
        assert (str(got[0]) if got else "-") == right


def test_numbers_have_the_confidence_of_stix():
    told = {int(number): confidence for number, confidence, _ in rows("The number of a claim")}
    assert told == {number: str(value or "none") for number, value in CONFIDENCE.items()}
    when = {int(number): text for number, _, text in rows("The number of a claim")}
    for number, least in LEAST_TOGETHER.items():
        assert f"{least:.0%}".replace("%", " %") in when[number]


def test_types_fade_as_the_page_says():
    told = {about: (days, left) for about, days, left in rows("Freshness and validity")}
    assert told == {
        about: (
            f"{model.lifetime_days:g} days",
            ", ".join(
                f"{1 - share ** (1 / model.speed):.0%}".replace("%", " %") for share in (0.25, 0.5, 0.75)
            ),
        )
        for about, model in MODELS.items()
    }


def test_every_kind_of_contradiction_is_explained():
    assert {row[0] for row in rows("Contested")} == set(get_args(ContradictionKind))


def test_the_shares_in_the_text_are_those_of_the_code():
    assert f"a text alike to {SAME_LIKENESS:.0%}".replace("%", " %") in PAGE
    assert f"alike to {POSSIBLE_LIKENESS:.0%}".replace("%", " %") in PAGE
    assert pytest.approx((0.3, 0.3)) == (1 - P_POSSIBLE_TEXT, 1 - P_FOLLOWS)
    assert pytest.approx(0.1) == 1 - P_SHARED_ERRORS
    assert MIN_SHINGLES == 8
