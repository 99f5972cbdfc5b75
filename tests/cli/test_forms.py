"""Every command answers a person in words and a script in documents."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.cli.running import FOUR, ONE, TWO, Run, conn, jsonl
from tests.desk.made import indicator
from tests.test_reference import ALL, COMMANDS, DOCUMENTS, first_column

ID = str(ONE["id"])
LIST = {
    "name": "Ours",
    "type": "hostname",
    "version": 1,
    "description": "Names of ours.",
    "list": ["evil1.example"],
}

READING = {
    "status": ("node of", "CERT Alpha", "objects", "last import", "last hunt"),
    "doctor": ("clock", "node", "key", "store", "own networks", "disk"),
    "batch list": ("batch", "CERT Beta", "set aside", "complete"),
    "batch show 2": ("Batch 2", "bad.json", "refused", "quarantined", "[STIX 2.1 §9]"),
    "party list": ("CERT Alpha", "ourselves", "CERT Beta", "unknown"),
    "party show 'cert beta'": ("CERT Beta", "its name only", "2 with 9 objects"),
    "inbox": (ID, "from CERT Beta by file", "TLP:AMBER+STRICT", "seen here: 2 lines, 1 own host", "LOOK"),
    "inbox --all --rows 100": ("relationship--",),
    f"show {ID}": (
        "evil1.example",
        "says so",
        "CERT Beta by file",
        "Related",
        "Malware 1",
        "Seen in our logs",
    ),
    f"why {ID}": ("How it came: 1 arrival", "CERT Beta", "What others say about it"),
    "hunt conn.log dns.log": (
        "5 hits of 3 indicators at 2 addresses of ours",
        "conn.log:1",
        "told by",
        "LOOK",
    ),
    "hits": ("By our host", "10.0.0.5", "By indicator", "evil1.example", "203.0.113.9"),
    "hub": ("2 hosts of ours reached",),
    f"advice {ID}": ("evil1.example", "LOOK"),
    "warninglist list": ("Backchannel: public resolvers", "built in"),
    "ledger show": ("backchannel/", "key", "2 recv", "batch 2", "waiting", "none"),
    "ledger verify": ("Good: backchannel/", "3 leaves", "2 files, 3 entries", "3 by the store"),
    f"ledger prove {ID}": ("c2sp.org/tlog-proof@v1", "index 0", "backchannel/"),
    "validate beta.json bad.json": ("10 objects", "1 for quarantine", "1 refused"),
}
"""What is read in the prepared home, and words that a person finds in the answer."""

CHANGING = {
    "init --name 'CERT Delta' --own-domain delta.example": ("CERT Delta", "10.0.0.0/8", "delta.example"),
    "import beta.json --from 'CERT Gamma' --tlp green": (
        "7 objects",
        "from CERT Gamma by file",
        "TLP:GREEN",
        "known",
    ),
    "batch undo 1": ("Batch 1 is undone", "7 objects"),
    "party add 'CERT Gamma'": ("CERT Gamma", "its name only"),
    "export zeek -o out": ("zeek, stage detect: written", "intel.dat"),
    "export suricata -o out": ("suricata, stage alert: written", "rules"),
    "export rpz -o out": ("rpz, stage block: written", "withheld", "pap"),
    f"ack {ID}": ('"type":"note"',),
    "sight --batch 1": ('"type":"bundle"', '"identity"'),
    f"sight {ID} --text 'On two machines.'": ('"type":"sighting"', '"count":2', "On two machines."),
    f"dispute {ID} --text 'It is ours.' --strongly": ('"type":"opinion"', '"opinion":"strongly-disagree"'),
    f"outcome {ID} confirmed --reason 'The log shows it.'": (
        "credibility",
        "1, confirmed",
        "confirmed (analyst)",
    ),
    f"grade {ID} --number 2 --blind --reason 'It fits.'": ("2, probably true", "blind: It fits."),
    f"union {ID} 1.1 ours same --reason 'They had it from us.'": ("independent origin",),
    "rehunt --all": ("5 hits of 3 indicators at 2 addresses of ours; looked for", "in what 2 logs held"),
    "ledger export out": ("3 leaves of backchannel/", "4 files in out"),
    "warninglist add list.json --class context": ("Ours", "context", "1 by hostname"),
}
"""What changes a home of the test's own."""

ELSEWHERE = {
    "backchannel demo",
    "backchannel serve",
    "backchannel watch",
    "backchannel warninglist remove",
    "backchannel receive",
    "backchannel decline",
    "backchannel answer",
    "backchannel retract",
} | {
    path
    for path in ALL
    if path.startswith(
        tuple(
            f"backchannel {group} "
            for group in (
                "taxii",
                "channel",
                "key",
                "party",
                "release",
                "refused",
                "policy",
                "ask",
                "compare",
                "pattern",
            )
        )
    )
}
"""Commands without a machine form: tests/demo, tests/web and below; tests/cli/test_taxii.py and tests/channels;
tests/cli/test_drops.py, test_receipts.py, test_policy.py, test_requests.py, test_comparing.py and test_patterns.py."""


def split(words: str) -> list[str]:
    return [part.strip("'") for part in re.findall(r"'[^']*'|\S+", words)]


def named(words: str) -> str:
    """The command that the words begin with, as the reference spells it."""
    return max((path for path in ALL if f"backchannel {words} ".startswith(f"{path} ")), key=len)


def holds(text: str, *said: str) -> None:
    plain = " ".join(text.split())
    for one in said:
        assert one in plain, f"{one!r} is not in {plain}"


def is_described(document: object, path: str) -> None:
    """The document is the one that the reference names for the command, and has its fields."""
    assert isinstance(document, dict)
    name = document["schema"]
    assert re.search(rf"`--json` \([^)]*`{re.escape(str(name))}`", COMMANDS[path])
    assert next(iter(document)) == "schema"
    assert set(document) == first_column(DOCUMENTS[name]), path


def test_every_command_is_run_here_or_elsewhere():
    assert {named(words) for words in (*READING, *CHANGING)} | ELSEWHERE == set(ALL)


@pytest.mark.parametrize("words", READING)
def test_what_is_read_is_told_in_words_and_in_a_document(ask: Run, words: str):
    told = ask(*split(words))
    assert told.code in {0, 1}, told.err
    holds(told.text, *READING[words])
    document = ask(*split(words), "--json")
    assert document.code == told.code
    is_described(document.document, named(words))


@pytest.mark.parametrize("words", CHANGING)
def test_what_changes_something_tells_it_in_words(run: Run, fresh: Run, world: Path, words: str):
    (world / "list.json").write_text(json.dumps(LIST), "utf-8")
    told = (fresh if words.startswith("init") else run)(*split(words))
    assert told.code in {0, 1}, told.err
    holds(told.text, *CHANGING[words])


@pytest.mark.parametrize("words", CHANGING)
def test_what_changes_something_tells_it_in_a_document(run: Run, fresh: Run, world: Path, words: str):
    (world / "list.json").write_text(json.dumps(LIST), "utf-8")
    is_described((fresh if words.startswith("init") else run)(*split(words), "--json").document, named(words))


# --- What is left to say of single commands ------------------------------------------------------


def test_raw_is_the_object_letter_for_letter(ask: Run):
    assert ask("show", ID, "--raw").out == json.dumps(ONE).encode() + b"\n"


def test_an_id_may_be_cut_short(ask: Run):
    assert ask("show", ID[:14], "--json").out == ask("show", ID, "--json").out


def test_the_inbox_is_read_page_by_page(ask: Run):
    seen: list[str] = []
    before: list[str] = []
    for _ in range(10):
        page = ask("inbox", "--rows", "2", "--json", *before).document
        items = page["items"]
        assert isinstance(items, list)
        seen += [item["id"] for item in items]
        if page["next"] is None:
            break
        before = ["--before", str(page["next"])]
    assert len(seen) == len(set(seen)) == 5
    assert {ONE["id"], TWO["id"], FOUR["id"]} <= set(seen)


def test_an_added_warning_list_is_listed_and_removed(run: Run, world: Path):
    (world / "list.json").write_text(json.dumps(LIST), "utf-8")
    assert run("warninglist", "add", "list.json").code == 0
    assert "Ours" in run("warninglist", "list").text
    assert "Removed Ours." in run("warninglist", "remove", "Ours").err
    assert "Ours" not in run("warninglist", "list").text


def test_an_export_written_twice_is_unchanged(run: Run):
    assert run("export", "zeek", "-o", "out", "--json").document["changed"] is True
    assert run("export", "zeek", "-o", "out", "--json").document["changed"] is False


def test_an_answer_goes_into_a_file_that_the_source_can_read(run: Run, world: Path):
    ran = run("sight", ID, "-o", "sighting.json")
    assert (ran.code, ran.out) == (0, b"")
    assert "Next: send sighting.json to CERT Beta." in ran.err
    bundle = json.loads((world / "sighting.json").read_bytes())
    assert [one["type"] for one in bundle["objects"]] == ["identity", "sighting"]
    assert run("import", "sighting.json").code == 0


def test_a_dispute_is_seen_in_why_and_ends_the_export(run: Run):
    run("dispute", ID, "--text", "It is ours.")
    holds(run("why", ID).text, "What we said", "dispute")
    skipped = run("export", "zeek", "-o", "out", "--json").document["skipped"]
    assert isinstance(skipped, list)
    assert ID in {one["indicator"] for one in skipped}


@pytest.mark.parametrize("name", ["O'Hara & 株式会社", "[bold]red[/bold]", "--from", "a" * 200])
def test_a_party_may_have_an_odd_name(run: Run, name: str):
    assert run("import", "beta.json", "--from", name).code == 0
    shown = run("party", "show", "--json", "--", name).document["party"]
    assert isinstance(shown, dict)
    assert (shown["name"], shown["batches"]) == (name, 1)
    assert name[:8] in run("party", "list").text


def test_blanks_in_a_name_are_no_other_name(run: Run):
    assert run("import", "beta.json", "--from", " CERT  Beta ", "--json").document["party"] == "CERT Beta"


def test_nothing_that_others_wrote_moves_the_cursor(run: Run, world: Path):
    url = "http://evil9.example/\x1b[2J\u202e"
    prefix = indicator(9, name="\x1b[31mName", pattern="[url:value LIKE 'http://evil9.example/%']")
    (world / "list.jsonl").write_text(json.dumps(prefix) + "\n", "utf-8")
    record = {**conn(0, "192.0.2.1"), "method": "GET", "host": "evil9.example", "uri": url[20:]}
    jsonl(world / "http\x1b[31m.log", record)
    run("import", "list.jsonl", "--from", "CERT Beta")
    for words in (["hunt", "http\x1b[31m.log"], ["hits"], ["inbox"], ["show", str(prefix["id"])]):
        ran = run(*words)
        assert "evil9.example" in ran.text
        assert not {"\x1b", "\u202e"} & set(ran.text + ran.err), words


def test_a_hunt_that_had_nothing_to_look_for_says_so(fresh: Run):
    fresh("init", "--name", "CERT Alpha")
    ran = fresh("hunt", "dns.log")
    assert ran.code == 0
    holds(ran.text, "looked for nothing", "no indicator is here yet")
    assert "Next: backchannel import" in ran.err
