"""What answers at one port: TAXII under `/taxii2/`, readers of MISP under `/misp/` and `/feeds/`, and the pages.

Each channel is one ASGI application for the addresses that begin with its word; the guard of the pages
(sessions, forms) does not stand before them, since programs bring credentials of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from backchannel.channels.bounds import Limits
from backchannel.channels.forwarded import HEADER, Network, client_address
from backchannel.channels.misp.endpoints import FEEDS, REST
from backchannel.channels.misp.server import MispServer
from backchannel.channels.reached import CROWDED
from backchannel.channels.taxii.server.answers import Refused
from backchannel.channels.taxii.server.app import PREFIX, TaxiiServer
from backchannel.clock import Clock
from backchannel.desk import credentials
from backchannel.desk.node import Node, open_node
from backchannel.parties.at_rest import Unseal


class Front:
    """Chooses by the first part of the path."""

    def __init__(
        self, pages: ASGIApp, channels: Mapping[str, ASGIApp], trusted_proxies: Sequence[Network] = ()
    ) -> None:
        self._pages, self._channels, self._trusted = pages, channels, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request on."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
        elif scope.get("extensions", {}).get(CROWDED):
            await _crowded(send)
        else:
            if self._trusted:
                scope = self._behind_proxy(scope)
            first = scope["path"].lstrip("/").partition("/")[0]
            await self._channels.get(first, self._pages)(scope, receive, send)

    def _behind_proxy(self, scope: Scope) -> Scope:
        """Return the request as of the client for whom a proxy asks."""
        peer, port = scope.get("client") or ("", 0)
        address = client_address(peer, Headers(scope=scope).getlist(HEADER), self._trusted)
        return scope if address == peer else {**scope, "client": (address, port)}


async def _crowded(send: Send) -> None:
    answer = Refused(
        503, "Too many connections at once", "Come back later, with fewer of them.", retry_after_s=5
    ).answer(closes=True)
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.all_headers()})
    await send({"type": "http.response.body", "body": answer.body})


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of one node while `serve` runs. Use it in a `with`: leaving ends what is under way."""

    node: Node
    apps: Mapping[str, ASGIApp]
    trusted_proxies: tuple[Network, ...] = ()
    closing: tuple[Callable[[], None], ...] = field(default=())

    def before(self, pages: ASGIApp) -> ASGIApp:
        """Return one application of the channels and `pages`."""
        return Front(pages, self.apps, self.trusted_proxies)

    def certificates(self) -> tuple[bytes, ...]:
        """Return every client certificate that is pinned (DER)."""
        return tuple(credentials.certificates(self.node.store))

    def close(self) -> None:
        """End what is under way, then close the store."""
        for close in self.closing:
            close()
        self.node.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_channels(
    home: Path,
    clock: Clock,
    *,
    public_url: str | None = None,
    trusted_proxies: tuple[Network, ...] = (),
    limits: Limits | None = None,
    unseal: Unseal | None = None,
) -> Channels:
    """Open the channels of the node in `home`; its store stays open for as long as they do.

    Args:
        home: the node's folder.
        clock: gives the time.
        public_url: how clients reach us.
        trusted_proxies: who may say for whom they ask (`channels.forwarded`).
        limits: what one client may use.
        unseal: opens our keys, for comparisons.

    Raises:
        UsageError: there is no node.
        StoreError: its store cannot be opened.
    """
    node = open_node(home)
    taxii = TaxiiServer(node, clock, public_url=public_url, limits=limits, unseal=unseal)
    misp = MispServer(node, clock, public_url=public_url, limits=limits)
    apps: dict[str, ASGIApp] = {PREFIX: taxii, FEEDS: misp, REST: misp}
    return Channels(node, apps, trusted_proxies, (taxii.close, misp.close))
