"""What goes wrong is said on stderr: what happened, and the next thing to do; the exit code says of which kind."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.running import Ran, Run, environment, run_in


def spelled(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else ""


def complained(ran: Ran, code: int, *said: str) -> None:
    """The run failed with `code`, said why and what next, and showed no trace and no result."""
    assert ran.code == code, ran.err
    assert ran.out == b""
    assert re.search(r"^error: \S", ran.err, re.MULTILINE), ran.err
    assert re.search(r"^next: \S", ran.err, re.MULTILINE), ran.err
    assert "Traceback" not in ran.err
    told = "".join(ran.err.split())  # a line may end within a path
    for words in said:
        assert "".join(words.split()) in told, ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing-like-it"], "No such command"),
        (["--jsonl", "status"], "backchannel status has no --jsonl"),
        (["-o", "x", "serve"], "-o"),
        (["import"], "FILE"),
        (["import", "beta.json", "--tlp", "purple"], "'purple' is no TLP label"),
        (["import", "beta.json", "--channel", "two words"], "channel"),
        (["import", "beta.json", "--from", " "], "a party needs a name"),
        (["import", "beta.json", "--from", "CERT\x1b[31m"], "cannot be seen"),
        (["import", "beta.json", "--from", "x" * 201], "201 characters"),
        (["hunt", "dns.log", "--since", "noon"], "--since noon is no time"),
        (
            ["hunt", "dns.log", "--since", "2026-02-02", "--until", "2026-02-01"],
            "--until is not after --since",
        ),
        (["hunt", "dns.log", "--format", "morse"], "morse"),
        (["hunt", "-", "-"], "standard input"),
        (["show", "indicator--no-such"], "there is no object"),
        (["show", "indicator--"], "several objects begin with"),
        (["why", "nonsense"], "there is no object"),
        (["sight", "malware--"], "is no indicator"),
        (["batch", "undo", "99"], "there is no batch 99"),
        (["batch", "list", "--before", "zzz"], "no place"),
        (["inbox", "--before", "zzz"], "no place"),
        (["party", "add", "CERT Alpha"], "there is a party CERT Alpha already"),
        (["party", "show", "CERT Nobody"], "there is no party"),
        (["warninglist", "remove", "nothing"], "nothing"),
        (["export", "rpz"], "-o"),
        (["init", "--name", "Another"], "there is a node in"),
        (["init", "--name", "CERT Alpha", "--own-network", "10.0.0"], "10.0.0 is no address range"),
        (["init", "--name", "CERT Alpha", "--own-domain", "two words"], "not a domain name"),
        (["serve", "--tls-cert", "chain.pem"], "belong together"),
        (["serve", "--host", "192.0.2.1"], "without TLS"),
    ],
    ids=spelled,
)
def test_a_command_of_the_wrong_form_is_2(ask: Run, words: list[str], said: str):
    complained(ask(*words), 2, said)


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["import", "beta.json"],
        ["inbox"],
        ["hunt", "dns.log"],
        ["hunt", "-"],
        ["export", "rpz", "-o", "x"],
        ["ack", "indicator--x"],
        ["serve"],
    ],
    ids=spelled,
)
def test_without_a_node_each_command_says_how_one_is_made(fresh: Run, words: list[str]):
    complained(fresh(*words), 2, "there is no node in", "backchannel init --name NAME")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import", "missing.json"], "missing.json cannot be read: No such file"),
        (["import", "."], "is a folder"),
        (["validate", "missing.json"], "missing.json cannot be read: No such file"),
        (["ack", "indicator--", "--text", "@missing.txt"], "missing.txt cannot be read"),
        (["warninglist", "add", "missing.json"], "missing.json cannot be read"),
        (["warninglist", "add", "dns.log"], "MISP warning lists"),
        (["status", "-o", "no-folder/x"], "there is no folder"),
        (["status", "-o", "."], "it is a folder"),
        (["status", "-o", "/dev/full"], "No space left on device"),
        (["serve", "--port", "0", "--tls-cert", "dns.log", "--tls-key", "dns.log"], "certificate"),
    ],
    ids=spelled,
)
def test_what_cannot_be_read_or_written_is_3(ask: Run, words: list[str], said: str):
    complained(ask(*words), 3, said)


def test_an_output_that_cannot_be_written_is_found_before_anything_is_done(run: Run):
    complained(run("import", "beta.json", "--from", "CERT Gamma", "-o", "no-folder/x"), 3)
    assert run("status", "--json").document["batches"] == 2


def test_a_damaged_store_is_7(run: Run, world: Path):
    (world / "home" / "store.sqlite").write_bytes(b"no database at all" * 100)
    complained(run("status"), 7)
    found = run("doctor")
    assert found.code == 1
    said = " ".join(found.text.split())
    assert "Next:" in said
    assert not re.search(r"[^.!?] +Next:", said), "each is a sentence"


def test_a_missing_store_is_7(run: Run, world: Path):
    for path in (world / "home").glob("store.sqlite*"):
        path.unlink()
    complained(run("inbox"), 7)


def test_settings_of_the_wrong_form_are_2_and_name_the_file(run: Run, world: Path):
    settings = world / "home" / "settings.toml"
    for text, said in (
        ("name = ", "settings.toml is no TOML"),
        ("port = 8017\n", "name is missing"),
        ("name = 'A'\ncolour = 'red'\n", "nothing is known of the setting colour"),
        ("name = 'A'\nport = '8017'\n", "port is not of the right form"),
    ):
        settings.write_text(text, "utf-8")
        complained(run("status"), 2, said)


def with_a_bug(prepared: Path, **more: str) -> Ran:
    code = (
        "import sys, backchannel.desk.node as node\n"
        "def open_node(home): raise KeyError('no such thing')\n"
        "node.open_node = open_node\n"
        "from backchannel.app import main\n"
        "sys.argv[1:] = ['status']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, env=environment(**more), cwd=prepared
    )
    return Ran(done.returncode, done.stdout, done.stderr.decode())


def test_a_bug_of_ours_is_70_and_looks_like_one(prepared: Path):
    ran = with_a_bug(prepared)
    assert ran.code == 70
    assert "bug: Backchannel" in ran.err
    assert "KeyError: 'no such thing'" in " ".join(ran.err.split())
    assert "BACKCHANNEL_DEBUG=1" in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in with_a_bug(prepared, BACKCHANNEL_DEBUG="1").err


def test_a_home_under_a_file_is_7(world: Path):
    complained(run_in(world / "dns.log" / "home", "init", "--name", "CERT Alpha", cwd=world), 7)


def test_no_words_at_all_show_the_help(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "backchannel"],
        capture_output=True,
        check=False,
        env=environment(),
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Usage: backchannel" in done.stderr


def test_the_installed_command_is_the_same_program(prepared: Path):
    for name in ("backchannel", "bck"):
        program = shutil.which(name, path=str(Path(sys.executable).parent))
        assert program is not None
        done = subprocess.run([program, "--version"], capture_output=True, check=True, env=environment())
        assert done.stdout.startswith(b"backchannel, version ")
