"""Read logs again around hits: when each host of ours contacted a hub, and what hosts with hits share besides.

Three passes, each for some values only, and only through logs of which the day index or the hits say that they
are in them: where the hubs stand; what the hosts with hits contacted for the first time just after; who else
contacted that. What comes of it is facts, kept in a file of the node's home that may be deleted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from backchannel import codec
from backchannel.actions.own import OwnAssets
from backchannel.clock import Clock, format_time
from backchannel.desk.days import day_index, has_day_index
from backchannel.desk.hub_facts import FILE, Beats, HubReading, Lead
from backchannel.desk.hunting import THREADS
from backchannel.desk.node import Node
from backchannel.desk.own_logs import OwnSide, whereabouts
from backchannel.desk.writing import write_files
from backchannel.logs.cells import cell_of, observables
from backchannel.logs.layout import FieldAt
from backchannel.logs.recognise import ReadAs
from backchannel.logs.times import zone_of
from backchannel.matching.hubs import shared
from backchannel.matching.regularity import regularity
from backchannel.observables.kinds import Kind, Observable
from backchannel.observables.normalise import normalise

if TYPE_CHECKING:
    from backchannel.matching.rows import Found

MAX_LOGS: Final = 500
"""Logs that one pass reads."""
MAX_RECORDS: Final = 1_000_000
"""Records that one pass takes (some seconds, 200 MB); beyond them it ends, and says so."""
MAX_TIMES: Final = 20_000
"""Times kept of one host and one value: two weeks of a contact a minute."""
MAX_PAIRS: Final = 100_000
"""Pairs of host and value of which times are kept, and pairs of host and what it contacted first."""
MAX_HOSTS: Final = 100
"""Hosts with hits of which it is looked at what they contacted just after."""
MAX_LEADS: Final = 200
"""What no indicator names and is looked at further."""
AFTER: Final = timedelta(minutes=5)
"""A contact for the first time, so soon after a hit, may belong to it: what fetches the next stage does it at once."""
MAX_JUST_BEFORE: Final = 200
"""Hits just before a contact whose hubs are noted, the last."""
_SERVED_AS: Final = frozenset({"server_name", "sni", "host", "hostname", "uri", "url"})
"""Last part of the names of fields that say by which name a record's server was asked for."""

_ANSWERS: Final = frozenset({"answers", "rdata", "data", "A", "AAAA", "QueryResults"})
"""Last part of the names of fields that hold what a name resolved to."""
_NAMING: Final = frozenset({"address", "answers", "domain", "host", "url"})
"""How fields are read in which an address or a name stands."""

OnProgress = Callable[[str, int, int], None]
"""Told the log that is next, how many were read of how many, and how many contacts were found."""


def read_again(
    node: Node,
    clock: Clock,
    infrastructure: Mapping[str, str],
    *,
    on_progress: OnProgress | None = None,
) -> HubReading:
    """Read logs again around some infrastructure, and keep what comes of it.

    Args:
        node: whose logs.
        clock: gives the time.
        infrastructure: addresses and names to their STIX types.
        on_progress: told how far it is.
    """
    found = _Reading(node, on_progress)
    found.pass_one(infrastructure)
    found.pass_two(infrastructure)
    found.pass_three()
    made = found.made(format_time(clock.now()))
    write_files(node.home, {FILE: codec.encode(made)})
    return made


@dataclass(slots=True)
class _Times:
    times: list[int] = field(default_factory=list)
    log: str = ""
    line: int = 0


class _Reading:
    def __init__(self, node: Node, on_progress: OnProgress | None) -> None:
        self._node, self._tell = node, on_progress
        self._own = OwnAssets.of(node.settings.own_networks, node.settings.own_domains)
        self._side = OwnSide(self._own)
        self._pairs: dict[tuple[str, str], _Times] = {}
        self._resolved: dict[str, set[str]] = {}
        """What is not listed to the hubs that it belongs to."""
        self._after: dict[str, set[str]] = {}
        self._kinds: dict[str, str] = {}
        self._hosts_of: dict[str, set[str]] = {}
        """Lead to hosts."""
        self._hit_hosts: dict[str, list[tuple[datetime, str]]] = {}
        """Host to when it contacted which hub."""
        self._read: set[str] = set()
        self._gone: dict[str, None] = {}
        self._left: dict[str, None] = {}
        self._seen: dict[str, Observable | None] = {}

    # --- The passes ------------------------------------------------------------------------------

    def pass_one(self, infrastructure: Mapping[str, str]) -> None:
        """Note when each host contacted the hubs, and what is tied to their names and addresses."""
        for value, found in self._records(infrastructure):
            host, at = self._side.of(found), found.layout.seen_at(found.cells)
            if host is not None:
                if not _is_answer(found.field):
                    self._note(value, host, at, found)
                known = self._hit_hosts.setdefault(host, [])
                if at is not None and len(known) < MAX_TIMES:
                    known.append((at, value))
            for other in self._beside(found):
                if other.value not in infrastructure and len(self._resolved) < MAX_PAIRS:
                    self._resolved.setdefault(other.value, set()).add(value)
                    self._kinds[other.value] = other.stix_type

    def pass_two(self, infrastructure: Mapping[str, str]) -> None:
        """Note what hosts with hits contacted for the first time just after one."""
        ordered = sorted(self._hit_hosts, key=lambda one: (-len(self._hit_hosts[one]), one))
        hosts = {host: seen.stix_type for host in ordered[:MAX_HOSTS] if (seen := self._observable(host))}
        if len(hosts) < 2:  # what one host alone contacted is shared by nobody
            return
        firsts: dict[tuple[str, str], datetime] = {}
        for host, found in self._records(hosts):
            at = found.layout.seen_at(found.cells)
            if at is None or _source(found) != host:
                continue
            for other in self._contacted(found):
                if other.value in infrastructure:
                    continue
                pair = (other.value, host)
                known = firsts.get(pair)
                if known is None and len(firsts) >= MAX_PAIRS:
                    self._left[
                        "More was contacted by hosts with hits than is kept: the rest was not judged."
                    ] = None
                elif known is None or at < known:
                    firsts[pair] = at
                    self._kinds[other.value] = other.stix_type
        hits = {host: sorted(self._hit_hosts[host]) for host in hosts}
        soon: dict[str, dict[str, set[str]]] = {}
        for (value, host), at in firsts.items():
            via = _just_before(hits[host], at)
            if via:
                soon.setdefault(value, {})[host] = via
        several = {value: by_host for value, by_host in soon.items() if len(by_host) > 1}
        chosen = sorted(several, key=lambda one: (-len(several[one]), one))[:MAX_LEADS]
        for value in chosen:
            self._after[value] = set().union(*several[value].values())

    def pass_three(self) -> None:
        """Note who contacted what is not listed, and when."""
        resolved = sorted(self._resolved, key=lambda one: (-len(self._resolved[one]), one))[:MAX_LEADS]
        leads = {value: self._kinds[value] for value in (*resolved, *self._after)}
        for value, found in self._records(leads):
            host = self._side.of(found)
            # Who only asked where a name leads did not go there.
            if host is not None and not _is_answer(found.field):
                self._note(value, host, found.layout.seen_at(found.cells), found)
                if len(self._hosts_of.setdefault(value, set())) < MAX_PAIRS:
                    self._hosts_of[value].add(host)
        self._resolved = {value: self._resolved[value] for value in resolved}

    def made(self, at: str) -> HubReading:
        """Return what came of it."""
        sharing = shared(self._hosts_of, frozenset(self._hit_hosts))
        leads = [
            Lead(
                value=value, kind=self._kinds[value], how=how, via=tuple(sorted(via)), sharing=sharing[value]
            )
            for how, several in (("resolved", self._resolved), ("after", self._after))
            for value, via in several.items()
            if value in sharing and (how == "resolved" or value not in self._resolved)
            if how == "resolved" or sharing[value].is_telling
        ]
        return HubReading(
            at=at,
            logs_read=len(self._read),
            logs_gone=tuple(self._gone),
            left=tuple(self._left),
            beats=tuple(
                Beats(value=value, host=host, regularity=regularity(one.times), log=one.log, line=one.line)
                for (value, host), one in sorted(self._pairs.items())
            ),
            leads=tuple(leads),
        )

    # --- Records ---------------------------------------------------------------------------------

    def _note(self, value: str, host: str, at: datetime | None, found: Found) -> None:
        pair = self._pairs.get((value, host))
        if pair is None:
            if len(self._pairs) >= MAX_PAIRS:
                self._left["There are more pairs of host and hub than are kept."] = None
                return
            pair = self._pairs[value, host] = _Times(log=found.path, line=found.line)
        if at is None:
            return
        if len(pair.times) < MAX_TIMES:
            pair.times.append(int(at.timestamp() * 1000))
        else:
            self._left["Of some hosts only the first contacts that stand in the logs are counted."] = None

    def _records(self, values: Mapping[str, str]) -> Iterator[tuple[str, Found]]:
        """Yield each record in which one of some values stands, with that value, up to a number."""
        from backchannel.matching.compiled import CompiledSet  # noqa: PLC0415  # loads DuckDB
        from backchannel.matching.hunt import Tally, hunt_log  # noqa: PLC0415
        from backchannel.matching.segment import ToCompile  # noqa: PLC0415
        from backchannel.matching.segments import compile_apart  # noqa: PLC0415

        named = list(values)
        patterns = [f"[{values[one]}:value = '{_quoted(one)}']" for one in named]
        logs = self._logs(named, patterns)
        if not logs:
            return
        count = 0
        with TemporaryDirectory(prefix="backchannel-hub-") as scratch:
            asked = [ToCompile(number, pattern, "2.1") for number, pattern in enumerate(patterns)]
            file, _ = compile_apart(Path(scratch), asked)
            compiled = CompiledSet([file], threads=THREADS, scratch=Path(scratch))
            try:
                for number, (place, path) in enumerate(logs.items()):
                    if self._tell is not None:
                        self._tell(place, number, len(logs))
                    self._read.add(place)
                    read_as = ReadAs(zone=zone_of(self._node.settings.log_zone))
                    for found in hunt_log(path, compiled, Tally(), name=place, read_as=read_as):
                        count += 1
                        if count > MAX_RECORDS:
                            self._left[
                                f"Only the first {MAX_RECORDS:,} records with hubs or hosts in them were read."
                            ] = None
                            return
                        yield named[found.met.object_row], found
            finally:
                compiled.close()

    def _logs(self, values: Sequence[str], patterns: Iterable[str]) -> dict[str, Path]:
        """Return the logs in which some values stand, by where they lay when they were hunted through."""
        places: dict[str, str] = dict(self._indexed(patterns))
        for path, log_id in self._node.store.hit_sums.logs_with(values, at_most=MAX_LOGS):
            places.setdefault(log_id, path)
        if len(places) > MAX_LOGS:
            self._left[f"Only {MAX_LOGS:,} of {len(places):,} logs were read."] = None
        found = {}
        for log_id, place in list(places.items())[:MAX_LOGS]:
            now = whereabouts(Path(place), log_id)
            if now is None:
                self._gone[place] = None
            else:
                found[str(now)] = now
        return found

    def _indexed(self, patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
        if not has_day_index(self._node):
            return
        from backchannel.matching.day_keys import range_of  # noqa: PLC0415
        from backchannel.matching.entries import entries_of  # noqa: PLC0415

        entries = [entry for one in patterns for entry in entries_of(one, stix_version="2.1")[0]]
        ranges = {found for entry in entries if (found := range_of(entry)) is not None}
        with day_index(self._node) as index:
            rows = {row for several in index.find(ranges).values() for row in several}
            for log in index.logs():
                if log.row in rows:
                    yield log.log_id, log.path

    # --- What stands in a record -----------------------------------------------------------------

    def _beside(self, found: Found) -> Iterator[Observable]:
        """Yield what a record ties to the value in it: what a name resolved to, and who served it."""
        if _is_answer(found.field):
            yield from self._in(found, Kind.DOMAIN, answers=False)
        elif found.met.observable.kind is not Kind.ADDRESS:
            yield from self._in(found, Kind.ADDRESS, answers=True)
            if _last(found.field) in _SERVED_AS:
                yield from self._server(found)

    def _contacted(self, found: Found) -> Iterator[Observable]:
        """Yield the server of a record, and the names by which it was asked for or that were asked."""
        yield from self._server(found)
        yield from self._in(found, Kind.DOMAIN, answers=False)

    def _server(self, found: Found) -> Iterator[Observable]:
        place = found.layout.destination
        server = self._observable(found.cells[place] or "") if place >= 0 else None
        if server is not None and not self._own.why(server):
            yield server

    def _in(self, found: Found, kind: Kind, *, answers: bool) -> Iterator[Observable]:
        sides = {found.layout.source, found.layout.destination, *found.layout.others}
        for one in found.layout.fields:
            if one.columns[0] in sides or one.reading not in _NAMING or _is_answer(one) != answers:
                continue
            cell = cell_of(one, found.cells)
            if cell is None:
                continue
            for seen in observables(one.reading, cell, is_list=one.is_list):
                if seen.kind is kind and not self._own.why(seen):
                    yield seen

    def _observable(self, text: str) -> Observable | None:
        if text not in self._seen:
            if len(self._seen) > MAX_PAIRS:
                self._seen.clear()
            self._seen[text] = next(_readings(text), None)
        return self._seen[text]


def _readings(text: str) -> Iterator[Observable]:
    for kind in (Kind.ADDRESS, Kind.DOMAIN):
        try:
            yield normalise(kind, text)
        except ValueError:
            continue


def _just_before(hits: Sequence[tuple[datetime, str]], at: datetime) -> set[str]:
    """Return the hubs of the last hits, in the order of their times, that lie at most `AFTER` before a time."""
    end = bisect_right(hits, at, key=lambda hit: hit[0])
    first = bisect_left(hits, at - AFTER, key=lambda hit: hit[0])
    return {hub for _, hub in hits[max(first, end - MAX_JUST_BEFORE) : end]}


def _last(one: FieldAt) -> str:
    return one.name.removesuffix("[]").rpartition(".")[2]


def _is_answer(one: FieldAt) -> bool:
    """Whether a field holds what a name resolved to."""
    return _last(one) in _ANSWERS


def _source(found: Found) -> str | None:
    return found.cells[found.layout.source] if found.layout.source >= 0 else None


def _quoted(value: str) -> str:
    """Return a value as it stands in a pattern (STIX 2.1 §9.2)."""
    return value.replace("\\", "\\\\").replace("'", "\\'")
