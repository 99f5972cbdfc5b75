"""Reports made of other reports: what they rest on, and circles among them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from backchannel.provenance.reports import Report

MAX_INPUTS: Final = 256
"""Inputs of one report that are followed."""


class Lineage(NamedTuple):
    """What each cluster is (clusters are named by the index that stands for them)."""

    disclosed: list[int]
    """A proven origin, or an otag, asserts it without naming anything it was made of."""
    undisclosed: list[int]
    """Nobody is shown to have said it first; or it rests on what is not here, or on itself."""
    built: dict[int, list[int]]
    """Made of others: the clusters it names."""
    rests_on: dict[int, int]
    """For each cluster that leads to an end (an origin, or what is undisclosed), the nearest; an end is its own."""
    circular: list[int]
    """Those of `undisclosed` that rest on one another only."""


def trace_inputs(reports: Sequence[Report], members: Mapping[int, Sequence[int]]) -> Lineage:
    """Tell origins from what was made of them, in time that grows with the number of reports and inputs."""
    inputs = _inputs(reports, members)
    disclosed = [one for one in members if any(_is_origin(reports[index]) for index in members[one])]
    known = set(disclosed)
    built = {one: named for one, named in inputs.items() if one not in known and named}
    ends = [one for one in members if one not in built]
    made_into: dict[int, list[int]] = {}
    for one, named in built.items():
        for source in named:
            made_into.setdefault(source, []).append(one)
    rests_on = {one: one for one in ends}
    waiting = deque(ends)
    while waiting:
        source = waiting.popleft()
        for one in made_into.get(source, ()):
            if one not in rests_on:
                rests_on[one] = rests_on[source]
                waiting.append(one)
    circular = [one for one in built if one not in rests_on]
    loose = [one for one in ends if one not in known]
    return Lineage(
        disclosed=disclosed,
        undisclosed=sorted(loose + circular),
        built={one: named for one, named in built.items() if one in rests_on},
        rests_on=rests_on,
        circular=circular,
    )


def _is_origin(report: Report) -> bool:
    return report.origin.kind in {"key", "otag"} and not report.derived_from


def _inputs(reports: Sequence[Report], members: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Return, for each cluster, the other clusters that its reports name as what they were made of."""
    wanted = {name for report in reports for name in report.derived_from[:MAX_INPUTS]}
    if not wanted:
        return {}
    known: dict[str, int] = {}
    for one, indices in members.items():
        for index in indices:
            report = reports[index]
            for name in (report.key, report.stix_id, report.digest.hex(), *report.statements):
                if name in wanted:
                    known.setdefault(name, one)
    found = {}
    for one, indices in members.items():
        named = {known.get(name) for index in indices for name in reports[index].derived_from[:MAX_INPUTS]}
        found[one] = sorted(source for source in named if source is not None and source != one)
    return found
