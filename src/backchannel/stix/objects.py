"""JSON as STIX needs it: where a value ends, what its members and items are, whether a key stands twice.

With `codec` the only place that decodes. The bytes of a value are exactly those received.
"""

from __future__ import annotations

import json  # noqa: TID251 - the one reader that tells where a value ends, and shows every pair of an object
import re
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import msgspec

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])

TAIL_CHARS: Final = 16
"""Within so many characters of the end, a complaint may only mean that the rest has not been read yet:
longer than any name, escape or exponent cut in two."""


class NotJsonError(ValueError):
    """A text is not JSON."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        """Where, in characters from the beginning of the text."""


class _ConstantError(ValueError):
    """A text holds NaN, Infinity or -Infinity, which are numbers of JavaScript and not of JSON."""


class UnfinishedError(ValueError):
    """A text may be the beginning of a JSON value."""


class UnscannableError(ValueError):
    """A value is nested too deeply to be read at all."""


class RepeatedKeyError(ValueError):
    """An object holds a key twice."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def members(data: bytes) -> dict[str, msgspec.Raw] | None:
    """Return the members of a JSON object, each value as its bytes (`bytes(raw)`), sharing the memory of `data`.

    Of a repeated key the last. None if `data` is anything else, or cannot be read in one go.
    """
    try:
        return _members.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def items(data: bytes | msgspec.Raw) -> list[msgspec.Raw] | None:
    """Return the items of a JSON list, each as its bytes (`bytes(raw)`), sharing the memory of `data`.

    None if `data` is anything else, or cannot be read in one go.
    """
    try:
        return _items.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def value_end(text: str, at: int, *, is_all: bool) -> int:
    """Return where the JSON value ends that begins at `at`: the index after its last character.

    Args:
        text: the text, or the part of it that has been read so far.
        at: index of the first character of the value; no blanks before it.
        is_all: whether `text` goes to the end of the whole text.

    Raises:
        UnfinishedError: the value may go on behind `text`.
        NotJsonError: it is no JSON value.
        UnscannableError: it is nested too deeply.
    """
    try:
        end = _scanner.raw_decode(text, at)[1]
    except _ConstantError as error:
        raise NotJsonError(_not_a_number(str(error)), _constant_at(text, at)) from None
    except json.JSONDecodeError as error:
        if not is_all and (error.msg.startswith("Unterminated") or error.pos > len(text) - TAIL_CHARS):
            raise UnfinishedError from None
        raise NotJsonError(_in_words(error, len(text)), error.pos) from None
    except RecursionError:
        raise UnscannableError from None
    if end == len(text) and not is_all and text[end - 1] not in '"}]':
        raise UnfinishedError
    return end


def check_keys(data: bytes | str) -> None:
    """Check that no object in the JSON text `data` holds a key twice.

    Raises:
        RepeatedKeyError: one does.
        NotJsonError: it is not JSON.
        UnscannableError: it is nested too deeply.
    """
    try:
        _pairs_scanner.decode(data if isinstance(data, str) else data.decode("utf-8", "surrogatepass"))
    except _ConstantError as error:
        raise NotJsonError(_not_a_number(str(error)), 0) from None
    except json.JSONDecodeError as error:
        raise NotJsonError(_in_words(error, len(data)), error.pos) from None
    except UnicodeDecodeError as error:
        raise NotJsonError("is not UTF-8", error.start) from None
    except RecursionError:
        raise UnscannableError from None


def _in_words(error: json.JSONDecodeError, length: int) -> str:
    if error.msg.startswith("Unterminated") or error.pos >= length:
        return "it ends in the middle of a value"
    return {
        "Expecting value": "a value is expected here",
        "Expecting ',' delimiter": "a comma or the closing bracket is expected here",
        "Expecting ':' delimiter": "a colon is expected here",
        "Extra data": "there is more behind the end of the value",
        "Invalid control character at": "a string holds a control character (a line end, a tab) that is not escaped",
    }.get(error.msg, _key_words(error.msg))


def _key_words(message: str) -> str:
    if message.startswith(("Expecting property name", "Illegal trailing comma")):
        return "a key in double quotes is expected here (no comma may stand before a closing bracket)"
    return "a string holds an escape that JSON does not have" if "scape" in message else message


def _no_constant(name: str) -> NoReturn:
    raise _ConstantError(name)


def _not_a_number(name: str) -> str:
    return f"{name} is no number of JSON: give null, or leave the property out"


def _constant_at(text: str, at: int) -> int:
    """Return where the first NaN or Infinity stands outside of texts."""
    found = (match for match in _CONSTANT.finditer(text, at) if match[0][0] != '"')
    return next((match.start() for match in found), at)


_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*+"|NaN|-?Infinity', re.DOTALL)


def _unique(pairs: Sequence[tuple[str, object]]) -> Mapping[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise RepeatedKeyError(key)
            seen.add(key)
    return found


# Numbers stay text: only the end of a value is asked for, and turning digits into a number costs their square.
_scanner = json.JSONDecoder(parse_constant=_no_constant, parse_int=str, parse_float=str)
_pairs_scanner = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=str, parse_float=str
)
