"""`compare`: two homes, by files, as a person does it and reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.running import Ran, run_in
from tests.desk.comparisons import keep_hashes, of_hash
from tests.desk.drops import RED, indicator, keep, nodes

from backchannel.clock import SystemClock

pytest.importorskip(
    "nacl", reason="the engine of comparisons is not installed: pip install 'backchannel[psi]'"
)


@dataclass(frozen=True)
class Two:
    """Two homes whose nodes verified each other, and the session that is between them."""

    folder: Path

    def alpha(self, *words: str) -> Ran:
        return run_in(self.folder / "Alpha", *words, cwd=self.folder)

    def beta(self, *words: str) -> Ran:
        return run_in(self.folder / "Beta", *words, cwd=self.folder)

    def session(self) -> str:
        return str(self.alpha("compare", "list", "--json").document["comparisons"][0]["session"])  # type: ignore[index]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with nodes(tmp_path, "Alpha", "Beta", clock=SystemClock()) as (alpha, beta):
        keep_hashes(alpha, range(10))
        keep(alpha, [of_hash(50, RED), indicator(60, pattern="[ipv4-addr:value = '198.51.100.7']")])
        keep_hashes(beta, range(8, 20))
    return Two(tmp_path)


def test_a_comparison_by_files_tells_at_each_step_what_they_learn_and_what_to_do(two: Two):
    begun = two.alpha("compare", "Beta", "--because", "incident 7", "-o", "m1")
    assert begun.code == 0, begun.err
    other = two.beta("receive", "m1")
    assert (other.code, "backchannel compare take FILE" in other.text) == (3, True)
    assert "They will learn how many of your 10 items they also have. They could have guessed;" in begun.text
    assert "left out: 1 of another sort" in begun.text
    assert "left out: 1 the rules let it not go to this party" in begun.text
    session = two.session()
    taken = two.beta("compare", "take", "m1")
    assert taken.code == 1
    assert "incident 7" in taken.text
    assert f"backchannel compare answer {session[:8]}" in taken.text
    assert two.beta("compare", "answer", session[:8], "-o", "m2").code == 0
    assert two.alpha("compare", "take", "m2").code == 1
    assert two.alpha("compare", "answer", session, "-o", "m3").code == 0
    assert two.beta("compare", "take", "m3").code == 1
    counted = two.beta("compare", "answer", session, "-o", "m4")
    assert "2 (TLP:AMBER+STRICT)" in counted.text
    assert "2 (TLP:AMBER+STRICT)" in two.alpha("compare", "take", "m4").text
    again = two.alpha("compare", "take", "m4")
    assert "known" in again.text.splitlines()[0]
    row = two.alpha("compare", "list").text
    assert "compare reveal" in row
    assert two.beta("compare", "decline", session, "--because", "no").code == 2  # it is done
    assert two.alpha("compare", "reveal", session, "-o", "m5").code == 0
    assert two.beta("compare", "take", "m5").code == 1
    ended = two.beta("compare", "decline", session, "--because", "not these", "-o", "m6")
    assert "declined · not these" in ended.text
    told = two.alpha("compare", "take", "m6")
    assert (told.code, "declined · not these" in told.text) == (0, True)
    for words in (("answer", session), ("decline", session)):  # the file was lost
        assert two.beta("compare", *words, "-o", f"again-{words[0]}").code == 0
        assert "known" in two.alpha("compare", "take", f"again-{words[0]}").text.splitlines()[0]


def test_what_is_opened_is_checked_on_the_other_side(two: Two):
    two.alpha("compare", "Beta", "-o", "m1")
    session = two.session()
    two.beta("compare", "take", "m1")
    two.beta("compare", "answer", session, "-o", "m2")
    two.alpha("compare", "take", "m2")
    assert two.alpha("compare", "open", session).code == 2  # no file is named
    opened = two.alpha("compare", "open", session, "-o", "opened")
    assert opened.code == 0, opened.err
    checked = two.beta("compare", "check", session, "opened")
    assert checked.code == 0, checked.err
    assert "was in its ledger before the comparison began" in checked.text
    assert two.beta("compare", "check", session, "m1").code in {3, 4, 5}
    assert two.beta("compare", "check", session, "--json", "opened").document["good"] is True


def test_what_cannot_be_done_says_why_and_what_to_do_next(two: Two):
    for words, code, said in (
        (("compare", "Gamma", "-o", "m"), 2, "there is no party"),
        (("compare", "Beta", "--sort", "colour", "-o", "m"), 2, "no sort"),
        (("compare", "Beta", "--sort", "address", "-o", "m"), 4, "guessable"),
        (("compare", "Beta", "--override", "address", "-o", "m"), 2, "needs a reason"),
        (("compare", "Beta", "--sort", "mutex", "-o", "m"), 2, "no indicator of ours"),
        (("compare", "Beta", "--suite", "rot13", "-o", "m"), 2, "no such way"),
        (("compare", "Beta", "-o", "missing/m"), 3, "no folder"),
        (("compare", "Beta", "--channel", "none"), 2, "none"),
        (("compare", "answer", "abcd", "-o", "m"), 2, "there is no comparison"),
        (("compare", "take", "missing"), 3, "cannot be read"),
        (("compare", "call", "abcd"), 2, "there is no comparison"),
    ):
        ran = two.alpha(*words)
        assert (ran.code, said in ran.err) == (code, True), (words, ran.code, ran.err)
        assert "next:" in ran.err
    assert not (two.folder / "m").exists()
    assert "Nothing was compared yet" in two.alpha("compare", "list").text
    two.folder.joinpath("junk").write_bytes(b"age-encryption.org/v1\n-> X25519 x\n")
    assert two.alpha("compare", "take", "junk").code in {3, 4}


def test_a_sort_of_which_there_are_lists_is_compared_with_a_warning(two: Two):
    ran = two.alpha("compare", "Beta", "--sort", "domain", "--sort", "hash", "-o", "m")
    assert (ran.code, "can be had" in ran.err) == (0, True)
    overridden = two.alpha("compare", "Beta", "--override", "address", "--because", "incident 7", "-o", "m")
    assert (overridden.code, "shown as 256" in overridden.text) == (0, True), overridden.err
