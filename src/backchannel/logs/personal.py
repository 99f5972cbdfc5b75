"""Kinds of observable that can point to a person: in which of our own logs they may be looked for, and what for.

They are off until the operator switches them on, log by log. Without that, a log is searched as if it did not have
them: an address of a mail server is met, the mail address of a person is not.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar, get_args

import msgspec

from backchannel.observables.kinds import PERSONAL, Kind, PersonalWord
from backchannel.stix.visible import visible

if TYPE_CHECKING:
    from backchannel.provenance.said import Purpose

MAX_SWITCHES: Final = 1_000
MAX_LOGS: Final = 1_000
"""Paths of one section."""
STDIN: Final = "-"
SHOWN_AS: Final[Mapping[str, PersonalWord]] = MappingProxyType(
    {"email-addr": "email", "x-phone-number": "phone", "sip": "sip", "user-account": "account"}
)
"""Kind as `logs.shown` names it to its word."""
ANY_DEPTH: Final = "**"


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """A section `[[personal]]` of the settings: some kinds, switched on for some logs."""

    logs: tuple[str, ...]
    """Paths, absolute: a log, a folder with all below it, `*` and `?` inside a name, `**` for any folders; `-` is
    standard input."""
    kinds: tuple[PersonalWord, ...]
    purposes: tuple[Purpose, ...]
    """What they are looked for; a hunt request of another party has to name one of these."""


_Word = TypeVar("_Word", bound=str)


def read_switches(value: object) -> tuple[Switch, ...]:
    """Return what the sections `[[personal]]` of the settings say.

    Raises:
        ValueError: one of them is not of its form; the message names it and how it is mended.
    """
    from backchannel.provenance.said import Purpose  # noqa: PLC0415  # most nodes have no such section

    if not isinstance(value, list) or not all(isinstance(section, dict) for section in value):
        raise ValueError("personal must be sections: begin each with a line [[personal]]")
    if len(value) > MAX_SWITCHES:
        raise ValueError(f"there are {len(value)} sections [[personal]]; at most {MAX_SWITCHES} are taken")
    return tuple(_switch(number, section, get_args(Purpose)) for number, section in enumerate(value, 1))


def _switch(number: int, section: dict[str, object], purposes: tuple[Purpose, ...]) -> Switch:
    where = f"section {number} of [[personal]]"
    if unknown := sorted(set(section) - {"logs", "kinds", "purpose"}):
        raise ValueError(
            f"{where}: nothing is known of {visible(unknown[0], max_chars=40)}; it has logs, kinds and purpose"
        )
    logs = _texts(where, section, "logs", 'logs = "/var/log/asterisk/**"')
    if len(logs) > MAX_LOGS:
        raise ValueError(f"{where}: logs names {len(logs)} paths; at most {MAX_LOGS} are taken")
    for path in logs:
        parts = PurePath(path)
        if path != STDIN and (not parts.is_absolute() or ".." in parts.parts):
            raise ValueError(
                f"{where}: {visible(path, max_chars=80)} in logs is no absolute path: "
                'write it as "/var/log/asterisk/**", or "-" for standard input'
            )
    return Switch(
        logs=logs,
        kinds=_words(where, section, "kinds", get_args(PersonalWord)),
        purposes=_words(where, section, "purpose", purposes),
    )


def _texts(where: str, section: dict[str, object], name: str, example: str) -> tuple[str, ...]:
    """Return a text or a list of texts; one at least."""
    value = section.get(name)
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f"{where}: {name} must be a text or a list of texts: {example}")
    return tuple(dict.fromkeys(str(text).strip() for text in texts))


def _words(where: str, section: dict[str, object], name: str, words: tuple[_Word, ...]) -> tuple[_Word, ...]:
    found = _texts(where, section, name, f'{name} = "{words[0]}"')
    for text in found:
        if text not in words:
            shown = visible(text, max_chars=40)
            raise ValueError(f"{where}: {name} cannot be {shown}; it is one or more of {', '.join(words)}")
    return tuple(word for word in words if word in found)


def allowed(switches: Iterable[Switch], log: str, *, purpose: Purpose | None = None) -> frozenset[Kind]:
    """Return the personal kinds that may be looked for in a log.

    Args:
        switches: the operator's.
        log: its absolute path, or `-`.
        purpose: of a hunt request; None is a hunt of our own.
    """
    return frozenset(
        PERSONAL[kind]
        for switch in switches
        if purpose is None or purpose in switch.purposes
        for kind in switch.kinds
        if any(covers(pattern, log) for pattern in switch.logs)
    )


def off_kinds(on: Collection[Kind]) -> frozenset[Kind]:
    """Return the personal kinds that are not among `on`."""
    return frozenset(kind for kind in PERSONAL.values() if kind not in on)


def is_off(shown: str, on: Collection[Kind]) -> bool:
    """Whether a kind of `logs.shown`, with a side or without, is a personal one and not among `on`."""
    word = SHOWN_AS.get(shown.partition(" ")[0])
    return word is not None and PERSONAL[word] not in on


def covers(pattern: str, log: str) -> bool:
    """Whether the path of a log is what `pattern` names, or lies below it."""
    if STDIN in {pattern, log}:
        return pattern == log
    return _fits(PurePath(pattern).parts, PurePath(log).parts)


def starts_somewhere(pattern: str) -> bool:
    """Whether the part of `pattern` before its first wildcard is there; standard input always is."""
    fixed = list(takewhile(lambda part: not _WILD.intersection(part), PurePath(pattern).parts))
    return pattern == STDIN or os.path.lexists(PurePath(*fixed))


_WILD: Final = frozenset("*?[")


def _fits(wanted: Sequence[str], parts: Sequence[str]) -> bool:
    """Walk all ways of reading `wanted` at once, so that no pattern takes longer than its length times the path's."""
    reached = _past_any_depth({0}, wanted)
    for part in parts:
        if len(wanted) in reached:
            return True
        stay = {at for at in reached if wanted[at] == ANY_DEPTH}
        step = {at + 1 for at in reached - stay if fnmatchcase(part, wanted[at])}
        reached = _past_any_depth(stay | step, wanted)
    return len(wanted) in reached


def _past_any_depth(reached: set[int], wanted: Sequence[str]) -> set[int]:
    """Add what is reached where `**` stands for no folder."""
    found = set(reached)
    for at in sorted(reached):
        after = at
        while after < len(wanted) and wanted[after] == ANY_DEPTH:
            after += 1
            found.add(after)
    return found
