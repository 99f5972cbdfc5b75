"""Act 11: what our own logs say a week later: a hub, what was told too late, a caller, and a line as it is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from msgspec import structs

from backchannel import codec
from backchannel.clock import Clock, FixedClock
from backchannel.codec import JsonObject
from backchannel.demo.telling import Say, counted
from backchannel.desk.hitting import Hit, HuntSummary, WatchHit
from backchannel.desk.hub_documents import Hub
from backchannel.desk.hubs import hubs
from backchannel.desk.hunting import hunt
from backchannel.desk.node import Node
from backchannel.desk.receive import receive
from backchannel.desk.rehunting import rehunt_arrived
from backchannel.desk.watch_logs import Batch
from backchannel.desk.watching import Source, WatchOptions, watch, watch_files
from backchannel.settings import checked, write_settings

LATER: Final = timedelta(days=7)
"""After the evening on which the logs were hunted through."""
PRINTERS: Final = "northpier-telecom-printers.json"
CALLERS: Final = "lantern-help-line-callers.json"
CALLS: Final = "Master.csv"
"""Where the clinic's telephone system keeps its calls."""
WATCHED: Final = "conn.log"
LINES_BEFORE: Final = 5
"""Of the watched log, before the line that is written to it."""
PATIENCE_S: Final = 30.0
"""How long a line that a watch should tell is waited for."""


def look_again(node: Node, clock: Clock, say: Say, world: Path, folder: Path) -> None:
    """Tell what hits lead to, what the day index answers, who called, and what is told while a log grows."""
    now = FixedClock(clock.now() + LATER)
    hub = _say_hub(node, now, say)
    _tell_late(node, now, say, world / "later" / PRINTERS)
    _look_for_caller(node, now, say, world / "later")
    if hub is not None:
        _watch(node, now, say, world / "logs" / "zeek" / WATCHED, hub.value, folder / "watched")


# --- What several of ours lead to --------------------------------------------------------------------


def _say_hub(node: Node, clock: Clock, say: Say) -> Hub | None:
    """Say which infrastructure is most likely a hub, and what else to look at; return it."""
    say("   $ backchannel hub")
    book = hubs(node, clock)
    for one in book.hubs[:1]:
        say(f"   {one.why}")
        for beat in one.beats:
            say(f"      {beat.host}: {beat.says}")
    lead = next((one for one in book.leads if one.kind == "ipv4-addr"), None)
    if lead is not None:
        say(f"   {lead.why}")
    return book.hubs[0] if book.hubs else None


# --- Told too late -----------------------------------------------------------------------------------


def _tell_late(node: Node, clock: Clock, say: Say, report: Path) -> None:
    """Take in what came a week after the logs were hunted through, and say what the index knew of it."""
    say(f'   $ backchannel import {report.name} --from "Northpier Telecom"')
    new = _take_in(node, clock, report, of="Northpier Telecom")
    rehunted = rehunt_arrived(node, clock)
    found = [one for one in (rehunted[0] if rehunted else []) if one.indicator in new]
    if not found:
        say("   Not seen in our logs before it came.")
    for one in found[:1]:
        say(f"   Seen in our logs before it came: {_line(one)}")
        say(f"      {counted(len(found), 'line')} of logs that nobody had to name again")


def _take_in(node: Node, clock: Clock, report: Path, *, of: str) -> set[str]:
    receive(node, clock, [report], party=of)
    return {str(one["id"]) for one in codec.decode(report.read_bytes())["objects"]}


def _line(hit: Hit) -> str:
    day = (hit.seen_at or "")[:16].replace("T", " ")
    return f"{hit.observable.value} by {hit.asset or 'nobody of ours'}, {day}, {Path(hit.log.path).name} line {hit.log.line}"


# --- Who called --------------------------------------------------------------------------------------


def _look_for_caller(node: Node, clock: Clock, say: Say, later: Path) -> None:
    """Hunt in the log of calls before numbers are switched on in it, and after."""
    say(f'   $ backchannel import {CALLERS} --from "Lantern Help Line"')
    _take_in(node, clock, later / CALLERS, of="Lantern Help Line")
    say(f"   $ backchannel hunt {CALLS}")
    _say_calls(node, clock, say, later / CALLS)
    switch: JsonObject = {"logs": str((later / CALLS).absolute()), "kinds": "phone", "purpose": "fraud"}
    say(f'   in settings.toml: [[personal]] logs = "{CALLS}", kinds = "phone", purpose = "fraud"')
    say(f"   $ backchannel hunt {CALLS}")
    _say_calls(_switched_on(node, switch), clock, say, later / CALLS)


def _switched_on(node: Node, switch: JsonObject) -> Node:
    """Return the node with one more section `[[personal]]` in its settings."""
    (added,) = checked(name=node.settings.name, personal=[switch]).personal
    settings = structs.replace(node.settings, personal=(*node.settings.personal, added))
    write_settings(node.home, settings)
    return replace(node, settings=settings)


def _say_calls(node: Node, clock: Clock, say: Say, log: Path) -> None:
    for one in hunt(node, clock, [log]):
        if isinstance(one, HuntSummary):
            for off in one.switched_off:
                say(f"      not searched for: {off.kind}, switched off for {counted(off.logs, 'log')}")
            say(f"      {counted(one.hits, 'hit')} in {counted(one.records, 'call')}")
        else:
            say(f"      {_line(one)}")


# --- As it is written --------------------------------------------------------------------------------


class _Pen(Source):
    """Writes a line to a log once a watch has looked at it, and stops the watch when it has waited long enough."""

    @property
    def ends(self) -> bool:
        """Whether nothing more comes of it: the watch ends by being stopped."""
        return False

    def __init__(self, log: Path, line: str, stop: threading.Event) -> None:
        self.changed = {}
        self.written_at: float | None = None
        self._log, self._line, self._stop = log, line, stop

    def step(self) -> Iterator[Batch]:
        """Yield nothing: what is written comes by the log."""
        now = time.monotonic()
        if self.written_at is None:
            self.written_at = now
            with self._log.open("a", encoding="utf-8") as file:
                file.write(self._line)
        elif now - self.written_at > PATIENCE_S:
            self._stop.set()
        return iter(())

    def close(self) -> None:
        """Nothing is open."""


def _watch(node: Node, clock: Clock, say: Say, log: Path, value: str, folder: Path) -> None:
    """Watch a log, write to it the last line in which a value stands, and say how soon that is told."""
    lines = log.read_text("utf-8").splitlines(keepends=True)
    last = max((at for at, line in enumerate(lines) if value in line), default=None)
    if last is None:
        return
    folder.mkdir()
    watched = folder / log.name
    before = [line for line in lines[:last] if line.startswith("#")] + lines[last - LINES_BEFORE : last]
    watched.write_text("".join(before), "utf-8")
    say(f"   $ backchannel watch {folder.name}/{log.name}")
    stop, options = threading.Event(), WatchOptions()
    pen = _Pen(watched, lines[last], stop)
    sources: list[Source] = [*watch_files(node, [watched], options, on_note=lambda *_: None), pen]
    for told in watch(node, clock, sources, options, targets=[watched], stop=stop):
        took = time.monotonic() - (pen.written_at or 0.0)
        hit = codec.decode_as(told.hits[0][1], WatchHit).hit
        say(f"   Told {took:.1f} s after it was written: {_line(codec.decode_as(bytes(hit), Hit))}")
        stop.set()
