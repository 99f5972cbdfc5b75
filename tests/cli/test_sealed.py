"""`serve` under keys with a passphrase: what comes is taken where the passphrase was given, and waits where not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.desk.drops import indicator, keep, nodes, send
from tests.desk.made import CLOCK

from backchannel.cli import box_keeping, schedule
from backchannel.cli.box_keeping import keeping_box
from backchannel.cli.schedule import polling
from backchannel.desk import key_care
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel, list_channels
from backchannel.desk.node import Node, open_node
from backchannel.doctor import examine
from backchannel.parties.passphrase import seal_with, unseal_with

UNSEAL = unseal_with("correct horse battery")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (box_keeping, schedule):
        monkeypatch.setattr(module, "LOOK_EVERY_S", 0.02)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Node]]:
    """Alpha, and Beta whose keys are under a passphrase."""
    with nodes(tmp_path, "Alpha", "Beta") as found:
        key_care.protect(found[1], CLOCK, seal=seal_with("correct horse battery", work_factor=8))
        yield found


def soon(happened: Callable[[], bool]) -> bool:
    for _ in range(1_000):
        if happened():
            return True
        time.sleep(0.02)
    return False


def taken(home: Path) -> int:
    with open_node(home) as node:
        return len(node.store.statements.came(rows=10))


def test_the_drop_box_takes_with_the_passphrase_and_waits_without(two: list[Node]):
    alpha, beta = two
    data = send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes()
    with keeping_box(beta.home, CLOCK) as box:
        leaving = box.begin()
        leaving.write(data)
        leaving.finish()
        time.sleep(0.5)
        assert len(box.waiting()) == 1
    [carried] = [one for one in examine(beta.home, CLOCK).checks if one.name == "carriers"]
    assert carried.state == "look"
    assert "--passphrase-file" in carried.found
    with keeping_box(beta.home, CLOCK, UNSEAL) as box:
        assert soon(lambda: not box.waiting())
    assert taken(beta.home) == 1
    # The receipt that Alpha asked for was signed, too.
    assert [name for name, _ in beta.store.statements.waiting_parties()] == ["Alpha"]


def test_a_polled_folder_is_taken_with_the_passphrase_and_waits_without(two: list[Node], tmp_path: Path):
    alpha, beta = two
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "a.bcb").write_bytes(send(alpha, beta, keep(alpha, [indicator(1)])).path.read_bytes())
    add_channel(beta, CLOCK, "drop", Terms(url=str(folder)), name="shared", party="Alpha", every_s=3600)
    with polling(beta.home, CLOCK):
        assert soon(lambda: list_channels(beta).channels[0].error is not None)
    assert taken(beta.home) == 0
    assert "passphrase" in str(list_channels(beta).channels[0].error)
    beta.store.database.execute("UPDATE channel SET due_at = NULL")
    with polling(beta.home, CLOCK, UNSEAL):
        assert soon(lambda: taken(beta.home) == 1)
