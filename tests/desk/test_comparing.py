"""Two nodes compare what they hold: each learns what both hold and nothing else, and whoever cheats is found out."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.comparisons import (
    begun,
    carry,
    counted,
    fields_of,
    forged,
    keep_hashes,
    message,
    of_hash,
    shown,
    signed,
)
from tests.desk.drops import AMBER, GREEN, RED, indicator, keep, nodes
from tests.desk.made import CLOCK

from backchannel import codec
from backchannel.clock import Clock, FixedClock
from backchannel.desk.comparing import answer, begin, decline, ended_by_us, recipient_in, session_named
from backchannel.desk.comparison_listing import list_comparisons, show_comparison
from backchannel.desk.comparison_session import LASTS, Session, statement_of
from backchannel.desk.comparison_taking import MAX_REFUSED_PER_DAY, take_message
from backchannel.desk.entering import append_entered
from backchannel.desk.inbox import inbox
from backchannel.desk.membership import move
from backchannel.desk.node import Node
from backchannel.errors import NotFoundError, PolicyError, UsageError
from backchannel.parties.states import Event
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.psi import rounds
from backchannel.psi.files import seal_message
from backchannel.psi.items import Sort
from backchannel.psi.messages import Request, Result, Setup, Show, ShowBack, pack
from backchannel.psi.suites import OPENMINED, suites

pytest.importorskip(
    "nacl", reason="the engine of comparisons is not installed: pip install 'backchannel[psi]'"
)

Two = tuple[Node, Node]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    """Two nodes, which verified one another and hold five hashes in common."""
    with nodes(tmp_path, "alpha", "beta") as (alpha, beta):
        keep_hashes(alpha, range(20))
        keep_hashes(beta, range(15, 40))
        yield alpha, beta


def values(node: Node, session: str) -> set[str]:
    return {one.value for one in show_comparison(node, session).items}


def hashes(*numbers: int) -> set[str]:
    return {hashlib.sha256(str(number).encode()).hexdigest() for number in numbers}


def test_both_learn_how_many_and_nothing_of_which(two: Two):
    alpha, beta = two
    session = counted(alpha, beta)
    for node, own in ((alpha, 20), (beta, 25)):
        one = show_comparison(node, session.name)
        assert (one.comparison.common, one.comparison.state, one.items) == (5, "done", ())
        assert one.comparison.marking == "TLP:AMBER+STRICT"
        assert f"how many of your {own} items" in one.comparison.says
        assert (one.comparison.size, one.comparison.their_size) == (100, 100)


def test_once_both_agree_both_learn_which(two: Two):
    alpha, beta = two
    session = shown(alpha, beta)
    for node in two:
        assert values(node, session.name) == hashes(*range(15, 20))
        one = show_comparison(node, session.name).comparison
        assert (one.state, one.turn, one.is_shown) == ("done", "nobody", True)
        assert session_named(node, session.name).secrets.key == b""


@pytest.mark.skipif(
    OPENMINED not in suites(), reason="openmined-psi is not installed: pip install 'backchannel[psi-fast]'"
)
def test_t55_the_messages_of_the_other_engine_come_to_the_same(two: Two):
    alpha, beta = two
    assert counted(alpha, beta, suite=OPENMINED).row.common == counted(alpha, beta).row.common == 5


def test_nothing_is_shown_before_a_person_on_each_side_agreed(two: Two):
    alpha, beta = two
    session = counted(alpha, beta)
    with pytest.raises(UsageError, match="would show which"):
        answer(alpha, CLOCK, session.name)
    answer(alpha, CLOCK, session.name, shows=True)
    carry(alpha, beta, session)
    with pytest.raises(UsageError, match="would show which"):
        answer(beta, CLOCK, session.name)
    decline(beta, CLOCK, session.name, because="not these")
    carry(beta, alpha, session)
    one = show_comparison(alpha, session.name).comparison
    assert (one.state, one.reason, one.detail) == ("declined", "declined", "not these")
    assert values(alpha, session.name) == values(beta, session.name) == set()


def test_what_goes_over_the_wire_holds_no_value_and_no_name(two: Two):
    alpha, beta = two
    session = begun(alpha, beta)
    row = session_named(alpha, session.name).messages[0]
    for text in (*hashes(*range(20)), "beta", "indicator--"):
        assert text.encode() not in row.body + row.envelope
    assert row.envelope not in message(alpha, session)


def test_every_message_is_in_both_ledgers_and_answers_the_one_before(two: Two):
    alpha, beta = two
    session = shown(alpha, beta)
    mine = session_named(alpha, session.name).messages
    assert [one.step for one in mine] == list(range(1, 9))
    assert [one.envelope for one in mine] == [
        one.envelope for one in session_named(beta, session.name).messages
    ]
    for node in two:
        append_entered(node, CLOCK)
        said = {row.statement for row in node.store.leaves.newest(before=None, rows=100) if row.kind == "psi"}
        assert said == {one.envelope for one in mine}
    assert {statement_of(one).root for one in mine} == {statement_of(one).root for one in mine[:2]}


def test_a_message_asked_for_again_is_the_same_and_one_taken_again_changes_nothing(two: Two):
    alpha, beta = two
    session = begun(alpha, beta)
    carry(alpha, beta, session)
    assert not carry(alpha, beta, session).is_new
    answer(beta, CLOCK, session.name)
    first = session_named(beta, session.name).messages[-1]
    answer(beta, CLOCK, session.name)
    assert session_named(beta, session.name).messages[-1] == first
    assert list_comparisons(beta).comparisons[0].turn == "theirs"


# --- The rules -------------------------------------------------------------------------------------------


def test_a_refusal_is_made_once_and_handed_out_again(two: Two):
    alpha, beta = two
    session = begun(alpha, beta)
    carry(alpha, beta, session)
    decline(beta, CLOCK, session.name, because="Not now.")
    told = [row.digest for row in session_named(beta, session.name).messages if row.is_ours]
    # Whoever was interrupted before the file was written says it again, or asks for the message.
    decline(beta, CLOCK, session.name)
    assert ended_by_us(beta, session.name) is not None
    assert ended_by_us(alpha, session.name) is None
    assert [row.digest for row in session_named(beta, session.name).messages if row.is_ours] == told
    assert show_comparison(beta, session.name).comparison.next.startswith("It ended. Tell them: ")
    carry(beta, alpha, session)
    one = show_comparison(alpha, session.name).comparison
    assert (one.state, one.detail, one.next) == ("declined", "Not now.", "It ended.")
    for call in (
        lambda: answer(beta, CLOCK, session.name, shows=True),
        lambda: decline(alpha, CLOCK, session.name),
    ):
        with pytest.raises(UsageError, match="is over"):
            call()


def test_a_session_that_failed_by_hand_can_be_told_to_who_caused_it(two: Two):
    alpha, beta = two
    session = begun(alpha, beta)
    data = forged(
        alpha, session, elements=codec.decode(session_named(alpha, session.name).messages[0].body)["marks"]
    )
    taken = take_message(beta, CLOCK, data)
    assert taken.refusal is not None
    assert ended_by_us(beta, session.name) is not None
    carry(beta, alpha, session)
    assert show_comparison(alpha, session.name).comparison.reason == taken.refusal.reason.value


def test_what_waits_for_a_person_stands_in_the_inbox_until_it_is_decided(two: Two):
    alpha, beta = two

    def waits(node: Node, clock: Clock = CLOCK) -> list[tuple[str, str, str]]:
        return [(one.which, one.says, one.do) for one in inbox(node, clock).tasks if one.kind == "comparison"]

    session = begun(alpha, beta, overridden=(), because="The same loader?")
    assert waits(alpha) == []
    carry(alpha, beta, session)
    [(which, says, do)] = waits(beta)
    assert which == session.name
    assert says.startswith("asks how many both hold (hash, ")
    assert says.endswith("): The same loader?")
    assert do == "Decide whether to answer."
    assert waits(beta, FixedClock(CLOCK.now() + LASTS)) == []
    answer(beta, CLOCK, session.name)
    assert waits(beta) == []
    carry(beta, alpha, session)
    assert [do for *_, do in waits(alpha)] == ["Make our next message."]
    answer(alpha, CLOCK, session.name)
    carry(alpha, beta, session)
    answer(beta, CLOCK, session.name)
    carry(beta, alpha, session)
    assert (waits(alpha), waits(beta)) == ([], [])  # both know how many: nobody has to go on
    answer(alpha, CLOCK, session.name, shows=True)
    carry(alpha, beta, session)
    n = show_comparison(beta, session.name).comparison.common
    assert [(says, do) for _, says, do in waits(beta)] == [
        (f"would show which {n} both hold", "Decide whether to show which.")
    ]
    decline(beta, CLOCK, session.name)
    assert waits(beta) == []


def test_what_the_rules_do_not_let_go_to_the_party_is_not_compared(two: Two):
    alpha, _ = two
    keep(alpha, [of_hash(30, RED), of_hash(31, AMBER), of_hash(32, None)])
    session, left_out = begin(alpha, CLOCK, "beta")
    assert session.row.items == 21
    assert {(one.why, one.n) for one in left_out} == {("the rules let it not go to this party", 2)}


def test_a_party_that_is_not_known_or_suspended_is_not_compared_with(two: Two):
    alpha, beta = two
    session = begun(alpha, beta)
    with pytest.raises(NotFoundError):
        begin(alpha, CLOCK, "gamma")
    for node, other in ((alpha, "beta"), (beta, "alpha")):
        move(node, CLOCK, other, Event.SUSPENDED, "asked too much")
    with pytest.raises(PolicyError, match="suspended"):
        begin(alpha, CLOCK, "beta")
    with pytest.raises(Rejected) as error:
        carry(alpha, beta, session)
    assert error.value.reason is Reason.PARTY_SUSPENDED


def test_t51_addresses_are_refused_on_both_sides_without_an_override(two: Two):
    alpha, beta = two
    address = indicator(90, GREEN, pattern="[ipv4-addr:value = '198.51.100.7']")
    keep(alpha, [address])
    keep(beta, [address])
    with pytest.raises(Rejected) as error:
        begin(alpha, CLOCK, "beta", sorts=[Sort.ADDRESS])
    assert error.value.reason is Reason.GUESSABLE
    with pytest.raises(UsageError, match="needs a reason"):
        begin(alpha, CLOCK, "beta", sorts=[Sort.ADDRESS], overridden=[Sort.ADDRESS])
    session = begun(alpha, beta, sorts=[Sort.ADDRESS], overridden=[Sort.ADDRESS], because="incident 7")
    assert session.row.size == 256
    carry(alpha, beta, session)
    assert show_comparison(beta, session.name).comparison.because == "incident 7"
    with pytest.raises(Rejected) as error:
        answer(beta, CLOCK, session.name)
    assert error.value.reason is Reason.GUESSABLE
    answer(beta, CLOCK, session.name, overridden=[Sort.ADDRESS], because="we agree")
    assert carry(beta, alpha, session).refusal is None


def enumeration(attacker: Node, template: Request, session: str, n: int) -> bytes:
    """A request of `n` guesses in a set of hashes, as somebody sends it who keeps to no rule of their own.

    The budget is asked before anything is computed, so the elements need not even lie in the group.
    """
    made = session_named(attacker, session)
    fresh = secrets.token_bytes(16)
    said = statement_of(made.messages[0])
    body = {
        "suite": template.suite,
        "sorts": ["hash"],
        "elements": pack([secrets.token_bytes(32) for _ in range(n + rounds.CANARIES)]),
        "marks": pack([secrets.token_bytes(32) for _ in range(rounds.CANARIES)]),
    }
    asked = type(said)(**{**fields_of(said), "session": fresh.hex(), "n": n + rounds.CANARIES})
    return signed(attacker, made, asked, codec.canonical(body))


def test_t50_an_enumeration_is_stopped_by_the_budget_entered_and_answered(two: Two):
    """A network of 65,536 addresses, hidden among hashes: in one piece, and in pieces of 10,000."""
    alpha, beta = two
    first = begun(alpha, beta)
    template = session_named(alpha, first.name).body(Request)
    with pytest.raises(Rejected) as error:
        take_message(beta, CLOCK, enumeration(alpha, template, first.name, 65_536))
    assert error.value.reason is Reason.TOO_LARGE
    whole = take_message(beta, CLOCK, enumeration(alpha, template, first.name, 20_000))
    assert whole.refusal is not None
    assert whole.refusal.reason is Reason.TOO_MANY
    for _ in range(2):
        taken = take_message(beta, CLOCK, enumeration(alpha, template, first.name, 10_000))
        assert taken.refusal is None
    stopped = take_message(beta, CLOCK, enumeration(alpha, template, first.name, 10_000))
    assert stopped.refusal is not None
    assert stopped.refusal.reason is Reason.OVER_BUDGET
    row = stopped.session
    assert (row.row.state, row.row.reason) == ("failed", "over-budget")
    entered = beta.store.leaves.about([f"comparison {row.name}"], at_most=5)
    assert [one.kind for one in entered] == ["decision"]
    assert [(one.step, one.is_ours) for one in session_named(beta, row.name).messages] == [
        (1, False),
        (0, True),
    ]
    with pytest.raises(Rejected):
        take_message(alpha, CLOCK, message(beta, row))  # the attacker's own books do not have it


def test_t50_a_party_over_its_budget_is_told_so(two: Two):
    alpha, beta = two
    for _ in range(4):
        counted(alpha, beta)
    with pytest.raises(Rejected) as error:
        begin(alpha, CLOCK, "beta")
    assert error.value.reason is Reason.OVER_BUDGET
    alpha.store.database.execute("UPDATE comparison SET began_at = '2020-01-01T00:00:00Z'")
    session = begun(alpha, beta)
    refused = carry(alpha, beta, session)
    assert refused.refusal is not None
    carry(beta, alpha, session)
    told = show_comparison(alpha, session.name).comparison
    assert (told.state, told.reason, told.turn) == ("declined", "over-budget", "nobody")


def test_sessions_that_nobody_can_answer_any_more_are_not_open(two: Two):
    alpha, beta = two
    for _ in range(4):
        carry(alpha, beta, begun(alpha, beta))
    alpha.store.database.execute("UPDATE comparison SET began_at = '2020', changed_at = '2020'")
    refused = carry(alpha, beta, begun(alpha, beta))
    assert refused.refusal is not None
    assert "sessions are open" in refused.refusal.detail
    beta.store.database.execute("UPDATE comparison SET began_at = '2020', changed_at = '2020'")
    assert carry(alpha, beta, begun(alpha, beta)).refusal is None


def test_nothing_comes_after_the_last_message(two: Two):
    alpha, beta = two
    session = shown(alpha, beta)
    made = session_named(beta, session.name)
    said = statement_of(made.messages[-1])
    late = signed(beta, made, type(said)(**{**fields_of(said), "step": 0}), b'{"reason":"declined"}')
    with pytest.raises(Rejected) as error:
        take_message(alpha, CLOCK, late)
    assert error.value.reason is Reason.OUT_OF_TURN
    assert show_comparison(alpha, session.name).comparison.state == "done"


def test_t50_refused_requests_do_not_fill_the_store(two: Two):
    alpha, beta = two
    for _ in range(4):
        counted(alpha, beta)
    for _ in range(MAX_REFUSED_PER_DAY + 3):
        alpha.store.database.execute(
            "UPDATE comparison SET began_at = '2020-01-01T00:00:00Z', state = 'done'"
        )
        session = begun(alpha, beta)
        try:
            carry(alpha, beta, session)
        except Rejected as refusal:
            last = refusal
    assert last.reason is Reason.OVER_BUDGET
    assert len(list_comparisons(beta).comparisons) == 4 + MAX_REFUSED_PER_DAY


def test_t50_requests_that_are_taken_back_do_not_fill_the_store(two: Two):
    alpha, beta = two

    def ask() -> Session:
        alpha.store.database.execute(
            "UPDATE comparison SET began_at = '2020-01-01T00:00:00Z', state = 'done'"
        )
        return begun(alpha, beta)

    for _ in range(MAX_REFUSED_PER_DAY):
        session = ask()
        carry(alpha, beta, session)
        decline(alpha, CLOCK, session.name)
        carry(alpha, beta, session)
    session = ask()
    with pytest.raises(Rejected) as refused:
        carry(alpha, beta, session)
    assert refused.value.reason is Reason.OVER_BUDGET
    assert len(list_comparisons(beta).comparisons) == MAX_REFUSED_PER_DAY


# --- A party that cheats -----------------------------------------------------------------------------------


def to_result(alpha: Node, beta: Node) -> str:
    """Compare up to where the responder has made its answer, which is not taken yet."""
    session = begun(alpha, beta)
    carry(alpha, beta, session)
    answer(beta, CLOCK, session.name)
    carry(beta, alpha, session)
    answer(alpha, CLOCK, session.name)
    carry(alpha, beta, session)
    answer(beta, CLOCK, session.name)
    return session.name


def test_t52_an_answer_other_than_the_sealed_one_ends_the_session_and_is_told(two: Two):
    alpha, beta = two
    name = to_result(alpha, beta)
    session = session_named(beta, name)
    response = session.elements(session.body(Result).response)
    taken = take_message(alpha, CLOCK, forged(beta, session, response=pack(response[:-1])))
    assert taken.refusal is not None
    assert taken.refusal.reason is Reason.BROKEN_SEAL
    one = show_comparison(alpha, name).comparison
    assert (one.state, one.reason, one.common) == ("failed", "broken-seal", None)
    carry(alpha, beta, session)
    assert show_comparison(beta, name).comparison.reason == "broken-seal"
    with pytest.raises(Rejected) as error:
        carry(beta, alpha, session)
    assert error.value.reason is Reason.EQUIVOCATION


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda found: found[:-1], Reason.WRONG_LENGTH),
        (lambda found: [*found, bytes(32)], Reason.NOT_SORTED),
        (
            lambda found: [*found[: len(found) // 2], *found[: len(found) - len(found) // 2]],
            Reason.NOT_SORTED,
        ),
        (lambda found: found[::-1], Reason.NOT_SORTED),
        (
            lambda found: sorted({*found[::2], *(secrets.token_bytes(32) for _ in found[1::2])}),
            Reason.CANARY_MISSING,
        ),
    ],
    ids=["shortened", "padded", "doubled", "reordered", "half exchanged"],
)
def test_t52_an_initiator_that_answers_otherwise_gets_no_answer_itself(two: Two, change, reason: Reason):
    alpha, beta = two
    session = begun(alpha, beta)
    carry(alpha, beta, session)
    answer(beta, CLOCK, session.name)
    carry(beta, alpha, session)
    answer(alpha, CLOCK, session.name)
    found = sorted(session_named(alpha, session.name).answer)
    taken = take_message(beta, CLOCK, forged(alpha, session, response=pack(change(found))))
    assert taken.refusal is not None
    assert taken.refusal.reason in {reason, Reason.WRONG_LENGTH}
    assert [one.step for one in session_named(beta, session.name).messages if one.is_ours] == [2, 0]


def test_t52_another_order_than_the_sealed_one_shows_nothing(two: Two):
    alpha, beta = two
    session = counted(alpha, beta)
    answer(alpha, CLOCK, session.name, shows=True)
    carry(alpha, beta, session)
    answer(beta, CLOCK, session.name, shows=True)
    made = session_named(beta, session.name)
    order = made.elements(made.body(Show).order)
    taken = take_message(alpha, CLOCK, forged(beta, session, order=pack(order[::-1])))
    assert taken.refusal is not None
    assert taken.refusal.reason is Reason.BROKEN_SEAL
    assert values(alpha, session.name) == set()
    assert [one.step for one in session_named(alpha, session.name).messages if one.is_ours] == [1, 3, 5, 0]


def test_t52_who_came_to_other_items_is_told(two: Two):
    alpha, beta = two
    session = counted(alpha, beta)
    for giver, taker in ((alpha, beta), (beta, alpha)):
        answer(giver, CLOCK, session.name, shows=True)
        carry(giver, taker, session)
    answer(alpha, CLOCK, session.name)
    taken = take_message(beta, CLOCK, forged(alpha, session, confirm="0" * 64))
    assert taken.refusal is not None
    assert taken.refusal.reason is Reason.OTHER_RESULT
    assert session_named(alpha, session.name).body(ShowBack).confirm != "0" * 64


def test_t53_elements_outside_the_group_or_repeated_end_the_session(two: Two):
    alpha, beta = two
    for bad in (bytes([1, *bytes(31)]), b"\xff" * 32):
        session = begun(alpha, beta)
        carry(alpha, beta, session)
        answer(beta, CLOCK, session.name)
        made = session_named(beta, session.name)
        elements = made.elements(made.body(Setup).elements)
        taken = take_message(alpha, CLOCK, forged(beta, session, elements=pack([bad, *elements[1:]])))
        assert taken.refusal is not None
        assert taken.refusal.reason is Reason.BAD_ELEMENT
    session = begun(alpha, beta)
    made = session_named(alpha, session.name)
    elements = made.elements(made.body(Request).elements)
    twice = take_message(beta, CLOCK, forged(alpha, session, elements=pack([elements[1], *elements[1:]])))
    assert twice.refusal is not None
    assert twice.refusal.reason is Reason.BAD_ELEMENT


def test_t53_a_request_with_an_element_outside_the_group_ends_when_it_is_answered(two: Two):
    alpha, beta = two
    session = begun(alpha, beta)
    made = session_named(alpha, session.name)
    elements = made.elements(made.body(Request).elements)
    identity = bytes([1, *bytes(31)])
    take_message(beta, CLOCK, forged(alpha, session, elements=pack([identity, *elements[1:]])))
    with pytest.raises(Rejected) as error:
        answer(beta, CLOCK, session.name)
    assert error.value.reason is Reason.BAD_ELEMENT
    row = session_named(beta, session.name).row
    assert (row.state, row.reason, row.secrets) == ("failed", "bad-element", None)
    carry(beta, alpha, session)
    assert show_comparison(alpha, session.name).comparison.reason == "bad-element"


# --- Foreign files -----------------------------------------------------------------------------------------


def test_a_message_out_of_turn_for_another_or_of_another_kind_changes_nothing(two: Two, tmp_path: Path):
    alpha, beta = two
    session = begun(alpha, beta)
    carry(alpha, beta, session)
    answer(beta, CLOCK, session.name)
    setup = message(beta, session)
    carry(beta, alpha, session)
    answer(alpha, CLOCK, session.name)
    refusals = []
    with nodes(tmp_path / "more", "gamma") as (gamma,):
        for node, data in (
            (gamma, setup),
            (alpha, setup[:-40]),
            (alpha, b"age-encryption.org/v1\n" + bytes(100)),
            (alpha, b""),
            (alpha, bytes(5 * 2**20)),
            (beta, message(beta, session)),
        ):
            before = [row.session for row in node.store.comparisons.newest(at_most=10)]
            with pytest.raises(Rejected) as error:
                take_message(node, CLOCK, data)
            refusals.append(error.value.reason)
            assert [row.session for row in node.store.comparisons.newest(at_most=10)] == before
    assert refusals[:3] == [Reason.NOT_FOR_US, Reason.DAMAGED, Reason.TRUNCATED]
    assert refusals[4] is Reason.TOO_LARGE


def test_a_body_that_was_not_signed_is_refused(two: Two):
    alpha, beta = two
    session = begun(alpha, beta)
    row = session_named(alpha, session.name).messages[0]
    data = seal_message(row.envelope, row.body + b" ", recipient_in(session).age_recipient)
    with pytest.raises(Rejected) as error:
        take_message(beta, CLOCK, data)
    assert error.value.reason is Reason.CHUNK_MISMATCH
    assert list_comparisons(beta).comparisons == ()
