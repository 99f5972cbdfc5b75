"""Values as text and CSV: what is in force and plain, each once, harmless to who opens it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.codec import JsonObject
from backchannel.misp.listing import COLUMNS, as_csv, as_text, listed

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def indicator(pattern: str, **more: object) -> JsonObject:
    return {"type": "indicator", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd30", "pattern": pattern,
            "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z", **more}  # fmt: skip


def values(*indicators: JsonObject, kind: str | None = None) -> list[str]:
    return as_text(listed(indicators, at=NOW, kind=kind)).decode().splitlines()


def test_plain_values_each_once_in_their_order():
    found = values(
        indicator("[domain-name:value = 'b.example']"),
        indicator("[ipv4-addr:value = '203.0.113.7' OR domain-name:value = 'b.example']"),
        indicator("[file:name = 'x.exe' AND file:hashes.MD5 = '" + "d" * 32 + "']"),
        {"type": "malware", "name": "x"},
    )
    assert found == ["b.example", "203.0.113.7", "d" * 32]


@pytest.mark.parametrize(
    "more",
    [
        {"revoked": True},
        {"valid_until": "2026-02-01T00:00:00Z"},
        {"valid_until": "2026-03-01T00:00:00Z"},
        {"valid_from": "2026-04-01T00:00:00Z"},
        {"pattern_type": "yara"},
        {"pattern": "[network-traffic:dst_ref.value = '203.0.113.7' AND network-traffic:dst_port = 443]"},
        {"pattern": "[file:name = 'invoice.doc']"},
        {"pattern": "no pattern"},
        {"pattern": "[url:value = 'http://a.example/\n0.0.0.0/0']"},
    ],
)
def test_what_is_not_in_force_or_no_plain_value_is_not_listed(more: JsonObject):
    assert values(indicator("[domain-name:value = 'b.example']") | more) == []


@pytest.mark.parametrize(
    ("kind", "found"), [("url", ["http://a.example/"]), ("domain", ["a.example"]), ("ip", ["203.0.113.0/24"])]
)
def test_a_list_may_be_of_one_kind(kind: str, found: list[str]):
    pattern = "[url:value = 'http://a.example/' OR domain-name:value = 'a.example' OR ipv4-addr:value ISSUBSET '203.0.113.0/24']"
    assert values(indicator(pattern), kind=kind) == found


@given(st.text(max_size=50), st.lists(st.text(max_size=20), max_size=3))
def test_a_table_has_a_row_for_each_value_whatever_its_name(name: str, labels: list[str]):
    one = indicator("[url:value = 'http://a.example/,\"x\"']", name=name, labels=labels, confidence=50)
    rows = list(csv.reader(io.StringIO(as_csv(listed([one], at=NOW)).decode())))
    assert rows[0] == list(COLUMNS)
    assert len(rows) == 2
    row = dict(zip(COLUMNS, rows[1], strict=True))
    assert (row["value"], row["type"], row["confidence"]) == ('http://a.example/,"x"', "url", "50")
    assert not row["name"].startswith(("=", "+", "-", "@"))
