"""What is packed: gzip, zip, one in the other; damaged, cut off, encrypted, a bomb; from a file, a pipe, stdin."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import struct
import sys
import threading
import zipfile
import zlib
from pathlib import Path

import pytest
from tests.intake.reader import (
    NOW,
    UUID,
    names,
    refusals,
    take,
    taken,
    the_refusal,
    written,
)

from backchannel.intake import containers
from backchannel.intake.containers import ContainerError, open_file
from backchannel.intake.reading import read


def tool(name: str = "One", n: int = 0) -> str:
    value = {
        "type": "tool",
        "spec_version": "2.1",
        "id": f"tool--{UUID[:-4]}{n:04}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": name,
    }
    return json.dumps(value)


def bundle(*tools: str) -> bytes:
    return f'{{"type": "bundle", "id": "bundle--{UUID}", "objects": [{", ".join(tools)}]}}'.encode()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


LIST = b"".join(f"evil{n}.example\n".encode() for n in range(3))
MANY = b"".join(f"{noise(8, n).hex()}.example\n".encode() for n in range(3_000))


# --- What can be read -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.json", "x.json.gz", "x.txt", "x.exe"])
def test_a_name_says_nothing(tmp_path: Path, name: str):
    for data in (bundle(tool()), gzip.compress(bundle(tool())), zipped(("a", bundle(tool())))):
        assert names(take(written(tmp_path, data, name))) == ["One"]


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(gzip.compress(bundle(tool()))),
        zipped(("a.gz", gzip.compress(bundle(tool())))),
        gzip.compress(zipped(("a", bundle(tool())))),
        zipped(("a.zip", zipped(("b", bundle(tool()))))),
        gzip.compress(bundle(tool())[:60]) + gzip.compress(bundle(tool())[60:]),
        gzip.compress(bundle(tool())) + b"\0" * 512,
        zipped(("a", bundle(tool())), method=zipfile.ZIP_STORED),
        zipped(("a", bundle(tool())), method=zipfile.ZIP_BZIP2),
        zipped(("a", bundle(tool())), method=zipfile.ZIP_LZMA),
        zipped(("folder/", b""), ("folder/a", bundle(tool()))),
    ],
)
def test_containers_may_hold_containers(tmp_path: Path, data: bytes):
    assert names(take(written(tmp_path, data))) == ["One"]


def test_a_place_leads_into_the_container(tmp_path: Path):
    data = zipped(
        ("a.json", bundle(tool(), '{"type": "tool"}')), ("b.txt", b"evil.example\nx y z\nbad.example\n")
    )
    path = written(tmp_path, data, "all.zip")
    items = take(path)
    assert [item.place for item in items] == [
        f"{path}!a.json#/objects/0",
        f"{path}!a.json#/objects/1",
        f"{path}!b.txt:1",
        f"{path}!b.txt:2",
        f"{path}!b.txt:3",
    ]


def test_a_name_inside_a_zip_is_shown_harmlessly(tmp_path: Path):
    path = written(tmp_path, zipped(("a\x1b[31m\u202e\nb", b"x y z")))
    found = the_refusal(take(path))
    assert found.where.isprintable()
    assert str(tmp_path) in found.where


def test_a_path_inside_a_zip_writes_nothing_anywhere(tmp_path: Path):
    data = zipped(("../../evil", bundle(tool())), ("/tmp/evil", bundle(tool("Two", 2))))
    before = sorted(tmp_path.rglob("*"))
    assert names(take(written(tmp_path, data, "a.zip"))) == ["One", "Two"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted([*(p.name for p in before), "a.zip"])


@pytest.mark.parametrize("member", ["[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"])
def test_a_document_that_is_a_zip_is_no_container(tmp_path: Path, member: str):
    data = zipped((member, b"<x/>"), ("a.json", bundle(tool())))
    assert "Office document" in the_refusal(take(written(tmp_path, data))).what
    nested = zipped(("report.docx", data), ("b.json", bundle(tool())))
    assert len(refusals(take(written(tmp_path, nested)))) == 1
    assert names(take(written(tmp_path, nested))) == ["One"]


# --- What is damaged --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [bundle(tool()), LIST, b"value,type\nevil.example,domain\nbad.example,domain\n", MANY]
)
@pytest.mark.parametrize("cut", [0.4, 0.9, 0.999])
def test_of_a_gzip_that_is_cut_off_nothing_is_taken(tmp_path: Path, data: bytes, cut: float):
    whole = gzip.compress(data)
    found = the_refusal(take(written(tmp_path, whole[: int(len(whole) * cut)])))
    assert "cut off" in found.what
    assert "fetch it again" in found.what


@pytest.mark.parametrize("data", [bundle(tool()), LIST, MANY])
@pytest.mark.parametrize("tail", [b"garbage", b"\0\0\0garbage", noise(5000)])
def test_of_a_gzip_with_something_behind_it_nothing_is_taken(tmp_path: Path, data: bytes, tail: bytes):
    assert "damaged" in the_refusal(take(written(tmp_path, gzip.compress(data) + tail))).what


@pytest.mark.parametrize("data", [bundle(tool(), tool("Two")), MANY])
def test_of_a_gzip_with_a_wrong_byte_nothing_is_taken(tmp_path: Path, data: bytes):
    whole = bytearray(gzip.compress(data))
    whole[-6] ^= 0x55  # of its checksum
    assert "damaged" in the_refusal(take(written(tmp_path, bytes(whole)))).what


def test_a_damaged_member_costs_its_neighbours_nothing(tmp_path: Path):
    data = bytearray(zipped(("a", bundle(tool())), ("b", MANY), ("c", bundle(tool("Three", 3)))))
    data[data.index(b"b", 200) + 4000] ^= 0x55
    path = written(tmp_path, bytes(data))
    items = take(path)
    assert names(items) == ["One", "Three"]
    (found,) = refusals(items)
    assert found.where.startswith(f"{path}!b")
    assert "damaged" in found.what


def test_a_zip_without_its_end_is_refused(tmp_path: Path):
    data = zipped(("a", MANY))
    assert "damaged" in the_refusal(take(written(tmp_path, data[: len(data) // 2]))).what


def encrypted(data: bytes) -> bytes:
    """Set the flag of encryption: what else an encrypted member has is of no account without its password."""
    out = bytearray(data)
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        where = out.index(signature) + at
        out[where] |= 1
    return bytes(out)


def test_an_encrypted_member_is_named_as_such(tmp_path: Path):
    data = encrypted(zipped(("secret", bundle(tool())), ("b", bundle(tool("Two", 2)))))
    path = written(tmp_path, data)
    items = take(path)
    (found,) = refusals(items)
    assert found.where == f"{path}!secret"
    assert "encrypted with a password" in found.what
    assert names(items) == ["Two"]


def test_a_way_of_packing_that_is_not_known_is_named_as_such(tmp_path: Path):
    data = bytearray(zipped(("a", bundle(tool()))))
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.index(signature) + at, 99)
    assert "not unpacked here" in the_refusal(take(written(tmp_path, bytes(data)))).what


@pytest.mark.parametrize("head", [b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"])
def test_what_only_begins_like_a_container_is_refused(tmp_path: Path, head: bytes):
    for tail in (b"", b"\0" * 100, noise(1000)):
        assert refusals(take(written(tmp_path, head + tail)))


# --- Bombs ------------------------------------------------------------------------------------------------


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can reach."""
    monkeypatch.setattr(containers, "RATIO_FREE_BYTES", 2**20)
    monkeypatch.setattr(containers, "MAX_UNPACKED_BYTES", 8 * 2**20)


def bomb(size: int = 4 * 2**20) -> bytes:
    return b"[" + b" " * size + b"]"


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(bomb()),
        gzip.compress(gzip.compress(bomb(2**26))),
        zipped(("a", bomb())),
        zipped(("a", gzip.compress(bomb(2**26)))),
        gzip.compress(b"evil.example\n" * 400_000),
        gzip.compress(b'{"a": 1}\n' * 600_000),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, data: bytes):
    found = the_refusal(take(written(tmp_path, data)))
    assert "200 times its size" in found.what
    assert found.clause == "limit: ratio 200"


@pytest.mark.usefixtures("little")
def test_a_bomb_costs_its_neighbours_nothing(tmp_path: Path):
    data = zipped(("a", bundle(tool())), ("b", bomb()), ("c", bundle(tool("Three", 3))), ("d", LIST))
    items = take(written(tmp_path, data))
    assert len(taken(items)) == 5
    assert [found.clause for found in refusals(items)] == ["limit: ratio 200"]


@pytest.mark.usefixtures("little")
def test_many_bombs_end_the_patience(tmp_path: Path):
    data = zipped(*((str(n), bomb()) for n in range(4)), ("last", LIST))
    items = take(written(tmp_path, data))
    assert taken(items) == []
    assert {found.clause for found in refusals(items)} == {"limit: ratio 200", "limit: 8 GiB unpacked"}


@pytest.mark.usefixtures("little")
def test_what_unpacks_to_too_much_is_refused_although_it_is_no_bomb(tmp_path: Path):
    first, second = bundle(tool(noise(2**20).hex())), bundle(tool(noise(2**21, 2).hex() * 2))
    items = take(written(tmp_path, zipped(("a", first), ("b", second), ("c", bundle(tool("Three"))))))
    assert [found.where[-2:] for found in refusals(items)] == ["!b", "!c"]
    assert all("GiB" in found.what for found in refusals(items))
    assert [name[:5] for name in names(items)] == [noise(2**20).hex()[:5]]


def test_containers_in_each_other_have_a_limit(tmp_path: Path):
    data = bundle(tool())
    for depth in range(5):
        items = take(written(tmp_path, data))
        if depth <= containers.MAX_NESTING:
            assert names(items) == ["One"]
        else:
            assert "more than 3 deep" in the_refusal(items).what
        data = gzip.compress(data)


def test_a_zip_of_very_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(containers, "MAX_MEMBERS", 10)
    assert len(take(written(tmp_path, zipped(*((str(n), LIST) for n in range(10)))))) == 30
    assert (
        "more than 10 files"
        in the_refusal(take(written(tmp_path, zipped(*((str(n), LIST) for n in range(11)))))).what
    )
    monkeypatch.setattr(containers, "MAX_DIRECTORY_BYTES", 400)
    assert (
        the_refusal(take(written(tmp_path, zipped(*((str(n), LIST) for n in range(10)))))).clause
        == "limit: 10 files"
    )


def test_a_zip64_that_claims_a_directory_of_gigabytes_is_refused(tmp_path: Path):
    data = zipped(("a", LIST))
    end = data.rindex(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    path = written(tmp_path, data[:end] + record + locator + data[end:])
    assert "files: split it" in the_refusal(take(path)).what


# --- Where it comes from ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [bundle(tool()), gzip.compress(bundle(tool())), zipped(("a", bundle(tool())))]
)
def test_a_named_pipe_is_read_as_a_file_is(tmp_path: Path, data: bytes):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    items = take(path)
    writer.join()
    assert names(items) == ["One"]


def test_standard_input_is_read_as_a_file_is(monkeypatch: pytest.MonkeyPatch):
    end, begin = os.pipe()
    with os.fdopen(begin, "wb") as pipe:
        pipe.write(zipped(("a", bundle(tool()))))
    with os.fdopen(end, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        items = list(read(None, party="CERT Beta", now=NOW))
        sys.stdin.detach()  # type: ignore[union-attr]
    assert names(items) == ["One"]
    assert items[0].place == "-!a#/objects/0"


def test_a_file_that_is_not_there_is_refused_with_the_reason(tmp_path: Path):
    assert "no such file" in the_refusal(take(tmp_path / "nowhere")).what
    assert "folder" in the_refusal(take(tmp_path)).what
    with pytest.raises(ContainerError, match="no such file"):
        next(open_file(tmp_path / "nowhere"))


def test_how_far_it_is_never_goes_back_and_ends_at_the_size(tmp_path: Path):
    for data in (MANY, gzip.compress(MANY), zipped(("a", MANY), ("b", LIST)), bundle(tool())):
        path = written(tmp_path, data)
        told: list[int] = []
        for _ in read(path, party="", now=NOW, on_bytes=told.append):
            pass
        assert told == sorted(set(told))
        assert told[-1] == path.stat().st_size


def test_raw_deflate_is_no_container(tmp_path: Path):
    assert refusals(take(written(tmp_path, zlib.compress(bundle(tool())))))
