"""Coming in and going out: the login link, asking for a new one, signing out."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from backchannel.web.auth import LINK_MINUTES, NEW_LINK_SECONDS, Logins
from backchannel.web.guard import Address, session_of
from backchannel.web.rendering import Renderer


def login_url(base_url: str, secret: str) -> str:
    """Return the login link with `secret`."""
    return f"{base_url}/login?link={secret}"


class Doorway:
    """The pages that need no session."""

    def __init__(
        self,
        address: Address,
        logins: Logins,
        renderer: Renderer,
        announce: Callable[[str], None] | None,
    ) -> None:
        self._address, self._logins, self._renderer, self._announce = address, logins, renderer, announce

    async def login(self, request: Request) -> Response:
        """`/login?link=SECRET` signs a browser in, once; without a link it says where to find one."""
        secret = request.query_params.get("link")
        following = _own_path(request.query_params.get("next", "/"))
        if secret is None:
            return self._page("closed", following)
        if request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", ""):
            return Response(status_code=204)  # a preview of the link must not use it up
        session = self._logins.redeem(secret)
        if session is None:
            return self._page("wrong", "/", status=403)
        # A cookie with SameSite=Strict is not sent along a redirect that began on another site (a link in a
        # mail page): such a visitor gets a page of ours to go on from.
        came_from_elsewhere = request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
        answer = self._page("open", "/") if came_from_elsewhere else RedirectResponse("/", 303)
        answer.headers["Set-Cookie"] = self._address.cookie_header(session)
        return answer

    async def new_link(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint takes its request
        """`POST /login/link`: say a new link where the server runs; who sees that terminal can use it."""
        if self._announce is None:
            return self._page("closed", "/", status=404)
        secret = self._logins.ask_for_link()
        if secret is None:
            return self._page("soon", "/", status=429)
        self._announce(login_url(self._address.base_url, secret))
        return self._page("sent", "/")

    async def logout(self, request: Request) -> Response:
        """`POST /logout`: end this session."""
        self._logins.close(session_of(request.headers, self._address))
        answer = RedirectResponse("/login", 303)
        answer.headers["Set-Cookie"] = self._address.cookie_header("")
        return answer

    def _page(self, state: str, following: str, *, status: int = 200) -> Response:
        return self._renderer.alone(
            "login",
            status,
            state=state,
            next=following,
            minutes=LINK_MINUTES,
            seconds=NEW_LINK_SECONDS,
            can_ask=self._announce is not None,
        )


def _own_path(text: str) -> str:
    """Return `text` if it is a path of ours, else `/`: a link must not lead away (open redirect)."""
    is_path = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_path and "\\" not in text and len(text) < 1_000 else "/"
