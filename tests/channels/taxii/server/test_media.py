"""Media types as clients in use write them, and as nobody should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.channels.taxii.server.media import is_acceptable, is_readable, takes_gzip

TAKEN = [
    None,
    "",
    "  ",
    "*/*",
    "application/*",
    "application/taxii+json",
    "application/taxii+json;version=2.1",
    "application/taxii+json; version=2.1",
    'application/taxii+json;version="2.1"',
    "Application/TAXII+JSON ; Version=2.1",
    "application/taxii+json;version=2.1,application/stix+json;version=2.1",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "application/vnd.oasis.taxii+json; version=2.0, application/taxii+json;version=2.1;q=0.5",
    "application/taxii+json;version=2.0, */*;q=0.1",
]
NOT_TAKEN = [
    "application/json",
    "text/html",
    "application/taxii+json;version=2.0",
    "application/taxii+json;version=3.7",
    "application/vnd.oasis.taxii+json; version=2.0",
    "application/taxii+json;q=0",
    "application/taxii+json;version=2.1;q=0, */*",
    "nonsense",
    ";;;",
    "application/taxii",
]


@pytest.mark.parametrize("accept", TAKEN)
def test_every_spelling_in_use_is_answered(accept: str | None):
    assert is_acceptable(accept)


@pytest.mark.parametrize("accept", NOT_TAKEN)
def test_what_cannot_be_given_is_refused(accept: str):
    assert not is_acceptable(accept)


def test_a_listing_is_given_to_who_asks_for_stix():
    assert is_acceptable("application/stix+json;version=2.1", stix_too=True)
    assert not is_acceptable("application/stix+json;version=2.1")
    assert not is_acceptable("application/stix+json;q=0", stix_too=True)


@pytest.mark.parametrize(
    "sent",
    [
        "application/taxii+json;version=2.1",
        "application/taxii+json; version=2.1",
        "application/taxii+json",
        'APPLICATION/TAXII+JSON;VERSION="2.1"',
        "application/stix+json; version=2.1",
        "application/stix+json;version=2.0",
        "application/stix+json",
        "application/vnd.oasis.stix+json; version=2.0",
        "application/json",
        "application/json; charset=utf-8",
        "application/taxii+json;version=2.1; charset=UTF-8",
    ],
)
def test_objects_are_taken_in_every_type_in_use(sent: str):
    assert is_readable(sent)


@pytest.mark.parametrize(
    "sent",
    [None, "", "text/plain", "application/xml", "application/taxii+json;version=2.0", "multipart/form-data",
     "application/json; charset=utf-16", "application/x-www-form-urlencoded"],
)  # fmt: skip
def test_other_types_are_not_taken(sent: str | None):
    assert not is_readable(sent)


def test_gzip_is_given_to_who_takes_it():
    assert takes_gzip("gzip, deflate")
    assert takes_gzip("br;q=1.0, GZIP;q=0.2")
    assert not takes_gzip(None)
    assert not takes_gzip("identity")
    assert not takes_gzip("gzip;q=0")
    assert not takes_gzip("deflate, br, zstd")


@given(st.text(max_size=300))
def test_no_header_breaks_the_reading(text: str):
    assert is_acceptable(text) in {True, False}
    assert is_readable(text) in {True, False}
    assert takes_gzip(text) in {True, False}


@given(
    st.lists(st.sampled_from(NOT_TAKEN[:6]), max_size=4),
    st.sampled_from([one for one in TAKEN if one and one.strip()]),
)
def test_one_range_that_fits_is_enough(others: list[str], fitting: str):
    assert is_acceptable(", ".join([*[one for one in others if "q=0" not in one], fitting]))
