"""A collection taken over from another server keeps its stamps, or is refused with the place and the mend."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, NOW, a_file, indicator, made

from backchannel.clock import format_time
from backchannel.desk.access import Caller, caller_by_secret
from backchannel.desk.batches import list_batches
from backchannel.desk.collecting import Put
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.migrating import putting_stamped, read_manifest
from backchannel.desk.node import Node
from backchannel.desk.paging import Query
from backchannel.desk.publishing import NewOffer, add_collection, add_root
from backchannel.desk.receive import receive
from backchannel.desk.stamps import format_micros
from backchannel.desk.taxii import objects_page
from backchannel.errors import InputError, UsageError

STAMPS = [f"2025-06-01T00:00:00.{n:06}Z" for n in range(1, 10)]


@pytest.fixture
def shop(node: Node) -> Node:
    add_root(node, CLOCK, "old", base_url="")
    add_collection(node, CLOCK, NewOffer(title="Old", root_id="old", default_tlp="green"), base_url="")
    return node


def reader(node: Node) -> Caller:
    found = add_token(node, CLOCK, NewCredential(party="CERT Gamma", read=("Old",)))
    who = caller_by_secret(node.store, found.token or "", now=NOW)
    assert who is not None
    return who


def record(one: dict[str, object], stamp: str) -> dict[str, object]:
    return {"id": one["id"], "date_added": stamp, "version": one.get("modified", stamp)}


def manifest(folder: Path, *records: object, name: str = "manifest.json") -> Path:
    path = folder / name
    path.write_text(json.dumps({"more": False, "objects": records}, indent=1))
    return path


def taken_over(node: Node, path: Path, told: Path) -> int:
    put: Put = putting_stamped(node, "Old", read_manifest(told, CLOCK))
    return receive(node, CLOCK, [path], party="CERT Beta", channel="taxii", put=put).collected


@pytest.fixture
def collection_id(shop: Node) -> str:
    return shop.store.collections.all()[0].collection_id


def seen(node: Node, collection_id: str) -> list[tuple[str, str]]:
    page = objects_page(node, CLOCK, reader(node), "old", collection_id, Query(versions=("all",)))
    return [(one.stix_id, format_micros(one.added)) for one in page.records]


def test_each_version_keeps_its_stamp_whatever_the_order_in_the_file(
    shop: Node, tmp_path: Path, collection_id: str
):
    first, second, other = indicator(1), indicator(1, version=2), indicator(2)
    address = made("ipv4-addr", value="192.0.2.1", created=None, modified=None)
    told = manifest(
        tmp_path,
        *(record(one, stamp) for one, stamp in zip((first, other, address, second), STAMPS, strict=False)),
    )
    path = a_file(tmp_path, second, address, other, first)
    assert taken_over(shop, path, told) == 4
    expected = [
        (str(one["id"]), stamp) for one, stamp in zip((first, other, address, second), STAMPS, strict=False)
    ]
    assert seen(shop, collection_id) == expected
    assert taken_over(shop, path, told) == 0  # the same again is there already
    assert seen(shop, collection_id) == expected


def test_a_manifest_may_be_lines_of_pages_or_records(shop: Node, tmp_path: Path, collection_id: str):
    one, two, three = indicator(1), indicator(2), indicator(3)
    pages = [
        {"more": True, "objects": [record(one, STAMPS[0]), record(two, STAMPS[1])]},
        record(three, STAMPS[2]),
    ]
    told = tmp_path / "pages.jsonl"
    told.write_text("".join(json.dumps(page) + "\n" for page in pages))
    assert taken_over(shop, a_file(tmp_path, one, two, three), told) == 3
    assert [stamp for _, stamp in seen(shop, collection_id)] == STAMPS[:3]


@pytest.mark.parametrize(
    ("stamps", "why"),
    [
        ([STAMPS[1], STAMPS[1]], r"#/objects/1: .* the same as of the record before"),
        ([STAMPS[1], STAMPS[0]], r"#/objects/1: .* before 2025-06-01T00:00:00.000002Z"),
        (["yesterday", STAMPS[1]], r"#/objects/0: .*yesterday, which is no time"),
        ([STAMPS[1], format_time(NOW + timedelta(days=2))], r"#/objects/1: .* ahead of our clock"),
    ],
)
def test_stamps_that_do_not_rise_are_refused_with_their_place(
    shop: Node, tmp_path: Path, collection_id: str, stamps: list[str], why: str
):
    both = indicator(1), indicator(2)
    told = manifest(tmp_path, *(record(one, stamp) for one, stamp in zip(both, stamps, strict=True)))
    with pytest.raises(InputError, match=why) as error:
        taken_over(shop, a_file(tmp_path, *both), told)
    assert "Get the manifest again" in error.value.hint
    assert list_batches(shop).batches == ()


@pytest.mark.parametrize("text", ["", "[1", '{"objects": [{"id": 1}]}', '{"a": 1}\n{"b": 2}\n', "[[]]"])
def test_what_is_no_manifest_is_refused(shop: Node, tmp_path: Path, text: str):
    told = tmp_path / "manifest.json"
    told.write_text(text)
    with pytest.raises(InputError):
        read_manifest(told, CLOCK)


def test_an_object_that_the_manifest_lacks_refuses_the_whole_import(
    shop: Node, tmp_path: Path, collection_id: str
):
    told = manifest(tmp_path, record(indicator(1), STAMPS[0]))
    with pytest.raises(InputError, match="does not say when"):
        taken_over(shop, a_file(tmp_path, indicator(1), indicator(2)), told)
    assert list_batches(shop).batches == ()
    assert seen(shop, collection_id) == []


def test_no_stamp_appears_behind_what_clients_have_read(shop: Node, tmp_path: Path, collection_id: str):
    taken_over(shop, a_file(tmp_path, indicator(2)), manifest(tmp_path, record(indicator(2), STAMPS[5])))
    with pytest.raises(UsageError, match="would never see it"):
        taken_over(shop, a_file(tmp_path, indicator(1)), manifest(tmp_path, record(indicator(1), STAMPS[4])))
    assert [stamp for _, stamp in seen(shop, collection_id)] == [STAMPS[5]]
    assert len(list_batches(shop).batches) == 1
