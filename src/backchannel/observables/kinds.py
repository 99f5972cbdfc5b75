"""The kinds of observable that are matched, and what one looks like once it is normalised."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

import msgspec


class Kind(StrEnum):
    """A kind of observable, with its one-letter prefix in keys (`matching.md` §5.2)."""

    ADDRESS = "i"
    DOMAIN = "d"
    URL = "u"
    HASH = "h"
    EMAIL = "e"
    PHONE = "p"
    SIP = "s"
    ACCOUNT = "l"
    """The name of somebody who logs in."""
    CERTIFICATE = "c"
    """Digest of an X.509 certificate."""
    SERIAL = "x"
    """Serial number of a certificate."""
    JA3 = "j"
    """How a client or server spoke TLS, as an MD5."""
    JA4 = "w"
    HASSH = "z"
    """How a client or server spoke SSH, as an MD5."""
    SSH_KEY = "y"
    """Digest of a host's key."""
    FILE = "f"
    """Name of a file."""
    PATH = "o"
    """Name of a file with its folders."""
    AGENT = "a"
    """What a program calls itself (`User-Agent`)."""
    COMMAND = "q"
    """Command line of a process."""
    REGISTRY = "k"
    MUTEX = "t"
    MAC = "m"


PersonalWord = Literal["email", "phone", "sip", "account"]
"""A kind that can point to a person, as operators write it."""
PERSONAL: Final[Mapping[PersonalWord, Kind]] = MappingProxyType(
    {"email": Kind.EMAIL, "phone": Kind.PHONE, "sip": Kind.SIP, "account": Kind.ACCOUNT}
)
"""What they are; off in every log until the operator switches them on (`logs.personal`)."""


# A Struct, and outside the garbage collector: a hunt makes millions of these, and a frozen dataclass
# takes twelve times as long to make.
class Observable(msgspec.Struct, frozen=True, gc=False):
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


class Network(msgspec.Struct, frozen=True, gc=False):
    """One normalised block of addresses: a range of address keys, both ends included."""

    first: bytes
    """Key of the lowest address (16 bytes)."""
    last: bytes
    """Key of the highest address (16 bytes)."""
    prefix_bits: int
    """Length of the common prefix, of 128: an IPv4 `/24` has 120."""
    text: str
    """In CIDR, as shown to people: `203.0.113.0/24`."""
    stix_type: str
    """`ipv4-addr` or `ipv6-addr`."""
    repairs: tuple[str, ...] = ()
    """What the normaliser had to mend, in words."""
