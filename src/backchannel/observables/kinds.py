"""The kinds of observable that are matched, and what one looks like once it is normalised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of observable, with its one-letter prefix in keys (`matching.md` §5.2)."""

    ADDRESS = "i"
    DOMAIN = "d"
    URL = "u"
    HASH = "h"
    EMAIL = "e"


@dataclass(frozen=True, slots=True)
class Observable:
    """One normalised observable, from an indicator or from a log: both go through the same code."""

    kind: Kind
    value: str
    """The value in its one normal spelling, as shown to people: `203.0.113.7`, `evil.example`."""
    key: bytes
    """Order-preserving key without the kind: 16 address bytes, reversed labels, hexadecimal digits..."""
    stix_type: str
    """The STIX type it has in `hit.observable.kind`: `ipv4-addr`, `domain-name`, `url`, `file`, ..."""
    repairs: tuple[str, ...] = ()
    """What the normaliser had to mend, in words (`refanged`, `scheme missing`); empty if nothing."""
