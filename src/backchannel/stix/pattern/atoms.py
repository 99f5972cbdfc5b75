"""What a hunt can search of a pattern: comparisons of single values, each a hit by itself.

Today these are `=`, `IN`, `LIKE` with a `%` at one end and `ISSUBSET`, joined by OR, on the paths in
`SEARCHABLE`. Everything else is named in words, so that nothing is dropped in silence and "searched and
not seen" is never said of what was not searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from backchannel.stix.pattern.ast import (
    Comparison,
    Exists,
    Expression,
    Joined,
    Observation,
    Observed,
    Path,
    Qualified,
    Repeats,
    StartStop,
)
from backchannel.stix.pattern.hashes import algorithm
from backchannel.stix.pattern.parse import fast_equality, parse

_ADDRESS, _HOST = ("address",), ("address", "domain")
_HASHES: Final = ("MD5", "'SHA-1'", "'SHA-256'", "'SHA-512'")
_URL = ("url", "sip", "phone")
_FILE = ("file", "path")
SEARCHABLE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "ipv4-addr:value": _ADDRESS,
        "ipv6-addr:value": _ADDRESS,
        "network-traffic:src_ref.value": _HOST,
        "network-traffic:dst_ref.value": _HOST,
        "domain-name:value": ("domain",),
        "url:value": _URL,  # `sip:` and `tel:` are URLs too
        "email-addr:value": ("email",),
        "email-message:from_ref.value": ("email",),
        "email-message:sender_ref.value": ("email",),
        "email-message:to_refs[*].value": ("email",),
        "email-message:cc_refs[*].value": ("email",),
        **{f"file:hashes.{name}": ("hash",) for name in _HASHES},
        **{f"artifact:hashes.{name}": ("hash",) for name in _HASHES},
        **{f"x509-certificate:hashes.{name}": ("certificate",) for name in _HASHES},
        "x509-certificate:serial_number": ("serial",),
        "network-traffic:x_ja3_md5": ("ja3",),
        "network-traffic:x_ja3": ("ja3",),
        "network-traffic:x_ja3s": ("ja3",),
        "network-traffic:x_ja4": ("ja4",),
        "network-traffic:x_ja4s": ("ja4",),
        "network-traffic:x_hassh_md5": ("hassh",),
        "network-traffic:x_hassh": ("hassh",),
        "network-traffic:x_hasshserver_md5": ("hassh",),
        "network-traffic:x_ssh_fingerprint": ("ssh_key",),
        "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'": ("agent",),
        "file:name": _FILE,
        "process:name": ("file",),  # STIX 2.0
        "process:image_ref.name": _FILE,
        "process:command_line": ("command",),
        "windows-registry-key:key": ("registry",),
        "mutex:name": ("mutex",),
        "mac-addr:value": ("mac",),
        "user-account:account_login": ("account",),
        "user-account:user_id": ("account",),
        "x-phone-number:value": ("phone",),
        "x-phone:number": ("phone",),
        "phone-number:value": ("phone",),
    }
)
"""Path, in its one spelling, to the kinds of observable that its values can be (names of `Kind`)."""

_LIKE: Final = frozenset({"certificate", "serial", "ja3", "ja4", "hassh", "ssh_key", "mac"})
"""Kinds of which a part says nothing."""
MAX_NAMED: Final = 20
"""Most reasons named for one pattern; a hostile one could have thousands."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison that is a hit by itself."""

    path: str
    """A key of `SEARCHABLE`."""
    operator: Literal["=", "LIKE", "ISSUBSET"]
    value: str
    """As in the pattern, escapes undone; not normalised. For LIKE, `%` stands at one end and only there, but in an
    anchor (`compound`)."""


@dataclass(frozen=True, slots=True)
class Atoms:
    """What can be searched of one pattern, and what not."""

    found: tuple[Atom, ...]
    """Any one of them seen is a hit; in the order of the pattern, each once."""
    uncompiled: tuple[str, ...]
    """What is not searched, in words; empty if all is."""


def atoms(text: str, *, stix_version: str = "2.1") -> Atoms:
    """Return what can be searched of the pattern `text`.

    Raises:
        PatternError: `text` is no pattern.
    """
    plain = fast_equality(text)
    if plain is not None and plain[0] in SEARCHABLE:
        return Atoms((equality(*plain),), ())
    found: dict[Atom, None] = {}
    left: dict[str, None] = {}
    for item in found_in(parse(text, stix_version=stix_version).root):
        if isinstance(item, Atom):
            found[item] = None
        else:
            left[item] = None
    return Atoms(tuple(found), named(left))


def named(words: Iterable[str]) -> tuple[str, ...]:
    """Return the first `MAX_NAMED` of what is not searched, and how much more there is."""
    kept = tuple(words)
    more = len(kept) - MAX_NAMED
    return kept if more <= 0 else (*kept[:MAX_NAMED], f"and {more} more")


def found_in(observed: Observed) -> Iterator[Atom | str]:
    """Yield the single values that can be searched of a pattern, and in words what cannot."""
    if isinstance(observed, Observation):
        yield from searched_in(observed.expression)
    elif isinstance(observed, Qualified):
        words = sorted({_qualifier(qualifier) for qualifier in observed.qualifiers})
        yield f"{' and '.join(words)} after an observation is not searched yet"
    elif observed.operator == "OR":
        for operand in observed.operands:
            yield from found_in(operand)
    else:
        yield f"{observed.operator} of several observations is not searched yet"


def _qualifier(qualifier: object) -> str:
    if isinstance(qualifier, Repeats):
        return "REPEATS"
    return "START and STOP" if isinstance(qualifier, StartStop) else "WITHIN"


def searched_in(expression: Expression) -> Iterator[Atom | str]:
    """Yield the single values that can be searched of an expression, and in words what cannot."""
    if isinstance(expression, Comparison):
        yield from _comparison(expression)
    elif isinstance(expression, Exists):
        yield f"EXISTS {expression.path} is not searched yet"
    elif expression.operator == "OR":
        for operand in expression.operands:
            yield from searched_in(operand)
    else:
        telling = _without_implied(expression.operands)
        if len(telling) == 1:
            yield from searched_in(telling[0])
        else:
            paths = list(dict.fromkeys(str(path) for operand in telling for path in _paths(operand)))
            named = ", ".join(paths[:6]) + (", ..." if len(paths) > 6 else "")
            yield f"AND of several comparisons is not searched yet: {named}"


def _paths(expression: Expression) -> Iterator[Path]:
    if isinstance(expression, Joined):
        for operand in expression.operands:
            yield from _paths(operand)
    else:
        yield expression.path


_SHAPE_OF_TYPE: Final = {
    "ipv4-addr": re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?\Z"),
    "ipv6-addr": re.compile(r"(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?\Z"),
    "domain-name": re.compile(r"[^/:@]*[A-Za-z][^/:@]*\Z"),
}


def _without_implied(operands: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Leave out `x_ref.type = 'ipv4-addr'` beside `x_ref.value = '203.0.113.7'`: it says nothing more."""
    values = {
        operand.path.steps[:-1]: operand.value
        for operand in operands
        if isinstance(operand, Comparison) and _is_equality(operand) and operand.path.steps[-1] == "value"
    }

    def is_implied(operand: Expression) -> bool:
        if not isinstance(operand, Comparison) or not _is_equality(operand):
            return False
        steps, wanted = operand.path.steps, operand.value
        if operand.path.object_type != "network-traffic" or len(steps) != 2 or steps[-1] != "type":
            return False
        value = values.get(steps[:-1])
        shape = _SHAPE_OF_TYPE.get(wanted) if isinstance(wanted, str) else None
        return shape is not None and isinstance(value, str) and shape.match(value) is not None

    return tuple(operand for operand in operands if not is_implied(operand))


def _is_equality(comparison: Comparison) -> bool:
    return comparison.operator in {"=", "ISSUBSET"} and not comparison.is_negated


def _comparison(comparison: Comparison) -> Iterator[Atom | str]:
    path = searchable(comparison.path)
    operator, value = comparison.operator, comparison.value
    if path is None:
        yield f"{comparison.path} is not searched yet"
    elif comparison.is_negated or operator == "!=":
        yield f"a negated comparison of {path} is not searched yet"
    elif operator in {"=", "IN"}:
        for member in value if isinstance(value, tuple) else (value,):
            yield (
                equality(path, member)
                if isinstance(member, str)
                else f"{path} compared with something other than a string can never match"
            )
        if value == ():
            yield f"{path} IN an empty set can never match"
    elif operator == "LIKE" and isinstance(value, str):
        yield _like(path, value)
    elif operator == "ISSUBSET" and isinstance(value, str) and "address" in SEARCHABLE[path]:
        yield Atom(path, "ISSUBSET", value)
    else:
        yield f"{operator} on {path} is not searched yet"


_BLOCK = re.compile(r"[0-9A-Fa-f:.]+/[0-9]{1,3}\Z")


def equality(path: str, value: str) -> Atom:
    """Return the atom of an equality; one with a block of addresses asks for all that lie in it.

    To the letter it would ask for an object whose value is that block (STIX 2.1 §6.4); feeds write it
    for the addresses, and no log has the other.
    """
    is_block = SEARCHABLE[path] in {_ADDRESS, _HOST} and _BLOCK.match(value) is not None
    return Atom(path, "ISSUBSET" if is_block else "=", value)


_FIRST_BYTES = re.compile(r"((?:[0-9]{1,3}\.){1,3})%\Z")


def has_wildcard_inside(value: str) -> bool:
    """Whether the text after LIKE has a wildcard that is no `%` at its one end."""
    return "%" in _inner(value) or "_" in value


def _inner(value: str) -> str:
    return value.removesuffix("%") if value.endswith("%") else value.removeprefix("%")


def _like(path: str, value: str) -> Atom | str:
    """Return the atom of a LIKE with one `%` at one end, none, or words."""
    kinds = SEARCHABLE[path]
    inner = _inner(value)
    if has_wildcard_inside(value):
        # `_` stands for any one character: no key range answers that.
        return f"LIKE with a wildcard inside on {path} is not searched yet"
    if not inner:
        return f"LIKE '%' on {path} would match everything"
    if inner == value:
        return Atom(path, "=", value)
    block = _FIRST_BYTES.match(value)
    if "address" in kinds and block is not None:
        numbers = block[1].rstrip(".").split(".")
        if all(str(int(number)) == number and int(number) < 256 for number in numbers):
            rest = ["0"] * (4 - len(numbers))
            return Atom(path, "ISSUBSET", f"{'.'.join(numbers + rest)}/{8 * len(numbers)}")
    if kinds in {_ADDRESS, ("hash",)} or not _LIKE.isdisjoint(kinds):
        return f"LIKE on {path} is not searched yet"
    return Atom(path, "LIKE", value)


def searchable(path: Path) -> str | None:
    """Return the path in the spelling of `SEARCHABLE`, None if it is not there."""
    shown = str(path)
    if path.steps[0] == "hashes" and len(path.steps) == 2 and isinstance(path.steps[1], str):
        name = algorithm(path.steps[1])
        shown = f"{path.object_type}:hashes.{name if name == 'MD5' else f'{name!r}'}"
    return shown if shown in SEARCHABLE else None
