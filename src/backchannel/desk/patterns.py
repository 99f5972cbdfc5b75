"""Try a pattern out, for those who write them: is it one, what of it can a hunt search, and does it match?

Needs no node and stores nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from backchannel import codec
from backchannel.matching.entries import whole_of
from backchannel.stix.pattern.ast import Pattern
from backchannel.stix.pattern.atoms import atoms
from backchannel.stix.pattern.compound import split
from backchannel.stix.pattern.evaluate import compiled, match
from backchannel.stix.pattern.observed import ObservedError, observations
from backchannel.stix.pattern.parse import PatternError, parse
from backchannel.stix.visible import visible

StixVersion = Literal["2.0", "2.1"]
VERSIONS: Final[tuple[StixVersion, ...]] = ("2.1", "2.0")
"""In the order in which they are tried where none is named."""

MAX_LINE_BYTES: Final = 2**24
"""Longest line of cases read (a pattern with what was observed)."""
MAX_OBSERVED_BYTES: Final = 2**26
"""Largest file of observed data read; it is held in memory."""
MAX_SHOWN: Final = 100
"""Values of one pattern that are named as searched."""


class PatternFault(msgspec.Struct, frozen=True):
    """Why a text is no pattern."""

    what: str
    column: int
    """Where, counted from 1 in characters."""
    mend: str
    """What to do, as far as one can guess."""


class PatternChecked(msgspec.Struct, frozen=True, kw_only=True):
    """`pattern check PATTERN --json`."""

    schema: Literal["backchannel.pattern-check/1"] = "backchannel.pattern-check/1"
    pattern: str
    stix_version: StixVersion
    """Whose grammar it was read by."""
    valid: bool
    fault: PatternFault | None
    """Null for a pattern."""
    unmatchable: tuple[str, ...]
    """What of it can never be matched, in words: a regular expression that needs more than linear time, ..."""
    searched: tuple[str, ...]
    """What a hunt looks for, at most 100."""
    unsearched: tuple[str, ...]
    """What of it a hunt does not look for, in words."""


class PatternMatched(msgspec.Struct, frozen=True, kw_only=True):
    """`pattern match PATTERN OBSERVED --json`."""

    schema: Literal["backchannel.pattern-match/1"] = "backchannel.pattern-match/1"
    pattern: str
    stix_version: StixVersion
    valid: bool
    """False for one that no validator lets pass, though its meaning is clear."""
    observations: int
    match: bool | None
    """Null where it cannot be said."""
    why: str
    taken: tuple[str, ...]
    """The observations that fulfil it: their ids, or their numbers."""


class PatternLine(msgspec.Struct, frozen=True, kw_only=True):
    """`pattern check --jsonl`, `pattern match --jsonl`: one line for each line read."""

    schema: Literal["backchannel.pattern-line/1"] = "backchannel.pattern-line/1"
    n: int
    """Number of the line, from 1."""
    valid: bool | None
    """Whether it is a pattern; null where the line could not be read."""
    match: bool | None
    """Null where it was not asked, or cannot be said."""
    why: str


def check_pattern(text: str, stix_version: StixVersion | None = None) -> PatternChecked:
    """Say whether `text` is a pattern, and what of it a hunt can search.

    Args:
        text: of the pattern.
        stix_version: whose grammar; None: that of 2.1, and if it is none of those, that of 2.0.
    """
    version, fault = _version_of(text, stix_version)
    if fault is not None:
        return PatternChecked(
            pattern=text,
            stix_version=version,
            valid=False,
            fault=PatternFault(fault.what, fault.column, mend_of(text, fault)),
            unmatchable=(),
            searched=(),
            unsearched=(),
        )
    problems = compiled(parse(text, stix_version=version)).problems
    found = atoms(text, stix_version=version)
    # What a hunt compiles may leave out more: blocks that are too wide, values that are none.
    whole = whole_of(text, stix_version=version)
    shown = [f"{one.path} {one.operator} '{one.value}'" for one in found.found]
    if whole.anchors:
        anchors = split(text, stix_version=version).anchors
        shown += [f"the whole, where {one.path} {one.operator} '{one.value}'" for one in anchors]
    return PatternChecked(
        pattern=text,
        stix_version=version,
        valid=True,
        fault=None,
        unmatchable=problems,
        searched=tuple(visible(one, max_chars=200) for one in shown[:MAX_SHOWN]),
        unsearched=whole.left,
    )


def match_pattern(
    text: str, values: Iterable[object], stix_version: StixVersion | None = None
) -> PatternMatched:
    """Match a pattern with observed data.

    Args:
        text: of the pattern.
        values: decoded JSON (`stix.pattern.observed.observations`).
        stix_version: whose grammar, as in `check_pattern`.

    Raises:
        PatternError: `text` is no pattern.
        ObservedError: `values` are no observed data.
    """
    version, fault = _version_of(text, stix_version)
    pattern = _readable(text, version, fault)
    seen = observations(values)
    found = match(compiled(pattern), seen)
    return PatternMatched(
        pattern=text,
        stix_version=version,
        valid=fault is None,
        observations=len(seen),
        match=found.holds,
        why=found.why,
        taken=tuple(seen[number].name for number in found.taken),
    )


def _version_of(text: str, asked: StixVersion | None) -> tuple[StixVersion, PatternError | None]:
    """Return by whose grammar a text is a pattern, or why it is none by the first that was to be tried."""
    faults: list[tuple[StixVersion, PatternError]] = []
    for version in (asked,) if asked else VERSIONS:
        try:
            parse(text, stix_version=version)
        except PatternError as error:
            faults.append((version, error))
        else:
            return version, None
    return faults[0]


def _readable(text: str, version: StixVersion, fault: PatternError | None) -> Pattern:
    try:
        return parse(text, stix_version=version, is_strict=False)
    except PatternError as error:
        raise (fault or error) from None


_LOWER_WORDS = re.compile(r"\s(and|or|not|in|like|matches|followedby|within|repeats|issubset|issuperset)\s")


def mend_of(text: str, fault: PatternError) -> str:
    """Guess what would mend a text that is no pattern."""
    rest = text[fault.column - 1 :]
    if not text.lstrip().startswith(("[", "(")):
        return "Put the comparison in square brackets: [domain-name:value = 'evil.example']."
    if "hash looks like this" in fault.what:
        return "Correct the digits, or name the algorithm that made them."
    if "second" in fault.what:
        return "Put the qualified observation in parentheses, then qualify it again."
    if "hyphen" in fault.what:
        return "Put the key in single quotes: file:hashes.'SHA-256'."
    if rest.startswith(('"', "`", "\u2018", "\u201c")):
        return "Put texts in straight single quotes: 'evil.example'."
    if "not closed" in fault.what or "lone backslash" in fault.what or text.count("'") % 2:
        return "Close the text with a single quote; write \\' for a quote inside it and \\\\ for a backslash."
    if (word := _LOWER_WORDS.search(text)) is not None:
        return f"Write operators in capitals: {word[1].upper()}."
    if "/" in rest[:1]:
        return "Put the regular expression in single quotes: MATCHES '^a.*z$'."
    return f"Correct what stands at column {fault.column}; the grammar is STIX 2.1 §9."


def check_lines(lines: Iterable[bytes]) -> Iterator[PatternLine]:
    """Check the pattern on each line (`{"pattern", "stix_version"}`), in order."""
    for number, case in enumerate(map(_case, lines), 1):
        if isinstance(case, str):
            yield PatternLine(n=number, valid=None, match=None, why=case)
            continue
        found = check_pattern(case.pattern, case.stix_version)
        why = (
            "; ".join((*found.unmatchable, *found.unsearched)) if found.fault is None else _told(found.fault)
        )
        yield PatternLine(n=number, valid=found.valid, match=None, why=why)


def match_lines(lines: Iterable[bytes]) -> Iterator[PatternLine]:
    """Match the pattern on each line with the observations on it, in order; a bad line costs only itself."""
    for number, case in enumerate(map(_case, lines), 1):
        if isinstance(case, str):
            yield PatternLine(n=number, valid=None, match=None, why=case)
            continue
        try:
            found = match_pattern(case.pattern, case.observations, case.stix_version)
        except PatternError as error:
            yield PatternLine(n=number, valid=False, match=None, why=str(error))
        except ObservedError as error:
            yield PatternLine(n=number, valid=True, match=None, why=str(error))
        else:
            why = found.why if found.valid else f"{found.why}; {_fault_of(case)}"
            yield PatternLine(n=number, valid=found.valid, match=found.match, why=why)


def _fault_of(case: _Case) -> str:
    return f"no validator lets it pass: {_version_of(case.pattern, case.stix_version)[1]}"


def _told(fault: PatternFault) -> str:
    return f"{fault.what}, at column {fault.column}"


class _Case(msgspec.Struct):
    """One line of cases."""

    pattern: str
    stix_version: StixVersion = "2.1"
    observations: list[object] = msgspec.field(default_factory=list)


def _case(line: bytes) -> _Case | str:
    if len(line) > MAX_LINE_BYTES:
        return f"the line is longer than {MAX_LINE_BYTES:,} bytes: it is passed over"
    try:
        return codec.decode_as(line, _Case)
    except ValueError as error:
        return f'the line is none of {{"pattern", "stix_version", "observations"}}: {visible(str(error))}'


def observed_values(data: bytes) -> Sequence[object]:
    """Return the JSON values in a file of observed data: one value, a list of them, or one a line.

    Raises:
        ObservedError: it is no JSON.
    """
    if len(data) > MAX_OBSERVED_BYTES:
        raise ObservedError(f"it is larger than {MAX_OBSERVED_BYTES:,} bytes")
    try:
        found = codec.decode(data)
    except ValueError as error:
        try:
            return [codec.decode(line) for line in data.splitlines() if line.strip()]
        except ValueError:
            raise ObservedError(f"it is no JSON: {visible(str(error))}") from None
    return found if isinstance(found, list) else [found]
