"""How many independent origins stand behind a claim, however many voices repeat it.

    found = independent_origins(reports, releases=..., deconflicted=..., overrides=..., dependence=...)
    found.n_reports, found.m_independent, found.k_undisclosed, len(found.echoes), found.n_eff

Voices are not counted, origins are. Reports are of one origin if they share its key, otag, object, content, creation,
document, rare error, or text (each such union is told with its reason). What is hidden by relays, all of it together,
is one origin at most, unless those who hide it signed that it is not. What was made of other reports adds nothing to
them. Our own releases that came back count nothing.

The result is the same whatever the order in which the reports came or are handed in. It never raises for what a report
says: circles, doubles and floods cost their sender the count, and `notes` say what was not looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from backchannel.provenance.clusters import (
    Bond,
    Clusters,
    Texts,
    Union,
    bonds_of,
    cluster,
    is_proven,
    text_bonds,
)
from backchannel.provenance.echoes import Echo, find_echoes
from backchannel.provenance.effective import (
    P_POSSIBLE_TEXT,
    P_UNDISCLOSED,
    Dependence,
    effective,
    halved,
    known_between,
    pair_of,
)
from backchannel.provenance.lineage import Lineage, trace_inputs
from backchannel.provenance.reports import OURS, Deconflicted, Override, Released, Report
from backchannel.provenance.slots import slots_of

__all__ = ["Built", "Dependence", "Echo", "Origin", "Origins", "Union", "independent_origins"]


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One independent origin, or the one slot of what is undisclosed."""

    name: str
    """The first of `names`; the name under which it is shown, and looked up in `Dependence`."""
    names: tuple[str, ...]
    """`OriginRef.name` of all its reports, proven ones first: whose reliability it may have."""
    is_disclosed: bool
    reports: tuple[str, ...]
    """`Report.key` of what counts for it, in a fixed order."""
    voices: tuple[str, ...]
    is_first_hand: bool
    """A proven originator says that it saw it itself."""
    unions: tuple[Union, ...]
    """Why its reports are one: as many as join them, no more."""
    also_like: tuple[str, ...] = ()
    """Other origins that its unproven reports resemble just as well."""
    share: float = 1.0
    """What it adds to `n_eff`, 0 to 1."""
    possibly: tuple[Dependence, ...] = ()
    """Why it adds less than 1."""


class Built(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Reports made of others: they add nothing to the origins of those."""

    reports: tuple[str, ...]
    on: tuple[str, ...]
    """`Origin.name` of what they were made of, in the end; the nearest, where a report they name was made of several."""


class Origins(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a claim comes from."""

    origins: tuple[Origin, ...]
    """Disclosed ones first, by name; then the undisclosed slots."""
    built: tuple[Built, ...] = ()
    echoes: tuple[Echo, ...] = ()
    n_reports: int = 0
    n_voices: int = 0
    n_eff: float = 0.0
    """Origins, each counted by how likely it is independent of the others."""
    notes: tuple[str, ...] = ()
    """What was not looked at, and what the operator's word changed; sentences."""

    @property
    def m_independent(self) -> int:
        """Return the number of disclosed origins."""
        return sum(origin.is_disclosed for origin in self.origins)

    @property
    def k_undisclosed(self) -> int:
        """Return the number of undisclosed slots: 0, 1, or as many as were signed to be different."""
        return sum(not origin.is_disclosed for origin in self.origins)


def independent_origins(
    reports: Iterable[Report],
    *,
    releases: Iterable[Released] = (),
    deconflicted: Iterable[Deconflicted] = (),
    overrides: Iterable[Override] = (),
    dependence: Mapping[tuple[str, str], Dependence] | None = None,
    means: Mapping[str, float] | None = None,
) -> Origins:
    """Find the independent origins behind the reports of one claim.

    Args:
        reports: of one claim, in any order; of several with one key, the first in content counts.
        releases: our own earlier releases of the claim: what came back of them is an echo.
        deconflicted: verified statements about hidden origins.
        overrides: what the operator knows better; they win over everything else.
        dependence: how likely origins depend on one another (`trust.dependence.dependences`), by the sorted pair of
            their names.
        means: how good origins are, 0 to 1, by name: of several that depend on one another the best counts first.
    """
    ordered = _in_order(reports)
    said = sorted({(one.left, one.right, one.result) for one in overrides})
    of_ours = [
        (left if right == OURS else right, result) for left, right, result in said if OURS in {left, right}
    ]
    echoes = find_echoes(
        ordered,
        releases,
        ours={key for key, result in of_ours if result == "same"},
        not_ours={key for key, result in of_ours if result == "different"},
    )
    back = {echo.report for echo in echoes}
    counted = [report for report in ordered if report.key not in back]
    at = {report.key: index for index, report in enumerate(counted)}
    known = [(at[left], at[right], result) for left, right, result in said if left in at and right in at]
    told = _told_of_hidden(counted, deconflicted)

    grouped = _group(counted, known, told, means or {})
    made = _origins(grouped)
    origins = _weighed(grouped, made, dependence or {}, means or {})
    return Origins(
        origins=origins,
        built=_built(grouped, made),
        echoes=tuple(echoes),
        n_reports=len(ordered),
        n_voices=len({report.voice for report in ordered}),
        n_eff=round(sum(origin.share for origin in origins), 4),
        notes=_notes(grouped),
    )


_Told = tuple[int, int, str]
"""Two indices, and `same` or `different`."""


class _Grouped(NamedTuple):
    """Reports, brought together."""

    reports: list[Report]
    clusters: Clusters
    members: dict[int, list[int]]
    lineage: Lineage
    groups: list[list[int]]
    """Clusters that make one origin."""
    others: dict[int, set[int]]
    texts: Texts


def _group(
    reports: list[Report], known: Sequence[_Told], told: Sequence[_Told], means: Mapping[str, float]
) -> _Grouped:
    texts = text_bonds(reports, means)
    bonds = [Bond("operator", sorted(pair)) for *pair, result in known if result == "same"]
    bonds += [Bond("deconflicted", sorted(pair)) for *pair, result in told if result == "same"]
    bonds += bonds_of(reports) + texts.same
    apart = [(left, right) for left, right, result in known if result == "different"]
    clusters, others = cluster(reports, bonds, apart)
    members = clusters.members()
    lineage = trace_inputs(reports, members)
    different: dict[int, set[int]] = {}
    for left, right, result in (*told, *known):
        if result == "different":
            one, other = clusters.find(left), clusters.find(right)
            different.setdefault(one, set()).add(other)
            different.setdefault(other, set()).add(one)
    groups = [[one] for one in lineage.disclosed] + slots_of(lineage.undisclosed, different)
    return _Grouped(reports, clusters, members, lineage, groups, others, texts)


def _origins(grouped: _Grouped) -> list[Origin]:
    """Describe each group; `share` and `possibly` are still to come."""
    reports, clusters = grouped.reports, grouped.clusters
    unions: dict[int, list[Union]] = {}
    for left, union in clusters.unions:
        unions.setdefault(clusters.find(left), []).append(union)
    like: dict[int, set[int]] = {}
    for index, several in grouped.others.items():
        like.setdefault(clusters.find(index), set()).update(clusters.find(other) for other in several)
    disclosed = set(grouped.lineage.disclosed)
    made = []
    for group in grouped.groups:
        indices = sorted(index for one in group for index in grouped.members[one])
        is_disclosed = group[0] in disclosed
        made.append(
            Origin(
                name=(names := _names([reports[index] for index in indices], is_disclosed))[0],
                names=names,
                is_disclosed=is_disclosed,
                reports=tuple(reports[index].key for index in indices),
                voices=tuple(sorted({reports[index].voice for index in indices})),
                is_first_hand=any(reports[i].is_first_hand and is_proven(reports[i]) for i in indices),
                unions=tuple(union for one in group for union in unions.get(one, ())),
                also_like=tuple(sorted({reports[o].origin.name for one in group for o in like.get(one, ())})),
            )
        )
    return made


def _built(grouped: _Grouped, origins: Sequence[Origin]) -> tuple[Built, ...]:
    name = {one: origins[number].name for number, group in enumerate(grouped.groups) for one in group}
    rests_on = grouped.lineage.rests_on
    return tuple(
        Built(
            reports=tuple(grouped.reports[index].key for index in grouped.members[one]),
            on=tuple(sorted({name[rests_on.get(source, source)] for source in named})),
        )
        for one, named in sorted(grouped.lineage.built.items())
    )


def _names(reports: Sequence[Report], is_disclosed: bool) -> tuple[str, ...]:
    """Return the names of an origin: of a disclosed one, not those of the relays who repeat it unproven."""
    kinds = {"key", "otag"} if is_disclosed else {"key", "otag", "cryptonym", "undisclosed"}
    return tuple(sorted({report.origin.name for report in reports if report.origin.kind in kinds}))


def _weighed(
    grouped: _Grouped,
    origins: Sequence[Origin],
    dependence: Mapping[tuple[str, str], Dependence],
    means: Mapping[str, float],
) -> tuple[Origin, ...]:
    """Say what each origin adds, given what may make it depend on others."""
    between = known_between([origin.names for origin in origins], dependence) + _possible(grouped, origins)
    strengths = [max(means.get(name, 0.0) for name in origin.names) for origin in origins]
    hidden = halved(strengths, [origin.is_disclosed for origin in origins])
    uncompared = {grouped.reports[index].key for index in grouped.texts.uncompared}
    weighed = []
    for number, (share, reasons) in enumerate(effective(strengths, between)):
        origin = origins[number]
        factor = 0.0 if uncompared and uncompared.issuperset(origin.reports) else 1.0
        if number in hidden:
            factor *= 1 - P_UNDISCLOSED
            reasons.append(_undisclosed(origin.name))
        weighed.append(msgspec.structs.replace(origin, share=share * factor, possibly=tuple(reasons)))
    return tuple(sorted(weighed, key=lambda origin: (not origin.is_disclosed, origin.name, origin.reports)))


def _possible(grouped: _Grouped, origins: Sequence[Origin]) -> list[tuple[int, int, Dependence]]:
    """Return which origins may be one because one text may be the other, reworded."""
    at = {one: number for number, group in enumerate(grouped.groups) for one in group}
    between = []
    for bond in grouped.texts.possible:
        ends = sorted({at.get(grouped.clusters.find(index), -1) for index in bond.members} - {-1})
        for left, right in itertools.combinations(ends, 2):
            one, other = pair_of(origins[left].name, origins[right].name)
            detail = f"their texts are alike to {bond.likeness:.0%}: one may be the other, reworded"
            known = Dependence(
                left=one, right=other, p=P_POSSIBLE_TEXT, because="possible-same-text", detail=detail
            )
            between.append((left, right, known))
    return between


def _undisclosed(name: str) -> Dependence:
    detail = "what is undisclosed may come from an origin that is counted already"
    return Dependence(left=name, right="?", p=P_UNDISCLOSED, because="undisclosed", detail=detail)


def _notes(grouped: _Grouped) -> tuple[str, ...]:
    notes = []
    if grouped.texts.uncompared:
        n = len(grouped.texts.uncompared)
        notes.append(f"There are too many different texts: {n} were not compared, and add no origin.")
    elif not grouped.texts.is_whole:
        notes.append("Too many texts are alike to compare each with each: a likeness may be missed.")
    if grouped.lineage.circular:
        notes.append(
            "Reports name one another, in a circle, as what they were made of: their origin is undisclosed."
        )
    if grouped.clusters.not_joined:
        notes.append("Reports that would be of one origin are kept apart, as the operator said.")
    return tuple(notes)


def _in_order(reports: Iterable[Report]) -> list[Report]:
    """Return the reports in an order that depends on what they say, not on when they came or on their keys."""
    ordered = sorted(reports, key=_content, reverse=True)
    return list({report.key: report for report in ordered}.values())[::-1]


def _content(report: Report) -> tuple[object, ...]:
    origin = report.origin
    return (
        origin.kind != "key",  # a proven one stands for its cluster
        origin.value,
        origin.relay,
        report.voice,
        report.stix_id,
        report.digest,
        report.otag,
        report.sketch,
        origin.kind,
        report.key,
    )


def _told_of_hidden(reports: Sequence[Report], deconflicted: Iterable[Deconflicted]) -> list[_Told]:
    """Return what the relays of hidden origins signed about them, as far as it is theirs to say."""
    statements = list(deconflicted)
    if not statements:
        return []
    wanted = {name for one in statements for name in (one.left, one.right)}
    named: dict[str, list[int]] = {}
    for index, report in enumerate(reports):
        for name in {report.origin.name, report.otag} & wanted:
            named.setdefault(name, []).append(index)
    found = set()
    for one in statements:
        left, right = named.get(one.left, []), named.get(one.right, [])
        if not left or not right or left[0] == right[0]:
            continue
        signers = set(one.signers)
        signed = [
            bool(signers & {reports[index].origin.relay or reports[index].voice for index in side})
            for side in (left, right)
        ]
        if all(signed) or (one.result == "same" and any(signed)):
            found.add((min(left[0], right[0]), max(left[0], right[0]), one.result))
    # Whoever says both, says that it is one: the lesser number is the safe one.
    return sorted(told for told in found if told[2] == "same" or (*told[:2], "same") not in found)
