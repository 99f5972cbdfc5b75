"""What strangers leave in the drop box costs a bounded room, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send
from tests.desk.made import CLOCK

from backchannel.desk import box_taking
from backchannel.desk.box import Box
from backchannel.desk.box_taking import empty_box, take_left
from backchannel.desk.carried_documents import BoxTaken
from backchannel.desk.node import Node
from backchannel.drop import parts
from backchannel.store.carried import BOX


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Node]]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        yield found


def leave(node: Node, data: bytes) -> tuple[str, str]:
    """Leave a file and take it; returns its state and reason."""
    box = Box(node.home)
    leaving = box.begin()
    leaving.write(data)
    ticket = leaving.finish()
    [path] = box.waiting()
    take_left(node, CLOCK, path)
    assert box.waiting() == []
    [row] = node.store.carried.newest(BOX, ["taken", "known", "other", "refused", "part"], at_most=1)
    assert row.name == f"drop box {ticket}"
    return row.state, row.reason


def kept(node: Node) -> int:
    return len(node.store.statements.refused(before=None, rows=100, is_open=True))


def test_a_drop_is_taken_and_what_is_none_is_forgotten(three: list[Node]):
    alpha, beta, gamma = three
    data = send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes()
    assert leave(beta, data) == ("taken", "")
    assert leave(beta, b"no drop") == ("other", "not-a-drop")
    assert leave(gamma, data) == ("other", "not-for-us")
    assert kept(beta) == kept(gamma) == 0


def test_the_box_is_emptied_by_hand_as_serve_would(three: list[Node]):
    alpha, beta, _ = three
    data = send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes()
    tickets = []
    for one in (data, b"no drop", data, data[:300]):
        leaving = Box(beta.home).begin()
        leaving.write(one)
        tickets.append(leaving.finish())
    found = empty_box(beta, CLOCK)
    assert [(one.name, one.state) for one in found.files] == [
        (f"drop box {tickets[0]}", "taken"),
        (f"drop box {tickets[1]}", "other"),
        (f"drop box {tickets[3]}", "refused"),
    ]
    assert found.again == 1
    assert Box(beta.home).waiting() == []
    assert empty_box(beta, CLOCK) == BoxTaken(files=(), again=0)


def test_parts_come_in_one_file_or_not_at_all(three: list[Node]):
    alpha, beta, _ = three
    texts = list(parts.split(send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes(), 4_000))
    assert leave(beta, texts[0].encode()) == ("refused", "missing-part")
    assert leave(beta, "\n".join(texts).encode()) == ("taken", "")
    assert beta.store.carried.parts(BOX, at_most=9) == []


def test_originals_are_kept_only_up_to_a_limit(three: list[Node], monkeypatch: pytest.MonkeyPatch):
    alpha, beta, _ = three
    data = bytearray(send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes())
    data[-100] ^= 1
    monkeypatch.setattr(box_taking, "MAX_REFUSED_BYTES", len(data) + 100)
    assert leave(beta, bytes(data)) == ("refused", "damaged")
    assert kept(beta) == 1
    data[-100] ^= 2
    assert leave(beta, bytes(data)) == ("refused", "damaged")
    assert leave(beta, b'{"payloadType":"x","payload":"","signatures":[]}') == ("refused", "too-many")
    assert kept(beta) == 1
    assert beta.store.carried.undecided(BOX) == 1


def test_only_so_many_files_are_remembered(three: list[Node], monkeypatch: pytest.MonkeyPatch):
    _, beta, _ = three
    monkeypatch.setattr(box_taking, "MAX_REMEMBERED", 3)
    for number in range(5):
        leave(beta, f"file {number}".encode())
    assert sum(beta.store.carried.counts(BOX).values()) == 3
