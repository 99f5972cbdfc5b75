"""What both sides come to, by either engine; and that whoever answers otherwise than agreed is found out."""

from __future__ import annotations

import random
import secrets

import pytest
from tests.psi import p256
from tests.psi.engines import SUITES, Pair, compare, inputs, wanted

from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi import rounds

ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
"""A point of order 8 on edwards25519."""
IDENTITY = bytes([1, *bytes(31)])
ORDER_2 = bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")


@pytest.fixture(params=SUITES)
def pair(request: pytest.FixtureRequest) -> Pair:
    both = inputs(20)
    return compare(wanted(request.param), both + inputs(30), both + inputs(7))


def test_both_sides_count_the_same_and_then_find_the_same_items(pair: Pair):
    found = pair.common()
    assert len(found) == 20
    assert found == rounds.common(sorted(pair.answer_of_one), pair.answer_of_other)
    ours = rounds.matches(pair.one, pair.answer_of_other, found)
    theirs = rounds.matches(pair.other, pair.answer_of_one, found)
    assert ours == theirs
    session = pair.one.session
    assert rounds.confirmation(session, ours) == rounds.confirmation(session, theirs)


def test_an_honest_answer_passes_every_check(pair: Pair):
    response = sorted(pair.answer_of_other)
    rounds.check_response(pair.engine, pair.one, response, pair.marks_of_other)
    rounds.check_order(pair.engine, pair.one, response, pair.answer_of_other, pair.marks_of_other)
    sealed = rounds.seal(pair.other.order_salt, pair.answer_of_other)
    rounds.check_seal(sealed, pair.other.order_salt, pair.answer_of_other)


def test_what_goes_on_the_wire_tells_nothing_of_what_is_in_common(pair: Pair):
    sent = set(rounds.elements_of(pair.engine, pair.one))
    assert not sent & set(rounds.elements_of(pair.engine, pair.other))
    assert not sent & set(pair.answer_of_one)
    assert len(sent) == len(pair.one.inputs)


# --- T52 ---------------------------------------------------------------------------------------------------


def refused(pair: Pair, response: list[bytes]) -> Reason:
    with pytest.raises(Rejected) as error:
        rounds.check_response(pair.engine, pair.one, response, pair.marks_of_other)
    return error.value.reason


def test_t52_a_shortened_or_padded_response_is_detected(pair: Pair):
    response = sorted(pair.answer_of_other)
    assert refused(pair, response[:-1]) is Reason.WRONG_LENGTH
    assert refused(pair, response[: len(response) // 2]) is Reason.WRONG_LENGTH
    assert (
        refused(pair, sorted([*response, pair.engine.blind(pair.other.key, inputs(1))[0]]))
        is Reason.WRONG_LENGTH
    )


def test_t52_a_reordered_or_doubled_response_is_detected(pair: Pair):
    response = sorted(pair.answer_of_other)
    assert refused(pair, response[::-1]) is Reason.NOT_SORTED
    assert refused(pair, [response[1], response[0], *response[2:]]) is Reason.NOT_SORTED
    assert refused(pair, [response[0], response[0], *response[2:]]) is Reason.NOT_SORTED


def test_t52_a_response_of_the_right_length_that_hides_matches_is_detected(pair: Pair):
    """Half of the answers are exchanged for others: the canaries among them are missing."""
    kept = random.Random(5).sample(pair.answer_of_other, len(pair.answer_of_other) // 2)
    more = pair.engine.blind(pair.other.key, inputs(len(pair.answer_of_other) - len(kept)))
    assert refused(pair, sorted([*kept, *more])) is Reason.CANARY_MISSING


def test_t52_an_order_that_is_not_the_sealed_one_is_detected(pair: Pair):
    response, order = sorted(pair.answer_of_other), list(pair.answer_of_other)
    sealed = rounds.seal(pair.other.order_salt, order)
    order[0], order[1] = order[1], order[0]
    with pytest.raises(Rejected) as error:
        rounds.check_seal(sealed, pair.other.order_salt, order)
    assert error.value.reason is Reason.BROKEN_SEAL
    with pytest.raises(Rejected) as error:
        rounds.check_seal(sealed, b"", pair.answer_of_other)
    assert error.value.reason is Reason.BROKEN_SEAL
    random.Random(7).shuffle(order)
    with pytest.raises(Rejected) as error:
        rounds.check_order(pair.engine, pair.one, response, order, pair.marks_of_other)
    assert error.value.reason is Reason.CANARY_MISSING
    with pytest.raises(Rejected) as error:
        rounds.check_order(pair.engine, pair.one, response, order[1:], pair.marks_of_other)
    assert error.value.reason is Reason.BROKEN_SEAL


def test_t52_two_items_exchanged_before_the_seal_show_in_what_both_came_to(pair: Pair):
    """Too few places are wrong for the canaries to show it, but the two sides do not confirm the same."""
    found = pair.common()
    order = list(pair.answer_of_other)
    canaries = set(pair.one.canaries)
    places = [at for at, one in enumerate(pair.one.inputs) if one not in canaries]
    inside = next(at for at in places if order[at] in found)
    outside = next(at for at in places if order[at] not in found)
    order[inside], order[outside] = order[outside], order[inside]
    rounds.check_order(pair.engine, pair.one, sorted(order), order, pair.marks_of_other)
    ours = rounds.matches(pair.one, order, found)
    theirs = rounds.matches(pair.other, pair.answer_of_one, found)
    session = pair.one.session
    assert rounds.confirmation(session, ours) != rounds.confirmation(session, theirs)


# --- T53 ---------------------------------------------------------------------------------------------------

OUTSIDE = {
    "edwards25519": {
        "identity": IDENTITY,
        "order 2": ORDER_2,
        "order 8": ORDER_8,
        "zero, of order 4": bytes(32),
        "not canonical": bytes([0xEE, *b"\xff" * 30, 0x7F]),
        "off the curve": bytes([2, *bytes(31)]),
        "short": b"\x02" * 31,
        "long": b"\x02" * 33,
    },
    "p256": {
        "infinity": b"\x00",
        "infinity, filled up": bytes(33),
        "off the curve": bytes([2, *bytes(31), 1]),
        "x beyond the field": b"\x02" + b"\xff" * 32,
        "uncompressed": b"\x04" + bytes(64),
        "no such form": b"\x05" + bytes(32),
        "short": b"\x02" * 32,
    },
}


@pytest.mark.parametrize(
    ("suite", "element"),
    [
        pytest.param(suite, one, id=f"{suite}: {name}")
        for suite, them in OUTSIDE.items()
        for name, one in them.items()
    ],
)
def test_t53_an_element_outside_the_group_is_refused_before_our_key_touches_it(suite: str, element: bytes):
    engine = wanted(suite)
    own = rounds.put_in(engine, bytes(16), "responder", inputs(3), 100)
    good = engine.blind(engine.new_key(), inputs(3))
    with pytest.raises(Rejected) as error:
        rounds.answer_to(engine, own, [*good, element])
    assert error.value.reason is Reason.BAD_ELEMENT


@pytest.mark.parametrize("suite", SUITES)
def test_t53_an_element_of_mixed_order_is_refused(suite: str):
    """A good point with one of small order added would tell the key modulo 8: of edwards25519; P-256 has none such."""
    if suite != "edwards25519":
        return_point = wanted(suite).blind(wanted(suite).new_key(), inputs(1))
        assert len(rounds.answer_to(wanted(suite), compare(wanted(suite), [], []).one, return_point)) == 1
        return
    bindings = pytest.importorskip("nacl.bindings")
    engine = wanted(suite)
    mixed = bindings.crypto_core_ed25519_add(engine.blind(engine.new_key(), inputs(1))[0], ORDER_8)
    with pytest.raises(Rejected) as error:
        rounds.answer_to(engine, compare(engine, [], []).one, [mixed])
    assert error.value.reason is Reason.BAD_ELEMENT


def test_t53_repeated_elements_are_refused(pair: Pair):
    elements = rounds.elements_of(pair.engine, pair.one)
    with pytest.raises(Rejected) as error:
        rounds.answer_to(pair.engine, pair.other, [*elements[:-1], elements[0]])
    assert error.value.reason is Reason.BAD_ELEMENT


def test_t53_wrong_marks_are_refused(pair: Pair):
    response = sorted(pair.answer_of_other)
    for marks, reason in (
        (pair.marks_of_other[:-1], Reason.WRONG_LENGTH),
        ([pair.marks_of_other[0]] * len(pair.marks_of_other), Reason.BAD_ELEMENT),
        (pair.engine.blind(pair.other.key, inputs(rounds.CANARIES)), Reason.CANARY_MISSING),
    ):
        with pytest.raises(Rejected) as error:
            rounds.check_response(pair.engine, pair.one, response, marks)
        assert error.value.reason is reason


# --- T55 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_t55_both_engines_give_the_same_intersection(seed: int):
    drawn = random.Random(seed)
    pool = [drawn.randbytes(32) for _ in range(120)]
    first, second = (drawn.sample(pool, drawn.randint(0, 100)) for _ in range(2))
    found = []
    for suite in SUITES:
        pair = compare(wanted(suite), first, second)
        found.append(set(rounds.matches(pair.one, pair.answer_of_other, pair.common()).values()))
    assert found[0] == found[1] == set(first) & set(second)


def test_t55_another_implementation_from_the_documentation_makes_the_same_elements():
    """A side written from docs/formats/comparison.md alone, against the engine of `p256`."""
    engine = wanted("p256")
    key = engine.new_key()
    theirs = secrets.randbelow(p256.ORDER - 1) + 1
    ours, others = inputs(6), inputs(3)
    others += ours[:2]
    elements = engine.blind(key, ours)
    assert elements == [p256.blind(int.from_bytes(key, "big"), one) for one in ours]
    answered = [p256.blind_again(theirs, one) for one in elements]
    answer = engine.blind_again(key, [p256.blind(theirs, one) for one in others])
    assert rounds.common(answered, answer) == sorted(answered[:2])


@pytest.mark.parametrize("suite", SUITES)
def test_t55_no_false_positive_among_a_million_pairs(suite: str):
    pair = compare(wanted(suite), inputs(1_000), inputs(1_000), size=1_000)
    assert len(pair.one.inputs) * len(pair.other.inputs) >= 10**6
    assert pair.common() == []
