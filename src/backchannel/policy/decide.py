"""Decide whether an object may go to a party, and say why. Sends nothing, stores nothing.

TLP 2.0 (FIRST, August 2022) sets the outer bound; whatever no rule allows is denied. One function guards
every channel, page, feed and export. It asks in one order, and the first denial wins:

1. who the recipient is, and whether it may have anything at all; how the object stands with us
2. TLP, of the object and of everything that it was derived from
3. the originator's permit, where the object asks for one (ORCON)
4. embargoes
5. PAP
6. the rules: a denial beats whatever allows; what none allows is denied
7. transforms
8. the result again: it may not be wider, and may not name what the recipient may not have
9. what of our own stands in it (`leaks`)

A class of a collection knows less than an object does. Asked about a class, `decide` answers for all its objects where
it can, and else that each has to be looked at (`Decision.depends`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from backchannel.clock import format_time
from backchannel.codec import JsonObject
from backchannel.parties.states import LIMITS, Standing
from backchannel.policy.compiled import Facts, lowest, numbers
from backchannel.policy.conditions import OURSELVES
from backchannel.policy.request import Decision, Permitted, Reason, Request, allowed, denied
from backchannel.policy.result import result_of
from backchannel.policy.rules import ANYBODY, DEFAULT_POLICY, NAMED, PARTIES, VERIFIED, Policy
from backchannel.policy.tear_lines import instead_of
from backchannel.policy.transforms import TEAR_LINE, Transform
from backchannel.stix.markings import Pap, Tlp, pap_of

POLICY_VERSION: Final = DEFAULT_POLICY.version
CONTROLS: Final = frozenset({"detect", "alert", "block"})
"""Purposes that are the stages of a control of our own."""

__all__ = [
    "DEFAULT_POLICY",
    "POLICY_VERSION",
    "Decision",
    "Permitted",
    "Policy",
    "Reason",
    "Request",
    "decide",
]


def decide(request: Request, policy: Policy = DEFAULT_POLICY) -> Decision:
    """Decide whether an object may go to a party."""
    refused = _standing(request)
    if refused is not None:
        return denied(refused)
    if request.purpose in CONTROLS:
        return _of_control(request)
    reach, who = _reach(request, policy)
    if request.recipient_is_ourselves and request.recipient is not None:
        return allowed(Reason("ourselves", "it stays with us"))
    if request.recipient_is_source and request.recipient is not None:
        return allowed(Reason("source", "the recipient sent it to us itself"))
    tlp = request.tlp
    for other in request.derived_from:
        if other.strictness > tlp.strictness:
            tlp = other
    if tlp.strictness > reach.strictness:
        what = tlp.label if tlp is request.tlp else f"it was derived from what is {tlp.label}, which"
        refusal = Reason("tlp", f"{what} may not go to {who}: up to {reach.label} may")
        return _but_its_tear_line(request, policy, tlp, refusal) if policy.tear_lines else denied(refusal)
    may = Reason("tlp", f"{tlp.label} may go to {who}")
    if policy is DEFAULT_POLICY or (policy.rules is None and not policy.looks_at_objects):
        return allowed(may)
    return _by_policy(request, policy, tlp, may)


def _standing(request: Request) -> Reason | None:
    if not request.collection_allows:
        return Reason("collection", "the recipient has no right to read this collection")
    if request.standing is not None and LIMITS[request.standing].most_tlp is None:
        return Reason("standing", f"the recipient is {request.standing!s}: nothing goes to it")
    if request.quarantined:
        return Reason("quarantine", "it is in quarantine")
    if request.chain_fault:
        return Reason("chain", request.chain_fault)
    return None


def _of_control(request: Request) -> Decision:
    """Decide whether a control of our own may be told of an object: PAP decides, whatever a policy says."""
    if request.tlp is Tlp.RED:
        why = (
            "TLP:RED is for the persons it was told to: a control shows it to everybody who reads its alerts"
        )
        return denied(Reason("tlp", why))
    why = pap_refusal(request.pap, request.purpose)
    return denied(Reason("pap", why)) if why else allowed(Reason("pap", "PAP allows it"))


def names_of(request: Request, policy: Policy) -> set[str]:
    """Return every name that the recipient has in rules: its own, its groups, and what it is to us.

    A party chooses its name: one that calls itself as a group of ours is called is not in it by that.
    """
    groups, recipient = policy.groups_of, request.recipient
    names = {*(request.names - policy.group_names if policy.groups else request.names), ANYBODY}
    if recipient is not None:
        names.add(recipient.casefold())
        names.add(PARTIES)
        if request.standing is Standing.VERIFIED:
            names.add(VERIFIED)
            names.add(NAMED)
        elif request.is_named_reader:
            names.add(NAMED)
    if groups:
        for name in [one for one in (*names, *request.names) if one in groups]:
            names |= groups[name]
    return names


def _by_policy(request: Request, policy: Policy, tlp: Tlp, may: Reason) -> Decision:
    """Ask what the operator wrote, of what TLP lets go."""
    value = request.value
    asked = _asked(request, policy, tlp)
    if request.statement:
        return _of_statement(asked, may)
    unsure = False
    for step in (_orcon, _embargo, _pap):
        denial = step(asked)
        if denial is _UNSURE:
            unsure = True
        elif denial is not None:
            if step is _orcon and policy.tear_lines:
                return _but_its_tear_line(request, policy, tlp, may, denial)
            return denied(may, denial)
    if policy.rules is None:
        transforms: tuple[Transform, ...] = ()
        reasons: tuple[Reason, ...] = (may,)
    else:
        found = _rules(asked)
        if found.denial is not None:
            return denied(may, found.denial)
        unsure = unsure or found.unsure
        transforms, reasons = found.transforms, (may, *found.reasons)
    if value is None:
        if (
            unsure
            or transforms
            or policy.k_anonymity
            or policy.leaks is not None
            or policy.references != "let"
            or (policy.tear_lines and request.type == "relationship")
        ):
            return Decision(
                False, (*reasons, Reason("object", "each of these objects is looked at")), depends=True
            )
        return allowed(*reasons)
    if transforms and TEAR_LINE in transforms:
        if not request.is_tear_line:
            return instead_of(request, reasons, _NOT_THIS_WAY)
        transforms = tuple(one for one in transforms if one != TEAR_LINE)
    return result_of(request, policy, value, transforms, reasons)


def _asked(request: Request, policy: Policy, tlp: Tlp) -> _Asked:
    facts = Facts(tlp.value, request.type, request.spec_version, request.source, request.purpose)
    return _Asked(request, policy, names_of(request, policy), facts, request.value)


def _but_its_tear_line(request: Request, policy: Policy, tlp: Tlp, *refusal: Reason) -> Decision:
    """Refuse what its originator holds back; its tear-line may go where a rule says so and nothing of ours denies it."""
    if request.value is None or request.statement:
        return denied(*refusal)  # of a class, each object that may go is looked at by itself
    asked = _asked(request, policy, tlp)
    if _embargo(asked) is not None or _pap(asked) is not None:
        return denied(*refusal)
    found = _rules(asked)
    if found.denial is not None or TEAR_LINE not in found.transforms:
        return denied(*refusal)
    return instead_of(request, refusal)


_NOT_THIS_WAY: Final = Reason("result", "its tear-line alone may go, and on this way objects go as they are")


def _of_statement(asked: _Asked, may: Reason) -> Decision:
    """Decide about a statement of ours: a person, or `[feedback]`, says who is told; a denial holds for it too."""
    policy, compiled = asked.policy, asked.policy.compiled
    denials = compiled.to(asked.names) & compiled.denials & ~compiled.object_rules
    found = compiled.matching(denials, asked.facts, None)
    if found:
        rule = (policy.rules or ())[lowest(found)]
        return denied(may, Reason(rule.id, rule.why))
    for state, to in policy.feedback:
        if state == asked.request.statement and not policy.is_in(asked.names, to):
            return denied(may, Reason("feedback", f"others are told that we {FEEDBACK_WORDS[state]}"))
    return allowed(may)


FEEDBACK_WORDS: Final = {
    "received": "received it",
    "read": "read it",
    "assessed": "assessed it",
    "acted": "acted on it",
    "declined": "declined it",
}
"""States of a receipt, as the end of `we ...`."""


class _Asked(NamedTuple):
    request: Request
    policy: Policy
    names: set[str]
    facts: Facts
    value: JsonObject | None


_UNSURE: Final = Reason("object", "it depends on the object")


def _orcon(asked: _Asked) -> Reason | None:
    policy, value, request = asked.policy, asked.value, asked.request
    if not policy.orcon or request.source == OURSELVES or not policy.orcon_labels:
        return None
    if value is None:
        return _UNSURE
    labels = value.get("labels")
    if not isinstance(labels, list) or not any(
        isinstance(one, str) and one.casefold() in policy.orcon_labels for one in labels
    ):
        return None
    why = "its originator wants to be asked (ORCON), and gave no permit for this recipient"
    for permit in request.permits:
        if "*" in permit.to or not permit.to.isdisjoint(asked.names):
            if request.now < permit.until:
                return None
            why = f"its originator's permit ended at {format_time(permit.until)}"
    return Reason("orcon", why)


def _embargo(asked: _Asked) -> Reason | None:
    policy, request = asked.policy, asked.request
    if not policy.embargoes:
        return None
    compiled = policy.compiled_embargoes
    bits = compiled.matching((1 << compiled.size) - 1, asked.facts, asked.value)
    unsure = None
    for number in numbers(bits):
        one = policy.embargoes[number]
        if request.now >= one.until or policy.is_in(asked.names, one.except_for):
            continue
        if asked.value is None and compiled.object_rules >> number & 1:
            unsure = _UNSURE
            continue
        return Reason(f"embargo {one.id}", f"it is held back until {format_time(one.until)}")
    return unsure


def _pap(asked: _Asked) -> Reason | None:
    policy, value = asked.policy, asked.value
    if not policy.pap:
        return None
    if value is None:
        return _UNSURE
    pap = pap_of(value)
    for label, to in policy.pap:
        if label is pap and not policy.is_in(asked.names, to):
            return Reason("pap", f"{label.label} goes to others only")
    return None


def pap_refusal(pap: Pap | None, stage: str) -> str:
    """Return why PAP keeps an object from a control of ours; "": it does not.

    PAP words are those of the MISP taxonomy: RED allows passive work on stored logs only, AMBER passive checks that
    the adversary cannot notice, GREEN and CLEAR also active measures such as blocking. Without a PAP it is AMBER.

    Args:
        pap: what the object bears.
        stage: `detect`, `alert` or `block`.
    """
    if pap is Pap.RED:
        return "PAP:RED allows passive work on stored logs only, no control on the network"
    if stage != "block" or pap in {Pap.GREEN, Pap.CLEAR}:
        return ""
    if pap is None:
        return "its source gave no PAP, so it may be detected and not blocked"
    return "PAP:AMBER allows nothing that the adversary can notice, so no blocking"


class _Found(NamedTuple):
    denial: Reason | None
    unsure: bool
    transforms: tuple[Transform, ...]
    reasons: tuple[Reason, ...]


def _rules(asked: _Asked) -> _Found:
    """Ask the rules: a denial beats whatever allows, a transform beats an allowance, and silence is a denial."""
    policy, value = asked.policy, asked.value
    rules, compiled = policy.rules or (), policy.compiled
    bits = compiled.matching(compiled.to(asked.names), asked.facts, value)
    certain = bits if value is not None else bits & ~compiled.object_rules
    denials = certain & compiled.denials
    if denials:
        rule = rules[lowest(denials)]
        return _Found(Reason(rule.id, rule.why), False, (), ())
    allowing = bits & ~compiled.denials
    if not allowing:
        return _Found(Reason("default", "no rule of the policy allows it"), False, (), ())
    changing = allowing & compiled.transforms
    spoke = rules[lowest(changing or allowing)]
    found: dict[Transform, None] = {}
    for number in numbers(changing):
        found |= dict.fromkeys(rules[number].transforms)
    said = "the policy allows it" if not changing else "the policy allows it, changed"
    return _Found(None, certain != bits, tuple(found), (Reason(spoke.id, said),))


def _reach(request: Request, policy: Policy) -> tuple[Tlp, str]:
    """Return the strictest label that the recipient may be given: a policy can only narrow what TLP allows."""
    standing = request.standing
    if standing is not None:
        most = LIMITS[standing].most_tlp or Tlp.CLEAR
        if standing is Standing.VERIFIED and not policy.own_organisation.isdisjoint(_own_names(request)):
            return Tlp.AMBER_STRICT, "a verified party of our own organisation"
        return _laxest(policy.named_reader, Tlp.AMBER, most), f"a party that is {standing.value}"
    if request.recipient is None:
        return _laxest(policy.anybody, Tlp.CLEAR), "anybody who asks"
    if request.is_named_reader:
        return _laxest(policy.named_reader, Tlp.AMBER), "a party with the right to read this collection"
    return _laxest(policy.any_party, Tlp.GREEN), "a party that we know"


def _own_names(request: Request) -> frozenset[str]:
    return request.names if request.recipient is None else request.names | {request.recipient.casefold()}


def _laxest(*tlps: Tlp) -> Tlp:
    found = tlps[0]
    for tlp in tlps:
        if tlp is not found and tlp.strictness < found.strictness:
            found = tlp
    return found
