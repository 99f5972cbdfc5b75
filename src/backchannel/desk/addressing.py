"""URLs of other servers: which can be asked, and what of one may be shown."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from backchannel.errors import UsageError

MAX_URL_CHARS: Final = 16_384
"""Longest URL that is asked (characters): a `next` of a server is in it."""


def shown_url(url: str) -> str:
    """Return `url` without what might be secret: who asks, the query, the fragment."""
    split = urlsplit(url)
    host = split.netloc.rpartition("@")[2]
    return f"{split.scheme}://{host}{split.path}" if split.scheme else url.partition("?")[0]


def checked_url(url: str) -> SplitResult:
    """Return the parts of an absolute URL that a request can be sent to.

    Raises:
        UsageError: it is none.
    """
    try:
        split = urlsplit(url)
        port_ok = split.port is None or split.port > 0
    except ValueError:
        split, port_ok = urlsplit(""), False
    clean = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL_CHARS
    if not (clean and port_ok and split.scheme in {"http", "https"} and split.hostname):
        raise UsageError(
            "that is no URL that can be asked",
            hint="Write it in ASCII with https:// and a host, such as https://taxii.example.org/taxii2/.",
        )
    if "@" in split.netloc:
        raise UsageError(
            "a URL here carries no user name or password: they would be shown with it",
            hint="Give --user and --password-file.",
        )
    return split
