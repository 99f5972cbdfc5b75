"""`next`: where a listing goes on, all of it in the text itself.

Nothing is kept on the server and nothing is secret: a cursor says how far its reader has come and what was
asked for, and every page is worked out anew within the rights of whoever brings it (TAXII 2.1, Appendix B).
So it lasts over restarts, may be used twice, and works with or without the parameters that led to it.

In bytes: version (1), digest of the listing (8), stamp of the last object (8, signed, microseconds since
1970), page size (2), then the filter as JSON where there is one; all in base64url without padding, so that
it stands in an address without quoting.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from typing import Final

import msgspec

from backchannel import codec
from backchannel.channels.taxii.server.filters import STAMPS, Filter

MAX_CURSOR_CHARS = 16 * 2**10
"""Longest `next` that is read: a filter of `MAX_FILTER_BYTES` in base64, with room to spare."""

_VERSION: Final = 1
_HEAD = struct.Struct(">B8sqH")
_TEXT = re.compile(r"[A-Za-z0-9_-]+\Z")


class Cursor(msgspec.Struct, frozen=True):
    """Where one listing goes on."""

    listing: bytes
    """8 bytes that name the listing: `listing_digest`."""
    after: int
    """Stamp of the last object that was sent (microseconds since 1970)."""
    limit: int
    """How many a page had, for who comes back without a limit."""
    filter: Filter = Filter()
    """What was asked for on the first page."""


class BadCursorError(ValueError):
    """The text is no cursor of ours."""


def listing_digest(collection_id: str, stix_id: str = "") -> bytes:
    """Name a listing in 8 bytes: a collection, or one object in it."""
    return hashlib.sha256(f"{collection_id}\0{stix_id}".encode()).digest()[:8]


def format_cursor(cursor: Cursor) -> str:
    """Write a cursor for `next`."""
    data = _HEAD.pack(_VERSION, cursor.listing, cursor.after, cursor.limit)
    if cursor.filter != Filter():
        data += codec.encode(cursor.filter.to_list())
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def parse_cursor(text: str) -> Cursor:
    """Read what `format_cursor` wrote.

    Raises:
        BadCursorError: it is not that.
    """
    if len(text) > MAX_CURSOR_CHARS or not _TEXT.match(text):
        raise BadCursorError("not the text of a cursor")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        version, listing, after, limit = _HEAD.unpack_from(data)
        rest = data[_HEAD.size :]
        kept = Filter.from_list(codec.decode(rest)) if rest else Filter()
    except (binascii.Error, struct.error, ValueError) as error:
        raise BadCursorError("not a cursor") from error
    if version != _VERSION or limit == 0 or after not in STAMPS:
        raise BadCursorError("a cursor of another version")
    return Cursor(listing, after, limit, kept)
