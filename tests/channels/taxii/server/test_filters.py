"""The part of an address after `?`: what is asked for, and what is malformed."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.channels.taxii.server.filters import (
    ALL_FIELDS,
    MAX_FILTER_BYTES,
    BadQueryError,
    Filter,
    parse_query,
    parse_stamp,
)
from backchannel.desk.paging import MAX_PAGE_ROWS
from backchannel.desk.stamps import format_micros

ONE = "indicator--3600ad1b-fff1-4c98-bcc9-4de3bc2e2ffb"
OTHER = "sighting--4600ad1b-fff1-4c58-bcc9-4de3bc5e2ffd"


def parse(query: str, fields: tuple[str, ...] = ALL_FIELDS):
    return parse_query(query.encode("ascii"), fields)


def test_nothing_asked_is_everything():
    assert parse("") == (Filter(), None, "")


def test_values_of_one_field_are_alternatives_and_brackets_may_be_quoted():
    asked = parse(
        f"match[id]={ONE},{OTHER}&match%5Btype%5D=indicator,x-odd_type&match[version]=first,2016-01-01T01:01:01.000Z"
    )
    assert asked.filter == Filter(
        (ONE, OTHER), ("indicator", "x-odd_type"), ("first", "2016-01-01T01:01:01.000Z")
    )


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T00:00:01.5Z", 1_500_000),
        ("1970-01-01T00:00:01.000001Z", 1_000_001),
        ("1970-01-01T00:00:01.000001999Z", 1_000_001),
        ("1970-01-01t00:00:01z", 1_000_000),
        ("1970-01-01T01:00:01.25+01:00", 1_250_000),
        ("1969-12-31T23:00:01-01:00", 1_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ],
)
def test_times_of_no_to_nine_digits_are_read(text: str, micros: int):
    assert parse_stamp(text) == micros
    assert parse(f"added_after={text}").filter.added_after == micros
    assert parse(f"added_after={quote(text)}").filter.added_after == micros


MALFORMED = [
    "added_after=",
    "added_after=yesterday",
    "added_after=2026-01-01",
    "added_after=2026-01-01T00:00:00",
    "added_after=2026-02-30T00:00:00Z",
    "added_after=2026-01-01T25:00:00Z",
    "added_after=2026-01-01T00:00:00.Z",
    "added_after=2026-01-01T00:00:00.1234567890Z",
    "added_after=1700000000",
    "added_after=9999-12-31T23:59:59-10:00",
    "added_after=2026-01-01T00:00:00Z&added_after=2026-01-02T00:00:00Z",
    "limit=0",
    "limit=00",
    "limit=-1",
    "limit=+5",
    "limit=1.5",
    "limit=1e3",
    "limit=ten",
    "limit=",
    "limit=%D9%A3",
    "limit=10&limit=10",
    "next=a&next=b",
    "match[id]=",
    "match[id]=nothing",
    f"match[id]={ONE}%20",
    f"match[id]={ONE},",
    "match[id]=indicator--' OR 1=1",
    f"match[id]={ONE}&match[id]={OTHER}",
    f"match[id]={ONE}&match%5bid%5d={OTHER}",
    "match[type]=Indicator",
    "match[type]=indicator, malware",
    "match[type]=%00",
    "match[version]=newest",
    "match[version]=all,last",
    "match[version]=last,last",
    "match[version]=2016-01-01T01:01:01.000Z,2016-01-01T01:01:01.000Z",
    "match[version]=2016-01-01",
    "match[version]=2020-13-01T00:00:00.000Z",
    "match[version]=last,2020-02-30T00:00:00Z",
    "match[spec_version]=two",
    "match[spec_version]=2",
    "match[nonsense]=a&match[nonsense]=b",
    "match[type]=%FF%FE",
    "&".join(f"x{n}=1" for n in range(100)),
    "match[id]=" + ",".join([ONE] * 200),
]


@pytest.mark.parametrize("query", MALFORMED)
def test_what_is_malformed_is_refused(query: str):
    with pytest.raises(BadQueryError) as caught:
        parse(query)
    assert len(str(caught.value)) < 200, "what a stranger sent is not sent back at length"


@pytest.mark.parametrize(
    "query",
    [
        "page=7",
        "match[nonsense]=x",
        "match=x",
        "match[]=1",
        "x=1&x=2",
        "novalue",
        "&&&",
        "=",
        "match[sha256]=%27",
    ],
)
def test_what_the_standard_does_not_define_is_passed_over(query: str):
    assert parse(query) == (Filter(), None, "")


def test_a_field_that_an_endpoint_does_not_take_is_passed_over():
    assert parse(f"match[id]={ONE}&match[version]=all", ("version",)).filter == Filter(versions=("all",))


@pytest.mark.parametrize(
    ("limit", "kept"), [("1", 1), ("007", 7), ("1000", 1000), ("1001", 1000), ("9" * 4000, 1000)]
)
def test_a_limit_is_kept_or_capped(limit: str, kept: int):
    assert parse(f"limit={limit}").limit == kept
    assert MAX_PAGE_ROWS == 1000


def test_an_empty_next_counts_as_absent():
    assert parse("limit=50&next=") == (Filter(), 50, "")


@given(st.datetimes().filter(lambda at: 1 < at.year < 9999), st.integers(-14, 14))
def test_a_time_means_the_same_in_every_zone(at: datetime, hours: int):
    micros = parse_stamp(at.isoformat() + "Z")
    assert format_micros(micros) == at.isoformat(timespec="microseconds") + "Z"
    there = (at.replace(tzinfo=UTC) + timedelta(hours=hours)).replace(tzinfo=None)
    assert parse_stamp(f"{there.isoformat()}{'-' if hours < 0 else '+'}{abs(hours):02d}:00") == micros


NAMES = st.sampled_from(
    ["added_after", "limit", "next", *(f"match[{name}]" for name in ALL_FIELDS), "match[x]", "q"]
)


@given(st.lists(st.tuples(NAMES, st.text(max_size=40)), max_size=6))
def test_whatever_is_asked_is_read_or_refused(pairs: list[tuple[str, str]]):
    try:
        asked = parse(urlencode(pairs))
    except BadQueryError:
        return
    assert asked.limit is None or 1 <= asked.limit <= MAX_PAGE_ROWS
    assert Filter.from_list(asked.filter.to_list()) == asked.filter


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(query: bytes):
    with contextlib.suppress(BadQueryError):
        parse_query(query, ALL_FIELDS)


def filters() -> st.SearchStrategy[Filter]:
    def some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
        return st.lists(st.sampled_from(values), unique=True, max_size=3).map(tuple)

    versions = st.one_of(
        st.just(()),
        st.just(("all",)),
        some(["first", "last", "2016-01-01T01:01:01Z", "2017-01-01T01:01:01.123456789Z"]),
    )
    return st.builds(
        Filter,
        some([ONE, OTHER, ONE.upper().replace("INDICATOR", "indicator")]),
        some(["indicator", "sighting", "x-a"]),
        versions,
        some(["2.0", "2.1"]),
        st.none() | st.integers(-(2**50), 2**50),
    )


@given(filters())
def test_a_filter_and_itself_is_itself(one: Filter):
    assert one.and_also(one) == one
    assert one.and_also(Filter(versions=one.versions)) == one


@given(filters(), filters())
def test_both_filters_apply(one: Filter, other: Filter):
    both = one.and_also(other)
    if both is None:
        return
    for name in ("ids", "types", "spec_versions"):
        kept = set(getattr(both, name))
        for given_ in (getattr(one, name), getattr(other, name)):
            assert not given_ or (kept and kept <= set(given_))
    times = [time for time in (one.added_after, other.added_after) if time is not None]
    assert both.added_after == max(times, default=None)


def test_a_filter_of_many_identifiers_fits():
    many = ",".join(f"indicator--{n:08x}-fff1-4c98-bcc9-4de3bc2e2ffb" for n in range(170))
    assert len(many) < MAX_FILTER_BYTES
    assert len(parse(f"match[id]={many}").filter.ids) == 170
