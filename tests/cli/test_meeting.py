"""`party` and `key`: two nodes meet over files, in words and in documents, and what is secret stays so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.running import Ran, Run
from tests.cli.test_taxii import document

from backchannel.parties.words import word_list


@pytest.fixture
def beta(run: Run, tmp_path: Path) -> Callable[..., Ran]:
    """The other node: commands run in a home of its own."""
    home = str(tmp_path / "beta")
    assert run("init", "--name", "CERT Beta", "--home", home).code == 0
    return lambda *words, **more: run(*words, "--home", home, **more)


def test_two_nodes_meet_by_a_code_over_files(run: Run, beta: Callable[..., Ran], tmp_path: Path):
    first, second, third = (str(tmp_path / name) for name in ("first", "second", "third"))
    invited = run("party", "invite", "-o", first, "--quiet")
    code = re.search(r"\d+-[a-z]+-[a-z]+-[a-z]+", invited.err)
    assert code is not None
    assert code.group() not in Path(first).read_text()
    assert set(code.group().split("-")[1:]) <= set(word_list())
    assert beta("party", "join", first, "--code", code.group(), "-o", second).code == 0
    assert run("party", "join", second, "-o", third).code == 0
    last = beta("party", "join", third)
    assert last.text == "CERT Alpha is verified: both sides used the same code\n"
    assert "verified" in run("party", "show", "CERT Beta").text
    numbers = [
        re.search(r"digits +(.+)", run_("party", "verify", name).text).group(1)
        for run_, name in ((run, "CERT Beta"), (beta, "CERT Alpha"))
    ]
    assert numbers[0] == numbers[1]


def test_t27_a_wrong_code_is_told_with_the_tries_left_and_never_shown(
    run: Run, beta: Callable[..., Ran], tmp_path: Path
):
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    run("party", "invite", "-o", first)
    assert beta("party", "join", first, "--code", "1-zebra-zebra-zebra", "-o", second).code == 0
    ran = run("party", "join", second)
    assert ran.code == 5
    assert "2 tries left" in ran.err
    typed = beta("party", "join", first, "--code", "1-zebra-zebra-zebrum")
    assert typed.code == 2
    assert "zebr" not in typed.err


def test_cards_and_numbers_are_told_in_documents(run: Run, beta: Callable[..., Ran], tmp_path: Path):
    card = document(run, "party", "card")
    path = tmp_path / "beta.card"
    assert beta("party", "card", "-o", str(path)).code == 0
    added = document(run, "party", "add", "--card", str(path))
    assert added["party"]["standing"] == "unknown"
    seen = document(run, "party", "verify", "CERT Beta")
    assert len(seen["words"]) == 18
    verified = document(run, "party", "verify", "CERT Beta", "--number", seen["digits"])
    assert verified["membership"]["standing"] == "verified"
    assert beta("party", "add", "--card", "-", stdin=str(card["text"]).encode()).code == 0
    wrong = beta("party", "verify", "CERT Alpha", "--number", "1" * 60)
    assert wrong.code == 4
    gone = document(run, "party", "revoke", "CERT Beta", "--why", "closed")
    assert gone["membership"]["most_tlp"] is None
    listed = document(run, "party", "list")
    assert [one["standing"] for one in listed["parties"]] == ["unknown", "revoked"]


def test_a_card_is_drawn_as_a_qr_code(run: Run):
    drawn = run("party", "card", "--qr")
    assert drawn.code == 0
    assert drawn.text.count("\n") > 25


def test_t28_a_card_that_does_not_fit_ends_with_4_and_is_listed(
    run: Run, beta: Callable[..., Ran], tmp_path: Path
):
    other = str(tmp_path / "mallory")
    run("init", "--name", "CERT Beta", "--home", other)
    cards = [str(tmp_path / "one"), str(tmp_path / "two")]
    beta("party", "card", "-o", cards[0])
    run("party", "card", "-o", cards[1], "--home", other)
    assert run("party", "add", "--card", cards[0], "--handed-over").code == 0
    stopped = run("party", "add", "--card", cards[1])
    assert stopped.code == 4
    assert "name-clash" in stopped.err
    assert "alarm" in run("party", "list").text
    assert run("party", "add", "Beta II", "--card", cards[1], "--decided").code == 0
    assert "alarm" not in run("party", "list").text


def test_keys_are_backed_up_sealed_rotated_and_brought_back(run: Run, tmp_path: Path):
    words, backup = tmp_path / "words", tmp_path / "keys.age"
    words.write_text("correct horse battery\n")
    before = document(run, "key", "show")
    assert run("key", "backup", "--backup-passphrase-file", str(words)).code == 2  # no file named
    assert run("key", "backup", "--backup-passphrase-file", str(words), "-o", str(backup)).code == 0
    assert backup.read_bytes().startswith(b"age-encryption.org/v1\n-> scrypt ")
    sealed = document(run, "key", "passphrase", "--new-passphrase-file", str(words))
    assert sealed["sealed"]
    asked = run("key", "show")
    assert asked.code == 2
    assert "--passphrase-file" in asked.err
    assert "under a passphrase" in run("doctor").text
    rotated = document(run, "key", "rotate", "--use", "sign", "--passphrase-file", str(words))
    assert rotated["version"] == 2
    assert rotated["keys"]["sign"] != before["keys"]["sign"]
    restored = document(run, "key", "restore", str(backup), "--passphrase-file", str(words))
    assert restored["keys"] == before["keys"]
    plain = document(run, "key", "passphrase", "--remove", "--passphrase-file", str(words))
    assert not plain["sealed"]
    words.write_text("short\n")
    short = run("key", "passphrase", "--new-passphrase-file", str(words))
    assert short.code == 2
    assert "12 to" in short.err


def test_the_root_key_is_changed_lost_and_come_back_to(
    run: Run, beta: Callable[..., Ran], world: Path, tmp_path: Path
):
    card, words, news = tmp_path / "alpha.card", tmp_path / "words", tmp_path / "news.jsonl"
    words.write_text("correct horse battery\n")
    run("party", "card", "-o", str(card))
    beta("party", "add", "--card", str(card), "--handed-over")
    theirs = tmp_path / "beta.card"
    beta("party", "card", "-o", str(theirs))
    run("party", "add", "--card", str(theirs), "--handed-over")
    changed = run("key", "rotate", "--root", "-o", str(news))
    assert changed.code == 0
    assert "safety number" in changed.err
    assert "next drop to each of 1 party" in changed.err
    assert [json.loads(line)["payloadType"] for line in news.read_text().splitlines()]
    assert run("key", "news").out == news.read_bytes()
    assert run("key", "rotate", "--root", "--use", "sign").code == 2
    folder = tmp_path / "safe"
    made = run("key", "recovery", "-o", str(folder), "--recovery-passphrase-file", str(words))
    assert "any 2 of 3" in made.text
    assert sorted(path.name for path in folder.iterdir()) == [f"recovery-{n}-of-3.pem.age" for n in (1, 2, 3)]
    (world / "home" / "key.pem").unlink()
    files = [str(path) for path in sorted(folder.iterdir())[:2]]
    assert run("key", "recover", *files).code == 5
    back = document(run, "key", "recover", *files, "--recovery-passphrase-file", str(words))
    assert back["root_is_here"]
    assert back["recovery"] == {"k": 2, "of": 3}
    old = back["keys"]["sign"]
    assert run("key", "revoke", "sign", "--reason", "stolen").code == 2
    revoked = document(run, "key", "revoke", "sign", "--reason", "stolen", "--since", "2026-01-01")
    assert revoked["revoked"] == [old]
    assert revoked["waiting"] == 1
    assert old in run("key", "show").text


def test_a_lost_home_is_made_again_from_the_backup_of_its_keys(run: Run, tmp_path: Path):
    words, backup, new = tmp_path / "words", tmp_path / "keys.age", tmp_path / "new"
    words.write_text("correct horse battery\n")
    before = document(run, "key", "show")
    assert run("key", "backup", "--backup-passphrase-file", str(words), "-o", str(backup)).code == 0
    again = ("init", "--from-backup", str(backup), "--passphrase-file", str(words))
    assert run(*again).code == 2  # this home is a node
    assert run("--home", str(new), "init").code == 2
    assert run("--home", str(new), *again, "--name", "Another").code == 2
    made = run("--home", str(new), *again)
    assert made.code == 0, made.err
    assert "key backup" in made.err
    after = document(run, "--home", str(new), "key", "show")
    assert "backchannel key backup" in run("--home", str(new), "key", "rotate").err
    assert (after["root"], after["version"]) == (before["root"], 2)
    assert not set(after["keys"].values()) & set(before["keys"].values())
    assert run("--home", str(new), "doctor").code in {0, 1}
