"""What in a policy can be read and yet cannot be meant: rules that contradict each other or can never decide."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from backchannel.policy.conditions import FIELDS
from backchannel.policy.rules import (
    ANYBODY,
    NAMED,
    OWN_ORGANISATION,
    PARTIES,
    RESERVED,
    VERIFIED,
    Policy,
    Rule,
)
from backchannel.policy.transforms import TEAR_LINE
from backchannel.stix.markings import Tlp


class Doubt(msgspec.Struct, frozen=True):
    """One thing that a person should look at."""

    line: int | None
    about: str
    """As in `rule share-technical`."""
    what: str
    mend: str


def doubts(
    policy: Policy, lines: Mapping[str, int], parties: Collection[str] | None = None
) -> tuple[Doubt, ...]:
    """Return what is doubtful in a policy, in its order.

    Args:
        policy: as it was read.
        lines: where each part stands (`reading.Read`).
        parties: the names, identities and keys of the parties that are known here, in small letters; None: not asked.
    """
    found = (*_of_groups(policy, parties), *_of_rules(policy, parties), *_of_embargoes(policy, parties))
    return tuple(Doubt(lines.get(about) or None, about, what, mend) for about, what, mend in found)


_Found = Iterator[tuple[str, str, str]]


def _of_groups(policy: Policy, parties: Collection[str] | None) -> _Found:
    named = {name for rule in policy.rules or () for name in rule.to}
    named |= {name for one in policy.embargoes for name in one.except_for}
    named |= {name for _, to in (*policy.pap, *policy.feedback) for name in to}
    for group in policy.groups:
        about = f"group {group.name}"
        if not group.members:
            yield about, "it is empty: it stands for nobody", "Name its members, or remove it."
        if group.name not in named and group.name != OWN_ORGANISATION:
            yield about, "nothing names it", "Remove it, or name it in a rule."
        for member in group.members if parties is not None else ():
            if member.casefold() not in (parties or ()):
                yield about, f"{member} is no party that is known here", "See `backchannel party list`."


def _of_rules(policy: Policy, parties: Collection[str] | None) -> _Found:
    rules = policy.rules or ()
    denials = [rule for rule in rules if rule.effect == "deny"]
    groups = {group.name: {one.casefold() for one in group.members} for group in policy.groups}
    for number, rule in enumerate(rules):
        about = f"rule {rule.id}"
        for name in rule.to:
            yield from ((about, *one) for one in _unknown(name, groups, parties))
        if rule.effect == "deny":
            continue
        for denial in denials:
            if _covers(denial, rule, groups):
                what = f"whatever it allows, {denial.id} denies: it never decides"
                yield about, what, f"Remove one of the two, or narrow {denial.id}."
                break
        for tlp in () if TEAR_LINE in rule.transforms else rule.when.tlp:
            most = _most(rule, policy)
            if Tlp(tlp).strictness > most.strictness:
                what = f"{Tlp(tlp).label} never goes to whom it names: TLP lets them have up to {most.label}"
                yield about, what, "A policy can only narrow TLP: remove the label."
        for earlier in rules[:number]:
            if (earlier.when, earlier.to, earlier.effect, earlier.transforms) == (
                rule.when,
                rule.to,
                rule.effect,
                rule.transforms,
            ):
                yield about, f"it says the same as {earlier.id}", "Remove one of the two."


def _of_embargoes(policy: Policy, parties: Collection[str] | None) -> _Found:
    groups = {group.name: {one.casefold() for one in group.members} for group in policy.groups}
    for one in policy.embargoes:
        for name in one.except_for:
            yield from ((f"embargo {one.id}", *found) for found in _unknown(name, groups, parties))
    for pap, to in policy.pap:
        for name in to:
            yield from ((f"pap {pap.value}", *found) for found in _unknown(name, groups, parties))


def _unknown(
    name: str, groups: Mapping[str, set[str]], parties: Collection[str] | None
) -> Iterator[tuple[str, str]]:
    if name in groups:
        if not groups[name]:
            yield f"the group {name} is empty, so it is to nobody", "Name its members."
    elif name not in RESERVED and parties is not None and name.casefold() not in parties:
        yield f"{name} is no group and no party that is known here", "Correct the name."


_WIDEST: Final[Mapping[str, Tlp]] = {
    ANYBODY: Tlp.CLEAR,
    PARTIES: Tlp.GREEN,
    NAMED: Tlp.AMBER,
    VERIFIED: Tlp.AMBER,
}


def _most(rule: Rule, policy: Policy) -> Tlp:
    """Return the strictest label that anybody whom the rule names can have."""
    bounds = {ANYBODY: policy.anybody, PARTIES: policy.any_party}
    reaches = [bounds.get(name, Tlp.AMBER) for name in rule.to]
    own = next((one.members for one in policy.groups if one.name == OWN_ORGANISATION), ())
    if own and any(name == OWN_ORGANISATION or name not in _WIDEST for name in rule.to):
        reaches.append(Tlp.AMBER_STRICT)
    return max(reaches, key=lambda tlp: tlp.strictness, default=Tlp.CLEAR)


def _covers(denial: Rule, rule: Rule, groups: Mapping[str, set[str]]) -> bool:
    """Whether a denial holds wherever a rule does."""
    for field in FIELDS:
        wide, narrow = set(getattr(denial.when, field)), set(getattr(rule.when, field))
        if wide and (not narrow or not narrow <= wide or field in {"label", "has"}):
            if field in {"label", "has"} and narrow and len(narrow) == 1 and narrow <= wide:
                continue
            return False
    return not denial.to or all(_is_within(name, denial.to, groups) for name in rule.to)


def _is_within(name: str, wide: tuple[str, ...], groups: Mapping[str, set[str]]) -> bool:
    if name in wide or ANYBODY in wide or (PARTIES in wide and name != ANYBODY):
        return True
    members = groups.get(name, {name.casefold()})
    return bool(members) and all(
        any(one == other.casefold() or one in groups.get(other, ()) for other in wide) for one in members
    )
