"""The values in a pattern in their normal spelling, as `logs.observing` spells those of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from backchannel.matching.index import with_schemes
from backchannel.observables.kinds import Kind, Network
from backchannel.observables.normalise import normalise, normalise_network
from backchannel.stix.pattern.ast import (
    Comparison,
    Constant,
    Exists,
    Expression,
    Joined,
    Observation,
    Observations,
    Observed,
    Path,
    Qualified,
)
from backchannel.stix.pattern.atoms import SEARCHABLE, equality, searchable
from backchannel.stix.pattern.hashes import algorithm

_WITHOUT_CASE: Final = frozenset({"domain", "hash", "email"})
"""Kinds whose normal spelling is in lower case."""


def normal(observed: Observed) -> Observed:
    """Return the same pattern, with its values in normal spelling where they are of a kind that has one."""
    if isinstance(observed, Observation):
        return Observation(_expression(observed.expression))
    if isinstance(observed, Qualified):
        return Qualified(normal(observed.observed), observed.qualifiers)
    return Observations(observed.operator, tuple(normal(one) for one in observed.operands))


def _expression(expression: Expression) -> Expression:
    if isinstance(expression, Joined):
        return Joined(expression.operator, tuple(_expression(one) for one in expression.operands))
    return expression if isinstance(expression, Exists) else _comparison(expression)


def _comparison(asked: Comparison) -> Expression:
    shown = searchable(asked.path)
    # What else is compared as a text stands in a record's objects as its log writes it (`logs.observing`).
    if shown is None or not _SPELLED.issuperset(SEARCHABLE[shown][:1]):
        return asked
    path, kinds = _path(asked.path), SEARCHABLE[shown]
    value, is_negated = asked.value, asked.is_negated
    if asked.operator in {"=", "!=", "IN"}:
        values = value if isinstance(value, tuple) else (value,)
        return _equal(path, shown, values, is_negated=is_negated is not (asked.operator == "!="))
    if not _WITHOUT_CASE.isdisjoint(kinds) and isinstance(value, str):
        if asked.operator == "LIKE":
            value = value.lower()
        elif asked.operator == "MATCHES":
            value = f"(?i){value}"
    return Comparison(path, asked.operator, value, is_negated)


_SPELLED: Final = frozenset({"address", "domain", "url", "hash", "email", "mac"})
"""Kinds that a record's objects have in their normal spelling."""


def _path(path: Path) -> Path:
    if path.steps[0] == "hashes":
        return Path(path.object_type, ("hashes", algorithm(str(path.steps[1])) or str(path.steps[1])))
    return path


def _equal(path: Path, shown: str, values: Iterable[Constant], *, is_negated: bool) -> Expression:
    """Return an equality with any of `values`; a block of addresses stands for all that lie in it."""
    spelled: list[Constant] = []
    blocks: list[str] = []
    for value in values:
        for one in _spellings(shown, value) if isinstance(value, str) else [value]:
            if isinstance(one, Network):
                blocks.append(one.text)
            else:
                spelled.append(one)
    parts: list[Expression] = [Comparison(path, "ISSUBSET", text, is_negated) for text in blocks]
    if spelled or not parts:
        parts.insert(0, Comparison(path, "IN", tuple(spelled), is_negated))
    return parts[0] if len(parts) == 1 else Joined("AND" if is_negated else "OR", tuple(parts))


def _spellings(shown: str, value: str) -> Iterator[str | Network]:
    """Yield the spellings that a record may have for a value; as it stands where it is nothing of its kind."""
    if equality(shown, value).operator == "ISSUBSET":
        try:
            yield normalise_network(value)
        except ValueError:
            yield value
        return
    for name in SEARCHABLE[shown]:
        try:
            found = normalise(Kind[name.upper()], value)
        except ValueError:
            continue
        yield from with_schemes(found.value) if found.kind is Kind.URL else (found.value,)
        return
    yield value
