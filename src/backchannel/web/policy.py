"""The pages of what may leave: the policy in words with its own tests, and a plan with what it changes."""

from __future__ import annotations

from starlette.responses import Response

from backchannel.desk.approving import approved_by, noted_plans, planned
from backchannel.desk.policy_checking import check_policy
from backchannel.web.visit import Visit


def policy(visit: Visit) -> Response:
    """`/policy` and its twin."""
    found = check_policy(visit.node, None)
    return visit.answer(found, "policy", section="drops", policy=found, plans=noted_plans(visit.node))


def plan(visit: Visit) -> Response:
    """`/plans/HASH` and its twin: a plan that was noted, formed anew."""
    found = planned(visit.node, visit.clock, visit.parts["digest"])
    shown = found.document(approved_by(visit.node, found))
    return visit.answer(shown, "plan", section="drops", plan=shown)
