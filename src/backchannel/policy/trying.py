"""Run the test cases of a policy file against the policy beside them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from backchannel.codec import JsonObject
from backchannel.ids import PartyId
from backchannel.parties.states import Standing
from backchannel.policy.cases import Case, CaseResult, whole
from backchannel.policy.conditions import OURSELVES
from backchannel.policy.decide import Decision, Request, decide
from backchannel.policy.leaks import Scan
from backchannel.policy.request import TearLine
from backchannel.policy.rules import ANYBODY, RESERVED, Policy
from backchannel.policy.transforms import Hand
from backchannel.stix.markings import tlp_of

_HAND = Hand(bytes(32), "test", "identity--00000000-0000-4000-8000-000000000001")
_SOMEBODY = PartyId("identity--00000000-0000-4000-8000-000000000002")


def try_cases(policy: Policy, cases: Iterable[Case], scan: Scan | None = None) -> tuple[CaseResult, ...]:
    """Return what becomes of each case."""
    return tuple(_tried(policy, case, scan) for case in cases)


def _tried(policy: Policy, case: Case, scan: Scan | None) -> CaseResult:
    decision = _decided(policy, case, _request(policy, case, scan))
    found = outcome_of(decision)
    last = decision.reasons[-1]
    passed = found == case.expect and (
        not case.rule or any(one.rule == case.rule for one in decision.reasons)
    )
    return CaseResult(
        name=case.name, expected=case.expect, found=found, rule=last.rule, why=last.text, passed=passed
    )


def outcome_of(decision: Decision) -> str:
    """Return what becomes of an object, in the words of plans and cases."""
    if not decision.allowed:
        return "tear-line" if decision.instead else "withheld"
    return "redacted" if decision.value is not None else "goes"


def _decided(policy: Policy, case: Case, request: Request) -> Decision:
    """Decide about the object of a case; where its tear-line alone may go, about that before."""
    found = decide(request, policy)
    if not found.wants_tear_line:
        return found
    tear_lines = () if case.tear_line is None else (_tear_line(policy, whole(case.tear_line), request),)
    return decide(replace(request, tear_lines=tear_lines), policy)


def _tear_line(policy: Policy, value: JsonObject, request: Request) -> TearLine:
    tlp = tlp_of(value, default=None)
    asked = replace(
        request,
        tlp=tlp,
        type=str(value["type"]),
        value=value,
        derived_from=(),
        is_tear_line=True,
        hand=None,
    )
    decision = decide(asked, policy)
    return TearLine(str(value["id"]), "", tlp, None if decision.allowed else decision.reasons[-1])


def _request(policy: Policy, case: Case, scan: Scan | None) -> Request:
    value = whole(case.object)
    name = _recipient(policy, case.to)
    return Request(
        tlp=case.tlp or tlp_of(value, default=None),
        recipient=_SOMEBODY if name else None,
        names=frozenset({name.casefold()}) if name else frozenset(),
        collection_allows=True,
        standing=case.standing if name and case.purpose in {"drop", "receipt"} else None,
        is_named_reader=bool(name) and case.standing is Standing.VERIFIED,
        purpose=case.purpose,
        now=case.at,
        type=str(value["type"]),
        source=case.source.casefold() if case.source else OURSELVES,
        value=value,
        derived_from=case.derived_from,
        scan=scan,
        hand=_HAND,
    )


def _recipient(policy: Policy, to: str) -> str:
    """Return the party that a case is about; of a group its first member; "": anybody."""
    if to in {"", ANYBODY}:
        return ""
    if to in RESERVED:
        return "somebody"
    members = next((group.members for group in policy.groups if group.name == to), (to,))
    return members[0] if members else "nobody"
