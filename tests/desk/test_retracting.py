"""Taking back: a retraction reaches all that the object reached, over relays, and nobody takes back what others said."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel.desk import key_care, membership
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.pinned import own_kids, pinned_keys
from backchannel.desk.publishing import NewOffer, add_collection, add_root
from backchannel.desk.receipt_documents import HeardStatements
from backchannel.desk.receipt_drops import receipts_drop, take_statements
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How
from backchannel.desk.retracting import Retracted, retract
from backchannel.desk.tasks import tasks
from backchannel.desk.telling import signed, subject_of
from backchannel.errors import UsageError
from backchannel.parties.passphrase import seal_with, unseal_with
from backchannel.parties.states import Event
from backchannel.provenance.predicates import Retract
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Terms, verify

ID = str(indicator(1)["id"])
WHY = "The host was a scanner of a university."


@pytest.fixture
def four(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma", "Delta") as found:
        yield found


def hand(node: Node, to: Node, batch: int, **how: bool) -> int:
    """Send a batch on, and let it be taken; returns the batch there."""
    taken = take(to, send(node, to, batch, How(ack="none", **how)).path.read_bytes())  # type: ignore[arg-type]
    assert taken.batch is not None
    return taken.batch


def along(nodes_: list[Node], **how: bool) -> None:
    """Let the first one's indicator go from one to the next."""
    batch = keep(nodes_[0], [indicator(1)])
    for number, (one, other) in enumerate(pairwise(nodes_)):
        batch = hand(one, other, batch, **(how if number else {}))


def carry(node: Node, to: Node) -> bool:
    made = receipts_drop(node, CLOCK, to.party.name)
    if made is not None:
        take(to, made.path.read_bytes())
    return made is not None


def taken_back(node: Node) -> list[tuple[str, str]]:
    """Who takes the indicator back here, by signatures that hold, and why."""
    contents = node.store.objects.all_versions(ID, at_most=10)
    keys, found = pinned_keys(node), []
    terms = Terms(now=CLOCK.now(), me=None, seen=None)
    for kept in contents:
        for about in node.store.statements.about(kept.digest, kinds=("retract",), at_most=10):
            if not about.statement.is_own:
                verified = verify(about.statement.envelope, keys, terms)
                found.append((verified.signers[0].name, verified.predicate.reason))  # type: ignore[union-attr]
    return found


def outcomes(found: Retracted) -> dict[str, str]:
    return {one.to: one.outcome for one in found.told}


def test_t48_a_retraction_reaches_everybody_whom_the_object_reached_in_a_net_of_four(four: list[Node]):
    alpha, beta, gamma, delta = four
    along(four)
    found = retract(alpha, CLOCK, ID, WHY)
    assert outcomes(found) == {"Beta": "given"}
    assert carry(alpha, beta)
    assert carry(beta, gamma)
    assert carry(gamma, delta)
    assert taken_back(beta) == [("Alpha", WHY)]
    assert taken_back(gamma) == [("Beta", WHY)]
    assert taken_back(delta) == [("Gamma", WHY)]
    [task] = [one for one in tasks(gamma, CLOCK) if one.kind == "retracted"]
    assert (task.party, task.about, WHY in task.says, "passed on" in task.do) == ("Beta", (ID,), True, True)
    # It ends there: nothing goes on, and nothing comes back.
    assert [one.store.statements.waiting_parties() for one in four] == [[], [], [], []]


def test_t48_it_goes_on_where_the_source_is_hidden_and_does_not_name_it(four: list[Node]):
    alpha, beta, gamma, delta = four
    along(four, hide_sources=True)
    retract(alpha, CLOCK, ID, WHY)
    assert carry(alpha, beta)
    assert carry(beta, gamma)
    assert carry(gamma, delta)
    assert taken_back(delta) == [("Gamma", WHY)]
    alpha_key = recipient_of(gamma, "Alpha").sign
    said = [
        row.envelope
        for row in delta.store.requests.of_issuers(
            [recipient_of(delta, "Gamma").sign], ["retract"], at_most=9
        )
    ]
    assert said
    assert all(alpha_key.encode() not in envelope for envelope in said)


def test_it_goes_to_each_party_once_also_around_a_circle(four: list[Node]):
    alpha, beta, gamma, _ = four
    batch = keep(alpha, [indicator(1)])
    at_beta, at_gamma = hand(alpha, beta, batch), hand(alpha, gamma, batch)
    hand(beta, gamma, at_beta)
    hand(gamma, beta, at_gamma)
    retract(alpha, CLOCK, ID, WHY)
    for _ in range(3):
        for one in (alpha, beta, gamma):
            for other in (alpha, beta, gamma):
                if one is not other:
                    carry(one, other)
    assert sorted(taken_back(beta)) == [("Alpha", WHY), ("Gamma", WHY)]
    assert sorted(taken_back(gamma)) == [("Alpha", WHY), ("Beta", WHY)]
    assert taken_back(alpha) == []
    assert outcomes(retract(alpha, CLOCK, ID, WHY)) == {"Beta": "told before", "Gamma": "told before"}


def test_what_is_ours_is_revoked_in_stix_in_every_collection_that_holds_it(four: list[Node]):
    alpha, beta, *_ = four
    add_root(alpha, CLOCK, "sharing", base_url="http://127.0.0.1:8017")
    offered = NewOffer(title="gathered", root_id="sharing", alias="gathered", gather=True)
    add_collection(alpha, CLOCK, offered, base_url="http://127.0.0.1:8017")
    hand(alpha, beta, keep(alpha, [indicator(1)]))
    found = retract(alpha, CLOCK, ID, WHY)
    assert found.collections == ("gathered",)
    now = find(alpha.store, ID)
    assert (now.revoked, now.version) == (True, found.revoked)
    again = retract(alpha, CLOCK, ID, WHY)
    assert (again.revoked, again.collections) == (None, ())


def test_who_passes_on_takes_back_its_own_word_alone(four: list[Node]):
    alpha, beta, gamma, _ = four
    along([alpha, beta, gamma])
    found = retract(beta, CLOCK, ID, "We do not stand behind it.")
    assert (outcomes(found), found.revoked) == ({"Gamma": "given"}, None)
    carry(beta, gamma)
    assert taken_back(gamma) == [("Beta", "We do not stand behind it.")]
    with pytest.raises(UsageError, match="nothing to take back"):
        retract(gamma, CLOCK, ID, WHY)
    with pytest.raises(UsageError, match="why is it taken back"):
        retract(beta, CLOCK, ID, " ")


def test_what_came_another_way_too_is_not_taken_back_with_the_first(four: list[Node]):
    alpha, beta, gamma, delta = four
    # Gamma has it from Beta, and passes on that way; that Delta takes back what it never gave changes nothing.
    along([alpha, beta, gamma])
    subject = subject_of(find(gamma.store, ID))
    envelope = signed(delta, CLOCK, Retract(reason="x"), recipient_of(delta, "Gamma"), about=[subject])
    assert codes(hear(gamma, envelope)) == ["not-theirs"]
    assert taken_back(gamma) == []
    hand(gamma, delta, 1)
    retract(alpha, CLOCK, ID, WHY)
    carry(alpha, beta)
    carry(beta, gamma)
    assert carry(gamma, delta)


def hear(node: Node, *envelopes: bytes) -> HeardStatements:
    return take_statements(node, CLOCK, b"\n".join(envelopes), "said.json")


def codes(found: HeardStatements) -> list[str]:
    return [one.code for one in found.notes]


def test_a_party_that_is_suspended_is_not_told_and_one_that_forges_is_refused(four: list[Node]):
    alpha, beta, gamma, _ = four
    hand(alpha, beta, keep(alpha, [indicator(1)]))
    subject = subject_of(find(beta.store, ID))
    forged = signed(gamma, CLOCK, Retract(reason="x"), recipient_of(gamma, "Beta"), about=[subject])
    broken = forged.replace(b'"sig":"', b'"sig":"A')
    assert codes(hear(beta, forged)) == ["not-theirs"]
    assert codes(hear(beta, broken)) in (["bad-form"], ["bad-signature"])
    membership.move(alpha, CLOCK, "Beta", Event.SUSPENDED, "a test")
    found = retract(alpha, CLOCK, ID, WHY)
    assert outcomes(found) == {"Beta": "denied"}
    assert alpha.store.statements.waiting_parties() == []


def test_keys_under_a_passphrase_make_it_a_task_to_take_back_what_was_passed_on(four: list[Node]):
    alpha, beta, gamma, _ = four
    along([alpha, beta, gamma])
    retract(alpha, CLOCK, ID, WHY)
    made = receipts_drop(alpha, CLOCK, "Beta")
    assert made is not None
    waiting = beta.store.statements.waiting_parties
    key_care.protect(beta, CLOCK, seal=seal_with("a long passphrase of many words", work_factor=8))
    said = b"".join(
        row.envelope for row in alpha.store.requests.of_issuers(own_kids(alpha), ["retract"], at_most=1)
    )
    assert hear(beta, said).refused == 0
    assert waiting() == []
    [task] = tasks(beta, CLOCK)
    assert task.do == f"Take back what was passed on: backchannel retract {ID}"
    unseal = unseal_with("a long passphrase of many words")
    assert outcomes(retract(beta, CLOCK, ID, WHY, unseal=unseal)) == {"Gamma": "given"}
    assert [one.do for one in tasks(beta, CLOCK)] == ["See what was made, exported or passed on of it."]


def test_a_retraction_names_what_it_follows(four: list[Node]):
    alpha, beta, gamma, _ = four
    along([alpha, beta, gamma])
    retract(alpha, CLOCK, ID, WHY)
    carry(alpha, beta)
    [first] = beta.store.requests.of_issuers([recipient_of(beta, "Alpha").sign], ["retract"], at_most=9)
    carry(beta, gamma)
    [second] = gamma.store.requests.of_issuers([recipient_of(gamma, "Beta").sign], ["retract"], at_most=9)
    keys = pinned_keys(gamma)
    said = verify(second.envelope, keys, Terms(now=CLOCK.now(), me=None, seen=None)).predicate
    assert isinstance(said, Retract)
    assert said.because == digest_text(first.digest)
