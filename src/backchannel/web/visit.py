"""One visit to a page: the open node, what was asked, and how to answer. One hop to a thread for each.

The store is synchronous, so a handler is a plain function from a `Visit` to a response: it opens the node,
asks the desk, and draws the page in one thread, while the event loop serves others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from backchannel.clock import Clock
from backchannel.desk.node import Node, open_node
from backchannel.errors import UsageError
from backchannel.parties.at_rest import Unseal
from backchannel.web.rendering import Frame, Renderer, document, with_query

MAX_FORM_FIELDS = 20
"""Our forms have at most five."""
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class House:
    """What all pages of one server share."""

    home: Path
    clock: Clock
    renderer: Renderer
    base_url: str
    """How browsers and clients reach it."""
    unseal: Unseal | None = None
    """Opens our keys where they are under a passphrase that `serve` was given."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, with the node open for as long as it takes."""

    house: House
    node: Node
    path: str
    parts: Mapping[str, str]
    """What stands for the names in the route: `{stix_id}`."""
    query: Mapping[str, str]
    form: Mapping[str, str]
    """Empty unless it is a POST; every value without blanks around it."""

    @property
    def clock(self) -> Clock:
        """Where a desk call gets the time from."""
        return self.house.clock

    def answer(
        self,
        value: msgspec.Struct,
        template: str,
        *,
        section: str,
        status: int = 200,
        has_twin: bool = True,
        **values: object,
    ) -> Response:
        """Answer with the desk's document at a `.json` address, else with the page made of it.

        A page that a form leads to, and that is shown once, has no twin.
        """
        if self.path.endswith(".json"):
            return document(value)
        path = "/inbox" if self.path == "/" else quote(self.path)
        kept = {key: text for key, text in self.query.items() if key != "said"}
        frame = Frame(
            us=self.node.party.name,
            now=self.clock.now(),
            section=section,
            twin=with_query(f"{path}.json", **kept) if has_twin else "",
        )
        return self.house.renderer.page(template, frame, status=status, **values)


Handler = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(house: House, handler: Handler) -> Endpoint:
    """Return `handler` as Starlette wants it."""

    async def answer(request: Request) -> Response:
        form = await _form(request) if request.method == "POST" else {}
        return await run_in_threadpool(_answer, house, handler, request, form)

    return answer


def _answer(house: House, handler: Handler, request: Request, form: Mapping[str, str]) -> Response:
    with open_node(house.home) as node:
        return handler(
            Visit(house, node, request.url.path, request.path_params, dict(request.query_params), form)
        )


def see_other(path: str, **query: str) -> Response:
    """Answer a POST: go and look at `path` (RFC 9110 §15.4.4), so that a reload does not post again."""
    return RedirectResponse(with_query(path, **query), 303)


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()  # bounded by the guard
    media_type = request.headers.get("content-type", FORM).partition(";")[0].strip().lower()
    if media_type != FORM:
        raise UsageError("a page takes plain forms only", hint=f"Send it as {FORM}.")
    try:
        fields = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        raise UsageError("the form is not one of ours", hint="Open the page and press its button.") from None
    return {name: text.strip() for name, text in fields}
