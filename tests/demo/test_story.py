"""The demonstration tells what the desk answered, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from backchannel.clock import FixedClock
from backchannel.demo.story import DAY, tell

DOWNLOAD, SIGN_IN, RECORDS = (
    "Mudlark download server",
    "Slack Tide sign-in server",
    "Slack Tide: where the records are kept",
)
"""What the CERT offers: TLP:GREEN, TLP:AMBER, TLP:RED."""
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
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


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    world = tmp_path / f"world-{len(list(tmp_path.iterdir()))}"
    shutil.copytree(WORLD, world)
    text = (world / name).read_text("utf-8")
    assert old in text
    (world / name).write_text(text.replace(old, new, 1), "utf-8")
    return world


def remarked(tmp_path: Path, marking: str, *names: str) -> Path:
    """The world in which some of what the CERT offers has another marking."""
    world = tmp_path / f"world-{len(list(tmp_path.iterdir()))}"
    shutil.copytree(WORLD, world)
    path = world / "offered" / "cert-vessland-second-wave.json"
    bundle = json.loads(path.read_text("utf-8"))
    for name in names:
        (one,) = [thing for thing in bundle["objects"] if thing["name"] == name]
        one["object_marking_refs"] = [marking]
    path.write_text(json.dumps(bundle), "utf-8")
    return world


def exchange(story: str) -> str:
    return story.partition("6. What two nodes tell each other over TAXII")[2]


def test_the_story_is_the_worlds(tmp_path: Path):
    story = told(tmp_path / "as-shipped", WORLD)
    assert "10.20.4.31   203.0.113.77" in story
    assert "BLOCK    203.0.113.77" in story
    assert "ASK      weather.example" in story
    assert "TELL     192.0.2.18" in story
    for wrong in (
        "nottidegate.test",
        "tidegate.test.harbour.example",
        "203.0.113.177",
        "198.51.100.63",
        "wiki.",
    ):
        assert wrong not in story.partition("3. What to do")[0]


def test_another_log_line_is_another_story(tmp_path: Path):
    story = told(tmp_path / "as-shipped", WORLD)
    world = changed(tmp_path, "logs/zeek/http.log", "files.slackwater.test", "other.slackwater.test")
    other = told(tmp_path / "another-line", world)
    assert "invoice-1117.iso  (http.log" in story
    assert "invoice-1117.iso  (http.log" not in other


def test_another_indicator_is_another_story(tmp_path: Path):
    world = changed(tmp_path, "intelligence/lantern-help-line.txt", "weather[.]example", "tides[.]example")
    assert "weather.example" not in told(tmp_path / "another-indicator", world)


def test_two_nodes_exchange_over_taxii_and_the_same_world_is_the_same_story(tmp_path: Path):
    story = told(tmp_path / "as-shipped", WORLD)
    said = exchange(story)
    assert "Harbour Clinic polls “Warnings”: 7 objects, 4 new, 3 known" in said
    assert f"came          TLP:GREEN  {DOWNLOAD}" in said
    assert f"came          TLP:AMBER  {SIGN_IN}" in said
    assert f"stayed there  TLP:RED    {RECORDS}" in said
    assert "posts 3 objects to “Sightings”: 3 accepted, 0 refused, 0 withheld" in said
    assert (
        f"In the inbox of CERT Vessland, from Harbour Clinic: TLP:AMBER {DOWNLOAD} was seen 4 times" in said
    )
    assert told(tmp_path / "again", WORLD) == story


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
