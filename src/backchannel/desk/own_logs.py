"""Our own logs: which of them a hunt goes through, and whether they show addresses that nobody said are ours."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from backchannel import codec
from backchannel.actions.own import OwnAssets
from backchannel.desk.captures import is_capture, logs_of
from backchannel.logs.archives import is_archive, members
from backchannel.logs.cells import observables
from backchannel.logs.opening import UnreadableLogError, beginning
from backchannel.logs.recognise import UnknownFormatError, log_id, recognise
from backchannel.logs.shape import LogShape
from backchannel.logs.spool import STDIN_NAME, spooled
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import normalise

if TYPE_CHECKING:
    from backchannel.matching.hunt import Tally
    from backchannel.matching.rows import Found

LOOKED_AT = 200
"""Records of one log that are looked at: enough to tell a tenth from none, and a few milliseconds."""
MIN_RECORDS = 3
"""Fewer records than that say nothing about a network, unless an address can only be local."""
LOCAL = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
"""Addresses that no stranger has: RFC 1918, RFC 6598, RFC 4193."""
MAX_LOGS = 100
MAX_NEIGHBOURS = 200
"""Files beside where a log was that are looked at, when it has been renamed or packed."""
TOP_SOURCES = 5


class OutsideLog(msgspec.Struct, frozen=True):
    """A log of which more than a tenth of the records have no side in our own networks, or one a local side."""

    path: str
    records: int
    """Looked at."""
    outside: int
    sources: tuple[tuple[str, int], ...]
    """The most frequent addresses that began those records, with how many each began."""


def logs_in(paths: Sequence[Path | None], tally: Tally) -> Iterator[tuple[Path, str]]:
    """Yield each log with the name it is told by; what cannot be opened is noted in `tally`."""
    from backchannel.matching.files import log_files  # noqa: PLC0415  # loads DuckDB

    for path in paths:
        if path is not None and not _is_fifo(path):
            for log in log_files([path], tally):
                refuse = partial(_refuse, tally)
                for one, name in members(log, on_refused=refuse) if is_archive(log) else ((log, str(log)),):
                    if is_capture(one):
                        yield from logs_of(one, name, on_refused=refuse)
                    else:
                        yield one, name
            continue
        name = STDIN_NAME if path is None else str(path)
        try:
            with spooled(path) as copy:
                yield copy, name
        except UnreadableLogError as error:
            _refuse(tally, name, str(error))


def _is_fifo(path: Path) -> bool:
    try:
        return path.is_fifo()
    except OSError:  # what may not be looked at is named when it is opened
        return False


def _refuse(tally: Tally, name: str, why: str) -> None:
    from backchannel.matching.hunt import Note  # noqa: PLC0415  # loads DuckDB

    tally.skipped.append(Note(name, None, why))


@lru_cache(maxsize=1)
def place_of(name: str) -> str:
    """Return where a log lies, in the one way in which the book of hits and the settings spell it."""
    return name if name == STDIN_NAME or "://" in name else os.path.abspath(name)  # noqa: PTH100  # Path keeps `..`


def whereabouts(path: Path, wanted: str) -> Path | None:
    """Return where a log is now: where it was, or beside that under another name, packed or not; None if it is gone.

    Args:
        path: where it was.
        wanted: its `logs.recognise.log_id`.
    """
    try:
        beside = sorted(path.parent.iterdir())
    except OSError:
        return None
    stem = path.name.split(".", maxsplit=1)[0]
    others = [one for one in beside if one.name.startswith(stem) and one != path]
    return next((one for one in (path, *others[:MAX_NEIGHBOURS]) if _is_log(one, wanted)), None)


def _is_log(path: Path, wanted: str) -> bool:
    from backchannel.matching import parquet  # noqa: PLC0415  # loads DuckDB, 20 ms

    try:
        if parquet.is_parquet(path):
            return parquet.log_id_of(path) == wanted
        sample = beginning(path)
        return log_id(recognise(sample), sample) == wanted
    except (UnreadableLogError, UnknownFormatError):
        return False


class OwnSide:
    """Says which side of a record is ours; what was asked once is not asked again."""

    def __init__(self, own: OwnAssets) -> None:
        self._own = own
        self._known: dict[str, bool] = {}

    def of(self, found: Found) -> str | None:
        """Return our side of a record: the other side than the value that was found, where both are ours.

        Of a mail address, a phone number or a SIP address it is our own mailbox or extension, the first where there
        are several.
        """
        if found.met.observable.kind in _SPOKEN and (whom := self._mailbox_or_extension(found)) is not None:
            return whom
        layout, cells = found.layout, found.cells
        columns = (layout.source, layout.destination, *layout.others)
        sides = [cell for column in columns if column >= 0 and (cell := cells[column])]
        own = [side for side in sides if self._owns(side)]
        value = found.met.observable.value
        return next((side for side in own if side != value), own[0] if own else None)

    def _mailbox_or_extension(self, found: Found) -> str | None:
        for field in found.layout.fields:
            if field.reading not in _WHOM or field.name == found.field.name:
                continue
            cell = found.cells[field.columns[0]]
            if cell is None:
                continue
            if field.reading != "email" and _EXTENSION.match(cell):
                return cell
            for one in observables(field.reading, cell, is_list=field.is_list):
                if one.kind in _SPOKEN and one.key != found.met.observable.key and self._own.why(one):
                    return one.value
        return None

    def _owns(self, side: str) -> bool:
        known = self._known.get(side)
        if known is None:
            known = False
            for kind in (Kind.ADDRESS, Kind.DOMAIN):
                try:
                    known = known or bool(self._own.why(normalise(kind, side)))
                except ValueError:
                    continue
            self._known[side] = known
        return known


_SPOKEN: Final = frozenset({Kind.EMAIL, Kind.PHONE, Kind.SIP})
_WHOM: Final = frozenset({"email", "phone", "sip", "caller"})
"""How fields are read that say who wrote to or called whom."""
_EXTENSION = re.compile(r"[0-9]{2,6}\Z")
"""A number so short that only our own telephone system knows it."""


class Outside:
    """Looks at a sample of each log for records between two addresses that are not ours."""

    def __init__(self, own: OwnAssets) -> None:
        self._own = own
        self._logs: list[OutsideLog] = []

    def look(self, path: str, shape: LogShape, sample: Sequence[bytes]) -> None:
        """Look at a log's sample, if its records have two sides."""
        if shape.layout.source < 0 or shape.layout.destination < 0:
            return
        records, sources, has_local = 0, Counter[str](), False
        ours: dict[str, bool] = {}
        for line in sample[:: max(1, len(sample) // LOOKED_AT)]:
            sides = _sides(shape, line)
            if sides is None:
                continue
            records += 1
            for side in sides:
                if side not in ours:
                    ours[side] = bool(self._own.why(normalise(Kind.ADDRESS, side)))
            if not any(ours[side] for side in sides):
                sources[sides[0]] += 1
                has_local = has_local or any(_is_local(side) for side in sides)
        outside = sources.total()
        if has_local or (records >= MIN_RECORDS and outside * 10 > records):
            self._logs.append(OutsideLog(path, records, outside, tuple(sources.most_common(TOP_SOURCES))))

    @property
    def logs(self) -> tuple[OutsideLog, ...]:
        """Logs of which it has to be told."""
        return tuple(self._logs)

    def add(self, logs: Sequence[OutsideLog]) -> None:
        """Take in what was seen elsewhere."""
        self._logs.extend(logs)

    def worst(self) -> str:
        """Return what was found as the JSON that is kept: the logs with the most such records first."""
        ordered = sorted(self._logs, key=lambda one: -one.outside / one.records)
        return codec.encode(ordered[:MAX_LOGS]).decode()


def _is_local(side: str) -> bool:
    address = ip_address(side)
    return any(address in network for network in LOCAL)


def _sides(shape: LogShape, line: bytes) -> tuple[str, str] | None:
    """Return who began a record and with whom; None where it has no two hosts (broadcast, multicast, no address)."""
    try:
        layout, cells = shape.read(line)
        if layout.source < 0 or layout.destination < 0:
            return None
        source, destination = cells[layout.source], cells[layout.destination]
        if source is None or destination is None:
            return None
        hosts = ip_address(source), ip_address(destination)
    except ValueError:
        return None
    if any(host.is_multicast or host.is_unspecified or host.is_loopback for host in hosts):
        return None
    return None if destination == "255.255.255.255" else (source, destination)
