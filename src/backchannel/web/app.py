"""The pages as one ASGI application: which address leads where."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from backchannel.clock import Clock
from backchannel.desk.box import Box
from backchannel.errors import BackchannelError
from backchannel.parties.at_rest import Unseal
from backchannel.web import (
    answers,
    comparing,
    dropbox,
    drops,
    judging,
    ledger,
    offered,
    pages,
    party,
    policy,
    requests,
)
from backchannel.web.assets import Assets
from backchannel.web.auth import Logins
from backchannel.web.doorway import Doorway
from backchannel.web.guard import Address, Guard
from backchannel.web.rendering import Renderer
from backchannel.web.visit import Handler, House, endpoint

log = logging.getLogger(__name__)


def create_app(
    node_home: Path,
    clock: Clock,
    *,
    base_url: str,
    logins: Logins | None = None,
    announce: Callable[[str], None] | None = None,
    box: Box | None = None,
    unseal: Unseal | None = None,
) -> Starlette:
    """Return the application that shows the node in `node_home`.

    Args:
        node_home: the node's folder; opened anew for each request.
        clock: decides about ages, links and sessions.
        base_url: how browsers reach it, scheme and host and port only: `http://127.0.0.1:8017`.
        logins: the open links and sessions; by default none, so nobody can sign in until one is asked for.
        announce: where a login link asked for from the login page is said (a terminal); by default nowhere.
        box: the drop box, where anybody may leave something; by default there is none.
        unseal: opens our keys under a passphrase, for pages that sign; without it those say that they cannot.

    Raises:
        ValueError: `base_url` is not of that form.
    """
    address = Address(_checked(base_url))
    logins = logins or Logins(clock)
    assets, renderer = _read_once()
    doorway = Doorway(address, logins, renderer, announce)
    routes = [
        Route("/login", doorway.login, methods=["GET"]),
        Route("/login/link", doorway.new_link, methods=["POST"]),
        Route("/logout", doorway.logout, methods=["POST"]),
        Route("/static/{name}", assets.file, methods=["GET"]),
        Route("/favicon.ico", assets.favicon, methods=["GET"]),
        *_box_routes(box, renderer),
        *_page_routes(House(node_home, clock, renderer, address.base_url, unseal)),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(
                Guard,
                address=address,
                logins=logins,
                problem=renderer.problem,
                boxes=frozenset([dropbox.PATH] if box is not None else []),
            )
        ],
        exception_handlers=_problems(renderer),
    )
    app.router.redirect_slashes = False
    return app


@functools.cache
def _read_once() -> tuple[Assets, Renderer]:
    """Read templates and files, once for however many applications a process makes."""
    assets = Assets()
    return assets, Renderer(assets)


def _box_routes(box: Box | None, renderer: Renderer) -> list[BaseRoute]:
    if box is None:
        return []
    door = dropbox.DropBoxDoor(box, renderer)
    return [
        Route(dropbox.PATH, door.page, methods=["GET"]),
        Route(dropbox.PATH, door.leave, methods=["POST", "PUT"]),
    ]


def _page_routes(house: House) -> list[BaseRoute]:
    shows, does = functools.partial(_shows, house), functools.partial(_does, house)
    return [
        *shows(pages.inbox, "/", "/inbox", "/inbox.json"),
        *shows(pages.why, "/item/{stix_id}/why.json"),
        *shows(pages.item, "/item/{stix_id}.json", "/item/{stix_id}"),
        does(answers.acknowledge, "/item/{stix_id}/ack"),
        does(answers.decline, "/item/{stix_id}/decline"),
        does(answers.sight, "/item/{stix_id}/sight"),
        does(answers.dispute, "/item/{stix_id}/dispute"),
        does(judging.outcome, "/item/{stix_id}/outcome"),
        does(judging.grade, "/item/{stix_id}/grade"),
        does(judging.union, "/item/{stix_id}/union"),
        *shows(pages.hits, "/hits", "/hits.json"),
        *shows(pages.hub, "/hub", "/hub.json"),
        *shows(pages.batches, "/batches", "/batches.json"),
        *shows(pages.batch, "/batches/{batch_id:int}", "/batches/{batch_id:int}.json"),
        does(answers.undo, "/batches/{batch_id:int}/undo"),
        *shows(drops.drops, "/drops", "/drops.json"),
        *shows(policy.policy, "/policy", "/policy.json"),
        *shows(policy.plan, "/plans/{digest}.json", "/plans/{digest}"),
        *shows(requests.requests, "/requests", "/requests.json"),
        does(requests.answer, "/requests/{which}/answer"),
        *shows(comparing.comparisons, "/comparisons", "/comparisons.json"),
        *shows(comparing.comparison, "/comparisons/{session}.json", "/comparisons/{session}"),
        does(comparing.decide, "/comparisons/{session}"),
        *_exchange_routes(house),
    ]


def _exchange_routes(house: House) -> list[BaseRoute]:
    """Return the pages of channels, parties, the ledger, and what we offer."""
    shows, does = functools.partial(_shows, house), functools.partial(_does, house)
    return [
        *shows(pages.channels, "/channels", "/channels.json"),
        *shows(pages.channel, "/channels/{name}.json", "/channels/{name}"),
        does(answers.poll, "/channels/{name}/poll"),
        does(answers.pause, "/channels/{name}/pause"),
        does(answers.resume, "/channels/{name}/resume"),
        *shows(pages.parties, "/parties", "/parties.json"),
        does(party.invite, "/parties/invite"),
        does(party.join, "/parties/join"),
        does(party.decide, "/parties/alarms/{number:int}"),
        does(party.verify, "/parties/{name}/verify"),
        does(judging.letter, "/parties/{name}/grade"),
        does(judging.sources, "/parties/{name}/deconflict"),
        *(does(party.move, f"/parties/{{name}}/{word}") for word in ("suspend", "resume", "revoke")),
        *shows(party.party, "/parties/{name}.json", "/parties/{name}"),
        *shows(ledger.ledger, "/ledger", "/ledger.json"),
        *shows(offered.taxii, "/taxii", "/taxii.json"),
    ]


def _shows(house: House, handler: Handler, *paths: str) -> list[BaseRoute]:
    return [Route(path, endpoint(house, handler), methods=["GET"]) for path in paths]


def _does(house: House, handler: Handler, path: str) -> BaseRoute:
    return Route(path, endpoint(house, handler), methods=["POST"])


def _checked(base_url: str) -> str:
    split = urlsplit(base_url)
    if split.scheme not in {"http", "https"} or not split.hostname or split.path.strip("/") or split.query:
        raise ValueError(f"a base URL is a scheme and a host, such as http://127.0.0.1:8017: {base_url!r}")
    return f"{split.scheme}://{split.netloc}"


def _problems(renderer: Renderer) -> dict[type[Exception], Callable[[Request, Exception], Response]]:
    """Return how each kind of error becomes an answer; a bug of ours passes on to the guard."""

    def ours(request: Request, error: Exception) -> Response:
        if not isinstance(error, BackchannelError):
            raise error
        log.info("web.refused", extra={"path": request.url.path, "status": error.http_status})
        return renderer.problem(request.url.path, error.http_status, error.message, error.hint)

    def http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        what, hint = _HTTP.get(error.status_code, (error.detail, "Start again from the inbox."))
        return renderer.problem(request.url.path, error.status_code, what, hint)

    return {BackchannelError: ours, HTTPException: http}


_HTTP = {
    404: ("There is no such page.", "Start again from the inbox."),
    405: ("This address does not take that kind of request.", "Open the page and press its button."),
    413: ("A form holds at most 64 KiB, and this one is larger.", "Write less."),
}
