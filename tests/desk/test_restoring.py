"""The whole machine is lost: a backup of the keys brings the party back, and those who know it go on with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK

from backchannel.clock import FixedClock
from backchannel.desk import key_care, membership, restoring
from backchannel.desk.entering import append_entered
from backchannel.desk.known_ledgers import known_ledger
from backchannel.desk.node import KEY_FILE, STORE_FILE, Node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.errors import SignatureError, UsageError
from backchannel.parties.at_rest import forget_secret
from backchannel.parties.card import card_text
from backchannel.parties.passphrase import seal_with, unseal_with

SEAL = seal_with("correct horse battery", work_factor=8)
UNSEAL = unseal_with("correct horse battery")
LATER = FixedClock(CLOCK.now() + timedelta(hours=2))


def back(home: Path, data: bytes) -> Node:
    return restoring.init_from_backup(home, data, unseal=UNSEAL, clock=LATER)


def knows(node: Node, other: Node) -> None:
    card = card_text(own_keys(other, LATER).card).encode()
    membership.meet(node, LATER, card, handed_over=True)


def codes(found: object) -> list[str]:
    return [str(note.code) for note in found.notes]  # type: ignore[attr-defined]


def issuers(node: Node) -> set[tuple[str, int]]:
    """The key that issued each drop that came, and its number."""
    rows = node.store.statements.came(rows=100)
    return {(row.manifest.issuer, row.seq) for row in rows}


def size_seen(node: Node, name: str) -> tuple[str, int] | None:
    party = node.store.parties.by_name(name)
    assert party is not None
    known = known_ledger(node, party)
    assert known is not None
    seen = node.store.witness.newest(party.party_row, known.origin, is_cosigned=True)
    return None if seen is None else (seen.origin, seen.size)


def test_t4_a_party_comes_back_from_its_backup_and_its_drops_contradict_nothing(tmp_path: Path):
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        data = key_care.back_up(alpha, CLOCK, seal=SEAL)
        for number in range(3):  # more than the backup knows of, and a ledger that Beta cosigned
            take(beta, send(alpha, beta, keep(alpha, [indicator(number)])).path.read_bytes())
            append_entered(alpha, CLOCK)
        take(beta, send(alpha, beta, keep(alpha, [indicator(9)]), is_deniable=True).path.read_bytes())
        take(alpha, send(beta, alpha, keep(beta, [indicator(20)])).path.read_bytes())
        on_the_way = send(beta, alpha, keep(beta, [indicator(21)])).path.read_bytes()
        before, old_ledger = issuers(beta), size_seen(beta, "Alpha")
        assert old_ledger is not None
        alpha.close()
        shutil.rmtree(alpha.home)

        with back(tmp_path / "new", data) as again:
            assert (again.party.party_id, again.party.name) == (alpha.party.party_id, "Alpha")
            knows(again, beta)
            # What is sent next has the numbers of before under another key: Beta follows the key set that comes along.
            for number in range(2):
                sent = send(again, beta, keep(again, [indicator(30 + number)]), clock=LATER)
                append_entered(again, LATER)
                came = take(beta, sent.path.read_bytes(), LATER)
                assert (came.state, came.sender, came.seq, codes(came)) == ("taken", "Alpha", number, [])
            quiet = send(again, beta, keep(again, [indicator(40)]), clock=LATER, is_deniable=True)
            assert take(beta, quiet.path.read_bytes(), LATER).state == "taken"
            assert {number for _, number in issuers(beta) - before} == {0, 1}
            party = beta.store.parties.by_name("Alpha")
            assert party is not None
            assert beta.store.membership.standing(party.party_row) == "verified"
            assert beta.store.membership.alarms() == []
            # The ledger is another one, which Beta cosigns from its beginning.
            new_ledger = size_seen(beta, "Alpha")
            assert new_ledger is not None
            assert new_ledger[0] == f"{old_ledger[0]}.2"
            assert beta.store.witness.evidence() == []
            # What Beta sent to the old key is opened; the cosignature of the lost ledger in it does no harm.
            late = take(again, on_the_way, LATER)
            assert (late.state, late.objects) == ("taken", 1)
            answer = take(
                again, send(beta, again, keep(beta, [indicator(22)]), clock=LATER).path.read_bytes(), LATER
            )
            assert answer.state == "taken"
            assert [one.party for one in again.store.witness.cosigned()] == ["Beta"]
            assert again.store.witness.evidence() == []


def test_a_node_that_is_there_is_never_made_another_party(tmp_path: Path):
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, beta):
        data = key_care.back_up(alpha, CLOCK, seal=SEAL)
        mine = own_keys(beta, CLOCK)
        with pytest.raises(UsageError, match="already"):
            back(beta.home, data)
        with pytest.raises(SignatureError) as caught:
            key_care.restore(beta, CLOCK, data, unseal=UNSEAL)
        assert "init --from-backup" in caught.value.hint
        assert own_keys(beta, CLOCK) == mine
        # Nor are keys that lie about in a folder without a node.
        other = tmp_path / "other"
        other.mkdir()
        shutil.copy(beta.home / KEY_FILE, other / KEY_FILE)
        with pytest.raises(SignatureError, match="not the root key of Alpha"):
            back(other, data)


def test_a_root_key_that_was_kept_away_is_asked_for(tmp_path: Path):
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, _):
        root = (alpha.home / KEY_FILE).read_bytes()
        forget_secret(alpha.home / KEY_FILE)
        data = key_care.back_up(alpha, CLOCK, seal=SEAL)
        home = tmp_path / "new"
        with pytest.raises(SignatureError, match="kept away") as caught:
            back(home, data)
        assert str(home) in caught.value.hint
        (home / KEY_FILE).write_bytes(root)
        with back(home, data) as again:
            assert own_keys(again, LATER).card.root_kid == own_keys(alpha, LATER).card.root_kid


@pytest.mark.parametrize("step", ["write_keyring", "_ourselves", "say_key_set", "write_settings"])
def test_what_a_killed_restore_left_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
):
    class Killed(BaseException):
        pass

    def killed_after(done: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object, **named: object) -> object:
            if step != "write_settings":
                done(*args, **named)
            raise Killed

        return run

    with nodes(tmp_path, "Alpha") as (alpha,):
        data = key_care.back_up(alpha, CLOCK, seal=SEAL)
    home = tmp_path / "new"
    with monkeypatch.context() as patch:
        patch.setattr(restoring, step, killed_after(getattr(restoring, step)))
        with pytest.raises(Killed):
            back(home, data)
    back(home, data).close()
    assert (home / STORE_FILE).exists()
    with open_node(home) as again:
        assert own_keys(again, LATER).card.keyset_version == 2  # said once
