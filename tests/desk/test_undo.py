"""Undoing a batch: every view is as if it had never come."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.desk.made import (
    CLOCK,
    Made,
    a_file,
    an_id,
    five,
    identity,
    indicator,
    made,
    malware,
    relationship,
    take,
    views,
)

from backchannel.desk.batches import list_batches, show_batch, undo_batch
from backchannel.desk.inbox import inbox, show, why
from backchannel.desk.node import Node, init_node, status
from backchannel.desk.parties import add_party, list_parties
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import BatchId


@contextmanager
def a_node() -> Iterator[tuple[Node, Path]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        init_node(Path(folder) / "home", name="A", clock=CLOCK) as node,
    ):
        yield node, Path(folder)


def spelled(value: Made, anew: bool) -> bytes:
    return json.dumps(dict(reversed(value.items())) if anew else value).encode()


versions = st.integers(1, 3)
names = st.sampled_from(["One", "Two"])
objects = st.one_of(
    st.builds(lambda n, v, name: indicator(n, version=v, name=name), st.integers(1, 3), versions, names),
    st.builds(lambda n, v: indicator(n, version=v, pattern="[broken"), st.integers(1, 3), versions),
    st.builds(lambda n, v: indicator(n, version=v, revoked=True), st.integers(1, 3), versions),
    st.builds(lambda name: malware(1, name=name), names),
    st.builds(lambda n: relationship(indicator(n), "indicates", malware(1), n), st.integers(1, 2)),
    st.builds(lambda name: identity(1, name=name), names),
    st.builds(
        lambda n: made("note", n, content="Look", object_refs=[an_id("indicator", n)]), st.integers(1, 2)
    ),
)
bodies = st.builds(spelled, objects, st.booleans()) | st.just(b'{"type": "indicator", "id": "x"}')
files = st.lists(bodies, min_size=1, max_size=6)
sources = st.sampled_from([("CERT Beta", None), ("CERT Gamma", "green"), (None, "red")])


def bring(node: Node, folder: Path, bodies: list[bytes], source: tuple[str | None, str | None]) -> int:
    party, tlp = source
    return take(node, a_file(folder, *bodies), party=party, **({"tlp": tlp} if tlp else {})).batch


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files, files, sources, sources)
def test_after_an_undo_every_view_is_as_before_the_import(
    one: list[bytes],
    other: list[bytes],
    from_one: tuple[str | None, str | None],
    from_other: tuple[str | None, str | None],
):
    with a_node() as (node, folder):
        bring(node, folder, one, from_one)
        before = views(node)
        undo_batch(node, CLOCK, bring(node, folder, other, from_other))
        assert views(node) == before


def but_for_numbers(value: object) -> object:
    """Views without what differs from node to node: numbers of batches, folders."""
    if isinstance(value, dict):
        return {key: but_for_numbers(one) for key, one in value.items() if key not in {"batch", "next"}}
    if isinstance(value, list):
        return [but_for_numbers(one) for one in value]
    return value.rpartition("/bundle.json")[2] if isinstance(value, str) else value


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files, files, files)
@example(
    [spelled(indicator(1, version=2, revoked=True), False)],
    [spelled(indicator(1, version=2, name="One"), False)],
    [spelled(indicator(1, version=2, revoked=True), False)],
)
def test_undoing_the_first_of_several_is_as_if_it_had_never_come(
    one: list[bytes], other: list[bytes], third: list[bytes]
):
    sources = (("CERT Beta", None), ("CERT Gamma", "green"), (None, "red"))
    with a_node() as (node, folder):
        first = bring(node, folder, one, sources[0])
        bring(node, folder, other, sources[1])
        undo_batch(node, CLOCK, first)
        bring(node, folder, third, sources[2])
        undone = views(node)
    with a_node() as (node, folder):
        bring(node, folder, other, sources[1])
        bring(node, folder, third, sources[2])
        never = views(node)
    for name in ("inbox", "everything", "show"):
        assert but_for_numbers(undone[name]) == but_for_numbers(never[name])
    assert undone["counts"][:4] == never["counts"][:4]


def test_what_refers_is_told_by_when_it_came_and_not_by_where_it_was_kept(node: Node, tmp_path: Path):
    about, note, report = indicator(1), made("note", 1, content="x"), made("note", 2, content="y")
    first = take(node, a_file(tmp_path, {**note, "object_refs": [about["id"]]})).batch
    take(node, a_file(tmp_path, about, {**report, "object_refs": [about["id"]]}))
    undo_batch(node, CLOCK, BatchId(first))
    take(node, a_file(tmp_path, {**note, "object_refs": [about["id"]]}))
    related = show(node, CLOCK, str(about["id"])).item.related
    assert [one.id for one in related] == [note["id"], report["id"]]


def test_what_was_undone_comes_back_as_new(node: Node, tmp_path: Path):
    path = a_file(tmp_path, indicator(1), malware(1))
    receipt = take(node, path)
    before = views(node)
    undo_batch(node, CLOCK, receipt.batch)
    assert inbox(node, CLOCK, everything=True).items == ()
    again = take(node, path)
    assert five(again) == (2, 0, 0, 0, 0)
    assert but_for_numbers(views(node)["show"]) == but_for_numbers(before["show"])
    assert node.store.database.execute("SELECT count(*) FROM object").fetchone() == (2,)


def test_what_came_twice_stays_until_both_batches_are_undone(node: Node, tmp_path: Path):
    path = a_file(tmp_path, indicator(1))
    first = take(node, path, party="CERT Beta").batch
    second = take(node, path, party="CERT Gamma").batch
    undo_batch(node, CLOCK, first)
    item = inbox(node, CLOCK).items[0]
    assert (item.source.party, item.sources) == ("CERT Gamma", 1)
    assert why(node, CLOCK, item.id).arrivals_total == 1
    undo_batch(node, CLOCK, second)
    assert inbox(node, CLOCK).items == ()


def test_an_older_version_is_in_force_again_when_the_newer_is_undone(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(name="Older")))
    batch = take(node, a_file(tmp_path, indicator(version=2, name="Newer"))).batch
    assert [item.name for item in inbox(node, CLOCK).items] == ["Newer"]
    undo_batch(node, CLOCK, batch)
    assert [item.name for item in inbox(node, CLOCK).items] == ["Older"]


def test_an_undone_batch_stays_in_the_list_and_its_bytes_in_the_store(node: Node, tmp_path: Path):
    batch = take(node, a_file(tmp_path, indicator())).batch
    told = undo_batch(node, CLOCK, batch)
    assert told.batch.state == "undone"
    assert told.batch.undone_at == "2026-03-01T12:00:00.000Z"
    assert list_batches(node).batches[0] == told.batch
    assert node.store.database.execute("SELECT count(*) FROM object").fetchone() == (1,)
    assert status(node, CLOCK).objects == 0


def test_a_party_that_an_undone_import_made_goes_with_it_unless_a_person_added_it(node: Node, tmp_path: Path):
    first = take(node, a_file(tmp_path, indicator(1)), party="CERT Beta").batch
    second = take(node, a_file(tmp_path, indicator(2)), party="CERT Gamma").batch
    add_party(node, CLOCK, "CERT Delta")
    undo_batch(node, CLOCK, first)
    undo_batch(node, CLOCK, second)
    assert [party.name for party in list_parties(node).parties] == ["CERT Alpha", "CERT Delta"]
    add_party(node, CLOCK, "cert beta")
    assert [party.name for party in list_parties(node).parties] == ["CERT Alpha", "CERT Beta", "CERT Delta"]


def test_a_batch_is_undone_once(node: Node, tmp_path: Path):
    batch = take(node, a_file(tmp_path, indicator())).batch
    undo_batch(node, CLOCK, batch)
    with pytest.raises(UsageError, match="was undone"):
        undo_batch(node, CLOCK, batch)


@pytest.mark.parametrize("number", [0, -1, 99, 2**70])
def test_a_batch_that_is_not_there_is_named(node: Node, number: int):
    with pytest.raises(NotFoundError, match=str(number)):
        undo_batch(node, CLOCK, number)
    with pytest.raises(NotFoundError):
        show_batch(node, number)
