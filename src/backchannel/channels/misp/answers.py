"""What is answered to readers of MISP: files with their entity tags, JSON, and errors in the form that MISP gives them."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Final

from backchannel import codec
from backchannel.desk.lists import Spool
from backchannel.desk.misp import Served

JSON: Final = "application/json"
TYPES: Final = {"json": JSON, "csv": "text/csv; charset=utf-8", "txt": "text/plain; charset=utf-8"}
MIN_GZIP_BYTES: Final = 1024
"""Smaller answers are sent as they are: packing costs more than it saves."""
PART_BYTES: Final = 256 * 2**10
"""How much of a body is read, packed and sent at once (bytes)."""
_PACKED: Final = "-gzip"
"""What ends the entity tag of an answer in gzip."""
_CHALLENGE: Final = (b"www-authenticate", b'Basic realm="Backchannel", charset="UTF-8"')


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, ready to be sent."""

    status: int
    body: bytes | Spool
    headers: tuple[tuple[bytes, bytes], ...] = ()
    closes: bool = False
    """Whether the connection ends with it."""
    is_packed: bool = False

    def packed(self) -> Answer:
        """Return it to be sent in gzip, where that is worth it, with an entity tag of its own."""
        if self.size < MIN_GZIP_BYTES:
            return self
        headers = tuple(
            (name, packed_tag(text.decode()).encode() if name == b"etag" else text)
            for name, text in self.headers
        )
        return replace(self, headers=headers, is_packed=True)

    @property
    def size(self) -> int:
        """Bytes of the body, before it is packed."""
        return self.body.size if isinstance(self.body, Spool) else len(self.body)

    def parts(self) -> Iterator[bytes]:
        """Yield the body as it is sent, some of it at a time; of a file nothing more is ever in memory."""
        packer = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS) if self.is_packed else None
        for at in range(0, self.size, PART_BYTES):
            body = self.body
            part = body.read(at, PART_BYTES) if isinstance(body, Spool) else body[at : at + PART_BYTES]
            sent = part if packer is None else packer.compress(part)
            if sent:
                yield sent
        if packer is not None:
            yield packer.flush()

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Return every header of the answer."""
        found = [
            *self.headers,
            (b"vary", b"Authorization, X-API-Key, Accept-Encoding"),
            (b"x-content-type-options", b"nosniff"),
        ]
        if self.is_packed:
            found.append((b"content-encoding", b"gzip"))
        elif self.status != 304:
            found.append((b"content-length", str(self.size).encode()))
        return [*found, (b"connection", b"close")] if self.closes else found


class Refused(Exception):  # noqa: N818  # an answer that cuts the work short, as much as an error
    """A request that is not served, and why."""

    def __init__(
        self, status: int, message: str, *, hint: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.hint, self.retry_after_s = status, message, hint, retry_after_s

    def answer(self, path: str) -> Answer:
        """Return it as MISP writes its errors."""
        text = f"{self.message}. {self.hint}" if self.hint else self.message
        body = codec.encode(
            {"saved": False, "name": self.message, "message": text, "url": path, "errors": text}
        )
        headers = [(b"content-type", JSON.encode()), (b"cache-control", b"no-store")]
        if self.status == 401:
            headers.append(_CHALLENGE)
        if self.retry_after_s is not None:
            headers.append((b"retry-after", str(max(1, -int(-self.retry_after_s // 1))).encode()))
        return Answer(self.status, body, tuple(headers), closes=True)


def packed_tag(tag: str) -> str:
    """Return the entity tag of what is sent in gzip: other bytes have another one (RFC 9110 §8.8.3)."""
    return f'{tag[:-1]}{_PACKED}"'


def plain_tags(tags: Iterable[str], *, takes_gzip: bool) -> frozenset[str]:
    """Return the entity tags of what a reader has, whichever way it was sent, in the form of what is not packed.

    What it has in gzip helps only a reader that takes gzip now.
    """
    end = f'{_PACKED}"'
    return frozenset(
        f'{tag.removesuffix(end)}"' if tag.endswith(end) else tag
        for tag in tags
        if takes_gzip or not tag.endswith(end)
    )


def file(served: Served, form: str, *, has: Collection[str]) -> Answer:
    """Return a file of a feed, or that the reader has it already.

    Args:
        served: the file.
        form: `json`, `csv` or `txt`.
        has: the entity tags that the reader sent: what it has already is named by its own (RFC 9110 §15.4.5).
    """
    tag = served.etag
    if served.body is None and tag not in has and packed_tag(tag) in has:
        tag = packed_tag(tag)
    headers = [
        (b"content-type", TYPES[form].encode()),
        (b"etag", tag.encode()),
        (b"cache-control", b"private, no-cache"),
    ]
    if served.changed_at is not None:
        headers.append((b"last-modified", formatdate(served.changed_at // 10**6, usegmt=True).encode()))
    if served.body is None:
        return Answer(304, b"", tuple(headers))
    return Answer(200, served.body, tuple(headers))


def json(body: bytes) -> Answer:
    """Return an answer of the interface."""
    return Answer(200, body, ((b"content-type", JSON.encode()), (b"cache-control", b"no-store")))
