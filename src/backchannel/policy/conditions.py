"""What a rule is about: conditions on fields, each a list of values of which one must be met."""

from __future__ import annotations

from typing import Final

import msgspec


class When(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions; all must be met, each by one of its values. No value: the field does not matter."""

    tlp: tuple[str, ...] = ()
    """Words of TLP 2.0 in small letters (`amber+strict`): of the object and all that it was derived from."""
    type: tuple[str, ...] = ()
    spec_version: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    """Names of parties that we have it from, in small letters; `ourselves`: it is ours."""
    purpose: tuple[str, ...] = ()
    """Ways by which it goes: `taxii`, `push`, `misp`, `drop`, ..."""
    label: tuple[str, ...] = ()
    pap: tuple[str, ...] = ()
    """Words of PAP in small letters; `none`: it bears none."""
    created_by: tuple[str, ...] = ()
    pattern_type: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    """Names of properties that it has."""
    id: tuple[str, ...] = ()


CLASS_FIELDS: Final = ("tlp", "type", "spec_version", "source", "purpose")
"""What a class of a collection knows; the other fields need the object itself."""
OBJECT_FIELDS: Final = ("label", "pap", "created_by", "pattern_type", "has", "id")
FIELDS: Final = (*CLASS_FIELDS, *OBJECT_FIELDS)
OURSELVES: Final = "ourselves"
NO_PAP: Final = "none"
PURPOSES: Final = (
    "taxii", "push", "misp", "feed", "drop", "attachment",
    "receipt", "request", "answer", "sighting", "outcome", "retraction", "widened", "compare",
)  # fmt: skip
"""Ways by which objects go, and the kinds of statements."""
