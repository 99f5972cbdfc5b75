"""Why a key, a card, a key set or an invitation is refused.

The codes are those of the closed list in docs/reference/reasons.md; here stand the ones that can be told from
keys alone. Nothing secret ever enters a refusal: it names a key by its `kid`, a card by its party.
"""

from __future__ import annotations

from enum import StrEnum

from backchannel.errors import SignatureError


class Refusal(StrEnum):
    """A code of docs/reference/reasons.md."""

    TOO_LARGE = "too-large"
    NOT_CANONICAL = "not-canonical"
    BAD_FORM = "bad-form"
    UNKNOWN_KEY = "unknown-key"
    BAD_SIGNATURE = "bad-signature"
    WRONG_USE = "wrong-use"
    KEY_NOT_CURRENT = "key-not-current"
    REVOKED_KEY = "revoked-key"
    MAYBE_STOLEN_KEY = "maybe-stolen-key"
    WEAK_KEY = "weak-key"
    KEY_CLASH = "key-clash"
    NAME_CLASH = "name-clash"
    KEYSET_ROLLBACK = "keyset-rollback"
    KEYSET_FORK = "keyset-fork"
    KEYSET_UNSIGNED = "keyset-unsigned"
    KEYSET_EXPIRED = "keyset-expired"
    WRONG_CODE = "wrong-code"
    CODE_SPENT = "code-spent"
    NOT_VERIFIED = "not-verified"


class KeyRefusedError(SignatureError):
    """A key, or what was said with one, is refused. `reason` is its code."""

    def __init__(self, reason: Refusal, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
