"""What a pattern says, as values: the tree that `parse` makes and that compilers and `atoms` read.

Chains of one operator are one node with all operands, so the depth of the tree is the number of nested
parentheses and never the length of the pattern. STIX 2.1 §9; STIX 2.0 part 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Literal

import msgspec

from backchannel.stix.visible import visible


class AnyIndex(Enum):
    """The step `[*]` of an object path: any member of the list."""

    ANY = "*"


Step = str | int | AnyIndex
"""One step of an object path: a key, the index of a list, or any index."""


class Path(msgspec.Struct, frozen=True):
    """An object path: `file:hashes.'SHA-256'` (STIX 2.1 §9.7)."""

    object_type: str
    steps: tuple[Step, ...]
    """Never empty; the first is always a key."""

    def __str__(self) -> str:
        """Write the path as patterns do, harmless to show."""
        return f"{self.object_type}:{''.join(_steps(self.steps))}"


_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def _steps(steps: tuple[Step, ...]) -> Iterator[str]:
    for number, step in enumerate(steps):
        if isinstance(step, AnyIndex):
            yield "[*]"
        elif isinstance(step, int):
            yield f"[{step}]"
        else:
            shown = step if _BARE_KEY.match(step) else f"'{visible(step, max_chars=60)}'"
            yield f".{shown}" if number else shown


class Timestamp(msgspec.Struct, frozen=True):
    """A timestamp literal: `t'2026-11-25T10:00:00Z'`."""

    text: str
    """Between the quotes, letter for letter."""


class Binary(msgspec.Struct, frozen=True):
    """A binary literal, written `b'...'` (base64) or `h'...'` (hexadecimal)."""

    data: bytes


Constant = str | bool | int | float | Timestamp | Binary

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"]


class Comparison(msgspec.Struct, frozen=True):
    """One comparison of a property with a constant (STIX 2.1 §9.6)."""

    path: Path
    operator: Operator
    value: Constant | tuple[Constant, ...]
    """A tuple for `IN` (it may be empty), else one constant."""
    is_negated: bool = False


class Exists(msgspec.Struct, frozen=True):
    """`EXISTS path` (STIX 2.1 §9.6.1)."""

    path: Path
    is_negated: bool = False


class Joined(msgspec.Struct, frozen=True):
    """Comparisons joined by one operator, about one and the same object."""

    operator: Literal["AND", "OR"]
    operands: tuple[Expression, ...]
    """Two or more."""


Expression = Comparison | Exists | Joined


class Observation(msgspec.Struct, frozen=True):
    """`[...]`: one observation that must be made."""

    expression: Expression


class Observations(msgspec.Struct, frozen=True):
    """Observations joined by one operator (STIX 2.1 §9.5)."""

    operator: Literal["AND", "OR", "FOLLOWEDBY"]
    operands: tuple[Observed, ...]
    """Two or more, evaluated from the left."""


class Within(msgspec.Struct, frozen=True):
    """`WITHIN x SECONDS`."""

    seconds: float


class Repeats(msgspec.Struct, frozen=True):
    """`REPEATS x TIMES`."""

    times: int


class StartStop(msgspec.Struct, frozen=True):
    """`START a STOP b`: from `a` on, before `b`."""

    start: Timestamp
    stop: Timestamp


Qualifier = Within | Repeats | StartStop


class Qualified(msgspec.Struct, frozen=True):
    """An observation with its qualifiers, in the order written (each applies to all before it)."""

    observed: Observed
    qualifiers: tuple[Qualifier, ...]


Observed = Observation | Observations | Qualified


class Pattern(msgspec.Struct, frozen=True):
    """A whole pattern."""

    text: str
    root: Observed


def observations_in(observed: Observed) -> Iterator[Observation]:
    """Yield every `[...]` of a pattern, from the left."""
    if isinstance(observed, Observation):
        yield observed
    elif isinstance(observed, Qualified):
        yield from observations_in(observed.observed)
    else:
        for operand in observed.operands:
            yield from observations_in(operand)


def comparisons_in(expression: Expression) -> Iterator[Comparison | Exists]:
    """Yield every comparison of an expression, from the left."""
    if isinstance(expression, Joined):
        for operand in expression.operands:
            yield from comparisons_in(operand)
    else:
        yield expression
