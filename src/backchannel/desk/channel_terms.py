"""How a channel is reached: what of it makes sense, checked when it is added. Asks no network."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from backchannel.desk.addressing import checked_url
from backchannel.desk.channel import Kind, Terms
from backchannel.errors import InputError, UsageError
from backchannel.stix.visible import visible

MAX_WANTED: Final = 200
"""Most collections that one channel names."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}\Z")
_OUR_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
)


def check_terms(kind: Kind, terms: Terms) -> None:
    """Check how a channel is to be reached.

    Raises:
        UsageError: something is not of its form, or contradicts itself.
        InputError: a file that is named cannot be read.
    """
    is_local = kind != "taxii" and os.path.isabs(terms.url)  # noqa: PTH117  # it may be a URL
    if not is_local:
        split = checked_url(terms.url)
        if kind == "taxii" and split.scheme == "http" and not terms.allow_private:
            raise UsageError(
                "TAXII is spoken over https: over http anybody on the way could read and change it",
                hint="Give the https:// URL; with --allow-private a server on your own network may be asked over http.",
            )
    elif not Path(terms.url).exists():
        raise InputError(f"{terms.url} is not there", hint="Correct the name.")
    elif kind == "drop" and not Path(terms.url).is_dir():
        raise InputError(f"{terms.url} is no folder", hint="Name the folder that is to be watched.")
    if len(terms.collections) > MAX_WANTED:
        raise UsageError(f"more than {MAX_WANTED} collections are named", hint="Make several channels.")
    _check_credentials(terms)
    _check_proxy(terms)
    for path in (
        terms.password_file,
        terms.token_file,
        terms.header_file,
        terms.client_cert,
        terms.client_key,
        terms.proxy_auth_file,
    ):
        if path is not None and not os.access(path, os.R_OK):
            raise InputError(f"{path} cannot be read", hint="Correct the name, or its permissions.")
    if terms.ca is not None and not os.access(terms.ca, os.R_OK):
        raise InputError(f"{terms.ca} cannot be read", hint="Correct the name, or its permissions.")


def _check_proxy(terms: Terms) -> None:
    if terms.proxy is None:
        if terms.proxy_auth_file is not None:
            raise UsageError("who asks a proxy says nothing without one", hint="Give --proxy too.")
        return
    if "@" in terms.proxy:
        raise UsageError(
            "the URL of a proxy here carries no user name or password: they would be shown with it",
            hint="Give --proxy-auth-file: `user:password` in one line.",
        )
    try:
        split = checked_url(terms.proxy)
    except UsageError:
        split = None
    if split is None or split.scheme != "http" or split.path.strip("/") or split.query:
        raise UsageError(
            f"{visible(terms.proxy, max_chars=80)!r} is no HTTP proxy that can be used",
            hint="Write scheme, host and port: http://proxy.example:3128. TLS goes through it from end to end.",
        )
    if "://" not in terms.url:
        raise UsageError("a file of this machine is reached by no proxy", hint="Leave --proxy out.")


def _check_credentials(terms: Terms) -> None:
    pairs = (
        ("--user", terms.user, "--password-file", terms.password_file),
        ("--header", terms.header, "--header-file", terms.header_file),
    )
    for one, first, other, second in pairs:
        if (first is None) != (second is None):
            raise UsageError(f"{one} and {other} belong together", hint=f"Give both {one} and {other}.")
    if terms.client_key is not None and terms.client_cert is None:
        raise UsageError("a key without its certificate says nothing", hint="Give --client-cert too.")
    if terms.user is not None and terms.token_file is not None:
        raise UsageError("a password and a token say two things", hint="Give one of them.")
    if terms.user is not None and (":" in terms.user or not terms.user.isprintable()):
        raise UsageError("a user name for HTTP Basic holds no colon", hint="See RFC 7617 §2.")
    if terms.header is not None and (
        _HEADER.match(terms.header) is None or terms.header.lower() in _OUR_HEADERS
    ):
        raise UsageError(
            f"{visible(terms.header, max_chars=80)!r} is no name for a header of yours",
            hint="For example Auth-Key or X-API-Key.",
        )
