"""Hunt through several logs at once: processes that each take a log, and give what was found back in order.

One log and the files of the compiled set make one answer, whoever makes it and however often: a process that
dies is replaced and its log given out again, and what had come of it already is passed over. Nothing else has
to be recovered. The store is written by the process that asked alone.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from pathlib import Path
from typing import Final, NamedTuple, cast

from backchannel.actions.own import OwnAssets
from backchannel.desk.own_logs import Outside, OutsideLog
from backchannel.errors import StoreError
from backchannel.logs.recognise import ReadAs, log_id
from backchannel.logs.shape import LogShape
from backchannel.logs.shown import HuntShown
from backchannel.matching.compiled import CompiledSet
from backchannel.matching.day_counts import DayCounts
from backchannel.matching.day_index import DayIndex
from backchannel.matching.hunt import Note, Tally, hunt_log
from backchannel.matching.rows import Found
from backchannel.observables.kinds import Kind

MAX_TRIES: Final = 3
"""Times that a log is given out; one that ends each process that reads it is named instead."""
BATCH: Final = 500
"""Findings in one message."""
MAX_WAITING: Final = 40
"""Messages of one log that wait for their turn; the process that reads it waits then, too."""
INDEX_PATIENCE_S: Final = 600.0
"""How long a process waits until the others have written what their logs hold into the day index."""


class Work(NamedTuple):
    """What all logs of one hunt are searched for, and how: plain data, the same for each process."""

    files: tuple[Path, ...]
    """Of the compiled set."""
    country: str | None
    """The setting `phone_country`."""
    read_as: ReadAs
    shown: HuntShown
    """The window; nothing shown yet."""
    networks: tuple[str, ...]
    """Ours."""
    day_index: Path | None
    """The day index, if what the logs hold goes into it."""


class Job(NamedTuple):
    """One log."""

    path: Path
    name: str
    personal: frozenset[Kind]
    """Switched on for it."""


class Begun(NamedTuple):
    """A log could be read."""

    log_id: str
    outside: tuple[OutsideLog, ...]


class Some(NamedTuple):
    """What was found next in a log."""

    found: list[Found]


class End(NamedTuple):
    """The last that was found in a log, and what was gone through of it."""

    found: list[Found]
    tally: Tally


class Failed(NamedTuple):
    """Reading a log met an error that is none of the log's."""

    why: str


Message = Begun | Some | End | Failed


def answer(job: Job, work: Work, compiled: CompiledSet, days: DayCounts | None) -> Iterator[Message]:
    """Yield what one log gives: the same messages each time that it is asked for.

    Args:
        job: the log.
        work: of the hunt.
        compiled: `work.files`, open.
        days: gathers for the day index.
    """
    tally = Tally(shown=HuntShown(work.shown.since, work.shown.until))
    begun: list[Begun] = []

    def on_sample(name: str, shape: LogShape, sample: Sequence[bytes]) -> None:
        outside = Outside(OwnAssets.of(work.networks, ()))
        outside.look(name, shape, sample)
        begun.append(Begun(log_id(shape, sample), outside.logs))

    some: list[Found] = []
    for found in hunt_log(
        job.path,
        compiled,
        tally,
        name=job.name,
        read_as=work.read_as,
        on_sample=on_sample,
        days=days,
        personal=job.personal,
    ):
        while begun:
            yield begun.pop()
        some.append(found)
        if len(some) == BATCH:
            yield Some(some)
            some = []
    yield from begun
    if days is not None:
        _note_rest(job, work, compiled, days)
    yield End(some, tally)


def _note_rest(job: Job, work: Work, compiled: CompiledSet, days: DayCounts) -> None:
    """Note for the day index what it lacks of a log, of which another process noted a shorter copy at the same time."""
    for _ in range(MAX_TRIES):
        if not days.is_forestalled:
            return
        again = hunt_log(
            job.path, compiled, Tally(), name=job.name, read_as=work.read_as, days=days, personal=job.personal
        )
        deque(again, maxlen=0)


def serve(link: Connection, work: Work) -> None:
    """Answer for one log after another, until whoever asks is gone: what a process of the pool does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked hears it, and ends this process
    troubles: list[Note] = []

    def on_trouble(why: str) -> None:
        troubles.append(Note("", None, f"{why}: what was hunted through since is not in it"))

    with ExitStack() as stack, suppress(EOFError, BrokenPipeError, ConnectionResetError):
        compiled = CompiledSet(work.files, threads=1, country=work.country)
        stack.callback(compiled.close)
        days = None
        if work.day_index is not None:
            try:
                index = DayIndex(work.day_index, patience_s=INDEX_PATIENCE_S)
            except StoreError as error:
                on_trouble(error.message)
            else:
                stack.callback(index.close)
                days = DayCounts(index, on_trouble=on_trouble)
        while True:
            job = cast("Job", link.recv())
            try:
                for message in answer(job, work, compiled, days):
                    if isinstance(message, End):
                        message.tally.skipped.extend(troubles)
                        troubles.clear()
                    link.send(message)
            except (EOFError, BrokenPipeError, ConnectionResetError):
                raise
            except Exception as error:  # noqa: BLE001  # told to whoever asked, who raises it
                link.send(Failed(f"{type(error).__name__}: {error}"))


@dataclass(slots=True, eq=False)
class _Given:
    """A log that was given out, or is to be."""

    job: Job
    waiting: deque[Message] = field(default_factory=deque)
    received: int = 0
    """Messages that came of it."""
    passed: int = 0
    """Of these, those that the process which reads it now has sent again."""
    tries: int = 0


@dataclass(slots=True, eq=False)
class _Worker:
    process: BaseProcess
    link: Connection
    given: _Given | None = None


class HuntPool:
    """Processes that read logs."""

    def __init__(self, work: Work, processes: int) -> None:
        """Begin them.

        Args:
            work: of the hunt.
            processes: how many.
        """
        self._work = work
        self._context = get_context("spawn")
        self._pending: deque[_Given] = deque()
        self._order: deque[_Given] = deque()
        self._workers: list[_Worker] = []
        for _ in range(processes):
            self._workers.append(self._new())

    def pids(self) -> list[int]:
        """Return the numbers of the processes."""
        return [worker.process.pid or 0 for worker in self._workers]

    def give(self, job: Job) -> None:
        """Let a log be read; what it gives is asked for in the order in which logs were given."""
        given = _Given(job)
        self._order.append(given)
        self._pending.append(given)
        self._hand_out()

    def next(self) -> Iterator[Message]:
        """Yield what the next log gives, in its order.

        Raises:
            RuntimeError: reading it met an error that is none of the log's.
        """
        given = self._order.popleft()
        while True:
            while not given.waiting:
                self._receive(given)
            message = given.waiting.popleft()
            match message:
                case Failed(why):
                    raise RuntimeError(f"{given.job.name} could not be searched: {why}")
                case End():
                    yield message
                    return
                case _:
                    yield message

    def close(self) -> None:
        """End the processes, whatever they are at: what they read is given out again by the next hunt."""
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
            worker.link.close()
        self._workers.clear()

    def _new(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._work), daemon=True)
        # It must not hear of Ctrl-C while it starts either. The first start begins a process of the library's own, which
        # would let the signal through.
        ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()  # else nobody would hear of its end
        return _Worker(process, ours)

    def _hand_out(self) -> None:
        for worker in self._workers:
            if worker.given is None and self._pending:
                worker.given = self._pending.popleft()
                worker.given.tries += 1
                worker.given.passed = 0
                with suppress(OSError):  # it has died: the next message from it says so
                    worker.link.send(worker.given.job)

    def _receive(self, wanted: _Given) -> None:
        """Wait until something comes, and take it in."""
        open_ = [
            worker.link
            for worker in self._workers
            if worker.given is wanted
            or (worker.given is not None and len(worker.given.waiting) < MAX_WAITING)
        ]
        for link in wait(open_):
            worker = next(one for one in self._workers if one.link is link)
            given = worker.given
            if given is None:
                continue
            try:
                message = cast("Message", worker.link.recv())
            except (EOFError, OSError):
                self._replace(worker, given)
                continue
            given.passed += 1
            if given.passed > given.received:
                given.received += 1
                given.waiting.append(message)
            if isinstance(message, End | Failed):
                worker.given = None
                self._hand_out()

    def _replace(self, worker: _Worker, given: _Given) -> None:
        """Put another process in the place of one that died, and give its log out again."""
        worker.process.join()
        worker.link.close()
        self._workers[self._workers.index(worker)] = self._new()
        if given.tries < MAX_TRIES:
            self._pending.appendleft(given)
        else:
            why = f"{given.tries} processes that read it died, for want of memory or killed: it is not searched in full"
            given.waiting.append(End([], Tally(skipped=[Note(given.job.name, None, why)])))
        self._hand_out()
