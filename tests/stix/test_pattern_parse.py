"""Which texts are STIX patterns (STIX 2.1 §9)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel import codec
from backchannel.stix.pattern.parse import PatternError, parse


def is_pattern(text: str, stix_version: str) -> bool:
    try:
        parse(text, stix_version=stix_version)
    except PatternError:
        return False
    return True


def test_an_equality_is_a_pattern_and_half_of_one_is_not():
    assert is_pattern("[domain-name:value = 'evil.example']", "2.1")
    assert is_pattern(
        "[ipv4-addr:value ISSUBSET '192.0.2.0/24'] FOLLOWEDBY [url:value LIKE 'http://%']", "2.1"
    )
    assert not is_pattern("[domain-name:value = 'evil.example'", "2.1")
    assert not is_pattern("domain-name:value = 'evil.example'", "2.1")


@given(st.text(max_size=60) | st.text(alphabet="[]()'=:. ANDORNOTINabtx0123456789", max_size=80))
def test_any_text_is_a_pattern_or_a_pattern_error(text: str):
    is_pattern(text, "2.1")


def test_the_recorded_vectors_are_judged_as_recorded(shared_data: Path):
    vectors = codec.decode((shared_data / "vectors" / "pattern_syntax.json").read_bytes())
    vectors = vectors["vectors"] if isinstance(vectors, dict) else vectors
    assert len(vectors) > 100
    wrong = [
        v for v in vectors if is_pattern(v["pattern"], v["stix_version"]) is not (v["expect"] == "valid")
    ]
    assert [v["pattern"] for v in wrong] == []


def test_a_deep_nest_is_refused_not_followed():
    with pytest.raises(PatternError):
        parse("(" * 100_000 + "[a:b = 1]" + ")" * 100_000)
