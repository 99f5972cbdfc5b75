"""What goes: the object, or what is made of it; looked at again, for what it names and for what is ours."""

from __future__ import annotations

from backchannel.codec import JsonObject
from backchannel.policy.conditions import OURSELVES
from backchannel.policy.redact import as_new, redact
from backchannel.policy.references import named_in, renamed, without
from backchannel.policy.request import Decision, Reason, Request, allowed, denied
from backchannel.policy.rules import Policy
from backchannel.policy.transforms import AGGREGATE, Transform, UnfitError


def result_of(
    request: Request,
    policy: Policy,
    value: JsonObject,
    transforms: tuple[Transform, ...],
    reasons: tuple[Reason, ...],
) -> Decision:
    """Change what has to be changed, and look at the result again: it may not be wider, nor tell what it may not."""
    if policy.k_anonymity and _counts_others(value, request):
        if _seers(value) < policy.k_anonymity:
            why = f"fewer than {policy.k_anonymity} organisations saw it"
            return denied(*reasons, Reason("k-anonymity", why))
        transforms = tuple(dict.fromkeys((*transforms, AGGREGATE)))
    made = value
    try:
        if transforms:
            if request.hand is None:
                raise UnfitError("it may only go changed, and on this way objects go as they are")
            made = redact(value, transforms, request.hand, policy.version)
        if policy.references != "let" and (request.withheld or request.renamed):
            made = _led(value, made, request, policy)
    except UnfitError as error:
        return denied(*reasons, Reason("result", str(error)))
    if policy.leaks is not None and request.scan is not None and str(value.get("id")) not in policy.leaks.let:
        leaks = request.scan.leaks(made)
        if leaks:
            named = ", ".join(f"{one.kind} {one.what}" for one in leaks[:3])
            return Decision(False, (*reasons, Reason("leak", f"it holds what is ours: {named}")), leaks=leaks)
    if made is value:
        return allowed(*reasons)
    return Decision(True, reasons, transforms=transforms, value=made)


def _led(value: JsonObject, made: JsonObject, request: Request, policy: Policy) -> JsonObject:
    """See that the result names nothing that the recipient may not have, and leads to what goes instead of others.

    Raises:
        UnfitError: it does, and cannot go without.
    """
    named = named_in(made)
    gone, moved = named & request.withheld, named & request.renamed.keys()
    if not gone and not moved:
        return made
    if gone and policy.references == "withhold":
        raise UnfitError("it names an object that the recipient may not have")
    if request.hand is None:
        raise UnfitError("it names an object that goes changed only, and on this way objects go as they are")
    left = renamed(without(made, gone), request.renamed)
    return as_new(value, left, request.hand, policy.version)


def _counts_others(value: JsonObject, request: Request) -> bool:
    """Whether it counts what others saw: few of them can be found out one by one. What we saw is ours to tell."""
    is_own = request.source == OURSELVES and "where_sighted_refs" not in value
    return value.get("type") == "sighting" and not is_own


def _seers(value: JsonObject) -> int:
    """Return how many organisations a sighting is of; of one that names none it is whoever tells it."""
    seers = value.get("where_sighted_refs", [""])
    return len(set(map(str, seers))) if isinstance(seers, list) else 0
