"""What to do about one indicator or hit, in words: block, look, tell, nothing, or ask.

A table of rules in one order; the first that fits decides and says why, from the facts of the case. `block`
is said only where every gate before a blocking control (`actions.gates`) lets the value through: so never
without PAP:GREEN or CLEAR, never against ourselves, infrastructure or what everybody uses, never when expired
or withdrawn. No rule acts: a person does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from backchannel.actions import gates, reservations, sentences
from backchannel.actions.advice import Advice
from backchannel.actions.case import Case, Step, step_of
from backchannel.actions.gates import Refusal
from backchannel.actions.sentences import said, sighted, where_to_block
from backchannel.observables.kinds import Kind

__all__ = ["RULES", "Advice", "Rule", "advise", "may_block", "rule_of"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: when it fits, and what it says."""

    name: str
    fits: Callable[[Case], bool]
    say: Callable[[Case], Advice]


def advise(case: Case) -> Advice:
    """Return what to do about `case`; some rule always fits."""
    return next(rule.say(case) for rule in RULES if rule.fits(case))


def rule_of(case: Case) -> str:
    """Return the name of the rule that decides `case`."""
    return next(rule.name for rule in RULES if rule.fits(case))


def may_block(case: Case) -> bool:
    """Whether every gate lets the value through to a blocking control."""
    return case.target is not None and _refused(case) is None


def _refused(case: Case) -> Refusal | None:
    if case.target is None:
        return Refusal("searched", "no part of its pattern can be searched")
    return gates.refusal(case.standing, case.target, stage="block", at=case.at)


def _unhunted(case: Case) -> Advice:
    refused = _refused(case)
    logs = f"logs that show {case.lacking}" if case.lacking else "your logs"
    return Advice(
        "look",
        said(
            f"Look for {sentences.named(case)} in {logs} first: `backchannel hunt PATH`",
            f"Do not block it: {refused.why}" if refused else f"Then block it {where_to_block(case)}",
            sentences.recommended(case, refused),
        ),
        sentences.join(sentences.unhunted(case), sentences.grounds(case)),
    )


def _unseen(case: Case) -> Advice:
    refused = _refused(case)
    how = "hunted as far as it can be searched" if case.hunt == "in part" else "hunted"
    why = sentences.join(f"{how} and not seen", sentences.grounds(case, refused))
    if refused:
        return Advice("tell", said(sentences.not_seen(case), sentences.recommended(case, refused)), why)
    return Advice(
        "block",
        said(
            f"Block {sentences.named(case)} {where_to_block(case)}, before it is used against you",
            f"Then tell {case.who}: `backchannel {sentences.answer(case)} {case.indicator}`",
            sentences.recommended(case),
        ),
        why,
    )


def _knocked(case: Case) -> Advice:
    refused = _refused(case)
    came = "it came to us from outside, and nothing of ours reached out to it"
    why = sentences.join(came, sentences.grounds(case, refused))
    if not refused:
        return Advice(
            "block",
            said(
                f"Block {case.value} {where_to_block(case)}: it knocked {sighted(case)}",
                f"Check that it got no answer, then tell {case.who}: `backchannel sight {case.indicator}`",
                sentences.recommended(case),
            ),
            why,
        )
    return Advice(
        "tell",
        said(
            f"{case.value} knocked {sighted(case)}: check that it got no answer",
            f"Then tell {case.who}: `backchannel sight {case.indicator}`",
            sentences.recommended(case, refused),
        ),
        why,
    )


def _seen(case: Case) -> Advice:
    refused = _refused(case)
    is_below = case.scope == "subdomain"
    why = sentences.join(
        "the hit is older than `valid_from`: that is what hunting in old logs is for"
        if case.validity == "before"
        else "",
        sentences.grounds(case, refused),
        f"the hits are on names below {case.value}, which its source did not name" if is_below else "",
    )
    if refused or is_below:
        watch_only = refused is None or refused.gate == gates.COURSE
        tail = "Watch it, and leave it open for now" if watch_only else sentences.limits(case)
        return Advice("look", said(sentences.look(case), tail, sentences.recommended(case, refused)), why)
    return Advice(
        "block",
        said(
            f"Block {sentences.named(case)} {where_to_block(case)}",
            sentences.look(case),
            sentences.recommended(case),
        ),
        why,
    )


def _is_knock(case: Case) -> bool:
    if case.seen is None or case.target is None or case.target.kind is not Kind.ADDRESS:
        return False
    return case.seen.direction == "in" and step_of(case.phases) <= Step.BEFORE


def _only(case: Case, word: str) -> bool:
    return set(case.indicator_types) - {"unknown"} == {word}


def _speaks(case: Case, cls: str) -> bool:
    return case.target is not None and case.target.labelled(cls) is not None


def _past(case: Case) -> bool:
    until = case.standing.valid_until
    return until is not None and until <= case.at


RULES: Final[tuple[Rule, ...]] = (
    Rule("quarantined", lambda c: c.standing.quarantined, reservations.quarantined),
    Rule("revoked", lambda c: c.standing.revoked, reservations.revoked),
    Rule("disputed", lambda c: c.standing.disputed, reservations.disputed),
    Rule("cannot be searched", lambda c: c.target is None and not c.is_whole, reservations.uncompiled),
    Rule("benign", lambda c: _only(c, "benign"), reservations.benign),
    Rule("ours", lambda c: bool(c.target and c.target.own), reservations.own),
    Rule("infrastructure", lambda c: _speaks(c, "infrastructure"), reservations.infrastructure),
    Rule("seen too late", lambda c: c.seen is not None and c.validity == "after", reservations.late),
    Rule("expired", lambda c: c.seen is None and (c.validity == "after" or _past(c)), reservations.expired),
    Rule("not yet valid", lambda c: c.seen is None and c.validity == "before", reservations.not_yet),
    Rule("popular", lambda c: _speaks(c, "popular"), reservations.popular),
    Rule("contested", lambda c: c.standing.contested, reservations.contested),
    Rule("a whole pattern", lambda c: c.target is None, reservations.whole),
    Rule("a victim's", lambda c: c.role == "recipient" or _only(c, "compromised"), reservations.victim),
    Rule("anonymiser", lambda c: _only(c, "anonymization"), reservations.anonymiser),
    Rule("not hunted", lambda c: c.hunt == "not hunted" or (c.seen is None and c.lacking != ""), _unhunted),
    Rule("not seen", lambda c: c.seen is None, _unseen),
    Rule("knocked", _is_knock, _knocked),
    Rule("seen", lambda _: True, _seen),
)
"""The first that fits decides."""
