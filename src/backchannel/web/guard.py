"""What every request passes before a page sees it, and what every answer carries when it leaves.

In order: the name the request was sent to (DNS rebinding), the size of its body, whether a request that
changes something was made by our own page (cross-site request forgery), and whether it has a session.
Anything that goes wrong further in becomes a plain page here, never a stack trace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backchannel.web.auth import SESSION_HOURS, Logins

log = logging.getLogger(__name__)

MAX_FORM_BYTES = 64 * 2**10
"""Largest body a page takes (bytes): 4,000 characters of text are 48,000 bytes in a form at most."""
MAX_TARGET_BYTES = 4 * 2**10
"""Longest path and query (bytes): ours stay under 1 KiB."""

_LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_READING: Final = frozenset({"GET", "HEAD"})
_OPEN_PATHS: Final = frozenset({"/login", "/login/link", "/favicon.ico"})
"""What needs no session; and everything under `/static/`."""

_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Problem = Callable[[str, int, str, str], Response]
"""`(path, status, what happened, the next thing to do)` -> the answer, as page or as JSON."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the pages are reached: `http://127.0.0.1:8017`."""

    base_url: str
    """Without a slash at its end."""

    @property
    def is_secure(self) -> bool:
        """Whether browsers come over TLS, to us or to a proxy in front of us."""
        return self.base_url.startswith("https://")

    @property
    def cookie(self) -> str:
        """Name of the session cookie.

        Cookies are not kept apart by port, so the port is in the name: two nodes on one machine would sign
        each other out.
        """
        split = urlsplit(self.base_url)
        if self.is_secure:
            return "__Host-backchannel"  # browsers take this name over TLS and for this one host only
        return f"backchannel_{split.port or 80}"

    def answers_to(self, host: str) -> bool:
        """Whether `host` (of the header) is one of our names.

        A page of a stranger whose name points to 127.0.0.1 (DNS rebinding) sends its own name.
        """
        host = host.lower()
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        return name in _LOOPBACK_NAMES or host == urlsplit(self.base_url).netloc.lower()

    def is_own_origin(self, origin: str, host: str) -> bool:
        """Whether `origin` (of the header) is a page that we served, reached as `host`."""
        scheme = "https" if self.is_secure else "http"
        return origin.lower() in {self.base_url.lower(), f"{scheme}://{host.lower()}"}

    def cookie_header(self, session: str) -> str:
        """Value of `Set-Cookie` that gives a browser `session`; an empty one takes it away."""
        parts = [f"{self.cookie}={session}", "Path=/", "HttpOnly", "SameSite=Strict"]
        parts.append(f"Max-Age={SESSION_HOURS * 3600 if session else 0}")
        return "; ".join(parts + (["Secure"] if self.is_secure else []))


def session_of(headers: Headers, address: Address) -> str:
    """Return the secret in the session cookie; "" without one."""
    return cookie_parser(headers.get("cookie", "")).get(address.cookie, "")


class Guard:
    """ASGI middleware around every page."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        address: Address,
        logins: Logins,
        problem: Problem,
        boxes: frozenset[str] = frozenset(),
    ) -> None:
        """Stand before `app`.

        Args:
            app: the pages.
            address: where they are reached.
            logins: the open links and sessions.
            problem: makes the page of an error.
            boxes: paths where anybody may leave something: they bound bodies themselves, and what is sent there
                does not depend on who sends it, so a session and the page that it comes from are not asked for.
        """
        self._app, self._address, self._logins, self._problem = app, address, logins, problem
        self._boxes = boxes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        answer = _Answer(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        try:
            is_box = scope["path"] in self._boxes
            await self._app(scope, receive if is_box else _bounded(receive), answer)
        except Exception:  # the edge: a bug of ours becomes a page without its trace
            log.exception("web.bug", extra={"path": scope["path"]})
            if answer.started:
                raise
            await self._bug(scope["path"])(scope, receive, answer)

    def _bug(self, path: str) -> Response:
        return self._problem(
            path,
            500,
            "Something in Backchannel broke. Each step is done wholly or not at all: none is half done.",
            "The terminal where `backchannel serve` runs says what. `backchannel doctor` checks the node.",
        )

    def _refusal(self, scope: Scope) -> Response | None:
        """Return why this request goes no further, or None."""
        path, headers = scope["path"], Headers(scope=scope)
        is_box = path in self._boxes
        reason = _wrong_target(scope, self._address, headers) or (None if is_box else _wrong_body(headers))
        if reason is not None:
            return self._problem(path, *reason)
        if is_box:
            return None
        if scope["method"] not in _READING and not _is_own_request(self._address, headers):
            return self._problem(
                path,
                403,
                "This request did not come from one of these pages, so nothing was changed.",
                "Open the page and press its button. A script says this server's address in `Origin`.",
            )
        if path in _OPEN_PATHS or path.startswith("/static/"):
            return None
        if self._logins.is_open(session_of(headers, self._address)):
            return None
        return self._to_login(scope)

    def _to_login(self, scope: Scope) -> Response:
        path = scope["path"]
        if path.endswith(".json") or scope["method"] not in _READING:
            return self._problem(
                path, 401, "You are not signed in.", "Open the link that `backchannel serve` printed."
            )
        query = scope["query_string"].decode("latin-1")
        target = quote(path + (f"?{query}" if query else ""), safe="")
        return RedirectResponse("/login" if path == "/" else f"/login?next={target}", 303)


Reason = tuple[int, str, str]


def _wrong_target(scope: Scope, address: Address, headers: Headers) -> Reason | None:
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not address.answers_to(hosts[0]):
        return 421, "This server does not go by that name.", f"Open {address.base_url} instead."
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return 414, "The address is longer than any page's.", "Start again from the inbox."
    return None


def _wrong_body(headers: Headers) -> Reason | None:
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        return 400, "The header Content-Length is no number.", "Send the request again."
    if int(length[:19]) > MAX_FORM_BYTES:
        return _TOO_LARGE
    return None


_TOO_LARGE: Final[Reason] = (
    413,
    f"A form holds at most {MAX_FORM_BYTES // 2**10} KiB, and this one is larger.",
    "Write less, or import a file with `backchannel import FILE`.",
)


def _is_own_request(address: Address, headers: Headers) -> bool:
    """Whether one of our own pages sent this.

    `Sec-Fetch-Site` is set by the browser and no page can forge it. `same-site` is not enough: on a loopback
    address every other port is the same site. Our pages send no referrer, so browsers send `Origin: null`
    with their forms: it proves nothing and counts as absent.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin", "null")
    return origin != "null" and address.is_own_origin(origin, headers.get("host", ""))


class _Answer:
    """`send` that adds the headers every answer carries, and knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def _bounded(receive: Receive) -> Receive:
    """`receive` that stops a body of unstated length once it is too long."""
    taken = 0

    async def receive_some() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > MAX_FORM_BYTES:
                raise HTTPException(_TOO_LARGE[0])
        return message

    return receive_some
