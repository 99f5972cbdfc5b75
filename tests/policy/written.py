"""A policy as the file that says it."""

from __future__ import annotations

import json

from backchannel.clock import format_time
from backchannel.policy.conditions import FIELDS, When
from backchannel.policy.rules import Policy


def written(policy: Policy) -> str:
    """Return `policy.toml` for a policy that has rules; what it leaves as it is by itself is left out."""
    lines = ["version = 1", 'default = "deny"', f'references = "{policy.references}"']
    lines.append(f"k_anonymity = {policy.k_anonymity}")
    lines += ["[groups]", *(f"{group.name} = {json.dumps(group.members)}" for group in policy.groups)]
    for rule in policy.rules or ():
        lines += ["[[rule]]", f'id = "{rule.id}"', _when(rule.when)]
        lines += [f"to = {json.dumps(rule.to)}"] if rule.to else []
        if rule.effect == "allow":
            lines.append("allow = true")
        elif rule.effect == "deny":
            lines.append(f"deny = {json.dumps(rule.why)}")
        else:
            lines.append(f"transform = {json.dumps([str(one) for one in rule.transforms])}")
    for embargo in policy.embargoes:
        lines += [
            "[[embargo]]",
            f'id = "{embargo.id}"',
            _when(embargo.when),
            f"until = {format_time(embargo.until)}",
        ]
        lines += [f"except = {json.dumps(embargo.except_for)}"] if embargo.except_for else []
    if policy.approval:
        lines += ["[approval]", f"two_persons = {json.dumps([tlp.value for tlp in policy.approval])}"]
    return "\n".join(line for line in lines if line) + "\n"


def _when(when: When) -> str:
    said = [f"{field} = {json.dumps(getattr(when, field))}" for field in FIELDS if getattr(when, field)]
    return f"when = {{ {', '.join(said)} }}" if said else ""
