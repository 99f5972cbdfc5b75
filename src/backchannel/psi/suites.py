"""The engines that do the arithmetic, and which of them two parties have in common.

A comparison needs two things of a group: what a key makes of an input, and what it makes of an element that
another key made. Whoever has both elements, in either order of keys, has the same bytes. The messages are the same
for every suite; what differs is in which group their elements lie, and two parties need one suite in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final, Protocol

from backchannel.errors import UsageError


class Engine(Protocol):
    """The arithmetic of one suite."""

    suite: str
    """Its name in messages."""
    element_bytes: int

    def new_key(self) -> bytes:
        """Return a new secret key: one for each session."""
        ...

    def blind(self, key: bytes, inputs: Sequence[bytes]) -> list[bytes]:
        """Return the element of each input (32 bytes each) under a key, in their order."""
        ...

    def blind_again(self, key: bytes, elements: Sequence[bytes]) -> list[bytes]:
        """Return what a key makes of elements that another key made, in their order.

        Raises:
            Rejected: `BAD_ELEMENT`, one of them lies outside the group, or tells the key.
        """
        ...


SODIUM: Final = "edwards25519"
"""The suite that everybody has who can compare at all."""
OPENMINED: Final = "p256"
"""The faster one; who has it has the other one too."""
_MODULES: Final = {SODIUM: ("nacl", "sodium"), OPENMINED: ("private_set_intersection", "openmined")}
"""The package that each needs, and its module here."""


def suites() -> tuple[str, ...]:
    """Return the names of the suites that this installation has, the one that everybody has first."""
    return tuple(suite for suite, (package, _) in _MODULES.items() if find_spec(package) is not None)


def engine(suite: str) -> Engine:
    """Return the engine of a suite.

    Raises:
        UsageError: this installation does not have it.
    """
    if suite not in suites():
        known = suite in _MODULES
        raise UsageError(
            f"this installation cannot compare by {suite}: a package is missing"
            if known
            else "there is no such way to compare",
            hint="Install it: pip install 'backchannel[psi]', or 'backchannel[psi-fast]' for the faster one too.",
        )
    found: Engine = import_module(f"backchannel.psi.{_MODULES[suite][1]}").ENGINE
    return found
