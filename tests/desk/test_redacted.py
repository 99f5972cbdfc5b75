"""What comes back about an object that went redacted is known as said of that object: by whom it went to, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cli.running import dns, jsonl
from tests.desk.drops import AMBER, GREEN, indicator, keep, nodes, send, take
from tests.desk.made import CLOCK
from tests.desk.offers import caller, notes, offering, put, read
from tests.desk.test_policy import write_policy

from backchannel.cli.reasons import why_text
from backchannel.clock import FixedClock
from backchannel.desk.answering import dispute, sight
from backchannel.desk.asking import Question, ask, request_stix
from backchannel.desk.choosing import Choice
from backchannel.desk.grading import Grader
from backchannel.desk.hunting import hunt
from backchannel.desk.inbox import inbox, show, why
from backchannel.desk.items import find
from backchannel.desk.judgements import judge
from backchannel.desk.judging import Judge
from backchannel.desk.key_care import rotate
from backchannel.desk.node import Node
from backchannel.desk.planning import plan
from backchannel.desk.receipt_drops import receipts_drop, take_statements
from backchannel.desk.receipting import Word, acknowledged, decline_reason
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How
from backchannel.desk.replying import Reply, reply_plan, reply_with
from backchannel.desk.requests import list_requests
from backchannel.desk.retracting import retract
from backchannel.desk.sent_drops import list_sent
from backchannel.desk.telling import signed
from backchannel.provenance.predicates import Opinion, Outcome, Sighting
from backchannel.provenance.statement import ObjectSubject, digest_text, objects_named, open_envelope
from backchannel.store.rows import Kept

ID = str(indicator(1)["id"])
WITHOUT_NAMES = '[[rule]]\nid = "t"\nto = ["Beta"]\ntransform = ["drop:/name"]\n'
NETWORKS = '[[rule]]\nid = "n"\nto = ["Beta"]\ntransform = ["generalise:/pattern:24"]\n'


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    """Beta has Alpha's indicator redacted; Gamma has nothing of it."""
    with offering(tmp_path) as found:
        alpha, beta, _ = found
        write_policy(alpha, WITHOUT_NAMES)
        take(beta, send(alpha, beta, keep(alpha, [indicator(1)]), How(ack="acted")).path.read_bytes())
        yield found


def form(node: Node) -> Kept:
    """The indicator as it came to a party that has it redacted."""
    [kept], _ = node.store.objects.newest(("indicator",), before=None, rows=9, scan=99)
    assert kept.stix_id != ID
    return kept


def carry(node: Node, to: Node) -> None:
    made = receipts_drop(node, CLOCK, to.party.name)
    assert made is not None
    came = take(to, made.path.read_bytes())
    assert [one for one in came.notes if one.code != "gap"] == []


def subject(kept: Kept) -> ObjectSubject:
    return ObjectSubject(id=kept.stix_id, jcs=digest_text(kept.digest), modified=kept.version)


def said(node: Node) -> list[tuple[str, str, tuple[tuple[str, str, str], ...]]]:
    return [
        (one.party, one.kind, tuple((of.id, of.as_id, of.to) for of in one.forms))
        for one in why(node, CLOCK, ID).views
    ]


def test_a_sighting_of_a_redacted_form_is_a_sighting_of_the_object(three: list[Node], tmp_path: Path):
    alpha, beta, _ = three
    as_id = form(beta).stix_id
    before = Grader(alpha, CLOCK).grade(find(alpha.store, ID))
    list(hunt(beta, CLOCK, [jsonl(tmp_path / "dns.log", dns(1, "h1.example.net"))]))
    told = sight(beta, CLOCK, as_id).told
    assert [(one.to, one.outcome) for one in told] == [("Alpha", "given")]
    carry(beta, alpha)
    assert said(alpha) == [("Beta", "sighting", ((ID, as_id, "Beta"),))]
    later = Sighting(count="1", first="2026-02-20", last="2026-02-20")
    envelope = signed(beta, CLOCK, later, recipient_of(beta, "Alpha"), about=[subject(form(beta))])
    assert take_statements(alpha, CLOCK, envelope, "said.json").refused == 0
    after = Grader(alpha, CLOCK).grade(find(alpha.store, ID))
    shown = " ".join(why_text(why(alpha, CLOCK, ID)).split())
    assert "said of the redacted form that went to Beta" in shown
    assert after.fresh != before.fresh, "another's sighting makes it fresh again"


def test_a_dispute_contests_the_object_and_an_outcome_counts_for_whoever_had_told_us(three: list[Node]):
    alpha, beta, _ = three
    dispute(beta, CLOCK, form(beta).stix_id, text="It is a scanner.", strongly=True)
    judge(beta, CLOCK, form(beta).stix_id, "refuted", reason="A scanner of a university.")
    carry(beta, alpha)
    assert {kind for _, kind, _ in said(alpha)} == {"opinion", "outcome"}
    graded = Grader(alpha, CLOCK).grade(find(alpha.store, ID))
    assert graded.grade.is_contested
    assert [one.outcome for one in graded.outcomes if one.said_by is not None] == ["refuted"]
    assert Judge(alpha, CLOCK).is_disputed_by_others(ID)


def test_receipts_name_our_object_in_the_item_in_what_was_sent_and_in_the_inbox(three: list[Node]):
    alpha, beta, _ = three
    as_id = form(beta).stix_id
    word = Word(state="declined", reason=decline_reason("not-understood", text="What is this?", node=beta))
    acknowledged(beta, CLOCK, as_id, word)
    carry(beta, alpha)
    [heard] = why(alpha, CLOCK, ID).heard
    assert (heard.party, heard.said.reason) == ("Beta", "not-understood")
    assert [(one.as_id, one.to) for one in heard.said.forms] == [(as_id, "Beta")]
    answers = list_sent(alpha, CLOCK, at_most=5).sent[0].answers
    assert [one.about for one in answers if one.reason] == [(ID,)]
    [task] = [one for one in inbox(alpha, CLOCK).tasks if one.kind == "help"]
    assert task.about == (ID,)


def test_a_question_about_a_form_is_a_question_about_our_object_and_its_answer_names_the_form(
    three: list[Node],
):
    alpha, beta, _ = three
    as_id = form(beta).stix_id
    ask(beta, CLOCK, "Alpha", Question(text="Since when?", about=(as_id,)))
    carry(beta, alpha)
    [asked] = list_requests(alpha, CLOCK).to_us
    assert asked.about == (ID,)
    assert [(one.id, one.as_id, one.to) for one in asked.forms] == [(ID, as_id, "Beta")]
    target, planned = reply_plan(alpha, CLOCK, asked.request, [ID])
    replied, made = reply_with(
        alpha, CLOCK, target, planned, Reply(text="Since May."), How(), approved=planned.sha256
    )
    assert replied.objects == (ID,)
    take(beta, made.path.read_bytes())
    [mine] = list_requests(beta, CLOCK).ours
    assert mine.answers[-1].objects == (as_id,)
    [shown] = list_requests(alpha, CLOCK).to_us
    assert shown.answers[-1].objects == (ID,), "here it is called as it is called here"
    for row in beta.store.requests.replies(bytes.fromhex(asked.request.removeprefix("sha256:"))):
        assert ID.encode() not in row.envelope
        assert [one.id for one in objects_named(open_envelope(row.envelope).statement)] == [as_id]


def test_our_own_question_names_the_form_in_which_its_reader_may_have_the_object(three: list[Node]):
    alpha, beta, _ = three
    made = ask(alpha, CLOCK, "Beta", Question(text="Did you see it?", about=(ID,))).request
    assert made.about == (ID,)
    bundle = request_stix(alpha, CLOCK, made.request)
    assert ID not in str(bundle)
    assert "host 1 of the loader" not in str(bundle)
    assert form(beta).stix_id in str(bundle)
    carry(alpha, beta)
    [asked] = list_requests(beta, CLOCK).to_us
    assert asked.about == (form(beta).stix_id,)


def test_the_word_of_a_party_that_was_not_given_the_form_names_nothing_here(three: list[Node]):
    alpha, beta, gamma = three
    to = recipient_of(gamma, "Alpha")
    for view in (
        Opinion(opinion="strongly-disagree", text="No."),
        Sighting(count="1", first="2026-01-02", last="2026-01-02"),
        Outcome(outcome="refuted", basis="own-log", when="2026-01-02"),
    ):
        envelope = signed(gamma, CLOCK, view, to, about=[subject(form(beta))])
        found = take_statements(alpha, CLOCK, envelope, "said.json")
        assert [one.code for one in found.notes] == ["unknown-object"], view
    guessed = subject(form(beta))
    to = recipient_of(beta, "Alpha")
    wrong = ObjectSubject(id=guessed.id, jcs=digest_text(b"\0" * 32), modified=guessed.modified)
    envelope = signed(beta, CLOCK, Opinion(opinion="agree"), to, about=[wrong])
    assert [one.code for one in take_statements(alpha, CLOCK, envelope, "x").notes] == ["unknown-object"]
    assert said(alpha) == []


def test_what_a_reader_passes_on_of_a_third_party_counts_as_said_of_the_form(three: list[Node]):
    alpha, beta, gamma = three
    kept = form(beta)
    envelope = signed(
        gamma, CLOCK, Opinion(opinion="disagree"), recipient_of(gamma, "Alpha"), about=[subject(kept)]
    )
    with beta.store.transaction():
        from backchannel.desk.provenance import keep_statement  # noqa: PLC0415

        row = keep_statement(beta.store, CLOCK, envelope, batch_id=None)
        beta.store.statements.wait(row, party_row=beta.store.parties.by_name("Alpha").party_row)  # type: ignore[union-attr]
    carry(beta, alpha)
    assert said(alpha) == [("Gamma", "opinion", ((ID, kept.stix_id, "Beta"),))]


def test_answers_come_over_taxii_and_after_a_change_of_keys_too(three: list[Node]):
    alpha, beta, _ = three
    as_id = form(beta).stix_id
    rotate(beta, CLOCK)
    rotate(alpha, CLOCK)
    dispute(beta, CLOCK, as_id, text="It is a scanner.")
    found = read(beta, caller(beta, alpha))
    assert any(as_id in note.get("object_refs", ()) for note in notes(found))
    assert put(alpha, caller(alpha, beta), *found).failure_count == 0
    assert said(alpha) == [("Beta", "opinion", ((ID, as_id, "Beta"),))]


def sighting(target: str, number: int) -> dict[str, object]:
    return {
        "type": "sighting",
        "spec_version": "2.1",
        "id": f"sighting--8e2e2d2b-17d4-4cbf-938f-{number:012x}",
        "created": "2026-01-02T03:04:05.000Z",
        "modified": "2026-01-02T03:04:05.000Z",
        "sighting_of_ref": target,
        "count": 3,
        "last_seen": "2026-01-02T03:04:05.000Z",
        "object_marking_refs": [GREEN],
    }


def opinion(target: str) -> dict[str, object]:
    shared = {
        key: held
        for key, held in sighting(target, 7).items()
        if key in {"spec_version", "created", "modified", "object_marking_refs"}
    }
    return {
        **shared,
        "type": "opinion",
        "id": "opinion--8e2e2d2b-17d4-4cbf-938f-000000000007",
        "opinion": "strongly-disagree",
        "object_refs": [target],
    }


def test_plain_stix_about_a_form_is_about_the_object_where_it_comes_of_whom_the_form_went_to(
    three: list[Node],
):
    alpha, beta, gamma = three
    as_id = form(beta).stix_id
    assert put(alpha, caller(alpha, gamma), sighting(as_id, 1)).failure_count == 0
    assert why(alpha, CLOCK, ID).said == ()
    assert show(alpha, CLOCK, ID).item.related == ()
    assert "not here" in show(alpha, CLOCK, str(sighting(as_id, 1)["id"])).item.says
    assert put(alpha, caller(alpha, beta), sighting(as_id, 2), opinion(as_id)).failure_count == 0
    found = why(alpha, CLOCK, ID).said
    assert {(one.type, one.source.party, one.forms[0].to) for one in found} == {
        ("sighting", "Beta", "Beta"),
        ("opinion", "Beta", "Beta"),
    }
    assert {one.relation for one in show(alpha, CLOCK, ID).item.related} == {"sighting_of_ref", "object_refs"}
    seen = show(alpha, CLOCK, str(sighting(as_id, 2)["id"])).item
    assert "host 1 of the loader" in seen.says
    assert [one.id for one in seen.related] == [ID]
    assert Judge(alpha, CLOCK).is_disputed_by_others(ID)
    assert Grader(alpha, CLOCK).grade(find(alpha.store, ID)).opposing.origins


def test_what_is_said_of_a_form_that_claims_something_else_is_shown_and_not_counted(tmp_path: Path):
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        write_policy(alpha, NETWORKS)
        whole = indicator(1, pattern="[ipv4-addr:value = '192.0.2.77']")
        take(beta, send(alpha, beta, keep(alpha, [whole])).path.read_bytes())
        assert b"192.0.2.0/24" in form(beta).body
        dispute(beta, CLOCK, form(beta).stix_id, text="Most of it is clean.", strongly=True)
        judge(beta, CLOCK, form(beta).stix_id, "refuted", reason="Most of it is clean.")
        carry(beta, alpha)
        assert {kind for _, kind, _ in said(alpha)} == {"opinion", "outcome"}
        graded = Grader(alpha, CLOCK).grade(find(alpha.store, ID))
        assert (graded.grade.is_contested, graded.outcomes, graded.opposing.origins) == (False, (), ())
        assert not Judge(alpha, CLOCK).is_disputed_by_others(ID)


def test_a_retraction_reaches_who_has_it_redacted_under_the_id_that_they_know(three: list[Node]):
    alpha, beta, gamma = three
    as_id = form(beta).stix_id
    take(gamma, send(beta, gamma, why(beta, CLOCK, as_id).arrivals[0].batch).path.read_bytes())
    found = retract(alpha, CLOCK, ID, "It was a scanner.")
    assert [(one.to, one.outcome) for one in found.told] == [("Beta", "given")]
    again = retract(alpha, CLOCK, ID, "It was a scanner.")
    assert [(one.to, one.outcome) for one in again.told] == [("Beta", "told before")]
    carry(alpha, beta)
    carry(beta, gamma)
    for node, by in ((beta, "Alpha"), (gamma, "Beta")):
        graded = Grader(node, CLOCK).grade(form(node))
        assert graded.retracted is not None, f"{by} took it back"
    rows = beta.store.statements.about(form(beta).digest, kinds=("retract",), at_most=9)
    assert ID.encode() not in b"".join(one.statement.envelope for one in rows)


def test_who_takes_back_what_we_passed_on_redacted_is_followed(tmp_path: Path):
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as (alpha, beta, gamma):
        take(beta, send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes())
        write_policy(beta, '[[rule]]\nid = "t"\nto = ["Gamma"]\ntransform = ["drop:/name"]\n')
        take(gamma, send(beta, gamma, why(beta, CLOCK, ID).arrivals[0].batch).path.read_bytes())
        retract(alpha, CLOCK, ID, "It was a scanner.")
        carry(alpha, beta)
        carry(beta, gamma)
        assert Grader(gamma, CLOCK).grade(form(gamma)).retracted is not None
        rows = gamma.store.statements.about(form(gamma).digest, kinds=("retract",), at_most=9)
        assert [ID.encode() in one.statement.envelope for one in rows] == [False]


def test_our_own_report_is_known_when_it_comes_back_in_the_form_in_which_it_went(three: list[Node]):
    alpha, beta, _ = three
    batch = why(beta, CLOCK, form(beta).stix_id).arrivals[0].batch
    later = FixedClock(CLOCK.now() + timedelta(days=3))
    take(alpha, send(beta, alpha, batch).path.read_bytes(), later)
    grader = Grader(alpha, later)
    graded = grader.grade(find(alpha.store, ID))
    [echo] = grader.origins(graded.gathered).echoes
    assert (echo.strength, echo.days) == ("hard", 3)
    # Without a signature it is known by what went.
    went = [(one.stix_id, one.digest) for one in graded.gathered.releases]
    assert (form(beta).stix_id, form(beta).digest) in went
    assert len(graded.origins.origins) == 1


def test_one_form_may_stand_for_several_objects_and_an_undone_answer_says_nothing(tmp_path: Path):
    rule = '[[rule]]\nid = "n"\nto = ["Beta"]\ntransform = ["generalise:/value:24"]\n'
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        write_policy(alpha, rule)
        ids = [
            "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd",
            "ipv4-addr--0d1c1a4f-7a1f-5ae1-9d0c-1f0a6f0b7c11",
        ]
        batch = keep(
            alpha,
            [
                {
                    "type": "ipv4-addr",
                    "spec_version": "2.1",
                    "id": one,
                    "value": f"192.0.2.{n}",
                    "object_marking_refs": [AMBER],
                }
                for n, one in enumerate(ids, 1)
            ],
        )
        planned = plan(alpha, CLOCK, recipient_of(alpha, "Beta"), Choice(batch=batch))  # type: ignore[arg-type]
        assert len({one.subject.id for one in planned.going}) == 1
        take(beta, send(alpha, beta, batch).path.read_bytes())
        as_id = planned.going[0].subject.id
        view = Opinion(opinion="disagree", text="Ours.")
        envelope = signed(beta, CLOCK, view, recipient_of(beta, "Alpha"), about=[planned.going[0].subject])
        assert take_statements(alpha, CLOCK, envelope, "x").refused == 0
        for one in (why(alpha, CLOCK, stix_id) for stix_id in ids):
            assert [[of.as_id for of in view.forms] for view in one.views] == [[as_id]]
