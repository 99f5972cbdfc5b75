"""`ask` and `answer`: two homes, there and back."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.running import Ran, dns, jsonl, run_in
from tests.desk.drops import RED, indicator, keep, nodes

from backchannel.clock import SystemClock
from backchannel.desk.node import open_node
from backchannel.desk.taking import TakeTerms, take_drop

ID = str(indicator(1)["id"])
SECRET = str(indicator(2)["id"])


@dataclass(frozen=True)
class Two:
    """Two homes whose nodes verified each other."""

    folder: Path

    def alpha(self, *words: str) -> Ran:
        return run_in(self.folder / "Alpha", *words, cwd=self.folder)

    def beta(self, *words: str) -> Ran:
        return run_in(self.folder / "Beta", *words, cwd=self.folder)

    def take(self, home: str, name: str) -> None:
        with open_node(self.folder / home) as node, (self.folder / name).open("rb") as file:
            take_drop(node, SystemClock(), file, TakeTerms(place=name))

    def to_beta(self) -> None:
        assert self.alpha("release", "send", "--receipts", "--to", "Beta", "-o", "a.bcb").code == 0
        self.take("Beta", "a.bcb")

    def to_alpha(self) -> None:
        assert self.beta("release", "send", "--receipts", "--to", "Alpha", "-o", "b.bcb").code == 0
        self.take("Alpha", "b.bcb")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with nodes(tmp_path, "Alpha", "Beta", clock=SystemClock()) as (alpha, beta):
        keep(alpha, [indicator(1), indicator(2, marking=RED)])
        keep(beta, [indicator(3), indicator(4, marking=RED)])
    return Two(tmp_path)


def request(ran: Ran) -> dict[str, typing.Any]:
    assert ran.code == 0, ran.err
    return ran.document["request"]  # type: ignore[return-value]


def test_a_party_is_asked_and_answers_in_words(two: Two):
    ran = two.alpha("ask", "Beta", "--question", "Who runs this?", "--about", ID, "--json")
    name = request(ran)["request"]
    assert "release send --receipts --to 'Beta'" in ran.err
    two.to_beta()
    inbox = two.beta("inbox")
    assert "Waiting for you" in inbox.text
    assert f"backchannel answer {name[7:19]}" in inbox.text
    listed = two.beta("ask", "list").text
    assert "Asked of us" in listed
    assert "Who runs this?" in listed
    ran = two.beta("answer", name[7:19], "--text", "A hoster.", "--json")
    assert (ran.code, ran.document["state"], ran.document["to"]) == (0, "answered", "Alpha")
    two.to_alpha()
    shown = two.alpha("ask", "show", name[7:19])
    assert "A hoster." in shown.text
    assert [one["kind"] for one in two.alpha("inbox", "--json").document["tasks"]] == ["answer"]
    assert two.beta("inbox", "--json").document["tasks"] == []


def test_what_a_request_tells_is_shown_first_and_what_may_not_be_named_stops_it(two: Two):
    words = ("ask", "Beta", "--question", "Who?", "--about", ID, "--about", SECRET)
    ran = two.alpha(*words, "--dry-run")
    assert ran.code == 1
    assert "the request stays" in ran.text
    assert "withheld" in ran.text
    ran = two.alpha(*words)
    assert ran.code == 4
    assert "may not be named" in ran.err
    assert two.alpha("ask", "Beta", "--question", "Who?", "--tlp", "red").code == 4
    assert two.alpha("ask", "list", "--json").document["ours"] == []


def test_an_answer_with_objects_goes_by_a_plan_that_is_looked_at(two: Two):
    name = request(two.alpha("ask", "Beta", "--question", "What do you know?", "--json"))["request"]
    two.to_beta()
    ids = [str(indicator(number)["id"]) for number in (3, 4)]
    words = ("answer", name, "--with", ids[0], "--with", ids[1], "-o", "answer.bcb")
    ran = two.beta(*words, "--json")
    assert ran.code == 4
    assert not (two.folder / "answer.bcb").exists()
    plan = ran.document["plan_sha256"]
    ran = two.beta(*words, "--plan", str(plan), "--text", "The first of them.", "--json")
    assert (ran.code, ran.document["objects"]) == (0, [ids[0]])
    two.take("Alpha", "answer.bcb")
    [answer] = request(two.alpha("ask", "show", name, "--json"))["answers"]
    assert (answer["text"], answer["objects"]) == ("The first of them.", [ids[0]])
    assert two.alpha("show", ids[0], "--json").code == 0


def test_it_is_declined_and_taken_back(two: Two):
    name = request(two.alpha("ask", "Beta", "--question", "One?", "--json"))["request"]
    other = request(two.alpha("ask", "Beta", "--question", "Two?", "--json"))["request"]
    two.to_beta()
    assert two.beta("answer", name, "--decline", "no-authority", "--text", "Not ours to say.").code == 0
    assert two.alpha("ask", "cancel", other).code == 0
    two.to_alpha()
    two.to_beta()
    states = {one["request"]: one["state"] for one in two.alpha("ask", "list", "--json").document["ours"]}  # type: ignore[attr-defined]
    assert states == {name: "declined", other: "cancelled"}
    ran = two.beta("answer", other, "--text", "Too late")
    assert (ran.code, "cancelled already" in ran.err) == (2, True)


def test_a_hunt_is_looked_at_approved_and_answered_in_steps(two: Two):
    jsonl(two.folder / "dns.log", dns(0, "evil1.example"), dns(1, "www.evil1.example"))
    words = ("--question", "Did you see it?", "--pattern", "[domain-name:value = 'evil1.example']")
    ran = two.alpha("ask", "Beta", *words, "--purpose", "intrusion", "--json")
    name = request(ran)["request"]
    two.to_beta()
    assert "hunt asked" in two.beta("inbox").text
    look = two.beta("answer", name, "--hunt", "dns.log")
    assert "looked for: domain names" in look.text
    assert "--approve" in look.err
    approve = two.beta("answer", name, "--hunt", "dns.log", "--json").document["approve"]
    ran = two.beta("answer", name, "--hunt", "dns.log", "--approve", str(approve))
    assert (ran.code, "pattern 1: 2-9 log lines, 2026-01-01 to 2026-01-01" in ran.text) == (0, True)
    assert two.beta("answer", name, "--hunt", "dns.log").code == 4
    two.to_alpha()
    assert "pattern 1: 2-9 log lines" in two.alpha("ask", "show", name).text


def test_a_hunt_that_names_a_person_is_refused_with_its_code(two: Two):
    words = ("--question", "?", "--pattern", "[email-addr:value = 'a@evil.example']", "--purpose", "phishing")
    name = request(two.alpha("ask", "Beta", *words, "--json"))["request"]
    two.to_beta()
    look = two.beta("answer", name, "--hunt", "dns.log", "--json")
    assert (look.code, look.document["refused"], look.document["approve"]) == (1, "names-person", None)
    ran = two.beta("answer", name, "--hunt", "dns.log", "--approve", "ab" * 32)
    assert (ran.code, "names-person" in ran.err) == (4, True)


def test_help_that_is_wanted_is_a_task_until_it_is_given(two: Two):
    ran = two.alpha("release", "send", "--to", "Beta", ID, "-o", "c.bcb", "--json")
    assert ran.code == 0, ran.err
    two.take("Beta", "c.bcb")
    two.beta("decline", ID, "--reason", "no-capability", "--text", "We have Suricata.")
    two.to_alpha()
    [task] = two.alpha("inbox", "--json").document["tasks"]  # type: ignore[misc]
    assert (task["kind"], task["party"], task["about"]) == ("help", "Beta", [ID])
    assert "We have Suricata." in task["says"]
    assert "rule or query" in task["do"]
    ran = two.alpha("answer", task["which"], "--text", "alert dns any any -> any any (...)")
    assert ran.code == 0, ran.err
    assert two.alpha("inbox", "--json").document["tasks"] == []
    sent = two.alpha("release", "list", "--json").document["sent"][0]  # type: ignore[index]
    assert [(one["task"], one["helped"]) for one in sent["answers"] if one["reason"]] == [
        (None, "alert dns any any -> any any (...)")
    ]
    two.to_beta()
    [help_] = two.beta("inbox", "--json").document["tasks"]  # type: ignore[misc]
    assert (help_["kind"], help_["party"], help_["about"]) == ("helped", "Alpha", [ID])
    assert "alert dns" in help_["says"]


def test_help_by_a_call_is_written_down_and_told_to_nobody(two: Two):
    assert two.alpha("release", "send", "--to", "Beta", ID, "-o", "c.bcb").code == 0
    two.take("Beta", "c.bcb")
    two.beta("decline", ID, "--reason", "not-understood")
    two.to_alpha()
    [task] = two.alpha("inbox", "--json").document["tasks"]  # type: ignore[misc]
    assert two.alpha("answer", task["which"], "--done").code == 2
    ran = two.alpha("answer", task["which"], "--done", "--text", "We called them.", "--json")
    assert (ran.code, ran.document["state"]) == (0, "done")
    assert two.alpha("inbox", "--json").document["tasks"] == []
    ran = two.alpha("release", "send", "--receipts", "--to", "Beta", "-o", "d.bcb")
    assert (ran.code, ran.err.strip()) == (0, "Nothing waits for Beta.")


def test_what_was_said_is_taken_back_and_whom_it_went_to_sees_it(two: Two):
    assert two.alpha("release", "send", "--to", "Beta", ID, "-o", "c.bcb").code == 0
    two.take("Beta", "c.bcb")
    ran = two.alpha("retract", ID, "--reason", "A scanner of a university.", "--json")
    assert (ran.code, [one["outcome"] for one in ran.document["told"]]) == (0, ["given"])  # type: ignore[attr-defined]
    assert ran.document["revoked"] is not None
    assert "release send --receipts --to 'Beta'" in ran.err
    two.to_beta()
    shown = " ".join(two.beta("inbox").text.split())
    assert "taken back" in shown
    assert "A scanner of a university." in shown
    again = two.alpha("retract", ID, "--reason", "A scanner of a university.")
    assert (again.code, "told before" in again.text) == (0, True)
    assert two.beta("retract", ID, "--reason", "x").code == 2
    assert two.alpha("retract", SECRET, "--reason", " ").code == 2


def test_what_a_sources_intelligence_did_is_shown_told_and_written(two: Two):
    assert two.alpha("release", "send", "--to", "Beta", ID, "-o", "c.bcb").code == 0
    two.take("Beta", "c.bcb")
    shown = two.beta("party", "tally", "Alpha")
    assert "1 object of yours came to Beta" in shown.text
    ran = two.beta("party", "tally", "Alpha", "--send", "--json")
    assert (ran.code, ran.document["sent"]) == (0, True)
    assert b'"type":"note"' in two.beta("party", "tally", "Alpha", "--stix").out
    two.to_alpha()
    assert "What ours did at Beta" in two.alpha("party", "tally", "Beta").text
    assert two.beta("party", "tally", "Alpha", "--month", "soon").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("ask", "Beta", "--question", "x", "--needed-by", "soon"),
        ("ask", "Beta", "--question", "x", "--since", "2026-01-01"),
        ("ask", "Beta", "--question", "x", "--pattern", "[a:b = 1]"),
        ("ask", "Beta"),
        ("answer", "ab" * 8, "--read", "--working"),
        ("answer", "ab", "--text", "x"),
        ("ask", "show", "zz"),
    ],
)
def test_what_is_typed_wrong_ends_with_2(two: Two, words: tuple[str, ...]):
    ran = two.alpha(*words)
    assert ran.code == 2, ran.err
    assert "Traceback" not in ran.err


def test_what_was_given_is_taken_back_and_whoever_has_it_is_told(two: Two):
    assert two.alpha("release", "send", "--to", "Beta", ID, "-o", "given.bcb").code == 0
    two.take("Beta", "given.bcb")
    ran = two.alpha("retract", ID, "--reason", "A scanner of a university.")
    assert ran.code == 0, ran.err
    assert "release send --receipts --to 'Beta'" in ran.err
    assert ID in ran.text
    again = two.alpha("retract", ID, "--reason", "A scanner of a university.", "--json").document
    assert [(one["to"], one["outcome"]) for one in again["told"]] == [("Beta", "told before")]  # type: ignore[attr-defined]
    two.to_beta()
    assert "A scanner of a university." in " ".join(two.beta("why", ID).text.split())
