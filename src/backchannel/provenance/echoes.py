"""Our own report come back: it confirms nothing, however many it came through.

An arrival later than a release of ours is its echo if it bears a mark of it (object, content, otag, text), or if it
asserts what we released and shows no origin of its own: a proven one that gives it to us directly, has it at first
hand, or said it before our release. What a voice had told us before we released it is no echo when it says it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backchannel.provenance.clusters import Strength
from backchannel.provenance.likeness import POSSIBLE_LIKENESS, likeness
from backchannel.provenance.reports import OURS, Released, Report

EchoBecause = Literal["operator", "same-otag", "same-object", "same-content", "same-text", "same-claim"]

MAX_RELEASES: Final = 64
"""Releases of one claim whose text is compared with a report; the earliest, which can have more echoes."""


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
    first_told: dict[tuple[str, object], datetime] = {}
    for report in reports:
        for mark in (report.stix_id, report.digest):
            if mark:
                at = first_told.setdefault((report.voice, mark), report.arrived_at)
                first_told[report.voice, mark] = min(at, report.arrived_at)
    for report in reports:
        if report.key in ours or report.key in not_ours or report.arrived_at <= ordered[0].at:
            continue
        before = [release for release in ordered if release.at < report.arrived_at]
        echo = _echo(report, before, first_told)
        if echo is not None:
            found.append(echo)
    return found


def _echo(
    report: Report, before: Sequence[Released], first_told: dict[tuple[str, object], datetime]
) -> Echo | None:
    def had_told(release: Released, *marks: object) -> bool:
        told = (first_told.get((report.voice, mark)) for mark in marks if mark)
        return any(at is not None and at <= release.at for at in told)

    news = [
        release
        for release in before
        if not had_told(release, report.stix_id, report.digest, release.stix_id, release.digest)
    ]
    for release in reversed(news):
        because = _mark(report, release)
        if because is not None:
            return _returned(report, release, because)
    if report.sketch:
        for release in news[:MAX_RELEASES]:
            if likeness(report.sketch, release.sketch) >= POSSIBLE_LIKENESS:
                return _returned(report, release, "same-text")
    if not news or _stands_by_itself(report, news[0]):
        return None
    return _returned(report, news[-1], "same-claim")


def _stands_by_itself(report: Report, first: Released) -> bool:
    """Whether a proven originator says it directly, at first hand, or since before our first release."""
    if report.origin.kind != "key":
        return False
    is_direct = report.origin.value == report.voice
    is_older = report.created is not None and report.created <= first.at
    return is_direct or report.is_first_hand or is_older


def _mark(report: Report, release: Released) -> EchoBecause | None:
    if report.otag and report.otag == release.otag:
        return "same-otag"
    if report.digest and report.digest == release.digest:
        return "same-content"
    if report.stix_id and report.stix_id == release.stix_id:
        return "same-object"
    return None


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
