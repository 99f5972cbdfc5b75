"""Versions are compared as instants, whatever their spelling."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from backchannel.clock import format_time
from backchannel.store.rows import version_key


def test_one_instant_in_several_spellings_is_one_version():
    spellings = (
        "2024-05-01T10:00:00Z",
        "2024-05-01T10:00:00.000Z",
        "2024-05-01T10:00:00.000000000Z",
        "2024-05-01T12:00:00+02:00",
        "2024-05-01 10:00:00Z",
    )
    assert {version_key(text) for text in spellings} == {"2024-05-01T10:00:00"}


def test_digits_beyond_the_microsecond_still_tell_versions_apart():
    assert version_key("2024-05-01T10:00:00.0000001Z") > version_key("2024-05-01T10:00:00Z")


def test_what_is_no_time_stays_as_it_is():
    assert version_key("") == ""
    assert version_key("yesterday") == "yesterday"


times = st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(times, times)
def test_keys_sort_as_the_instants_do(one: datetime, other: datetime):
    keys = version_key(format_time(one)), version_key(format_time(other))
    assert (keys[0] < keys[1]) == (one < other)
    assert (keys[0] == keys[1]) == (one == other)
