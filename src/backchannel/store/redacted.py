"""What the desk asks of a store about redacted forms: as what objects went that went changed, and to whom.

Digests are 32 bytes, times RFC 3339 text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class NewForm(NamedTuple):
    """That an object goes to a party in a redacted form."""

    form_digest: bytes
    party_row: int
    object_digest: bytes
    """Of what the form was made of."""
    stix_id: str
    """Of that."""
    form_id: str
    form_version: str
    """Empty: it has none."""
    says_same: bool
    """Whether what the form claims is what the object claims."""
    at: str


class FormRow(NamedTuple):
    """That an object went to a party in a redacted form."""

    form_digest: bytes
    party_row: int
    object_digest: bytes
    stix_id: str
    form_id: str
    form_version: str
    says_same: bool
    at: str
    party: str
    """Its name."""


class Redacted(Protocol):
    """As what objects went that went changed."""

    def any(self) -> bool:
        """Whether anything ever went redacted."""
        ...

    def add(self, new: Iterable[NewForm]) -> None:
        """Keep that forms go to a party; what went before in the same form stays as it is."""
        ...

    def of_form(self, form_digest: bytes, *, party_row: int | None, at_most: int) -> list[FormRow]:
        """Return what a form was made of that went to a party; None: to whomever."""
        ...

    def named(self, form_id: str, *, party_row: int, at_most: int) -> list[FormRow]:
        """Return what forms of an id were made of that went to a party, in whatever content."""
        ...

    def of_objects(self, stix_ids: Iterable[str], *, at_most: int) -> list[FormRow]:
        """Return the forms in which objects went, in whatever content, the first that went before the others."""
        ...
