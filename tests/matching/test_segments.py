"""The compiled set follows the store."""

from __future__ import annotations

from pathlib import Path

from tests.desk.made import CLOCK, a_file, indicator, take

from backchannel.desk.node import init_node
from backchannel.matching import segments


def test_an_import_compiles_what_it_brought_and_nothing_twice(tmp_path: Path, monkeypatch):
    with init_node(tmp_path / "home", name="CERT Alpha", clock=CLOCK) as node:
        for n in range(3):
            take(node, a_file(tmp_path, indicator(n), indicator(n + 1), name=f"{n}.json"))
        made = node.store.segments.all()
        assert sum(one.entries for one in made) == 4
        assert all((node.home / segments.FOLDER / one.file).is_file() for one in made)
        monkeypatch.setattr(segments, "MAX_SEGMENTS", 1)
        segments.compile_new(node.home, node.store.segments)
        (joined,) = node.store.segments.all()
        assert joined.entries == 4
        assert [path.name for path in (node.home / segments.FOLDER).iterdir()] == [joined.file]


def test_what_a_killed_import_left_uncompiled_is_compiled_by_the_next_call(tmp_path: Path):
    with init_node(tmp_path / "home", name="CERT Alpha", clock=CLOCK) as node:
        take(node, a_file(tmp_path, indicator(1)))
        node.store.database.execute("DELETE FROM segment")
        segments.compile_new(node.home, node.store.segments)
        assert [one.entries for one in node.store.segments.all()] == [1]
