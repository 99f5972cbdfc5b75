"""A release plan as text: what stays first, and why; what goes changed, before and after; what the reader could learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backchannel.cli.layout import counted, facts, heading, joined, table
from backchannel.cli.wording import who

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backchannel.desk.drop_documents import PlannedObject, ReleasePlan

MAX_OBJECTS_SHOWN: Final = 200
"""Objects of a plan that are shown, those that stay first; `--json` has all."""
MAX_CHANGED_SHOWN: Final = 20
"""Redacted objects whose changes are shown, and objects that go as their tear-lines."""
MAX_LEARNED_SHOWN: Final = 20
_ORDER: Final = {"withheld": 0, "tear-line": 1, "redacted": 2, "goes": 3}


def plan_text(found: ReleasePlan) -> str:
    """Return a plan as text: what stays first, and why."""
    head = heading(
        joined(
            f"To {who(found.to)} ({found.standing})",
            f"{counted(found.goes, 'object')} {'goes' if found.goes == 1 else 'go'}",
            f"{found.redacted:,} of them redacted" if found.redacted else "",
            f"{found.tear_lines:,} as {'its tear-line' if found.tear_lines == 1 else 'their tear-lines'}"
            if found.tear_lines
            else "",
            f"{found.withheld:,} withheld" if found.withheld else "",
            f"{counted(found.statements, 'statement')} along" if found.statements else "",
            "deniable" if found.deniable else "",
        )
    )
    ordered = sorted(found.objects, key=lambda one: _ORDER[one.outcome])
    rows = [
        (one.outcome, one.id, joined(one.tlp, one.pap or ""), one.rule) for one in ordered[:MAX_OBJECTS_SHOWN]
    ]
    parts = [head]
    if rows:
        parts.append(table(("", "object", "marked", "rule"), rows, keep=("", "object")))
    if len(ordered) > len(rows):
        parts.append(f"and {len(ordered) - len(rows):,} more: --json names them")
    parts += [part for one in ordered if one.outcome == "redacted" for part in _changed(one)][
        : 2 * MAX_CHANGED_SHOWN
    ]
    parts += _torn([one for one in ordered if one.outcome == "tear-line"])
    learns = list(dict.fromkeys(text for one in ordered for text in one.learns))
    if learns:
        parts.append(heading(f"What {who(found.to)} could learn"))
        parts.append(facts([("", text) for text in learns[:MAX_LEARNED_SHOWN]], indent=2))
        if len(learns) > MAX_LEARNED_SHOWN:
            parts.append(f"  and {len(learns) - MAX_LEARNED_SHOWN:,} more: --json names them")
    why = dict.fromkeys((one.rule, one.why) for one in ordered)
    parts.append(facts([*why, ("approval", _approval(found)), ("plan", found.plan_sha256)]))
    return "\n".join(parts)


def _changed(one: PlannedObject) -> tuple[str, str]:
    """Return what is changed in one object."""
    lines = [
        (f"/{change.property}", f"{change.before or '(none)'} -> {change.after or '(none)'}")
        for change in one.changes
    ]
    return heading(f"{one.id} goes as {one.as_id}"), facts(lines, indent=2)


def _torn(found: Sequence[PlannedObject]) -> list[str]:
    """Return what goes instead of objects, letter for letter."""
    if not found:
        return []
    rows = [(one.id, f"goes as its tear-line {one.as_id}") for one in found[:MAX_CHANGED_SHOWN]]
    parts = [heading("What its originator cleared instead"), facts(rows, indent=2)]
    if len(found) > len(rows):
        parts.append(f"  and {len(found) - len(rows):,} more: --json names them")
    return parts


def _approval(found: ReleasePlan) -> str:
    if not found.needs_approval:
        return ""
    if found.approved_by:
        return f"by {', '.join(map(who, found.approved_by))}"
    return "a second person has to approve it"
