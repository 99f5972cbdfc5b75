"""Feeds and the interface of MISP as one ASGI application, for the addresses below `/feeds/` and `/misp/`.

A request passes, in order: the shape of its address, its share of the server, who it comes from, and then the
desk, which knows rights and policy. Every answer, errors too, is one that readers of MISP understand; nothing
that goes wrong further in shows a stack trace. The store is synchronous, so a request hops once to a thread.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from backchannel.channels import bounds
from backchannel.channels.bounds import CrowdedError, GoneError, Limits, address_key
from backchannel.channels.misp.answers import Answer, Refused
from backchannel.channels.misp.endpoints import Asked, Place, find_place
from backchannel.channels.reached import PEER, is_called_by_name
from backchannel.channels.taxii.server.authorization import (
    KEY_HEADER,
    BadCredentialsError,
    Credentials,
    read_credentials,
)
from backchannel.channels.taxii.server.media import takes_gzip
from backchannel.clock import Clock
from backchannel.desk.access import (
    ANONYMOUS,
    Caller,
    NotAllowedError,
    NotThereError,
    caller_by_certificate,
    caller_by_secret,
)
from backchannel.desk.lists import Lists, Spool
from backchannel.desk.node import Node
from backchannel.desk.shelves import Shelves
from backchannel.errors import BackchannelError

log = logging.getLogger(__name__)

MAX_TARGET_BYTES: Final = 4 * 2**10
"""Longest address (bytes)."""
MAX_ASKED_BYTES: Final = 2**20
"""Largest body of a question (bytes): a thousand values to look for have some 100 KiB."""
READERS: Final = 2
"""Threads. Making events of a collection holds the interpreter, so more would not be faster."""
BUSY_RETRY_S: Final = 5.0


class MispServer:
    """Serves the collections of one node to readers of MISP."""

    def __init__(
        self, node: Node, clock: Clock, *, public_url: str | None = None, limits: Limits | None = None
    ) -> None:
        """Take requests for `node`, which stays open as long as this does.

        Args:
            node: whose collections are served.
            clock: decides which credentials have expired and what is in force, and stamps what comes in.
            public_url: how clients reach us: one of the names that we go by.
            limits: what one client may use.
        """
        self._node, self._clock = node, clock
        self._shelves, self._lists = Shelves(), Lists()
        self._public_url = public_url
        self._limits = limits = replace(limits or Limits(), body_bytes=MAX_ASKED_BYTES)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="misp")
        self._known = bounds.Buckets(limits.requests_per_s, limits.requests_burst, limits.keys)
        self._strangers = bounds.Buckets(limits.strangers_per_s, limits.strangers_burst, limits.keys)
        self._failures = bounds.Buckets(limits.failures_per_s, limits.failures_burst, limits.keys)
        self._turns = bounds.Turns(1, limits.waiting_each, limits.waiting)
        self._room = bounds.Room(limits)

    def close(self) -> None:
        """Wait for what is under way, and take no more."""
        self._threads.shutdown(cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        try:
            answer = await self._guarded(scope, headers, receive)
        except GoneError:
            return
        if answer.status == 200 and takes_gzip(headers.get("accept-encoding")):
            answer = answer.packed()
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.all_headers()})
        if scope["method"] != "HEAD":
            await self._send_parts(answer, send)
        await send({"type": "http.response.body"})

    async def _send_parts(self, answer: Answer, send: Send) -> None:
        """Send a body: a file is read and packed in a thread, and no faster than the client takes it."""
        parts, is_file = answer.parts(), isinstance(answer.body, Spool)
        while True:
            part = await asyncio.to_thread(next, parts, None) if is_file else next(parts, None)
            if part is None:
                return
            await send({"type": "http.response.body", "body": part, "more_body": True})

    async def _guarded(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        """Answer, whatever goes wrong."""
        try:
            return await self._answer(scope, headers, receive)
        except Refused as refused:
            found = refused
        except CrowdedError as crowded:
            found = Refused(
                429 if crowded.yours else 503, "Too many requests", retry_after_s=crowded.retry_after_s
            )
        except BackchannelError as error:
            message = error.message[:1].upper() + error.message[1:]
            retry_after_s = BUSY_RETRY_S if error.http_status == 503 else None
            found = Refused(error.http_status, message, hint=error.hint, retry_after_s=retry_after_s)
        except Exception:  # the edge: a bug of ours becomes an answer without its trace
            error_id = str(uuid.uuid4())
            log.exception("misp.bug", extra={"error_id": error_id})
            found = Refused(500, f"Something in Backchannel broke ({error_id})")
        return found.answer(scope["path"][:200])

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        client = scope.get("client")
        address = address_key(client[0] if client else "")
        if not is_called_by_name(scope, headers, self._public_url):
            raise Refused(421, "This server does not go by that name")
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
            raise Refused(414, "The address is too long")
        credentials = self._credentials(headers, address)
        self._share(credentials, address)
        place = find_place(scope["path"])
        if place is None:
            raise Refused(404, "There is nothing at this address") if credentials else _stranger()
        if scope["method"] not in place.methods:
            raise Refused(405, "This address does not take that method")
        if credentials is None and not place.is_open and _certificate(scope) is None:
            raise _stranger()
        key = address if credentials is None else (address, hash(credentials.secret))
        if scope["method"] != "POST":
            return await self._in_turn(key, scope, headers, place, credentials, b"")
        with self._room.hold(key, MAX_ASKED_BYTES):
            body = await self._body(receive)
            return await self._in_turn(key, scope, headers, place, credentials, body)

    async def _body(self, receive: Receive) -> bytes:
        try:
            return await bounds.read_body(receive, self._limits)
        except bounds.BodyTooLargeError:
            raise Refused(413, f"The body is longer than {MAX_ASKED_BYTES // 2**20} MiB") from None
        except bounds.BodyTooSlowError:
            raise Refused(408, "The body did not come fast enough") from None

    async def _in_turn(
        self,
        key: object,
        scope: Scope,
        headers: Headers,
        place: Place,
        credentials: Credentials | None,
        body: bytes,
    ) -> Answer:
        def work() -> Answer:
            caller = self._caller(credentials, scope)
            if caller.party is None and not place.is_open:
                raise _stranger()
            has = headers.get("if-none-match", "")
            asked = Asked(
                self._node,
                self._clock,
                caller,
                self._shelves,
                self._lists,
                scope["path"],
                scope["query_string"],
                has,
                takes_gzip(headers.get("accept-encoding")),
                body,
            )
            try:
                return place.answer(asked)
            except (NotThereError, NotAllowedError):
                if caller.party is None:
                    raise _stranger() from None
                raise

        async with self._turns.turn(key):
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
            except _UnknownCallerError:
                client = scope.get("client")
                raise self._unknown(address_key(client[0] if client else "")) from None

    def _credentials(self, headers: Headers, address: str) -> Credentials | None:
        """Return what a client knows: MISP sends its key as it is, others as HTTP knows it."""
        lines = headers.getlist("authorization")
        try:
            if len(lines) == 1 and " " not in lines[0].strip():
                return read_credentials((), lines)
            return read_credentials(lines, headers.getlist(KEY_HEADER))
        except BadCredentialsError:
            raise self._unknown(address) from None

    def _share(self, credentials: Credentials | None, address: str) -> None:
        """Take one request from the client's share; raises `Refused` where there is none left."""
        buckets = self._strangers if credentials is None else self._known
        key = address if credentials is None else (address, hash(credentials.secret))
        wait_s = buckets.take(key, asyncio.get_running_loop().time())
        if wait_s:
            raise Refused(429, "Too many requests", hint="Ask less often.", retry_after_s=wait_s)

    def _unknown(self, address: str) -> Refused:
        wait_s = self._failures.take(address, asyncio.get_running_loop().time())
        if wait_s:
            return Refused(429, "Too many keys that are not known here", retry_after_s=wait_s)
        return Refused(401, "The key is not known here", hint="It may have expired or been removed.")

    def _caller(self, credentials: Credentials | None, scope: Scope) -> Caller:
        if credentials is None:
            certificate = _certificate(scope)
            found = None
            if certificate is not None:
                found = caller_by_certificate(self._node.store, certificate, now=self._clock.now())
            return found or ANONYMOUS
        found = caller_by_secret(
            self._node.store, credentials.secret, account=credentials.account, now=self._clock.now()
        )
        if found is None:
            raise _UnknownCallerError
        return found


class _UnknownCallerError(Exception):
    """A key is nobody's."""


def _certificate(scope: Scope) -> bytes | None:
    """Return the SHA-256 of the certificate with which the connection was made."""
    found: bytes | None = scope.get("extensions", {}).get(PEER)
    return found


def _stranger() -> Refused:
    """Return the answer to nobody in particular, who learns neither what is here nor what is not."""
    return Refused(401, "Say who you are", hint="Send the token that the operator of this server gave you.")
