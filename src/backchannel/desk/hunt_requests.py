"""Run a hunt request: patterns of another party, in our own logs, once, after a person saw what would be searched for.

What is told is a count in steps and the first and the last day, for each pattern; never where, who, or what exactly.
The patterns do not become intelligence of ours, and the hits are kept in no book.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from backchannel import codec
from backchannel.actions.own import OwnAssets
from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.hunt_documents import AskedPattern, HuntPreview, TouchyShown
from backchannel.desk.hunting import THREADS, OnProgress
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.own_logs import OwnSide, logs_in, place_of
from backchannel.desk.policy_file import in_force
from backchannel.desk.receipting import signing_key
from backchannel.desk.recipients import recipient_of
from backchannel.desk.records import record_decision
from backchannel.desk.releasing import PRIVATE
from backchannel.desk.replying import Reply, Target, answer_to, keep_answer, target_named
from backchannel.desk.request_documents import Replied
from backchannel.desk.requests import rfi_of
from backchannel.desk.telling import check_may_tell
from backchannel.errors import PolicyError, UsageError
from backchannel.ids import sha256
from backchannel.logs.personal import allowed
from backchannel.logs.recognise import ReadAs
from backchannel.logs.times import zone_of
from backchannel.observables.guess import guess
from backchannel.observables.kinds import PERSONAL, Kind, Network, Observable, PersonalWord
from backchannel.observables.normalise import normalise
from backchannel.parties.at_rest import Unseal
from backchannel.parties.names import visible_name
from backchannel.policy.hunt_requests import HuntVerdict, judge_hunt
from backchannel.provenance.predicates import Hunted, HuntFor
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.requests import step
from backchannel.stix.markings import Tlp
from backchannel.store.requests import RequestRow

if TYPE_CHECKING:
    from backchannel.matching.hunt import Tally

TOLD_AS: Final = Tlp.AMBER
"""How far the answer may go: what we saw shows what we have."""
_DAY: Final = timedelta(days=1)
_PLACES: Final = (Kind.ADDRESS, Kind.DOMAIN, Kind.URL)
"""What can be ours of what a search looks for."""


def hunt_preview(node: Node, clock: Clock, which: str, paths: Sequence[Path]) -> HuntPreview:
    """Say what a run would look for and where, and name it by its hash. No log is read.

    Args:
        node: ours.
        clock: the present.
        which: the request.
        paths: log files, and folders of them.

    Raises:
        NotFoundError: there is no such request.
        UsageError: it is no hunt request, is not open, or no log is named.
        PolicyError: who asks may not be told.
        Rejected: `HUNT_DONE`.
    """
    return _Run(node, clock, which, paths).preview()


def run_hunt(
    node: Node,
    clock: Clock,
    which: str,
    paths: Sequence[Path],
    approved: str,
    *,
    unseal: Unseal | None = None,
    on_progress: OnProgress | None = None,
) -> Replied:
    """Run what a person approved, and let the answer wait for the next drop.

    Killed while it runs, it counts as run, and nothing is told of it.

    Args:
        node: ours.
        clock: the present.
        which: the request.
        paths: as in the preview.
        approved: the hash that the preview named.
        unseal: opens our keys.
        on_progress: told how far it is, before each log.

    Raises:
        PolicyError: it is another run than the approved one, or who asks may not be told.
        Rejected: `NAMES_PERSON`, `OWN_ADDRESS` or `HUNT_DONE`.
        SignatureError: our keys need a passphrase.
    """
    return _Run(node, clock, which, paths).run(approved, unseal, on_progress)


@dataclass(slots=True)
class _Seen:
    """What was found of one pattern."""

    lines: int = 0
    hosts: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, host: str | None, at: datetime | None) -> None:
        self.lines += 1
        if host is not None:
            self.hosts.add(host)
        if at is not None:
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)


class _Run:
    """One run, looked at or done."""

    def __init__(self, node: Node, clock: Clock, which: str, paths: Sequence[Path]) -> None:
        self._node, self._clock, self._paths = node, clock, [path.absolute() for path in paths]
        self._target: Target = target_named(node, clock, which)
        row = self._target.request
        hunt = None if row is None else rfi_of(row).hunt
        if row is None or hunt is None:
            raise UsageError(
                "this is no hunt request", hint="Answer it: backchannel answer REQUEST --text WORDS."
            )
        if not paths:
            raise UsageError("no log is named", hint="Name log files or folders: --hunt /var/log/zeek.")
        if node.store.requests.run(row.statement.statement_row) is not None:
            raise Rejected(Reason.HUNT_DONE, self._target.name[:15])
        if self._target.answered in {"answered", "expired", "cancelled"}:
            raise UsageError(f"the request is {self._target.answered}", hint="See `backchannel ask list`.")
        check_may_tell(node, clock, self._target.party, TOLD_AS, "answer")
        self._row: RequestRow = row
        self._hunt: HuntFor = hunt
        self._own = OwnAssets.of(node.settings.own_networks, node.settings.own_domains)
        self._verdict: HuntVerdict = judge_hunt(
            hunt.patterns,
            party=self._target.party.name,
            purpose=hunt.purpose,
            rules=in_force(node).policy.hunt_requests,
            is_own=self._why_own,
            switched_on=self._switched_on(),
        )

    def _switched_on(self) -> frozenset[PersonalWord]:
        """Return the kinds that may be looked for in some log of this run."""
        if not self._node.settings.personal:
            return frozenset()
        on = frozenset[Kind]().union(*(self._personal(path) for path, _ in self._logs()))
        return frozenset(word for word, kind in PERSONAL.items() if kind in on)

    def _personal(self, log: str) -> frozenset[Kind]:
        return allowed(self._node.settings.personal, place_of(log), purpose=self._hunt.purpose)

    def _why_own(self, value: str) -> str:
        return next((why for one in _readings(value) if (why := self._own.why(one))), "")

    def _is_own_place(self, thing: Observable) -> bool:
        return thing.kind in _PLACES and bool(self._own.why(thing))

    # --- Looking -------------------------------------------------------------------------------------

    def preview(self) -> HuntPreview:
        """Return what would be searched for."""
        patterns = tuple(self._asked())
        logs = list(self._logs())
        refused, party = self._verdict.refused, visible_name(self._target.party.name)
        says = (
            f"Not run: {refused.meaning}."
            if refused
            else f"{party} would learn for each pattern how often, in steps, and the first and last day."
        )
        return HuntPreview(
            request=self._target.name,
            party=self._target.party.name,
            question=rfi_of(self._row).question,
            purpose=self._hunt.purpose,
            since=self._hunt.since,
            until=self._hunt.until,
            patterns=patterns,
            paths=tuple(map(str, self._paths)),
            files=len(logs),
            bytes=sum(size for _, size in logs),
            k_anonymity=self._verdict.k_anonymity,
            refused=refused,
            approve=None if refused else self._plan(),
            says=says,
        )

    def _asked(self) -> Iterator[AskedPattern]:
        from backchannel.matching.entries import entries_of  # noqa: PLC0415
        from backchannel.matching.needs import needs_of  # noqa: PLC0415

        for number, pattern in enumerate(self._hunt.patterns):
            touchy = tuple(
                TouchyShown(kind=one.kind, what=one.what, refused=one.refused, switched_off=one.is_off)
                for one in self._verdict.touchy
                if one.pattern == number
            )
            _, left = entries_of(pattern, stix_version="2.1")
            kinds = tuple(sorted(needs_of(pattern, stix_version="2.1")))
            yield AskedPattern(pattern=pattern, looked_for=kinds, unsearched=left, touchy=touchy)

    def _logs(self) -> Iterator[tuple[str, int]]:
        from backchannel.matching.files import log_files  # noqa: PLC0415  # loads DuckDB
        from backchannel.matching.hunt import Tally  # noqa: PLC0415

        for path in log_files(self._paths, Tally()):
            yield str(path), path.stat().st_size

    def _plan(self) -> str:
        """Return what names this run: the request, the logs, and what we decided about it."""
        parts = {
            "request": self._target.name,
            "paths": list(map(str, self._paths)),
            "k": self._verdict.k_anonymity,
            "touchy": [[one.pattern, one.kind, one.what] for one in self._verdict.touchy],
        }
        return hashlib.sha256(codec.canonical(parts)).hexdigest()

    # --- Running -------------------------------------------------------------------------------------

    def run(self, approved: str, unseal: Unseal | None, on_progress: OnProgress | None) -> Replied:
        refused = next((one for one in self._verdict.touchy if one.refused), None)
        if refused is not None and refused.refused is not None:
            raise Rejected(refused.refused, refused.what)
        plan = self._plan()
        if approved.strip().lower() != plan:
            raise PolicyError(
                "the run is no longer the one that was looked at: the logs, the request or a rule changed",
                hint="Look at it again without --approve.",
            )
        # What could keep the answer is asked for before: a run is not spent on one that nobody can sign.
        signing_key(own_keys(self._node, self._clock, unseal))
        to = recipient_of(self._node, self._target.party.name)
        store, at = self._node.store, format_time(self._clock.now())
        with store.transaction():
            if not store.requests.begin_run(self._row.statement.statement_row, at=at, plan=plan):
                raise Rejected(Reason.HUNT_DONE, self._target.name[:15])
            digest = sha256(plan.encode())
            record_decision(store, "hunt", self._target.name, now=self._clock.now(), digest=digest)
        found = tuple(self._search(on_progress))
        answer = answer_to(self._target, Reply(tlp=TOLD_AS), hunted=found)
        with store.transaction():
            store.requests.end_run(self._row.statement.statement_row, codec.encode(found))
            return keep_answer(self._node, self._clock, self._target, to, answer, unseal=unseal)

    def _search(self, on_progress: OnProgress | None) -> Iterator[Hunted]:
        """Yield for each pattern what is told of it."""
        from backchannel.logs.shown import HuntShown  # noqa: PLC0415
        from backchannel.matching.compiled import CompiledSet  # noqa: PLC0415  # loads DuckDB, 100 ms
        from backchannel.matching.hunt import Tally, hunt_log  # noqa: PLC0415
        from backchannel.matching.segment import ToCompile  # noqa: PLC0415
        from backchannel.matching.segments import compile_apart  # noqa: PLC0415

        since, until = self._window()
        tally = Tally(shown=HuntShown(since, until))
        seen = [_Seen() for _ in self._hunt.patterns]
        side = OwnSide(self._own)
        named_own = {one.pattern for one in self._verdict.touchy if one.kind == "own"}
        hits = 0
        private = self._node.home / PRIVATE
        private.mkdir(mode=0o700, exist_ok=True)
        with TemporaryDirectory(dir=private) as folder:
            patterns = [ToCompile(n, pattern, "2.1") for n, pattern in enumerate(self._hunt.patterns)]
            file, left = compile_apart(Path(folder), patterns)
            compiled = CompiledSet([file], threads=THREADS, country=self._node.settings.phone_country)
            read_as = ReadAs(zone=zone_of(self._node.settings.log_zone))
            try:
                for path, name in logs_in(self._paths, tally):
                    if on_progress is not None:
                        on_progress(name, tally.bytes, hits)
                    personal = self._personal(name)
                    for one in hunt_log(path, compiled, tally, name=name, read_as=read_as, personal=personal):
                        if one.met.object_row not in named_own and self._is_own_place(one.met.observable):
                            continue  # the beginning of a name may fit to one of ours, which nobody looks for here
                        at = one.layout.seen_at(one.cells)
                        if self._is_inside(at, since, until):
                            seen[one.met.object_row].add(side.of(one), at)
                            hits += 1
                has_all_like = not compiled.dropped_plain
            finally:
                compiled.close()
        for number, found in enumerate(seen):
            yield self._told(number, found, tally, left, has_all_like=has_all_like)

    def _window(self) -> tuple[datetime | None, datetime | None]:
        since, until = self._hunt.since, self._hunt.until
        return (
            None if since is None else parse_time(f"{since}T00:00:00Z"),
            None if until is None else parse_time(f"{until}T00:00:00Z") + _DAY,
        )

    def _is_inside(self, at: datetime | None, since: datetime | None, until: datetime | None) -> bool:
        if at is None:
            return since is None and until is None  # of a record without a time, nobody can say on which day
        return (since is None or at >= since) and (until is None or at < until)

    def _told(
        self,
        number: int,
        seen: _Seen,
        tally: Tally,
        left: dict[int, tuple[str, ...]],
        *,
        has_all_like: bool,
    ) -> Hunted:
        """Return what is told of one pattern; that it was not seen, only where all of it was searched for."""
        from backchannel.logs.shown import ALL_LIKE  # noqa: PLC0415
        from backchannel.matching.needs import needs_of  # noqa: PLC0415

        if not seen.lines:
            needs = needs_of(self._hunt.patterns[number], stix_version="2.1")
            lacking = needs - tally.shown.kinds.keys() - ({ALL_LIKE} if has_all_like else set())
            return Hunted(count="not searched" if lacking or number in left or not needs else "0")
        if self._verdict.k_anonymity > 1 and len(seen.hosts) < self._verdict.k_anonymity:
            return Hunted(count="not told")
        first = seen.first.date().isoformat() if seen.first else None
        last = seen.last.date().isoformat() if seen.last else None
        return Hunted(count=step(seen.lines), first=first, last=last)


def _readings(value: str) -> Iterator[Observable | Network]:
    """Yield all that a value of a pattern may mean to a search: more than what it plainly is (`guess`)."""
    if (found := guess(value)) is not None:
        yield found[1]
    for kind in _PLACES:
        try:
            yield normalise(kind, value)
        except ValueError:
            continue
