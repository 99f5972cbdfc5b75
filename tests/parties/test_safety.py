"""Two people who read the same number to each other hold each other's keys."""

from __future__ import annotations

import hashlib

from tests.parties.made import Made

from backchannel.parties.safety import is_same_number, safety_number
from backchannel.parties.words import known_word, to_words, word_list

ALPHA, BETA, MALLORY = Made("CERT Alpha"), Made("CERT Beta"), Made("Mallory")


def side(made: Made, name: str | None = None):
    return made.root.kid, name or made.name


def test_both_sides_have_the_same_sixty_digits_and_eighteen_words():
    number = safety_number(side(ALPHA), side(BETA))
    assert number == safety_number(side(BETA), side(ALPHA))
    assert len(number.digits) == 60
    assert number.digits.isdigit()
    assert len(number.words) == 18
    assert len(number.shown.split(" ")) == 12


def test_the_number_is_made_as_the_format_says():
    def half(kid: str, name: str) -> str:
        parts = (b"bc-sn/v1", kid.encode(), name.encode())
        start = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        value = hashlib.sha512(start).digest()
        for _ in range(5199):
            value = hashlib.sha512(value + start).digest()
        return "".join(f"{int.from_bytes(value[5 * i : 5 * i + 5], 'big') % 10**5:05d}" for i in range(6))

    halves = sorted([half(*side(ALPHA)), half(*side(BETA))])
    assert safety_number(side(ALPHA), side(BETA)).digits == "".join(halves)


def test_t28_another_key_or_another_name_gives_another_number():
    number = safety_number(side(ALPHA), side(BETA))
    assert safety_number(side(ALPHA), side(MALLORY, "CERT Beta")).digits != number.digits
    assert safety_number(side(ALPHA), side(BETA, "CERT Beta 2")).words != number.words


def test_a_person_may_type_the_number_as_digits_or_words_in_any_spacing():
    number = safety_number(side(ALPHA), side(BETA))
    assert is_same_number(number, number.shown)
    assert is_same_number(number, number.digits + "\n")
    assert is_same_number(number, "-".join(number.words).upper())
    assert is_same_number(number, " ".join(word[:4] for word in number.words))
    assert not is_same_number(number, number.digits[:-1])
    assert not is_same_number(number, number.digits[:30])
    assert not is_same_number(number, " ".join(number.words[:-1]))
    assert not is_same_number(number, "")


def test_the_words_are_2048_and_told_apart_by_four_letters():
    words = word_list()
    assert len(set(words)) == 2048
    assert len({word[:4] for word in words}) == 2048
    assert all(word.isascii() and word.isalpha() and word.islower() and 3 <= len(word) <= 8 for word in words)


def test_a_word_is_known_whole_or_by_its_start():
    assert known_word("Zebra") == "zebra"
    assert known_word(" zebr ") == "zebra"
    assert known_word("zeb") is None
    assert known_word("zebrum") is None
    assert known_word("act") == "act"


def test_words_hold_eleven_bits_each():
    assert to_words(bytes(3), 2) == ("abandon", "abandon")
    assert to_words(b"\xff\xff\xff", 2) == ("zoo", "zoo")
    assert to_words(b"\x00\x20\x00", 1) == ("ability",)
