"""Which texts are STIX patterns, and what they say (STIX 2.1 §9)."""

from __future__ import annotations

import gzip
import pathlib
import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel import codec
from backchannel.stix.pattern.ast import (
    AnyIndex,
    Binary,
    Comparison,
    Exists,
    Joined,
    Observation,
    Observations,
    Path,
    Pattern,
    Qualified,
    Repeats,
    StartStop,
    Timestamp,
    Within,
)
from backchannel.stix.pattern.parse import (
    MAX_PATTERN_CHARS,
    PatternError,
    fast_equality,
    is_valid_fast,
    parse,
)

PIECES = [
    "[",
    "]",
    "(",
    ")",
    "[a:b",
    "='x'",
    "'x]",
    "=",
    "!=",
    "<>",
    "<",
    ">",
    "<=",
    ">=",
    "AND",
    "OR",
    "NOT",
    "IN",
    "LIKE",
    "MATCHES",
    "ISSUBSET",
    "ISSUPERSET",
    "EXISTS",
    "FOLLOWEDBY",
    "WITHIN",
    "REPEATS",
    "TIMES",
    "SECONDS",
    "START",
    "STOP",
    "t'2026-01-31T12:00:00Z'",
    "h'ff'",
    "b'AAAA'",
    "5",
    "-5",
    ".5",
    "007",
    "true",
    "false",
    "file:hashes.MD5",
    "a:b",
    "a.b",
    "a-b",
    ":",
    ".",
    ",",
    "*",
    "[*]",
    "[0]",
    "'\\\\'",
    "'\\x'",
    "/*",
    "*/",
    "//",
    "\xa0",
    "\x00",
]
TEXTS = (
    st.text(max_size=60)
    | st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)
    | st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
)


def is_pattern(text: str, stix_version: str = "2.1") -> bool:
    try:
        parse(text, stix_version=stix_version)
    except PatternError:
        return False
    return True


@given(TEXTS, st.sampled_from(["2.0", "2.1"]))
def test_any_text_is_a_pattern_or_a_pattern_error_with_a_column(text: str, stix_version: str):
    try:
        assert isinstance(parse(text, stix_version=stix_version), Pattern)
    except PatternError as error:
        column, sentence = error.column, str(error)
        assert 1 <= column <= len(text) + 1, sentence
        assert sentence.isprintable()


@given(TEXTS | st.builds("[{}:{} = '{}']".format, *3 * [st.from_regex(r"[a-z_'.-]{1,12}", fullmatch=True)]))
def test_what_the_fast_look_takes_is_a_pattern_of_that_one_equality(text: str):
    plain = fast_equality(text)
    assert is_valid_fast(text) is (plain is not None)
    if plain is not None:
        for stix_version in ("2.0", "2.1"):
            root = parse(text, stix_version=stix_version).root
            assert isinstance(root, Observation)
            comparison = root.expression
            assert isinstance(comparison, Comparison)
            assert comparison.operator == "="
            assert comparison.value == plain[1]
            assert not comparison.is_negated


@pytest.mark.parametrize(
    "text",
    [
        "[domain-name:value = 'evil.example']",
        "[ipv4-addr:value='203.0.113.7']",
        " [ file:hashes.'SHA-256' = '" + "aB" * 32 + "' ] ",
        "[file:hashes.MD5 = '" + "0" * 32 + "']",
        "[x-thing:a.b.c = '']",
    ],
)
def test_one_equality_is_known_at_a_look(text: str):
    assert is_valid_fast(text)
    assert is_pattern(text)


@pytest.mark.parametrize(
    "text",
    [
        "[file:hashes.MD5 = 'abc']",
        "[file:hashes.'SHA-256' = '" + "0" * 63 + "']",
        "[true:a = 'x']",
        "[a:false = 'x']",
        "[a:b = 'x'",
        "[a-b:c-d = 'x']",
        "[a:b = 'it\\s']",
        "[domain-name:value = '" + "a" * MAX_PATTERN_CHARS + "']",
    ],
)
def test_what_is_no_pattern_passes_neither_look(text: str):
    assert not is_valid_fast(text)
    assert not is_pattern(text)


def test_a_pattern_becomes_a_tree():
    text = (
        "([file:hashes.'SHA-256' NOT IN ('"
        + "a" * 64
        + "') AND (file:size > 5 OR file:name LIKE 'it\\'s %')] "
        "FOLLOWEDBY [EXISTS x:y[*].z[3].'a-b'] OR [a:b = h'ff' AND a:c != b'AAE=']) "
        "REPEATS 2 TIMES WITHIN 0.5 SECONDS START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00.5Z'"
    )
    name, size = Path("file", ("name",)), Path("file", ("size",))
    sha256 = Path("file", ("hashes", "SHA-256"))
    assert parse(text).root == Qualified(
        Observations(
            "FOLLOWEDBY",
            (
                Observation(
                    Joined(
                        "AND",
                        (
                            Comparison(sha256, "IN", ("a" * 64,), is_negated=True),
                            Joined("OR", (Comparison(size, ">", 5), Comparison(name, "LIKE", "it's %"))),
                        ),
                    )
                ),
                Observations(
                    "OR",
                    (
                        Observation(Exists(Path("x", ("y", AnyIndex.ANY, "z", 3, "a-b")))),
                        Observation(
                            Joined(
                                "AND",
                                (
                                    Comparison(Path("a", ("b",)), "=", Binary(b"\xff")),
                                    Comparison(Path("a", ("c",)), "!=", Binary(b"\x00\x01")),
                                ),
                            )
                        ),
                    ),
                ),
            ),
        ),
        (
            Repeats(2),
            Within(0.5),
            StartStop(Timestamp("2026-01-01T00:00:00Z"), Timestamp("2026-01-02T00:00:00.5Z")),
        ),
    )


def test_a_path_is_written_as_patterns_write_it():
    text = "file:extensions.'windows-pebinary-ext'.sections[*].hashes.MD5"
    root = parse(f"[{text} = '{'0' * 32}']").root
    assert isinstance(root, Observation)
    assert isinstance(root.expression, Comparison)
    assert str(root.expression.path) == text


@pytest.mark.parametrize(
    ("text", "says", "column"),
    [
        ("", "[ or ( expected, found the end", 1),
        ("file:size = 1", "[ or ( expected, found file", 1),
        ("[file.size = 1]", ": expected, found .", 6),
        ("[a:b = 'open]", "a string is not closed", 8),
        ("[a:b = 'x' /* open", "found a comment that is not closed", 12),
        ("[a:b-c = 1]", "a key with a hyphen must be in single quotes: 'b-c'", 4),
        ("[a:b LIKE 5]", "a string after LIKE expected, found 5", 11),
        ("[a:b > true]", "a number, string or timestamp after > expected, found true", 8),
        ("[a:b = 1] and [a:c = 2]", "found and", 11),
        ("[a:b = 1] WITHIN 5 HOURS", "SECONDS expected, found HOURS", 20),
        ("[a:b = 1] REPEATS 2 TIMES REPEATS 3 TIMES", "a second REPEATS for one observation", 27),
        ("[file:hashes.'SHA-256' = 'f00']", "no SHA-256 hash looks like this", 26),
        ("[a:b = 1" + "0" * 70 + "]", "a number, true, false", 8),
        ("[a:b = t'2026-02-31T99:00:00Z']", "a timestamp expected, found t", 8),
        ("(" * 100 + "[a:b = 1]" + ")" * 100, "more than 64 parentheses inside each other", 65),
        ("[" + "(" * 100 + "a:b = 1" + ")" * 100 + "]", "more than 64 parentheses inside each other", 66),
        ("[a:b = '" + "x" * MAX_PATTERN_CHARS + "']", "a pattern longer than 65536 characters", 1),
    ],
)
def test_what_is_wrong_is_said_and_where(text: str, says: str, column: int):
    with pytest.raises(PatternError) as caught:
        parse(text)
    assert says in str(caught.value)
    assert caught.value.column == column


def test_the_versions_differ_where_their_grammars_do():
    assert is_pattern("[EXISTS a:b]", "2.1")
    assert not is_pattern("[EXISTS a:b]", "2.0")
    assert is_pattern("[a:EXISTS = 1]", "2.0")
    assert not is_pattern("[a:EXISTS = 1]", "2.1")
    bare = "[a:b = 1] START '2026-01-01T00:00:00Z' STOP '2026-01-02T00:00:00Z'"
    assert is_pattern(bare, "2.0")
    assert not is_pattern(bare, "2.1")


@pytest.mark.parametrize(
    "piece", ["'\\'", "/*", "'a", "h'", "b'", "t'", "0", "(", "[", "a:", "a.", "\\", "=", "NOT ", "\t", "//"]
)
def test_the_worst_that_fits_is_read_in_no_time(piece: str):
    text = (piece * MAX_PATTERN_CHARS)[:MAX_PATTERN_CHARS]
    for worst in (text, "[a:b = " + text[:-10], "[a:b" + text[:-10]):
        started = time.process_time()
        is_pattern(worst)
        is_valid_fast(worst)
        assert time.process_time() - started < 0.5


def test_a_pattern_of_many_comparisons_is_as_deep_as_one_of_two():
    text = "[" + " OR ".join(["a:b = 1"] * 5000) + "]"
    root = parse(text).root
    assert isinstance(root, Observation)
    assert isinstance(root.expression, Joined)
    assert len(root.expression.operands) == 5000


def test_the_recorded_vectors_are_judged_as_recorded(shared_data: pathlib.Path):
    vectors = codec.decode((shared_data / "vectors" / "pattern_syntax.json").read_bytes())["vectors"]
    assert len(vectors) > 100
    wrong = [
        v for v in vectors if is_pattern(v["pattern"], v["stix_version"]) is not (v["expect"] == "valid")
    ]
    assert [v["pattern"] for v in wrong] == []


def test_the_patterns_of_the_recorded_matches_are_patterns(shared_data: pathlib.Path):
    vectors = codec.decode((shared_data / "vectors" / "pattern_match.json").read_bytes())["vectors"]
    patterns = {(v["pattern"], v["stix_version"]) for v in vectors if v["expect"] != "error"}
    # The matcher takes a qualifier twice; the validator of the same project does not, and neither do we.
    refused = {text for text, version in patterns if not is_pattern(text, version)}
    assert all(text.count("REPEATS") == 2 for text in refused)
    assert len(patterns) > 200


def real_patterns(folder: pathlib.Path) -> Iterator[tuple[str, str]]:
    """(pattern, version) of every indicator in the bundles below `folder`."""
    for file in sorted(folder.rglob("*.json*")):
        data = file.read_bytes()
        try:
            value = codec.decode(gzip.decompress(data) if file.suffix == ".gz" else data)
        except ValueError:
            continue
        for item in value.get("objects") or () if isinstance(value, dict) else ():
            if isinstance(item, dict) and isinstance(item.get("pattern"), str):
                yield item["pattern"], item.get("spec_version", "2.0")


def test_real_indicators_have_patterns(shared_data: pathlib.Path):
    found = sorted(set(real_patterns(shared_data / "stix")))
    assert len(found) > 1000
    sample = random.Random(20261125).sample(found, 500)
    assert [(text, version) for text, version in sample if not is_pattern(text, version)] == []
