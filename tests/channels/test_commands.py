"""`backchannel channel ...` from the command line, against a server on the loopback."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.channels.misbehaving import Asked, Collection, Reply, as_json, filled, objects_asked, serving
from tests.cli.running import Ran, run_in
from tests.cli.test_forms import is_described
from tests.desk.made import GREEN, RED, a_file, indicator

from backchannel.cli import schedule
from backchannel.clock import FixedClock
from backchannel.desk.due import due_channels

Run = Callable[..., Ran]


@pytest.fixture
def run(new_home: Path, tmp_path: Path) -> Run:
    home = shutil.copytree(new_home, tmp_path / "home")

    def run(*words: str | Path) -> Ran:
        return run_in(home, *map(str, words), cwd=tmp_path)

    return run


def add(run: Run, url: str, name: str, *terms: str) -> None:
    """Add a TAXII server on the loopback as the channel `name`."""
    added = run("channel", "add", "taxii", url, "--name", name, "--allow-private", *terms)
    assert added.code == 0, added.err


def test_a_channel_from_adding_to_removing(run: Run, tmp_path: Path):
    (tmp_path / "word").write_text("s3cret\n")
    with serving(filled(30)) as server:
        terms = (
            "--user",
            "alpha",
            "--password-file",
            "word",
            "--allow-private",
            "--every",
            "2h",
            "--tlp",
            "green",
        )
        added = run(
            "channel", "add", "taxii", server.discovery, "--name", "beta", "--from", "CERT Beta", *terms
        )
        assert added.code == 0, added.err
        assert "every 2 hours" in added.text
        assert "password" in added.text
        polled = run("channel", "poll", "beta", "--json")
        assert polled.code == 0, polled.err
        is_described(polled.document, "backchannel channel poll")
        told = run("channel", "poll")
        assert "nothing new" in told.text
    gone = run("channel", "poll", "--all")
    assert gone.code == 6
    assert "nothing listens" in " ".join(gone.text.split())
    listed = run("channel", "list")
    assert "failing" in listed.text
    is_described(run("channel", "list", "--json").document, "backchannel channel list")
    shown = run("channel", "show", "BETA")
    assert "30 stored" in shown.text
    detail = run("channel", "show", "beta", "--json").document
    is_described(detail, "backchannel channel show")
    assert "s3cret" not in json.dumps(detail) + shown.text + listed.text + gone.text + added.text
    parties = run("party", "list").text
    assert "CERT Beta" in parties
    assert run("channel", "remove", "beta").code == 0
    assert run("channel", "show", "beta").code == 2
    assert run("status", "--json").document["objects"] == 30


def test_a_poll_that_brings_what_needs_you_says_so(run: Run):
    collection = filled(2)
    collection.add(indicator(9, pattern="[["))
    with serving(collection) as server:
        assert (
            run("channel", "add", "taxii", server.url, "--name", "b", "--allow-private", "--json").code == 0
        )
        polled = run("channel", "poll", "b")
    assert polled.code == 1
    assert "1 quarantined" in polled.text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add", "taxii", "https://a.example/", "--user", "x"], 2, "belong together"),
        (
            ["add", "taxii", "https://a.example/", "--user", "x", "--password-file", "none"],
            3,
            "cannot be read",
        ),
        (["add", "taxii", "ftp://a.example/"], 2, "no URL"),
        (["add", "taxii", "http://a.example/"], 2, "https"),
        (["add", "taxii", "https://a.example/", "--every", "soon"], 2, "no time"),
        (["add", "taxii", "https://a.example/", "--every", "1s"], 2, "not made"),
        (["add", "taxii", "https://a.example/", "--tlp", "pink"], 2, ""),
        (["add", "taxii", "https://a.example/", "--name", "a b"], 2, "right form"),
        (["add", "feed", "none.txt"], 3, "not there"),
        (
            ["add", "feed", "https://a.example/x", "--header", "Host", "--header-file", "beta.json"],
            2,
            "no name",
        ),
        (["poll"], 2, "no channel"),
        (["poll", "a"], 2, "no channel"),
        (["show", "a"], 2, "no channel"),
        (["remove", "a"], 2, "no channel"),
        (["push", "a", "--batch", "1"], 2, "no channel"),
    ],
)
def test_what_cannot_be_is_told_in_words(run: Run, tmp_path: Path, words: list[str], code: int, said: str):
    a_file(tmp_path, indicator(1), name="beta.json")
    ran = run("channel", *words)
    assert ran.code == code, ran.err
    assert said in " ".join(ran.err.split())


# --- Pushing -----------------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """One object that may go to a party, one that may not, one that says nothing (AMBER+STRICT)."""
    return a_file(
        tmp_path,
        indicator(1, object_marking_refs=[GREEN]),
        indicator(2, object_marking_refs=[RED]),
        indicator(3),
        name="three.json",
    )


def test_what_is_pushed_is_what_the_markings_let_go(run: Run, three: Path):
    collection = Collection()
    run("import", three, "--from", "CERT Gamma")
    with serving(collection) as server:
        terms = ("--name", "beta", "--from", "CERT Beta", "--allow-private")
        assert run("channel", "add", "taxii", server.discovery, *terms).code == 0
        assert run("party", "add", "CERT Beta").code == 0
        pushed = run("channel", "push", "beta", "--batch", "1", "--json")
        assert pushed.code == 1, pushed.err
        document = pushed.document
        is_described(document, "backchannel channel push")
        assert (document["accepted"], document["withheld"]) == (1, 2)
        again = run("channel", "push", "beta", str(indicator(2)["id"]))
    assert again.code == 4
    assert "TLP:RED may not go" in " ".join(again.text.split())
    (message,) = collection.posted
    assert [one["id"] for one in json.loads(message.body)["objects"]] == [indicator(1)["id"]]
    assert message.headers["content-type"] == "application/taxii+json;version=2.1"
    shown = run("channel", "show", "beta", "--json").document
    second, first = shown["pushes"]  # type: ignore[misc]
    assert (first["accepted"], first["refused"], first["withheld"]) == (1, 0, 2)  # type: ignore[index]
    assert first["collection"] == collection.title  # type: ignore[index]
    assert {one["state"] for one in first["problems"]} == {"withheld"}  # type: ignore[index]
    assert (second["accepted"], second["withheld"], second["collection"]) == (0, 1, None)  # type: ignore[index]
    text = " ".join(run("channel", "show", "beta").text.split())
    assert "1 accepted" in text
    assert "TLP:RED may not go" in text
    (listed,) = run("channel", "list", "--json").document["channels"]  # type: ignore[misc]
    assert listed["last_push"] == second  # type: ignore[index]
    assert "1 withheld" in " ".join(run("channel", "list").text.split())


def test_a_push_that_reaches_nothing_is_kept_with_its_error(run: Run, three: Path):
    run("import", three, "--from", "CERT Gamma")
    run("party", "add", "CERT Beta")
    terms = ("--name", "b", "--from", "CERT Beta", "--allow-private")
    run("channel", "add", "taxii", "http://127.0.0.1:9/taxii2/", *terms)
    assert run("channel", "push", "b", str(indicator(1)["id"])).code == 6
    (push,) = run("channel", "show", "b", "--json").document["pushes"]  # type: ignore[misc]
    assert "nothing listens" in push["error"]  # type: ignore[index]
    listed = run("channel", "list").text
    assert "nothing listens" in listed
    assert "failed" in listed
    shown = run("channel", "show", "b").text
    assert "nothing was sent" in shown
    assert push["pushed_at"][:10] in shown  # type: ignore[index]


def test_a_paused_channel_is_not_polled_by_itself_until_it_is_resumed(run: Run, tmp_path: Path):
    def due() -> list[str]:
        return due_channels(tmp_path / "home", FixedClock(datetime(2030, 1, 1, tzinfo=UTC)))

    with serving(filled(3)) as server:
        add(run, server.discovery, "b")
        assert due() == ["b"]
        assert run("channel", "pause", "b").code == 0
        assert due() == []
        assert run("channel", "poll", "b").code == 0  # by hand
        assert due() == []
        shown = run("channel", "pause", "b", "--json").document["channel"]
        assert shown["paused_at"] is not None  # type: ignore[index]
        assert shown["due_at"] is None  # type: ignore[index]
        assert "paused" in run("channel", "list").text
        assert run("channel", "resume", "b", "--json").document["channel"]["paused_at"] is None  # type: ignore[index]
        assert due() == ["b"]
    assert run("channel", "pause", "nobody").code == 2


def test_a_channel_that_is_polled_by_hand_is_never_due(run: Run, tmp_path: Path):
    with serving(filled(3)) as server:
        add(run, server.discovery, "b", "--every", "0")
        run("channel", "poll", "b")
    assert due_channels(tmp_path / "home", FixedClock(datetime(2030, 1, 1, tzinfo=UTC))) == []


def test_what_goes_to_nobody_that_we_know_must_be_clear(run: Run, three: Path):
    run("import", three, "--from", "CERT Gamma")
    with serving(Collection()) as server:
        add(run, server.discovery, "b", "--from", "Unheard Of")
        assert run("channel", "push", "b", "--batch", "1").code == 4
        assert server.asked == []


def test_messages_are_as_large_as_the_server_takes_and_each_object_has_its_verdict(run: Run, tmp_path: Path):
    objects = [indicator(n, object_marking_refs=[GREEN]) for n in range(1, 41)]
    collection = Collection(max_content_length=4_000)
    refused = str(objects[7]["id"])
    asked_status: list[Asked] = []

    def answer(asked: Asked) -> Reply:
        if "/status/" in asked.path:
            asked_status.append(asked)
            bad = {"id": refused, "version": objects[7]["modified"], "message": "Not of our taste."}
            return Reply(as_json({"id": "x", "status": "complete", "failure_count": 1, "failures": [bad]}))
        reply = collection(asked)
        if asked.method == "POST" and refused in asked.body.decode():
            return Reply(as_json({"id": "x", "status": "pending", "pending_count": 1}), 202)
        return reply

    run("import", a_file(tmp_path, *objects, name="forty.json"), "--from", "CERT Gamma")
    run("party", "add", "CERT Beta")
    with serving(answer) as server:
        add(run, server.discovery, "b", "--from", "CERT Beta")
        pushed = run("channel", "push", "b", "--batch", "1", "--json").document
    assert all(len(one.body) <= 4_000 for one in collection.posted)
    assert len(collection.posted) > 3
    assert len(asked_status) == 1
    assert pushed["refused"] == 1
    told = {one["id"]: one for one in pushed["objects"]}  # type: ignore[attr-defined]
    assert told[refused]["why"] == "Not of our taste."
    assert pushed["accepted"] + pushed["unknown"] == 39  # type: ignore[operator]
    sent = [one["id"] for message in collection.posted for one in json.loads(message.body)["objects"]]
    assert sorted(sent) == sorted(str(one["id"]) for one in objects)


def test_a_push_that_breaks_off_says_what_may_have_been_sent(run: Run, three: Path):
    def answer(asked: Asked) -> Reply:
        return Reply(b"", 507) if asked.method == "POST" else Collection()(asked)

    run("import", three, "--from", "CERT Gamma")
    run("party", "add", "CERT Beta")
    with serving(answer) as server:
        add(run, server.discovery, "b", "--from", "CERT Beta")
        pushed = run("channel", "push", "b", str(indicator(1)["id"]), "--json")
    assert pushed.code == 6
    assert "(HTTP 507)" in str(pushed.document["error"])
    assert pushed.document["unknown"] == 1


def test_serve_polls_what_is_due_and_stops_at_once(run: Run, new_home: Path, tmp_path: Path):
    home = tmp_path / "home"
    with serving(filled(3)) as server:
        add(run, server.discovery, "b", "--every", "1h")
        add(run, server.discovery, "by-hand", "--every", "0")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(schedule, "LOOK_EVERY_S", 0.02)
            with schedule.polling(home, FixedClock(datetime(2026, 3, 1, tzinfo=UTC))):
                for _ in range(500):
                    if server.listings():
                        break
                    time.sleep(0.02)
        assert len([one for one in server.asked if objects_asked(one)]) == 1
    states = {one["name"]: one["state"] for one in run("channel", "list", "--json").document["channels"]}  # type: ignore[attr-defined]
    assert states["by-hand"] == "new"
    assert states["b"] in {"fine", "new"}


@pytest.mark.parametrize(
    "proxy", ["socks5://proxy.example:1080", "127.0.0.1:3128", "", "https://p.example/x"]
)
def test_what_is_no_proxy_is_told_how_one_is_written(run: Run, proxy: str):
    ran = run("channel", "add", "taxii", "https://taxii.example/taxii2/", "--proxy", proxy)
    assert ran.code == 2
    assert "is no HTTP proxy that can be used" in ran.err
    assert "http://proxy.example:3128" in ran.err
    assert "taxii.example.org" not in ran.err
