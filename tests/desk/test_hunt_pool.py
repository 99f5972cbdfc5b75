"""Hunts by several processes: what they find and keep is what one process finds, whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, a_file, indicator, take
from tests.desk.test_hunting import DAY, JANUARY, a_log, dns

from backchannel import codec
from backchannel.desk import hunt_pool, hunting
from backchannel.desk.days import FILE, day_index
from backchannel.desk.hit_taking import HuntOptions
from backchannel.desk.hitbook import hits as book_of_hits
from backchannel.desk.hitting import Hit, HuntSummary
from backchannel.desk.hunting import hunt
from backchannel.desk.node import Node
from backchannel.matching.day_index import DayRow

LOGS = 6


@pytest.fixture
def logs(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Logs with hits, with none, broken ones, one packed, and whole patterns that one and that several of them decide."""
    monkeypatch.setattr(hunting, "MIN_POOL_BYTES", 1)
    both = "[domain-name:value = 'evil1.example'] AND [domain-name:value = 'both.example']"
    one_record = "[network-traffic:dst_ref.value = '10.0.0.1' AND domain-name:value = 'evil2.example']"
    take(
        node,
        a_file(
            tmp_path,
            indicator(1),
            indicator(2),
            indicator(3, pattern=both),
            indicator(4, pattern=one_record),
        ),
    )
    folder = tmp_path / "logs"
    folder.mkdir()
    for number in range(LOGS):
        at = JANUARY + 3 * DAY * number
        records = [dns(f"good{n}.example", at=at + n, client=f"10.0.0.{10 + number}") for n in range(50)]
        records += [dns("evil1.example", at=at + n) for n in range(700 if number == 1 else number)]
        records.append(dns("both.example" if number == 4 else "evil2.example", at=at + 99))
        a_log(folder, *records, name=f"dns{number}.log")
    grown = (
        (folder / "dns1.log").read_text("utf-8")
        + codec.encode(dns("evil1.example", at=JANUARY + 3 * DAY)).decode()
        + "\n"
    )
    (folder / "dns1.log.grown").write_text(grown, "utf-8")
    (folder / "broken.log").write_bytes(b"\x1f\x8bnot packed")
    (folder / "dns2.log").write_text((folder / "dns2.log").read_text("utf-8") + "{half\n", "utf-8")
    return folder


def going(node: Node, logs: Path, jobs: int) -> Generator[Hit | HuntSummary, None, None]:
    yield from hunt(node, CLOCK, [logs, logs / "gone.log"], HuntOptions(jobs=jobs))


def indexed(node: Node) -> dict[str, list[DayRow]]:
    """What the day index holds of each log; it is empty after that."""
    with day_index(node) as index:
        held = {log.path: index.values(b"", b"\xff", log.row, at_most=1_000_000) for log in index.logs()}
    for file in node.home.glob(f"{FILE}*"):
        file.unlink()
    return held


def test_several_processes_find_what_one_finds_in_its_order(node: Node, logs: Path):
    alone = [codec.encode(one) for one in going(node, logs, 1)]
    book, index = book_of_hits(node, CLOCK), indexed(node)
    together = [codec.encode(one) for one in going(node, logs, 3)]
    assert together == alone
    assert len(alone) > 700
    assert b'"gaps":[{' in alone[-1]
    after = book_of_hits(node, CLOCK)
    assert (after.by_indicator, after.by_asset) == (book.by_indicator, book.by_asset)
    assert indexed(node) == index
    assert len(index) == LOGS  # dns1.log and what it grew to are one


def test_a_process_that_is_killed_is_replaced_and_its_log_read_again(
    node: Node, logs: Path, monkeypatch: pytest.MonkeyPatch
):
    alone = [codec.encode(one) for one in going(node, logs, 1)]
    pools: list[hunt_pool.HuntPool] = []
    give = hunt_pool.HuntPool.give

    def note(pool: hunt_pool.HuntPool, job: hunt_pool.Job) -> None:
        if pool not in pools:
            pools.append(pool)
        give(pool, job)

    replaced: list[str] = []
    replace = hunt_pool.HuntPool._replace

    def note_replaced(pool: hunt_pool.HuntPool, worker: hunt_pool._Worker, given: hunt_pool._Given) -> None:
        replaced.append(given.job.name)
        replace(pool, worker, given)

    monkeypatch.setattr(hunt_pool.HuntPool, "give", note)
    monkeypatch.setattr(hunt_pool.HuntPool, "_replace", note_replaced)
    found: list[bytes] = []
    for one in going(node, logs, 2):
        found.append(codec.encode(one))
        if len(found) in {1, 705, 1406}:
            for pid in pools[0].pids():
                os.kill(pid, signal.SIGKILL)  # one that is dead already is not waited for yet
    assert found == alone
    assert replaced


def test_a_log_that_ends_each_process_is_named_and_the_others_are_searched(
    node: Node, logs: Path, monkeypatch: pytest.MonkeyPatch
):
    receive = hunt_pool.HuntPool._receive

    def kill_first(pool: hunt_pool.HuntPool, wanted: hunt_pool._Given) -> None:
        if wanted.job.name.endswith("dns3.log"):
            for worker in pool._workers:
                if worker.given is wanted:
                    worker.process.kill()
                    worker.process.join()
                    while worker.link.poll():
                        try:
                            worker.link.recv()
                        except (EOFError, OSError):
                            break
        receive(pool, wanted)

    monkeypatch.setattr(hunt_pool.HuntPool, "_receive", kill_first)
    monkeypatch.setattr(hunt_pool, "MAX_WAITING", 0)
    *_, end = going(node, logs, 2)
    assert isinstance(end, HuntSummary)
    assert [one.path for one in end.skipped if "died" in one.why] == [str(logs / "dns3.log")]
    assert end.files == LOGS


def test_who_stops_a_hunt_leaves_no_process_behind(node: Node, logs: Path, monkeypatch: pytest.MonkeyPatch):
    pools: list[hunt_pool.HuntPool] = []
    begin = hunt_pool.HuntPool.__init__

    def note(pool: hunt_pool.HuntPool, work: hunt_pool.Work, processes: int) -> None:
        begin(pool, work, processes)
        pools.append(pool)

    monkeypatch.setattr(hunt_pool.HuntPool, "__init__", note)
    hunted = going(node, logs, 2)
    next(hunted)
    pids = pools[0].pids()
    assert len(pids) == 2
    hunted.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
