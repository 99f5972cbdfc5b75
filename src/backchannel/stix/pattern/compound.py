"""What of a pattern is more than single values: the compound rest, and the anchors by which a hunt finds it.

An *anchor* is a single value (`atoms.Atom`) of which one at least stands in every record that can satisfy a
`[...]`. So a hunt looks up anchors as it looks up any value, and judges the whole only where one was met.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from backchannel.stix.pattern.ast import (
    Comparison,
    Exists,
    Expression,
    Joined,
    Observation,
    Observations,
    Observed,
    observations_in,
)
from backchannel.stix.pattern.atoms import SEARCHABLE, Atom, searchable, searched_in
from backchannel.stix.pattern.parse import parse

MIN_TEXT_CHARS: Final = 3
"""Shortest text between wildcards by which a LIKE is looked for."""
_OF_TEXT: Final = frozenset({"domain", "url"})
MAX_ANCHORS: Final = 1_000
"""Anchors of one pattern; one with more is not searched as a whole."""


@dataclass(frozen=True, slots=True)
class Split:
    """A pattern taken apart: any one of its parts is a match by itself."""

    plain: tuple[Expression, ...]
    """Searched as single values, each a hit, or never to be met."""
    compound: tuple[Observed, ...]
    """To be judged as a whole, where an anchor of theirs is met."""
    anchors: tuple[Atom, ...]
    """Of all of `compound`, each once, in the order of the pattern."""
    lost: tuple[Observed, ...]
    """Parts without an anchor: nothing of them can be looked up."""


def split(text: str, *, stix_version: str = "2.1") -> Split:
    """Take a pattern apart.

    Raises:
        PatternError: `text` is no pattern.
    """
    plain: list[Expression] = []
    compound, lost = [], []
    anchors: dict[Atom, None] = {}
    for part in _rest(parse(text, stix_version=stix_version).root, plain):
        found = [_anchors(one.expression) for one in observations_in(part)]
        known = [atoms for atoms in found if atoms is not None]
        if len(known) < len(found) or len(anchors) + sum(map(len, known)) > MAX_ANCHORS:
            lost.append(part)
            continue
        compound.append(part)
        anchors.update(dict.fromkeys(atom for atoms in known for atom in atoms))
    return Split(tuple(plain), tuple(compound), tuple(anchors), tuple(lost))


def _rest(observed: Observed, plain: list[Expression]) -> Iterator[Observed]:
    """Yield what is left of a pattern without its single values, which are put into `plain`."""
    if isinstance(observed, Observation):
        for expression in _either(observed.expression):
            if _is_plain(expression):
                plain.append(expression)
            else:
                yield Observation(expression)
    elif isinstance(observed, Observations) and observed.operator == "OR":
        for operand in observed.operands:
            yield from _rest(operand, plain)
    else:
        yield observed


def _either(expression: Expression) -> tuple[Expression, ...]:
    if isinstance(expression, Joined) and expression.operator == "OR":
        return expression.operands
    return (expression,)


def _is_plain(expression: Expression) -> bool:
    """Whether it is searched as single values, or can never match: the words for what cannot say so."""
    return all(isinstance(one, Atom) or one.endswith(_NEVER) for one in searched_in(expression))


_NEVER: Final = "can never match"


def _anchors(expression: Expression) -> tuple[Atom, ...] | None:
    """Return the values of which one stands in every record that satisfies `expression`, None where none must."""
    if isinstance(expression, Exists):
        return None
    if isinstance(expression, Comparison):
        found = tuple(searched_in(expression))
        if not all(isinstance(one, Atom) or one.endswith(_NEVER) for one in found):
            return _like_anchor(expression)
        return tuple(one for one in found if isinstance(one, Atom))
    parts = [_anchors(operand) for operand in expression.operands]
    if expression.operator == "OR":
        known = [part for part in parts if part is not None]
        return tuple(atom for part in known for atom in part) if len(known) == len(parts) else None
    return min((part for part in parts if part is not None), key=_weakness, default=None)


def _like_anchor(asked: Comparison) -> tuple[Atom, ...] | None:
    """Return a LIKE with wildcards inside as an anchor, if it has a text that few values hold."""
    path = searchable(asked.path)
    if asked.operator != "LIKE" or asked.is_negated or path is None or not isinstance(asked.value, str):
        return None
    if SEARCHABLE[path][0] not in _OF_TEXT or len(longest_text(asked.value)) < MIN_TEXT_CHARS:
        return None
    return (Atom(path, "LIKE", asked.value),)


def longest_text(like: str) -> str:
    """Return the longest text that stands in every value that is like `like`, however scheme and port are written."""
    return max(_BETWEEN.split(like), key=len)


_BETWEEN = re.compile(r"https?://|[%_/:]", re.IGNORECASE)


def _weakness(atoms: tuple[Atom, ...]) -> tuple[int, int]:
    """Rank anchors: what identifies best and is looked up fastest first."""
    return max((_rank(atom) for atom in atoms), default=0), len(atoms)


def _rank(atom: Atom) -> int:
    if atom.operator == "LIKE":
        return 5
    if atom.operator == "ISSUBSET":
        return 4
    kinds = SEARCHABLE[atom.path]
    return min(_RANKS.get(kind, 3) for kind in kinds)


_RANKS: Final = {"hash": 0, "url": 1, "email": 1, "domain": 2, "address": 2}
