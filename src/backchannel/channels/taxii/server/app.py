"""The TAXII 2.1 server as one ASGI application.

A request passes, in order: the shape of its address and headers, its share of the server, who it comes
from, and then the desk, which knows rights and policy. Every answer, errors too, is TAXII's media type;
nothing that goes wrong further in shows a stack trace.

The store is synchronous, so a request hops once to one of a few threads of this server's own (a POST
twice: who is it, before its body is read; then the body). Each thread keeps its connection to the store.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from backchannel.channels import bounds
from backchannel.channels.bounds import CrowdedError, GoneError, Limits, address_key
from backchannel.channels.reached import PEER, base_url, is_called_by_name
from backchannel.channels.taxii.server import endpoints, media
from backchannel.channels.taxii.server.answers import Answer, Refused
from backchannel.channels.taxii.server.authorization import (
    KEY_HEADER,
    BadCredentialsError,
    Credentials,
    read_credentials,
)
from backchannel.channels.taxii.server.endpoints import Asked, Place, find_place
from backchannel.channels.taxii.server.form import check_form, too_large
from backchannel.clock import Clock
from backchannel.desk import access
from backchannel.desk.access import ANONYMOUS, Caller
from backchannel.desk.node import Node
from backchannel.desk.shown_checkpoint import ShownCheckpoint
from backchannel.desk.taxii import BusyError
from backchannel.errors import BackchannelError
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.ledger.headers import SEEN_HEADER

log = logging.getLogger(__name__)

PREFIX: Final = "taxii2"
"""First part of every address of this server (TAXII 2.1 §8.2.1)."""
MAX_TARGET_BYTES = 32 * 2**10
"""Longest address (bytes): a filter of 8 KiB, once in `match[...]` and once in the cursor."""
READERS = 4
"""Threads that read. SQLite lets go of the interpreter while it works."""
WRITERS = 1
"""Threads that write. One transaction at a time is all that the store takes."""
BUSY_RETRY_S = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, its headers read."""

    scope: Scope
    receive: Receive
    place: Place
    headers: Headers
    method: str
    credentials: Credentials | None
    address: str
    """What counts as one client where there is no credential."""

    @property
    def key(self) -> object:
        """Whose share of the server it takes."""
        return self.address if self.credentials is None else (self.address, hash(self.credentials.secret))


class TaxiiServer:
    """Serves the roots and collections of one node."""

    def __init__(
        self,
        node: Node,
        clock: Clock,
        *,
        public_url: str | None = None,
        limits: Limits | None = None,
        unseal: Unseal | None = None,
    ) -> None:
        """Take requests for `node`, which stays open as long as this does.

        Args:
            node: whose collections are served.
            clock: decides which credentials have expired, and stamps what comes in.
            public_url: how clients reach us, for the URLs in discovery; by default as they came.
            limits: what one client may use.
            unseal: opens our keys, for comparisons.
        """
        self._node, self._clock, self._public_url = node, clock, public_url
        self._unseal = unseal
        self._limits = limits = limits or Limits()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="taxii-read")
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="taxii-write")
        self._known = bounds.Buckets(limits.requests_per_s, limits.requests_burst, limits.keys)
        self._strangers = bounds.Buckets(limits.strangers_per_s, limits.strangers_burst, limits.keys)
        self._failures = bounds.Buckets(limits.failures_per_s, limits.failures_burst, limits.keys)
        self._reads = bounds.Turns(limits.threads_each, limits.waiting_each, limits.waiting)
        self._writes = bounds.Turns(1, limits.waiting_each, limits.waiting)
        self._room = bounds.Room(limits)
        self._ledger = ShownCheckpoint(node)

    def close(self) -> None:
        """Wait for what is under way, and take no more."""
        self._readers.shutdown(cancel_futures=True)
        self._writers.shutdown(cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._guarded(scope, bounds.Incoming(receive))
        except GoneError:
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.all_headers()})
        await send({"type": "http.response.body", "body": answer.body})

    async def _guarded(self, scope: Scope, receive: bounds.Incoming) -> Answer:
        """Answer, whatever goes wrong."""
        try:
            return await self._answer(scope, receive)
        except Refused as refused:
            found = refused
        except CrowdedError as crowded:
            found = _crowded(crowded)
        except BackchannelError as error:
            found = _explained(error)
        except Exception:  # the edge: a bug of ours becomes an error resource without its trace
            error_id = str(uuid.uuid4())
            log.exception("taxii.bug", extra={"error_id": error_id})
            found = Refused(500, "Something in Backchannel broke", "Nothing was taken.", error_id=error_id)
        return await self._refuse(found, scope, receive)

    async def _refuse(self, refused: Refused, scope: Scope, receive: bounds.Incoming) -> Answer:
        """Return the error resource; a body that came with the request is not kept."""
        headers = Headers(scope=scope)
        if receive.is_over:
            return refused.answer()
        if scope["method"] in {"GET", "HEAD"} and "transfer-encoding" not in headers:
            return refused.answer(closes=headers.get("content-length", "0") != "0")
        if headers.get("expect", "").lower() != "100-continue" and refused.status != 408:
            await bounds.throw_away(receive, self._limits)
        return refused.answer(closes=True)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        request = self._read_request(scope, receive)
        self._share(request)
        body_bytes = check_form(request.place, request.headers, request.method, self._limits)
        if request.method == "POST":
            return await self._post(request, body_bytes)
        if request.method == "DELETE":
            return await self._write(request, endpoints.delete)
        is_packed = media.takes_gzip(request.headers.get("accept-encoding"))
        seen = request.headers.get(SEEN_HEADER, "")

        def work(asked: Asked) -> Answer:
            found = endpoints.answer(asked)
            if asked.caller.party is not None:  # strangers learn nothing of our ledger
                found = found.beside(self._ledger.headers(seen))
            return found.packed() if is_packed else found

        return await self._read(request, work)

    # --- Who asks, and how much ------------------------------------------------------------------------

    def _read_request(self, scope: Scope, receive: Receive) -> _Request:
        headers = Headers(scope=scope)
        client = scope.get("client")
        address = address_key(client[0] if client else "")
        if not is_called_by_name(scope, headers, self._public_url):
            raise Refused(421, "This server does not go by that name")
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
            raise Refused(414, "The address is too long", f"It may have {MAX_TARGET_BYTES} bytes.")
        try:
            credentials = read_credentials(headers.getlist("authorization"), headers.getlist(KEY_HEADER))
        except BadCredentialsError:
            raise self._unknown(address) from None
        place = find_place(scope["path"])
        if place is None:
            raise Refused(404, "There is nothing at this address") if credentials else _stranger()
        return _Request(scope, receive, place, headers, scope["method"], credentials, address)

    def _share(self, request: _Request) -> None:
        """Take one request from the client's share; raises `Refused` where there is none left."""
        buckets = self._strangers if request.credentials is None else self._known
        wait_s = buckets.take(request.key, _now_s())
        if wait_s:
            raise Refused(429, "Too many requests", "Ask less often.", retry_after_s=wait_s)

    def _unknown(self, address: str) -> Refused:
        """Return the answer to a credential that is nobody's; to too many of them another one.

        A credential that is somebody's is served all the same: others come from the same address.
        """
        wait_s = self._failures.take(address, _now_s())
        if wait_s:
            return Refused(429, "Too many credentials that are not known here", retry_after_s=wait_s)
        return Refused(401, "The credential is not known here", "It may have expired or been removed.")

    # --- In a thread -----------------------------------------------------------------------------------

    async def _read(self, request: _Request, work: Callable[[Asked], T]) -> T:
        async with self._reads.turn(request.key):
            return await self._in_thread(self._readers, request, work)

    async def _write(self, request: _Request, work: Callable[[Asked], T]) -> T:
        async with self._writes.turn(request.key):
            return await self._in_thread(self._writers, request, work)

    async def _in_thread(
        self, threads: ThreadPoolExecutor, request: _Request, work: Callable[[Asked], T]
    ) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, self._work, request, work)
        except _UnknownCallerError:
            raise self._unknown(request.address) from None

    def _work(self, request: _Request, work: Callable[[Asked], T]) -> T:
        caller = self._caller(request)
        url = base_url(request.scope, request.headers, self._public_url)
        query = request.scope["query_string"]
        try:
            return work(Asked(self._node, self._clock, caller, request.place, query, url, self._unseal))
        except (access.NotThereError, access.NotAllowedError):
            if caller.party is None:
                raise _stranger() from None
            raise

    def _caller(self, request: _Request) -> Caller:
        now, store = self._clock.now(), self._node.store
        if request.credentials is not None:
            secret, account = request.credentials.secret, request.credentials.account
            caller = access.caller_by_secret(store, secret, account=account, now=now)
            if caller is None:
                raise _UnknownCallerError
            return caller
        certificate: bytes | None = request.scope.get("extensions", {}).get(PEER)
        if certificate is None:
            return ANONYMOUS
        return access.caller_by_certificate(store, certificate, now=now) or ANONYMOUS

    async def _post(self, request: _Request, body_bytes: int) -> Answer:
        await self._read(request, endpoints.may_post)
        with self._room.hold(request.key, body_bytes):
            try:
                body = await bounds.read_body(request.receive, self._limits)
            except bounds.BodyTooLargeError:
                raise too_large(self._limits) from None
            except bounds.BodyTooSlowError:
                raise Refused(408, "The body did not come fast enough", "Nothing was taken.") from None
            return await self._write(request, lambda asked: endpoints.post(asked, body))


class _UnknownCallerError(Exception):
    """A credential is nobody's."""


def _stranger() -> Refused:
    """Return the answer to nobody in particular, who learns neither what is here nor what is not."""
    return Refused(401, "Say who you are", "Send the token that the operator of this server gave you.")


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _explained(error: BackchannelError) -> Refused:
    """Return an error of the desk's as an error resource."""
    retry_after_s = None
    if error.http_status == 503:
        retry_after_s = error.retry_after_s if isinstance(error, BusyError) else BUSY_RETRY_S
    title = error.message[:1].upper() + error.message[1:]
    return Refused(error.http_status, title, error.hint, retry_after_s=retry_after_s)


def _crowded(error: CrowdedError) -> Refused:
    status, title = (
        (429, "Too many requests at once") if error.yours else (503, "The server is busy; nothing was taken")
    )
    return Refused(status, title, "Send it again later.", retry_after_s=error.retry_after_s)
