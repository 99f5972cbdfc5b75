"""Unmodified clients, and emulations of those that cannot be had, do their whole job against our server.

One server, started as an operator starts it, over a socket. What a client wrote is read back by the client itself;
that the next client still reads the same is part of the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.backchannel_server import Node, a_node, exchange
from benchmarks.taxii_objects import CLEAR, Maker
from benchmarks.taxii_servers import Served
from tests.channels.clients.running import drive, held

HELD = held()
CLIENTS = "taxii-clients"
ATTACK = {
    "enterprise": "x-mitre-collection--1f5f1533-f617-4ca8-9ab4-6a02367fa019",
    "mobile": "x-mitre-collection--dac0d2d7-8653-445c-9bff-82f934c1e858",
    "ics": "x-mitre-collection--90c00720-636b-4485-b342-8751d232bf09",
}
"""The ids that attackcti asks for."""
TECHNIQUES = 14

pytestmark = pytest.mark.peer(CLIENTS)


def put(node: Node, folder: Path, collection: str, objects: list[dict[str, object]]) -> None:
    """Put objects in a collection as an operator does: from a file."""
    path = folder / f"{collection}-{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps({"objects": objects}))
    node.do("import", str(path), "--collection", collection, may_need=True)


def attack_like(kind: str, name: str, domain: str) -> dict[str, object]:
    """Make an object as the ATT&CK knowledge base writes it."""
    return Maker(len(name) * 1000 + len(kind) + len(domain)).common(kind) | {
        "name": name,
        "description": "made for a test",
        "object_marking_refs": [CLEAR],
        "external_references": [{"source_name": "mitre-attack", "external_id": f"X{len(name)}"}],
        "x_mitre_domains": [f"{domain}-attack"],
        "x_mitre_version": "1.0",
    }


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return a_node(tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="module")
def served(node: Node) -> Iterator[Served]:
    files = node.home.parent / "files"
    files.mkdir()
    read, write, tokens = exchange(node, "Alice Ltd")
    for batch in HELD.given:
        put(node, files, read, batch)
    node.do("taxii", "root", "add", "attack", "--title", "ATT&CK")
    for domain, name in ATTACK.items():
        node.do(
            "taxii", "collection", "add", f"{domain} ATT&CK", "--root", "attack", "--id", name,
            "--anonymous-read", "--default-tlp", "clear",
        )  # fmt: skip
        techniques = [attack_like("attack-pattern", "T" * n, domain) for n in range(1, TECHNIQUES + 1)]
        others = [attack_like("intrusion-set", "a group", domain)]
        others += [attack_like("malware", "a family", domain) | {"is_family": True}]
        put(node, files, name, techniques + others)
    with node.serve() as (base, pid, start_s):
        yield Served(
            "Backchannel", f"{base}/taxii2/", f"{base}/taxii2/exchange/", read, write, "Alice Ltd", tokens[0], pid,
            start_s,
        )  # fmt: skip


@pytest.fixture(scope="module")
def compatible(served: Served, node: Node) -> Served:
    """The same server, with a token for a client that needs `"objects":[]` in an empty envelope."""
    rights = ("--read", served.read, "--read", served.write, "--write", served.write)
    token = node.do("taxii", "token", "add", "Alice Ltd", *rights, "--compat", "empty-objects")["token"]
    return replace(served, password=token)


def test_taxii2_client_does_its_whole_job(served: Served):
    told = drive(CLIENTS, "drive_taxii2_client", served, versioned=HELD.versioned, token=served.password)
    assert told["ids"] == HELD.ids
    assert told["auth"] == ["basic", "token"]


def test_python_stix2_reads_and_writes_through_its_source_sink_and_store(served: Served):
    assert drive(CLIENTS, "drive_stix2", served, versioned=HELD.versioned)["ids"] == HELD.ids


def test_cytaxii2_does_its_whole_job(served: Served):
    assert drive(CLIENTS, "drive_cytaxii2", served)["ids"] == HELD.ids


def test_cc_taxii2_client_reads_every_indicator_page_by_page(served: Served):
    assert drive(CLIENTS, "drive_cc_taxii2_client", served)["ids"] == HELD.indicators


def test_attackcti_reads_collections_with_foreign_ids_without_a_login(served: Served):
    root = served.url + "attack/"
    told = drive(CLIENTS, "drive_attackcti", served, expect=TECHNIQUES, **{"api-root": root})
    assert len(told["ids"]) == TECHNIQUES


@pytest.mark.peer("misp")
def test_the_import_module_of_misp_makes_attributes_of_what_it_reads(served: Served):
    wanted = {str(one["pattern"]).split("'")[1] for one in HELD.latest if one["type"] == "indicator"}
    assert set(drive("misp", "drive_misp_modules", served)["values"]) >= wanted


@pytest.mark.parametrize("mode", ["", "limit", "all"])
def test_opencti_taxii2_connector_reads_all_and_then_what_is_new(served: Served, mode: str):
    assert drive(CLIENTS, "emulate_opencti_taxii2", served, mode=mode)["ids"] == HELD.ids


@pytest.mark.parametrize("mode", ["basic", "bearer"])
def test_opencti_platform_reads_each_object_once_and_then_what_is_new(served: Served, mode: str):
    told = drive(CLIENTS, "emulate_opencti_platform", served, mode=mode, token=served.password)
    assert told["ids"] == HELD.ids


def test_opencti_taxii_post_posts_bundles_under_a_stix_media_type(served: Served):
    assert drive(CLIENTS, "emulate_opencti_taxii_post", served, token=served.password)["wrote"] == 3


@pytest.mark.parametrize("mode", ["", "limit"])
def test_elastic_reads_each_object_once_and_then_what_is_new(compatible: Served, mode: str):
    told = drive(CLIENTS, "emulate_elastic", compatible, mode=mode, token=compatible.password)
    assert told["ids"] == HELD.ids


@pytest.mark.parametrize("mode", ["", "token", "header"])
def test_xsoar_reads_the_types_it_wants_and_then_what_is_new(served: Served, mode: str):
    told = drive(CLIENTS, "emulate_xsoar", served, mode=mode, token=served.password)
    assert told["ids"] == HELD.ids


def test_misp_reads_with_an_empty_next_and_pushes_envelopes(served: Served):
    told = drive(CLIENTS, "emulate_misp_ui", served)
    assert told["ids"] == HELD.ids
    assert told["wrote"] == 9


@pytest.mark.parametrize("mode", ["", "small"])
def test_secops_reads_every_indicator_and_then_what_is_new(served: Served, mode: str):
    assert drive(CLIENTS, "emulate_secops", served, mode=mode)["ids"] == HELD.indicators


def test_sentinel_reads_all_then_what_is_new_and_exports(served: Served):
    assert drive(CLIENTS, "emulate_sentinel", served)["ids"] == HELD.ids


def test_splunk_ctis_sends_a_bundle_as_text(served: Served):
    assert drive(CLIENTS, "emulate_splunk_ctis", served)["wrote"] == 6
