"""Whatever a log is packed in, it is read in bounds; what is no log is named, and its neighbours are read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zipfile
from pathlib import Path

import pytest
import zstandard

from backchannel.desk.own_logs import logs_in
from backchannel.logs import opening
from backchannel.logs.opening import open_log
from backchannel.matching.compiled import CompiledSet
from backchannel.matching.hunt import Tally, hunt_log

LINE = '203.0.113.7 - - [08/Jun/2020:06:49:01 +0000] "GET /{} HTTP/1.0" 200 1 "-" "ä"\n'
TEXT = "".join(LINE.format(n) for n in range(5_000))


def hunted(*paths: Path) -> Tally:
    """Read logs, looking for nothing."""
    tally = Tally()
    compiled = CompiledSet([], threads=1)
    for log, name in logs_in(paths, tally):
        assert list(hunt_log(log, compiled, tally, name=name)) == []
    return tally


PACKED = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "xz": lzma.compress,
    "two streams of xz": lambda data: lzma.compress(data[:1000]) + b"\0" * 4 + lzma.compress(data[1000:]),
    "bzip2": bz2.compress,
    "two streams of bzip2": lambda data: bz2.compress(data[:1000]) + bz2.compress(data[1000:]),
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "utf-16-be with a mark": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    "utf-16-le": lambda data: data.decode().encode("utf-16-le"),
    "utf-16-be": lambda data: data.decode().encode("utf-16-be"),
}


@pytest.mark.parametrize("how", PACKED)
def test_a_log_is_the_same_however_it_is_packed(how: str, tmp_path: Path):
    path = tmp_path / "access.log"
    path.write_bytes(PACKED[how](TEXT.encode()))
    with open_log(path) as log:
        assert log.path.read_bytes()[: log.size].decode().removeprefix("\ufeff") == TEXT
        assert log.damage == ""
    tally = hunted(path)
    assert (tally.records, tally.layouts, tally.skipped) == (5_000, {"web": 1}, [])


@pytest.mark.parametrize("how", ["gzip", "zstd", "xz", "bzip2"])
def test_of_a_log_that_is_cut_off_the_beginning_is_read(how: str, tmp_path: Path):
    path = tmp_path / "access.log"
    data = "".join(LINE.format(os.urandom(20).hex()) for _ in range(40_000)).encode()
    packed = PACKED[how](data)
    path.write_bytes(packed[: len(packed) * 3 // 4])
    tally = hunted(path)
    assert tally.records > 1_000
    assert "damaged or cut off" in tally.skipped[0].why


@pytest.mark.parametrize("how", ["gzip", "zstd", "xz", "bzip2"])
def test_a_bomb_is_named_and_costs_little(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "RATIO_FREE_BYTES", 2**20)
    path = tmp_path / "access.log"
    path.write_bytes(PACKED[how](b"0" * 50_000_000))
    with open_log(path) as log:
        assert log.size <= 2**20 + 300 * path.stat().st_size
        assert "far more than a log does" in log.damage


def test_each_member_of_a_zip_is_a_log_of_its_own(tmp_path: Path):
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("deep.log", TEXT)
    with zipfile.ZipFile(tmp_path / "logs.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a/access.log", TEXT)
        packed.writestr("b.log.gz", gzip.compress(TEXT.encode()))
        packed.write(inner, "inner.zip")
        packed.writestr("notes.txt", "nothing of the kind")
        packed.writestr("empty.log", "")
    inner.unlink()
    tally = hunted(tmp_path)
    assert (tally.records, tally.layouts) == (15_000, {"web": 3})
    assert [(Path(note.path).name, note.why) for note in tally.skipped] == [
        ("logs.zip!notes.txt", "its lines are of no format that is read")
    ]


def test_a_damaged_member_costs_only_itself(tmp_path: Path):
    path = tmp_path / "logs.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.log", TEXT)
        packed.writestr("b.log", TEXT)
    data = bytearray(path.read_bytes())
    data[data.index(b"GET /4999 ")] ^= 1
    path.write_bytes(data)
    tally = hunted(path)
    assert tally.records >= 5_000
    assert any("is damaged" in note.why and "a.log" in note.path for note in tally.skipped)
    path.write_bytes(data[:-60])  # its directory is gone
    tally = hunted(path)
    assert (tally.records, len(tally.skipped)) == (0, 1)


def test_a_zip_that_is_a_bomb_is_stopped(tmp_path: Path):
    path = tmp_path / "logs.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bomb.log", b"0" * 100_000_000)
        packed.writestr("fine.log", TEXT)
    tally = hunted(path)
    assert tally.layouts == {"web": 1}
    assert any("as bombs do" in note.why for note in tally.skipped)


def test_a_folder_with_all_that_is_no_log_is_gone_through(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "access.log").write_text(TEXT)
    (tmp_path / "sub" / "again").symlink_to(tmp_path)
    (tmp_path / "round").symlink_to(tmp_path / "round")
    (tmp_path / "gone.log").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.log")
    tally = hunted(tmp_path)
    assert (tally.files, tally.records) == (1, 5_000)
    assert {Path(note.path).name: note.why for note in tally.skipped} == {
        "gone.log": "it is a link to a file that is not there",
        "round": "it is a link to a file that is not there",
        "pipe.log": "it is no file: a pipe, a socket or a device",
    }
