"""Two nodes compare over HTTP and by files, as their operators do: commands, and a server of its own that is killed."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.e2e.carriers import ROOT, Serving

pytest.importorskip(
    "nacl", reason="the engine of comparisons is not installed: pip install 'backchannel[psi]'"
)

TAXII = "application/taxii+json;version=2.1"


@dataclass
class Home:
    """One node, worked by commands."""

    path: Path

    def run(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(self.command(*words), capture_output=True, text=True, env=ENV, check=False)
        assert done.returncode in codes, (words, done.returncode, done.stderr)
        return done.stdout

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "backchannel", "--home", str(self.path), *words]

    def shown(self, session: str) -> dict:  # type: ignore[type-arg]
        return json.loads(self.run("compare", "show", session, "--json"))

    def newest(self) -> str:
        return str(json.loads(self.run("compare", "list", "--json"))["comparisons"][0]["session"])


ENV = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Home, Home]:
    """Two nodes that verified one another; five hashes are in both."""
    alpha, beta = (Home(tmp_path / name) for name in ("alpha", "beta"))
    for home, numbers in ((alpha, range(20)), (beta, range(15, 40))):
        home.run("init", "--name", home.path.name)
        home.run("party", "card", "-o", str(tmp_path / f"{home.path.name}.card"))
        lines = tmp_path / f"{home.path.name}.txt"
        lines.write_text("\n".join(hashlib.sha256(str(number).encode()).hexdigest() for number in numbers))
        home.run("import", str(lines), "--tlp", "green")
    for home, other in ((alpha, "beta"), (beta, "alpha")):
        home.run("party", "add", "--card", str(tmp_path / f"{other}.card"), "--handed-over")
    return alpha, beta


@pytest.fixture
def serving(homes: tuple[Home, Home]) -> Iterator[Serving]:
    """Beta's server, which alpha reaches by the channel `beta`."""
    alpha, beta = homes
    secret = json.loads(beta.run("taxii", "token", "add", "alpha", "--json"))["token"]
    (alpha.path / "token").write_text(secret)
    server = Serving(beta.path)
    alpha.run(
        *("channel", "add", "taxii", f"{server.url}/taxii2/", "--name", "beta", "--allow-private"),
        *("--token-file", str(alpha.path / "token"), "--every", "0"),
    )
    yield server
    server.kill()


def test_a_comparison_over_http_needs_four_decisions_and_nothing_else(
    homes: tuple[Home, Home], serving: Serving
):
    alpha, beta = homes
    alpha.run("compare", "beta", "--channel", "beta")
    session = alpha.newest()
    assert beta.shown(session)["comparison"]["turn"] == "ours"
    beta.run("compare", "answer", session)
    alpha.run("compare", "call", session)
    assert alpha.shown(session)["comparison"]["common"] == beta.shown(session)["comparison"]["common"] == 5
    alpha.run("compare", "reveal", session)
    beta.run("compare", "reveal", session)
    alpha.run("compare", "call", session)
    found = [{one["value"] for one in home.shown(session)["items"]} for home in homes]
    assert found[0] == found[1] == {hashlib.sha256(str(n).encode()).hexdigest() for n in range(15, 20)}
    assert {home.shown(session)["comparison"]["state"] for home in homes} == {"done"}


def post(serving: Serving, body: bytes, token: str | None, *, length: int | None = None) -> int:
    split = urlsplit(serving.url)
    connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=20)
    headers = {"Accept": TAXII, "Content-Type": TAXII}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if length is not None:
        headers["Content-Length"] = str(length)
    try:
        connection.request("POST", "/taxii2/.comparisons/", body=body, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_door_takes_messages_of_the_party_whose_token_it_is_and_bounds_them(
    homes: tuple[Home, Home], serving: Serving, tmp_path: Path
):
    alpha, beta = homes
    token = (alpha.path / "token").read_text()
    gamma = json.loads(beta.run("party", "add", "gamma", "--json"))["party"]["name"]
    other = json.loads(beta.run("taxii", "token", "add", gamma, "--json"))["token"]
    file = tmp_path / "m1"
    alpha.run("compare", "beta", "-o", str(file))
    session = alpha.newest()
    body = json.dumps({"session": session, "message": b64encode(file.read_bytes()).decode()}).encode()
    assert post(serving, body, None) == 401
    assert post(serving, body, "wrong") == 401
    assert post(serving, body, other) == 403  # signed by alpha, brought by gamma
    assert post(serving, b"", token, length=50 * 2**20) == 413
    assert post(serving, b"{}", token) == 422
    assert post(serving, b'{"session":"x","message":"!"}', token) == 422
    assert post(serving, json.dumps({"session": "0" * 32}).encode(), token) == 404
    assert json.loads(beta.run("compare", "list", "--json"))["comparisons"] == []
    assert post(serving, body, token) == 200
    assert post(serving, body, token) == 200
    assert post(serving, json.dumps({"session": session}).encode(), other) == 404
    assert len(json.loads(beta.run("compare", "list", "--json"))["comparisons"]) == 1


def test_a_server_that_is_down_loses_nothing(homes: tuple[Home, Home], serving: Serving):
    alpha, _ = homes
    serving.kill()
    alpha.run("compare", "beta", "--channel", "beta")
    session = alpha.newest()
    assert alpha.shown(session)["comparison"]["step"] == 1
    alpha.run("compare", "call", session, codes=(6,))
    assert alpha.shown(session)["comparison"]["turn"] == "theirs"


SEED = int(os.environ.get("BACKCHANNEL_TEST_SEED", "0")) or random.SystemRandom().randrange(2**32)
KILLS = 3


def test_t19_killed_at_any_instant_a_step_is_made_once_or_not_at_all(
    homes: tuple[Home, Home], tmp_path: Path
):
    """Each step of a whole comparison by files is killed again and again, and then given once more."""
    drawn = random.Random(SEED)
    print(f"seed {SEED}")
    alpha, beta = homes
    alpha.run("compare", "beta", "-o", str(tmp_path / "1"))
    session = alpha.newest()
    for step in range(1, 9):
        giver, taker = (alpha, beta) if step % 2 else (beta, alpha)
        file = tmp_path / str(step)
        for words in (
            (giver, ("compare", "reveal" if step in {5, 6} else "answer", session, "-o", str(file))),
            (taker, ("compare", "take", str(file))),
        ):
            home, command = words
            for _ in range(KILLS):
                killed = subprocess.Popen(
                    home.command(*command), env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                time.sleep(drawn.uniform(0.15, 1.2))
                killed.send_signal(signal.SIGKILL)
                killed.wait(20)
            home.run(*command, codes=(0, 1))
    for home in homes:
        one = home.shown(session)
        assert (one["comparison"]["state"], one["comparison"]["common"], len(one["items"])) == ("done", 5, 5)
        verdict = json.loads(home.run("ledger", "verify", "--json"))
        assert verdict["good"]
        kinds = json.loads(home.run("ledger", "show", "--json"))["kinds"]
        assert kinds["psi"] == 8
