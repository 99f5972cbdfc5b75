"""`pattern check` and `pattern match`: right or wrong and where, and the answer for each line of cases."""

from __future__ import annotations

import pytest
from tests.cli.running import Run

from backchannel import codec

OBSERVED = {
    "type": "observed-data",
    "first_observed": "2026-03-01T12:00:00Z",
    "last_observed": "2026-03-01T12:00:00Z",
    "number_observed": 1,
    "objects": {"0": {"type": "ipv4-addr", "value": "203.0.113.7"}},
}
PATTERN = "[ipv4-addr:value ISSUBSET '203.0.113.0/24']"


def lines(*cases: object) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else codec.encode(one) for one in cases) + b"\n"


def test_a_pattern_is_checked_without_a_node(fresh: Run):
    found = fresh("pattern", "check", f"{PATTERN} OR [process:name LIKE 'a%b']")
    assert found.code == 0
    assert "A pattern of STIX 2.1" in found.text
    assert "ipv4-addr:value ISSUBSET '203.0.113.0/24'" in found.text
    assert "not searched" in found.text
    assert "process:name" in found.text


@pytest.mark.parametrize(
    ("text", "column", "mend"),
    [
        ("domain-name:value = 'x'", 1, "square brackets"),
        ("[domain-name:value = 'x'", 25, "column 25"),
        ('[domain-name:value = "x"]', 22, "straight single quotes"),
        ("[file:hashes.SHA-256 = 'x']", 14, "single quotes"),
        ("[file:name = 'x' and file:size = 3]", 18, "in capitals: AND"),
        ("[file:name = 'it's']", 18, "Close the text"),
        ("[file:hashes.MD5 = 'abc']", 20, "Correct the digits"),
        ("[file:name MATCHES /a/]", 20, "regular expression in single quotes"),
        ("[a:b = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS", 28, "parentheses"),
    ],
)
def test_what_is_no_pattern_is_named_with_its_column_and_how_to_mend_it(
    fresh: Run, text: str, column: int, mend: str
):
    found = fresh("pattern", "check", text, "--json")
    assert found.code == 3
    fault = found.document["fault"]
    assert found.document["valid"] is False
    assert fault["column"] == column  # type: ignore[index]
    assert mend in fault["mend"]  # type: ignore[index]
    assert mend in found.err


def test_the_grammar_of_2_0_is_tried_where_that_of_2_1_does_not_fit(fresh: Run):
    text = "[a:b = 1] START '2026-03-01T12:00:00Z' STOP '2026-03-02T12:00:00Z'"
    assert fresh("pattern", "check", text, "--json").document["stix_version"] == "2.0"
    assert fresh("pattern", "check", text, "--stix-version", "2.1").code == 3


def test_what_can_never_be_matched_needs_its_writer(fresh: Run):
    found = fresh("pattern", "check", r"[url:value MATCHES '(a)\\1']", "--json")
    assert found.code == 1
    assert "linear time" in found.document["unmatchable"][0]  # type: ignore[index]


def test_a_pattern_is_matched_with_observed_data_and_says_by_what(fresh: Run):
    observed = codec.encode([OBSERVED])
    found = fresh("pattern", "match", PATTERN, "-", "--json", stdin=observed)
    assert (found.code, found.document["match"], found.document["taken"]) == (
        0,
        True,
        ["observed-data number 1"],
    )
    found = fresh("pattern", "match", "[url:value = 'x']", "-", stdin=observed)
    assert found.code == 1
    assert "It does not match" in found.text
    found = fresh("pattern", "match", "[ipv4-addr:value < t'2026-03-01T12:00:00Z']", "-", stdin=observed)
    assert found.code == 1
    assert "It cannot be said" in found.text


def test_observed_data_may_stand_one_a_line(fresh: Run):
    found = fresh("pattern", "match", f"{PATTERN} REPEATS 2 TIMES", "-", stdin=lines(OBSERVED, OBSERVED))
    assert found.code == 0


@pytest.mark.parametrize(
    ("words", "stdin", "code", "named"),
    [
        (("[a:b = 1", "-"), codec.encode(OBSERVED), 3, "it is no pattern"),
        ((PATTERN, "-"), b"{", 3, "it is no JSON"),
        ((PATTERN, "-"), codec.encode(OBSERVED | {"number_observed": -1}), 3, "number_observed must be"),
        ((PATTERN, "nowhere.json"), b"", 3, "nowhere.json cannot be read"),
        ((PATTERN,), b"", 2, "no observed data is named"),
        ((PATTERN, "-", "--jsonl"), b"", 2, "stand in the lines"),
        ((PATTERN, "-"), b"[" * 100_000, 3, "it is no JSON"),
    ],
)
def test_an_input_that_is_not_of_its_form_is_named(
    fresh: Run, words: tuple[str, ...], stdin: bytes, code: int, named: str
):
    found = fresh("pattern", "match", *words, stdin=stdin)
    assert found.code == code
    assert named in found.err


CASES = (
    {"pattern": PATTERN, "stix_version": "2.0", "observations": [OBSERVED]},
    {"pattern": "[a:b = 1]", "observations": [OBSERVED]},
    b"no JSON",
    {"pattern": "[a:b", "observations": []},
    {"pattern": f"{PATTERN} REPEATS 1 TIMES REPEATS 1 TIMES", "observations": [OBSERVED]},
    {"pattern": "[a:b = 1]", "observations": [{"type": "observed-data"}]},
    {"pattern": "[ipv4-addr:value MATCHES '(?=a)']", "observations": [OBSERVED]},
    {"pattern": "[a:b = 1]", "stix_version": "3.0"},
)


def test_each_line_of_cases_gets_one_line_in_order(fresh: Run):
    found = fresh("pattern", "match", "-", "--jsonl", stdin=lines(*CASES))
    assert found.code == 1
    answers = [codec.decode(line) for line in found.out.splitlines()]
    assert [one["n"] for one in answers] == list(range(1, len(CASES) + 1))
    assert [(one["valid"], one["match"]) for one in answers] == [
        (True, True),
        (True, False),
        (None, None),
        (False, None),
        (False, True),  # no validator lets it pass, and yet it is clear what it asks for
        (True, None),
        (True, None),
        (None, None),
    ]
    assert all(one["why"] for one in answers)
    checked = fresh("pattern", "check", "-", "--jsonl", stdin=lines(*CASES))
    assert [codec.decode(line)["valid"] for line in checked.out.splitlines()] == [
        one["valid"] for one in answers
    ]


def test_lines_that_are_all_right_end_with_0_and_ones_that_are_all_wrong_with_3(fresh: Run):
    assert fresh("pattern", "match", "-", "--jsonl", stdin=lines(*CASES[:2])).code == 0
    assert fresh("pattern", "match", "-", "--jsonl", stdin=b"x\ny\n").code == 3
