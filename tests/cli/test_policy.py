"""`policy check`: what is wrong with a policy is named with its line; a broken one lets nothing leave, and everything says so."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import Run

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "policy.toml"
HEAD = 'version = 1\ndefault = "deny"\n'
FAILING = HEAD + '[[test]]\nname = "all goes"\ntlp = "CLEAR"\nobject = { type = "note" }\nexpect = "goes"\n'


def test_without_a_file_tlp_alone_decides(ask: Run):
    found = ask("policy", "check", "--json")
    assert (found.code, found.document["state"], found.document["file"]) == (0, "none", None)


def test_the_example_can_be_tried_and_names_the_parties_that_are_not_known_here(run: Run):
    found = run("policy", "check", EXAMPLE, "--json")
    assert found.code == 1
    assert [one["name"] for one in found.document["cases"] if not one["passed"]] == []  # type: ignore[attr-defined,index]
    doubts = [one["what"] for one in found.document["doubts"]]  # type: ignore[attr-defined,index]
    assert any("CERT Gamma is no party that is known here" in what for what in doubts)
    assert not any("CERT Beta" in what for what in doubts)
    text = run("policy", "check", EXAMPLE).text
    assert "Its own tests: 0 of 8 failed" in text
    assert "never goes to anybody: source protection." in text


def test_a_draft_can_be_checked_where_there_is_no_node(fresh: Run, world: Path):
    (world / "draft.toml").write_text(HEAD)
    assert fresh("policy", "check", "draft.toml").code == 0
    assert fresh("policy", "check").code == 2
    assert fresh("policy", "check", "nowhere.toml").code == 3


def test_a_test_of_its_own_that_fails_needs_a_person(run: Run, world: Path):
    (world / "home" / "policy.toml").write_text(FAILING)
    found = run("policy", "check")
    assert found.code == 1
    assert "FAILED" in found.text
    doctor = run("doctor", "--json").document
    assert next(one for one in doctor["checks"] if one["name"] == "policy")["state"] == "look"  # type: ignore[attr-defined,index]


def test_a_broken_policy_is_named_with_its_line_and_lets_nothing_leave(run: Run, world: Path):
    (world / "home" / "policy.toml").write_text(HEAD + '[[rule]]\nid = "a"\nto = []\nallow = true\n')
    found = run("policy", "check")
    assert found.code == 3
    assert "line 5, rule 1: to: it names nobody" in found.text
    assert "nothing leaves" in found.err
    doctor = run("doctor", "--json").document
    check = next(one for one in doctor["checks"] if one["name"] == "policy")  # type: ignore[attr-defined,index]
    assert check["state"] == "broken"
    assert "nothing leaves" in check["found"]
    feed = run("export", "misp-feed", "-o", "feed")
    assert feed.code == 4, feed.err
    assert "policy check" in feed.err
    assert not (world / "feed").exists()
