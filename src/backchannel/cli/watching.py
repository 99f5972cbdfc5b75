"""`watch`: logs are searched as they grow."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

import click

from backchannel.cli.command import Command, pass_session
from backchannel.cli.layout import counted, shown
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, InputError, UsageError
from backchannel.logs.lines import MAX_LINE_BYTES

if TYPE_CHECKING:
    from backchannel.desk.watch_streams import WatchedStream
    from backchannel.desk.watching import Source

MAX_NOTES = 20
"""What cannot be read is told so often for one log; the rest is counted."""


@click.command(
    cls=Command,
    forms=("jsonl",),
    writes_file=False,
    example="""
    backchannel watch /var/log/zeek/current
    backchannel watch /var/log/suricata/eve.json udp://127.0.0.1:5514 --jsonl
    tail -F query.log | backchannel watch -
    """,
)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--format", "format_", metavar="FORMAT", help="Take every source for this format.")
@click.option(
    "--from-start",
    is_flag=True,
    help="Search what stands in logs that were never watched, too, not only what comes.",
)
@click.option(
    "--max-evidence",
    type=click.IntRange(0),
    default=20,
    metavar="N",
    help="Most hits told of an indicator in a quarter of an hour.",
)
@click.option(
    "--to",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append the hits to a file as JSON, each just once, whatever happens.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate chain (PEM), for tls://.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its private key (PEM).")
@pass_session
@click.pass_context
def watch(  # its options
    ctx: click.Context,
    session: Session,
    sources: tuple[str, ...],
    format_: str | None,
    max_evidence: int,
    file: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    *,
    from_start: bool,
) -> None:
    """Search logs as they grow, for every indicator in force; new ones count within a second.

    SOURCE is a file, a folder, `-` for standard input, or an address to listen on for syslog: udp://, tcp://,
    tls://HOST:PORT, unix:///PATH. A watch that is stopped or killed goes on where it was. It ends with
    Ctrl-C, a TERM signal, or the end of standard input. Exit code 1: something was found.
    """
    from backchannel.channels.syslog import is_address, listen  # noqa: PLC0415
    from backchannel.desk.lock import watch_lock  # noqa: PLC0415
    from backchannel.desk.watch_index import keeping_index  # noqa: PLC0415
    from backchannel.desk.watch_streams import WatchedStream  # noqa: PLC0415
    from backchannel.desk.watching import WatchOptions, watch_files  # noqa: PLC0415
    from backchannel.desk.watching import watch as run  # noqa: PLC0415
    from backchannel.logs.times import Assumed, zone_of  # noqa: PLC0415

    if (tls_cert is None) != (tls_key is None):
        raise UsageError(
            "a certificate and its key belong together", hint="Give both --tls-cert and --tls-key."
        )
    certificate = (tls_cert, tls_key) if tls_cert is not None and tls_key is not None else None
    options = WatchOptions(format=format_, from_start=from_start, max_evidence=max_evidence)
    notes = _Notes(session)
    paths = [Path(word) for word in sources if not _is_stream(word)]
    found = 0
    with (
        session.node() as node,
        watch_lock(session.home),
        _stopping() as stop,
        _Told(session, file) as told,
    ):
        every: list[Source] = [*watch_files(node, paths, options, on_note=notes.say)]
        for word in sources:
            if _is_stream(word):
                stream = WatchedStream(word, Assumed(zone_of(node.settings.log_zone)), format_, notes.say)
                if is_address(word):
                    listen(word, stream, certificate=certificate)
                else:
                    _read(word, stream)
                every.append(stream)
        session.tell(f"Watching {', '.join(map(shown, sources))}; Ctrl-C ends it.")
        with keeping_index(session.home, session.clock, paths):
            for some in run(node, session.clock, every, options, targets=paths, stop=stop):
                found += told.tell(some.hits)
    notes.end()
    session.tell(f"Watched: {counted(found, 'hit')} told. `backchannel hits` has all.")
    ctx.exit(EXIT_NEEDS_YOU if found else EXIT_DONE)


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Let Ctrl-C and TERM end the watch after what it is at."""
    stop = threading.Event()
    before = {one: signal.signal(one, lambda *_: stop.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _is_stream(word: str) -> bool:
    """Whether a source has no place to go back to."""
    from backchannel.channels.syslog import is_address  # noqa: PLC0415

    return word == "-" or is_address(word) or Path(word).is_fifo()


def _read(word: str, stream: WatchedStream) -> None:
    """Read standard input, or a FIFO, in a thread of its own."""

    def read() -> None:
        with sys.stdin.buffer if word == "-" else Path(word).open("rb") as lines:
            while line := lines.readline(MAX_LINE_BYTES + 1):
                if not stream.put(line.rstrip(b"\r\n")):
                    return
        stream.end()

    threading.Thread(target=read, name=f"read {word}", daemon=True).start()


class _Told:
    """Where hits are told: on stdout, or appended to a file, where each stands just once."""

    def __init__(self, session: Session, path: Path | None) -> None:
        self._session, self._path = session, path
        self._file: BinaryIO | None = None
        self._last = 0

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._file = self._path.open("ab+")
                self._last = _mended(self._file)
            except OSError as error:
                raise InputError(
                    f"{self._path} cannot be written: {error.strerror}", hint="Name another file."
                ) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def tell(self, hits: tuple[tuple[int, bytes], ...]) -> int:
        """Tell hits, and return how many were told: those in the file already are not told again."""
        new = [(number, body) for number, body in hits if number > self._last]
        lines = b"".join(body + b"\n" for _, body in new)
        if self._file is not None:
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())
        if self._file is None or self._session.form == "jsonl":
            out = sys.stdout.buffer
            out.write(lines if self._session.form == "jsonl" else b"".join(_text(body) for _, body in new))
            out.flush()
        if new:
            self._last = new[-1][0]
        return len(new)


def _mended(file: BinaryIO) -> int:
    """Cut off a last line that was not written whole; return the number of the last hit in a file, 0 for none."""
    from backchannel.codec import decode  # noqa: PLC0415

    end = file.seek(0, os.SEEK_END)
    start = max(0, end - 2**20)
    file.seek(start)
    tail = file.read()
    whole = tail.rfind(b"\n") + 1
    file.truncate(start + whole)
    lines = tail[:whole].splitlines()
    if not lines:
        return 0
    try:
        value = decode(lines[-1])
        number = value["number"] if isinstance(value, dict) else None
    except (ValueError, KeyError):
        number = None
    if not isinstance(number, int):
        raise UsageError("its last line is no hit of a watch", hint="Append to a file of its own.")
    return number


def _text(body: bytes) -> bytes:
    """Say a hit in a line."""
    from backchannel.codec import decode  # noqa: PLC0415

    hit = decode(body)["hit"]
    log = hit["log"]
    parts = [
        hit["seen_at"] or "no time",
        f"{shown(hit['observable']['value'])} ({hit['scope']})",
        f"at {shown(hit['asset'])}" if hit["asset"] else "at none of ours",
        f"{shown(log['path'])}:{log['line']} ({shown(log['field'])})",
        hit["indicator"],
        *([hit["advice"]["do"].upper()] if hit["advice"] else []),
    ]
    return ("  ".join(parts) + "\n").encode()


class _Notes:
    """Tells on stderr what cannot be read, up to a number for each log."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._counts: Counter[str] = Counter()

    def say(self, path: str, line: int | None, why: str) -> None:
        """Tell one thing, or count it."""
        self._counts[path] += 1
        if self._counts[path] <= MAX_NOTES:
            place = path if line is None else f"{path}:{line}"
            self._session.tell(f"not read: {shown(place)}: {shown(why)}")

    def end(self) -> None:
        """Say how many more there were."""
        more = sum(max(0, count - MAX_NOTES) for count in self._counts.values())
        if more:
            self._session.tell(f"not read: {more:,} more")
