"""What validation noticed about one object: a list of findings, never a yes or no.

`refuse`: the object is not taken (its bytes are kept with the finding). `quarantine`: it is stored, and
no view, hunt or export uses it until a person accepts it. `note`: it is used; a reader should know.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

ALLOWED_LESS: Final = "limit: what relays allow"
"""The clause of what is held because the way it came by allows less than it says of itself."""

Level = Literal["refuse", "quarantine", "note"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that validation noticed."""

    level: Level
    object: str
    """The id of the object it is about, or "" where it has none."""
    where: str
    """An address that a person can open: file, line or index, then a JSON pointer into the object."""
    what: str
    """One sentence: what is wrong and what would mend it."""
    clause: str
    """The rule: standard and section, or our own limit (`STIX 2.1 §3.2`, `limit: depth 32`)."""
