"""Run commands in forks of a process that has loaded the program once.

To load it takes longer than most commands do, and there are hundreds of them. Each still has a process, streams,
an environment and a folder of its own, and ends as the real one does; what starting takes and loads has tests of
its own (`test_loading`).
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pkgutil
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

STREAMS = 3
PRELOADED = ("backchannel.cli", "backchannel.desk", "backchannel.channels", "backchannel.matching")


class Warm:
    """The process, as tests see it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="warm-")
        self._path = Path(self._folder.name) / "socket"
        self._alive, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # with pipes, for what a stream can do is looked at once
                [sys.executable, __file__, self._path, str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
                pass_fds=[theirs.fileno()],
            )
        if not self._alive.recv(1):
            raise AssertionError(f"the process does not start: {self._process.communicate()[1].decode()}")

    def close(self) -> None:
        """End the process: it sees that its end of the pair is alone."""
        self._alive.close()
        self._process.communicate(timeout=20)
        self._folder.cleanup()

    def run(
        self, words: list[str], *, stdin: bytes, cwd: Path, environment: Mapping[str, str], timeout_s: float
    ) -> tuple[int, bytes, bytes]:
        """Run `backchannel WORD...`; return its exit code, what it wrote and what it complained."""
        reads, writes = os.pipe()
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            socket.socket(socket.AF_UNIX) as asking,
        ):
            asking.settimeout(timeout_s)
            asking.connect(str(self._path))
            request = json.dumps([words, str(cwd), dict(environment)]).encode()
            socket.send_fds(asking, [len(request).to_bytes(4)], [reads, out.fileno(), err.fileno()])
            os.close(reads)
            asking.sendall(request)
            feeding = threading.Thread(target=_feed, args=(writes, stdin))
            feeding.start()
            pid = _number(asking)
            try:
                code = _number(asking)
            except TimeoutError:
                os.kill(pid, 9)
                raise subprocess.TimeoutExpired(words, timeout_s) from None
            finally:
                feeding.join(timeout_s)
            out.seek(0)
            err.seek(0)
            return code, out.read(), err.read()


def _number(asking: socket.socket) -> int:
    data = asking.recv(4)
    assert len(data) == 4, "the process that runs commands has ended"
    return int.from_bytes(data, signed=True)


def _feed(writes: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(writes, "wb") as stream:
        stream.write(data)


@cache
def warm() -> Warm:
    """Return the process of this test run; begun when it is first asked for."""
    found = Warm()
    atexit.register(found.close)
    return found


# --- The process itself --------------------------------------------------------------------------------


def main() -> None:
    """Serve until the process that started us is gone."""
    path, alive = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    for name in PRELOADED:
        for module in pkgutil.iter_modules(import_module(name).__path__, f"{name}."):
            import_module(module.name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        alive.send(b"1")
        while alive not in select.select([listener, alive], [], [])[0]:
            asked, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                alive.close()
                _answer(asked)
            asked.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _answer(asked: socket.socket) -> None:
    """Run one command in one more process, and say how it ended."""
    head, streams, _, _ = socket.recv_fds(asked, 4, STREAMS)
    request = b""
    while len(request) < int.from_bytes(head):
        request += asked.recv(2**16)
    pid = os.fork()
    if pid == 0:
        asked.close()
        _become(*json.loads(request), streams)
        return
    asked.sendall(pid.to_bytes(4, signed=True))
    for stream in streams:
        os.close(stream)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(OSError):
        asked.sendall(code.to_bytes(4, signed=True))
    os._exit(0)


def _become(words: list[str], cwd: str, environment: dict[str, str], streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["backchannel", *words]
    from backchannel.app import main as run  # noqa: PLC0415

    code = 1
    try:
        run()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # to take a whole interpreter down takes as long as a short command


if __name__ == "__main__":
    main()
