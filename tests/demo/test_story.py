"""The demonstration tells what the desk answered, and nothing else."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from backchannel.cli.program import backchannel
from backchannel.clock import FixedClock
from backchannel.demo.story import DAY, tell

DOWNLOAD, SIGN_IN, RECORDS = (
    "Mudlark download server",
    "Slack Tide sign-in server",
    "Slack Tide: where the records are kept",
)
"""What the CERT offers: TLP:GREEN, TLP:AMBER, TLP:RED."""
WARNINGS, CALLS = "cert-vessland-second-wave.json", "lantern-help-line-night-calls.json"
PRINTER, UPDATE = "The printer that calls home", "Where the printer's update comes from"
CALLER = "indicator--6c0d7b52-8f0e-4a55-8e0b-0d2b7d1c9a03"
"""What the help line sends: TLP:GREEN, TLP:AMBER, TLP:RED."""
ADDRESS = "northpier-telecom-printers.json"
"""What comes when the logs were hunted through."""
RETOLD, PRINTERS = "lantern-help-line-card-machines.json", "cert-vessland-printers.json"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
ONLY_LOOPBACK = """
import sys

def watch(event, args):
    if event in {"socket.connect", "socket.bind", "socket.sendto"} and args[1][0] != "127.0.0.1":
        sys.stderr.write(f"{event} {args[1]}")
    if event in {"socket.getaddrinfo", "socket.gethostbyname"} and args[0] != "127.0.0.1":
        sys.stderr.write(f"{event} {args[0]}")

sys.addaudithook(watch)
from backchannel.app import main
main()
"""
"""The program, saying of each address that is not 127.0.0.1 and that it connects to, binds to or looks up."""

WORLD = Path(__file__).resolve().parents[2] / "src" / "backchannel" / "demo" / "world"


def told(folder: Path, world: Path) -> str:
    lines: list[str] = []
    folder.mkdir()
    tell(folder, FixedClock(DAY), lines.append, world=world)
    return "\n".join(lines)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The story of the world that comes with the program."""
    return told(tmp_path_factory.mktemp("shipped") / "story", WORLD)


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    world = tmp_path / f"world-{len(list(tmp_path.iterdir()))}"
    shutil.copytree(WORLD, world)
    text = (world / name).read_text("utf-8")
    assert old in text
    (world / name).write_text(text.replace(old, new, 1), "utf-8")
    return world


def remarked(tmp_path: Path, marking: str, *names: str, of: str = WARNINGS) -> Path:
    """The world in which some of what is offered has another marking."""
    world = tmp_path / f"world-{len(list(tmp_path.iterdir()))}"
    shutil.copytree(WORLD, world)
    path = world / "offered" / of
    bundle = json.loads(path.read_text("utf-8"))
    for name in names:
        (one,) = [thing for thing in bundle["objects"] if thing["name"] == name]
        one["object_marking_refs"] = [marking]
    path.write_text(json.dumps(bundle), "utf-8")
    return world


def exchange(story: str) -> str:
    return story.partition("6. What two nodes tell each other over TAXII")[2].partition("\n7. ")[0]


def by_hand(story: str) -> str:
    return act(story, "7. What goes by hand, through a folder that somebody else keeps")


def act(story: str, heading: str) -> str:
    return story.partition(f"\n{heading}\n")[2].partition("\n\n")[0]


def five_times(story: str) -> str:
    return act(story, "8. One claim that comes five times")


def true(story: str) -> str:
    return act(story, "9. A claim that is true")


def false(story: str) -> str:
    return act(story, "10. A claim that is false")


def later(story: str) -> str:
    return act(story, "11. What our logs say a week later")


def steady(story: str) -> str:
    """The story without what is drawn anew each time: code words, safety number, ids and keys; and seconds."""
    return re.sub(r"“\d+(-[a-z]+){3}”|(\d{5} ){11}\d{5}|[0-9a-f]{32}|[a-z2-7]{8}…|Told \d+\.\d s", "·", story)


def test_the_story_is_the_worlds(shipped: str):
    assert "10.20.4.31   203.0.113.77" in shipped
    assert "BLOCK    203.0.113.77" in shipped
    assert "ASK      weather.example" in shipped
    assert "TELL     192.0.2.18" in shipped
    for wrong in (
        "nottidegate.test",
        "tidegate.test.harbour.example",
        "203.0.113.177",
        "198.51.100.63",
        "wiki.",
    ):
        assert wrong not in shipped.partition("3. What to do")[0]


def test_another_log_line_is_another_story(tmp_path: Path, shipped: str):
    world = changed(tmp_path, "logs/zeek/http.log", "files.slackwater.test", "other.slackwater.test")
    other = told(tmp_path / "another-line", world)
    assert "invoice-1117.iso  (http.log" in shipped
    assert "invoice-1117.iso  (http.log" not in other


def test_another_indicator_is_another_story(tmp_path: Path):
    world = changed(tmp_path, "intelligence/lantern-help-line.txt", "weather[.]example", "tides[.]example")
    assert "weather.example" not in told(tmp_path / "another-indicator", world)


def test_two_nodes_exchange_over_taxii_and_the_same_world_is_the_same_story(tmp_path: Path, shipped: str):
    said = exchange(shipped)
    assert "Harbour Clinic polls “Warnings”: 7 objects, 4 new, 3 known" in said
    assert f"came          TLP:GREEN  {DOWNLOAD}" in said
    assert f"came          TLP:AMBER  {SIGN_IN}" in said
    assert f"stayed there  TLP:RED    {RECORDS}" in said
    assert "posts 3 objects to “Sightings”: 3 accepted, 0 refused, 0 withheld" in said
    assert (
        f"In the inbox of CERT Vessland, from Harbour Clinic: TLP:AMBER {DOWNLOAD} was seen 4 times" in said
    )
    assert steady(told(tmp_path / "again", WORLD)) == steady(shipped)


def test_what_was_red_and_is_green_comes(tmp_path: Path):
    said = exchange(told(tmp_path / "story", remarked(tmp_path, GREEN, RECORDS)))
    assert f"came          TLP:GREEN  {RECORDS}" in said
    assert "stayed there" not in said


def test_what_was_green_and_is_red_stays_and_nobody_sights_it(tmp_path: Path):
    said = exchange(told(tmp_path / "story", remarked(tmp_path, RED, DOWNLOAD)))
    assert f"stayed there  TLP:RED    {DOWNLOAD}" in said
    assert "203.0.113.91" not in said
    assert f"{DOWNLOAD} was seen" not in said
    assert "posts 2 objects to “Sightings”: 2 accepted" in said


def test_where_no_warning_comes_nothing_is_posted(tmp_path: Path):
    said = exchange(told(tmp_path / "story", remarked(tmp_path, RED, DOWNLOAD, SIGN_IN)))
    assert "polls “Warnings”" in said
    assert "came " not in said
    assert "posts" not in said
    assert "In the inbox of" not in said


def test_two_parties_meet_by_code_words_and_whoever_guesses_or_stands_between_is_found_out(shipped: str):
    said = by_hand(shipped)
    assert re.search(r"says on the telephone: “\d+-[a-z]+-[a-z]+-[a-z]+”", said)
    assert "guesses three other words: the other side used another code" in said
    assert "has the same number: Lantern Help Line is verified" in said
    assert "Read out by Mallory: that is not the number" in said


def test_drops_go_through_a_folder_and_what_was_done_to_them_is_refused_with_the_reason(shipped: str):
    said = by_hand(shipped)
    assert f"Stays with Lantern Help Line: TLP:RED {CALLER}" in said
    assert "Mallory changes one byte: refused (damaged)" in said
    assert "what was sent to her: refused (not-addressed)" in said
    assert "Harbour Clinic looks into the folder: taken, 3 new objects" in said
    assert "BLOCK    telemetry.printers.example: 6 lines, 1 host" in said
    assert f"passes on “{PRINTER}”; CERT Vessland: taken, 1 new object" in said
    assert "through 1 relay, and every signature holds" in said
    assert "Lantern Help Line says so itself: the signature holds." in said
    assert "Harbour Clinic passed it on unchanged: the signature holds." in said
    assert f"Harbour Clinic on “{PRINTER}”: hunted, found" in said
    assert f"Harbour Clinic on “{UPDATE}”: hunted, nothing" in said
    assert "Mallory: silent for 3 days" in said
    assert "entries in 2 files, all as they were signed" in said
    assert "changes one byte of the past: bad-tile" in said


def test_a_marking_says_what_goes_by_hand_and_what_is_passed_on(tmp_path: Path):
    nothing_red = remarked(tmp_path, GREEN, "The caller's own machine", of=CALLS)
    said = by_hand(told(tmp_path / "nothing-red", nothing_red))
    assert "Stays with" not in said
    assert "taken, 4 new objects" in said
    nothing_green = remarked(tmp_path, AMBER, PRINTER, of=CALLS)
    said = by_hand(told(tmp_path / "nothing-green", nothing_green))
    assert "passes on" not in said
    assert f"Harbour Clinic on “{PRINTER}”: hunted, found" in said


def test_where_nothing_may_go_no_drop_is_made(tmp_path: Path):
    world = remarked(tmp_path, RED, PRINTER, UPDATE, of=CALLS)
    said = by_hand(told(tmp_path / "story", world))
    assert said.count("Stays with Lantern Help Line: TLP:RED") == 3
    for absent in ("sends a drop", "Mallory changes one byte:", "passes on", "hunted", "silent"):
        assert absent not in said
    assert "all as they were signed" in said


def test_another_pattern_is_another_answer(tmp_path: Path):
    world = changed(tmp_path, f"offered/{CALLS}", "telemetry.printers.example", "telemetry.printers.test")
    said = by_hand(told(tmp_path / "story", world))
    assert "BLOCK" not in said
    assert f"Harbour Clinic on “{PRINTER}”: hunted, nothing" in said


def test_what_one_party_made_up_comes_five_times_and_is_one_origin_and_our_own_echo(shipped: str):
    said = five_times(shipped)
    ways = re.findall(r"^ {6}2026-11-\d\d  (.+)$", said, re.MULTILINE)
    assert ways == [
        "Skua Research > CERT Vessland",
        "Skua Research > CERT Vessland > Northpier Telecom",
        "? > Lantern Help Line",
        "Skua Research > CERT Vessland",
        "Skua Research > CERT Vessland > Harbour Clinic > Lantern Help Line",
    ]
    assert "5 reports - 1 independent origin - 1 is our own echo" in said
    assert "Skua Research (F): 4 reports of one origin" in said
    assert "the same party says so" in said
    assert re.search(r"the texts are alike \(8\d%\)", said)
    assert "came back after 2 days: the content is the same; through us > Lantern Help Line" in said
    assert "worth a 6 (no confidence in STIX): Nobody who says so is judged" in said
    assert "not blocked unless a person says so: It is not judged (6)" in said


def test_what_is_told_in_other_words_altogether_is_not_taken_for_the_same_report(tmp_path: Path):
    other = "Three shopkeepers complained to us of a device that talks while nobody is in the shop."
    world = tmp_path / "world"
    shutil.copytree(WORLD, world)
    path = world / "offered" / RETOLD
    path.write_text(
        re.sub(r'"description": ".+"', f'"description": "{other}"', path.read_text("utf-8")), "utf-8"
    )
    said = five_times(told(tmp_path / "story", world))
    assert "5 reports - 1 independent origin - 1 undisclosed - 1 is our own echo" in said
    assert "the texts are alike" not in said


def test_a_true_claim_is_confirmed_by_an_independent_source_and_by_our_own_logs(shipped: str):
    said = true(shipped)
    assert "telemetry.printers.example: 2 reports - 2 independent origins" in said
    assert re.search(r"Lantern Help Line \([A-E]\), which saw it itself", said)
    assert "CERT Vessland (F), which saw it itself" in said
    assert "worth a 3 (confidence 50 in STIX)" in said
    assert "telemetry.printers.example: 6 lines, 1 host" in said
    assert "worth a 1 (confidence 90 in STIX): We confirmed it ourselves, at first hand." in said
    assert "CERT Vessland hears from Harbour Clinic (sighting): Harbour Clinic saw it 2-9 times" in said


def test_what_is_not_in_our_logs_is_not_confirmed(tmp_path: Path):
    world = changed(tmp_path, f"offered/{PRINTERS}", "telemetry.printers.example", "unseen.printers.example")
    said = true(told(tmp_path / "story", world))
    assert "unseen.printers.example: 1 report - 1 independent origin" in said
    assert said.count("worth a 6") == 2
    for absent in ("worth a 1 ", "BLOCK", "hears from"):
        assert absent not in said


def test_a_false_claim_is_disputed_taken_back_and_its_block_withdrawn_at_a_third_party(shipped: str):
    said = false(shipped)
    before, _, after = said.partition("   CERT Vessland takes it back")
    assert "Northpier Telecom blocks time.printers.example\n" in before
    assert "Harbour Clinic disputes “Second control server of the printers”" in before
    assert "CERT Vessland hears from Harbour Clinic (opinion): Harbour Clinic says: disagree." in before
    assert "Harbour Clinic, from CERT Vessland: Withdrawn today, passed it to Northpier Telecom." in after
    assert "Northpier Telecom blocks nothing\n" in after
    assert "taken out time.printers.example: its source took it back: We took the time server" in after


def test_what_may_not_be_blocked_stands_in_no_block_to_withdraw(tmp_path: Path):
    world = tmp_path / "world"
    shutil.copytree(WORLD, world)
    path = world / "offered" / PRINTERS
    path.write_text(path.read_text("utf-8").replace("PAP:GREEN", "PAP:AMBER"), "utf-8")
    said = false(told(tmp_path / "story", world))
    assert said.count("Northpier Telecom blocks nothing") == 2
    assert "taken out" not in said


def test_the_hub_is_named_with_its_rhythm_and_what_its_hosts_share(shipped: str):
    said = later(shipped)
    assert "2 hosts of ours reached 203.0.113.77" in said
    assert "10.20.4.31: every 15 min" in said
    assert "10.20.60.7: 4 contacts, too few to say whether they are regular" in said
    assert "198.51.100.150 and telemetry.printers.example resolved to one another" in said


def test_another_beat_is_no_hub_by_the_clock(tmp_path: Path):
    world = tmp_path / "world"
    shutil.copytree(WORLD, world)
    path = world / "logs" / "zeek" / "conn.log"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    beats = [line for line in lines if "10.20.4.31" in line and "203.0.113.77" in line]
    assert len(beats) == 28
    path.write_text("".join(line for line in lines if line not in beats[5:]), "utf-8")
    said = later(told(tmp_path / "story", world))
    assert "2 hosts of ours reached harbour-portal.test" in said
    assert "every 15 min" not in said


def test_what_comes_after_the_hunt_is_found_in_the_logs_hunted_before(tmp_path: Path, shipped: str):
    assert "Seen in our logs before it came: 198.51.100.150 by 10.20.9.20, 2026-11-24 07:00" in later(shipped)
    world = changed(tmp_path, f"later/{ADDRESS}", "198.51.100.150", "198.51.100.151")
    said = later(told(tmp_path / "story", world))
    assert "Not seen in our logs before it came." in said
    assert "Seen in our logs" not in said


def test_a_caller_is_looked_for_where_it_is_switched_on_and_nothing_but_our_extension_is_told(shipped: str):
    before, _, after = later(shipped).partition("   in settings.toml: [[personal]]")
    assert "not searched for: x-phone-number, switched off for 1 log" in before
    assert "0 hits in 5 calls" in before
    assert re.findall(r"^ {6}(\+\d+) by (\d+), ", after, re.MULTILINE) == [
        ("+441632960417", "231"),
        ("+441632960417", "205"),
    ]
    assert "2 hits in 5 calls" in after
    for other in ("0175", "0418", "0108", "Accounts", "Your bank"):
        assert other not in after


def test_a_watch_tells_a_line_soon_after_it_was_written(shipped: str):
    (told_after,) = re.findall(
        r"Told (\d+\.\d) s after it was written: 203\.0\.113\.77 by 10\.20\.4\.31", shipped
    )
    assert float(told_after) < 10, "a second where nothing else runs"


def test_each_act_shows_a_command_that_there_is(shipped: str):
    typed = re.findall(r"^   \$ backchannel (.+)$", shipped, re.MULTILINE)
    assert len(re.findall(r"^\d+\. ", shipped, re.MULTILINE)) <= len(typed)
    for line in typed:
        command: click.Command = backchannel
        words = shlex.split(line)
        while isinstance(command, click.Group):
            command = command.get_command(click.Context(command), words.pop(0)) or pytest.fail(line)
        options = {name for one in command.params for name in one.opts}
        assert {word for word in words if word.startswith("-")} <= options, line


def test_what_is_red_or_unmarked_stays_and_every_ledger_says_so(shipped: str):
    said = act(shipped, "12. What left, and what did not")
    stayed = {
        name: int(count)
        for name, count in re.findall(
            r"^   ([\w ]+): .+ signed; of what stayed, (\d+) TLP", said, re.MULTILINE
        )
    }
    assert list(stayed) == [
        "Harbour Clinic",
        "CERT Vessland",
        "Lantern Help Line",
        "Mallory",
        "Northpier Telecom",
        "Skua Research",
    ]
    assert (stayed["CERT Vessland"], stayed["Lantern Help Line"]) == (1, 1)
    assert "Nothing that is TLP:RED or unmarked left any of the 6 nodes." in said


def test_the_command_ends_by_itself_without_a_terminal_and_asks_nobody_but_itself(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", ONLY_LOOPBACK, "demo", "--keep", str(tmp_path / "kept")],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "6. What two nodes tell each other over TAXII" in done.stdout
    assert {path.name for path in (tmp_path / "kept" / "exports").iterdir()} == {"zeek", "suricata", "rpz"}
