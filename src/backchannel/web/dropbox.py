"""The drop box: `POST /drop` or `PUT /drop` leaves a file, by a program or by the form of its page.

Nobody has to say who they are, so nothing is said to them but that the bytes are on the disk, with a random ticket:
never whether they could be opened, for whom they are, or whether they were known. And nothing depends on who sends
them, so there is nothing for another site to forge: the rule that a form comes from a page of ours has no place here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from backchannel import codec
from backchannel.channels.bounds import Buckets, Incoming, Limits, address_key, throw_away
from backchannel.desk.box import Box, FullError, Leaving
from backchannel.desk.carried_documents import DropTicket
from backchannel.drop import limits
from backchannel.web.rendering import JSON, Renderer

log = logging.getLogger(__name__)

PATH: Final = "/drop"
PER_S: Final = 0.2
"""Files that one client may leave in the long run, in a second."""
BURST: Final = 30.0
"""And at once."""
AT_ONCE: Final = 32
"""Files being left at the same time, of everybody."""
AT_ONCE_EACH: Final = 4
"""Of them by one client."""
CLIENTS: Final = 10_000
"""Clients that are remembered."""
IDLE_S: Final = 15.0
"""How long a body may send nothing."""
FIRST_S: Final = 30.0
"""How long one may take, beside what its size allows."""
SLOWEST_BYTES_PER_S: Final = 64 * 2**10
"""How fast it has to come at least: 2 GiB in nine hours."""
WRITE_BYTES: Final = 2**20
"""How much is gathered before it is written."""
FULL_RETRY_S: Final = 60
MULTIPART: Final = "multipart/form-data"


class _Refused(Exception):  # noqa: N818  # it is an answer
    """The file is not taken."""

    def __init__(self, status: int, what: str, hint: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(what)
        self.status, self.what, self.hint, self.retry_after_s = status, what, hint, retry_after_s


class DropBoxDoor:
    """The door of the box. Used from one thread."""

    def __init__(self, box: Box, renderer: Renderer) -> None:
        self._box, self._renderer = box, renderer
        self._buckets = Buckets(PER_S, BURST, CLIENTS)
        self._under_way: Counter[str] = Counter()

    async def page(self, request: Request) -> Response:  # noqa: ARG002  # an endpoint takes its request
        """`GET /drop`: the form for people."""
        return self._page(200, state="open")

    async def leave(self, request: Request) -> Response:
        """`POST /drop`, `PUT /drop`: take in a file."""
        is_form = request.headers.get("content-type", "").lower().startswith(MULTIPART)
        incoming = Incoming(request.receive)
        try:
            with self._turn(request):
                ticket = await self._take(request, incoming, is_form=is_form)
        except _Refused as refused:
            answer = self._refusal(refused, is_form=is_form)
            expects = request.headers.get("expect", "").lower() == "100-continue"
            if not (incoming.is_over or expects or refused.status == 408):
                await throw_away(incoming, _REFUSED)
            return answer
        if is_form:
            return self._page(202, state="taken", ticket=ticket)
        return Response(codec.encode(DropTicket(ticket=ticket)), 202, media_type=JSON)

    # --- Taking in -----------------------------------------------------------------------------------

    async def _take(self, request: Request, incoming: Incoming, *, is_form: bool) -> str:
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:19]) > limits.MAX_FILE_BYTES + _FORM_BYTES * is_form:
            raise _TOO_LARGE
        try:
            leaving = await run_in_threadpool(self._box.begin)
        except (FullError, OSError):
            raise _full() from None
        try:
            body = _body(incoming)
            parts = _form_data(body, request.headers["content-type"]) if is_form else body
            await _write(leaving, parts)
            if not leaving.size:
                raise _Refused(400, "Nothing was sent.", "Choose a file, or paste its text.")
            ticket = await run_in_threadpool(leaving.finish)
        except (FullError, OSError):
            leaving.give_up()
            raise _full() from None
        except BaseException:
            leaving.give_up()
            raise
        log.info("box.left", extra={"ticket": ticket, "bytes": leaving.size})
        return ticket

    @contextmanager
    def _turn(self, request: Request) -> Iterator[None]:
        """Hold one of the client's places."""
        client = address_key(request.client.host if request.client else "")
        wait_s = self._buckets.take(client, asyncio.get_running_loop().time())
        if wait_s:
            raise _Refused(429, "Too many files from you.", "Send the others later.", retry_after_s=wait_s)
        if self._under_way[client] >= AT_ONCE_EACH:
            raise _Refused(
                429, "Too many files from you at once.", "Send one after the other.", retry_after_s=5
            )
        if self._under_way.total() >= AT_ONCE:
            raise _full()
        self._under_way[client] += 1
        try:
            yield
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]

    # --- Answering -----------------------------------------------------------------------------------

    def _refusal(self, refused: _Refused, *, is_form: bool) -> Response:
        if is_form:
            answer: Response = self._page(
                refused.status, state="refused", what=refused.what, hint=refused.hint
            )
        else:
            answer = self._renderer.problem(f"{PATH}.json", refused.status, refused.what, refused.hint)
        if refused.retry_after_s:
            answer.headers["Retry-After"] = str(max(1, round(refused.retry_after_s)))
        answer.headers["Connection"] = "close"
        return answer

    def _page(self, status: int, *, state: str, **more: str) -> Response:
        values = {"ticket": "", "what": "", "hint": ""} | more
        return self._renderer.alone("drop", status, state=state, **values)


_FORM_BYTES: Final = 64 * 2**10
"""What stands around a file in a form."""
_TOO_LARGE: Final = _Refused(
    413, f"A drop has at most {limits.MAX_FILE_BYTES:,} bytes.", "Make several smaller ones."
)
_REFUSED: Final = Limits()


def _full() -> _Refused:
    return _Refused(503, "The box is full.", "Come back later.", retry_after_s=FULL_RETRY_S)


async def _body(incoming: Incoming) -> AsyncIterator[bytes]:
    """Yield a body as it comes.

    Raises:
        _Refused: it is too long, or does not come fast enough.
    """
    clock = asyncio.get_running_loop().time
    begin, taken, more = clock(), 0, True
    while more:
        ends = begin + FIRST_S + taken / SLOWEST_BYTES_PER_S
        try:
            async with asyncio.timeout(min(IDLE_S, ends - clock())):
                message = await incoming()
        except TimeoutError:
            raise _Refused(408, "The file did not come fast enough.", "Nothing of it was kept.") from None
        if message["type"] != "http.request":
            raise _Refused(400, "The file did not come to its end.", "Nothing of it was kept.")
        data: bytes = message.get("body", b"")
        taken += len(data)
        if taken > limits.MAX_FILE_BYTES + _FORM_BYTES:
            raise _TOO_LARGE
        more = message.get("more_body", False)
        yield data


async def _write(leaving: Leaving, parts: AsyncIterator[bytes]) -> None:
    waiting, size = [], 0
    async for data in parts:
        waiting.append(data)
        size += len(data)
        if leaving.size + size > limits.MAX_FILE_BYTES:
            raise _TOO_LARGE
        if size >= WRITE_BYTES:
            await run_in_threadpool(leaving.write, b"".join(waiting))
            waiting, size = [], 0
    if size:
        await run_in_threadpool(leaving.write, b"".join(waiting))


async def _form_data(body: AsyncIterator[bytes], content_type: str) -> AsyncIterator[bytes]:
    """Yield what the first field of a form holds that is not empty (RFC 7578): the file, or the pasted text.

    Raises:
        _Refused: it is no form.
    """
    gathered: list[bytes] = []
    field, chosen = 0, 0

    def begin() -> None:
        nonlocal field
        field += 1

    def data(block: bytes, start: int, end: int) -> None:
        nonlocal chosen
        chosen = chosen or (field if end > start else 0)
        if field == chosen:
            gathered.append(block[start:end])

    try:
        _, options = parse_options_header(content_type)
        parser = MultipartParser(options[b"boundary"], {"on_part_begin": begin, "on_part_data": data})
        async for block in body:
            parser.write(block)
            yield b"".join(gathered)
            gathered.clear()
        parser.finalize()
    except (KeyError, FormParserError):
        raise _Refused(400, "The form cannot be read.", "Open the page and press its button.") from None
