"""What its originator cleared to be handed on where an object of its own may not go: a tear-line goes instead of the object.

The marking of an object, and its wish to be asked (ORCON), are its originator's own word. So the originator's tear-line
goes where these hold the object back; what the operator denies, holds back under embargo, or by PAP, stays whatever its
originator cleared. A tear-line is decided about as any object is, and goes letter for letter.
"""

from __future__ import annotations

from typing import Final

from backchannel.policy.conditions import OURSELVES
from backchannel.policy.request import Decision, Reason, Request, TearLine

RULE: Final = "tear-line"
NONE_HERE: Final = (
    "no object is here that its originator cleared to go instead (a tear-line); "
    "ask its originator for one, with the `derived-from` relationship that leads from it to this"
)
NONE_OURS: Final = (
    "we cleared no object to go instead (a tear-line); "
    "make one, with the `derived-from` relationship that leads from it to this"
)


def instead_of(request: Request, reasons: tuple[Reason, ...], refusal: Reason | None = None) -> Decision:
    """Return that an object stays, and what goes instead: of the tear-lines that may go the newest, then by its id.

    Args:
        request: the question about the object.
        reasons: what spoke before, the last of them why it stays, where that is another rule than this.
        refusal: why it stays where nobody looked for its tear-lines, if not for those.
    """
    if request.tear_lines is None:
        last = () if refusal is None else (refusal,)
        return Decision(False, (*reasons, *last), wants_tear_line=True)
    may_go = [one for one in request.tear_lines if one.refused is None]
    if may_go:
        newest = max(may_go, key=_age)
        text = f"it stays, and {newest.id} goes, {newest.tlp.label}, which its originator cleared instead"
        return Decision(False, (*reasons, Reason(RULE, text)), wants_tear_line=True, instead=newest.id)
    why = request.no_tear_line or (NONE_OURS if request.source == OURSELVES else NONE_HERE)
    if request.tear_lines:
        newest = max(request.tear_lines, key=_age)
        said = "" if newest.refused is None else newest.refused.text
        why = f"{newest.id}, which its originator cleared instead, may not go either: {said}"
    return Decision(False, (*reasons, Reason(RULE, why)), wants_tear_line=True)


def _age(one: TearLine) -> tuple[str, str]:
    return one.version_key, one.id
