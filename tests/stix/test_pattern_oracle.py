"""Our parser takes and refuses what stix2-patterns does: on mutants of real patterns, token by token."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from backchannel import codec
from backchannel.stix.pattern.parse import PatternError, parse

SEEDS = (
    "[domain-name:value = 'evil.example' OR ipv4-addr:value ISSUBSET '203.0.113.0/24']",
    "[file:name LIKE 'it\\'s %' AND (file:size > 5 OR file:size <= -3.5)]",
    "([a:b NOT IN (1, 2.5, 'x')] FOLLOWEDBY [x-y:z[*].'a-b'[3].c MATCHES '^a$']) WITHIN 300 SECONDS",
    "[a:b = h'ffd8' OR a:c != b'AAE=' OR a:d == true] REPEATS 5 TIMES",
    "[a:b <> t'2026-01-31T12:00:00.5Z'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'",
    "([EXISTS a:b] OR [NOT EXISTS a:c.d]) AND [email-message:to_refs[*].value = 'bob@evil.example']",
    "[a:b ISSUPERSET '203.0.113.7' AND a:b NOT LIKE '%' AND a:'x y' >= 0]",
)
PIECES = re.compile(r"'(?:[^'\\]|\\.)*'|[htb]'[^']*'|[A-Za-z_][\w-]*|[-+]?\d*\.?\d+|\s+|[<>=!]=|.")
STRAY = (
    "AND OR NOT IN LIKE MATCHES ISSUBSET EXISTS FOLLOWEDBY WITHIN REPEATS TIMES SECONDS START STOP LAST true false and "
    "a a-b 5 -5 +5 05 .5 5. 'x' 'x h'f' h'ff' b'' b'AA==' t'2026-13-01T00:00:00Z' t'2026-01-01T00:00:60Z' [ ] ( ) [*] [0] "
    "[-1] : . , = == != <> < > <= >= * + - ? \\ /*x*/ //x \u00a0 \u200b"
)
MUTANTS = 1500
"""All 100,000 of `benchmarks.patterns` take the oracle minutes."""


def mutants(generator: random.Random, count: int) -> list[tuple[str, str]]:
    """Seeds with one to three tokens dropped, doubled, swapped, replaced or put in."""
    made = []
    stray = STRAY.split(" ")
    for _ in range(count):
        tokens = PIECES.findall(generator.choice(SEEDS))
        for _ in range(generator.randint(1, 3)):
            at, to = generator.randrange(len(tokens)), generator.randrange(len(tokens))
            match generator.randrange(5):
                case 0:
                    del tokens[at]
                case 1:
                    tokens.insert(at, tokens[at])
                case 2:
                    tokens[at], tokens[to] = tokens[to], tokens[at]
                case 3:
                    tokens[at] = generator.choice(stray)
                case _:
                    tokens.insert(at, generator.choice(stray))
        made.append(("".join(tokens), generator.choice(["2.0", "2.1"])))
    return made


def is_pattern(text: str, stix_version: str) -> bool:
    try:
        parse(text, stix_version=stix_version)
    except PatternError:
        return False
    return True


def compared(cases: list[tuple[str, str]], oracle: list[bool | None]) -> list[tuple[str, str, bool]]:
    """Those of which the oracle has an opinion that counts, each with it.

    It has none on a negative index, and wants a bracket first where a comment may stand.
    """
    return [
        (text, version, taken)
        for (text, version), taken in zip(cases, oracle, strict=True)
        if taken is not None and re.match(r"[\s(]*/", text) is None
    ]


@pytest.mark.peer("stix2")
def test_mutants_are_taken_and_refused_as_the_oracle_does(peer_python: Path):
    cases = mutants(random.Random(20261125), MUTANTS)
    script = Path(__file__).with_name("peer_patterns.py")
    answer = subprocess.run([peer_python, script], input=codec.encode(cases), capture_output=True, check=True)
    oracle = codec.decode(answer.stdout)
    assert len(oracle) == MUTANTS
    assert MUTANTS / 10 < oracle.count(True) < MUTANTS * 9 / 10
    judged = compared(cases, oracle)
    assert [case for case in judged if is_pattern(case[0], case[1]) is not case[2]] == []
