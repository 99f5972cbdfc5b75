"""The demonstration tells what the desk answered, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from backchannel.clock import FixedClock
from backchannel.demo.story import DAY, tell

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


def test_the_command_ends_by_itself_without_a_terminal_and_leaves_nothing_behind(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "backchannel", "demo", "--keep", str(tmp_path / "kept")],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "5. What we tell them back" in done.stdout
    assert {path.name for path in (tmp_path / "kept" / "exports").iterdir()} == {"zeek", "suricata", "rpz"}
