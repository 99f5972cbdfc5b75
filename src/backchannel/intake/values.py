"""Find the observables in one line of a plain list, or in one cell of a table.

Lists come in many habits: comments, bullets, quotes, hosts files, filter lists, RPZ zones, defanged or not.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from backchannel.observables.guess import guess
from backchannel.observables.kinds import Network, Observable

MAX_VALUES: Final = 64
"""Most values taken from one line (a hosts line may name several) or one cell."""

_COMMENT = re.compile(r"\s*(?:#|;|//|!|\[Adblock)")
_INLINE = re.compile(r"\s+(?:#|;|//)\s*(.*)\Z", re.DOTALL)
_HOSTS = re.compile(
    r"(?:0\.0\.0\.0|127(?:\.\d{1,3}){3}|::1?|255\.255\.255\.255|f[ef]0[0-9a-f]::\d(?:%\w+)?)\s+(\S.*)\Z"
)
_FILTER = re.compile(r"\|\|([^\^/|*\s]+)\^\S*\Z")
_ZONE = re.compile(r"(\S+?)\.?\s+(?:\d+\s+)?(?:IN\s+)?CNAME\s+\S+\Z", re.IGNORECASE)
_EXCEPTION = re.compile(r"@@\|\|\S+\Z|\S+\s(?:.*\s)?CNAME\s+rpz-passthru\.?\Z", re.IGNORECASE)
_FRAME = re.compile(
    r"\s*(?:\$(?:TTL|ORIGIN|INCLUDE|GENERATE)\s|\S*\s+(?:\d\w*\s+)?(?:IN\s+)?(?:SOA|NS)\s)", re.IGNORECASE
)
_BULLET = re.compile(r"(?:[-*\u2022\u2023\u25e6]|\d{1,4}[.)])\s+")
_LOCAL: Final = frozenset(
    [
        "localhost",
        "localhost.localdomain",
        "local",
        "broadcasthost",
        "ip6-localhost",
        "ip6-loopback",
        "ip6-localnet",
        "ip6-mcastprefix",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-allhosts",
        "0.0.0.0",  # noqa: S104  # a word of hosts files, nothing that listens
    ]
)
_QUOTES: Final = "\"'`\u201c\u201d\u2018\u2019"
_DIGITS = re.compile(r"[0-9A-Fa-f]{24,140}\Z")
_SEPARATORS = re.compile(r"[\s,;|]+")


class Value(NamedTuple):
    """One observable that a line or cell names."""

    path: str
    """Path in a STIX pattern: `domain-name:value`, `file:hashes.MD5`."""
    found: Observable | Network
    repairs: tuple[str, ...]
    """What had to be mended to read it, in words."""

    @property
    def text(self) -> str:
        """The value as people see it, in its normal spelling."""
        return self.found.text if isinstance(self.found, Network) else self.found.value


def is_comment(line: str) -> bool:
    """Whether a line only talks to people."""
    return _COMMENT.match(line) is not None


def is_exception(line: str) -> bool:
    """Whether a line of a filter list or zone names what is to be let through."""
    return _EXCEPTION.match(_INLINE.sub("", line).strip()) is not None


class ZoneFrame:
    """The lines of a DNS zone that are about the zone itself: one after the other is shown to it."""

    def __init__(self) -> None:
        self._is_open = False

    def has(self, line: str) -> bool:
        """Whether `line` belongs to the frame: a directive, the name servers, the whole of a long SOA."""
        bare = _INLINE.sub("", line)
        if self._is_open:
            self._is_open = ")" not in bare
            return True
        if _FRAME.match(bare) is None:
            return False
        self._is_open = "(" in bare and ")" not in bare
        return True


def remark_of(line: str) -> str:
    """Return the comment behind the value of a line; "" if there is none."""
    match = _INLINE.search(line)
    return match[1].strip() if match else ""


def line_values(line: str) -> tuple[Value, ...]:
    """Return the observables that a line of a list names; empty if it names none (or is a comment)."""
    if is_comment(line):
        return ()
    text = _INLINE.sub("", line).strip()
    hosts = _HOSTS.match(text)
    if hosts is not None:
        names = [name for name in hosts[1].split() if name.lower() not in _LOCAL][:MAX_VALUES]
        found = [value_of(name) for name in names]
        return tuple(value for value in found if value is not None)
    if _EXCEPTION.match(text):
        return ()
    for form in (_FILTER, _ZONE):
        match = form.match(text)
        if match is not None:
            text = match[1]
    single = value_of(text)
    return () if single is None else (single,)


def is_local_line(line: str) -> bool:
    """Whether a line of a hosts file only gives this machine its names."""
    hosts = _HOSTS.match(_INLINE.sub("", line).strip())
    return hosts is not None and all(name.lower() in _LOCAL for name in hosts[1].split())


def value_of(text: str) -> Value | None:
    """Return the observable that `text` is, or None."""
    bare = _BULLET.sub("", text.strip(), count=1).rstrip(",;").strip()
    if len(bare) > 1 and bare[0] in _QUOTES and bare[-1] in _QUOTES:
        bare = bare[1:-1].strip()
    repairs: tuple[str, ...] = ()
    if bare.startswith(("*.", ".")):
        bare = bare.lstrip("*.")
        repairs = ("a leading wildcard left out: a name stands for what is below it too",)
    guessed = guess(bare) if bare else None
    if guessed is None:
        return None
    path, found = guessed
    return Value(path, found, (*found.repairs, *repairs))


def cell_values(text: str) -> tuple[Value, ...]:
    """Return the observables in one cell: one, or several hashes that someone put side by side.

    A hash among others that lost or won some digits is left out, and the first of the others says so.
    """
    single = value_of(text)
    if single is not None:
        return (single,)
    parts = [part for part in _SEPARATORS.split(text.strip()) if part][: MAX_VALUES + 1]
    if not 2 <= len(parts) <= MAX_VALUES:
        return ()
    read = [(part, value_of(part)) for part in parts]
    found = [value for _, value in read if value is not None]
    damaged = [part for part, value in read if value is None]
    if not found or not all(_DIGITS.match(part) for part in damaged):
        return ()
    left_out = tuple(f"`{part[:16]}…` left out: no hash has {len(part)} digits" for part in damaged)
    return (found[0]._replace(repairs=(*found[0].repairs, *left_out)), *found[1:])
