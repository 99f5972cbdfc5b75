"""The root key changed, lost and come back to; keys of ours revoked; and what those who know us make of it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send, take
from tests.desk.made import CLOCK, NOW

from backchannel.clock import FixedClock
from backchannel.desk import key_care, membership
from backchannel.desk.node import Node, init_node, open_node
from backchannel.desk.own_keys import NEXT_KEY_FILE, own_key_sets, own_keys, own_root
from backchannel.desk.own_news import own_news
from backchannel.desk.parties import show_party
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.receipt_documents import HeardStatements
from backchannel.desk.receipt_drops import holds_statements, take_statements
from backchannel.desk.revoking import revoke
from backchannel.desk.root_keys import make_recovery, recover, rotate_root
from backchannel.errors import NotFoundError, SignatureError, UsageError
from backchannel.parties.at_rest import is_kept
from backchannel.parties.kid import Use
from backchannel.parties.passphrase import seal_with, unseal_with
from backchannel.provenance.reasons import Reason, Rejected

LATER = FixedClock(NOW + timedelta(days=1))
LAST = FixedClock(NOW + timedelta(days=2))
WORDS = "correct horse battery"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta") as found:
        yield found


def numbers(alpha: Node, beta: Node) -> tuple[str, str]:
    return membership.safety_of(alpha, "Beta").digits, membership.safety_of(beta, "Alpha").digits


# --- Rotation ------------------------------------------------------------------------------------------


def test_a_new_root_key_is_followed_and_everybodys_safety_number_changes_alike(two: list[Node]):
    alpha, beta = two
    before, old = numbers(alpha, beta), own_keys(alpha, CLOCK)
    told = rotate_root(alpha, LATER)
    assert (told.version, told.waiting) == (2, 1)
    new = own_keys(alpha, LATER)
    assert new.root is not None
    assert new.root.kid == told.root != old.card.root_kid
    assert new.keyring == old.keyring
    assert heard(alpha, beta, LATER).statements == 2
    assert changes(beta) == [(1, "first"), (2, "rotated")]
    ours, theirs = numbers(alpha, beta)
    assert ours == theirs
    assert ours not in before
    party = show_party(beta, LATER, "Alpha")
    assert party.party.standing == "verified"
    assert party.membership is not None
    assert party.membership.root == told.root
    assert "safety number is another one" in party.membership.events[0].note
    assert heard(alpha, beta, LATER).known == 2


def test_the_news_goes_with_the_next_drop_and_waits_no_more(two: list[Node]):
    alpha, beta = two
    rotate_root(alpha, LATER)
    assert [row.kind for row in alpha.store.statements.waiting(row_of(alpha, "Beta"))] == ["keyset"]
    take(beta, send(alpha, beta, keep(alpha, [indicator(1)]), clock=LATER).path.read_bytes(), LATER)
    assert alpha.store.statements.waiting(row_of(alpha, "Beta")) == []
    assert show_party(beta, LATER, "Alpha").membership.root == own_keys(alpha, LATER).card.root_kid


def heard(alpha: Node, beta: Node, clock: FixedClock = CLOCK) -> HeardStatements:
    """Let Beta take what Alpha says of its keys, as a file."""
    content = own_news(alpha)
    assert holds_statements(content)
    return take_statements(beta, clock, content, "news.jsonl")


def changes(beta: Node) -> list[tuple[int, str]]:
    rows = beta.store.membership.key_sets(row_of(beta, "Alpha"))
    return [(row.version, row.change) for row in rows]


def row_of(node: Node, name: str) -> int:
    found = node.store.parties.by_name(name)
    assert found is not None
    return found.party_row


def test_a_root_key_under_a_passphrase_stays_under_it(two: list[Node]):
    alpha, _ = two
    seal, unseal = seal_with(WORDS), unseal_with(WORDS)
    key_care.protect(alpha, CLOCK, seal=seal)
    with pytest.raises(UsageError, match="under a passphrase"):
        rotate_root(alpha, LATER, unseal=unseal)
    told = rotate_root(alpha, LATER, unseal=unseal, seal=seal)
    assert told.sealed
    assert sorted(path.name for path in alpha.home.glob("*.pem*")) == ["key.pem.age"]
    assert own_keys(alpha, LATER, unseal).card.root_kid == told.root


def test_a_root_key_that_is_away_changes_nothing(two: list[Node]):
    alpha, _ = two
    own_keys(alpha, CLOCK)
    (alpha.home / "key.pem").rename(alpha.home.parent / "safe.pem")
    with pytest.raises(SignatureError, match="root key is not here"):
        rotate_root(alpha, LATER)
    assert len(own_key_sets(alpha)) == 1


def test_a_backup_from_before_the_root_key_changed_is_not_taken_for_the_present(two: list[Node]):
    alpha, _ = two
    backup = key_care.back_up(alpha, CLOCK, seal=seal_with(WORDS))
    rotate_root(alpha, LATER)
    with pytest.raises(SignatureError, match="was changed since"):
        key_care.restore(alpha, LATER, backup, unseal=unseal_with(WORDS))
    newer = key_care.back_up(alpha, LATER, seal=seal_with(WORDS))
    (alpha.home / "key.pem").unlink()
    assert key_care.restore(alpha, LATER, newer, unseal=unseal_with(WORDS)).root_is_here


ROTATE = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from backchannel.clock import FixedClock
from backchannel.desk import own_keys
from backchannel.desk.node import open_node
from backchannel.desk.root_keys import rotate_root

home, at, left = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
begun = False

def count(event, args):
    global left
    if not begun or event not in {"open", "os.rename", "os.remove"} or str(home) not in str(args[0]):
        return
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
with open_node(home) as node:
    own_keys.own_keys(node, FixedClock(at))
    begun = True
    rotate_root(node, FixedClock(at))
    begun = False
print("end")
"""


@pytest.mark.timeout(300)
def test_a_change_of_the_root_key_killed_at_any_instant_is_whole_or_was_never(tmp_path: Path):
    with init_node(tmp_path / "base", name="Alpha", clock=CLOCK) as node:
        own_keys(node, CLOCK)
    states, at = set(), 0
    while True:
        at += 1
        home = tmp_path / f"killed {at}"
        shutil.copytree(tmp_path / "base", home)
        ran = subprocess.run(
            [sys.executable, "-c", ROTATE, str(home), NOW.isoformat(), str(at)],
            capture_output=True,
            check=False,
            timeout=60,
        )
        with open_node(home) as node:
            beside, said = is_kept(home / NEXT_KEY_FILE), len(own_key_sets(node))
            keys = own_keys(node, LATER)
            assert keys.root is not None
            assert keys.root.public == own_root(node)
            assert keys.card.root == keys.root.public
            assert not is_kept(home / NEXT_KEY_FILE)
            # And the next change follows from what is here.
            assert rotate_root(node, LATER).version == said + 1
        states.add((beside, said))
        shutil.rmtree(home)
        if ran.returncode == 0:
            break
        assert ran.returncode == -signal.SIGKILL, ran.stderr
    # Before, with the new key beside the old one, with both said and not in place yet, after.
    assert states >= {(False, 1), (True, 1), (True, 2), (False, 2)}


# --- Recovery ------------------------------------------------------------------------------------------


def test_two_of_three_recovery_keys_bring_us_back_as_introduced(two: list[Node], tmp_path: Path):
    alpha, beta = two
    told, paths = make_recovery(alpha, CLOCK, tmp_path / "safe", k=2, of=3)
    assert told.recovery is not None
    assert (told.recovery.k, told.recovery.of, told.version) == (2, 3, 2)
    assert [path.stat().st_mode & 0o777 for path in paths] == [0o600] * 3
    heard(alpha, beta)
    (alpha.home / "key.pem").unlink()
    files = {path.name: path.read_bytes() for path in paths}
    with pytest.raises(SignatureError, match="2 of 3 recovery keys are needed, and 1 of those given is"):
        recover(alpha, LATER, dict([*files.items()][:1]))
    back = recover(alpha, LATER, dict([*files.items()][1:]))
    assert back.root_is_here
    assert heard(alpha, beta, LATER).refused == 0
    assert changes(beta)[-1] == (3, "recovered")
    assert show_party(beta, LATER, "Alpha").party.standing == "introduced"
    membership.verify(beta, LATER, "Alpha", membership.safety_of(alpha, "Beta").digits)
    assert show_party(beta, LATER, "Alpha").party.standing == "verified"


def test_recovery_keys_under_a_passphrase_need_it_and_old_ones_count_no_more(two: list[Node], tmp_path: Path):
    alpha, _ = two
    make_recovery(alpha, CLOCK, tmp_path / "old", k=1, of=1)
    _, paths = make_recovery(alpha, CLOCK, tmp_path / "new", k=1, of=2, seal=seal_with(WORDS))
    assert all(path.read_bytes().startswith(b"age-encryption.org/v1\n-> scrypt ") for path in paths)
    files = {paths[1].name: paths[1].read_bytes()}
    with pytest.raises(SignatureError, match="under a passphrase"):
        recover(alpha, LATER, files)
    [old] = (tmp_path / "old").iterdir()
    with pytest.raises(SignatureError, match="0 of those given are in our newest key set"):
        recover(alpha, LATER, {"old": old.read_bytes()})
    assert recover(alpha, LATER, files, unseal_files=unseal_with(WORDS)).version == 4


def test_the_keys_of_every_day_can_be_lost_as_well(two: list[Node], tmp_path: Path):
    alpha, beta = two
    _, [path] = make_recovery(alpha, CLOCK, tmp_path / "safe", k=1, of=1)
    heard(alpha, beta)
    key_care.protect(alpha, CLOCK, seal=seal_with(WORDS))  # whose words nobody remembers
    files = {path.name: path.read_bytes()}
    with pytest.raises(SignatureError, match="under a passphrase"):
        recover(alpha, LATER, files)
    back = recover(alpha, LATER, files, new_daily=True)
    assert not back.sealed
    assert [*alpha.home.glob("keys.json.age.lost-*")]
    # The very next drop is signed by a key that the other side never heard of, and brings the proof along.
    drop = send(alpha, beta, keep(alpha, [indicator(1)]), clock=LATER).path.read_bytes()
    found = take(beta, drop, LATER)
    assert (found.state, found.sender) == ("taken", "Alpha")
    assert show_party(beta, LATER, "Alpha").party.standing == "introduced"


def test_recovery_that_was_never_prepared_or_cannot_be_is_told(two: list[Node], tmp_path: Path):
    alpha, _ = two
    own_keys(alpha, CLOCK)
    with pytest.raises(UsageError, match="names no recovery keys"):
        recover(alpha, CLOCK, {"any": b"file"})
    for k, of in ((0, 1), (3, 2), (1, 17)):
        with pytest.raises(UsageError, match="no choice"):
            make_recovery(alpha, CLOCK, tmp_path / "safe", k=k, of=of)
    make_recovery(alpha, CLOCK, tmp_path / "safe", k=1, of=1)
    with pytest.raises(UsageError, match="is there already"):
        make_recovery(alpha, CLOCK, tmp_path / "safe", k=1, of=1)


# --- Revocation ----------------------------------------------------------------------------------------


def test_t32_a_stolen_key_gets_a_successor_and_counts_no_more_for_whoever_hears_of_it(two: list[Node]):
    alpha, beta = two
    stolen = own_keys(alpha, CLOCK).keyring.present(Use.SIGN)
    thiefs = send(alpha, beta, keep(alpha, [indicator(1)]), clock=LATER).path.read_bytes()
    told = revoke(alpha, LATER, "sign", reason="stolen", since="2026-01-01")
    assert told.revoked == (stolen.kid,)
    assert told.keys["sign"] != stolen.kid
    kinds = [row.kind for row in alpha.store.statements.waiting(row_of(alpha, "Beta"))]
    assert kinds == ["keyset", "revoke"]
    assert heard(alpha, beta, LATER).refused == 0
    pinned = pinned_keys(beta)(stolen.kid)
    assert pinned is not None
    assert pinned.compromised_since is not None
    assert Reason.MAYBE_STOLEN_KEY in {note.code for note in take(beta, thiefs, LATER).notes}
    assert heard(alpha, beta, LATER).known == 3
    assert len(beta.store.membership.revocations(row_of(beta, "Alpha"))) == 1


def test_a_replaced_root_key_is_revoked_by_its_successor(two: list[Node]):
    alpha, beta = two
    old = own_keys(alpha, CLOCK).card.root_kid
    told = revoke(alpha, LATER, "root", reason="replaced")
    assert told.root != old
    assert heard(alpha, beta, LATER).refused == 0
    [row] = beta.store.membership.revocations(row_of(beta, "Alpha"))
    assert (row.kid, row.reason) == (old, "replaced")


def test_an_old_key_is_revoked_by_its_whole_name_only(two: list[Node]):
    alpha, _ = two
    old = own_keys(alpha, CLOCK).keyring.present(Use.SIGN).kid
    key_care.rotate(alpha, LATER)
    with pytest.raises(NotFoundError, match="no key of ours"):
        revoke(alpha, LATER, old[:8], reason="lost")
    assert revoke(alpha, LATER, old, reason="lost").version == 2


def test_reasons_and_times_that_say_nothing_are_refused_before_anything_changes(two: list[Node]):
    alpha, _ = two
    own_keys(alpha, CLOCK)
    for reason, since in (("stolen", None), ("bored", None), ("stolen", "yesterday"), ("lost", "2099-01-01")):
        with pytest.raises(UsageError):
            revoke(alpha, LATER, "sign", reason=reason, since=since)
    assert len(own_key_sets(alpha)) == 1


# --- Drops signed by keys that the reader has not heard of ----------------------------------------------


def test_t31_a_drop_brings_the_key_sets_that_its_reader_needs_to_know_its_signature(two: list[Node]):
    alpha, beta = two
    take(beta, send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes())
    key_care.rotate(alpha, LATER)
    key_care.rotate(alpha, LAST)
    drop = send(alpha, beta, keep(alpha, [indicator(2)]), clock=LAST)
    found = take(beta, drop.path.read_bytes(), LAST)
    assert (found.state, found.stored) == ("taken", 1)
    sign = own_keys(alpha, LAST).keyring.present(Use.SIGN).kid
    assert pinned_keys(beta)(sign) is not None
    assert not [note for note in found.notes if note.code == Reason.UNKNOWN_KEY]


def test_t31_key_sets_of_a_stranger_introduce_nobody(two: list[Node], tmp_path: Path):
    alpha, beta = two
    with nodes(tmp_path / "else", "Mallory") as [mallory]:
        card = beta.store.membership.card(beta.party.party_row)
        assert card is not None
        membership.meet(mallory, CLOCK, card, handed_over=True)
        drop = send(mallory, beta, keep(mallory, [indicator(1)])).path.read_bytes()
    with pytest.raises(Rejected) as refused:
        take(beta, drop)
    assert refused.value.reason is Reason.UNKNOWN_KEY
    assert "Mallory" not in beta.store.membership.standings()
    assert beta.store.batches.completed() == 0
    own_keys(alpha, CLOCK)


def test_t32_a_drop_by_a_key_that_was_rotated_out_is_refused_when_its_day_is_over(two: list[Node]):
    alpha, beta = two
    shutil.copytree(alpha.home, alpha.home.parent / "thief")
    key_care.rotate(alpha, CLOCK)
    heard(alpha, beta)
    with open_node(alpha.home.parent / "thief") as thief:
        forged = send(thief, beta, keep(thief, [indicator(1)]), clock=LAST).path.read_bytes()
    with pytest.raises(Rejected) as refused:
        take(beta, forged, LAST)
    assert refused.value.reason is Reason.KEY_NOT_CURRENT


def test_a_revoked_party_does_not_come_back_with_a_new_key(two: list[Node]):
    alpha, beta = two
    membership.move(beta, CLOCK, "Alpha", membership.Event.REVOKED, "said so by phone")
    key_care.rotate(alpha, LATER)
    assert [note.code for note in heard(alpha, beta, LATER).notes] == ["unknown-key"] * 2
    drop = send(alpha, beta, keep(alpha, [indicator(1)]), clock=LATER).path.read_bytes()
    with pytest.raises(Rejected):
        take(beta, drop, LATER)


def test_a_key_set_is_said_anew_before_it_runs_out(two: list[Node]):
    alpha, beta = two
    heard(alpha, beta)
    late = FixedClock(NOW + timedelta(days=350))
    sign = own_keys(alpha, CLOCK).keyring.present(Use.SIGN).kid
    own_keys(alpha, late)
    assert [one.version for one in own_key_sets(alpha)] == [1, 2]
    assert own_keys(alpha, late).keyring.present(Use.SIGN).kid == sign
    heard(alpha, beta, late)
    pinned = pinned_keys(beta)(sign)
    assert pinned is not None
    assert pinned.valid_until > NOW + timedelta(days=700)
