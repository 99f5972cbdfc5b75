"""A file that grows gives each whole line once, whatever its writer does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backchannel.logs.following import Followed
from backchannel.logs.lines import MAX_LINE_BYTES


@pytest.fixture
def follow() -> Iterator[Callable[..., Followed]]:
    """Open files that are closed when the test ends."""
    opened: list[Followed] = []

    def follow(path: Path, *, offset: int = 0, line: int = 0) -> Followed:
        opened.append(Followed(path, offset=offset, line=line))
        return opened[-1]

    yield follow
    for one in opened:
        one.close()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)


def test_half_a_line_waits_for_its_end(tmp_path: Path, follow):
    log = tmp_path / "x.log"
    append(log, b"one\ntw")
    followed = follow(log)
    assert followed.read().lines == [(1, b"one")]
    assert followed.read().lines == []
    append(log, b"o\r\n")
    assert followed.read() == ([(2, b"two")], 9, ())
    append(log, b"three")
    assert followed.read(to_end=True).lines == [(3, b"three")]


def test_it_begins_where_it_was_left(tmp_path: Path, follow):
    log = tmp_path / "x.log"
    append(log, b"\xef\xbb\xbfone\ntwo\nthree\n")
    first = follow(log)
    assert first.read(at_most=9).lines == [(1, b"one")]
    assert follow(log, offset=first.offset, line=first.line).read().lines == [(2, b"two"), (3, b"three")]


def test_a_renamed_file_is_read_on_and_one_that_was_emptied_is_noticed(tmp_path: Path, follow):
    log = tmp_path / "x.log"
    append(log, b"one\n")
    followed = follow(log)
    followed.read()
    log.rename(tmp_path / "x.log.1")
    append(tmp_path / "x.log.1", b"two\n")
    assert followed.read().lines == [(2, b"two")]
    assert not followed.was_emptied()
    (tmp_path / "x.log.1").write_bytes(b"a\n")
    assert followed.was_emptied()
    followed.begin_anew()
    assert followed.read().lines == [(1, b"a")]


def test_a_line_that_is_too_long_is_passed_over_and_numbered(tmp_path: Path, follow):
    log = tmp_path / "x.log"
    append(log, b"a\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\nb\n" + b"y" * (3 * MAX_LINE_BYTES))
    followed = follow(log)
    got = [followed.read(at_most=MAX_LINE_BYTES + 100) for _ in range(8)]
    append(log, b"\nc\n")
    got.append(followed.read())
    assert [line for part in got for line in part.lines] == [(1, b"a"), (3, b"b"), (5, b"c")]
    assert [number for part in got for number in part.too_long] == [2, 4]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=20), max_size=12))
def test_pieces_of_any_size_give_the_lines_of_the_whole(tmp_path_factory, pieces: list[bytes]):
    log = tmp_path_factory.mktemp("pieces") / "x.log"
    log.touch()
    followed = Followed(log)
    lines: list[tuple[int, bytes]] = []
    for piece in pieces:
        append(log, piece)
        while came := followed.read(at_most=2**20).lines:
            lines += came
    lines += followed.read(to_end=True).lines
    followed.close()
    whole = b"".join(pieces).removeprefix(b"\xef\xbb\xbf")
    wanted = [line.rstrip(b"\r").strip(b"\0") for line in whole.split(b"\n")]
    if not wanted[-1] and not whole.endswith(b"\0"):
        wanted.pop()
    assert lines == list(enumerate(wanted, 1))
