"""A node is made once, opened as often as one likes, and says what is wrong with it."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backchannel.clock import FixedClock
from backchannel.desk.node import KEY_FILE, STORE_FILE, init_node, open_node, status
from backchannel.errors import SignatureError, StoreError, UsageError
from backchannel.settings import FILE_NAME

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


def test_a_node_that_was_made_is_opened_with_the_same_party_and_settings(tmp_path: Path):
    with init_node(tmp_path / "home", name="CERT Alpha", own_domains=["alpha.example"], clock=CLOCK) as made:
        pass
    with open_node(tmp_path / "home") as node:
        assert node.settings == made.settings
        assert node.party == made.party
        assert node.party.is_self
        assert node.party.name == "CERT Alpha"
        assert node.party.party_id.startswith("identity--")


def test_the_home_is_its_owners_alone(tmp_path: Path):
    init_node(tmp_path / "home", name="A", clock=CLOCK).close()
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "home" / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home" / STORE_FILE).stat().st_mode) == 0o600


def test_a_node_is_not_made_over_another(tmp_path: Path):
    init_node(tmp_path, name="A", clock=CLOCK).close()
    key = (tmp_path / KEY_FILE).read_bytes()
    with pytest.raises(UsageError, match="already"):
        init_node(tmp_path, name="B", clock=CLOCK)
    assert (tmp_path / KEY_FILE).read_bytes() == key


@pytest.mark.parametrize("left", [(KEY_FILE,), (KEY_FILE, STORE_FILE)])
def test_an_init_that_was_killed_is_taken_up_again_with_the_same_key(tmp_path: Path, left: tuple[str, ...]):
    init_node(tmp_path, name="A", clock=CLOCK).close()
    key = (tmp_path / KEY_FILE).read_bytes()
    for name in {KEY_FILE, STORE_FILE, FILE_NAME} - set(left):
        (tmp_path / name).unlink()
    with init_node(tmp_path, name="A", clock=CLOCK) as node:
        assert node.party.name == "A"
    assert (tmp_path / KEY_FILE).read_bytes() == key
    open_node(tmp_path).close()


def test_without_a_node_the_next_command_is_named(tmp_path: Path):
    with pytest.raises(UsageError) as caught:
        open_node(tmp_path)
    assert "backchannel init --name" in caught.value.hint


def test_a_node_without_its_store_says_so(tmp_path: Path):
    init_node(tmp_path, name="A", clock=CLOCK).close()
    (tmp_path / STORE_FILE).unlink()
    with pytest.raises(StoreError, match="missing"):
        open_node(tmp_path)


def test_a_wrong_setting_makes_no_folder(tmp_path: Path):
    with pytest.raises(UsageError):
        init_node(tmp_path / "home", name="A", own_networks=["nowhere"], clock=CLOCK)
    assert not (tmp_path / "home").exists()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="no node can be made"):
        init_node(tmp_path / "file" / "home", name="A", clock=CLOCK)


def test_a_damaged_key_stops_a_second_init(tmp_path: Path):
    (tmp_path / KEY_FILE).write_text("nonsense")
    with pytest.raises(SignatureError):
        init_node(tmp_path, name="A", clock=CLOCK)


def test_a_new_node_has_nothing_and_says_so(tmp_path: Path):
    with init_node(tmp_path, name="A", clock=CLOCK) as node:
        told = status(node, CLOCK)
    assert (told.name, told.objects, told.parties, told.batches, told.hunts) == ("A", 0, 0, 0, 0)
    assert told.last_batch is None
    assert told.last_hunt is None
    assert told.store_version >= 1
    assert told.store_bytes > 0


def test_opening_a_node_loads_none_of_the_heavy_packages(tmp_path: Path):
    init_node(tmp_path, name="A", clock=CLOCK).close()
    script = (
        "import sys; from pathlib import Path; from backchannel.desk.node import open_node, status\n"
        "from backchannel.clock import SystemClock\n"
        "with open_node(Path(sys.argv[1])) as node: status(node, SystemClock())\n"
        "print(sorted({'duckdb', '_duckdb', 'jsonschema_rs', 'starlette', 'rich', 'cryptography', 'click'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
