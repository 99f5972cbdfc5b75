"""stdin, stdout, stderr, `-o`, colours and signals: the command is a Unix program among others."""

from __future__ import annotations

import gzip
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.cli.running import ONE, Run, command, conn, environment, jsonl, run_in
from tests.desk.made import indicator

ID = str(ONE["id"])


def test_a_dash_is_standard_input_for_intelligence(run: Run, world: Path):
    ran = run("import", "-", "--from", "CERT Gamma", "--json", stdin=(world / "beta.json").read_bytes())
    assert ran.code == 0
    assert ran.document["known"] == 7
    batch = run("batch", "show", str(ran.document["batch"]), "--json").document["batch"]
    assert isinstance(batch, dict)
    assert batch["files"] == [{"name": "-", "bytes": None, "sha256": None}]


def test_a_dash_is_standard_input_for_validation_without_a_node(fresh: Run, world: Path):
    ran = fresh("validate", "--jsonl", "-", stdin=json.dumps(ONE).encode() + b"\n{}\n")
    assert [line["n"] for line in ran.lines] == [1, 2]
    assert ran.code == 1


def test_a_dash_is_standard_input_for_logs(run: Run, world: Path):
    from_file = run("hunt", "dns.log", "--jsonl").lines
    ran = run("hunt", "-", "--jsonl", stdin=(world / "dns.log").read_bytes())
    assert ran.code == 1
    assert [line["log"]["path"] for line in ran.lines[:-1]] == ["-"] * (len(from_file) - 1)
    assert [line["log"]["line"] for line in ran.lines[:-1]] == [
        line["log"]["line"] for line in from_file[:-1]
    ]
    assert ran.lines[-1] == from_file[-1]


def test_a_packed_log_comes_through_standard_input_too(run: Run, world: Path):
    assert run("hunt", "-", "--json", stdin=gzip.compress((world / "dns.log").read_bytes())).code == 1


def test_an_empty_standard_input_is_unreadable(ask: Run):
    ran = ask("hunt", "-")
    assert ran.code == 3
    assert "not read: -: it is empty" in ran.err


@pytest.mark.parametrize(("file", "word", "lines"), [("dns.log", "hunt", 4), ("beta.json", "validate", 7)])
def test_a_pipe_with_a_name_is_read_once_and_whole(prepared: Path, file: str, word: str, lines: int):
    program = command(prepared / "home", word, "/dev/stdin", "--jsonl")
    piped = subprocess.run(
        ["/bin/sh", "-c", f'cat {file} | "$@"', "sh", *program],
        capture_output=True,
        cwd=prepared,
        env=environment(),
        check=False,
    )
    assert len(piped.stdout.splitlines()) == lines


def test_words_of_an_answer_come_from_standard_input_or_a_file(run: Run, world: Path):
    (world / "words.txt").write_text("Blocked since noon.\n", "utf-8")
    for word, stdin in (("-", b"Blocked since noon.\n"), ("@words.txt", b"")):
        note = run("ack", ID, "--text", word, stdin=stdin).document["objects"][1]
        assert note["content"] == "Blocked since noon."


@pytest.mark.parametrize(
    ("close", "words", "code"),
    [
        ("<&-", ["validate", "-"], 3),
        ("<&-", ["hunt", "-"], 3),
        (">&-", ["status"], 0),
        ("2>&-", ["inbox"], 0),
    ],
    ids=str,
)
def test_closed_streams_are_empty_ones(prepared: Path, close: str, words: list[str], code: int):
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {close}', "sh", *command(prepared / "home", *words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert ended.returncode == code
    assert b"Traceback" not in ended.stderr


# --- Where the result goes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["status", "--json"],
        ["hits"],
        ["show", ID, "--raw"],
        ["validate", "bad.json", "--jsonl"],
        ["party", "show", "CERT Beta"],
    ],
    ids=" ".join,
)
def test_o_writes_what_stdout_would_have_said(ask: Run, tmp_path: Path, words: list[str]):
    said, ran = ask(*words), ask(*words, "-o", tmp_path / "result")
    assert (ran.code, ran.out) == (said.code, b"")
    assert (tmp_path / "result").read_bytes() == said.out
    assert list(tmp_path.glob(".*")) == []


def test_o_with_a_dash_is_stdout(ask: Run):
    assert ask("party", "list", "-o", "-").out == ask("party", "list").out


def test_o_writes_through_a_link_and_into_a_device(ask: Run, tmp_path: Path):
    (tmp_path / "target").write_text("before", "utf-8")
    (tmp_path / "link").symlink_to("target")
    assert ask("status", "--json", "-o", tmp_path / "link").code == 0
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "target").read_bytes())["schema"] == "backchannel.status/1"
    assert ask("status", "-o", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_options_stand_before_or_after_the_command(ask: Run):
    assert ask("--json", "party", "list").out == ask("party", "list", "--json").out


def test_an_error_leaves_the_file_of_o_as_it_was(ask: Run, tmp_path: Path):
    result = tmp_path / "result"
    result.write_text("before", "utf-8")
    assert ask("show", "indicator--nothing", "-o", result).code == 2
    assert result.read_text("utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["result"]


def test_stdout_is_the_result_and_stderr_the_story(ask: Run):
    ran = ask("inbox")
    assert ran.text.startswith(("indicator--", "malware--"))
    assert "Next:" in ran.err
    assert "Next:" not in ran.text


@pytest.mark.parametrize(
    "words",
    [["inbox"], ["hunt", "dns.log"], ["import", "beta.json"]],
    ids=" ".join,
)
def test_quiet_says_nothing_on_stderr(run: Run, words: list[str]):
    assert run(*words, "--quiet").err == ""
    assert "error:" in run("show", "nothing", "--quiet").err


# --- A terminal ----------------------------------------------------------------------------------


def on_a_terminal(home: Path, *words: str, cwd: Path, **more: str) -> str:
    """What a person sees on a terminal of 60 columns."""
    outer, inner = pty.openpty()
    try:
        running = subprocess.Popen(
            command(home, *words), stdin=inner, stdout=inner, stderr=inner, cwd=cwd, env=environment(**more)
        )
        os.close(inner)
        seen = b""
        while True:
            try:
                piece = os.read(outer, 65536)
            except OSError:  # how a terminal ends on Linux
                break
            if not piece:
                break
            seen += piece
        running.wait()
    finally:
        os.close(outer)
    return seen.decode()


def test_colours_are_for_terminals_and_for_those_who_want_them(ask: Run, prepared: Path):
    assert "\x1b[" in on_a_terminal(prepared / "home", "inbox", cwd=prepared, TERM="xterm")
    assert "\x1b[" not in on_a_terminal(prepared / "home", "inbox", cwd=prepared, TERM="xterm", NO_COLOR="1")
    assert "\x1b[" not in ask("inbox").text


def test_colours_of_errors_too(prepared: Path):
    seen = on_a_terminal(prepared / "home", "show", "nothing", cwd=prepared, TERM="xterm")
    assert "\x1b[31m" in seen
    assert "\x1b[" not in on_a_terminal(
        prepared / "home", "show", "nothing", cwd=prepared, TERM="xterm", NO_COLOR="1"
    )


def test_text_fits_a_narrow_terminal(ask: Run):
    for words in (["inbox"], ["show", ID], ["hits"], ["batch", "list"]):
        lines = ask(*words, COLUMNS="80").text.splitlines()
        assert max(len(line) for line in lines if "--" not in line) <= 80, words


def test_progress_is_drawn_on_a_terminal_only(run: Run, world: Path):
    assert run("import", "beta.json").err.count("\n") == 1
    seen = on_a_terminal(world / "home", "hunt", "dns.log", cwd=world, TERM="xterm", NO_COLOR="1")
    assert "hits of" in seen


# --- Signals -------------------------------------------------------------------------------------


TAKES_INTERRUPTS = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from backchannel.app import main; main()"
)
"""The program, also where a shell made what runs in its background deaf to Ctrl-C."""


def interruptible(home: Path, *words: str | Path) -> list[str | bytes | Path]:
    return [sys.executable, "-c", TAKES_INTERRUPTS, "--home", home, *words]


Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def begin(run: Run, world: Path) -> Iterator[Begin]:
    with ExitStack() as stack:

        def begin(*words: str | Path) -> subprocess.Popen[bytes]:
            return stack.enter_context(
                subprocess.Popen(
                    interruptible(world / "home", *words),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=world,
                    env=environment(),
                )
            )

        yield begin


MORE_THAN_A_PIPE_HOLDS = b" " * 2**20


def test_ctrl_c_while_importing_is_130_and_leaves_nothing_behind(begin: Begin, run: Run):
    before = run("status", "--json").document
    going = begin("import", "-", "--from", "CERT Gamma")
    assert going.stdin is not None
    going.stdin.write(
        json.dumps(indicator(77)).encode() + MORE_THAN_A_PIPE_HOLDS
    )  # returns when it is being read
    going.send_signal(signal.SIGINT)
    out, err = going.communicate()
    assert (going.returncode, out) == (130, b"")
    assert b"stopped: nothing is half done" in err
    assert b"Traceback" not in err
    after = run("status", "--json").document
    assert {**after, "store_bytes": 0} == {**before, "store_bytes": 0}
    assert run("import", "beta.json").code == 0


def test_ctrl_c_while_hits_are_written_is_130(begin: Begin, run: Run, world: Path):
    jsonl(world / "many.log", *(conn(second, "203.0.113.9") for second in range(2_000)))
    going = begin("hunt", "many.log", "--jsonl")
    assert going.stdout is not None
    assert going.stdout.readline().startswith(b'{"schema":"backchannel.hit/1"')
    going.send_signal(signal.SIGINT)
    _, err = going.communicate()
    assert going.returncode == 130
    assert b"Traceback" not in err


def is_left(group: int) -> bool:
    """Whether a process of a group is there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("seconds", [0.6, 1.0])
def test_ctrl_c_in_a_terminal_ends_the_processes_of_a_hunt_too(run: Run, world: Path, seconds: float):
    """A terminal tells all of them, whatever they are at: also while they start."""
    assert run("status").code == 0
    names = [f"part{number}.log" for number in range(8)]
    for number, name in enumerate(names):
        jsonl(world / name, *(conn(second + number, "203.0.113.9") for second in range(20_000)))
    going = subprocess.Popen(
        interruptible(world / "home", "hunt", "--jobs", "2", *names),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=world,
        env=environment(),
        start_new_session=True,
    )
    time.sleep(seconds)
    os.killpg(going.pid, signal.SIGINT)
    _, err = going.communicate(timeout=60)
    assert going.returncode in {
        130,
        -signal.SIGINT,
        1,
    }  # before it was ready to be told, or when all was done
    if going.returncode == 130:
        assert b"Traceback" not in err
    end = time.monotonic() + 10
    while is_left(going.pid):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_ctrl_c_while_it_loads_is_130_too(tmp_path: Path):
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'click': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupts())\n"
        "import backchannel.app\n"
        "backchannel.app.main()"
    )
    ended = subprocess.run(
        [*command(tmp_path)[:1], "-c", code],
        capture_output=True,
        check=False,
        env=environment(),
    )
    assert ended.returncode == 130
    assert b"Traceback" not in ended.stderr


def test_the_interruption_of_a_query_is_ctrl_c(prepared: Path):
    code = (
        "import sys, backchannel.desk.node as node\n"
        "def open_node(home): raise RuntimeError('Query interrupted')\n"
        "node.open_node = open_node\n"
        "from backchannel.app import main\n"
        "sys.argv[1:] = ['status']\n"
        "main()\n"
    )
    ended = subprocess.run(
        [*command(prepared)[:1], "-c", code], capture_output=True, check=False, env=environment()
    )
    assert ended.returncode == 130


@pytest.mark.parametrize(
    "words", [["hunt", "many.log", "--jsonl"], ["inbox", "--json"], ["--help"]], ids=" ".join
)
def test_it_ends_quietly_when_its_reader_has_gone(begin: Begin, world: Path, words: list[str]):
    jsonl(world / "many.log", *(conn(second, "203.0.113.9") for second in range(2_000)))
    going = begin(*words)
    assert going.stdout is not None
    going.stdout.close()
    assert going.stderr is not None
    assert going.stderr.read() == b""
    assert going.wait() == -signal.SIGPIPE


def test_without_a_home_the_platforms_folder_is_taken(tmp_path: Path, world: Path):
    data = tmp_path / "data"
    ended = subprocess.run(
        [*command(world)[:3], "init", "--name", "CERT Alpha"],
        capture_output=True,
        check=False,
        env=environment(XDG_DATA_HOME=str(data)),
    )
    assert ended.returncode == 0
    assert (data / "backchannel" / "settings.toml").is_file()
    named = run_in(tmp_path / "named", "init", "--name", "CERT Beta", cwd=world)
    assert named.code == 0
    ended = subprocess.run(
        [*command(world)[:3], "status", "--json"],
        capture_output=True,
        check=False,
        env=environment(BACKCHANNEL_HOME=str(tmp_path / "named")),
    )
    assert json.loads(ended.stdout)["name"] == "CERT Beta"
