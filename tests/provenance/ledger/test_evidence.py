"""A counterparty that rewrites its ledger is found, and what proves it can be shown to anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.provenance.ledger.made import LOG, OTHER, checkpoint_of, entries, fill, note_of, root_of

from backchannel.codec import decode
from backchannel.provenance.ledger.checkpoints import open_checkpoint
from backchannel.provenance.ledger.evidence import Breach, Evidence, check_evidence, compare, evidence_files
from backchannel.provenance.ledger.notes import parse_vkey
from backchannel.provenance.ledger.proving import prove_growth
from backchannel.provenance.ledger.tiles import Tiles, files_in
from backchannel.provenance.ledger.tree import consistency_proof
from backchannel.provenance.reasons import Reason, Rejected

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRUE = entries(20)
FALSE = [*TRUE[:5], b"rewritten", *TRUE[6:]]


def growth(leaves: list[bytes], old: int, new: int) -> list[bytes]:
    return consistency_proof(old, new, lambda level, at: root_of(leaves[at << level : (at + 1) << level]))


def test_a_ledger_that_only_grew_is_believed():
    now, evidence = compare(LOG.key, note_of(TRUE[:7]), note_of(TRUE), at=AT, proof=growth(TRUE, 7, 20))
    assert (now, evidence) == (checkpoint_of(TRUE), None)
    assert compare(LOG.key, note_of(TRUE), note_of(TRUE), at=AT)[1] is None
    assert compare(LOG.key, note_of([]), note_of(TRUE), at=AT)[1] is None


def test_t34_a_ledger_shown_one_entry_smaller_is_a_rollback():
    _, evidence = compare(LOG.key, note_of(TRUE), note_of(TRUE[:-1]), at=AT, proof=growth(TRUE, 19, 20))
    assert evidence is not None
    assert (evidence.breach, evidence.reason) == (Breach.ROLLBACK, Reason.LEDGER_ROLLBACK)
    first, second = check_evidence(evidence)
    assert (first.size, second.size) == (20, 19)


def test_t34_a_checkpoint_that_was_long_on_its_way_is_no_rollback_if_the_ledger_grew_from_it():
    old, proof = note_of(TRUE[:-1]), growth(TRUE, 19, 20)
    assert compare(LOG.key, note_of(TRUE), old, at=AT, proof=proof, may_be_old=True)[1] is None
    with pytest.raises(Rejected) as caught:
        compare(LOG.key, note_of(TRUE), note_of(FALSE[:-1]), at=AT, proof=proof, may_be_old=True)
    assert caught.value.reason is Reason.BAD_CONSISTENCY


def test_t35_two_roots_for_one_size_are_a_fork_that_proves_itself():
    _, evidence = compare(LOG.key, note_of(TRUE), note_of(FALSE), at=AT)
    assert evidence is not None
    assert (evidence.breach, evidence.reason) == (Breach.FORK, Reason.LEDGER_FORK)
    files = evidence_files(evidence)
    key = parse_vkey(files["log.vkey"].decode().strip())
    first, _ = open_checkpoint(files["first.checkpoint"], key)
    second, _ = open_checkpoint(files["second.checkpoint"], key)
    assert first.size == second.size
    assert first.root != second.root
    assert decode(files["evidence.json"])["breach"] == "fork"


def test_t35_a_fork_shown_to_one_of_two_counterparties_is_found_when_they_exchange_once():
    """Alpha shows Beta one history and Gamma another; in their next exchange Beta and Gamma show what they saw."""
    seen_by_beta, seen_by_gamma = note_of(TRUE[:12]), note_of(FALSE[:12])
    _, found = compare(LOG.key, seen_by_beta, seen_by_gamma, at=AT, may_be_old=True)
    assert found is not None
    assert found.breach is Breach.FORK


def test_t35_a_fork_at_another_size_is_proved_by_the_partys_own_tiles(tmp_path: Path):
    fill(tmp_path, FALSE)
    known, shown = note_of(TRUE[:12]), (tmp_path / "checkpoint").read_bytes()
    tiles = Tiles(files_in(tmp_path), len(FALSE))
    _, evidence = compare(LOG.key, known, shown, at=AT, tiles=tiles)
    assert evidence is not None
    assert evidence.breach is Breach.INCONSISTENT
    assert evidence.other_root == root_of(FALSE[:12])
    check_evidence(evidence)
    assert decode(evidence_files(evidence)["evidence.json"])["proof"]
    with pytest.raises(Rejected) as caught:
        prove_growth(tiles, checkpoint_of(TRUE[:12]), checkpoint_of(FALSE))
    assert caught.value.reason is Reason.BAD_CONSISTENCY


def test_t35_a_wrong_proof_or_foreign_tiles_are_refused_and_no_evidence_against_the_party(tmp_path: Path):
    fill(tmp_path, FALSE)
    for proof in (None, [], growth(FALSE, 7, 20), [bytes(32)] * 70):
        with pytest.raises(Rejected) as caught:
            compare(LOG.key, note_of(TRUE[:7]), note_of(TRUE), at=AT, proof=proof)
        assert caught.value.reason is Reason.BAD_CONSISTENCY
    with pytest.raises(Rejected) as caught:
        compare(LOG.key, note_of(TRUE[:7]), note_of(TRUE), at=AT, tiles=Tiles(files_in(tmp_path), 20))
    assert caught.value.reason is Reason.BAD_TILE


def test_evidence_that_shows_nothing_is_refused():
    fork = Evidence(Breach.FORK, LOG.key, note_of(TRUE), note_of(FALSE), AT)
    check_evidence(fork)
    for harmless in (
        replace(fork, second=note_of(TRUE)),
        replace(fork, breach=Breach.ROLLBACK),
        replace(fork, breach=Breach.INCONSISTENT, other_root=root_of(TRUE), proof=()),
    ):
        with pytest.raises(Rejected) as caught:
            check_evidence(harmless)
        assert caught.value.reason is Reason.BAD_FORM
    for forged in (replace(fork, second=note_of(FALSE, OTHER)), replace(fork, key=OTHER.key)):
        with pytest.raises(Rejected) as caught:
            check_evidence(forged)
        assert caught.value.reason is Reason.UNKNOWN_KEY
