"""What real logs of text do: they end in the middle, grow, jump in time, change hands, and are written to by strangers."""

from __future__ import annotations

import os
import resource
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.matching.test_hunt import a_set

from backchannel.matching.hunt import Tally, hunt_log

WEB = '203.0.113.7 - - [{} +0000] "GET / HTTP/1.0" 200 1 "-" "-"\n'
SYSLOG = "{} gw sshd[1]: Invalid user x from 203.0.113.7 port 1\n"


def hunted(path: Path, folder: Path, *, during=None) -> tuple[list[int], Tally]:
    tally = Tally()
    found = []
    for one in hunt_log(path, a_set(folder, "[ipv4-addr:value = '203.0.113.7']"), tally):
        if during is not None:
            during()
            during = None
        found.append(one.line)
    return found, tally


def test_half_a_line_and_strange_bytes_cost_only_themselves(tmp_path: Path):
    log = tmp_path / "access.log"
    at = "01/Mar/2026:10:00:00"
    good = WEB.format(at).encode()
    log.write_bytes(
        good + good[:30] + b"\n" + b"\xff\xfe\x80 caf\xe9\n" + b"\0" * 100 + good + b"\r\n" + good[:-20]
    )
    found, tally = hunted(log, tmp_path)
    assert found == [1, 4]
    assert tally.coverage["web"].missed == 3
    assert tally.skipped == []


def test_what_is_written_to_a_log_while_it_is_read_is_for_the_next_hunt(tmp_path: Path):
    log = tmp_path / "access.log"
    log.write_text(WEB.format("01/Mar/2026:10:00:00") * 3)

    def grow() -> None:
        with log.open("a") as stream:
            stream.write(WEB.format("01/Mar/2026:11:00:00"))

    assert hunted(log, tmp_path, during=grow)[0] == [1, 2, 3]
    assert hunted(log, tmp_path)[0] == [1, 2, 3, 4]


@pytest.mark.parametrize("how", ["renamed", "emptied"])
def test_a_log_that_is_rotated_while_it_is_read_stops_nothing(how: str, tmp_path: Path):
    log = tmp_path / "access.log"
    log.write_text(WEB.format("01/Mar/2026:10:00:00") * 50_000)

    def rotate() -> None:
        if how == "renamed":
            log.rename(tmp_path / "access.log.1")
        else:
            log.write_text("")

    found, tally = hunted(log, tmp_path, during=rotate)
    assert len(found) == (50_000 if how == "renamed" else len(found))
    assert found[:2] == [1, 2]
    assert tally.files == 1


def test_a_line_of_a_gigabyte_is_passed_over_in_little_memory(tmp_path: Path):
    log = tmp_path / "access.log"
    good = WEB.format("01/Mar/2026:10:00:00")
    with log.open("wb") as stream:
        stream.write(good.encode())
        stream.truncate(2**30)  # a hole: it takes no disk, and reads as NUL bytes
        stream.seek(2**30)
        stream.write(b"\n" + good.encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found, tally = hunted(log, tmp_path)
    assert found == [1, 3]
    assert [(note.line, "longer than" in note.why) for note in tally.skipped] == [(2, True)]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_a_clock_that_jumps_moves_the_ends_of_a_log_and_nothing_else(tmp_path: Path):
    log = tmp_path / "access.log"
    days = [
        "02/Mar/2026:10:00:00",
        "01/Jan/1970:00:00:00",
        "03/Mar/2026:09:00:00",
        "31/Dec/2098:23:59:59",
        "99/Foo/2026:00:00:00",
    ]
    log.write_text("".join(map(WEB.format, days)))
    found, tally = hunted(log, tmp_path)
    assert found == [1, 2, 3, 4, 5]
    shown = tally.shown.kinds["ipv4-addr"]
    assert (shown.first, shown.last) == (
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2098, 12, 31, 23, 59, 59, tzinfo=UTC),
    )


def test_a_log_over_new_year_is_told_from_when_it_was_written(tmp_path: Path):
    log = tmp_path / "auth.log"
    log.write_text(SYSLOG.format("Dec 31 23:59:59") + SYSLOG.format("Jan  1 00:00:01"))
    written = datetime(2026, 1, 1, 6, tzinfo=UTC).timestamp()
    os.utime(log, (written, written))
    found, tally = hunted(log, tmp_path)
    assert found == [1, 2]
    shown = tally.shown.kinds["ipv4-addr"]
    assert (shown.first, shown.last) == (
        datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC),
    )
    assert tally.left_open == {"year", "zone"}


def test_lines_that_nobody_understands_are_counted_and_a_log_of_them_is_named(tmp_path: Path):
    log = tmp_path / "syslog"
    log.write_text(SYSLOG.format("Mar  1 10:00:00") + "Mar  1 10:00:00 gw cron[1]: (root) CMD (x)\n" * 20)
    found, tally = hunted(log, tmp_path)
    assert found == [1]
    assert (tally.coverage["sshd"].records, tally.coverage["syslog"].missed) == (1, 20)
    assert [note.why for note in tally.skipped] == [
        "of its 21 lines only 1 could be read: 20 of syslog were not searched"
    ]
    log.write_text("nothing that a program of the table writes\n" * 50 + WEB.format("01/Mar/2026:10:00:00"))
    found, tally = hunted(log, tmp_path)
    assert found == []
    assert [note.why for note in tally.skipped] == [
        "its lines are of no format that is read: of 51 lines looked at, 1 are of web"
    ]


def test_a_log_is_of_the_format_that_most_of_its_lines_are_of(tmp_path: Path):
    log = tmp_path / "mixed.log"
    exim = "2026-03-01 10:00:00 H=(x) [203.0.113.7] F=<a@b.example> rejected RCPT <c@d.example>: no\n"
    log.write_text(exim * 3 + WEB.format("01/Mar/2026:10:00:00") * 4)
    found, tally = hunted(log, tmp_path)
    assert tally.layouts == {"web": 1}
    assert found == [4, 5, 6, 7]
    assert tally.coverage["web"].missed == 3
