"""A pattern is taken apart into single values and what is judged as a whole; anchors stand in all that fulfils it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stix.test_pattern_match import seen, tried

from backchannel.stix.pattern.atoms import atoms
from backchannel.stix.pattern.compound import longest_text, split
from backchannel.stix.pattern.evaluate import compiled
from backchannel.stix.pattern.parse import parse
from backchannel.stix.pattern.ready import Compiled

MD5 = "a" * 32
ADDRESS, NAME = "ipv4-addr:value = '203.0.113.7'", "domain-name:value = 'evil.example'"
HASH, URL = f"file:hashes.MD5 = '{MD5}'", "url:value = 'http://evil.example/a'"


@pytest.mark.parametrize(
    ("pattern", "plain", "anchors", "lost"),
    [
        (f"[{ADDRESS} OR {NAME}]", 2, [], 0),
        (f"[{ADDRESS} AND file:size = 3]", 0, ["203.0.113.7"], 0),
        # The value that identifies best, and all of a choice.
        (f"[{NAME} AND {HASH} AND {ADDRESS}]", 0, [MD5], 0),
        (f"[({NAME} OR {URL}) AND {ADDRESS}]", 0, ["203.0.113.7"], 0),
        (f"[({NAME} OR {URL}) AND file:size = 3]", 0, ["evil.example", "http://evil.example/a"], 0),
        ("[ipv4-addr:value ISSUBSET '203.0.113.0/24' AND file:size = 3]", 0, ["203.0.113.0/24"], 0),
        (f"[{NAME}] FOLLOWEDBY [{ADDRESS}]", 0, ["evil.example", "203.0.113.7"], 0),
        (f"[{NAME}] FOLLOWEDBY [file:size = 3]", 0, [], 1),
        (f"[{NAME}] REPEATS 3 TIMES", 0, ["evil.example"], 0),
        (f"[{NAME} OR {ADDRESS} AND file:size = 3]", 1, ["203.0.113.7"], 0),
        (
            f"[{NAME}] OR ([{ADDRESS}] AND [{URL}]) OR [file:size = 3]",
            1,
            ["203.0.113.7", "http://evil.example/a"],
            1,
        ),
        (f"[({NAME} OR file:size = 3) AND file:size = 4]", 0, [], 1),
        ("[domain-name:value != 'evil.example']", 0, [], 1),
        ("[domain-name:value NOT LIKE '%a%vil%']", 0, [], 1),
        ("[domain-name:value LIKE '%a%vil%']", 0, ["%a%vil%"], 0),
        ("[domain-name:value LIKE '%a%vi%']", 0, [], 1),
        ("[url:value MATCHES '^http']", 0, [], 1),
        (f"[EXISTS url:value AND {NAME}]", 0, ["evil.example"], 0),
        (
            "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.7']",
            1,
            [],
            0,
        ),
    ],
)
def test_what_is_plain_what_is_judged_and_what_is_lost(
    pattern: str, plain: int, anchors: list[str], lost: int
):
    parts = split(pattern)
    assert (len(parts.plain), [one.value for one in parts.anchors], len(parts.lost)) == (plain, anchors, lost)
    assert bool(parts.compound) is bool(anchors)


COMPARISONS = st.sampled_from(
    [
        *(f"ipv4-addr:value = '203.0.113.{n}'" for n in (7, 8)),
        "ipv4-addr:value ISSUBSET '203.0.113.0/29'",
        "ipv4-addr:value IN ('203.0.113.7', '198.51.100.1')",
        "ipv4-addr:value != '203.0.113.7'",
        "ipv4-addr:value NOT IN ('203.0.113.8')",
        "ipv4-addr:x_port = 1",
        "ipv4-addr:x_port > 0",
        "EXISTS ipv4-addr:x_port",
    ]
)
EXPRESSIONS = st.recursive(
    COMPARISONS,
    lambda inner: (
        st.builds("({} AND {})".format, inner, inner) | st.builds("({} OR {})".format, inner, inner)
    ),
    max_leaves=8,
)
OBJECTS = st.lists(
    st.builds(
        lambda address, port: {
            "type": "ipv4-addr",
            "value": address,
            **({} if port is None else {"x_port": port}),
        },
        st.sampled_from(["203.0.113.7", "203.0.113.8", "203.0.113.9", "198.51.100.1"]),
        st.none() | st.integers(0, 2),
    ),
    min_size=1,
    max_size=3,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, OBJECTS)
def test_a_record_that_fulfils_a_pattern_has_one_of_its_anchors(expression: str, objects: list[dict]):
    pattern = f"[{expression}]"
    things = [seen(*objects)]
    if not tried(pattern, things).holds:
        return
    parts = split(pattern)
    searched = [*parts.anchors, *atoms(pattern).found]
    is_found = any(tried(f"[{one.path} {one.operator} '{one.value}']", things).holds for one in searched)
    assert is_found or parts.lost


@given(st.text("ab%_/:", max_size=12))
def test_the_longest_text_of_a_like_stands_in_it(like: str):
    assert longest_text(like) in like


def test_a_pattern_is_made_ready_once_for_all_its_observations():
    ready = compiled(parse(f"[{NAME}] AND ([{ADDRESS}] OR [{URL}]) REPEATS 2 TIMES"))
    assert isinstance(ready, Compiled)
    assert len(ready.observations) == len(ready.tests) == 3
    assert ready.problems == ()
