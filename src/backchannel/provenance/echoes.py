"""Our own report come back: it confirms nothing, however many it came through.

An arrival later than a release of ours is its echo if it bears a mark of it (object, content, otag, text), or if it
asserts what we released and shows no origin of its own: a proven one that gives it to us directly, has it at first
hand, or said it before our release. What a voice had told us before we released it is no echo when it says it again.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backchannel.provenance.clusters import Strength
from backchannel.provenance.likeness import POSSIBLE_LIKENESS, likeness
from backchannel.provenance.reports import OURS, Released, Report

EchoBecause = Literal["operator", "same-otag", "same-object", "same-content", "same-text", "same-claim"]

_BY_MARKS: Final[tuple[EchoBecause, ...]] = ("same-otag", "same-content", "same-object")
MAX_RELEASES: Final = 64
"""Latest releases that an echo is looked for in."""
MAX_TEXTS: Final = 64
"""Different texts of ours that a report is compared with: the earliest, which can have most echoes."""


class Echo(msgspec.Struct, frozen=True, gc=False):
    """A report that is our own come back. Its weight is 0."""

    report: str
    """`Report.key`."""
    release: str
    """`Released.key`: the last release before it came; `OURS` if only the operator knows of one."""
    because: EchoBecause
    strength: Strength
    days: int
    """Whole days from the release to its return."""
    path: tuple[str, ...]
    """The parties on its way, as far as they are known, from those we released it to."""


def find_echoes(
    reports: Sequence[Report],
    releases: Iterable[Released],
    *,
    ours: Collection[str] = (),
    not_ours: Collection[str] = (),
) -> list[Echo]:
    """Find the reports that are our own come back.

    Args:
        reports: of one claim.
        releases: our earlier releases of that claim, in any order.
        ours: keys of reports of which the operator knows that they are.
        not_ours: keys of reports of which the operator knows that they are not.
    """
    ordered = sorted(releases, key=lambda release: (release.at, release.key))
    found = [_told(report, ordered) for report in reports if report.key in ours]
    if not ordered:
        return found
    sent = _Sent(ordered)
    late = [
        report
        for report in reports
        if report.arrived_at > ordered[0].at
        and report.key not in ours
        and report.key not in not_ours
        and sent.may_have_made(report)
    ]
    first_told = _first_told(reports, {report.voice for report in late})
    found += [echo for report in late if (echo := _echo(report, sent, first_told[report.voice])) is not None]
    return found


class _Sent:
    """Our releases, to be looked up."""

    def __init__(self, ordered: Sequence[Released]) -> None:
        self.ordered = ordered
        self.at = [release.at for release in ordered]
        self.by_mark: dict[str | bytes, list[Released]] = {}
        self.by_text: dict[tuple[int, ...], Released] = {}
        for release in ordered:
            for mark in (release.otag, release.digest, release.stix_id):
                if mark:
                    self.by_mark.setdefault(mark, []).append(release)
            if release.sketch and len(self.by_text) < MAX_TEXTS:
                self.by_text.setdefault(release.sketch, release)

    def may_have_made(self, report: Report) -> bool:
        """Whether a report has to be looked at; quick, for nearly all have not."""
        marks = self.by_mark
        return (
            bool(report.sketch and self.by_text)
            or report.otag in marks
            or report.digest in marks
            or report.stix_id in marks
            or not _stands_by_itself(report, self.ordered[0])
        )


def _first_told(
    reports: Sequence[Report], voices: Collection[str]
) -> Mapping[str, dict[str | bytes, datetime]]:
    """Return for each voice when it first told us of an object or content."""
    first: dict[str, dict[str | bytes, datetime]] = {voice: {} for voice in voices}
    for report in reports if voices else ():
        told = first.get(report.voice)
        if told is not None:
            at = report.arrived_at
            for mark in (report.stix_id, report.digest):
                if mark and (mark not in told or at < told[mark]):
                    told[mark] = at
    return first


def _echo(report: Report, sent: _Sent, told: Mapping[str | bytes, datetime]) -> Echo | None:
    """Return the echo that a report is, if it is one; `told` is what its voice told us, and when.

    Only releases before its voice first told us of this very object can have made it; and not one of what that voice
    had told us before.
    """
    first = min(told.get(report.stix_id, report.arrived_at), told.get(report.digest, report.arrived_at))
    until = bisect.bisect_left(sent.at, first)
    if not until:
        return None
    end = sent.at[until - 1]
    for because, mark in zip(_BY_MARKS, (report.otag, report.digest, report.stix_id), strict=True):
        if mark in sent.by_mark:
            release = _last_news(sent.by_mark[mark], end, told)
            if release is not None:
                return _returned(report, release, because)
    for text, release in sent.by_text.items() if report.sketch else ():
        if _last_news([release], end, told) and likeness(report.sketch, text) >= POSSIBLE_LIKENESS:
            return _returned(report, release, "same-text")
    if _stands_by_itself(report, sent.ordered[0]):
        return None
    release = _last_news(sent.ordered[:until], end, told)
    return None if release is None else _returned(report, release, "same-claim")


def _last_news(
    releases: Sequence[Released], end: datetime, told: Mapping[str | bytes, datetime]
) -> Released | None:
    """Return the last release up to `end` of something that a voice had not told us before."""
    for release in reversed(releases[-MAX_RELEASES:]):
        at = release.at
        if at <= end:
            object_told, content_told = told.get(release.stix_id), told.get(release.digest)
            if (object_told is None or object_told > at) and (content_told is None or content_told > at):
                return release
    return None


def _stands_by_itself(report: Report, first: Released) -> bool:
    """Whether a proven originator says it directly, at first hand, or since before our first release."""
    if report.origin.kind != "key":
        return False
    is_direct = report.origin.value == report.voice
    is_older = report.created is not None and report.created <= first.at
    return is_direct or report.is_first_hand or is_older


def _told(report: Report, ordered: Sequence[Released]) -> Echo:
    before = [release for release in ordered if release.at < report.arrived_at]
    if before:
        return _returned(report, before[-1], "operator")
    return Echo(report.key, OURS, "operator", "hard", 0, _path(report))


def _path(report: Report) -> tuple[str, ...]:
    return report.path or ("?", report.voice)


def _returned(report: Report, release: Released, because: EchoBecause) -> Echo:
    return Echo(
        report=report.key,
        release=release.key,
        because=because,
        strength="inferred" if because in {"same-text", "same-claim"} else "hard",
        days=(report.arrived_at - release.at).days,
        path=_path(report),
    )
