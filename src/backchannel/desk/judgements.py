"""What a person says of a claim or a source: how it turned out, its number, who is of one origin, a letter.

Each is a fact with a reason, kept beside what is computed and never in its place, and entered in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.codec import JsonObject, canonical
from backchannel.desk.belief import document
from backchannel.desk.belief_documents import Judged
from backchannel.desk.grading import Graded, Grader
from backchannel.desk.items import find
from backchannel.desk.letters import Letters
from backchannel.desk.node import Node
from backchannel.desk.party_page import party_called
from backchannel.desk.records import record_decision
from backchannel.desk.writing import write_files
from backchannel.errors import NotFoundError, UsageError
from backchannel.feedback.envelope import MAX_TEXT_CHARS, Speaker, bundle
from backchannel.feedback.opinion import Opinion, opinion
from backchannel.ids import derived_id, sha256
from backchannel.provenance.predicates import Outcome
from backchannel.provenance.reports import OURS
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Verified
from backchannel.store.belief import (
    Basis,
    Credit,
    GivenLetter,
    GivenNumber,
    GivenUnion,
    NewOutcome,
    OutcomeWord,
    UnionWord,
)
from backchannel.store.rows import Kept
from backchannel.trust.credibility import CONFIDENCE
from backchannel.trust.reliability import LETTERS

MAX_VERSIONS: Final = 100
"""Contents of one object among which that of an outcome is looked for."""
_OPINIONS: Final[dict[int, Opinion]] = {
    1: "strongly-agree",
    2: "agree",
    3: "neutral",
    4: "disagree",
    5: "strongly-disagree",
    6: "neutral",
}
"""The five values of STIX 2.1 §10.12 for the five that are judged; of what is not judged, an opinion is neutral."""


def judge(node: Node, clock: Clock, stix_id: str, outcome: OutcomeWord, reason: str) -> Judged:
    """Keep how the claim of an object turned out: it counts for or against every source that had told us so.

    Args:
        node: ours.
        clock: the present.
        stix_id: the object, or so much of its id that only one object has it.
        outcome: `confirmed`, `refuted`, or `harmful`: refuted, and it broke something here.
        reason: why, in a person's words.

    Raises:
        NotFoundError: nothing of that id is in sight.
        UsageError: several objects begin so, or the reason is missing or too long.
    """
    kept = find(node.store, stix_id)
    with node.store.transaction():
        credited = keep_outcome(node, clock, kept, outcome, basis="analyst", reason=_reason(reason))
    words = {"confirmed": "confirmed", "refuted": "refuted", "harmful": "refuted, and harmful"}
    return _judged(node, clock, kept, f"Kept: {kept.stix_id} is {words[outcome]}.", credited=credited)


def take_back(node: Node, clock: Clock, stix_id: str, reason: str) -> Judged:
    """Take back our own outcome of an object's claim.

    Raises:
        NotFoundError: nothing of that id is in sight, or no outcome of ours stands.
        UsageError: several objects begin so, or the reason is missing or too long.
    """
    kept = find(node.store, stix_id)
    why, now = _reason(reason), clock.now()
    graded = Grader(node, clock).grade(kept)
    with node.store.transaction():
        if not node.store.beliefs.take_back(graded.gathered.claim.key, why=why, at=format_time(now)):
            raise NotFoundError(
                f"no outcome of ours stands about {kept.stix_id}",
                hint=f"See `backchannel why {kept.stix_id}`.",
            )
        _record(node, "outcome", kept.stix_id, {"outcome": None, "reason": why}, clock)
    return _judged(node, clock, kept, f"Taken back: nothing is said of how {kept.stix_id} turned out.")


def keep_outcome(
    node: Node,
    clock: Clock,
    kept: Kept,
    outcome: OutcomeWord,
    *,
    basis: Basis,
    reason: str,
    answer_id: str | None = None,
) -> tuple[str, ...]:
    """Keep an outcome of our own, inside a transaction; returns the sources for or against which it speaks."""
    grader = Grader(node, clock)
    graded = grader.grade(kept)
    now = format_time(clock.now())
    new = NewOutcome(
        claim=graded.gathered.claim.key,
        about=kept.stix_id,
        object_row=kept.object_row,
        outcome=outcome,
        basis=basis,
        reason=reason,
        at=now,
        answer_id=answer_id,
    )
    speaks = list(credits_of(grader, graded, own=node.party.party_id))
    node.store.beliefs.add_outcome(new, speaks)
    _record(node, "outcome", kept.stix_id, {"outcome": outcome, "basis": basis, "reason": reason}, clock)
    return tuple(grader.letters.name_of(one.source) for one in speaks)


def hear_outcome(node: Node, clock: Clock, verified: Verified, statement_row: int) -> int:
    """Keep what another party signed of how objects turned out, inside the transaction that keeps its statement.

    It weighs what that party's own word weighs here, and speaks for nobody who repeated the claim later.

    Args:
        node: ours.
        clock: the present.
        verified: a statement of the kind `outcome`.
        statement_row: where it is kept.

    Returns:
        How many objects it is about that are here.
    """
    said, subject = verified.predicate, verified.statement.subject
    signer = next(
        (
            row.party
            for row in node.store.membership.known()
            if row.party.party_id == verified.signers[0].party
        ),
        None,
    )
    if not isinstance(said, Outcome) or not isinstance(subject, list) or signer is None:
        return 0
    held = [kept for one in subject for kept in _named(node, one.id, one.jcs)]
    grader = Grader(node, clock)
    for graded in grader.grades(held):
        claim = graded.gathered.claim
        new = NewOutcome(
            claim=claim.key,
            about=claim.asked.stix_id,
            object_row=claim.asked.object_row,
            outcome=said.outcome,
            basis=said.basis,
            reason=said.text or "no reason given",
            at=format_time(clock.now()),
            said_by=signer.party_row,
            statement_row=statement_row,
        )
        # What somebody says of itself is no outcome.
        speaks = [
            one
            for one in credits_of(grader, graded, own=node.party.party_id)
            if one.source.lstrip("?").partition(":")[0] != signer.party_id
        ]
        node.store.beliefs.add_outcome(new, speaks)
    return len(held)


def _named(node: Node, stix_id: str, digest: str) -> list[Kept]:
    versions = node.store.objects.all_versions(stix_id, at_most=MAX_VERSIONS)
    return [kept for kept in versions if digest_text(kept.digest) == digest and not kept.quarantined]


def credits_of(grader: Grader, graded: Graded, *, own: str) -> Iterator[Credit]:
    """Yield for or against whom an outcome of a claim speaks: whoever had told us, each once; not our own echo."""
    gathered = graded.gathered
    echoes = {one.report for one in grader.origins(gathered).echoes}
    seen: set[str] = set()
    for report in sorted(gathered.reports, key=lambda one: (one.arrived_at, one.key)):
        source = report.origin.name
        if report.key in echoes or source in seen or source == own or report.origin.kind == "otag":
            continue
        seen.add(source)
        told = gathered.told[report.key]
        yield Credit(
            source=source,
            topic=gathered.claim.topic,
            object_row=told.object_row,
            party_row=told.party_row,
            told_at=told.at,
        )


def grade(
    node: Node,
    clock: Clock,
    stix_id: str,
    *,
    number: int | None = None,
    reason: str = "",
    is_blind: bool = False,
    ends: bool = False,
    out: Path | None = None,
) -> Judged:
    """Set the number of an object's claim, end what was set, or only say what it is.

    Args:
        node: ours.
        clock: the present.
        stix_id: the object, or so much of its id that only one object has it.
        number: 1 to 6; None: none is set.
        reason: why; needed where something is set or ended.
        is_blind: the person had seen no letter of its sources.
        ends: the computed number counts again.
        out: file for our opinion in STIX 2.1, with `confidence`.

    Raises:
        NotFoundError: nothing of that id is in sight.
        UsageError: several objects begin so, the number is none, or the reason is missing or too long.
        InputError: `out` cannot be written.
    """
    kept = find(node.store, stix_id)
    says = f"The number of {kept.stix_id} is computed."
    if number is not None or ends:
        if number is not None and number not in CONFIDENCE:
            raise UsageError(
                f"{number} is no credibility", hint="Say 1 to 5, or 6 where it cannot be judged."
            )
        why = _reason(reason)
        claim = Grader(node, clock).grade(kept).gathered.claim.key
        given = GivenNumber(
            claim, kept.stix_id, kept.object_row, number, is_blind, why, format_time(clock.now())
        )
        with node.store.transaction():
            node.store.beliefs.give_number(given)
            said: JsonObject = {"number": number, "blind": is_blind, "reason": why}
            _record(node, "grade", kept.stix_id, said, clock)
        if number is not None:
            says = f"Kept: the number of {kept.stix_id} is {number}."
    judged = _judged(node, clock, kept, says)
    packed = codec.encode(_opinion(node, clock, kept, judged))
    if out is not None:
        write_files(out.parent, {out.name: packed + b"\n"})
    return msgspec.structs.replace(
        judged, written=None if out is None else str(out), bundle=msgspec.Raw(packed)
    )


def unite(
    node: Node,
    clock: Clock,
    stix_id: str,
    first: str,
    second: str,
    result: UnionWord | None,
    reason: str,
) -> Judged:
    """Say that two reports of a claim are of one origin, or are not, or let what is computed count again.

    Args:
        node: ours.
        clock: the present.
        stix_id: an object of the claim.
        first: key of a report, as `why` shows it.
        second: key of another, or `ours`: our own release.
        result: None ends what was said.
        reason: how we know.

    Raises:
        NotFoundError: nothing of that id, or no such report, is in sight.
        UsageError: several objects begin so, it is one report, or the reason is missing or too long.
    """
    kept = find(node.store, stix_id)
    reports = {one.key for one in Grader(node, clock).grade(kept).gathered.reports}
    for key in (first, second):
        if key not in reports and key != OURS:
            raise NotFoundError(
                f"{key!r} is no report of {kept.stix_id}", hint=f"See `backchannel why {kept.stix_id}`."
            )
    # Our own release is named second, so that it is found by the report.
    one, other = sorted((first, second), key=lambda key: (key == OURS, key))
    if one in {other, OURS}:
        raise UsageError("a union needs two reports", hint="Name another one, or `ours`.")
    why = _reason(reason)
    with node.store.transaction():
        node.store.beliefs.give_union(GivenUnion(one, other, result, why, format_time(clock.now())))
        said: JsonObject = {"reports": [one, other], "result": result, "reason": why}
        _record(node, "union", kept.stix_id, said, clock)
    words = {
        "same": "are of one origin",
        "different": "are not of one origin",
        None: "are judged by what they show",
    }
    return _judged(node, clock, kept, f"Kept: {one} and {other} {words[result]}.")


def grade_party(
    node: Node, clock: Clock, name: str, letter: str | None, reason: str, *, source: str | None = None
) -> str:
    """Set the letter of a party, or of a source that it hides, or let the computed one count again.

    Args:
        node: ours.
        clock: the present.
        name: of the party.
        letter: None: the computed one counts again.
        reason: why.
        source: the beginning of a cryptonym, for a source behind the party; None: the party itself.

    Returns:
        The party's name.

    Raises:
        NotFoundError: there is no such party or source.
        UsageError: there is no such letter, or the reason is missing or too long.
    """
    party = party_called(node, name)
    if letter is not None and letter not in LETTERS:
        raise UsageError(f"{letter!r} is no reliability", hint="Say A to E, or F where it cannot be judged.")
    why = _reason(reason)
    about = party.party_id if source is None else _behind(node, clock, party.party_id, source)
    with node.store.transaction():
        node.store.beliefs.give_letter(GivenLetter(about, letter, why, format_time(clock.now())))
        _record(node, "letter", party.party_id, {"source": about, "letter": letter, "reason": why}, clock)
    return party.name


def _behind(node: Node, clock: Clock, party_id: str, cryptonym: str) -> str:
    known = [one.source for one in Letters(node, clock).of_party(party_called(node, party_id)).behind]
    found = [one for one in known if one.startswith(f"?{party_id}:{cryptonym}")]
    if len(found) == 1:
        return found[0]
    if len(cryptonym) == _CRYPTONYM_CHARS and not found:
        return f"?{party_id}:{cryptonym}"
    raise NotFoundError(
        f"no source {cryptonym!r} behind it is known"
        if not found
        else f"several sources begin with {cryptonym!r}",
        hint="Write its whole cryptonym, as `backchannel why ID --json` shows it.",
    )


_CRYPTONYM_CHARS: Final = 20


def _opinion(node: Node, clock: Clock, kept: Kept, judged: Judged) -> JsonObject:
    """Return what we think of an object, in STIX: with `confidence`, unless it is not judged (STIX 2.1 appendix A)."""
    speaker = Speaker(node.party.party_id, node.party.name, parse_time(node.party.added_at))
    belief = judged.belief
    said = belief.given.reason if belief.given else " ".join(belief.reasons)
    text = f"Credibility {belief.number}: {said} {belief.says}."[:MAX_TEXT_CHARS]
    first = node.store.objects.firsts([kept.object_row])[kept.object_row]
    made = opinion(
        kept.stix_id,
        speaker,
        value=_OPINIONS[belief.number],
        explanation=text,
        created=parse_time(first.received_at),
        modified=clock.now(),
    )
    # Beside a dispute, which is an opinion too, and has an id of its own.
    made["id"] = derived_id("opinion", speaker.id, kept.stix_id, "credibility")
    if belief.confidence is not None:
        made["confidence"] = belief.confidence
    return bundle(made, speaker)


def _judged(node: Node, clock: Clock, kept: Kept, says: str, *, credited: Iterable[str] = ()) -> Judged:
    grader = Grader(node, clock)
    belief = document(node, clock, grader, grader.grade(kept))
    return Judged(id=kept.stix_id, says=says, credited=tuple(credited), belief=belief)


def _reason(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise UsageError("a reason is needed, for those who ask later", hint="Say it with --reason.")
    if len(stripped) > MAX_TEXT_CHARS:
        raise UsageError(f"the reason has more than {MAX_TEXT_CHARS:,} characters", hint="Shorten it.")
    return stripped


def _record(node: Node, decision: str, about: str, said: JsonObject, clock: Clock) -> None:
    record_decision(node.store, decision, about, now=clock.now(), digest=sha256(canonical(said)))
