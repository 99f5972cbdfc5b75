"""What a value looks like on a page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from backchannel.observables.refang import refang
from backchannel.web.language import say, say_count, shown
from backchannel.web.words import age, breakable, defang, family_of, icon_of, prose, size

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


def test_a_name_breaks_behind_its_joints_and_stays_escaped():
    assert breakable("cert-beta.taxii_2") == Markup("cert-<wbr>beta.<wbr>taxii_<wbr>2")
    assert breakable("<b>&.x") == Markup("&lt;b&gt;&amp;.<wbr>x")
    assert breakable("-x-.") == Markup("-<wbr>x-.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evil.example", "evil[.]example"),
        ("cdn.evil.example", "cdn[.]evil[.]example"),
        ("http://evil.example/a.php?x=1", "hxxp://evil[.]example/a[.]php?x=1"),
        ("HTTPS://Evil.Example", "HxxPS://Evil[.]Example"),
        ("ftp://evil.example", "fxp://evil[.]example"),
        ("203.0.113.7", "203.0.113[.]7"),
        ("http://203.0.113.7:8080/", "hxxp://203.0.113[.]7:8080/"),
        ("203.0.113.0/24", "203.0.113[.]0/24"),
        ("a@evil.example", "a@evil[.]example"),
        ("bücher.example and xn--bcher-kva.example", "bücher[.]example and xn--bcher-kva[.]example"),
        ("STIX 2.1, version 1.2.3, e.g. this.", "STIX 2.1, version 1.2.3, e.g. this."),
        ("network-traffic:dst_ref.value", "network-traffic:dst_ref.value"),
        ("source:evil.example", "source:evil[.]example"),
        ("2001:db8::7", "2001:db8::7"),
        ("", ""),
    ],
)
def test_nothing_that_could_be_clicked_is_left(text: str, expected: str):
    assert defang(text) == expected
    assert defang(expected) == expected, "twice is once"


@pytest.mark.parametrize(
    "value", ["evil.example", "http://cdn.evil.example/x", "203.0.113.7", "a@evil.example"]
)
def test_what_is_defanged_here_is_refanged_by_the_search(value: str):
    assert refang(defang(value)) == value


@given(st.text(max_size=60))
def test_text_from_outside_never_becomes_markup(text: str):
    for made in (shown(text), say("%(text)s", text=text), prose(text)):
        assert isinstance(made, Markup)
        bare = str(made).replace("<code>", "").replace("</code>", "")
        assert "<" not in bare
        assert ">" not in bare
        assert '"' not in bare
        assert "'" not in bare


def test_markup_in_a_sentences_own_words_is_not_escaped_twice():
    inner = say("%(count)s h", count=3)
    assert say("%(span)s ago", span=inner) == "3 h ago"
    assert say_count("%(count)s hit", "%(count)s hits", 1) == "1 hit"
    assert say_count("%(count)s hit", "%(count)s hits", 2031) == "2,031 hits"


def test_what_stands_in_backticks_is_a_command_and_stays_as_it_is_typed():
    assert prose("Run `backchannel hunt eve.json` & look at evil.example") == (
        "Run <code>backchannel hunt eve.json</code> &amp; look at evil[.]example"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-25T11:59:30Z", "just now"),
        ("2026-11-25T12:00:30Z", "just now"),
        ("2026-11-25T11:15:00Z", "45 min ago"),
        ("2026-11-25T09:00:00.000Z", "3 h ago"),
        ("2026-11-23T11:00:00Z", "2 days ago"),
        ("2026-11-04T12:00:00Z", "3 weeks ago"),
        ("2026-06-25T12:00:00Z", "5 months ago"),
        ("2020-11-25T12:00:00Z", "6 years ago"),
        ("2026-11-28T12:00:00Z", "in 3 days"),
        ("1970-01-01T00:00:00Z", "56 years ago"),
        ("yesterday", "yesterday"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_a_time_is_shown_with_its_age(text: str, expected: str):
    assert age(text, NOW) == expected


def test_every_type_has_a_picture_and_a_family():
    assert (icon_of("indicator"), family_of("indicator")) == ("indicator", "detection")
    assert (icon_of("domain-name"), family_of("domain-name")) == ("name", "observable")
    assert (icon_of("x-acme-thing"), family_of("x-acme-thing")) == ("object", "observable")


def test_sizes_are_said_in_the_largest_fitting_unit():
    assert [str(size(n)) for n in (0, 999, 1_000, 7_040_000, 2 * 10**9)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "7.0 MB",
        "2.0 GB",
    ]
    assert size(None) == "unknown size"
