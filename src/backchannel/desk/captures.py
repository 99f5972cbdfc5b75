"""Captured packets (pcap): read by a program that knows them, Zeek or else tshark, whose logs are then hunted through.

The program is started by its name as it stands in PATH, with a list of arguments and no shell, in a folder of its own
that is gone afterwards, with bounded time. It looks up no names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

MAX_SECONDS: Final = 600
"""One capture may take so long to be read."""
_MAGICS: Final = (
    *(b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"),  # libpcap
    b"\x0a\x0d\x0d\x0a",  # pcapng
)
_FIELDS: Final = (
    *("frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.dstport", "dns.qry.name", "dns.a", "dns.aaaa"),
    *("dns.cname", "http.host", "http.request.uri", "http.referer", "tls.handshake.extensions_server_name"),
)  # fmt: skip
"""What is asked of tshark: the columns of logs/formats/columns/tshark.toml."""


def is_capture(path: Path) -> bool:
    """Whether a file is a capture of packets, by its content; False for one that cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in _MAGICS
    except OSError:
        return False


def logs_of(path: Path, name: str, *, on_refused: Callable[[str, str], None]) -> Iterator[tuple[Path, str]]:
    """Yield the logs that a program makes of a capture, each with its name (`a.pcap!dns.log`).

    Args:
        path: the capture.
        name: what it is called.
        on_refused: told the name of a capture that cannot be read, and why.
    """
    zeek, tshark = shutil.which("zeek"), shutil.which("tshark")
    if zeek is None and tshark is None:
        on_refused(name, "it holds captured packets, and neither zeek nor tshark is in PATH to read them")
        return
    with TemporaryDirectory(prefix="backchannel-pcap-") as folder:
        scratch = Path(folder)
        if zeek is not None:
            why = _run([zeek, "-C", "-r", str(path.absolute()), "LogAscii::use_json=T"], scratch)
        else:
            columns = [word for field in _FIELDS for word in ("-e", field)]
            form = [
                "-T",
                "fields",
                "-E",
                "header=y",
                "-E",
                "separator=/t",
                "-E",
                "occurrence=a",
                "-E",
                "aggregator=,",
            ]
            why = _run(
                [str(tshark), "-n", "-r", str(path.absolute()), *form, *columns],
                scratch,
                output="packets.tsv",
            )
        if why:
            on_refused(name, f"its packets could not be read in full: {why}")
        for log in sorted(scratch.iterdir()):
            if log.suffix in {".log", ".tsv"} and log.is_file() and log.stat().st_size:
                yield log, f"{name}!{log.name}"


def _run(words: list[str], scratch: Path, *, output: str = "told.txt") -> str:
    """Run a program in a folder, its output in a file there; return why it ended badly, "" if it did not."""
    program = Path(words[0]).name
    # Nothing of ours but where programs are: no token of the operator's reaches it.
    known = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(scratch),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    try:
        with (scratch / output).open("wb") as out, (scratch / "errors.txt").open("wb") as errors:
            done = subprocess.run(  # a list of arguments, no shell
                words,
                cwd=scratch,
                env=known,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                timeout=MAX_SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return f"{program} took longer than {MAX_SECONDS} seconds"
    except OSError as error:
        return f"{program} cannot be started: {error.strerror or error}"
    if done.returncode == 0:
        return ""
    with (scratch / "errors.txt").open("rb") as errors:
        said = errors.read(2000).decode("utf-8", "replace").strip().splitlines()
    return f"{program} ended with {done.returncode}{f': {said[-1][:200]}' if said else ''}"
