"""The drivers do their job on servers that we did not write: so a driver that fails on ours has found something."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator

import pytest
from benchmarks.taxii_servers import TAXII, Served, basic, medallion, opentaxii
from tests.channels.clients.running import drive, held

from backchannel.channels.http import Credentials, Door
from backchannel.channels.taxii.client import TaxiiChannel
from backchannel.desk.channel import Terms

HELD = held()


@pytest.fixture(scope="module")
def a_medallion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    given = [one for batch in HELD.given for one in batch]
    with medallion(tmp_path_factory.mktemp("medallion"), given) as served:
        yield served


@pytest.fixture(scope="module")
def an_opentaxii(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with opentaxii(tmp_path_factory.mktemp("opentaxii")) as served:
        for batch in HELD.given:
            request = urllib.request.Request(
                f"{served.api_root}collections/{served.read}/objects/",
                data=json.dumps({"objects": batch}).encode(),
                headers={
                    "Content-Type": TAXII,
                    "Accept": TAXII,
                    "Authorization": basic(served.user, served.password),
                },
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert json.load(answer)["success_count"] == len(batch)
        yield served


@pytest.mark.peer("medallion")
@pytest.mark.peer("taxii-clients")
@pytest.mark.parametrize("script", ["drive_taxii2_client", "drive_stix2", "drive_cytaxii2"])
def test_drivers_do_their_whole_job_on_a_medallion(a_medallion: Served, script: str):
    assert drive("taxii-clients", script, a_medallion, versioned=HELD.versioned)["ids"] == HELD.ids


@pytest.mark.peer("opentaxii")
@pytest.mark.peer("taxii-clients")
@pytest.mark.parametrize("script", ["emulate_opencti_taxii2", "emulate_sentinel"])
def test_emulated_clients_do_their_whole_job_on_an_opentaxii(an_opentaxii: Served, script: str):
    assert drive("taxii-clients", script, an_opentaxii)["ids"] == HELD.ids


@pytest.mark.peer("opentaxii")
@pytest.mark.peer("taxii-clients")
def test_a_driver_that_cannot_do_its_job_fails(an_opentaxii: Served):
    with pytest.raises(AssertionError, match="objects read: 250 instead of 249"):
        drive("taxii-clients", "emulate_sentinel", an_opentaxii, expect=249)


def read_ours(served: Served) -> dict[str, list[str]]:
    """Read a server with our own client, and once more from where it ended; return the ids by collection."""
    credentials = Credentials(user=served.user, password=served.password)
    with Door(served.url, credentials=credentials, pause=time.sleep, allow_private=True) as door:
        channel = TaxiiChannel(door, Terms(url=served.url, allow_private=True), time.sleep)
        read = {}
        for place in channel.places():
            pages = list(channel.pages(place, ""))
            read[place.id] = sorted(json.loads(piece.body)["id"] for page in pages for piece in page.pieces)
            assert [page.pieces for page in channel.pages(place, pages[-1].cursor) if page.pieces] == []
        return read


@pytest.mark.peer("medallion")
def test_our_client_reads_a_medallion_completely(a_medallion: Served):
    assert read_ours(a_medallion)[a_medallion.read] == HELD.ids


@pytest.mark.peer("opentaxii")
def test_our_client_reads_an_opentaxii_completely(an_opentaxii: Served):
    assert read_ours(an_opentaxii)[an_opentaxii.read] == HELD.ids
