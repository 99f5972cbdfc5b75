"""T70: what is secret stands nowhere but in the key files: a whole life of two nodes through the real command."""

from __future__ import annotations

import base64
import json
import re
import resource
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.running import Ran, command, environment, run_in
from tests.desk.drops import indicator

from backchannel.desk.node import open_node
from backchannel.parties.age_keys import to_identity
from backchannel.parties.keyring import keyring_of
from backchannel.parties.keys import key_of
from backchannel.store.sqlite.store import SqliteStore

SECRETS = {"key.pem", "keys.json"}
"""The files of a home that hold private keys, plain; under a passphrase they end in `.age`."""
WORDS = "a passphrase that nobody else would choose"
BACKUP_WORDS = "another passphrase, for the backup alone"


class World:
    """Two homes, and everything that their commands ever said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[tuple[str, bytes]] = []
        self.private: dict[str, bytes] = {}

    def run(self, home: str, *words: str, code: int = 0) -> Ran:
        # Developers' details on, so that logs and traces are in stderr as well.
        ran = run_in(self.folder / home, *words, cwd=self.folder, BACKCHANNEL_DEBUG="1")
        assert ran.code == code, (words, ran.err)
        self.said.append((f"{home} {words[:2]}", ran.out + b"\n" + ran.err.encode()))
        if code == 0:
            self.note(home)
        return ran

    def note(self, home: str) -> None:
        """Remember each private key that lies in a home at this moment."""
        root, keys = self.folder / home / "key.pem", self.folder / home / "keys.json"
        if root.exists():
            pair = key_of(root.read_bytes(), "key.pem")
            self.private[f"{home} root {pair.public.hex()[:8]}"] = pair.private.private_bytes_raw()
        if keys.exists():
            for key in keyring_of(keys.read_bytes()).keys:
                self.private[f"{home} {key.use} {key.kid[:8]}"] = key.secret

    def files(self) -> list[tuple[str, bytes]]:
        found = []
        for path in sorted(self.folder.rglob("*")):
            name = path.name.removesuffix(".age")
            if path.is_file() and name not in SECRETS and not path.name.startswith("words"):
                found.append((str(path.relative_to(self.folder)), path.read_bytes()))
        return found


def spellings(secret: bytes) -> list[bytes]:
    """The ways in which 32 bytes are written down."""
    coded = base64.b64encode(secret)
    return [
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        coded.rstrip(b"=")[:-1],
        base64.urlsafe_b64encode(secret).rstrip(b"=")[:-1],
        base64.b32encode(secret).rstrip(b"=")[:-1],
        str(list(secret))[1:-1].encode(),
        repr(secret)[2:-1].encode(),
        to_identity(secret).encode(),
        to_identity(secret).lower().encode(),
    ]


@pytest.mark.timeout(300)
def test_t70_no_secret_stands_in_output_logs_store_ledger_or_drops(tmp_path: Path):
    world = World(tmp_path)
    codes = live(world)
    assert (
        len(world.private) >= 14
    )  # two roots and a third, two times four of every day, and those that came later
    places = [*world.said, *world.files()]
    assert any(name.endswith("store.sqlite") for name, _ in places)
    assert any(name.endswith(".bcb") for name, _ in places)
    for what, secret in world.private.items():
        for spelled in spellings(secret):
            assert [name for name, data in places if spelled in data] == [], what
    for word in (WORDS, BACKUP_WORDS):
        assert [name for name, data in places if word.encode() in data] == []
    for code in codes:
        # Said once on stderr, when the invitation is made; and typed by the joiner, who has it from there.
        told = [name for name, data in places if code.encode() in data]
        assert told == ["alpha ('party', 'invite')"]
    for what, opening in openings(world):
        for spelled in spellings(opening):
            told = [name for name, data in places if spelled in data]
            assert all(Path(name).name.startswith("store.sqlite") for name in told), (what, told)
    # The tiles that everybody may read hold commitments, which the openings above are the other half of.
    assert [name for name, _ in places if "/tile/" in name]


def live(world: World) -> list[str]:
    """A meeting, drops both ways, rotations, a theft, a passphrase, a backup and errors; returns the codes said."""
    folder = world.folder
    (folder / "words").write_text(WORDS + "\n")
    (folder / "words-backup").write_text(BACKUP_WORDS + "\n")
    bundle = {
        "type": "bundle",
        "id": "bundle--8e2e2d2b-17d4-4cbf-938f-4cbf938f4cbf",
        "objects": [indicator(number) for number in range(3)],
    }
    (folder / "made.json").write_text(json.dumps(bundle))
    world.run("alpha", "init", "--name", "CERT Alpha")
    world.run("beta", "init", "--name", "CERT Beta")
    said = world.run("alpha", "party", "invite", "-o", "first").err
    code = re.search(r"\d+-[a-z]+-[a-z]+-[a-z]+", said)
    assert code is not None
    world.run("beta", "party", "join", "first", "--code", "1-zebra-zebra-zebra", "-o", "wrong")
    world.run("alpha", "party", "join", "wrong", code=5)
    world.run("beta", "party", "join", "first", "--code", code.group(), "-o", "second")
    world.run("alpha", "party", "join", "second", "-o", "third")
    world.run("beta", "party", "join", "third")
    world.run("alpha", "import", "made.json", "--from", "CERT Alpha")
    world.run("alpha", "release", "send", "--batch", "1", "--to", "CERT Beta", "-o", "one.bcb")
    world.run("beta", "receive", "one.bcb")
    world.run("alpha", "key", "rotate")
    world.run("alpha", "key", "rotate", "--root", "-o", "news.jsonl")
    world.run("alpha", "key", "revoke", "sign", "--reason", "stolen", "--since", "2026-01-01")
    world.run("alpha", "release", "send", "--batch", "1", "--to", "CERT Beta", "-o", "two.bcb")
    world.run("beta", "receive", "news.jsonl")
    world.run("beta", "receive", "two.bcb")
    backup = ("key", "backup", "--backup-passphrase-file", "words-backup", "-o", "keys.backup")
    world.run("alpha", *backup)
    world.run("alpha", "key", "passphrase", "--new-passphrase-file", "words")
    world.run("alpha", "key", "show", "--passphrase-file", "words-backup", code=5)
    world.run("alpha", "key", "show", "--passphrase-file", "words")
    world.run("alpha", "ledger", "verify")
    (folder / "beta" / "keys.json").write_bytes((folder / "beta" / "keys.json").read_bytes()[:-40])
    world.run("beta", "party", "card", code=5)
    return [code.group()]


def openings(world: World) -> list[tuple[str, bytes]]:
    """The 32 random bytes of each leaf: with them a commitment in the ledger is opened."""
    found: list[tuple[str, bytes]] = []
    for home in ("alpha", "beta"):
        with open_node(world.folder / home) as node:
            found += [(f"{home} leaf", row) for row in randoms(node.store)]
    assert len(found) >= 6
    return found


def randoms(store: SqliteStore) -> list[bytes]:
    """The random half of each leaf, which the store keeps."""
    return [row[0] for row in store.database.execute("SELECT blinding FROM ledger_leaf")]


@pytest.mark.skipif(
    not Path("/proc/self/limits").exists(), reason="this system does not show limits in /proc"
)
def test_t70_a_command_writes_no_core_though_the_system_would_let_it(tmp_path: Path):
    """Keys lie in memory while a command runs: should it crash, no copy of that memory is left."""
    assert run_in(tmp_path / "alpha", "init", "--name", "CERT Alpha", cwd=tmp_path).code == 0
    # It waits for a card on standard input, and is looked at meanwhile.
    waiting = subprocess.Popen(
        command(tmp_path / "alpha", "party", "add", "--card", "-"),
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        preexec_fn=allow_cores,  # noqa: PLW1509  # no thread runs here yet
    )
    try:
        limits = Path(f"/proc/{waiting.pid}/limits")
        until = time.monotonic() + 30
        while core_limit(limits.read_text()) != "0" and time.monotonic() < until:
            time.sleep(0.05)
        assert core_limit(limits.read_text()) == "0"
        assert waiting.poll() is None
    finally:
        waiting.kill()
        waiting.communicate()


def allow_cores() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def core_limit(limits: str) -> str:
    """The soft limit of a core's size, as /proc tells it."""
    return next(line.split()[4] for line in limits.splitlines() if line.startswith("Max core file size"))
