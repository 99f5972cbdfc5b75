"""The one door for outgoing requests: every one bounded in time, size and count, and sent to no address it may not.

httpcore2 makes connections and parses HTTP/1.1; what a request may do is decided here. A request whose answer
does not come is sent again a few times; what a server asks for in `Retry-After` is given within a bound.
Credentials are sent to the origin that the operator named and to no other. No secret, and no query of a URL
(feeds carry keys in theirs), gets into a message.
"""

from __future__ import annotations

import logging
import random
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import BinaryIO, Final, NamedTuple, Self, cast
from urllib.parse import SplitResult, urljoin

import httpcore2

from backchannel import __version__
from backchannel.channels.network import Guarded, Watch
from backchannel.channels.reasons import explain_status, explained, later_s
from backchannel.channels.tunnel import Proxy
from backchannel.channels.unpacking import CutOffError, Unpacking
from backchannel.desk.addressing import checked_url, shown_url
from backchannel.desk.channel import BusyError, Pause
from backchannel.errors import NetworkError, UsageError

log = logging.getLogger(__name__)

USER_AGENT: Final = f"Backchannel/{__version__}"
CONNECT_S: Final = 15.0
"""Longest wait for a connection, its TLS handshake included (seconds)."""
SILENCE_S: Final = 30.0
"""Longest wait for the next bytes of an answer (seconds)."""
MAX_ANSWER_BYTES: Final = 64 * 2**20
"""Largest answer read into memory, as received and unpacked (bytes): a page of 1,000 objects of 64 KiB each."""
MAX_REDIRECTS: Final = 3
TRIES: Final = 3
"""How often a request is sent whose connection fails."""
FIRST_WAIT_S: Final = 0.5
"""Before the second try (seconds); doubled for each further one, and blurred so that clients do not come at once."""
MAX_WAIT_S: Final = 60.0
"""Longest wait that a server may ask for within one request (seconds); beyond it the poll ends for now."""
CHUNK_BYTES: Final = 64 * 2**10
SLOWEST_BYTES_PER_S: Final = 256 * 2**10
"""How fast what is sent has to go at least: 2 GiB in little more than two hours."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_BUSY: Final = frozenset({429, 503})
_FAILED: Final = frozenset({502, 504})
"""What a proxy says whose server did not answer: as good as a failed connection."""
_LOST: Final = (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, CutOffError)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What says who we are. Never shown: `repr` tells only what kinds there are."""

    user: str = ""
    password: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Such as `Authorization: Bearer ...` or a key in a header of the server's own."""
    certificate: str = ""
    """Files (PEM) of a client certificate and its key: may stand beside a password."""
    key: str = field(default="", repr=False)

    def lines(self) -> dict[str, str]:
        """Return the header lines."""
        found = dict(self.headers)
        if self.user:
            found["Authorization"] = "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()
        return found


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; of a repeated one the last."""
    body: bytes
    """Empty where it was written to a file."""
    size: int
    """Bytes of the body, unpacked."""
    url: str
    """Where it came from in the end."""


class Door:
    """Sends requests for one channel; one thread at a time."""

    def __init__(
        self,
        home_url: str,
        *,
        credentials: Credentials,
        pause: Pause,
        ca: str | None = None,
        allow_private: bool = False,
        proxy: Proxy | None = None,
    ) -> None:
        """Make a door.

        Args:
            home_url: what the operator named: its origin alone gets the credentials.
            credentials: who we are.
            pause: waits between tries.
            ca: file of the certificates (PEM) that alone are trusted; None: those of the system.
            allow_private: whether requests may go to loopback, link-local and private addresses.
            proxy: through which they go; None: by none, whatever the environment says.

        Raises:
            OSError: a file of certificates cannot be read, or is none.
        """
        self._home = _origin(checked_url(home_url))
        self._credentials = credentials.lines()
        self._pause = pause
        self._watch, self._proxy = Watch(allow_private=allow_private), proxy
        self._ca = ca
        context = _tls(ca) if self._home[0] == "https" else None
        if context is not None and credentials.certificate:
            context.load_cert_chain(credentials.certificate, credentials.key or None)
        self._at_home = self._pool(context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._at_home.close()
        if "_elsewhere" in self.__dict__:
            self._elsewhere.close()

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        into: BinaryIO | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """Ask for `url`, following redirects, waiting and trying again as far as the bounds allow.

        Args:
            url: absolute.
            headers: beside our own.
            into: where the body is written, emptied first for each try; None: it comes with the answer.
            max_bytes: most that is taken of a body.

        Raises:
            NetworkError: nothing came, or more than the bounds allow. `BusyError`: come again later.
        """
        return self._ask(_Request("GET", url, dict(headers or {}), b"", into, max_bytes))

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send `body`; it is sent again only where the connection could not be made, or the server asks for it."""
        return self._ask(_Request("POST", url, dict(headers), body, None, MAX_ANSWER_BYTES))

    def send(self, url: str, headers: Mapping[str, str], file: BinaryIO, size: int) -> Answer:
        """Post a file of `size` bytes, read from its beginning each time it is sent; as `post` does.

        It may take a second more for each `SLOWEST_BYTES_PER_S` of it.
        """
        more_s = size / SLOWEST_BYTES_PER_S
        return self._ask(
            _Request("POST", url, dict(headers), Body(file, size), None, MAX_ANSWER_BYTES), more_s
        )

    @cached_property
    def _elsewhere(self) -> httpcore2.ConnectionPool:
        """Connections to other origins than the one named: without our certificate."""
        return self._pool(_tls(self._ca))

    def _pool(self, context: ssl.SSLContext | None) -> httpcore2.ConnectionPool:
        return httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=2,
            keepalive_expiry=20.0,
            network_backend=Guarded(self._watch, self._proxy),
        )

    def _ask(self, request: _Request, more_s: float = 0.0) -> Answer:
        waited = 0.0
        for turn in range(1, TRIES + 1):
            last = turn == TRIES
            self._watch.begin(more_s)
            try:
                answer = self._follow(request)
            except _LOST as error:
                wait = None if last or not _may_repeat(request, error) else self._wait_s(turn)
                log.info("channel.lost", extra={"url": shown_url(request.url), "error": type(error).__name__})
                if wait is None:
                    if isinstance(error, NetworkError):
                        raise
                    raise explained(error, shown_url(request.url)) from None
            else:
                if answer.status not in _BUSY | _FAILED:
                    return answer
                asked = later_s(answer.headers)
                wait = self._wait_s(turn) if asked is None else asked
                if last or waited + wait > MAX_WAIT_S:
                    what = explain_status(answer.status, shown_url(answer.url))
                    raise BusyError(what, retry_after_s=wait, hint="It is asked again later.")
            waited += wait
            self._pause(wait)
        raise AssertionError("the last turn returns or raises")

    def _wait_s(self, turn: int) -> float:
        return cast("float", FIRST_WAIT_S * 2 ** (turn - 1) * random.uniform(0.5, 1.5))

    def _follow(self, request: _Request) -> Answer:
        url = request.url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._once(request, url)
            target = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not target:
                return answer
            following = urljoin(url, target)
            self._check_redirect(request, answer.status, url, following)
            url = following
        raise NetworkError(
            f"{shown_url(request.url)} leads from one address to the next, more than {MAX_REDIRECTS} times",
            hint="Find out its present address and give that.",
        )

    def _check_redirect(self, request: _Request, status: int, url: str, following: str) -> None:
        try:
            here, there = checked_url(url), checked_url(following)
        except UsageError:
            raise NetworkError(
                f"{shown_url(url)} leads to what is no URL",
                hint="Find out its present address and give that.",
            ) from None
        if here.scheme == "https" and there.scheme == "http":
            raise NetworkError(
                f"{shown_url(url)} leads away from https to {shown_url(following)}, where anybody could listen",
                hint="Find out its present address and give that.",
            )
        if request.method == "POST" and (status not in {307, 308} or _origin(here) != _origin(there)):
            raise NetworkError(
                f"{shown_url(url)} leads to {shown_url(following)}, and what is sent does not follow there",
                hint="If that is the right address, give it to `backchannel channel add`.",
            )

    def _once(self, request: _Request, url: str) -> Answer:
        split = checked_url(url)
        is_home = _origin(split) == self._home
        self._watch.only_private = split.scheme == "http" and is_home and bool(self._credentials)
        pool, body = self._at_home if is_home else self._elsewhere, request.body
        lines = request.lines(split.netloc, self._credentials if is_home else {})
        with pool.stream(
            request.method,
            httpcore2.URL(_target(split)),
            headers=[(name.encode("latin-1"), text.encode("latin-1")) for name, text in lines.items()],
            content=iter(body) if isinstance(body, Body) else body or None,
            extensions={"timeout": _TIMEOUTS},
        ) as response:
            headers = {
                name.decode("latin-1").lower(): text.decode("latin-1") for name, text in response.headers
            }
            if request.into is None or response.status != 200:
                kept = BytesIO()
                size = _read(response, headers, kept, MAX_ANSWER_BYTES, shown_url(url))
                return Answer(response.status, headers, kept.getvalue(), size, url)
            size = _read(response, headers, request.into, request.max_bytes, shown_url(url))
            return Answer(response.status, headers, b"", size, url)


_TIMEOUTS: Final = {"connect": CONNECT_S, "read": SILENCE_S, "write": SILENCE_S, "pool": CONNECT_S}


class Body:
    """A file that is sent."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while data := self._file.read(CHUNK_BYTES):
            yield data


class _Request(NamedTuple):
    """What is asked."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Body
    into: BinaryIO | None
    max_bytes: int

    def lines(self, host: str, credentials: Mapping[str, str]) -> dict[str, str]:
        """Return the header lines as they are sent to `host`."""
        length = {"Content-Length": str(len(self.body))} if self.method == "POST" else {}
        ours = {"Host": host, "User-Agent": USER_AGENT, "Accept-Encoding": "gzip"}
        return {**ours, **self.headers, **length, **credentials}


def _read(
    response: httpcore2.Response, headers: Mapping[str, str], sink: BinaryIO, max_bytes: int, shown: str
) -> int:
    """Write the unpacked body to `sink`, from its beginning, and return its length (bytes)."""
    sink.seek(0)
    sink.truncate()
    unpacking = Unpacking(headers.get("content-encoding", ""), shown)
    received = size = 0
    for data in response.iter_stream():
        received += len(data)
        for part in unpacking.feed(data):
            size += len(part)
            if max(size, received) > max_bytes:
                raise NetworkError(
                    f"the answer of {shown} is larger than the {max_bytes // 2**20} MiB that are taken",
                    hint="Nothing of it was taken; ask its operator for smaller pages or a smaller file.",
                )
            sink.write(part)
    unpacking.finish()
    sink.seek(0)
    return size


def _may_repeat(request: _Request, error: Exception) -> bool:
    """Whether sending it again can do no harm: what was posted may have been taken before the connection broke."""
    return request.method == "GET" or isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout)


def _origin(split: SplitResult) -> tuple[str, str, int]:
    """Return scheme, host and port (RFC 6454 §4)."""
    return (
        split.scheme,
        (split.hostname or "").lower(),
        split.port or (443 if split.scheme == "https" else 80),
    )


def _target(split: SplitResult) -> str:
    path = split.path or "/"
    return f"{split.scheme}://{split.netloc}{path}" + (f"?{split.query}" if split.query else "")


def _tls(ca: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # TAXII 2.1 §8.2.2
    return context
