"""Who a request says it comes from: HTTP Basic, Bearer, `Token`, or a header with the key.

RFC 7617 and RFC 6750; schemes are compared without case (RFC 9110 §11.1), because some clients write
`basic`. A secret never enters a message, a log or the text of a value.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

KEY_HEADER: Final = "x-api-key"
CHALLENGES: Final = ('Basic realm="Backchannel", charset="UTF-8"', 'Bearer realm="Backchannel"')
"""What a 401 offers (TAXII 2.1 §1.6.9): one header line for each."""
MAX_SECRET_CHARS = 4096
"""Longest credential that is looked at; ours have 43 characters."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client knows."""

    secret: str = field(repr=False)
    account: str | None = None
    """The account of HTTP Basic, as it was written."""


class BadCredentialsError(ValueError):
    """There is a credential, and it is not of any form that we know."""


def read_credentials(authorization: Sequence[str], keys: Sequence[str]) -> Credentials | None:
    """Return what the headers say, or None where they say nothing.

    Args:
        authorization: every `Authorization` line.
        keys: every `X-API-Key` line; looked at where there is no `Authorization`.

    Raises:
        BadCredentialsError: it is not of its form, or there are two.
    """
    lines = authorization or keys
    if not lines:
        return None
    if len(lines) > 1 or len(lines[0]) > MAX_SECRET_CHARS:
        raise BadCredentialsError("more than one credential, or one that is too long")
    if not authorization:
        return _checked(lines[0].strip(), None)
    scheme, _, value = lines[0].strip().partition(" ")
    value = value.strip()
    match scheme.lower():
        case "basic":
            account, secret = _basic(value)
            return _checked(secret, account)
        case "bearer" | "token":
            return _checked(value, None)
        case _:
            raise BadCredentialsError("a scheme that is not offered")


def _checked(secret: str, account: str | None) -> Credentials:
    if not secret:
        raise BadCredentialsError("an empty credential")
    return Credentials(secret, account)


def _basic(value: str) -> tuple[str, str]:
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise BadCredentialsError("HTTP Basic that is no base64") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # what clients sent before RFC 7617
    account, colon, secret = text.partition(":")
    if not colon:
        raise BadCredentialsError("HTTP Basic without a colon")
    return account, secret
