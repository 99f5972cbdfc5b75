"""The drivers do their job on servers that we did not write: so a driver that fails on ours has found something."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.backchannel_server import Node, a_node
from benchmarks.measure import US
from benchmarks.taxii_servers import TAXII, Served, basic, medallion, opentaxii
from tests.channels.clients.running import drive, held

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


def poll(node: Node) -> dict[str, int]:
    """Poll the node's only channel; return what its only collection brought."""
    (channel,) = node.do("channel", "poll", may_need=True)["channels"]
    assert (channel["state"], channel["error"]) == ("done", None)
    (collection,) = channel["collections"]
    assert collection["error"] is None
    return collection["counts"]


def polls_completely(served: Served, folder: Path) -> None:
    """Poll a server into a new node, twice; hold that everything came, as it stands there."""
    node = a_node(folder)
    secret = folder / "secret"
    secret.write_text(served.password)
    secret.chmod(0o600)
    node.do(
        "channel", "add", "taxii", served.url, "--collection", served.read, "--user", served.user,
        "--password-file", str(secret), "--allow-private",
    )  # fmt: skip
    told = poll(node)
    assert (told["objects"], told["stored"]) == (len(HELD.latest), len(HELD.latest))
    for one in HELD.latest[1:40:13]:
        shown = subprocess.run(
            [*US, "show", str(one["id"]), "--raw", "--home", str(node.home)],
            env=node.environment(),
            capture_output=True,
            check=True,
        )
        assert json.loads(shown.stdout) == one
    assert poll(node)["objects"] == 0


@pytest.mark.peer("medallion")
def test_our_client_reads_a_medallion_completely(a_medallion: Served, tmp_path: Path):
    polls_completely(a_medallion, tmp_path)


@pytest.mark.peer("opentaxii")
def test_our_client_reads_an_opentaxii_completely(an_opentaxii: Served, tmp_path: Path):
    polls_completely(an_opentaxii, tmp_path)
