"""Receipts between two nodes, there and back: who is told what, what is believed, and who is silent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK
from tests.policy.made import ALLOW

from backchannel.clock import FixedClock
from backchannel.desk import membership, sent_drops
from backchannel.desk.came_drops import drop_named, drops_of, drops_that_came
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.policy_file import POLICY_FILE, BrokenPolicyError
from backchannel.desk.receipt_documents import SentStanding
from backchannel.desk.receipt_drops import holds_statements, receipts_drop, take_statements, write_statements
from backchannel.desk.receipting import Word, acknowledged, decline_reason, signing_key
from backchannel.desk.releasing import How
from backchannel.desk.sent_drops import list_sent, unanswered
from backchannel.doctor import examine
from backchannel.errors import InputError, NotFoundError, PolicyError, UsageError
from backchannel.parties.states import Event
from backchannel.provenance.hops import Fault
from backchannel.provenance.predicates import Receipt
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.receipts import TASKS
from backchannel.provenance.statement import ObjectSubject, digest_text, make

ID = str(indicator(1)["id"])


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        yield found


def sent(alpha: Node, beta: Node, ack: str = "received", *numbers: int) -> bytes:
    """Send indicators, the first by default."""
    batch = keep(alpha, [indicator(number) for number in numbers or (1,)])
    return send(alpha, beta, batch, How(ack=ack)).path.read_bytes()  # type: ignore[arg-type]


def back(node: Node, to: Node) -> int:
    """Let what waits go in a drop; returns how many receipts the other side took from it."""
    made = receipts_drop(node, CLOCK, to.party.name)
    assert made is not None
    return take(to, made.path.read_bytes()).receipts


def standing(node: Node, clock: FixedClock = CLOCK) -> SentStanding:
    return list_sent(node, clock, at_most=10).sent[0]


def waiting(node: Node) -> dict[str, int]:
    return dict(node.store.statements.waiting_parties())


def test_a_drop_that_asks_is_answered_and_the_sender_sees_it(three: list[Node]):
    alpha, beta, _ = three
    found = take(beta, sent(alpha, beta))
    assert (found.asks, found.told, waiting(beta)) == ("received", True, {"Alpha": 1})
    assert (standing(alpha).state, standing(alpha).silent_days) == ("sent", 0)
    assert back(beta, alpha) == 1
    heard = standing(alpha)
    assert (heard.state, heard.verdict, heard.silent_days) == ("received", "accepted", None)
    assert heard.says == "received it"
    assert waiting(beta) == {}
    assert receipts_drop(beta, CLOCK, "Alpha") is None


def test_a_drop_that_asks_nothing_and_one_of_receipts_alone_are_not_answered(three: list[Node]):
    alpha, beta, _ = three
    assert not take(beta, sent(alpha, beta, "none")).told
    assert waiting(beta) == {}
    take(beta, sent(alpha, beta, "received", 2))
    back(beta, alpha)
    assert waiting(alpha) == {}


def test_receipts_go_along_with_the_next_drop(three: list[Node]):
    alpha, beta, _ = three
    take(beta, sent(alpha, beta))
    made = send(beta, alpha, keep(beta, [indicator(7)]))
    found = take(alpha, made.path.read_bytes())
    assert (found.objects, found.receipts, waiting(beta)) == (1, 1, {})


@pytest.mark.parametrize(
    "rule",
    [
        '[[rule]]\nid = "no"\nwhen = { purpose = "receipt" }\ndeny = "no word of it"',
        "[feedback]\nreceived = []",
    ],
)
def test_what_waits_is_held_back_by_a_rule_that_was_written_since(
    three: list[Node], tmp_path: Path, rule: str
):
    alpha, beta, _ = three
    take(beta, sent(alpha, beta))
    policy = beta.home / POLICY_FILE
    policy.write_text(f'version = 1\ndefault = "deny"\n{ALLOW}{rule}\n')
    assert receipts_drop(beta, CLOCK, "Alpha") is None
    assert write_statements(beta, CLOCK, "Alpha", tmp_path / "bare.json") is None
    batch = keep(beta, [indicator(7)])
    assert take(alpha, send(beta, alpha, batch).path.read_bytes()).receipts == 0
    assert waiting(beta) == {"Alpha": 1}
    policy.write_text("no policy")
    with pytest.raises(BrokenPolicyError):
        write_statements(beta, CLOCK, "Alpha", tmp_path / "bare.json")
    policy.unlink()
    assert back(beta, alpha) == 1


def test_a_drop_is_answered_once_however_often_it_comes(three: list[Node]):
    alpha, beta, _ = three
    data = sent(alpha, beta)
    take(beta, data)
    assert take(beta, data).state == "replay"
    assert waiting(beta) == {"Alpha": 1}


def test_a_part_that_is_not_used_is_told_with_its_reason(three: list[Node], monkeypatch: pytest.MonkeyPatch):
    alpha, beta, _ = three
    data = sent(alpha, beta, "received", 1, 2)
    monkeypatch.setattr(
        "backchannel.desk.drop_chains.DropChains._not_from_sender",
        lambda *_: (Fault(Reason.FORGED_HOP, 0, "made up"),),
    )
    found = take(beta, data)
    assert found.quarantined == 2
    back(beta, alpha)
    [answer] = standing(alpha).answers
    assert (answer.verdict, [one.code for one in answer.refused]) == ("refused", ["forged-hop"])
    assert answer.says == "refused it (forged-hop)"


def cut(data: bytes, beta: Node) -> Reason:
    """Let a copy come that was damaged behind its manifest."""
    damaged = bytearray(data)
    damaged[-100] ^= 1
    with pytest.raises(Rejected) as refused:
        take(beta, bytes(damaged))
    return refused.value.reason


def test_what_was_refused_before_its_manifest_was_read_is_answered_to_nobody(three: list[Node]):
    alpha, beta, _ = three
    assert cut(sent(alpha, beta), beta) is Reason.DAMAGED
    assert waiting(beta) == {}


def test_a_drop_that_is_refused_behind_its_manifest_is_told_so_and_once_whole_that_it_came(
    three: list[Node], monkeypatch: pytest.MonkeyPatch
):
    alpha, beta, _ = three
    data = sent(alpha, beta)
    with monkeypatch.context() as patched:

        def refuse(*_: object) -> None:
            raise Rejected(Reason.CHUNK_MISMATCH, "part 0")

        patched.setattr("backchannel.drop.opening.check_list", refuse)
        for _ in range(2):
            with pytest.raises(Rejected):
                take(beta, data)
    assert waiting(beta) == {"Alpha": 1}
    back(beta, alpha)
    assert standing(alpha).says == "refused it (chunk-mismatch)"
    take(beta, data)
    back(beta, alpha)
    assert standing(alpha).says == "received it"


def test_a_damaged_copy_of_what_was_taken_changes_nothing(three: list[Node], monkeypatch: pytest.MonkeyPatch):
    alpha, beta, _ = three
    data = sent(alpha, beta)
    take(beta, data)
    back(beta, alpha)

    def refuse(*_: object) -> None:
        raise Rejected(Reason.CHUNK_MISMATCH, "part 0")

    monkeypatch.setattr("backchannel.drop.opening.check_list", refuse)
    with pytest.raises(Rejected):
        take(beta, data)
    assert waiting(beta) == {}


def test_an_introduced_party_is_told_that_it_came_and_not_what_is_done_about_it(three: list[Node]):
    alpha, beta, _ = three
    take(beta, sent(alpha, beta, "acted"))
    assert waiting(beta) == {"Alpha": 1}
    membership.move(beta, CLOCK, "Alpha", Event.SUSPENDED, "a call")
    membership.move(beta, CLOCK, "Alpha", Event.RESUMED, "all is well")
    with pytest.raises(PolicyError, match="TLP:AMBER may not go to a party that is introduced"):
        acknowledged(beta, CLOCK, ID, Word(state="acted", acted="blocked"))
    acknowledged(beta, CLOCK, ID, Word(state="read"))
    assert waiting(beta) == {"Alpha": 2}


def test_a_suspended_party_is_told_nothing(three: list[Node]):
    alpha, beta, _ = three
    take(beta, sent(alpha, beta, "acted"))
    membership.move(beta, CLOCK, "Alpha", Event.SUSPENDED, "a call")
    with pytest.raises(PolicyError):
        acknowledged(beta, CLOCK, ID, Word(state="read"))
    with pytest.raises(PolicyError):
        receipts_drop(beta, CLOCK, "Alpha")
    with pytest.raises(PolicyError):
        write_statements(beta, CLOCK, "Alpha", beta.home / "receipts.json")


@pytest.mark.parametrize(
    ("asked", "said", "told"),
    [
        ("received", Word(state="acted", acted="blocked"), None),
        ("assessed", Word(state="acted", acted="blocked"), ("assessed", None)),
        ("acted", Word(state="acted", acted="hunted, nothing"), ("acted", "hunted, nothing")),
    ],
)
def test_no_more_is_told_than_was_asked(
    three: list[Node], asked: str, said: Word, told: tuple[str, str | None] | None
):
    alpha, beta, _ = three
    take(beta, sent(alpha, beta, asked))
    back(beta, alpha)
    [given] = acknowledged(beta, CLOCK, ID, said).receipts
    if told is None:
        assert (given.outcome, waiting(beta)) == ("told before", {})
        return
    assert given.outcome == "given"
    back(beta, alpha)
    found = standing(alpha)
    assert (found.state, found.answers[-1].acted) == told
    assert found.answers[-1].about == (ID,)
    assert acknowledged(beta, CLOCK, ID, said).receipts[0].outcome == "told before"


def test_a_decline_gives_its_sender_a_task_for_just_that_object(three: list[Node]):
    alpha, beta, _ = three
    take(beta, sent(alpha, beta, "received", 1, 2))
    reason = decline_reason("no-capability", text="We have no such product.", node=beta)
    acknowledged(beta, CLOCK, ID, Word(state="declined", reason=reason))
    back(beta, alpha)
    found = standing(alpha)
    assert [(one.about, one.state, one.task) for one in found.answers] == [
        ((), "received", None),
        ((ID,), "declined", TASKS["no-capability"]),
    ]
    assert found.answers[1].text == "We have no such product."


def test_each_sender_that_asked_is_told_and_none_of_another(three: list[Node]):
    alpha, beta, gamma = three
    take(gamma, sent(alpha, gamma, "acted"))
    take(beta, sent(alpha, beta, "none"))
    take(gamma, sent(beta, gamma, "assessed"))
    given = acknowledged(gamma, CLOCK, ID, Word(state="acted", acted="blocked"))
    assert {(one.to, one.state, one.outcome) for one in given.receipts} == {
        ("Alpha", "acted", "given"),
        ("Beta", "assessed", "given"),
    }
    assert waiting(gamma) == {"Alpha": 2, "Beta": 2}
    back(gamma, alpha)
    assert standing(alpha).to == "Beta"  # the newest: it asked for nothing, so nobody is silent
    assert [(one.to, one.state) for one in list_sent(alpha, CLOCK, at_most=10).sent] == [
        ("Beta", "sent"),
        ("Gamma", "acted"),
    ]


def test_what_came_by_no_drop_is_declined_to_nobody(three: list[Node]):
    _, beta, _ = three
    keep(beta, [indicator(1)], by="Some feed")
    reason = decline_reason("stale", node=beta)
    with pytest.raises(UsageError, match="nobody asked"):
        acknowledged(beta, CLOCK, ID, Word(state="declined", reason=reason))
    assert acknowledged(beta, CLOCK, ID, Word(state="read")).receipts == ()


def test_a_drop_is_named_by_the_first_digits_of_its_digest(three: list[Node]):
    alpha, beta, _ = three
    take(beta, sent(alpha, beta, "acted"))
    [came] = drops_that_came(beta, rows=10)
    assert drop_named(beta, came.name[:20]) == came
    assert drops_of(beta, find(beta.store, ID)) == [came]
    assert acknowledged(beta, CLOCK, came.name, Word(state="assessed")).about == came.name
    for wrong, error in (("sha256:ab", UsageError), ("sha256:" + "0" * 64, NotFoundError)):
        with pytest.raises(error):
            drop_named(beta, wrong)


def test_a_reason_names_another_object_where_it_is_about_two(three: list[Node]):
    _, beta, _ = three
    keep(beta, [indicator(3)])
    other = str(indicator(3)["id"])
    found = decline_reason("duplicate-of", other=other, node=beta)
    assert found.other == digest_text(find(beta.store, other).digest)
    for code, named in (("duplicate-of", ""), ("stale", other), ("conflicts-with", "sha256:12")):
        with pytest.raises(UsageError):
            decline_reason(code, other=named, node=beta)


def test_t30_a_missing_receipt_shows_as_silence_and_how_long(three: list[Node]):
    alpha, beta, _ = three
    sent(alpha, beta)
    sent(alpha, beta, "none", 2)
    later = FixedClock(CLOCK.now() + timedelta(days=9, hours=1))
    found = list_sent(alpha, later, at_most=10).sent
    assert [(one.ack, one.silent_days) for one in found] == [("none", None), ("received", 9)]
    assert found[1].says == "silent for 9 days"
    silent = unanswered(alpha, later)
    assert (silent.drops, silent.parties, silent.longest_days) == (1, 1, 9)


def test_t30_however_many_drops_went_the_oldest_silence_is_known(
    three: list[Node], monkeypatch: pytest.MonkeyPatch
):
    alpha, beta, gamma = three
    sent(alpha, gamma)
    for number in range(3):
        sent(alpha, beta, "received", number)
    monkeypatch.setattr(sent_drops, "MAX_ASKING", 1)
    later = FixedClock(CLOCK.now() + timedelta(days=9))
    silent = unanswered(alpha, later)
    assert (silent.drops, silent.parties, silent.longest_days) == (4, 2, 9)


def test_doctor_says_beside_what_was_refused_who_is_silent(three: list[Node]):
    alpha, beta, _ = three
    sent(alpha, beta)
    with pytest.raises(Rejected):
        take(alpha, b"no drop")
    later = FixedClock(CLOCK.now() + timedelta(days=40))
    found = {check.name: check for check in examine(alpha.home, later).checks}
    assert (found["drops"].state, "refused" in found["drops"].found) == ("look", True)
    assert (found["answers"].state, "for 40 days" in found["answers"].found) == ("look", True)
    soon = {check.name: check.state for check in examine(alpha.home, CLOCK).checks}
    assert (soon["drops"], soon["answers"]) == ("look", "fine")


def receipt_for(manifest: str, seq: int = 0) -> Receipt:
    return Receipt(manifest=manifest, seq=seq, verdict="accepted", state="received", when="2026-01-02")


def forged(node: Node, by: Node, receipt: Receipt, *subject: ObjectSubject) -> str:
    """Let a receipt come that `by` signed; returns why it is refused, or nothing."""
    to = own_keys(node, CLOCK).keyring.present("sign").kid
    key = signing_key(own_keys(by, CLOCK))
    envelope = make(receipt, subject=subject, aud=[to], key=key, iat=CLOCK.now())
    found = take_statements(node, CLOCK, envelope, "mail.json")
    return found.notes[0].code if found.notes else ""


def test_t30_a_receipt_forged_or_for_another_manifest_is_refused_and_kept(three: list[Node], tmp_path: Path):
    alpha, beta, gamma = three
    sent(alpha, beta)
    drop = standing(alpha).drop
    with nodes(tmp_path / "other", "Mallory") as (mallory,):
        assert forged(alpha, mallory, receipt_for(drop)) == Reason.UNKNOWN_KEY
    assert forged(alpha, gamma, receipt_for(drop)) == Reason.WRONG_RECEIPT  # it was not sent to Gamma
    assert forged(alpha, beta, receipt_for(digest_text(b"x" * 32))) == Reason.WRONG_RECEIPT
    assert forged(alpha, beta, receipt_for(drop, seq=4)) == Reason.WRONG_RECEIPT
    other = ObjectSubject(id=ID, jcs=digest_text(b"y" * 32))
    assert forged(alpha, beta, receipt_for(drop), other) == Reason.WRONG_RECEIPT
    assert standing(alpha).state == "sent"
    kept = alpha.store.statements.refused(before=None, rows=10, is_open=True)
    assert len(kept) == 5
    assert {one.what for one in kept} == {"statement"}
    assert forged(alpha, beta, receipt_for(drop)) == ""
    assert standing(alpha).state == "received"


def test_a_receipt_counts_no_more_when_its_signer_is_revoked(three: list[Node]):
    alpha, beta, _ = three
    take(beta, sent(alpha, beta))
    back(beta, alpha)
    membership.move(alpha, CLOCK, "Beta", Event.REVOKED, "gone")
    assert standing(alpha).state == "sent"


def test_bare_statements_travel_by_any_medium_and_are_taken_once(three: list[Node]):
    alpha, beta, _ = three
    take(beta, sent(alpha, beta))
    path = beta.home / "receipts.json"
    written = write_statements(beta, CLOCK, "Alpha", path)
    assert written is not None
    assert (written.statements, waiting(beta)) == (1, {})
    assert write_statements(beta, CLOCK, "Alpha", path) is None
    data = path.read_bytes()
    assert holds_statements(data)
    assert not holds_statements(json.dumps({"type": "bundle", "objects": []}).encode())
    found = take_statements(alpha, CLOCK, data, "receipts.json")
    assert (found.statements, found.receipts, found.known, found.refused) == (1, 1, 0, 0)
    assert take_statements(alpha, CLOCK, data, "receipts.json").known == 1
    assert standing(alpha).state == "received"


@pytest.mark.parametrize("data", [b"", b'{"schema":"x/1","to":"y","statements":[]}'])
def test_a_file_that_holds_no_statements_says_so(three: list[Node], data: bytes):
    with pytest.raises(InputError):
        take_statements(three[0], CLOCK, data, "x")


def test_what_is_no_statement_is_kept_in_quarantine_with_its_reason(three: list[Node]):
    found = take_statements(three[0], CLOCK, b'{"payloadType":"x"}\n{"payl', "mail.json")
    assert [one.code for one in found.notes] == ["bad-form", "not-json"]


def test_a_deniable_drop_gets_no_receipt_that_would_show_its_source(three: list[Node]):
    alpha, beta, _ = three
    made = send(alpha, beta, keep(alpha, [indicator(1)]), How(ack="acted"), is_deniable=True)
    assert made.document.ack == "none"
    assert not take(beta, made.path.read_bytes()).told
    assert waiting(beta) == {}
    assert standing(alpha).silent_days is None
    assert [one.ack for one in drops_that_came(beta, rows=10)] == ["none"]
