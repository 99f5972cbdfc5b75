"""Belief as it is shown: the tree of a claim's origins, its number and letters, what contradicts it, how fresh it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.belief_documents import (
    Belief,
    BuiltOn,
    Contested,
    ContestedSide,
    Fresh,
    GivenByHand,
    ItemGrade,
    Joined,
    OriginShown,
    OutcomeSaid,
    OwnEcho,
    ReportedBy,
    WentTo,
    Withdrawn,
)
from backchannel.desk.claims import MAX_OF_ONE
from backchannel.desk.grading import Graded, Grader
from backchannel.desk.letters import Letters
from backchannel.desk.node import Node
from backchannel.desk.retractions import Retracted, Retractions
from backchannel.parties.names import visible_name
from backchannel.provenance.clusters import Union
from backchannel.provenance.echoes import Echo
from backchannel.provenance.effective import Dependence
from backchannel.provenance.origins import Origin
from backchannel.provenance.reports import Report
from backchannel.stix.visible import visible
from backchannel.store.belief import OutcomeRow
from backchannel.store.rows import Kept
from backchannel.trust.contradictions import Contradiction
from backchannel.trust.credibility import may_act

MAX_REPORTS_SHOWN: Final = 200
MAX_WENT_SHOWN: Final = 100
MAX_MANIFEST_BYTES: Final = 2**30
"""Largest manifest of an export that is read, as where they are written."""

_BECAUSE: Final[Mapping[str, str]] = {
    "operator": "a person said so",
    "same-origin": "the same party says so",
    "same-otag": "both bear the tag that one originator gave its claim",
    "same-object": "it is the same object",
    "same-content": "the content is the same",
    "same-creation": "one author made both at one time",
    "deconflicted": "those who hide the origins signed that they are one",
    "same-text": "the texts are alike",
    "same-attachment": "the same document came with both",
    "same-error": "both make the same rare mistake",
    "same-claim": "we had told it before, and it shows no origin of its own",
}
_DEPENDS: Final[Mapping[str, str]] = {
    "shared-errors": "may copy {other}",
    "follows": "may follow {other}",
    "possible-same-text": "may be {other} in other words",
}


def belief_of(node: Node, clock: Clock, kept: Kept) -> Belief:
    """Return how much the claim of an object is worth, and why."""
    grader = Grader(node, clock)
    return document(node, clock, grader, grader.grade(kept))


def document(node: Node, clock: Clock, grader: Grader, graded: Graded) -> Belief:
    """Return a claim that was judged, as it is shown."""
    letters, gathered, origins = grader.letters, graded.gathered, graded.origins
    grade = graded.grade
    verified = {one.name for one in grade.supporting if letters.is_verified(one.name)}
    return Belief(
        claim=visible(gathered.claim.says, max_chars=300),
        says=says_of(graded),
        reports=tuple(_report(one, graded) for one in gathered.reports[:MAX_REPORTS_SHOWN]),
        reports_total=len(gathered.reports),
        origins=tuple(_origin(one, letters) for one in origins.origins),
        echoes=tuple(_echo(one, graded, node.party.name) for one in origins.echoes),
        built=tuple(
            BuiltOn(reports=one.reports, on=tuple(letters.name_of(name) for name in one.on))
            for one in origins.built
        ),
        notes=(*origins.notes, *_unread(graded)),
        n_eff=round(origins.n_eff, 3),
        number=graded.number,
        computed=grade.number,
        given=_given(graded),
        confidence=graded.confidence,
        probability=None if grade.probability is None else round(grade.probability, 4),
        reasons=tuple(_named(grade.reasons, graded.sources, letters)),
        contested=grade.is_contested,
        contradictions=tuple(_contested(one, letters) for one in graded.contradictions),
        letters=tuple(letters.document(name) for name in graded.sources),
        outcomes=tuple(_outcome(one) for one in graded.outcomes),
        fresh=_fresh(graded),
        withdrawn=withdrawn(node, clock, graded, letters),
        asks_person=tuple(
            _named(may_act(grade, is_disruptive=True, verified=verified).reasons, graded.sources, letters)
        ),
    )


def item_grade(graded: Graded) -> ItemGrade:
    """Return what an item is worth, in short."""
    origins = graded.origins
    return ItemGrade(
        number=graded.number,
        confidence=graded.confidence,
        says=says_of(graded),
        reports=len(graded.gathered.reports),
        origins=origins.m_independent,
        undisclosed=origins.k_undisclosed,
        echoes=len(origins.echoes),
        contested=graded.grade.is_contested,
        withdrawn=graded.retracted is not None,
        fresh=graded.fresh.share,
    )


def says_of(graded: Graded) -> str:
    """Return what stands behind a claim in one line: `7 reports - 2 independent origins - 1 is our own echo`."""
    origins = graded.origins
    parts = [
        _number(len(graded.gathered.reports), "report"),
        _number(origins.m_independent, "independent origin"),
    ]
    if origins.k_undisclosed:
        parts.append(f"{origins.k_undisclosed} undisclosed")
    if origins.echoes:
        echoes = len(origins.echoes)
        parts.append(f"{echoes} {'is our own echo' if echoes == 1 else 'are our own echoes'}")
    if graded.taken_back:
        parts.append(f"{graded.taken_back} taken back")
    if graded.opposing.n_reports:
        parts.append(f"{graded.opposing.n_reports} against it")
    return " - ".join(parts)


# --- What was taken back -------------------------------------------------------------------------------


def withdrawn(node: Node, clock: Clock, graded: Graded, letters: Letters) -> Withdrawn | None:
    """Return that an object, or what it was made of, was taken back, and whom and what that reaches."""
    kept = graded.gathered.claim.asked
    retractions = Retractions(node, clock)
    found, of = graded.retracted, None
    if found is None:
        found, of = _of_sources(node, clock, retractions, kept)
    if found is None:
        return None
    days = max(0, (clock.now() - parse_time(found.at)).days)
    by = letters.name_of(found.by) if found.by else None
    what = "Withdrawn" if of is None else f"Derived from {visible(of)}, which was withdrawn"
    exported = tuple(exports_of(node, kept.stix_id))
    passed = tuple(_passed_on(node, kept))
    return Withdrawn(
        says=_withdrawn_says(what, days, exported, passed),
        at=found.at,
        days=days,
        by=by,
        reason=visible(found.reason, max_chars=1_000),
        of=of,
        exported=exported,
        passed_on=passed,
        derived=retractions.derived(kept.stix_id),
    )


def _of_sources(
    node: Node, clock: Clock, retractions: Retractions, kept: Kept
) -> tuple[Retracted | None, str | None]:
    """Return the retraction of what an object was made of."""
    sources = retractions.sources(kept.stix_id)
    held = node.store.objects.currents(sources)
    if not held:
        return None, None
    grades = Grader(node, clock).grades(list(held.values()))
    return next(
        ((one.retracted, one.gathered.claim.asked.stix_id) for one in grades if one.retracted is not None),
        (None, None),
    )


def exports_of(node: Node, stix_id: str) -> Iterator[WentTo]:
    """Yield the folders of exports in whose manifests an object stands."""
    for folder in node.store.beliefs.export_folders():
        path = Path(folder.folder) / "manifest.json"
        try:
            if path.stat().st_size > MAX_MANIFEST_BYTES:
                continue
            lines = codec.decode(path.read_bytes())["lines"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # moved, or written over: what lies there is no export of ours any more
        if any(isinstance(line, dict) and line.get("indicator") == stix_id for line in lines):
            yield WentTo(to=f"{folder.folder} ({folder.control})", way="export", at=folder.at)


def _passed_on(node: Node, kept: Kept) -> Iterator[WentTo]:
    versions = node.store.objects.all_versions(kept.stix_id, at_most=MAX_WENT_SHOWN)
    went = node.store.beliefs.went_out(
        [one.object_row for one in versions], [one.digest for one in versions], at_most=MAX_WENT_SHOWN
    )
    seen: set[tuple[str | None, str]] = set()
    for one in went:
        if (one.to, one.way) not in seen:
            seen.add((one.to, one.way))
            to = "anybody who reads without a credential" if one.to is None else visible_name(one.to)
            yield WentTo(to=to, way=one.way, at=one.at)


def _withdrawn_says(what: str, days: int, exported: tuple[WentTo, ...], passed: tuple[WentTo, ...]) -> str:
    when = "today" if days == 0 else f"{_number(days, 'day')} ago"
    parts = [f"{what} {when}"]
    if exported:
        parts.append(f"you exported it to {', '.join(one.to for one in exported)}")
    if passed:
        parts.append(f"passed it to {', '.join(dict.fromkeys(one.to for one in passed))}")
    return ", ".join(parts) + "."


# --- Pieces ----------------------------------------------------------------------------------------------


def _report(report: Report, graded: Graded) -> ReportedBy:
    told = graded.gathered.told[report.key]
    return ReportedBy(
        key=report.key,
        id=visible(report.stix_id),
        party=None if told.party is None else visible_name(told.party),
        channel=told.channel,
        received_at=told.at,
        batch=told.batch_id,
        path=report.path,
    )


def _unread(graded: Graded) -> Iterator[str]:
    if graded.gathered.claim.unread:
        n = graded.gathered.claim.unread
        objects, were = ("object says", "was") if n == 1 else ("objects say", "were")
        yield f"{n:,} more {objects} so and {were} not looked at: of one party's, {MAX_OF_ONE} are."


def _given(graded: Graded) -> GivenByHand | None:
    given = graded.given
    if given is None:
        return None
    return GivenByHand(
        value=str(given.number),
        reason=visible(given.reason, max_chars=1_000),
        at=given.at,
        is_blind=given.is_blind,
    )


def _fresh(graded: Graded) -> Fresh:
    fresh = graded.fresh
    return Fresh(
        share=fresh.share,
        is_valid=fresh.is_valid,
        since=format_time(fresh.started_at),
        fades_at=format_time(fresh.fades_at),
        reasons=fresh.reasons,
    )


def _origin(origin: Origin, letters: Letters) -> OriginShown:
    best = max((letters.standing(name) for name in origin.names), key=lambda one: one.mean or -1.0)
    return OriginShown(
        name=letters.name_of(origin.name),
        source=origin.name,
        is_disclosed=origin.is_disclosed,
        is_first_hand=origin.is_first_hand,
        letter=best.letter,
        share=round(origin.share, 3),
        reports=origin.reports,
        unions=tuple(joined(one) for one in origin.unions),
        possibly=tuple(
            _depends(one, letters.name_of(one.right if one.left == origin.name else one.left))
            for one in origin.possibly
        ),
    )


def _depends(known: Dependence, other: str) -> str:
    words = _DEPENDS.get(known.because, "").format(other=other)
    return f"{words} ({known.detail})" if words and known.detail else words or known.detail


def joined(union: Union) -> Joined:
    """Return why two reports are of one origin, in words."""
    words = _BECAUSE.get(union.because, union.because)
    alike = f" ({union.likeness:.0%})" if union.because == "same-text" else ""
    return Joined(
        left=union.left,
        right=union.right,
        because=union.because,
        strength=union.strength,
        says=f"{words}{alike}",
    )


def _echo(echo: Echo, graded: Graded, us: str) -> OwnEcho:
    gathered = graded.gathered
    path = _from_us(echo.path, visible_name(us))
    went = gathered.went.get(echo.release)
    if went is None:
        return OwnEcho(
            report=echo.report,
            told_to=(),
            told_at=None,
            days=echo.days,
            path=path,
            strength=echo.strength,
            says="it is our own: a person said so",
        )
    to = next((one.to for one in gathered.releases if one.key == echo.release), ())
    return OwnEcho(
        report=echo.report,
        told_to=to,
        told_at=went.at,
        days=echo.days,
        path=path,
        strength=echo.strength,
        says=f"our own report came back after {_number(echo.days, 'day')}: "
        f"{_BECAUSE.get(echo.because, echo.because)}; through {' > '.join(dict.fromkeys(('us', *to, *path)))}",
    )


def _from_us(path: tuple[str, ...], us: str) -> tuple[str, ...]:
    """Return what of a way lies behind us: what it was before we passed it on is no part of its return."""
    return path[len(path) - path[::-1].index(us) :] if us in path[:-1] else path


def _contested(found: Contradiction, letters: Letters) -> Contested:
    return Contested(
        kind=found.kind,
        is_open=found.is_open,
        sides=tuple(
            ContestedSide(
                says=visible(side.says),
                origins=tuple(letters.name_of(name) for name in side.origins),
                letters=tuple(letters.standing(name).letter for name in side.origins),
            )
            for side in found.sides
        ),
    )


def _outcome(row: OutcomeRow) -> OutcomeSaid:
    return OutcomeSaid(
        about=row.about,
        outcome=row.outcome,
        basis=row.basis,
        by=None if row.said_by_name is None else visible_name(row.said_by_name),
        at=row.at,
        reason=visible(row.reason, max_chars=1_000),
    )


def _named(sentences: Iterable[str], sources: Iterable[str], letters: Letters) -> Iterator[str]:
    """Say in sentences the names of parties for their ids; the longest first, since one may hold another."""
    names = {source: letters.name_of(source) for source in sorted(sources, key=len, reverse=True) if source}
    for sentence in sentences:
        said = sentence
        for source, name in names.items():
            said = said.replace(source, name)
        yield said


def _number(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"
