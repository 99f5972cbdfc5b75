"""What a policy says, in sentences: for a page, and for whoever reads the answer of `policy check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backchannel.clock import format_time
from backchannel.policy.conditions import When
from backchannel.policy.decide import FEEDBACK_WORDS
from backchannel.policy.rules import Policy, Rule
from backchannel.policy.transforms import TEAR_LINE
from backchannel.stix.markings import Tlp
from backchannel.stix.sentences import listed


def words_of(policy: Policy) -> tuple[tuple[str, str], ...]:
    """Return each part of a policy in its order: its name, and what it says."""
    return tuple(_words(policy))


def _words(policy: Policy) -> Iterator[tuple[str, str]]:
    for group in policy.groups:
        yield f"group {group.name}", f"is {listed(group.members)}." if group.members else "is nobody."
    for rule in policy.rules or ():
        yield f"rule {rule.id}", _rule(rule)
    for embargo in policy.embargoes:
        but = f", except to {listed(embargo.except_for)}" if embargo.except_for else ""
        yield (
            f"embargo {embargo.id}",
            f"{_what(embargo.when)} goes to nobody before {format_time(embargo.until)}{but}.",
        )
    if policy.orcon and policy.orcon_labels:
        labels = listed(policy.orcon_labels)
        yield "orcon", f"What others labelled {labels} goes on only with its originator's permit."
    for pap, to in policy.pap:
        yield "pap", f"{pap.label} goes to {listed(to) or 'nobody'} only."
    for state, to in policy.feedback:
        yield "feedback", f"That we {FEEDBACK_WORDS[state]} is told to {listed(to) or 'nobody'} only."
    if policy.k_anonymity:
        why = f"What fewer than {policy.k_anonymity} organisations saw is not counted for others; counts go in steps."
        yield "k-anonymity", why
    if policy.approval:
        labels = listed([tlp.label for tlp in policy.approval])
        yield "approval", f"A plan with {labels} is sent once a second person approved it."
    yield "references", _REFERENCES[policy.references]
    if policy.leaks is not None:
        yield "leaks", "What holds our own addresses, names, persons or paths stays here."
    yield "default", "What no rule allows stays here, and TLP bounds whatever rules allow."


_REFERENCES = {
    "withhold": "What names an object that the recipient may not have stays too.",
    "cut": "What names an object that the recipient may not have goes without the name, by drops.",
    "let": "What names an object that the recipient may not have goes nevertheless.",
}


def _rule(rule: Rule) -> str:
    what, to = _what(rule.when), listed(rule.to) or "anybody"
    if rule.effect == "deny":
        return f"{what} never goes to {to}: {rule.why}."
    if rule.effect == "allow":
        return f"{what} may go to {to}."
    if TEAR_LINE in rule.transforms:
        return f"{what} goes to {to} as its tear-line, which its originator cleared instead."
    return f"{what} may go to {to}, changed: {listed([str(one) for one in rule.transforms])}."


def _what(when: When) -> str:
    said = [
        _either([Tlp(one).label for one in when.tlp]),
        _said("of type", when.type),
        _said("from", when.source),
        _said("labelled", when.label),
        _said("with PAP", when.pap),
        _said("made by", when.created_by),
        _said("with a pattern of", when.pattern_type),
        _said("that has", when.has),
        _said("called", when.id),
        _said("in STIX", when.spec_version),
        _said("by way of", when.purpose),
    ]
    shown = [one for one in said if one]
    return f"What is {', '.join(shown)}" if shown else "Whatever there is"


def _said(word: str, values: Sequence[str]) -> str:
    return f"{word} {_either(values)}" if values else ""


def _either(words: Sequence[str]) -> str:
    """Return `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
