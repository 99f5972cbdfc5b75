"""Logs are searched as they grow: each line once, through rotation and restarts, with what a hunt would find."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, Made, a_file, an_id, indicator, take
from tests.desk.test_hunting import DAY, JANUARY, conn, counts, dns, hunted
from tests.desk.test_rehunting import GOLDEN, RECORDS

from backchannel import codec
from backchannel.desk import days, watch_logs, watch_streams, watching
from backchannel.desk.inbox import show
from backchannel.desk.lock import watch_lock
from backchannel.desk.node import Node, open_node
from backchannel.desk.rehunting import rehunt
from backchannel.desk.watch_index import add_watched
from backchannel.desk.watch_streams import WatchedStream
from backchannel.desk.watching import WatchOptions, watch, watch_files
from backchannel.errors import StoreError, UsageError
from backchannel.logs.times import Assumed


class Watching:
    """A watch in a thread of its own."""

    def __init__(
        self, node: Node, targets: Sequence[Path], options: WatchOptions, streams: Sequence[WatchedStream]
    ):
        self.hits: list[dict[str, object]] = []
        self.notes: list[tuple[str, int | None, str]] = []
        self.stop, self.ready = threading.Event(), threading.Event()
        self._given = (node.home, targets, options, streams)
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        assert self.ready.wait(20)

    def _run(self) -> None:
        home, targets, options, streams = self._given
        try:
            with open_node(home) as node:
                files = watch_files(node, targets, options, on_note=lambda *note: self.notes.append(note))
                going = watch(
                    node,
                    CLOCK,
                    [*files, *streams, Ready(self.ready)],
                    options,
                    targets=targets,
                    stop=self.stop,
                )
                for told in going:
                    self.hits += [codec.decode(body) for _, body in told.hits]
        except BaseException as error:
            self._error = error
            raise
        finally:
            self.ready.set()

    def until(self, number: int) -> list[str]:
        """Wait for so many hits; return values and lines."""
        wait_for(lambda: len(self.hits) >= number or self._error is not None)
        return self.found()

    def found(self) -> list[str]:
        return [f"{hit['hit']['observable']['value']}:{hit['hit']['log']['line']}" for hit in self.hits]

    def end(self) -> list[str]:
        self.stop.set()
        self.thread.join(20)
        assert self._error is None
        return self.found()


class Ready:
    """Says when all sources before it were looked at once."""

    ends = True

    def __init__(self, ready: threading.Event) -> None:
        self.changed: dict[str, object] = {}
        self._ready = ready

    def step(self) -> Iterator[object]:
        self._ready.set()
        return iter(())

    def close(self) -> None:
        pass


def wait_for(done: Callable[[], bool], *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


@contextmanager
def watched(
    node: Node, *targets: Path, options: WatchOptions | None = None, streams: Sequence[WatchedStream] = ()
) -> Iterator[Watching]:
    one = Watching(node, targets, options or WatchOptions(), streams)
    try:
        yield one
    finally:
        one.end()


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(watch_logs, "LOOK_S", 0.05)
    monkeypatch.setattr(watch_logs, "SETTLE_S", 0.3)
    monkeypatch.setattr(watching, "REFRESH_S", 0.05)


def append(path: Path, *records: Made) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(record) + "\n" for record in records)


def evil(number: int) -> Made:
    return dns("evil1.example", at=JANUARY + number)


def test_only_what_comes_is_searched_and_a_restart_goes_on(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = tmp_path / "dns.log"
    append(log, evil(0), evil(1))
    with watched(node, log) as one:
        append(log, dns("fine.example"), evil(2))
        assert one.until(1) == ["evil1.example:4"]
    append(log, evil(3))  # while nobody watches
    with watched(node, log) as one:
        assert one.until(1) == ["evil1.example:5"]
        append(log, evil(4))
        assert one.until(2) == ["evil1.example:5", "evil1.example:6"]
    with watched(node, log) as one:
        pass
    assert one.hits == []
    assert counts(node) == {"evil1.example": 3}


def test_it_finds_what_a_hunt_finds_and_says_it_alike(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, *GOLDEN))
    folder = tmp_path / "logs"
    folder.mkdir()
    with watched(node, folder) as one:
        append(folder / "all.log", *RECORDS)
        one.until(12)
        time.sleep(0.2)
    told = [hit["hit"] for hit in one.hits]
    sums = counts(node)
    hits, _ = hunted(node, folder / "all.log")
    assert sorted(map(str, told)) == sorted(str(codec.decode(codec.encode(hit))) for hit in hits)
    assert counts(node) == sums  # the log hunted, too, is counted once


def test_of_whole_patterns_a_record_is_judged_as_far_as_it_says(node: Node, tmp_path: Path):
    address = "network-traffic:dst_ref.value = '203.0.113.9'"
    names = "domain-name:value = 'evil1.example' AND network-traffic"
    patterns = (
        f"[{names}:src_ref.value = '10.0.0.5']",
        f"[{names}:src_ref.value = '10.0.0.6']",
        f"[{address} AND network-traffic:dst_port = 443]",
        f"[{address}] FOLLOWEDBY [domain-name:value = 'evil1.example']",
    )
    take(node, a_file(tmp_path, *(indicator(n, pattern=one) for n, one in enumerate(patterns, 1))))
    log = tmp_path / "all.log"
    append(log, dns("fine.example"))
    with watched(node, log) as one:
        append(log, evil(1), conn("10.0.0.5", "203.0.113.9"))
        wait_for(lambda: len(one.hits) >= 4)
    told = {(hit["hit"]["indicator"], hit["hit"]["log"]["line"], hit["hit"]["scope"]) for hit in one.hits}
    assert told == {
        (an_id("indicator", 1), 2, "exact"),
        (an_id("indicator", 3), 3, "partial"),
        (an_id("indicator", 4), 2, "partial"),
        (an_id("indicator", 4), 3, "partial"),
    }


def test_new_intelligence_counts_at_once_and_what_is_taken_back_no_more(node: Node, tmp_path: Path):
    log = tmp_path / "dns.log"
    append(log, dns("fine.example"))
    with watched(node, log) as one:
        append(log, evil(1))
        time.sleep(0.2)
        take(node, a_file(tmp_path, indicator(1)))
        time.sleep(0.5)
        append(log, evil(2))
        assert one.until(1) == ["evil1.example:3"]
        take(node, a_file(tmp_path, indicator(1, version=2, revoked=True)))
        time.sleep(0.5)
        append(log, evil(3))
        time.sleep(0.3)
    assert one.found() == ["evil1.example:3"]


def test_a_log_that_is_renamed_is_read_to_its_end_and_the_next_one_from_its_beginning(
    node: Node, tmp_path: Path
):
    take(node, a_file(tmp_path, indicator(1)))
    log = tmp_path / "dns.log"
    append(log, evil(0))
    with watched(node, log) as one:
        append(log, evil(1))
        one.until(1)
        log.rename(tmp_path / "dns.log.1")
        append(tmp_path / "dns.log.1", evil(2))  # its writer has not noticed
        append(log, evil(10), evil(11))
        one.until(4)
    assert sorted(one.found()) == sorted(f"evil1.example:{line}" for line in (2, 3, 1, 2))
    assert counts(node) == {"evil1.example": 4}


def test_a_log_that_is_copied_and_emptied_loses_and_repeats_nothing(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    folder = tmp_path / "logs"
    folder.mkdir()
    log = folder / "dns.log"
    append(log, evil(0))
    with watched(node, folder) as one:
        append(log, evil(1))
        one.until(1)
        append(log, evil(2))
        shutil.copy(log, folder / "dns.log.1")
        log.write_bytes(b"")
        append(log, evil(10))
        one.until(3)
        time.sleep(0.5)
    assert sorted(one.found()) == ["evil1.example:1", "evil1.example:2", "evil1.example:3"]


def test_a_log_that_was_renamed_and_packed_while_nobody_watched_is_read_to_its_end(
    node: Node, tmp_path: Path
):
    take(node, a_file(tmp_path, indicator(1)))
    log = tmp_path / "dns.log"
    append(log, evil(0))
    with watched(node, log) as one:
        append(log, evil(1))
        one.until(1)
    append(log, evil(2), evil(3))
    (tmp_path / "dns.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    append(log, evil(10))
    with watched(node, log) as one:
        one.until(3)
    assert sorted(one.found()) == ["evil1.example:1", "evil1.example:3", "evil1.example:4"]
    with watched(node, log) as one:
        time.sleep(0.2)
    assert one.hits == []


def test_a_table_whose_header_changes_is_read_on_after_a_restart(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = tmp_path / "dns.log"
    log.write_text(
        "#fields\tts\tid.orig_h\tid.resp_h\tquery\n1767225600.0\t10.0.0.5\t10.0.0.1\tfine.example\n"
    )
    with watched(node, log) as one, log.open("a") as stream:
        stream.write(
            "#fields\tts\tquery\tid.orig_h\tid.resp_h\n1767225601.0\tevil1.example\t10.0.0.5\t10.0.0.1\n"
        )
        stream.flush()
        assert one.until(1) == ["evil1.example:4"]
    with log.open("a") as stream:
        stream.write("1767225602.0\tevil1.example\t10.0.0.5\t10.0.0.1\n")
    with watched(node, log) as one:
        assert one.until(1) == ["evil1.example:5"]
    assert one.hits[0]["hit"]["asset"] == "10.0.0.5"


def test_what_stands_in_logs_is_searched_if_asked(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = tmp_path / "dns.log"
    append(log, evil(0))
    with watched(node, log, options=WatchOptions(from_start=True)) as one:
        assert one.until(1) == ["evil1.example:1"]


def test_a_log_that_is_not_there_yet_is_waited_for(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    with watched(node, tmp_path / "later.log") as one:
        append(tmp_path / "later.log", evil(0))
        assert one.until(1) == ["evil1.example:1"]
    with pytest.raises(UsageError, match="no folder in which it could come"):
        watch_files(node, [tmp_path / "no" / "x.log"], WatchOptions(), on_note=lambda *_: None)


def test_what_is_broken_is_named_and_costs_only_itself(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = tmp_path / "dns.log"
    append(log, dns("fine.example"))
    (tmp_path / "picture.bin").write_bytes(b"\0\1\2\n" * 40_000)
    with watched(node, tmp_path) as one:
        with log.open("a") as stream:
            stream.write("{broken\n")
        append(log, evil(1))
        assert one.until(1) == ["evil1.example:3"]
    assert (str(log), 2) in [note[:2] for note in one.notes]
    assert str(tmp_path / "picture.bin") in [note[0] for note in one.notes]


def test_hits_of_one_indicator_are_told_up_to_a_number_and_all_counted(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = tmp_path / "dns.log"
    append(log, dns("fine.example"))
    with watched(node, log, options=WatchOptions(max_evidence=3)) as one:
        append(log, *(evil(number) for number in range(50)))
        wait_for(lambda: counts(node) == {"evil1.example": 50})
    assert len(one.hits) == 3


def test_what_a_watch_did_not_see_is_known_when_its_turn_ends(node: Node, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(watching, "TURN_S", 0.3)
    take(node, a_file(tmp_path, indicator(1)))
    log = tmp_path / "dns.log"
    append(log, dns("fine.example"))
    with watched(node, log):
        append(log, dns("other.example"))
        wait_for(lambda: show(node, CLOCK, an_id("indicator", 1)).item.concerns.state == "no")


def test_what_was_watched_is_in_the_day_index_and_late_intelligence_finds_it(node: Node, tmp_path: Path):
    folder = tmp_path / "logs"
    folder.mkdir()
    log = folder / "dns.log"
    with watched(node, folder):
        append(log, evil(0), evil(DAY))
        wait_for(lambda: bool(node.store.watches.places(str(folder))))
    add_watched(node, CLOCK, [str(folder)])
    with watched(node, folder):
        append(log, evil(DAY + 1), conn("10.0.0.9", "203.0.113.9", at=JANUARY))
        wait_for(lambda: node.store.watches.places(str(folder))[0].line == 4)
    add_watched(node, CLOCK, [str(folder)])
    add_watched(node, CLOCK, [str(folder)])
    take(node, a_file(tmp_path, indicator(1), indicator(2, pattern="[ipv4-addr:value = '203.0.113.9']")))
    *hits, _ = rehunt(node, CLOCK)
    assert len(hits) == 4
    assert counts(node) == {"evil1.example": 3, "203.0.113.9": 1}


def test_an_index_that_is_deleted_beside_a_watch_is_made_again_from_the_beginning_of_its_logs(
    node: Node, tmp_path: Path
):
    folder = tmp_path / "logs"
    folder.mkdir()
    log = folder / "dns.log"
    with watched(node, folder):
        append(log, evil(0), evil(DAY))
        wait_for(lambda: bool(node.store.watches.places(str(folder))))
        add_watched(node, CLOCK, [str(folder)])
        (node.home / days.FILE).unlink()
        append(log, evil(DAY + 1))
        wait_for(lambda: node.store.watches.places(str(folder))[0].line == 3)
        add_watched(node, CLOCK, [str(folder)])
    take(node, a_file(tmp_path, indicator(1)))
    *hits, _ = rehunt(node, CLOCK)
    assert len(hits) == 3


def test_lines_from_a_stream_are_searched_json_and_text_alike(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    notes: list[str] = []
    stream = WatchedStream("-", Assumed(), None, lambda *note: notes.append(note[2]))
    with watched(node, streams=[stream]) as one:
        stream.put(json.dumps(evil(1)).encode())
        stream.put(b"<134>Mar  1 12:00:00 ns1 dnsmasq[7]: query[A] evil1.example from 10.0.0.5")
        one.until(2)
        assert stream.put(b"x" * 2**21) is not None
        stream.end()
        one.thread.join(20)
    assert {hit["hit"]["log"]["path"] for hit in one.hits} == {"-"}
    assert any("lost" in note for note in notes)


def test_a_stream_in_which_nothing_is_known_is_told_and_bounded(node: Node):
    notes: list[str] = []
    stream = WatchedStream("-", Assumed(), None, lambda *note: notes.append(note[2]))
    with watched(node, streams=[stream]) as one:
        for number in range(200):
            stream.put(b"nothing that is known %d" % number)
        stream.end()
        one.thread.join(20)
    assert any("were not searched" in note for note in notes)


def test_lines_that_wait_are_bounded_in_number_and_in_bytes(monkeypatch):
    stream = WatchedStream("-", Assumed(), None, lambda *_: None)
    monkeypatch.setattr(watch_streams, "MAX_WAITING", 3)
    for _ in range(5):
        assert stream.put(b"x", may_lose=True)
    assert stream.lost == 2
    monkeypatch.setattr(watch_streams, "MAX_WAITING", 1000)
    monkeypatch.setattr(watch_streams, "MAX_WAITING_BYTES", 10)
    for _ in range(5):
        assert stream.put(b"y" * 5, may_lose=True)
    assert stream.lost == 5
    waiter = threading.Thread(target=stream.put, args=(b"z",))
    waiter.start()
    list(stream.step())
    waiter.join(5)
    assert not waiter.is_alive()
    stream.close()
    assert not stream.put(b"z")


def test_one_watch_at_a_time(node: Node):
    with watch_lock(node.home), pytest.raises(StoreError, match="another watch"), watch_lock(node.home):
        pass
    with watch_lock(node.home):
        pass
