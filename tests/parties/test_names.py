"""No name passes for another when it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.parties.names import is_plain_name, look, visible_name


@pytest.mark.parametrize(
    "name",
    [
        "CERT Alpha",
        "Zażółć Gęślą",
        "東京CERT",
        "日本のセキュリティ",
        "CERT Україна",
        "СЕРТ Украина",
        "Ελλάδα CERT",
        "Trần Hưng Đạo",
    ],
)
def test_names_of_all_languages_are_shown_as_they_are(name: str):
    assert visible_name(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("CERT Alph\u0430", "CERT Alph\\u{430}"),  # a Cyrillic a
        ("\u0421\u0415\u0420\u0422", "\\u{421}\\u{415}\\u{420}\\u{422}"),  # CEPT, all of it Cyrillic
        ("Р\u0430бoта", "Р\u0430б\\u{6f}та"),  # a Latin o in a Russian word
        ("ev\u200bil", "ev\\u{200b}il"),
        ("gpj.\u202eexe", "gpj.\\u{202e}exe"),
        ("CERT\x1b[31m", "CERT\\x1b[31m"),
        ("ＣＥＲＴ", "\\u{ff23}\\u{ff25}\\u{ff32}\\u{ff34}"),
        ("CERT\r\nAlpha", "CERT Alpha"),
        ("a" + "\u0316" * 5, "a\u0316\u0316" + "\\u{316}" * 3),
    ],
)
def test_what_could_make_a_name_pass_for_another_is_shown(name: str, shown: str):
    assert visible_name(name) == shown


@pytest.mark.parametrize(
    "other",
    [
        "cert alpha",
        "CERT-Alpha",
        "CERT A1pha",
        "CERT Alph\u0430",
        "\u0421ERT Αlpha",
        "ＣＥＲＴ Alpha",
        "CERT Alpha\u200b",
        "CERT Álpha",
    ],
)
def test_t28_names_that_a_person_may_confuse_look_the_same(other: str):
    assert look(other) == look("CERT Alpha")


@pytest.mark.parametrize("other", ["CERT Beta", "CERT Alpha 2", "CSIRT Alpha", "東京CERT"])
def test_names_that_differ_look_different(other: str):
    assert look(other) != look("CERT Alpha")


@given(st.text(max_size=600))
def test_any_name_is_shown_on_one_printable_line(name: str):
    shown = visible_name(name)
    assert shown.isprintable()
    assert isinstance(look(name), str)
    assert is_plain_name(shown) or not shown
