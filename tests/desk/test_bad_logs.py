"""What happens to logs while they are read costs only that: they grow, are renamed, emptied, forbidden or endless."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.running import command, environment, jsonl, run_in
from tests.desk.made import a_file, indicator, take
from tests.desk.test_hunting import DAY, JANUARY, a_log, counts, dns, hunted, met

from backchannel.desk import days
from backchannel.desk.days import day_index
from backchannel.desk.hit_taking import Taker
from backchannel.desk.node import Node, open_node
from backchannel.logs.lines import MAX_LINE_BYTES
from backchannel.matching import bulk

BOTH_WAYS = pytest.mark.parametrize("least", [1, 2**60], ids=["in bulk", "by lines"])
FORMS = pytest.mark.parametrize("form", ["json", "table"])
HEAD = "#fields\tts\tuid\tid.orig_h\tid.resp_h\tquery\tanswers\n"


def line(form: str, query: str, *, at: float = JANUARY) -> str:
    if form == "json":
        return json.dumps(dns(query, at=at)) + "\n"
    return f"{at}\tC1\t10.0.0.5\t10.0.0.1\t{query}\t-\n"


def write(path: Path, form: str, *queries: str) -> Path:
    path.write_text((HEAD if form == "table" else "") + "".join(line(form, query) for query in queries))
    return path


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen once, when a log was opened and before it is read."""
    begin, left = Taker.begin, [happens]

    def beginning(self: Taker, *given: object) -> None:
        begin(self, *given)
        while left:
            left.pop()()

    monkeypatch.setattr(Taker, "begin", beginning)


def noted(node: Node) -> dict[str, int]:
    """Name to records of it in the day index, over all days and logs."""
    with day_index(node) as index:
        rows = index._execute("SELECT key, sum(n) FROM seen GROUP BY key").fetchall()
    return {key.decode("latin-1"): n for key, n in rows}


def of_name(node: Node, part: str) -> int:
    return sum(n for key, n in noted(node).items() if part in key)


@BOTH_WAYS
@FORMS
def test_a_log_that_grows_while_it_is_read_is_read_to_where_it_ended(
    node: Node, tmp_path: Path, monkeypatch, least: int, form: str
):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
    take(node, a_file(tmp_path, indicator(1)))
    log = write(tmp_path / "dns.log", form, "fine.example", "evil1.example")

    def grow() -> None:
        with log.open("a") as stream:
            stream.write(line(form, "evil1.example") * 50 + line(form, "evil1.example")[:40])

    meanwhile(monkeypatch, grow)
    head = 1 if form == "table" else 0
    found, end = hunted(node, log)
    assert [hit.log.line for hit in found] == [head + 2]
    assert (end.records, end.skipped) == (2, ())
    assert of_name(node, "evil1") == 1
    with log.open("a") as stream:
        stream.write(line(form, "evil1.example")[40:])
    assert hunted(node, log)[1].records == 53
    assert of_name(node, "evil1") == 52
    assert counts(node) == {"evil1.example": 52}


@BOTH_WAYS
@FORMS
def test_a_last_line_without_an_end_is_searched_and_noted_once(
    node: Node, tmp_path: Path, monkeypatch, least: int, form: str
):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
    take(node, a_file(tmp_path, indicator(1)))
    log = write(tmp_path / "dns.log", form, "fine.example", "evil1.example")
    log.write_text(log.read_text().rstrip("\n"))
    assert hunted(node, log)[1].hits == 1
    with log.open("a") as stream:
        stream.write("\n" + line(form, "evil1.example"))
    assert hunted(node, log)[1].hits == 2
    assert of_name(node, "evil1") == 2
    assert counts(node) == {"evil1.example": 2}


@BOTH_WAYS
@FORMS
def test_a_log_that_is_renamed_while_it_is_read_is_not_mixed_with_the_next_one(
    node: Node, tmp_path: Path, monkeypatch, least: int, form: str
):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
    take(node, a_file(tmp_path, indicator(1), indicator(2)))
    log = write(tmp_path / "dns.log", form, "fine.example", "fine.example", "evil1.example")

    def rotate() -> None:
        log.rename(tmp_path / "dns.log.1")
        write(log, form, "evil2.example")

    meanwhile(monkeypatch, rotate)
    head = 1 if form == "table" else 0
    assert met(node, log) == [("evil1.example", head + 3)]
    assert met(node, log) == [("evil2.example", head + 1)]
    assert met(node, tmp_path / "dns.log.1") == [("evil1.example", head + 3)]
    assert counts(node) == {"evil1.example": 1, "evil2.example": 1}


@BOTH_WAYS
@FORMS
def test_a_log_that_is_emptied_while_it_is_read_is_named_and_its_copy_read_in_full(
    node: Node, tmp_path: Path, monkeypatch, least: int, form: str
):
    monkeypatch.setattr(bulk, "MIN_BULK_BYTES", least)
    take(node, a_file(tmp_path, indicator(1)))
    (tmp_path / "logs").mkdir()
    log = write(tmp_path / "logs" / "a.log", form, *["evil1.example"] * 500)
    write(tmp_path / "logs" / "b.log", form, "other.example", "evil1.example")
    copy = tmp_path / "a.log.1"

    def copy_and_empty() -> None:
        shutil.copy(log, copy)
        os.truncate(log, 0)

    meanwhile(monkeypatch, copy_and_empty)
    end = hunted(node, tmp_path / "logs")[1]
    assert [(Path(one.path).name, one.line, "emptied" in one.why) for one in end.skipped] == [
        ("a.log", None, True)
    ]
    assert end.files == 2
    assert counts(node) == {"evil1.example": 1}
    assert of_name(node, "evil1") == 1
    assert hunted(node, copy)[1].hits == 500
    assert of_name(node, "evil1") == 501


def test_a_file_that_vanishes_between_listing_and_opening_costs_only_itself(
    node: Node, tmp_path: Path, monkeypatch
):
    take(node, a_file(tmp_path, indicator(1)))
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("a.log", "b.log", "c.log"):
        a_log(logs, dns("evil1.example", client=f"10.0.0.{ord(name[0])}"), name=name)
    meanwhile(monkeypatch, (logs / "b.log").unlink)
    found, end = hunted(node, logs)
    assert [Path(hit.log.path).name for hit in found] == ["a.log", "c.log"]
    assert [(Path(one.path).name, "no such file" in one.why.lower()) for one in end.skipped] == [
        ("b.log", True)
    ]


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of anybody's, in which the test goes on without the rights of root."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    os.seteuid(os.getuid())
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def test_what_may_not_be_read_is_named_folder_by_folder(node: Node, as_nobody: Path):
    from backchannel.desk.own_logs import logs_in  # noqa: PLC0415
    from backchannel.matching.hunt import Tally  # noqa: PLC0415

    for name in ("closed/x.log", "listed/y.log", "open/a.log", "open/b.log"):
        (as_nobody / name).parent.mkdir(exist_ok=True)
        a_log((as_nobody / name).parent, dns("evil1.example"), name=Path(name).name)
    (as_nobody / "closed").chmod(0)
    (as_nobody / "listed").chmod(0o444)
    (as_nobody / "open" / "a.log").chmod(0)
    if os.getuid() == 0:
        os.seteuid(65534)
    tally = Tally()
    yielded = [
        path.name
        for path, _ in logs_in([as_nobody, as_nobody / "listed" / "y.log", as_nobody / "closed"], tally)
    ]
    assert yielded == ["a.log", "b.log"]  # the first cannot be opened, and says so when it is
    told = [(str(Path(note.path).relative_to(as_nobody)), note.why) for note in tally.skipped]
    denied = "it cannot be opened: Permission denied"
    assert sorted(told) == [
        ("closed", denied),
        ("closed", denied),
        ("listed/y.log", denied),
        ("listed/y.log", denied),
    ]


def test_a_line_of_a_gigabyte_costs_neither_memory_nor_the_lines_around_it(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    for form in ("json", "table"):
        log = write(tmp_path / f"{form}.log", form, *["fine.example"] * 5, "evil1.example")
        with log.open("r+b") as stream:
            stream.seek(2**30, os.SEEK_END)  # a hole: no disk is taken
            stream.write(b"\n" + line(form, "evil1.example", at=JANUARY + DAY).encode())
        tracemalloc.start()
        began = time.process_time()
        found, end = hunted(node, log)
        took, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        head = 1 if form == "table" else 0
        assert [hit.log.line for hit in found] == [head + 6, head + 8], end.skipped
        assert [(one.line, f"longer than {MAX_LINE_BYTES:,}" in one.why) for one in end.skipped] == [
            (head + 7, True)
        ]
        assert peak < 64 * 2**20
        assert took < 30


def test_two_hunts_of_one_log_at_once_count_its_lines_once(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = a_log(tmp_path, *(dns("evil1.example", at=JANUARY + n) for n in range(300)))
    ends: list[int] = []

    def run() -> None:
        with open_node(node.home) as other:
            ends.append(hunted(other, log)[1].hits)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ends == [300, 300]
    assert counts(node) == {"evil1.example": 300}
    assert of_name(node, "evil1") == 300


def test_a_hunt_that_is_killed_at_any_moment_comes_to_the_same_when_it_is_done_again(tmp_path: Path):
    home, logs = tmp_path / "home", tmp_path / "logs"
    logs.mkdir()
    assert run_in(home, "init", "--name", "CERT Alpha", cwd=tmp_path).code == 0
    jsonl(tmp_path / "x.jsonl", indicator(1))
    assert run_in(home, "import", "x.jsonl", cwd=tmp_path).code == 0
    for number in range(6):
        records = (
            dns("evil1.example" if n % 10 == 0 else f"n{n}.example", at=JANUARY + number * DAY + n)
            for n in range(3_000)
        )
        a_log(logs, *records, name=f"{number}.log")
    began = time.monotonic()
    subprocess.run(
        command(home, "hunt", logs, "--until", "1971-01-01"),
        env=environment(),
        capture_output=True,
        check=False,
    )
    whole = time.monotonic() - began
    with open_node(home) as node:
        assert of_name(node, "evil1") == 1_800
    (home / "days.sqlite").unlink()
    for part in (0.5, 0.7, 0.85, 1.0):
        going = subprocess.Popen(
            command(home, "hunt", logs),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(whole * part)
        going.send_signal(signal.SIGKILL)
        going.wait()
        with open_node(home) as node:
            assert counts(node).get("evil1.example", 0) % 300 == 0  # log by log
            if (home / "days.sqlite").exists():
                assert of_name(node, "evil1") % 300 == 0
    assert run_in(home, "hunt", str(logs), cwd=tmp_path).code == 1
    with open_node(home) as node:
        assert counts(node) == {"evil1.example": 1_800}
        assert of_name(node, "evil1") == 1_800


FULL = """
import resource, sys
from backchannel.app import main
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main()
"""


def test_a_disk_that_is_full_for_the_day_index_costs_no_hit(tmp_path: Path):
    home = tmp_path / "home"
    assert run_in(home, "init", "--name", "CERT Alpha", cwd=tmp_path).code == 0
    jsonl(tmp_path / "x.jsonl", indicator(1))
    assert run_in(home, "import", "x.jsonl", cwd=tmp_path).code == 0
    many = (dns(f"{'x' * 50}{n}.example", at=JANUARY + n) for n in range(40_000))
    logs = [
        a_log(tmp_path, dns("evil1.example"), *many),
        a_log(tmp_path, dns("evil1.example", at=1), name="b.log"),
    ]
    limit = max(path.stat().st_size for path in home.iterdir()) + 1_500_000
    words = [str(limit), "--home", str(home), "hunt", *map(str, logs), "--json"]
    ran = subprocess.run(
        [sys.executable, "-c", FULL, *words], env=environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stderr
    end = json.loads(ran.stdout)["summary"]
    assert (end["hits"], end["files"]) == (2, 2)
    assert any("day index" in one["why"] and "not in it" in one["why"] for one in end["skipped"]), end[
        "skipped"
    ]
    assert "Traceback" not in ran.stderr
    assert run_in(home, "hunt", *map(str, logs), cwd=tmp_path).code == 1
    with open_node(home) as node:
        assert counts(node) == {"evil1.example": 2}
        assert of_name(node, "evil1") == 2


def test_a_damaged_day_index_costs_no_hit_and_is_named(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    (node.home / days.FILE).write_bytes(b"no database" * 1000)
    end = hunted(node, a_log(tmp_path, dns("evil1.example")))[1]
    assert end.hits == 1
    assert ["delete" in one.why or "day index" in one.why for one in end.skipped] == [True]
