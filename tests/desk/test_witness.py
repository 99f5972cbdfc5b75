"""Parties are witnesses of one another's ledgers: growth is cosigned, a rewritten ledger convicts its owner."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK, NOW

from backchannel.clock import FixedClock
from backchannel.desk import membership, own_checkpoint, releasing
from backchannel.desk.auditing import prove, show_ledger, verify_own, verify_proof
from backchannel.desk.entering import append_entered, enter
from backchannel.desk.known_ledgers import known_ledger
from backchannel.desk.node import Node, open_node
from backchannel.desk.own_checkpoint import newest_checkpoint
from backchannel.desk.own_ledger import ledger_folder, ledger_keys
from backchannel.desk.parties import show_party
from backchannel.desk.watched import export_evidence, ledger_health
from backchannel.parties.states import Event, Standing
from backchannel.provenance.ledger.checkpoints import open_checkpoint
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.ledger.notes import parse_note, parse_vkey
from backchannel.provenance.ledger.signatures import check_signed
from backchannel.provenance.predicates import Release
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import MAX_MANIFEST_BYTES, content_of, open_envelope
from backchannel.store.witness import SeenRow


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        yield found


def later(minutes: int) -> FixedClock:
    return FixedClock(NOW + timedelta(minutes=minutes))


def enters(node: Node, count: int, word: str) -> None:
    """Let a ledger grow."""
    for n in range(count):
        with node.store.transaction():
            enter(node.store, LeafKind.SENT, f"{word} {n}".encode(), about=f"{word} {n}", now=NOW)
    append_entered(node, CLOCK)


def exchange(sender: Node, to: Node, number: int, minute: int) -> list[str]:
    """Send one object and take it; returns the codes of what was noted."""
    made = send(sender, to, keep(sender, [indicator(number)]), clock=later(minute))
    append_entered(sender, later(minute))
    found = take(to, made.path.read_bytes(), later(minute))
    append_entered(to, later(minute))
    return [note.code for note in found.notes]


def standing(node: Node, name: str) -> str:
    party = node.store.parties.by_name(name)
    assert party is not None
    return node.store.membership.standing(party.party_row)


def row_of(node: Node, name: str) -> int:
    party = node.store.parties.by_name(name)
    assert party is not None
    return party.party_row


def newest(node: Node, of: Node, *, is_cosigned: bool) -> SeenRow | None:
    """The largest checkpoint of another node's ledger that a node knows."""
    return node.store.witness.newest(
        row_of(node, of.party.name), ledger_keys(of)[0].name, is_cosigned=is_cosigned
    )


def manifest_of(node: Node) -> Release:
    """The newest manifest that a node made."""
    [newest] = node.store.statements.sent(party_row=None, manifest=None, at_most=1)
    row = node.store.statements.get(newest.manifest)
    assert row is not None
    said = content_of(open_envelope(row.envelope, max_bytes=MAX_MANIFEST_BYTES).statement)
    assert isinstance(said, Release)
    return said


def test_a_ledger_that_only_grew_is_cosigned_and_the_cosignature_comes_back(three: list[Node]):
    alpha, beta, _ = three
    enters(alpha, 3, "first")
    assert exchange(alpha, beta, 1, 1) == []
    seen = newest(beta, alpha, is_cosigned=True)
    assert seen is not None
    assert exchange(beta, alpha, 2, 2) == []
    [cosigned] = alpha.store.witness.cosigned()
    assert (cosigned.party, cosigned.size) == ("Beta", seen.size)
    party = alpha.store.parties.by_name("Beta")
    assert party is not None
    known = known_ledger(alpha, party)
    note = alpha.store.witness.own(seen.size)
    assert known is not None
    assert note is not None
    assert len(check_signed(parse_note(note), known.witness)) == 1


def test_a_proof_shows_since_when_another_party_vouches_for_it(three: list[Node], tmp_path: Path):
    alpha, beta, _ = three
    enters(alpha, 3, "first")
    exchange(alpha, beta, 1, 1)
    exchange(beta, alpha, 2, 2)
    enters(alpha, 3, "second")
    path = tmp_path / "first.tlog-proof"
    found = prove(alpha, CLOCK, "first 1")
    path.write_text(found.proof)
    witness = show_ledger(beta).witness
    assert witness is not None
    verdict = verify_proof(path, (parse_vkey(found.vkey),), witnesses=[parse_vkey(witness)])
    assert [(one.party, one.stated_at) for one in verdict.cosigned] == [
        (own_origin(beta), "2026-03-01T12:01:00.000Z")
    ]
    assert [one.party for one in verify_own(alpha).cosigned] == ["Beta"]


def test_growth_is_proved_from_whatever_arrived(three: list[Node]):
    """Nobody answers, and drops get lost: each proves growth from those before it, whichever of them came."""
    alpha, beta, _ = three
    enters(alpha, 300, "first")
    made = []
    for number in range(4):
        made.append(send(alpha, beta, keep(alpha, [indicator(number)]), clock=later(number)))
        enters(alpha, 40, f"more {number}")
    sizes = []
    for number in (0, 2, 3):
        found = take(beta, made[number].path.read_bytes(), later(number))
        assert [note.code for note in found.notes if note.code != "gap"] == []
        seen = newest(beta, alpha, is_cosigned=True)
        assert seen is not None
        sizes.append(seen.size)
    assert sizes == sorted(set(sizes))
    late = take(beta, made[1].path.read_bytes(), later(9))
    assert [note.code for note in late.notes] == ["out-of-order"]
    assert standing(beta, "Alpha") == Standing.VERIFIED


def twin(node: Node, folder: Path) -> Path:
    """Copy a whole node as its owner could, to write another history with the same keys."""
    node.store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(node.home, folder)
    return folder


def test_t34_a_ledger_that_is_shown_smaller_suspends_its_party_with_both_notes_kept(
    three: list[Node], tmp_path: Path
):
    alpha, beta, _ = three
    enters(alpha, 5, "first")
    assert exchange(alpha, beta, 1, 1) == []
    shutil.copytree(ledger_folder(alpha.home), tmp_path / "old")
    enters(alpha, 5, "second")
    assert exchange(alpha, beta, 2, 2) == []
    shutil.rmtree(ledger_folder(alpha.home))
    shutil.copytree(tmp_path / "old", ledger_folder(alpha.home))
    made = send(alpha, beta, keep(alpha, [indicator(3)]), clock=later(3))
    before = beta.store.batches.completed()
    with pytest.raises(Rejected) as refused:
        take(beta, made.path.read_bytes(), later(3))
    assert refused.value.reason is Reason.LEDGER_ROLLBACK
    assert beta.store.batches.completed() == before
    assert standing(beta, "Alpha") == Standing.SUSPENDED
    [found] = beta.store.witness.evidence()
    sizes = [int(note.split(b"\n")[1]) for note in (found.first, found.second)]
    assert (found.breach, found.told_by, sizes[0] > sizes[1]) == ("rollback", None, True)


def test_t35_a_fork_that_was_hidden_from_each_is_found_when_they_meet(three: list[Node], tmp_path: Path):
    alpha, beta, gamma = three
    enters(alpha, 5, "first")
    with open_node(twin(alpha, tmp_path / "twin")) as other:
        enters(alpha, 1, "this")
        enters(other, 1, "that")
        assert exchange(alpha, beta, 1, 1) == []
        assert exchange(other, gamma, 1, 1) == []
    assert (standing(beta, "Alpha"), standing(gamma, "Alpha")) == (Standing.VERIFIED, Standing.VERIFIED)
    assert exchange(beta, gamma, 2, 2) == [Reason.LEDGER_FORK]
    [found] = gamma.store.witness.evidence()
    assert (found.party, found.told_by, found.breach) == ("Alpha", "Beta", "fork")
    assert (standing(gamma, "Alpha"), standing(gamma, "Beta")) == (Standing.SUSPENDED, Standing.VERIFIED)
    assert find_files(gamma, tmp_path / "evidence") == [
        "evidence.json",
        "first.checkpoint",
        "log.vkey",
        "second.checkpoint",
    ]
    assert not ledger_health(gamma, CLOCK).fine
    [shown] = show_party(gamma, CLOCK, "Alpha").evidence
    assert (shown.breach, shown.told_by) == ("fork", "Beta")
    # Whom Gamma tells finds it, too, once each.
    assert exchange(gamma, beta, 3, 3) == [Reason.LEDGER_FORK]
    assert standing(beta, "Alpha") == Standing.SUSPENDED
    assert exchange(beta, gamma, 4, 4) == [Reason.LEDGER_FORK]
    assert len(gamma.store.witness.evidence()) == 1


def find_files(node: Node, folder: Path) -> list[str]:
    """Export the evidence, and check it as somebody does who has the files only."""
    [one] = export_evidence(node, folder).evidence
    place = folder / str(one.number)
    keys = [parse_vkey(line) for line in (place / "log.vkey").read_text().splitlines()]
    first, second = (
        open_checkpoint((place / f"{name}.checkpoint").read_bytes(), *keys)[0] for name in ("first", "second")
    )
    assert (first.origin, first.size) == (second.origin, second.size)
    assert first.root != second.root
    return sorted(path.name for path in place.iterdir())


def test_what_is_told_of_third_parties_names_them_to_nobody_who_does_not_know_them(three: list[Node]):
    alpha, beta, gamma = three
    enters(alpha, 5, "first")
    exchange(alpha, beta, 1, 1)
    exchange(beta, gamma, 2, 2)
    release = manifest_of(beta)
    [told] = release.shown_elsewhere
    seen = newest(beta, alpha, is_cosigned=True)
    assert seen is not None
    assert told.size == seen.size
    assert seen.origin not in str(release)
    # Gamma knows Alpha by its card, and no key set of it came yet: nothing is recognised.
    assert newest(gamma, alpha, is_cosigned=False) is None
    membership.move(beta, CLOCK, "Gamma", Event.SUSPENDED, "a test")
    membership.move(beta, CLOCK, "Gamma", Event.RESUMED, "a test")
    exchange(beta, gamma, 3, 3)
    assert manifest_of(beta).shown_elsewhere == []


def test_a_checkpoint_without_its_proof_is_not_cosigned_and_accuses_nobody(
    three: list[Node], monkeypatch: pytest.MonkeyPatch
):
    alpha, beta, _ = three
    enters(alpha, 5, "first")
    assert exchange(alpha, beta, 1, 1) == []
    real = own_checkpoint.carried
    monkeypatch.setattr(
        releasing, "carried", lambda *given, **named: replace(real(*given, **named), tlog_proof="")
    )
    assert exchange(alpha, beta, 2, 2) == [Reason.BAD_CONSISTENCY]
    assert standing(beta, "Alpha") == Standing.VERIFIED
    monkeypatch.undo()
    assert exchange(alpha, beta, 3, 3) == []


def test_a_cosignature_under_a_history_that_is_not_ours_is_told(three: list[Node], tmp_path: Path):
    """An old backup that was gone on with: the counterparty's cosignature tells us."""
    alpha, beta, _ = three
    enters(alpha, 5, "first")
    with open_node(twin(alpha, tmp_path / "twin")) as old:
        enters(alpha, 1, "lost")
        assert exchange(alpha, beta, 1, 1) == []
        enters(old, 3, "found")
        codes = exchange(beta, old, 2, 2)
        assert Reason.LEDGER_FORK in codes
        [found] = old.store.witness.evidence()
        assert found.party == "Alpha"


def test_our_checkpoint_goes_out_with_the_cosignatures_that_came(three: list[Node]):
    alpha, beta, _ = three
    enters(alpha, 5, "first")
    take(beta, send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes(), later(1))
    before = newest_checkpoint(alpha)
    assert before is not None
    take(alpha, send(beta, alpha, keep(beta, [indicator(2)]), clock=later(2)).path.read_bytes(), later(2))
    after = parse_note(newest_checkpoint(alpha) or b"")
    assert after.text == parse_note(before).text
    assert [line.name for line in after.signatures] == [own_origin(alpha), own_origin(beta)]


def own_origin(node: Node) -> str:
    return ledger_keys(node)[0].name
