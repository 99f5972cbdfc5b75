"""Read a STIX pattern: the whole grammar of STIX 2.1 §9, and of STIX 2.0 part 5.

By hand: one compiled expression cuts the text into tokens, recursive descent reads them. Patterns come
from strangers, so length, depth and numbers are bounded, and no step costs more than the text is long.

Nearly every real pattern is one equality: `is_valid_fast` and `fast_equality` know those by one
expression, without a tree.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Final, Literal

from backchannel.stix.pattern.ast import (
    AnyIndex,
    Binary,
    Comparison,
    Constant,
    Exists,
    Expression,
    Joined,
    Observation,
    Observations,
    Observed,
    Operator,
    Path,
    Pattern,
    Qualified,
    Qualifier,
    Repeats,
    StartStop,
    Step,
    Timestamp,
    Within,
)
from backchannel.stix.pattern.hashes import is_possible_hash
from backchannel.stix.pattern.tokens import PatternError, column, is_open, tokens, unexpected
from backchannel.stix.visible import visible

__all__ = ["MAX_PATTERN_CHARS", "PatternError", "fast_equality", "is_valid_fast", "parse"]

MAX_PATTERN_CHARS: Final = 64 * 1024
"""Longest pattern read (characters): the longest real ones hold some hundred comparisons."""
MAX_DEPTH: Final = 64
"""Most parentheses inside each other; bounds the recursion."""
MAX_NUMBER_CHARS: Final = 64
"""Longest number read (characters): turning digits into a number costs their square."""

_BARE_TIMESTAMP = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z\Z"
)
_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*|[0-9]*\.[0-9]+)\Z")
_POSITIVE = re.compile(r"\+?(?:0|[1-9][0-9]*|[0-9]*\.[0-9]+)\Z")
_POSITIVE_INTEGER = re.compile(r"\+?(?:0|[1-9][0-9]*)\Z")
_ESCAPE = re.compile(r"\\(.)")

_WORDS = (
    "AND OR NOT FOLLOWEDBY LIKE MATCHES ISSUPERSET ISSUBSET LAST IN START STOP SECONDS WITHIN REPEATS TIMES"
)
_RESERVED_20: Final = frozenset(_WORDS.split()) | {"true", "false"}
_RESERVED_21: Final = _RESERVED_20 | {"EXISTS"}
_COMPARATORS: Final[dict[str, Operator]] = {
    "=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
    "IN": "IN", "LIKE": "LIKE", "MATCHES": "MATCHES", "ISSUBSET": "ISSUBSET", "ISSUPERSET": "ISSUPERSET",
}  # fmt: skip
_QUALIFIERS: Final = frozenset({"WITHIN", "REPEATS", "START"})
_OF_EQUALITY: Final = frozenset({"=", "!="})
_OF_ORDER: Final = frozenset({"<", "<=", ">", ">="})
_OF_STRINGS: Final = frozenset({"LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"})
_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")

# One equality with a string without escapes, its words in lower case (so that only true and false are
# reserved); a path through `hashes` only with as many digits as its algorithm has.
_FAST = re.compile(
    r"\s*+\[\s*+((?!(?:true|false):)[a-z_][a-z0-9_-]*+:(?:"
    r"(?!(?:true|false|hashes)\b)[a-z_][a-z0-9_]*+(?:\.(?!(?:true|false|hashes)\b)[a-z_][a-z0-9_]*+)*+"
    r"|hashes\.(?:(?:MD5|'MD5'|md5)(?=\s*+=\s*+'[0-9A-Fa-f]{32}')"
    r"|(?:'SHA-1'|sha1|SHA1)(?=\s*+=\s*+'[0-9A-Fa-f]{40}')"
    r"|(?:'SHA-256'|sha256|SHA256)(?=\s*+=\s*+'[0-9A-Fa-f]{64}')"
    r"|(?:'SHA-512'|sha512|SHA512)(?=\s*+=\s*+'[0-9A-Fa-f]{128}'))))"
    r"\s*+=\s*+'([^'\\]*+)'\s*+\]\s*+\Z",
    re.ASCII,
)


def is_valid_fast(text: str) -> bool:
    """Whether `text` is surely a pattern, of one equality; False means: ask `parse`."""
    return len(text) <= MAX_PATTERN_CHARS and _FAST.match(text) is not None


def fast_equality(text: str) -> tuple[str, str] | None:
    """Return (path as written, value) of a pattern of one plain equality; None means: ask `parse`."""
    if len(text) > MAX_PATTERN_CHARS:
        return None
    match = _FAST.match(text)
    return None if match is None else (match[1], match[2])


def parse(text: str, *, stix_version: str = "2.1", is_strict: bool = True) -> Pattern:
    """Read a pattern.

    Accepts what the grammar of `stix_version` ("2.1", or "2.0" for a pattern in a 2.0 object) accepts,
    less: hashes that their algorithm cannot give, two qualifiers of one kind on one observation,
    negative indexes, and what is beyond our limits. START and STOP of 2.0 may be plain strings.

    Args:
        text: of the pattern.
        stix_version: whose grammar.
        is_strict: False takes the hashes and the repeated qualifiers too: what they mean is clear, though no
            validator lets them pass.

    Raises:
        PatternError: `text` is no such pattern; says what was expected, and where.
    """
    if len(text) > MAX_PATTERN_CHARS:
        raise PatternError(f"a pattern longer than {MAX_PATTERN_CHARS} characters is not read", 1)
    reader = _Reader(text, is_20=stix_version == "2.0", is_strict=is_strict)
    return Pattern(text, reader.pattern())


class _Reader:
    """The tokens of one text, and how far they have been read."""

    __slots__ = ("depth", "is_20", "is_strict", "position", "reserved", "text", "tokens")

    def __init__(self, text: str, *, is_20: bool, is_strict: bool) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.position = 0
        self.depth = 0
        self.is_20 = is_20
        self.is_strict = is_strict
        self.reserved = _RESERVED_20 if is_20 else _RESERVED_21

    def refuse(self, why: str, at: int) -> PatternError:
        """Say `why` the word at `at` cannot stand there."""
        return PatternError(why, column(self.text, at))

    def expected(self, what: str, at: int | None = None) -> PatternError:
        """Say that `what` should stand at `at` (by default: next)."""
        at = self.position if at is None else at
        if self.tokens[at] == "" and at and is_open(self.tokens[at - 1]):
            return self.refuse("a string is not closed, or has a lone backslash", at - 1)
        return self.refuse(f"{what} expected, {unexpected(self.tokens[at])}", at)

    def take(self, word: str) -> None:
        """Read `word`, which must come now."""
        if self.tokens[self.position] != word:
            raise self.expected(word)
        self.position += 1

    def pattern(self) -> Observed:
        root = self.followed()
        if self.tokens[self.position] != "":
            raise self.expected("AND, OR, FOLLOWEDBY, a qualifier or the end")
        return root

    def enter(self) -> None:
        """Read an opening parenthesis."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refuse(f"more than {MAX_DEPTH} parentheses inside each other", self.position)
        self.position += 1

    def leave(self) -> None:
        """Read a closing parenthesis."""
        self.take(")")
        self.depth -= 1

    # Observations (STIX 2.1 §9.5): FOLLOWEDBY binds least, AND most.

    def followed(self) -> Observed:
        return self.observations("FOLLOWEDBY", self.either_observed)

    def either_observed(self) -> Observed:
        return self.observations("OR", self.both_observed)

    def both_observed(self) -> Observed:
        return self.observations("AND", self.observed)

    def observations(
        self, operator: Literal["AND", "OR", "FOLLOWEDBY"], operand: Callable[[], Observed]
    ) -> Observed:
        first = operand()
        if self.tokens[self.position] != operator:
            return first
        operands = [first]
        while self.tokens[self.position] == operator:
            self.position += 1
            operands.append(operand())
        return Observations(operator, tuple(operands))

    def observed(self) -> Observed:
        word = self.tokens[self.position]
        if word == "[":
            self.position += 1
            inner: Observed = Observation(self.either())
            self.take("]")
        elif word == "(":
            self.enter()
            inner = self.followed()
            self.leave()
        else:
            raise self.expected("[ or (")
        if self.tokens[self.position] not in _QUALIFIERS:
            return inner
        return Qualified(inner, self.qualifiers(is_simple=word == "["))

    def qualifiers(self, *, is_simple: bool) -> tuple[Qualifier, ...]:
        """Read what qualifies the observation just read."""
        read: list[Qualifier] = []
        words: set[str] = set()
        while (word := self.tokens[self.position]) in _QUALIFIERS:
            if is_simple and word in words and self.is_strict:
                raise self.refuse(f"a second {word} for one observation", self.position)
            words.add(word)
            self.position += 1
            if word == "WITHIN":
                read.append(Within(float(self.number(_POSITIVE))))
                self.take("SECONDS")
            elif word == "REPEATS":
                read.append(Repeats(int(self.number(_POSITIVE_INTEGER))))
                self.take("TIMES")
            else:
                start = self.timestamp()
                self.take("STOP")
                read.append(StartStop(start, self.timestamp()))
        return tuple(read)

    def number(self, form: re.Pattern[str]) -> str:
        word = self.tokens[self.position]
        if form.match(word) is None or len(word) > MAX_NUMBER_CHARS:
            raise self.expected("a positive number")
        self.position += 1
        return word

    def timestamp(self) -> Timestamp:
        word = self.tokens[self.position]
        self.position += 1
        if word[:2] == "t'":
            return Timestamp(word[2:-1])
        if self.is_20 and word[:1] == "'" and _BARE_TIMESTAMP.match(word[1:-1]):
            return Timestamp(word[1:-1])
        raise self.expected("a timestamp like t'2026-01-31T12:00:00Z'", self.position - 1)

    # Comparisons (STIX 2.1 §9.6).

    def either(self) -> Expression:
        first = self.both()
        if self.tokens[self.position] != "OR":
            return first
        operands = [first]
        while self.tokens[self.position] == "OR":
            self.position += 1
            operands.append(self.both())
        return Joined("OR", tuple(operands))

    def both(self) -> Expression:
        first = self.comparison()
        if self.tokens[self.position] != "AND":
            return first
        operands = [first]
        while self.tokens[self.position] == "AND":
            self.position += 1
            operands.append(self.comparison())
        return Joined("AND", tuple(operands))

    def comparison(self) -> Expression:
        word = self.tokens[self.position]
        if word == "(":
            self.enter()
            inner = self.either()
            self.leave()
            return inner
        if not self.is_20 and word in {"EXISTS", "NOT"}:
            self.position += word == "NOT"
            self.take("EXISTS")
            return Exists(self.path(), is_negated=word == "NOT")
        path = self.path()
        is_negated = self.tokens[self.position] == "NOT"
        self.position += is_negated
        operator = _COMPARATORS.get(self.tokens[self.position])
        if operator is None:
            raise self.expected("a comparison (=, !=, <, >, IN, LIKE, MATCHES, ISSUBSET, ISSUPERSET)")
        self.position += 1
        value = self.members(path) if operator == "IN" else self.operand(path, operator)
        return Comparison(path, operator, value, is_negated)

    def operand(self, path: Path, operator: Operator) -> Constant:
        """Read the one constant that `path` is compared with."""
        at = self.position
        value = self.constant()
        if operator in _OF_STRINGS and not isinstance(value, str):
            raise self.expected(f"a string after {operator}", at)
        if operator in _OF_ORDER and isinstance(value, bool):
            raise self.expected(f"a number, string or timestamp after {operator}", at)
        if operator in _OF_EQUALITY:
            self.check_hash(path, value, at)
        return value

    def members(self, path: Path) -> tuple[Constant, ...]:
        """Read the set after IN: it may be empty."""
        self.take("(")
        values: list[Constant] = []
        while self.tokens[self.position] != ")" or values:
            at = self.position
            values.append(self.constant())
            self.check_hash(path, values[-1], at)
            if self.tokens[self.position] == ")":
                break
            self.take(",")
        self.position += 1
        return tuple(values)

    def check_hash(self, path: Path, value: Constant, at: int) -> None:
        """Refuse a hash that its algorithm cannot give: it would never match."""
        key = path.steps[-1]
        if "hashes" not in path.steps or not isinstance(key, str) or not self.is_strict:
            return
        if not is_possible_hash(key, value if isinstance(value, str) else ""):
            raise self.refuse(f"no {visible(key, max_chars=20)} hash looks like this", at)

    def constant(self) -> Constant:
        word = self.tokens[self.position]
        self.position += 1
        first = word[:1]
        if first == "'":
            body = word[1:-1]
            return _ESCAPE.sub(r"\1", body) if "\\" in body else body
        if first in _LETTERS and word:
            if word[1:2] == "'":
                return _quoted(word)
            if word in {"true", "false"}:
                return word == "true"
        elif _NUMBER.match(word) and len(word) <= MAX_NUMBER_CHARS:
            return float(word) if "." in word else int(word)
        raise self.expected(
            "a string in single quotes, a number, true, false or a timestamp", self.position - 1
        )

    # Object paths (STIX 2.1 §9.7).

    def path(self) -> Path:
        tokens = self.tokens
        object_type = tokens[self.position]
        if object_type[:1] not in _LETTERS or object_type in self.reserved or object_type[1:2] == "'":
            raise self.expected("an object path like file:name")
        self.position += 1
        self.take(":")
        steps: list[Step] = [self.key()]
        while True:
            word = tokens[self.position]
            if word == ".":
                self.position += 1
                steps.append(self.key())
            elif word == "[":
                self.position += 1
                steps.append(self.index())
            else:
                return Path(object_type, tuple(steps))

    def key(self) -> str:
        word = self.tokens[self.position]
        self.position += 1
        first = word[:1]
        if first == "'":
            body = word[1:-1]
            return _ESCAPE.sub(r"\1", body) if "\\" in body else body
        if first in _LETTERS and word not in self.reserved and word[1:2] != "'":
            if "-" not in word:
                return word
            raise self.refuse(
                f"a key with a hyphen must be in single quotes: '{word[:40]}'", self.position - 1
            )
        raise self.expected("a key", self.position - 1)

    def index(self) -> int | AnyIndex:
        word = self.tokens[self.position]
        if word == "*":
            self.position += 1
            self.take("]")
            return AnyIndex.ANY
        index = int(self.number(_POSITIVE_INTEGER))
        self.take("]")
        return index


def _quoted(word: str) -> Timestamp | Binary:
    """Read a literal with a letter before its quotes."""
    body = word[2:-1]
    if word[0] == "t":
        return Timestamp(body)
    return Binary(bytes.fromhex(body) if word[0] == "h" else base64.b64decode(body))
