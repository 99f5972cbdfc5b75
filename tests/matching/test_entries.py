"""What of a pattern is searched, and under which coarse text it is filed."""

from __future__ import annotations

import pytest

from backchannel.matching.entries import Entry, entries_of


def compiled(pattern: str) -> tuple[Entry, ...]:
    entries, left = entries_of(pattern, stix_version="2.1")
    assert left == ()
    return entries


@pytest.mark.parametrize(
    ("pattern", "probe", "operator", "value"),
    [
        ("[ipv4-addr:value = '203.0.113.7']", "i:203.0.113.7", "equal", "203.0.113.7"),
        ("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", "n:203.0.", "net", "203.0.113.0/24"),
        ("[ipv6-addr:value = '2001:DB8::1']", "6:", "equal", "2001:db8::1"),
        ("[domain-name:value = 'A.Evil.Example']", "d:evil.example", "equal", "a.evil.example"),
        ("[domain-name:value LIKE '%.evil.example']", "d:evil.example", "below", "evil.example"),
        ("[domain-name:value LIKE '%evil.example']", "*", "ends", "evil.example"),
        ("[domain-name:value = 'co.uk']", "d:co.uk", "equal", "co.uk"),
        (
            "[url:value = 'http://evil.example:8080/a']",
            "u:evil.example",
            "equal",
            "http://evil.example:8080/a",
        ),
        ("[url:value LIKE 'http://evil.example/a%']", "u:evil.example", "begins", "http://evil.example/a"),
        ("[url:value LIKE 'http://evil%']", "*", "starts", "http://evil"),
        ("[email-addr:value = 'Who@Evil.Example']", "e:", "equal", "who@evil.example"),
        ("[domain-name:value = '203.0.113.7']", "i:203.0.113.7", "equal", "203.0.113.7"),
    ],
)
def test_a_value_is_filed_under_its_probe(pattern: str, probe: str, operator: str, value: str):
    (entry,) = compiled(pattern)
    assert (entry.probe, entry.operator, entry.value) == (probe, operator, value)


def test_a_wide_block_is_filed_under_each_of_its_halves_and_a_wider_one_not_at_all():
    assert len(compiled("[ipv4-addr:value ISSUBSET '203.0.0.0/12']")) == 16
    entries, left = entries_of("[ipv4-addr:value ISSUBSET '128.0.0.0/1']", stix_version="2.1")
    assert entries == ()
    assert "too wide" in left[0]


def test_a_side_of_the_traffic_is_kept():
    (entry,) = compiled("[network-traffic:dst_ref.value = '203.0.113.7']")
    assert entry.side == "destination"


def test_what_is_not_searched_is_named():
    entries, left = entries_of(
        "[file:mime_type = 'a/b' OR domain-name:value = 'evil.example']", stix_version="2.1"
    )
    assert [entry.value for entry in entries] == ["evil.example"]
    assert len(left) == 1
