"""One comparison of a pattern, as a question to one value: yes, no, or not to be said (STIX 2.1 §9.6).

Types that cannot be compared are unequal, and neither before nor after each other; NOT turns the answer
round. What cannot be said stays so under NOT.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from unicodedata import normalize

from backchannel.stix.pattern.ast import Binary, Comparison, Constant, Timestamp
from backchannel.stix.pattern.observed import stix_time
from backchannel.stix.pattern.regex import (
    MAX_SUBJECT_CHARS,
    RegexError,
    bytes_search,
    like_match,
    text_search,
)
from backchannel.stix.visible import visible

Answer = bool | None
"""None: it cannot be said."""
_Ready = str | bool | int | float | datetime | bytes
"""A constant of a pattern in the type in which values are compared with it."""
_Block = ipaddress.IPv4Network | ipaddress.IPv6Network


class UnmatchableError(ValueError):
    """A pattern of the right grammar that cannot be matched with anything; the sentence says which part."""


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison, ready to be asked."""

    asks: Callable[[object], Answer]
    problem: str = ""
    """Why it cannot be answered of any value; "" if it can."""


def test_of(comparison: Comparison) -> Test:
    """Make a comparison ready; one that cannot be answered says so, and answers None to every value."""
    try:
        asks = _asked(comparison)
    except UnmatchableError as error:
        return Test(lambda _: None, str(error))
    if comparison.is_negated and comparison.operator not in _ORDERS:
        return Test(lambda value: _not(asks(value)))
    return Test(asks)


def _not(answer: Answer) -> Answer:
    return None if answer is None else not answer


def _asked(comparison: Comparison) -> Callable[[object], Answer]:
    operator, value = comparison.operator, comparison.value
    if isinstance(value, tuple):
        return _member(comparison, [_ready(one) for one in value])
    if operator == "=":
        return _equal(_ready(value))
    if operator == "!=":
        equal = _equal(_ready(value))
        return lambda seen: _not(equal(seen))
    if operator in _ORDERS:
        return _ordered(_ORDERS[operator], _ready(value), is_negated=comparison.is_negated)
    text = str(value)  # the grammar lets nothing but a string follow the others
    if operator == "LIKE":
        return _like(text)
    if operator == "MATCHES":
        return _matches(text)
    return _subset(text) if operator == "ISSUBSET" else _superset(text)


def _ready(constant: Constant) -> _Ready:
    if isinstance(constant, Binary):
        return constant.data
    if isinstance(constant, Timestamp):
        return time_of(constant)
    return constant


def time_of(constant: Timestamp) -> datetime:
    """Return the time of a timestamp in a pattern.

    Raises:
        UnmatchableError: there is no such day.
    """
    try:
        return stix_time(constant.text)
    except ValueError:
        raise UnmatchableError(f"there is no time {visible(constant.text, max_chars=40)}") from None


def _equal(constant: _Ready) -> Callable[[object], Answer]:
    if isinstance(constant, bool):
        return lambda seen: isinstance(seen, bool) and seen is constant
    if isinstance(constant, (int, float)):
        return lambda seen: isinstance(seen, (int, float)) and not isinstance(seen, bool) and seen == constant
    if isinstance(constant, datetime):
        return lambda seen: _on_time(seen, lambda at: at == constant)
    other = _bytes_of(constant) if isinstance(constant, str) else None

    def equal(seen: object) -> bool:
        if isinstance(constant, bytes) and isinstance(seen, str):
            return _bytes_of(seen) == constant
        return seen == constant or (other is not None and isinstance(seen, bytes) and seen == other)

    return equal


def _bytes_of(text: str) -> bytes | None:
    """Return a text as bytes; one with a character beyond 255 is comparable with none (STIX 2.1 §9.6.1)."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None


def _on_time(seen: object, asks: Callable[[datetime], bool]) -> Answer:
    if not isinstance(seen, str):
        return False
    try:
        return asks(stix_time(seen))
    except ValueError:
        return None


def _member(comparison: Comparison, members: list[_Ready]) -> Callable[[object], Answer]:
    kinds = {_kind(one) for one in members}
    if len(kinds) > 1:
        raise UnmatchableError(
            f"the set after {comparison.path} IN mixes types: {' and '.join(sorted(kinds))}"
        )
    if kinds == {"string"}:
        texts = frozenset(one for one in members if isinstance(one, str))
        raw = frozenset(_bytes_of(text) for text in texts)
        return lambda seen: (
            seen in texts if isinstance(seen, str) else isinstance(seen, bytes) and seen in raw
        )
    tests = [_equal(one) for one in members]

    def is_member(seen: object) -> Answer:
        answers = [asks(seen) for asks in tests]
        return True if True in answers else (None if None in answers else False)

    return is_member


def _kind(constant: _Ready) -> str:
    if isinstance(constant, bool):
        return "true or false"
    if isinstance(constant, (int, float)):
        return "number"
    return _KIND_NAMES[type(constant)]


_KIND_NAMES: Final[dict[type, str]] = {str: "string", bytes: "binary", datetime: "timestamp"}

_ORDERS: Final[dict[str, Callable[[int], bool]]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def _ordered(
    holds: Callable[[int], bool], constant: _Ready, *, is_negated: bool
) -> Callable[[object], Answer]:
    def asks(seen: object) -> Answer:
        if isinstance(constant, datetime):
            return _on_time(seen, lambda at: holds((at > constant) - (at < constant)) is not is_negated)
        if isinstance(constant, (int, float)):
            if isinstance(seen, bool) or not isinstance(seen, (int, float)):
                return False
            return holds((seen > constant) - (seen < constant)) is not is_negated
        if isinstance(constant, str) and isinstance(seen, str):
            return holds((seen > constant) - (seen < constant)) is not is_negated
        if not isinstance(seen, (str, bytes)):
            return False
        ours = constant if isinstance(constant, bytes) else _bytes_of(constant)
        theirs = seen if isinstance(seen, bytes) else _bytes_of(seen)
        if ours is None or theirs is None:
            return is_negated
        return holds((theirs > ours) - (theirs < ours)) is not is_negated

    return asks


def _like(text: str) -> Callable[[object], Answer]:
    try:
        matches = like_match(normalize("NFC", text))
    except RegexError:
        raise UnmatchableError("the text after LIKE is too long to be matched") from None
    takes_bytes = _bytes_of(text) is not None

    def asks(seen: object) -> Answer:
        text = _text_of(seen) if isinstance(seen, bytes) and takes_bytes else seen
        if not isinstance(text, str):
            return False
        return matches(normalize("NFC", text)) if len(text) <= MAX_SUBJECT_CHARS else None

    return asks


def _text_of(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _matches(text: str) -> Callable[[object], Answer]:
    pattern = normalize("NFC", text)
    try:
        in_text, in_bytes = text_search(pattern), bytes_search(pattern)
    except RegexError as error:
        raise UnmatchableError(
            f"MATCHES {visible(repr(text), max_chars=60)} cannot be matched: {error}"
        ) from None

    def asks(seen: object) -> Answer:
        if isinstance(seen, (str, bytes)) and len(seen) > MAX_SUBJECT_CHARS:
            return None
        if isinstance(seen, str):
            return in_text(normalize("NFC", seen))
        return isinstance(seen, bytes) and in_bytes is not None and in_bytes(seen)

    return asks


def _block(text: str) -> _Block | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _is_inside(inner: _Block, outer: _Block) -> bool:
    return (
        inner.version == outer.version
        and inner.prefixlen >= outer.prefixlen
        and inner.network_address in outer
    )


def _subset(text: str) -> Callable[[object], Answer]:
    block = _given_block("ISSUBSET", text)

    def asks(seen: object) -> Answer:
        inner = _block(seen) if isinstance(seen, str) else None
        return inner is not None and _is_inside(inner, block)

    return asks


def _superset(text: str) -> Callable[[object], Answer]:
    block = _given_block("ISSUPERSET", text)

    def asks(seen: object) -> Answer:
        outer = _block(seen) if isinstance(seen, str) else None
        return outer is not None and _is_inside(block, outer)

    return asks


def _given_block(operator: str, text: str) -> _Block:
    block = _block(text)
    if block is None:
        raise UnmatchableError(
            f"{operator} {visible(repr(text), max_chars=60)} cannot be matched: it is no address and no network"
        )
    return block
