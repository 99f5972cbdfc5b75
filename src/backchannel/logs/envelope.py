"""What syslog puts before a program's line: when, on which machine, and which program."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

TIMES: Final = ("%b %d %H:%M:%S", "rfc3339", "%b %d %Y %H:%M:%S")
"""Forms of the times of envelopes (`logs.times`)."""

_NEW = re.compile(
    # RFC 5424 §6: priority, version, time, host, program, process, id of the message, structured data.
    r"<\d{1,3}>1 (\S++) (\S++) (\S++) \S++ \S++ (?:-|(?:\[[^\]]*+\]){1,20}+)(?: \ufeff?|$)"
)
_OLD = re.compile(
    # RFC 3164 §4.1, and what rsyslog, syslog-ng and journald write to files: with a time as in RFC 3339, too.
    r"(?:<\d{1,3}>)?"
    r"((?:[A-Z][a-z]{2} [ \d]?\d (?:\d{4} )?\d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)"
    r"(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) "
    r"(?:([^\s:\[\]]++|[0-9A-Fa-f:.]++) )?"
    r"([^\s:\[\]]++)(?:\[[^\]\s]{0,64}+\])?: ?"
)


class Envelope(NamedTuple):
    """Who wrote a line, and when."""

    time: str
    host: str | None
    program: str
    start: int
    """Where the program's own line begins."""


def envelope(line: str) -> Envelope | None:
    """Return the envelope of a line, None if it has none."""
    match = _NEW.match(line) if line.startswith("<") else None
    match = match or _OLD.match(line)
    if match is None:
        return None
    time, host, program = match.groups()
    return Envelope(time, host, program, match.end())


def program_of(name: str) -> tuple[str, ...]:
    """Return by which names a program may be known: `postfix/submission/smtpd` is `postfix`, too."""
    name = name.lower()
    return tuple(dict.fromkeys((name, name.partition("/")[0], name.rpartition("/")[2])))
