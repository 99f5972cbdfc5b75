"""What we make of an object is told to whoever gave it to us, signed; what others tell us counts as far as it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.cli.running import dns, jsonl
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel import codec
from backchannel.desk import membership
from backchannel.desk.acting import advice_for
from backchannel.desk.admitting import MAX_SPOKEN_OF
from backchannel.desk.answering import dispute, sight
from backchannel.desk.following import MAX_CONTENTS
from backchannel.desk.grading import Grader
from backchannel.desk.hunting import hunt
from backchannel.desk.items import find
from backchannel.desk.judgements import judge
from backchannel.desk.node import Node
from backchannel.desk.receipt_documents import HeardStatements
from backchannel.desk.receipt_drops import receipts_drop, take_statements
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How
from backchannel.desk.telling import signed, subject_of
from backchannel.desk.unseen import answer_unseen
from backchannel.desk.why import why
from backchannel.ids import sha256
from backchannel.parties.states import Event
from backchannel.provenance.predicates import Opinion, Outcome, Predicate, Retract
from backchannel.provenance.statement import ObjectSubject, digest_text

ID = str(indicator(1)["id"])


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        alpha, beta, _ = found
        batch = keep(alpha, [indicator(1)])
        take(beta, send(alpha, beta, batch, How(ack="none")).path.read_bytes())
        yield found


def test_one_statement_tells_of_a_whole_batch_what_was_not_seen(tmp_path: Path):
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        batch = keep(alpha, [indicator(n) for n in range(1, 8)])
        take(beta, send(alpha, beta, batch, How(ack="none")).path.read_bytes())
        list(hunt(beta, CLOCK, [jsonl(tmp_path / "dns.log", dns(0, "quiet.example"))]))
        came = beta.store.batches.newest(before=None, rows=1)[0].batch_id
        said = answer_unseen(beta, CLOCK, came)
        assert [(one.to, one.outcome) for one in said.told] == [(alpha.party.name, "given")]
        carry(beta, alpha)
        heard = {n: why(alpha, CLOCK, str(indicator(n)["id"])).views for n in range(1, 8)}
        assert {(view.party, view.kind) for views in heard.values() for view in views} == {
            (beta.party.name, "sighting")
        }
        assert [len(views) for views in heard.values()] == [1] * 7
        statements = beta.store.database.execute(
            "SELECT count(*) FROM statement WHERE kind = 'sighting'"
        ).fetchone()[0]
        assert statements == 1
        (again,) = answer_unseen(beta, CLOCK, came).told
        assert again.outcome == "told before"


def carry(node: Node, to: Node) -> None:
    made = receipts_drop(node, CLOCK, to.party.name)
    assert made is not None
    take(to, made.path.read_bytes())


def hear(node: Node, by: Node, said: Predicate) -> HeardStatements:
    """Let a party say something of the indicator."""
    subject = subject_of(find(node.store, ID))
    envelope = signed(by, CLOCK, said, recipient_of(by, node.party.name), about=[subject])
    return take_statements(node, CLOCK, envelope, "said.json")


def views(node: Node) -> list[tuple[str, str, str]]:
    return [(one.party, one.kind, one.says) for one in why(node, CLOCK, ID).views]


def test_a_sighting_tells_the_source_how_often_in_steps_and_on_which_days(three: list[Node], tmp_path: Path):
    alpha, beta, _ = three
    log = jsonl(tmp_path / "dns.log", *(dns(number, "h1.example.net") for number in range(3)))
    list(hunt(beta, CLOCK, [log]))
    said = sight(beta, CLOCK, ID, text="On a guest network.")
    assert [(one.to, one.outcome) for one in said.told] == [("Alpha", "given")]
    again = sight(beta, CLOCK, ID, text="On a guest network.")
    assert [one.outcome for one in again.told] == ["told before"]
    carry(beta, alpha)
    words = "Beta saw it 2-9 times, 2026-01-01 to 2026-01-01. On a guest network."
    assert views(alpha) == [("Beta", "sighting", words)]
    assert "10.0.0.5" not in words


def test_a_dispute_reaches_the_source_and_contests_the_object_there(three: list[Node]):
    alpha, beta, _ = three
    before = advice_for(alpha, CLOCK, ID)
    said = dispute(beta, CLOCK, ID, text="It is a scanner.", strongly=True)
    assert [one.outcome for one in said.told] == ["given"]
    carry(beta, alpha)
    assert views(alpha) == [("Beta", "opinion", "Beta says: strongly-disagree. It is a scanner.")]
    after = advice_for(alpha, CLOCK, ID)
    assert before is not None
    assert after is not None
    assert "contested" in after.why or after != before


def test_an_outcome_is_told_without_the_reason_that_was_kept(three: list[Node]):
    alpha, beta, _ = three
    said = judge(beta, CLOCK, ID, "harmful", "Blocking it cut off the bank of host 10.1.2.3.")
    assert [(one.to, one.outcome) for one in said.told] == [("Alpha", "given")]
    carry(beta, alpha)
    assert views(alpha) == [("Beta", "outcome", "At Beta it turned out harmful (analyst).")]
    waiting = [row.envelope for row in alpha.store.requests.about_id(ID, ("outcome",), at_most=9)]
    assert all(b"10.1.2.3" not in envelope for envelope in waiting)


def test_who_may_not_be_told_or_has_no_keys_is_named(three: list[Node]):
    _, beta, _ = three
    keep(beta, [indicator(2)], by="Somebody")
    said = dispute(beta, CLOCK, str(indicator(2)["id"]), text="No.")
    assert [(one.to, one.outcome) for one in said.told] == [("Somebody", "no keys")]
    membership.move(beta, CLOCK, "Alpha", Event.SUSPENDED, "a test")
    said = dispute(beta, CLOCK, ID, text="No.")
    assert [(one.to, one.outcome) for one in said.told] == [("Alpha", "denied")]
    assert beta.store.statements.waiting_parties() == []


def test_what_is_said_of_an_object_that_is_not_here_is_refused(three: list[Node]):
    _, beta, gamma = three
    keep(beta, [indicator(9)])
    subject = subject_of(find(beta.store, str(indicator(9)["id"])))
    envelope = signed(beta, CLOCK, Opinion(opinion="agree"), recipient_of(beta, "Gamma"), about=[subject])
    found = take_statements(gamma, CLOCK, envelope, "said.json")
    assert [one.code for one in found.notes] == ["unknown-object"]


def test_a_view_of_too_many_objects_at_once_is_refused(three: list[Node]):
    alpha, beta, _ = three
    subject = subject_of(find(alpha.store, ID))
    to = recipient_of(beta, "Alpha")
    envelope = signed(beta, CLOCK, Opinion(opinion="agree"), to, about=[subject] * (MAX_SPOKEN_OF + 1))
    assert [one.code for one in take_statements(alpha, CLOCK, envelope, "x").notes] == ["too-many"]
    assert views(alpha) == []


def test_forged_views_are_refused_and_the_last_opinion_of_a_party_counts(three: list[Node]):
    alpha, beta, gamma = three
    subject = subject_of(find(alpha.store, ID))
    good = signed(gamma, CLOCK, Opinion(opinion="disagree"), recipient_of(gamma, "Alpha"), about=[subject])
    at = good.index(b'"sig":"') + 7
    broken = good[:at] + (b"B" if good[at : at + 1] == b"A" else b"A") + good[at + 1 :]
    assert [one.code for one in take_statements(alpha, CLOCK, broken, "x").notes] == ["bad-signature"]
    assert views(alpha) == []
    hear(alpha, beta, Opinion(opinion="disagree", text="a"))
    contested = advice_for(alpha, CLOCK, ID)
    hear(alpha, beta, Opinion(opinion="agree", text="We were wrong."))
    calm = advice_for(alpha, CLOCK, ID)
    assert contested is not None
    assert calm is not None
    assert contested.why != calm.why


def test_an_outcome_of_another_party_counts_for_whoever_had_told_us(three: list[Node]):
    _, beta, gamma = three
    found = hear(beta, gamma, Outcome(outcome="refuted", basis="own-log", when="2026-03-01"))
    assert found.refused == 0
    assert [(party, kind) for party, kind, _ in views(beta)] == [("Gamma", "outcome")]
    graded = Grader(beta, CLOCK).grade(find(beta.store, ID))
    key = graded.gathered.claim.key
    [kept] = beta.store.beliefs.outcomes([key])[key]
    assert (kept.outcome, kept.said_by) == ("refuted", membership.named(beta, "Gamma").party_id)


def test_a_retraction_of_too_many_objects_at_once_is_refused_and_ours_are_cut_to_what_is_taken(
    three: list[Node],
):
    alpha, beta, _ = three
    subject = subject_of(find(alpha.store, ID))
    to = recipient_of(beta, "Alpha")
    envelope = signed(beta, CLOCK, Retract(reason="No."), to, about=[subject] * (MAX_SPOKEN_OF + 1))
    assert [one.code for one in take_statements(alpha, CLOCK, envelope, "x").notes] == ["too-many"]
    assert MAX_CONTENTS <= MAX_SPOKEN_OF


def test_the_content_that_is_spoken_of_is_found_beneath_any_number_of_others(three: list[Node]):
    _, beta, gamma = three
    versions = [
        indicator(1, modified=f"2026-01-03T03:04:{n // 60:02}.{n % 60:03}Z", name=f"v{n}") for n in range(130)
    ]
    keep(beta, versions)
    first = ObjectSubject(id=ID, jcs=digest_text(sha256(codec.canonical(indicator(1)))))
    for subject, code in (
        (first, []),
        (msgspec.structs.replace(first, jcs=digest_text(bytes(32))), ["unknown-object"]),
    ):
        envelope = signed(
            gamma, CLOCK, Opinion(opinion="agree"), recipient_of(gamma, "Beta"), about=[subject]
        )
        assert [one.code for one in take_statements(beta, CLOCK, envelope, "x").notes] == code
