"""By which name and over which connection a request reached us."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

PEER: Final = "backchannel.client_certificate"
"""Where the connection says whose certificate it was made with: SHA-256 of its DER form (32 bytes)."""
CROWDED: Final = "backchannel.crowded"
"""Where the connection says that there are too many of them, of everybody or of one address."""

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")


def base_url(scope: Scope, headers: Headers, public_url: str | None) -> str:
    """Return scheme and host by which clients reach us, without a slash at its end.

    Args:
        scope: of the request.
        headers: of the request.
        public_url: what the operator says; it wins over what a request says.
    """
    if public_url is not None:
        return public_url.rstrip("/")
    host = headers.get("host", "")
    if not _HOST.match(host):
        host, port = scope.get("server") or ("127.0.0.1", None)
        host = f"[{host}]" if ":" in host else host
        host = host if port is None else f"{host}:{port}"
    return f"{scope['scheme']}://{host}"


def is_called_by_name(scope: Scope, headers: Headers, public_url: str | None) -> bool:
    """Whether the request was sent to one of our names.

    Without TLS we listen on the loopback, and a page of a stranger whose name points there (DNS rebinding)
    would be answered what is given to anybody; it sends its own name. Over TLS it has no certificate.
    """
    if scope["scheme"] == "https":
        return True
    hosts = headers.getlist("host")
    if not hosts:
        return bool(scope["http_version"] == "1.0")
    host = hosts[0].lower()
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if len(hosts) > 1:
        return False
    if name == "localhost" or (public_url is not None and host == urlsplit(public_url).netloc.lower()):
        return True
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
