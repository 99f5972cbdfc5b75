"""Unmodified clients, and emulations of those that cannot be had, do their whole job against our server.

One server, started as an operator starts it, over a socket. What a client wrote is read back by the client itself;
that the next client still reads the same is part of the test.
"""

from __future__ import annotations

import pytest
from benchmarks.taxii_servers import Served
from tests.channels.clients.offered import HELD, TECHNIQUES
from tests.channels.clients.running import drive

CLIENTS = "taxii-clients"
pytestmark = pytest.mark.peer(CLIENTS)


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
