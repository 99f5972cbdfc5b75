"""What the fields of statements are made of: keys, digests, times, texts, each in its one spelling and bounded."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from backchannel.clock import parse_time

# `$` would let a line end pass behind the last character: `\Z` does not.
KidText = Annotated[str, Meta(pattern=r"^[a-z2-7]{51}[aq]\Z")]
"""A key, by all 32 bytes of its hash (`parties.kid`)."""
DigestText = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
"""A SHA-256, of a statement's payload, of an object's canonical form, of a key set, or of a root."""
PartyText = Annotated[str, Meta(pattern=r"^(?:[a-z2-7]{51}[aq]|sha256:[0-9a-f]{64})\Z")]
"""A party: by its key, or hidden behind a commitment (`chain.hide`)."""
Time = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")]
"""UTC, in whole seconds: `2026-01-02T03:04:05Z`, and in no other spelling."""
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Random128 = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Random256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Cryptonym = Annotated[str, Meta(pattern=r"^[0-9a-f]{20}\Z")]
"""A relay's own name for a source that it does not name (`chain.cryptonym`)."""
Name = Annotated[str, Meta(max_length=100)]
Text = Annotated[str, Meta(max_length=4_000)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Positive = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Pointer = Annotated[str, Meta(pattern=r"^(?:/[^/]*)+\Z", max_length=1_000)]
"""A JSON pointer (RFC 6901)."""

MAX_RECIPIENTS: Final = 32
"""Recipients of one drop: what the guard takes of an encrypted file's header."""
MAX_HOPS: Final = 32
"""Relays between an originator and us: longer chains are rumours."""
MAX_REFS: Final = 1_000

_TIMES: Final = frozenset(
    {"observed_from", "observed_until", "created", "expires", "until", "compromised_since", "needed_by"}
)
_DAYS: Final = frozenset({"received_at", "when", "since"})

Recipients = Annotated[list[KidText], Meta(min_length=1, max_length=MAX_RECIPIENTS)]


class Predicate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a statement says about its subject."""

    needs_subject: ClassVar[bool] = True
    """Whether it is about objects; else the predicate itself says what it is about."""

    def check_subject(self, *, is_named: bool) -> None:
        """Check that it is about something.

        Args:
            is_named: whether its statement names objects, or a root.

        Raises:
            ValueError: neither they nor the predicate say what it is about.
        """
        if self.needs_subject and not is_named:
            kind = type(self).__name__.lower()
            raise ValueError(f"a statement of the kind {kind} is about something: subject is empty")

    def check(self) -> None:
        """Check what the types of the fields cannot say.

        Raises:
            ValueError: a day or time does not exist, or fields contradict one another.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name in _TIMES and value is not None:
                parse_time(value)
            elif name in _DAYS:
                parse_time(f"{value}T00:00:00Z")
