"""Open a channel: which protocol is which, and the files that hold its secrets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from backchannel.desk.channel import Channel, Kind, Pause, Terms
from backchannel.errors import InputError

if TYPE_CHECKING:
    from backchannel.channels.http import Door
    from backchannel.channels.tunnel import Proxy

MAX_SECRET_BYTES: Final = 64 * 2**10
"""Largest file of a password, token or key (bytes)."""


@contextmanager
def open_channel(kind: Kind, terms: Terms, pause: Pause) -> Iterator[Channel]:
    """Open a channel (`desk.channel.Opener`).

    Raises:
        InputError: a file of a secret or certificate cannot be read.
    """
    with ExitStack() as stack:
        if kind == "taxii" or "://" in terms.url:
            yield _reached(kind, stack.enter_context(_door(terms, pause)), terms, pause, stack)
        elif kind == "drop":
            from backchannel.channels.drops import DropFolder  # noqa: PLC0415

            yield DropFolder(Path(terms.url))
        else:
            from backchannel.channels.folder import open_folder  # noqa: PLC0415

            yield open_folder(kind, Path(terms.url), stack)


def _reached(kind: Kind, door: Door, terms: Terms, pause: Pause, stack: ExitStack) -> Channel:
    """Return a channel over HTTP."""
    if kind == "taxii":
        from backchannel.channels.taxii.client import TaxiiChannel  # noqa: PLC0415

        return TaxiiChannel(door, terms, pause)
    if kind == "drop":
        from backchannel.channels.drops import DropBox  # noqa: PLC0415

        return DropBox(door, terms.url)
    from backchannel.channels.feed import open_feed  # noqa: PLC0415

    return stack.enter_context(open_feed(kind, door, terms.url))


def _door(terms: Terms, pause: Pause) -> Door:
    from backchannel.channels.http import Credentials, Door  # noqa: PLC0415  # 0.1 s that other commands need not pay

    credentials = Credentials(
        user=terms.user or "",
        password=_secret(terms.password_file) if terms.password_file else "",
        headers=_headers(terms),
        certificate=terms.client_cert or "",
        key=terms.client_key or "",
    )
    try:
        return Door(
            terms.url,
            credentials=credentials,
            pause=pause,
            ca=terms.ca,
            allow_private=terms.allow_private,
            proxy=_proxy(terms),
        )
    except OSError as error:  # ssl.SSLError is one
        raise InputError(
            f"a certificate or its key cannot be used: {error.strerror or type(error).__name__}",
            hint="They are PEM files, and the key belongs to the certificate and has no password.",
        ) from None


def _proxy(terms: Terms) -> Proxy | None:
    if terms.proxy is None:
        return None
    from backchannel.channels.tunnel import USUAL_PORT, Proxy, basic  # noqa: PLC0415  # as above

    split = urlsplit(terms.proxy)
    said = basic(_secret(terms.proxy_auth_file)) if terms.proxy_auth_file else ""
    return Proxy(split.hostname or "", split.port or USUAL_PORT, said)


def _headers(terms: Terms) -> dict[str, str]:
    found: dict[str, str] = {}
    if terms.token_file:
        token = _secret(terms.token_file)
        has_scheme = token.partition(" ")[0].lower() in {"bearer", "token", "basic"} and " " in token
        found["Authorization"] = token if has_scheme else f"Bearer {token}"
    if terms.header and terms.header_file:
        found[terms.header] = _secret(terms.header_file)
    return found


def _secret(path: str) -> str:
    """Return what a file of a secret holds; a line end at its end is none of it.

    Raises:
        InputError: it cannot be read, or holds more or less than one line of text.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", hint="It holds a secret of a channel."
        ) from None
    try:
        text = data.decode().rstrip("\r\n")
        text.encode("latin-1")
    except (UnicodeDecodeError, UnicodeEncodeError):
        text = ""
    if not text or not text.isprintable() or len(data) > MAX_SECRET_BYTES:
        raise InputError(f"{path} holds no secret: one line of text is expected", hint="Write it anew.")
    return text
