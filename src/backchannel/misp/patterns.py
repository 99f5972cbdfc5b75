"""The value of a MISP attribute as a STIX pattern, and a simple pattern as attributes.

A value is compared letter for letter. Of a file's name and hash the hash decides: it names the content, and
names change. A domain and its address are each telling (OR), an address and a port only together (AND).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from backchannel.misp.types import ADDRESSES, CERTIFICATES, HASHES, LANGUAGES, NUMBERS, PATHS
from backchannel.stix.pattern.ast import Comparison, Expression, Joined, Observation, Observations, Observed
from backchannel.stix.pattern.hashes import algorithm
from backchannel.stix.pattern.parse import PatternError, parse

MAX_VALUES: Final = 200
"""Most attributes made of one pattern; a longer one goes as a whole."""

_DIGITS = re.compile(r"[0-9]{1,15}\Z")
_AS = re.compile(r"(?:AS)?([0-9]{1,10})\Z", re.IGNORECASE)
_SAMPLE: Final = "malware-sample"


class Value(NamedTuple):
    """One value that a pattern names."""

    type: str
    """Of a MISP attribute."""
    value: str


def pattern_of(kind: str, value: str) -> tuple[str, str] | None:
    """Return (pattern, pattern type) of an attribute, None if STIX has nothing to compare its value with."""
    if kind in LANGUAGES:
        return value, LANGUAGES[kind]
    found = _comparison(kind, value) or _composite(kind, value)
    return None if found is None else (f"[{found}]", "stix")


def parts(kind: str, value: str) -> list[Value]:
    """Return the two halves of a composite value with their own types; of any other value itself alone."""
    left, bar, right = kind.partition("|")
    if kind == _SAMPLE:
        left, bar, right = "filename", "|", "md5"
    if not bar:
        return [Value(kind, value)]
    # A name or a registry's data may hold a bar itself; a hash, a port, a domain and an address never do.
    first, bar, second = value.partition("|") if left in {"regkey", "domain"} else value.rpartition("|")
    if not bar and right == "port" and value.count(":") == 1:
        first, bar, second = value.partition(":")
    if not bar or not first or not second:
        return [Value(kind, value)]
    right = {"ip": "ip-dst", "value": "regkey-value"}.get(right, right)
    return [Value(left, first), Value(right, second)]


def _comparison(kind: str, value: str) -> str | None:
    if kind in ADDRESSES:
        operator = "ISSUBSET" if "/" in value else "="
        return f"{'ipv6' if ':' in value else 'ipv4'}-addr:value {operator} {_quoted(value)}"
    if kind in PATHS:
        return f"{PATHS[kind]} = {_quoted(value)}"
    if kind in NUMBERS:
        match = _AS.match(value) if kind == "AS" else _DIGITS.match(value)
        return None if match is None else f"{NUMBERS[kind]} = {int(match[match.lastindex or 0])}"
    return None


def _composite(kind: str, value: str) -> str | None:
    halves = parts(kind, value)
    if len(halves) != 2:
        return None
    (left, first), (right, second) = halves
    if left == "filename":
        return _comparison(right, second)
    if left == "domain":
        return f"{_comparison(left, first)} OR {_comparison(right, second)}"
    if left == "regkey":
        key = _comparison(left, first)
        return f"{key} AND windows-registry-key:values[*].data = {_quoted(second)}"
    if right == "port" and _DIGITS.match(second):
        side = "src" if left == "ip-src" else "dst"
        host = f"network-traffic:{side}_ref.value = {_quoted(first)}"
        return f"{host} AND network-traffic:{side}_port = {int(second)}"
    return None


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


# --- And back ----------------------------------------------------------------------------------------------

_BY_PATH: Final = {
    "ipv4-addr:value": "ip-dst",
    "ipv6-addr:value": "ip-dst",
    "network-traffic:dst_ref.value": "ip-dst",
    "network-traffic:src_ref.value": "ip-src",
    "email-message:sender_ref.value": "email-src",
    "email-message:cc_refs[*].value": "email-dst",
    "user-account:user_id": "text",
    # The first type that has a path is the one that stands for it.
    **{path: name for name, path in reversed([*PATHS.items(), *NUMBERS.items()]) if ":hashes." not in path},
}
_IMPLIED = re.compile(r"network-traffic:(?:src|dst)_ref\.type\Z")


def values_of(pattern: str, pattern_type: str) -> list[Value] | None:
    """Return the attributes that say the same as a pattern, None if no attribute can.

    A rule of another language is one attribute; a STIX pattern that is no choice between plain values
    goes as a whole, in the type `stix2-pattern`.
    """
    if pattern_type != "stix":
        return next(
            ([Value(kind, pattern)] for kind, name in LANGUAGES.items() if name == pattern_type), None
        )
    try:
        root = parse(pattern).root
    except PatternError:
        return None
    found: list[Value] = []
    for value in _alternatives(root):
        if value is None or len(found) == MAX_VALUES:
            return [Value("stix2-pattern", pattern)]
        found.append(value)
    return list(dict.fromkeys(found))


def _alternatives(observed: Observed) -> Iterator[Value | None]:
    """Yield each value any one of which is meant; None for what is no plain value."""
    if isinstance(observed, Observation):
        yield from _choices(observed.expression)
    elif isinstance(observed, Observations) and observed.operator == "OR":
        for operand in observed.operands:
            yield from _alternatives(operand)
    else:
        yield None


def _choices(expression: Expression) -> Iterator[Value | None]:
    if isinstance(expression, Joined) and expression.operator == "OR":
        for operand in expression.operands:
            yield from _choices(operand)
    elif isinstance(expression, Joined):
        yield _together(expression.operands)
    else:
        yield from _plain(expression)


def _plain(expression: Expression) -> Iterator[Value | None]:
    if not isinstance(expression, Comparison) or expression.is_negated:
        yield None
        return
    kind = _type_of(expression)
    is_plain = expression.operator in {"=", "IN"} or (expression.operator == "ISSUBSET" and kind in ADDRESSES)
    constants = expression.value if isinstance(expression.value, tuple) else (expression.value,)
    for constant in constants:
        is_value = isinstance(constant, (str, int)) and not isinstance(constant, bool) and str(constant)
        yield Value(kind, str(constant)) if kind and is_plain and is_value else None


def _type_of(comparison: Comparison) -> str:
    path = comparison.path
    if path.steps[0] == "hashes" and len(path.steps) == 2 and isinstance(path.steps[1], str):
        table = CERTIFICATES if path.object_type == "x509-certificate" else HASHES
        name = algorithm(path.steps[1]) or path.steps[1]
        is_known = path.object_type in {"file", "artifact", "x509-certificate"}
        return next((kind for kind, known in table.items() if known == name and is_known), "")
    kind = _BY_PATH.get(str(path), "")
    return "hostname" if kind == "ip-dst" and _is_name(comparison) else kind


def _is_name(comparison: Comparison) -> bool:
    """Whether the end of a connection is given by its name."""
    value = comparison.value
    return (
        comparison.path.object_type == "network-traffic"
        and isinstance(value, str)
        and bool(re.search(r"[G-Zg-z]\.?[^:]*\Z", value))
    )


_TOGETHER: Final = {
    ("domain", "ip-dst"): "domain|ip",
    ("ip-dst", "port"): "ip-dst|port",
    ("ip-src", "port"): "ip-src|port",
    ("hostname", "port"): "hostname|port",
    **{("filename", name): f"filename|{name}" for name in HASHES if name not in {"cdhash", "telfhash"}},
}
_PORTS: Final = frozenset({"network-traffic:dst_port", "network-traffic:src_port"})


def _together(operands: tuple[Expression, ...]) -> Value | None:
    """Return the composite value that stands for comparisons that must all hold."""
    found: dict[str, str] = {}
    for operand in operands:
        if not isinstance(operand, Comparison) or operand.is_negated or operand.operator != "=":
            return None
        if _IMPLIED.match(str(operand.path)):
            continue
        kind = "port" if str(operand.path) in _PORTS else _type_of(operand)
        if not kind or kind in found or isinstance(operand.value, (tuple, bool)):
            return None
        found[kind] = str(operand.value)
    if len(found) == 1:
        return Value(*found.popitem())
    for (left, right), kind in _TOGETHER.items():
        if found.keys() == {left, right}:
            return Value(kind, f"{found[left]}|{found[right]}")
    return None
