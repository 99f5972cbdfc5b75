"""What waits for a party reaches it over TAXII: read from our collection by it alone, or posted to a collection of theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, send, take
from tests.desk.made import CLOCK
from tests.desk.offers import caller, notes, offering, put, read

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.codec import JsonObject
from backchannel.desk import membership
from backchannel.desk.access import Caller, caller_by_secret
from backchannel.desk.batches import list_batches, undo_batch
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.following import retractions
from backchannel.desk.help_wanted import help_given, help_wanted
from backchannel.desk.inbox import inbox, show, why
from backchannel.desk.key_care import rotate
from backchannel.desk.node import Node
from backchannel.desk.publishing import put_batch, put_objects
from backchannel.desk.receipt_documents import SentStanding
from backchannel.desk.receipting import Word, acknowledged, decline_reason
from backchannel.desk.receive import receive
from backchannel.desk.refusals import list_refused
from backchannel.desk.releasing import How
from backchannel.desk.replying import Reply, reply
from backchannel.desk.retracting import retract
from backchannel.desk.sent_drops import list_sent, unanswered
from backchannel.desk.taxii import StatusResource
from backchannel.errors import UsageError
from backchannel.feedback.carried import EXTENSION
from backchannel.ids import BatchId
from backchannel.parties.states import Event
from backchannel.provenance.receipts import TASKS
from backchannel.provenance.statement import open_envelope

ID = str(indicator(1)["id"])


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with offering(tmp_path) as found:
        yield found


def told(alpha: Node, beta: Node, ack: str = "received") -> None:
    """Let Beta take a drop of Alpha's, so that a receipt waits for Alpha."""
    made = send(alpha, beta, keep(alpha, [indicator(1)]), How(ack=ack))  # type: ignore[arg-type]
    take(beta, made.path.read_bytes())


def standing(node: Node) -> SentStanding:
    return list_sent(node, CLOCK, at_most=10).sent[0]


def waiting(node: Node) -> dict[str, int]:
    return dict(node.store.statements.waiting_parties())


def carried(alpha: Node, beta: Node) -> list[JsonObject]:
    """What Beta offers Alpha."""
    return read(beta, caller(beta, alpha))


def forged(note: JsonObject) -> JsonObject:
    envelope = json.loads(note["extensions"][EXTENSION]["envelope"])
    sig = envelope["signatures"][0]["sig"]
    envelope["signatures"][0]["sig"] = ("B" if sig[0] == "A" else "A") + sig[1:]
    extension = {"extension_type": "property-extension", "envelope": json.dumps(envelope)}
    return note | {"extensions": {EXTENSION: extension}}


def test_what_waits_lies_in_the_collection_once_its_reader_reads_it_and_nobody_else_sees_it(
    three: list[Node],
):
    alpha, beta, gamma = three
    told(alpha, beta)
    assert waiting(beta) == {"Alpha": 1}
    others = caller(beta, gamma)
    assert notes(read(beta, others)) == []
    assert waiting(beta) == {"Alpha": 1}
    reader = caller(beta, alpha)
    [note] = notes(read(beta, reader))
    assert (note["abstract"], note["content"]) == ("Received", "Beta received this.")
    assert waiting(beta) == {}
    assert notes(read(beta, others)) == []
    assert notes(read(beta, others, "gather")) == []
    assert len(notes(read(beta, reader))) == 1, "it was told twice"
    assert {one["type"] for one in read(beta, reader)} == {"note", "identity", "extension-definition"}


def test_it_is_not_put_where_its_reader_looks_if_a_channel_with_them_says_so(three: list[Node]):
    alpha, beta, _ = three
    told(alpha, beta)
    terms = Terms(url="https://alpha.example/taxii2/", receipts=False)
    add_channel(beta, CLOCK, "taxii", terms, name="alpha", party="Alpha")
    assert notes(carried(alpha, beta)) == []
    assert waiting(beta) == {"Alpha": 1}


def test_news_of_our_keys_goes_so_too_to_each_party_that_reads(three: list[Node]):
    alpha, beta, gamma = three
    rotate(beta, CLOCK)
    assert waiting(beta) == {"Alpha": 1, "Gamma": 1}
    membership.move(beta, CLOCK, "Gamma", Event.SUSPENDED, "a call")
    membership.move(beta, CLOCK, "Gamma", Event.RESUMED, "all is well")  # introduced from now on
    for reader in (alpha, gamma):
        found = read(beta, caller(beta, reader))
        [note] = notes(found)
        assert (note["abstract"], note["content"]) == ("Keys", "Beta says which keys are theirs.")
        before = len(reader.store.membership.key_sets(party_row(reader, "Beta")))
        assert put(reader, caller(reader, beta), *found).failure_count == 0
        assert len(reader.store.membership.key_sets(party_row(reader, "Beta"))) == before + 1
    assert waiting(beta) == {}


def party_row(node: Node, name: str) -> int:
    party = node.store.parties.by_name(name)
    assert party is not None
    return party.party_row


def test_who_reads_it_hears_it(three: list[Node], tmp_path: Path):
    alpha, beta, _ = three
    told(alpha, beta)
    found = carried(alpha, beta)
    path = tmp_path / "polled.json"
    path.write_bytes(
        codec.encode(
            {"type": "bundle", "id": f"bundle--{'0' * 8}-0000-4000-8000-{'0' * 12}", "objects": found}
        )
    )
    batch = receive(alpha, CLOCK, [path], party="Beta").batch
    assert (standing(alpha).state, standing(alpha).says) == ("received", "received it")
    shown = [item.type for item in inbox(alpha, CLOCK).items]
    assert "note" not in shown
    assert show(alpha, CLOCK, notes(found)[0]["id"]).item.type == "note"
    receive(alpha, CLOCK, [path], party="Beta")
    assert len(standing(alpha).answers) == 1
    undo_batch(alpha, CLOCK, BatchId(batch))
    assert standing(alpha).state == "received", "another batch brought it too"


def test_undoing_the_batch_takes_back_what_was_heard(three: list[Node]):
    alpha, beta, _ = three
    told(alpha, beta)
    found = carried(alpha, beta)
    put(alpha, caller(alpha, beta), *found)
    assert standing(alpha).state == "received"
    [batch] = [one.batch for one in list_batches(alpha).batches if one.channel == "taxii"]
    undo_batch(alpha, CLOCK, BatchId(batch))
    assert standing(alpha).state == "sent"
    put(alpha, caller(alpha, beta), *found)
    assert standing(alpha).state == "received"


def test_what_is_posted_is_heard_and_nobody_else_reads_it_in_the_collection(three: list[Node]):
    alpha, beta, gamma = three
    told(alpha, beta)
    found = carried(alpha, beta)
    poster, other = caller(alpha, beta), caller(alpha, gamma)
    answer = put(alpha, poster, *found)
    assert (answer.success_count, answer.failure_count) == (len(found), 0)
    assert standing(alpha).state == "received"
    assert len(notes(read(alpha, poster))) == 1, "who posted it finds it"
    for collection in ("shared", "gather"):
        assert notes(read(alpha, other, collection)) == []
    again = put(alpha, poster, *found)
    assert (again.success_count, len(standing(alpha).answers)) == (len(found), 1)


def test_a_note_goes_on_to_nobody_with_the_batch_that_brought_it(three: list[Node]):
    alpha, beta, gamma = three
    told(alpha, beta)
    put(alpha, caller(alpha, beta), *carried(alpha, beta), indicator(5))
    [batch] = [one.batch for one in list_batches(alpha).batches if one.channel == "taxii"]
    made = send(alpha, gamma, batch)
    take(gamma, made.path.read_bytes())
    held = {row[0] for row in gamma.store.database.execute("SELECT type FROM visible_object")}
    assert "indicator" in held
    assert "note" not in held


def test_t30_a_forged_one_is_quarantined_with_its_code_and_counts_for_nothing(three: list[Node]):
    alpha, beta, _ = three
    told(alpha, beta)
    [note] = notes(carried(alpha, beta))
    answer = put(alpha, caller(alpha, beta), forged(note), indicator(5))
    [failed] = answer.failures
    assert failed.id == note["id"]
    assert "bad-signature" in failed.message
    assert answer.success_count == 1, "its neighbour is taken"
    assert standing(alpha).state == "sent"
    [refused] = list_refused(alpha, rows=9).refused
    assert (refused.refusal.code, refused.what) == ("bad-signature", "statement")
    assert show(alpha, CLOCK, note["id"]).item.quarantined
    assert notes(read(alpha, caller(alpha, beta))) == []


def test_one_from_a_stranger_is_quarantined_as_a_bare_one_is(three: list[Node]):
    alpha, beta, gamma = three
    told(alpha, beta)
    [note] = notes(carried(alpha, beta))
    membership.move(alpha, CLOCK, "Beta", Event.REVOKED, "gone")
    answer = put(alpha, caller(alpha, gamma), note)
    assert "unknown-key" in answer.failures[0].message


def test_one_for_somebody_else_is_left_alone_and_no_noise(three: list[Node]):
    alpha, beta, gamma = three
    told(alpha, beta)
    [note] = notes(carried(alpha, beta))
    answer = put(gamma, caller(gamma, beta), note)
    assert (answer.success_count, list_refused(gamma, rows=9).refused) == (1, ())
    assert [one.type for one in inbox(gamma, CLOCK).items] == []
    assert len(notes(read(gamma, caller(gamma, alpha)))) == 1, "whom it is for finds it there"


def test_another_note_around_a_real_statement_says_nothing_by_its_words(three: list[Node]):
    alpha, beta, gamma = three
    told(alpha, beta)
    [note] = notes(carried(alpha, beta))
    lie = note | {"id": f"note--{'0' * 8}-0000-4000-8000-{'0' * 12}", "content": "Beta blocked it."}
    put(alpha, caller(alpha, gamma), lie)
    assert standing(alpha).says == "received it", "the statement counts for what it says"
    assert [one.id for one in inbox(alpha, CLOCK).items if one.type == "note"] == [lie["id"]]


def test_what_may_not_be_told_is_not_told(three: list[Node]):
    alpha, beta, _ = three
    told(alpha, beta, "acted")
    acknowledged(beta, CLOCK, ID, Word(state="acted", acted="blocked"))
    assert waiting(beta) == {"Alpha": 2}
    membership.move(beta, CLOCK, "Alpha", Event.SUSPENDED, "a call")
    reader = caller(beta, alpha)
    assert notes(read(beta, reader)) == []
    membership.move(beta, CLOCK, "Alpha", Event.RESUMED, "all is well")
    [note] = notes(read(beta, reader))
    assert note["abstract"] == "Received", "an introduced party is not told what is done about it"
    assert waiting(beta) == {"Alpha": 1}


def test_what_is_said_of_an_object_names_it_and_is_marked(three: list[Node]):
    alpha, beta, _ = three
    told(alpha, beta, "acted")
    acknowledged(beta, CLOCK, ID, Word(state="acted", acted="blocked"))
    first, second = notes(carried(alpha, beta))
    assert first["object_refs"] == [alpha.party.party_id]
    assert second["object_refs"] == [ID]
    assert second["content"] == "Beta acted on this: blocked."
    assert first["object_marking_refs"] != second["object_marking_refs"]
    about = open_envelope(second["extensions"][EXTENSION]["envelope"].encode()).statement.subject
    assert [one.id for one in about] == [ID]  # type: ignore[union-attr]


def test_it_is_in_the_ledgers_of_both(three: list[Node]):
    alpha, beta, _ = three
    told(alpha, beta)
    [note] = notes(carried(alpha, beta))
    put(alpha, caller(alpha, beta), note)
    digest = open_envelope(note["extensions"][EXTENSION]["envelope"].encode()).digest
    for node, kind in ((beta, "sent"), (alpha, "recv")):
        rows = node.store.database.execute(
            "SELECT kind FROM ledger_leaf WHERE about = ?", (f"sha256:{digest.hex()}",)
        ).fetchall()
        assert (kind,) in rows


# --- What came without a drop ----------------------------------------------------------------------------


def share(alpha: Node, beta: Node) -> Caller:
    """Let Beta read an indicator of Alpha's over TAXII and keep it; returns who Beta is at Alpha."""
    batch = keep(alpha, [indicator(1)])
    put_batch(alpha, CLOCK, "shared", BatchId(batch))
    reader = caller(alpha, beta)
    brought = read(alpha, reader)
    assert [one["id"] for one in brought] == [ID]
    put(beta, caller(beta, alpha), *brought)
    return reader


def back(beta: Node, alpha: Node) -> StatusResource:
    """Let Beta's answers come to Alpha as it reads them."""
    return put(alpha, caller(alpha, beta), *notes(read(beta, caller(beta, alpha))))


def test_who_gave_an_object_over_taxii_is_told_of_it_by_its_digest(three: list[Node]):
    alpha, beta, _ = three
    share(alpha, beta)
    [given] = acknowledged(beta, CLOCK, ID, Word(state="acted", acted="blocked")).receipts
    assert (given.to, given.outcome, given.drop, given.asked) == ("Alpha", "given", None, "none")
    assert acknowledged(beta, CLOCK, ID, Word(state="read")).receipts[0].outcome == "told before"
    assert back(beta, alpha).failure_count == 0
    [row] = alpha.store.given.heard(rows=9)
    assert open_envelope(row.envelope).statement.predicate["acted"] == "blocked"
    assert waiting(beta) == {}


def test_it_is_declined_with_a_reason_too(three: list[Node]):
    alpha, beta, _ = three
    share(alpha, beta)
    word = Word(state="declined", reason=decline_reason("stale", node=beta))
    [given] = acknowledged(beta, CLOCK, ID, word).receipts
    assert (given.outcome, given.reason) == ("given", "stale")
    assert back(beta, alpha).failure_count == 0


def test_t30_a_receipt_for_an_object_that_its_sender_was_not_given_is_refused(three: list[Node]):
    alpha, beta, gamma = three
    keep(alpha, [indicator(1)])
    put(beta, caller(beta, alpha), indicator(1))  # it says so itself: nothing went to it
    acknowledged(beta, CLOCK, ID, Word(state="read"))
    answer = back(beta, alpha)
    assert "wrong-receipt" in answer.failures[0].message
    assert alpha.store.given.heard(rows=9) == []
    put_batch(alpha, CLOCK, "shared", BatchId(1))
    read(alpha, caller(alpha, gamma))  # another read it: still not Beta
    assert "wrong-receipt" in back(beta, alpha).failures[0].message


def test_a_page_that_it_did_not_reach_gave_it_nothing(three: list[Node]):
    alpha, beta, _ = three
    put_batch(alpha, CLOCK, "shared", BatchId(keep(alpha, [indicator(9)])))
    read(alpha, caller(alpha, beta))
    put_batch(alpha, CLOCK, "shared", BatchId(keep(alpha, [indicator(1)])))
    put(beta, caller(beta, alpha), indicator(1))
    acknowledged(beta, CLOCK, ID, Word(state="read"))
    assert "wrong-receipt" in back(beta, alpha).failures[0].message


def test_who_sent_it_by_a_drop_too_is_told_once(three: list[Node]):
    alpha, beta, _ = three
    share(alpha, beta)
    told(alpha, beta, "acted")
    given = acknowledged(beta, CLOCK, ID, Word(state="acted", acted="blocked")).receipts
    assert [(one.to, one.drop is not None, one.outcome) for one in given] == [("Alpha", True, "given")]


def test_who_is_known_by_name_only_is_told_nothing(three: list[Node]):
    _, beta, _ = three
    add_token(beta, CLOCK, NewCredential(party="Some feed", read=(), write=("shared",)))
    found = add_token(beta, CLOCK, NewCredential(party="Some feed", read=(), write=("shared",)))
    who = caller_by_secret(beta.store, found.token or "", now=CLOCK.now())
    assert who is not None
    put(beta, who, indicator(1))
    assert acknowledged(beta, CLOCK, ID, Word(state="read")).receipts == ()
    with pytest.raises(UsageError, match="nobody asked"):
        acknowledged(beta, CLOCK, ID, Word(state="declined", reason=decline_reason("stale", node=beta)))


def test_its_giver_sees_per_party_what_went_what_was_said_and_who_is_silent(three: list[Node]):
    alpha, beta, gamma = three
    share(alpha, beta)
    read(alpha, caller(alpha, gamma))
    later = FixedClock(CLOCK.now() + timedelta(days=3, hours=1))
    assert unanswered(alpha, later).drops == 0, "nobody was asked"
    before = {one.to: one for one in list_sent(alpha, later, at_most=5, over_taxii=True).over_taxii}
    assert {name: (one.silent_days, one.answers) for name, one in before.items()} == {
        "Beta": (3, ()),
        "Gamma": (3, ()),
    }
    assert [(way.way, way.is_pushed, way.objects) for way in before["Beta"].ways] == [("shared", False, 1)]
    word = Word(state="declined", reason=decline_reason("no-capability", text="No such product.", node=beta))
    acknowledged(beta, CLOCK, ID, word)
    back(beta, alpha)
    [only] = list_sent(alpha, later, to="Beta", at_most=5, over_taxii=True).over_taxii
    assert only.silent_days is None
    [answer] = only.answers
    assert (answer.about, answer.says, answer.task) == (
        (ID,),
        "declined it: no-capability",
        TASKS["no-capability"],
    )
    found = why(alpha, CLOCK, ID)
    assert [(one.party, one.said.text) for one in found.heard] == [("Beta", "No such product.")]
    assert found.givers == ()
    assert why(beta, CLOCK, ID).givers == ("Alpha",)


def test_who_read_nothing_but_our_answers_is_not_waited_for(three: list[Node]):
    alpha, beta, _ = three
    told(alpha, beta)
    assert len(carried(alpha, beta)) == 4
    assert list_sent(beta, CLOCK, at_most=5, over_taxii=True).over_taxii == ()


def test_who_cannot_use_what_it_got_over_taxii_is_a_task_until_help_is_given(three: list[Node]):
    alpha, beta, _ = three
    share(alpha, beta)
    word = Word(state="declined", reason=decline_reason("no-capability", text="No such product.", node=beta))
    acknowledged(beta, CLOCK, ID, word)
    back(beta, alpha)
    [wanted] = help_wanted(alpha, CLOCK)
    assert (wanted.party, wanted.seq, wanted.about, wanted.text) == ("Beta", None, (ID,), "No such product.")
    reply(alpha, CLOCK, wanted.receipt.removeprefix("sha256:")[:12], Reply(text="As a Suricata rule then."))
    assert help_wanted(alpha, CLOCK) == []
    put(beta, caller(beta, alpha), *notes(read(alpha, caller(alpha, beta))))
    [given] = help_given(beta, CLOCK)
    assert (given.party, given.text) == ("Alpha", "As a Suricata rule then.")


def test_what_is_said_of_an_object_in_a_drop_stands_at_the_object_too(three: list[Node]):
    alpha, beta, _ = three
    told(alpha, beta, "acted")
    acknowledged(beta, CLOCK, ID, Word(state="acted", acted="hunted, nothing"))
    put(alpha, caller(alpha, beta), *carried(alpha, beta))
    assert [(one.party, one.said.says) for one in why(alpha, CLOCK, ID).heard] == [
        ("Beta", "hunted, nothing")
    ]
    membership.move(alpha, CLOCK, "Beta", Event.REVOKED, "gone")
    assert why(alpha, CLOCK, ID).heard == (), "its keys count no more"


# --- Taking back -----------------------------------------------------------------------------------------


def test_it_is_said_who_read_it_over_taxii_and_cannot_be_told_for_want_of_keys(three: list[Node]):
    alpha, beta, _ = three
    share(alpha, beta)
    put_objects(beta, CLOCK, "shared", [ID])

    def seen(node: Node) -> list[object]:
        token = add_token(node, CLOCK, NewCredential(party="A reader", read=("shared",))).token
        reader = caller_by_secret(node.store, token or "", now=CLOCK.now())
        assert reader is not None
        return [one.get("revoked", False) for one in read(node, reader) if one["id"] == ID]

    assert (seen(alpha), seen(beta)) == ([False], [False])
    found = retract(beta, CLOCK, ID, "We doubt it.")
    assert [(one.to, one.outcome) for one in found.told] == [("A reader", "no keys")]
    assert found.revoked is None
    # What is ours such a reader hears of by the revoked version.
    ours = retract(alpha, CLOCK, ID, "A host of a test.")
    assert [one.to for one in ours.told] == ["Beta"]
    assert seen(alpha) == [True]


def test_what_is_taken_back_reaches_whom_it_reached_over_taxii_and_goes_on_from_there(three: list[Node]):
    alpha, beta, gamma = three
    share(alpha, beta)
    put_objects(beta, CLOCK, "shared", [ID])
    put(gamma, caller(gamma, beta), *read(beta, caller(beta, gamma)))
    assert retract(alpha, CLOCK, ID, "A host of a test.").told[0].to == "Beta"
    found = read(alpha, caller(alpha, beta))
    assert [one["abstract"] for one in notes(found)] == ["Taken back"]
    put(beta, caller(beta, alpha), *notes(found))
    [back] = retractions(beta, CLOCK, since=CLOCK.now())
    assert (back.party, back.about, back.reason, back.is_left) == ("Alpha", (ID,), "A host of a test.", False)
    [note] = notes(read(beta, caller(beta, gamma)))
    put(gamma, caller(gamma, beta), note)
    [further] = retractions(gamma, CLOCK, since=CLOCK.now())
    assert (further.party, further.about) == ("Beta", (ID,))
    assert notes(read(alpha, caller(alpha, gamma))) == [], "Gamma read nothing there: it is told nothing"
