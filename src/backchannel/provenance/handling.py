"""Whether what a relay says it did to an object is what happened to it."""

from __future__ import annotations

from backchannel.codec import JsonObject, JsonValue
from backchannel.provenance.predicates import Relay


def handling_fault(
    relay: Relay, prev: str, before: JsonObject | None, after: JsonObject | None, is_same: bool
) -> str:
    """Return what contradicts a relay's `handling`, or an empty text.

    Args:
        relay: what it says.
        prev: the statement before, `sha256:...`.
        before: the object as the relay received it, where we hold it.
        after: the object as the relay passed it on, where we hold it.
        is_same: whether both have the same digest.
    """
    if relay.handling == "verbatim":
        return "" if is_same else "it says verbatim, and the object was changed"
    if relay.handling in {"reworded", "merged"}:
        return "" if prev in relay.inputs else f"a {relay.handling} object does not name what it was made of"
    if is_same:
        return f"it says {relay.handling}, and nothing was changed"
    if before is None or after is None or relay.handling == "translated":
        return ""
    if relay.handling == "redacted":
        return "" if without(before, relay.removed) == after else "other fields were changed than it says"
    is_part = all(name in before and before[name] == value for name, value in after.items())
    return "" if is_part else "it says excerpt, and the object holds what was not in it"


def without(value: JsonObject, pointers: list[str]) -> JsonObject | None:
    """Return an object without what the JSON pointers (RFC 6901) lead to; None where one leads nowhere.

    All pointers are read in the object as it was: to remove two items of a list does not move the third.
    """
    paths = {_steps(pointer) for pointer in pointers}
    met: set[_Path] = set()

    def rest_of(inner: JsonValue, at: _Path) -> JsonValue:
        if isinstance(inner, dict):
            return {name: rest_of(one, (*at, name)) for name, one in inner.items() if is_kept((*at, name))}
        if isinstance(inner, list):
            numbered = [((*at, str(index)), one) for index, one in enumerate(inner)]
            return [rest_of(one, path) for path, one in numbered if is_kept(path)]
        return inner

    def is_kept(path: _Path) -> bool:
        if path not in paths:
            return True
        met.add(path)
        return False

    rest = {name: rest_of(one, (name,)) for name, one in value.items() if is_kept((name,))}
    return rest if met == paths else None


_Path = tuple[str, ...]


def _steps(pointer: str) -> _Path:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
