"""`ack`, `decline`, `release send --receipts|--bare`, `release list`: two homes, there and back."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.running import Ran, run_in
from tests.desk.drops import indicator, keep, nodes

from backchannel.cli.answering import DECLINE_REASONS
from backchannel.clock import SystemClock
from backchannel.desk.node import open_node
from backchannel.desk.receipt_drops import take_statements
from backchannel.desk.taking import TakeTerms, take_drop
from backchannel.provenance.predicates import DECLINE_CODES

ID = str(indicator(1)["id"])


@dataclass(frozen=True)
class Two:
    """Two homes whose nodes verified each other; the second took a drop of the first, which asked for all."""

    folder: Path
    drop: str

    def alpha(self, *words: str) -> Ran:
        return run_in(self.folder / "Alpha", *words, cwd=self.folder)

    def beta(self, *words: str) -> Ran:
        return run_in(self.folder / "Beta", *words, cwd=self.folder)

    def take(self, home: str, name: str) -> None:
        with open_node(self.folder / home) as node, (self.folder / name).open("rb") as file:
            take_drop(node, SystemClock(), file, TakeTerms(place=name))


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, _):
        batch = keep(alpha, [indicator(1), indicator(2)])
    made = Two(tmp_path, "")
    ran = made.alpha(
        *("release", "send", "--to", "Beta", "--batch", str(batch), "--ack", "acted", "-o", "a.bcb", "--json")
    )
    assert ran.code == 0, ran.err
    two = Two(tmp_path, ran.document["sent"][0]["drop"])
    two.take("Beta", "a.bcb")
    return two


def sent(two: Two) -> dict[str, typing.Any]:
    ran = two.alpha("release", "list", "--json")
    return ran.document["sent"][0]


def test_what_was_done_is_told_and_the_sender_reads_it(two: Two):
    ran = two.beta("ack", ID, "--acted", "hunted-nothing", "--json")
    assert (ran.code, ran.document["kind"]) == (0, "ack")
    [given] = ran.document["receipts"]
    assert (given["to"], given["state"], given["acted"], given["outcome"]) == (
        "Alpha",
        "acted",
        "hunted, nothing",
        "given",
    )
    ran = two.beta("release", "send", "--receipts", "--to", "Alpha", "-o", "b.bcb")
    assert ran.code == 0, ran.err
    two.take("Alpha", "b.bcb")
    found = sent(two)
    assert (found["state"], found["says"], found["silent_days"]) == ("acted", "hunted, nothing", None)
    again = two.beta("release", "send", "--receipts", "--to", "Alpha", "-o", "c.bcb")
    assert (again.code, again.err.strip()) == (0, "Nothing waits for Alpha.")
    assert not (two.folder / "c.bcb").exists()


def test_a_decline_shows_its_task(two: Two):
    ran = two.beta("decline", ID, "--reason", "no-capability", "--text", "No such product.")
    assert ran.code == 0, ran.err
    assert "no-capability" in ran.text
    assert "release send --receipts --to 'Alpha'" in ran.err
    ran = two.beta("release", "send", "--bare", "--to", "Alpha", "-o", "b.json", "--json")
    assert (ran.code, ran.document["statements"]) == (0, 2)
    with open_node(two.folder / "Alpha") as node:
        heard = take_statements(node, SystemClock(), (two.folder / "b.json").read_bytes(), "b.json")
    assert heard.receipts == 2
    listed = two.alpha("release", "list")
    assert "declined it: no-capability" in listed.text
    assert "No such product." in listed.text
    assert "rule or query" in " ".join(listed.text.split())


def test_a_whole_drop_is_answered_by_its_digest(two: Two):
    ran = two.beta("ack", two.drop[:20], "--assessed", "--json")
    assert (ran.code, ran.document["about"]) == (0, two.drop)
    assert ran.document["receipts"][0]["outcome"] == "given"
    assert (
        two.beta("ack", two.drop[:20], "--assessed", "--json").document["receipts"][0]["outcome"]
        == "told before"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("ack", "sha256:12", "--read"),
        ("ack", "sha256:" + "0" * 64),
        ("ack", ID, "--read", "--acted", "blocked"),
        ("ack", "sha256:" + "0" * 64, "--text", "words"),
        ("decline", ID),
        ("decline", ID, "--reason", "duplicate-of"),
        ("decline", ID, "--reason", "stale", "--other", ID),
        ("release", "send", "--receipts", "--to", "Alpha", ID, "-o", "x.bcb"),
        ("release", "send", "--bare", "--to", "Alpha", "-o", "-"),
        ("release", "send", "--bare", "--to", "Alpha", "--armor", "-o", "x.json"),
    ],
)
def test_what_contradicts_itself_is_refused_as_usage(two: Two, words: tuple[str, ...]):
    ran = two.beta(*words)
    assert ran.code == 2, ran.err


def test_the_command_knows_every_reason():
    assert set(DECLINE_REASONS) == DECLINE_CODES
