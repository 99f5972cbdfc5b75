"""Public suffixes: names under which strangers register names of their own (`co.uk`, `github.io`).

The list is the one that the package `publicsuffixlist` carries (publicsuffix.org), private section included:
blocking `github.io` would block everybody's pages there.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from publicsuffixlist import PublicSuffixList

RESERVED_SUFFIXES: Final = frozenset(
    {"example", "home.arpa", "i2p", "internal", "invalid", "lan", "local", "localhost", "onion", "test"}
)
"""Names below these are names, though no registry sells them (RFC 2606, RFC 6762, RFC 7686, RFC 8375)."""


@cache
def _suffixes(*, with_a_labels: bool) -> PublicSuffixList:
    # Read on first use, and the suffixes that are not ASCII turned into A-labels only when a name has some:
    # reading costs 10 ms, turning 20 ms more, and most commands never ask.
    return PublicSuffixList(accept_unknown=True, only_icann=False, accept_encoded_idn=with_a_labels)


def _suffixes_for(name: str) -> PublicSuffixList:
    return _suffixes(with_a_labels="xn--" in name)


def is_public_suffix(name: str) -> bool:
    """Whether `name` (normalised: lower case, A-labels, no trailing dot) is itself a public suffix.

    A single label always is one, known or not.
    """
    return "." not in name or _suffixes_for(name).is_public(name)


def has_known_suffix(name: str) -> bool:
    """Whether `name` (normalised) lies below a suffix that exists: `evil.exe` does not."""
    if name.rpartition(".")[2] in RESERVED_SUFFIXES:
        return True
    suffix = _suffixes_for(name).publicsuffix(name, accept_unknown=False)
    return suffix is not None and suffix != name
