"""Requests for information between nodes, there and back: asked, answered, declined, taken back, passed on, refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.drops import RED, indicator, keep, nodes, take
from tests.desk.made import CLOCK

from backchannel.clock import FixedClock
from backchannel.desk.admitting import MAX_REPLIES
from backchannel.desk.asking import Question, ask, cancel, pass_on, request_plan
from backchannel.desk.node import Node
from backchannel.desk.receipt_documents import HeardStatements
from backchannel.desk.receipt_drops import receipts_drop, take_statements
from backchannel.desk.receipting import decline_reason
from backchannel.desk.recipients import recipient_of
from backchannel.desk.replying import Reply, reply, reply_plan, reply_with
from backchannel.desk.request_documents import RequestShown
from backchannel.desk.requests import list_requests, open_for_us, show_request
from backchannel.desk.stating import How
from backchannel.desk.telling import signed
from backchannel.errors import NotFoundError, PolicyError, UsageError
from backchannel.provenance.predicates import Answer, Hunted, HuntFor, Retract, Rfi
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.requests import MAX_A_DAY
from backchannel.stix.markings import Pap, Tlp

ID = str(indicator(1)["id"])
WHO = Question(text="Who runs this host?", about=(ID,))


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        yield found


def carry(node: Node, to: Node) -> None:
    """Let what waits go in a drop, and be taken."""
    made = receipts_drop(node, CLOCK, to.party.name)
    assert made is not None
    take(to, made.path.read_bytes())


def hear(node: Node, *envelopes: bytes) -> HeardStatements:
    return take_statements(node, CLOCK, b"\n".join(envelopes), "said.json")


def asked(node: Node) -> RequestShown:
    [one] = list_requests(node, CLOCK).to_us
    return one


def ours(node: Node) -> RequestShown:
    return list_requests(node, CLOCK).ours[0]


def a_request(alpha: Node, beta: Node, question: Question = WHO) -> str:
    """Let Alpha ask Beta; returns the request's name."""
    if question.about:
        keep(alpha, [indicator(1)])
    made = ask(alpha, CLOCK, "Beta", question).request
    assert made.state == "open"
    assert made.waits
    carry(alpha, beta)
    return made.request


def test_a_request_is_asked_read_worked_on_and_answered(three: list[Node]):
    alpha, beta, _ = three
    name = a_request(alpha, beta)
    [task] = open_for_us(beta, CLOCK)
    assert (task.request, task.party, task.question, task.about) == (name, "Alpha", WHO.text, (ID,))
    assert (task.state, task.task) == ("open", "Answer it, or decline with a reason.")
    for state in ("acknowledged", "working"):
        reply(beta, CLOCK, name, Reply(state=state))  # type: ignore[arg-type]
        carry(beta, alpha)
        assert (ours(alpha).state, asked(beta).state) == (state, state)
    said = reply(beta, CLOCK, name[:20], Reply(text="A hoster in Example."))
    assert (said.to, said.state) == ("Alpha", "answered")
    assert open_for_us(beta, CLOCK) == []
    carry(beta, alpha)
    found = ours(alpha)
    assert (found.state, found.says, found.waits) == ("answered", "Beta answered", False)
    assert [(one.state, one.text, one.tlp) for one in found.answers][-1] == (
        "answered",
        "A hoster in Example.",
        "TLP:AMBER",
    )
    with pytest.raises(UsageError, match="answered already"):
        reply(beta, CLOCK, name, Reply(state="working"))


def test_an_answer_with_objects_is_a_drop_that_names_the_request(three: list[Node]):
    alpha, beta, _ = three
    name = a_request(alpha, beta, Question(text="What do you know of this?"))
    keep(beta, [indicator(7), indicator(8, marking=RED)])
    ids = [str(indicator(7)["id"]), str(indicator(8)["id"])]
    target, planned = reply_plan(beta, CLOCK, name, ids)
    with pytest.raises(PolicyError, match="1 of 2 objects"):
        reply_with(beta, CLOCK, target, planned, Reply(), How())
    assert asked(beta).state == "open"
    said, made = reply_with(
        beta, CLOCK, target, planned, Reply(text="The first."), How(), approved=planned.sha256
    )
    assert (said.state, said.objects, asked(beta).state) == ("answered", (ids[0],), "answered")
    took = take(alpha, made.path.read_bytes())
    assert took.objects == 1
    [answer] = ours(alpha).answers
    assert (answer.text, answer.objects) == ("The first.", (ids[0],))


def test_it_is_declined_with_a_reason_and_may_be_answered_after_all(three: list[Node]):
    alpha, beta, _ = three
    name = a_request(alpha, beta)
    why = decline_reason("no-authority", text="Ask our lawyers.", node=beta)
    reply(beta, CLOCK, name, Reply(state="declined", reason=why))
    carry(beta, alpha)
    found = ours(alpha)
    assert (found.state, found.says, found.answers[0].text) == (
        "declined",
        "Beta declined: no-authority",
        "Ask our lawyers.",
    )
    reply(beta, CLOCK, name, Reply(text="They agreed: a hoster."))
    carry(beta, alpha)
    assert ours(alpha).state == "answered"


def test_it_is_taken_back_and_expires(three: list[Node]):
    alpha, beta, _ = three
    name = a_request(alpha, beta)
    assert cancel(alpha, CLOCK, name).request.state == "cancelled"
    carry(alpha, beta)
    assert (asked(beta).state, asked(beta).task, open_for_us(beta, CLOCK)) == ("cancelled", None, [])
    with pytest.raises(UsageError, match="cancelled already"):
        cancel(alpha, CLOCK, name)
    with pytest.raises(UsageError, match="not ours"):
        cancel(beta, CLOCK, name)
    ask(alpha, CLOCK, "Gamma", Question(text="And you?"))
    late = FixedClock(CLOCK.now() + timedelta(days=15))
    assert list_requests(alpha, late, party="Gamma").ours[0].state == "expired"


def test_a_request_shows_what_interests_us_so_the_rules_are_asked_first(three: list[Node]):
    alpha, _, _ = three
    keep(alpha, [indicator(1), indicator(2, marking=RED)])
    about = (ID, str(indicator(2)["id"]))
    found = request_plan(alpha, CLOCK, "Beta", Question(text="Who?", about=about))
    assert (found.goes, [one.goes for one in found.objects]) == (False, [True, False])
    assert any("interests us" in words for words in found.learns)
    with pytest.raises(PolicyError, match="may not be named to it"):
        ask(alpha, CLOCK, "Beta", Question(text="Who?", about=about))
    with pytest.raises(PolicyError, match="TLP:RED may not go"):
        ask(alpha, CLOCK, "Beta", Question(text="Who?", tlp=Tlp.RED))
    assert list_requests(alpha, CLOCK).ours == ()
    assert alpha.store.statements.waiting_parties() == []


def test_a_request_is_passed_on_without_the_name_of_who_asks(three: list[Node]):
    alpha, beta, gamma = three
    ask(alpha, CLOCK, "Gamma", Question(text="Who runs it?", via="Beta", tlp=Tlp.GREEN))
    carry(alpha, beta)
    one = asked(beta)
    assert (one.party, one.pass_on_to) == ("Alpha", "Gamma")
    pass_on(beta, CLOCK, one.request, letter="B")
    carry(beta, gamma)
    at_gamma = asked(gamma)
    assert (at_gamma.party, at_gamma.behalf, at_gamma.pass_on_to) == ("Beta", "B", None)
    waiting = gamma.store.requests.get(bytes.fromhex(at_gamma.request.removeprefix("sha256:")))
    assert waiting is not None
    kids = recipient_of(gamma, "Alpha")
    assert kids.sign.encode() not in waiting.statement.envelope
    reply(gamma, CLOCK, at_gamma.request, Reply(text="A hoster."))
    carry(gamma, beta)
    again = next(found for found in list_requests(beta, CLOCK).to_us if found.party == "Alpha")
    assert again.task == "Gamma answered: pass the answer on."
    reply(beta, CLOCK, one.request, Reply(text=again.passed[-1].text))
    carry(beta, alpha)
    assert ours(alpha).answers[-1].text == "A hoster."


# --- Bad input -------------------------------------------------------------------------------------------


def rfi(**changes: object) -> Rfi:
    said = {
        "question": "Who?",
        "needed_by": "2026-03-20T00:00:00Z",
        "tlp": Tlp.GREEN,
        "pap": Pap.GREEN,
        "thread": "ab" * 16,
    }
    return Rfi(**(said | changes))  # type: ignore[arg-type]


def said_by(node: Node, to: Node, predicate: object) -> bytes:
    return signed(node, CLOCK, predicate, recipient_of(node, to.party.name))  # type: ignore[arg-type]


def codes(found: HeardStatements) -> list[str]:
    return [one.code for one in found.notes]


def test_a_request_that_comes_back_is_refused_at_every_turn(three: list[Node]):
    alpha, beta, gamma = three
    ask(alpha, CLOCK, "Gamma", Question(text="Who runs it?", via="Beta", tlp=Tlp.GREEN))
    carry(alpha, beta)
    request = beta.store.requests.newest(is_own=False, party_row=None, at_most=1)[0]
    # Whoever passes it on to who asked first is told so here, and if they do all the same, there.
    back = rfi(question="Who runs it?", thread=request.thread, hops=2, behalf="B")
    assert codes(hear(alpha, said_by(gamma, alpha, back))) == ["request-loop"]
    assert list_requests(alpha, CLOCK).to_us == ()
    a_request(alpha, beta, Question(text="Same again?"))
    with pytest.raises(Rejected) as refused:
        ask(beta, CLOCK, "Alpha", Question(text="same  AGAIN?"))
    assert refused.value.reason is Reason.REQUEST_LOOP
    assert codes(hear(alpha, said_by(beta, alpha, rfi(question="Same again?")))) == ["request-loop"]


def test_the_same_question_twice_and_a_flood_are_refused_and_change_nothing(three: list[Node]):
    alpha, beta, _ = three
    a_request(alpha, beta, Question(text="Who?"))
    with pytest.raises(Rejected) as refused:
        ask(alpha, CLOCK, "Beta", Question(text="WHO?"))
    assert refused.value.reason is Reason.DUPLICATE_REQUEST
    again = said_by(alpha, beta, rfi(thread="cd" * 16))
    assert codes(hear(beta, again)) == ["duplicate-request"]
    flood = [
        said_by(alpha, beta, rfi(question=f"Question {number}", thread=f"{number:032x}"))
        for number in range(MAX_A_DAY + 10)
    ]
    found = hear(beta, *flood)
    assert set(codes(found)) == {"too-many-requests"}
    assert found.refused == 11
    assert len(list_requests(beta, CLOCK, rows=1_000).to_us) == MAX_A_DAY


def test_answers_to_nothing_or_of_another_party_are_refused_and_answer_nothing(three: list[Node]):
    alpha, beta, gamma = three
    name = a_request(alpha, beta)
    nothing = Answer(reply_to="sha256:" + "ab" * 32, state="answered", text="x")
    assert codes(hear(alpha, said_by(beta, alpha, nothing))) == ["wrong-answer"]
    of_gamma = Answer(reply_to=name, state="answered", text="A lie.")
    assert codes(hear(alpha, said_by(gamma, alpha, of_gamma))) == ["wrong-answer"]
    made_up = Answer(reply_to=name, state="answered", hunted=[Hunted(count="1")])
    assert codes(hear(alpha, said_by(beta, alpha, made_up))) == ["wrong-answer"]
    assert (ours(alpha).state, ours(alpha).answers) == ("open", ())
    # Nor may another party take back what it did not ask.
    other = Retract(reason="no", statement=name)
    assert codes(hear(beta, said_by(gamma, beta, other))) == ["not-theirs"]
    assert asked(beta).state == "open"


def test_no_more_is_answered_than_was_asked_for(three: list[Node]):
    alpha, beta, _ = three
    name = a_request(alpha, beta, Question(text="Which hosts?", max_answers=2))
    for text in ("One.", "And another."):
        reply(beta, CLOCK, name, Reply(text=text))
    with pytest.raises(UsageError, match="answered already"):
        reply(beta, CLOCK, name, Reply(text="A third."))
    carry(beta, alpha)
    assert [one.text for one in ours(alpha).answers] == ["One.", "And another."]


def test_a_flood_of_answers_to_one_request_is_refused_and_the_first_ones_count(three: list[Node]):
    alpha, beta, _ = three
    name = a_request(alpha, beta)
    flood = [
        said_by(beta, alpha, Answer(reply_to=name, state="answered", text=f"Answer {number}."))
        for number in range(MAX_REPLIES + 5)
    ]
    assert hear(alpha, *flood[:-3]).refused == 2
    found = hear(alpha, *flood[-3:])
    assert (set(codes(found)), found.refused) == ({"too-many"}, 3)
    assert [one.text for one in ours(alpha).answers] == ["Answer 0."]


def test_a_request_that_is_over_or_never_ends_is_refused(three: list[Node]):
    alpha, beta, _ = three
    over, endless = rfi(needed_by="2026-01-01T00:00:00Z"), rfi(needed_by="2030-01-01T00:00:00Z")
    assert codes(hear(beta, said_by(alpha, beta, over))) == ["expired"]
    assert codes(hear(beta, said_by(alpha, beta, endless))) == ["bad-form"]
    assert list_requests(beta, CLOCK).to_us == ()


def test_what_a_person_says_wrong_is_told_with_what_to_do(three: list[Node]):
    alpha, beta, _ = three
    wrong = [
        Question(text=" "),
        Question(text="x" * 5_000),
        Question(text="Who?", needed_by=CLOCK.now() - timedelta(days=1)),
        Question(text="Who?", topic="x" * 101),
        Question(text="Who?", via="Beta"),
    ]
    for question in wrong:
        with pytest.raises(UsageError):
            ask(alpha, CLOCK, "Beta", question)
    with pytest.raises(NotFoundError):
        show_request(alpha, CLOCK, "ab" * 8)
    with pytest.raises(UsageError, match="at least eight"):
        show_request(alpha, CLOCK, "abc")
    with pytest.raises(NotFoundError, match="waits to be answered"):
        reply(beta, CLOCK, "ab" * 8, Reply(text="x"))
    name = a_request(alpha, beta)
    with pytest.raises(UsageError, match="nothing is answered"):
        reply(beta, CLOCK, name, Reply())
    with pytest.raises(UsageError, match="not to be passed on"):
        pass_on(beta, CLOCK, name)
    with pytest.raises(UsageError, match="this request is ours"):
        reply(alpha, CLOCK, name, Reply(text="x"))


def test_several_parties_that_ask_the_same_are_shown_together_and_never_to_each_other(three: list[Node]):
    alpha, beta, gamma = three
    question = Question(text="Who is behind it?")
    a_request(alpha, beta, question)
    ask(gamma, CLOCK, "Beta", question)
    carry(gamma, beta)
    found = {one.party: one.also for one in list_requests(beta, CLOCK).to_us}
    assert found == {"Alpha": ("Gamma",), "Gamma": ("Alpha",)}


def test_a_hunt_request_says_what_is_to_be_looked_for(three: list[Node]):
    alpha, beta, _ = three
    hunt = HuntFor(patterns=["[ipv4-addr:value = '203.0.113.9']"], purpose="intrusion", since="2026-01-01")
    a_request(alpha, beta, Question(text="Did you see it?", hunt=hunt))
    shown = asked(beta).hunt
    assert shown is not None
    assert (shown.patterns, shown.purpose, shown.since) == (tuple(hunt.patterns), "intrusion", "2026-01-01")
    with pytest.raises(Exception, match="is no pattern"):
        ask(alpha, CLOCK, "Beta", Question(text="?", hunt=HuntFor(patterns=["[["], purpose="fraud")))
