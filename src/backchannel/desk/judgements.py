"""What a person says of a claim or a source: how it turned out, its number, who is of one origin, a letter.

Each is a fact with a reason, kept beside what is computed and never in its place, and entered in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.belief import document
from backchannel.desk.belief_documents import Judged
from backchannel.desk.grading import Grader
from backchannel.desk.items import find
from backchannel.desk.letters import Letters
from backchannel.desk.node import Node
from backchannel.desk.outcomes import keep_outcome, record_said
from backchannel.desk.party_page import party_called
from backchannel.desk.views import tell_sources
from backchannel.desk.writing import write_files
from backchannel.errors import NotFoundError, UsageError
from backchannel.feedback.envelope import MAX_TEXT_CHARS, Speaker, bundle
from backchannel.feedback.opinion import Opinion, opinion
from backchannel.ids import derived_id
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.predicates import Outcome
from backchannel.provenance.reports import OURS
from backchannel.store.belief import (
    GivenLetter,
    GivenNumber,
    GivenUnion,
    OutcomeWord,
    UnionWord,
)
from backchannel.store.rows import Kept
from backchannel.trust.credibility import CONFIDENCE
from backchannel.trust.reliability import LETTERS

_OPINIONS: Final[dict[int, Opinion]] = {
    1: "strongly-agree",
    2: "agree",
    3: "neutral",
    4: "disagree",
    5: "strongly-disagree",
    6: "neutral",
}
"""The five values of STIX 2.1 §10.12 for the five that are judged; of what is not judged, an opinion is neutral."""


def judge(
    node: Node,
    clock: Clock,
    stix_id: str,
    outcome: OutcomeWord,
    reason: str,
    *,
    unseal: Unseal | None = None,
) -> Judged:
    """Keep how the claim of an object turned out: it counts for or against every source that had told us so.

    Who gave it to us and has keys here is told the outcome, by a signed statement without the reason.

    Args:
        node: ours.
        clock: the present.
        stix_id: the object, or so much of its id that only one object has it.
        outcome: `confirmed`, `refuted`, or `harmful`: refuted, and it broke something here.
        reason: why, in a person's words.
        unseal: opens our keys.

    Raises:
        NotFoundError: nothing of that id is in sight.
        UsageError: several objects begin so, or the reason is missing or too long.
    """
    kept = find(node.store, stix_id)
    with node.store.transaction():
        view = Outcome(outcome=outcome, basis="analyst", when=clock.now().date().isoformat())
        told = tell_sources(node, clock, kept, view, unseal=unseal)
        credited = keep_outcome(node, clock, kept, outcome, basis="analyst", reason=_reason(reason))
    words = {"confirmed": "confirmed", "refuted": "refuted", "harmful": "refuted, and harmful"}
    says = f"Kept: {kept.stix_id} is {words[outcome]}."
    return msgspec.structs.replace(_judged(node, clock, kept, says, credited=credited), told=told)


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
        record_said(node, "outcome", kept.stix_id, {"outcome": None, "reason": why}, clock)
    return _judged(node, clock, kept, f"Taken back: nothing is said of how {kept.stix_id} turned out.")


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
            record_said(node, "grade", kept.stix_id, said, clock)
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
        record_said(node, "union", kept.stix_id, said, clock)
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
        record_said(node, "letter", party.party_id, {"source": about, "letter": letter, "reason": why}, clock)
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
