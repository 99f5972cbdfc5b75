"""A ledger's files: where they lie, how they grow, who reads them, and what an audit says of spoiled ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.provenance.ledger.made import LOG, OTHER, Signer, checkpoint_of, entries, fill, note_of, root_of
from tests.provenance.ledger.test_notes import TESSERA

from backchannel.errors import StoreError
from backchannel.provenance.ledger.audit import audit
from backchannel.provenance.ledger.bundles import format_bundle, parse_bundle
from backchannel.provenance.ledger.checkpoints import open_checkpoint
from backchannel.provenance.ledger.edge import Edge
from backchannel.provenance.ledger.layout import (
    ENTRIES,
    Tile,
    parse_tile_path,
    row_widths,
    tile_at,
    tile_path,
)
from backchannel.provenance.ledger.notes import VerifierKey, parse_vkey
from backchannel.provenance.ledger.proving import prove_growth, prove_inclusion
from backchannel.provenance.ledger.tiles import Tiles, files_in, read_entries
from backchannel.provenance.ledger.tree import is_consistent, is_included, leaf_hash
from backchannel.provenance.ledger.writer import open_ledger
from backchannel.provenance.reasons import Reason, Rejected

# --- Places --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(0, 1234067, 256), "tile/0/x001/x234/067"),
        (Tile(63, 1000, 1), "tile/63/x001/000.p/1"),
        (Tile(ENTRIES, 999, 255), "tile/entries/999.p/255"),
    ],
)
def test_a_file_lies_where_the_specification_says(tile: Tile, path: str):
    assert tile_path(tile) == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/1234",
        "tile/0/001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/../000",
        "tile/entries/000/",
        "tile/0/\u0660\u0660\u0660",
        "/tile/0/000",
        "checkpoint",
    ],
)
def test_another_spelling_is_no_path_of_a_tile(path: str):
    with pytest.raises(ValueError, match="not the path of a tile"):
        parse_tile_path(path)


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts():
    assert row_widths(70_000) == [70_000, 273, 1]
    assert tile_at(0, 273, 70_000).width == 112
    assert tile_at(1, 1, 70_000).width == 17
    assert tile_at(2, 0, 70_000).width == 1
    with pytest.raises(ValueError, match="has no tile"):
        tile_at(0, 274, 70_000)


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_a_bundle_is_read_as_it_is_written_and_every_cut_is_refused(made: list[bytes]):
    data = format_bundle(made)
    assert parse_bundle(data, len(made)) == made
    for end in range(len(data)):
        with pytest.raises(Rejected) as caught:
            parse_bundle(data[:end], len(made))
        assert caught.value.reason is Reason.BAD_TILE


# --- Growing -------------------------------------------------------------------------------------------

SOME = entries(70_000)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=5))
def test_entries_appended_in_any_batches_give_the_same_root(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
):
    folder = tmp_path_factory.mktemp("ledger")
    at = 0
    for size in sizes:
        appended = fill(folder, SOME[at : at + size])
        assert appended.first == at
        at += size
    assert appended.checkpoint == checkpoint_of(SOME[:at])
    found = audit(files_in(folder), LOG.key)
    assert (found.checkpoint, found.entries, found.faults) == (appended.checkpoint, at, [])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_793])
def test_the_root_and_the_files_are_right_at_every_border(tmp_path: Path, size: int):
    appended = fill(tmp_path, SOME[:size])
    assert appended.checkpoint.root == root_of(SOME[:size])
    names = {str(path.relative_to(tmp_path)) for path in (tmp_path / "tile").rglob("*") if path.is_file()}
    wanted = set()
    for level, row in enumerate(row_widths(size)):
        tiles = [tile_at(level, index, size) for index in range(-(-row // 256))]
        wanted |= {tile_path(tile) for tile in tiles}
        if level == 0:
            wanted |= {tile_path(Tile(ENTRIES, tile.index, tile.width)) for tile in tiles}
    assert names == wanted
    assert audit(files_in(tmp_path), LOG.key).faults == []
    assert Edge.read(files_in(tmp_path), size).root() == root_of(SOME[:size])


def test_partial_files_of_each_checkpoint_stay_until_their_full_one_is_there(tmp_path: Path):
    fill(tmp_path, SOME[:10])
    fill(tmp_path, SOME[10:20])
    partials = sorted(path.name for path in (tmp_path / "tile" / "0" / "000.p").iterdir())
    assert partials == ["10", "20"]
    old = Tiles(files_in(tmp_path), 10)
    fill(tmp_path, SOME[20:300])
    assert not (tmp_path / "tile" / "0" / "000.p").exists()
    assert not (tmp_path / "tile" / "entries" / "000.p").exists()
    # Whoever holds the old checkpoint reads on, out of the full tile.
    assert prove_inclusion(old, 3, checkpoint_of(SOME[:10]))[0] == SOME[3]


def test_every_entry_is_proved_and_every_growth(tmp_path: Path):
    sizes = (1, 7, 256, 300, 513, 600)
    at, checkpoints = 0, []
    for size in sizes:
        checkpoints.append(fill(tmp_path, SOME[at:size]).checkpoint)
        at = size
    tiles, newest = Tiles(files_in(tmp_path), 600), checkpoints[-1]
    for index in range(0, 600, 7):
        entry, proof = prove_inclusion(tiles, index, newest)
        assert entry == SOME[index]
        assert is_included(leaf_hash(entry), index, 600, proof, newest.root)
    for n, old in enumerate(checkpoints):
        for new in checkpoints[n:]:
            proof = prove_growth(Tiles(files_in(tmp_path), new.size), old, new)
            assert is_consistent(old.size, new.size, proof, old.root, new.root)
    with pytest.raises(ValueError, match="no leaf 600"):
        prove_inclusion(tiles, 600, newest)


def test_a_ledger_has_one_writer_at_a_time(tmp_path: Path):
    with open_ledger(tmp_path, LOG.key, LOG.sign) as ledger:
        ledger.append(SOME[:3])
        with (
            pytest.raises(StoreError, match="another process"),
            open_ledger(tmp_path, LOG.key, LOG.sign, wait_s=0.05),
        ):
            pass
    with open_ledger(tmp_path, LOG.key, LOG.sign, wait_s=0) as ledger:
        assert ledger.append([]).checkpoint == checkpoint_of(SOME[:3])


def test_a_ledger_is_not_opened_with_another_key_nor_begun_with_half_a_pair(tmp_path: Path):
    fill(tmp_path / "a", SOME[:3])
    with pytest.raises(Rejected) as caught:
        fill(tmp_path / "a", SOME[:3], OTHER)
    assert caught.value.reason is Reason.UNKNOWN_KEY
    with pytest.raises(Rejected), open_ledger(tmp_path / "b", LOG.key, OTHER.sign):
        pass
    assert not (tmp_path / "b" / "checkpoint").exists()


def test_after_its_key_was_changed_a_ledger_is_signed_anew_and_goes_on(tmp_path: Path):
    renewed = Signer("renewed")
    key = VerifierKey(LOG.key.name, renewed.key.public)
    fill(tmp_path, SOME[:3])
    with open_ledger(tmp_path, key, renewed.sign, older=[LOG.key]) as ledger:
        assert open_checkpoint(ledger.note, key)[0] == checkpoint_of(SOME[:3])
        ledger.append(SOME[3:5])
    assert audit(files_in(tmp_path), key).entries == 5


def test_an_append_that_fails_changes_nothing(tmp_path: Path):
    with open_ledger(tmp_path, LOG.key, LOG.sign) as ledger:
        ledger.append(SOME[:10])
        with pytest.raises(ValueError, match="at most 65535 bytes"):
            ledger.append([*SOME[10:300], bytes(65_536), *SOME[300:600]])
        assert ledger.append(SOME[10:20]).checkpoint == checkpoint_of(SOME[:20])
    assert audit(files_in(tmp_path), LOG.key).faults == []


def test_a_ledger_without_its_checkpoint_is_never_begun_anew(tmp_path: Path):
    fill(tmp_path, SOME[:10])
    (tmp_path / "checkpoint").unlink()
    with pytest.raises(StoreError, match="lost its checkpoint"):
        fill(tmp_path, SOME[:1])
    assert not (tmp_path / "checkpoint").exists()


def test_a_ledger_whose_last_tiles_are_damaged_is_not_written(tmp_path: Path):
    fill(tmp_path, SOME[:10])
    tile = tmp_path / "tile" / "0" / "000.p" / "10"
    good = tile.read_bytes()
    for bad in (good[:-1], bytes([good[0] ^ 1]) + good[1:]):
        tile.write_bytes(bad)
        with pytest.raises(StoreError, match="damaged"):
            fill(tmp_path, SOME[10:11])
    tile.write_bytes(good)
    assert fill(tmp_path, SOME[10:11]).checkpoint == checkpoint_of(SOME[:11])


# --- T36 -----------------------------------------------------------------------------------------------


def faults(folder: Path) -> list[tuple[str, Reason]]:
    return [(fault.path, fault.reason) for fault in audit(files_in(folder), LOG.key).faults]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    fill(tmp_path, SOME[:300])
    fill(tmp_path, SOME[300:600])
    return tmp_path


def test_t36_an_altered_leaf_is_named(whole: Path):
    bundle = whole / "tile" / "entries" / "001"
    bundle.write_bytes(bundle.read_bytes().replace(b"entry 300", b"entry 3oo"))
    found = audit(files_in(whole), LOG.key)
    assert [(fault.path, fault.reason) for fault in found.faults] == [("tile/0/001", Reason.BAD_TILE)]
    assert found.faults[0].detail == "hash 44 is not the one of what lies below it"  # 256 + 44 = 300
    with pytest.raises(Rejected) as caught:
        prove_inclusion(Tiles(files_in(whole), 600), 300, checkpoint_of(SOME[:600]))
    assert caught.value.reason is Reason.BAD_TILE
    assert prove_inclusion(Tiles(files_in(whole), 600), 301, checkpoint_of(SOME[:600]))[0] == SOME[301]


@pytest.mark.parametrize("name", ["0/000", "0/002.p/88", "1/000.p/2"])
def test_t36_an_altered_tile_is_named(whole: Path, name: str):
    tile = whole / "tile" / name
    data = tile.read_bytes()
    tile.write_bytes(data[:32] + bytes([data[32] ^ 128]) + data[33:])
    found = faults(whole)
    assert (f"tile/{name}", Reason.BAD_TILE) in found
    assert {reason for _, reason in found} == {Reason.BAD_TILE}


def test_t36_a_tree_rebuilt_over_altered_leaves_is_caught_by_the_checkpoint(
    whole: Path, tmp_path_factory: pytest.TempPathFactory
):
    forged = tmp_path_factory.mktemp("forged")
    fill(forged, [b"forged", *SOME[1:600]])
    (forged / "checkpoint").write_bytes(note_of(SOME[:600]))
    assert faults(forged) == [("checkpoint", Reason.BAD_TILE)]


def test_t36_an_entry_bundle_of_the_wrong_width_is_named(whole: Path):
    bundle = whole / "tile" / "entries" / "002.p" / "88"
    good = bundle.read_bytes()
    for bad in (good + format_bundle([b"one more"]), good[: len(format_bundle(SOME[512:599]))], good + b"\0"):
        bundle.write_bytes(bad)
        assert ("tile/entries/002.p/88", Reason.BAD_TILE) in faults(whole)
        with pytest.raises(Rejected) as caught:
            read_entries(files_in(whole), Tile(ENTRIES, 2, 88))
        assert caught.value.reason is Reason.BAD_TILE
    tile = whole / "tile" / "0" / "002.p" / "88"
    tile.write_bytes(tile.read_bytes() + bytes(32))
    assert ("tile/0/002.p/88", Reason.BAD_TILE) in faults(whole)


def test_t36_a_missing_partial_is_read_out_of_the_full_one_and_a_missing_full_one_is_named(whole: Path):
    old = Tiles(files_in(whole), 300)  # its partial tile of 44 went when the full one came
    assert prove_inclusion(old, 299, checkpoint_of(SOME[:300]))[0] == SOME[299]
    (whole / "tile" / "0" / "002.p" / "88").unlink()
    (whole / "tile" / "entries" / "000").unlink()
    assert faults(whole) == [
        ("tile/entries/000", Reason.MISSING_TILE),
        ("tile/0/002.p/88", Reason.MISSING_TILE),
    ]
    with pytest.raises(StoreError, match="missing-tile"):
        fill(whole, SOME[600:601])


def test_a_ledger_without_a_checkpoint_is_told(tmp_path: Path):
    with pytest.raises(Rejected) as caught:
        audit(files_in(tmp_path), LOG.key)
    assert (caught.value.reason, caught.value.detail) == (Reason.MISSING_TILE, "checkpoint")


# --- T38 -----------------------------------------------------------------------------------------------


def test_t38_the_log_that_tessera_wrote_is_read_whole_at_each_of_its_sizes(shared_data: Path):
    """The other direction, other tools on our files, is not run: see docs/security-cases.md."""
    folder = shared_data / "vectors" / "tlog" / "tessera-log"
    key, fetch = parse_vkey(TESSERA), files_in(folder)
    checkpoints = [
        open_checkpoint((folder / f"checkpoint.{size}").read_bytes(), key)[0] for size in range(16)
    ]
    for size, checkpoint in enumerate(checkpoints):

        def at_size(path: str, size: int = size) -> bytes | None:
            return fetch(f"checkpoint.{size}" if path == "checkpoint" else path)

        found = audit(at_size, key)
        assert (found.entries, found.faults) == (size, [])
        tiles = Tiles(fetch, size)
        for index in range(size):
            entry, proof = prove_inclusion(tiles, index, checkpoint)
            assert is_included(leaf_hash(entry), index, size, proof, checkpoint.root)
        for old in checkpoints[: size + 1]:
            prove_growth(tiles, old, checkpoint)


def test_t38_our_writer_makes_the_bytes_that_tessera_made(shared_data: Path, tmp_path: Path):
    folder = shared_data / "vectors" / "tlog" / "tessera-log"
    theirs = read_entries(files_in(folder), Tile(ENTRIES, 0, 15))
    for entry in theirs:
        fill(tmp_path, [entry])
    for path in sorted((folder / "tile").rglob("*")):
        if path.is_file():
            assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes(), path
    ours = open_checkpoint((tmp_path / "checkpoint").read_bytes(), LOG.key)[0]
    assert ours.root == open_checkpoint((folder / "checkpoint").read_bytes(), parse_vkey(TESSERA))[0].root
