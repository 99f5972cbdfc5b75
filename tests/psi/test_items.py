"""What is compared of an indicator, and how well a stranger could guess it."""

from __future__ import annotations

import pytest

from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi.budget import (
    MAX_EASY_ITEMS,
    MAX_ITEMS,
    Budget,
    Spent,
    check_budget,
    check_sorts,
    size_of,
)
from backchannel.psi.items import DEFAULT_SORTS, GRADES, Grade, Item, Sort, input_of, item_of

MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    ("pattern", "item"),
    [
        (f"[file:hashes.MD5 = '{MD5.upper()}']", Item(Sort.HASH, MD5)),
        (
            "[x509-certificate:hashes.'SHA-1' = 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709']",
            Item(Sort.CERTIFICATE, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ),
        ("[mutex:name = 'Global\\\\loader']", Item(Sort.MUTEX, "Global\\loader")),
        ("[domain-name:value = 'EVIL.example.']", Item(Sort.DOMAIN, "evil.example")),
        ("[url:value = 'http://evil.example/a']", Item(Sort.SHORT_URL, "http://evil.example/a")),
        (
            "[url:value = 'http://evil.example/panel/gate.php?id=0123456789']",
            Item(Sort.LONG_URL, "http://evil.example/panel/gate.php?id=0123456789"),
        ),
        ("[ipv4-addr:value = '198.51.100.7']", Item(Sort.ADDRESS, "198.51.100.7")),
        ("[ipv4-addr:value = '198.51.100.0/24']", None),
        ("[email-addr:value = 'a@evil.example']", Item(Sort.EMAIL, "a@evil.example")),
        ("[x-phone-number:value = '+1 (202) 555-0143']", Item(Sort.PHONE, "12025550143")),
        ("[autonomous-system:number = 64500]", Item(Sort.ASN, "64500")),
        ("[x509-certificate:hashes.'SHA-1' = 'none']", None),
        ("[file:name = 'a.exe']", None),
        ("[domain-name:value = 'a.example' OR domain-name:value = 'b.example']", None),
        ("no pattern", None),
    ],
)
def test_what_is_compared_is_the_value_of_a_plain_equality_in_its_one_spelling(
    pattern: str, item: Item | None
):
    assert item_of(pattern) == item


def test_an_input_is_of_use_in_its_own_session_only_and_for_its_own_sort():
    item = Item(Sort.HASH, MD5)
    assert input_of(bytes(16), item) == input_of(bytes(16), item)
    others = {
        input_of(bytes([1, *bytes(15)]), item),
        input_of(bytes(16), Item(Sort.MUTEX, MD5)),
        input_of(bytes(16), Item(Sort.HASH, MD5 + "0")),
    }
    assert len(others) == 3
    assert input_of(bytes(16), item) not in others


def test_sorts_that_nobody_can_list_are_compared_where_nothing_else_is_asked_for():
    assert set(DEFAULT_SORTS) == {Sort.HASH, Sort.LONG_URL, Sort.CERTIFICATE, Sort.MUTEX}
    assert set(GRADES) == set(Sort)


@pytest.mark.parametrize("sort", [sort for sort in Sort if GRADES[sort] is Grade.EASY])
def test_t51_addresses_mail_phones_and_networks_are_refused_without_an_override(sort: Sort):
    with pytest.raises(Rejected) as error:
        check_sorts([Sort.HASH, sort], [])
    assert error.value.reason is Reason.GUESSABLE
    assert sort.value in error.value.detail
    check_sorts([Sort.HASH, sort], [sort])


def test_t51_with_an_override_at_most_256_are_compared():
    assert size_of(1, [Sort.ADDRESS]) == MAX_EASY_ITEMS == 256
    with pytest.raises(Rejected) as error:
        size_of(257, [Sort.ADDRESS, Sort.HASH])
    assert error.value.reason is Reason.TOO_MANY


def test_sizes_are_steps_of_one_two_and_five():
    assert [size_of(n, [Sort.HASH]) for n in (0, 100, 101, 201, 501, 2_001, 10_000)] == [
        100,
        100,
        200,
        500,
        1_000,
        5_000,
        10_000,
    ]
    with pytest.raises(Rejected) as error:
        size_of(MAX_ITEMS + 1, [Sort.HASH])
    assert error.value.reason is Reason.TOO_MANY


def test_t50_a_network_asked_for_in_pieces_is_stopped_after_a_few_of_them():
    """65,536 guesses in sessions of 10,000: two are held, the third is refused, for a day."""
    budget = Budget()
    check_budget(10_000, Spent(), budget)
    check_budget(10_000, Spent(items=10_000, sessions=1), budget)
    with pytest.raises(Rejected) as error:
        check_budget(10_000, Spent(items=20_000, sessions=2), budget)
    assert error.value.reason is Reason.OVER_BUDGET
    for spent in (Spent(sessions=budget.sessions_per_day), Spent(open=budget.sessions_open)):
        with pytest.raises(Rejected):
            check_budget(100, spent, budget)
