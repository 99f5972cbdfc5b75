"""How much of this server one client may use, so that no other is slowed by it.

Three measures, all in memory of a fixed size: how often a client may ask (a token bucket), how many of the
few threads it may hold at once, and how many bytes of bodies are held for everybody together. All run in
the event loop's one thread; the time is handed in or the loop's own.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from starlette.types import Message, Receive

MAX_BODY_BYTES = 10 * 2**20
"""Largest body of one POST (bytes). Published as `max_content_length` (TAXII 2.1 §4.2.1)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client, and all of them together, may use. Times are seconds."""

    body_bytes: int = MAX_BODY_BYTES
    bodies_bytes: int = 4 * MAX_BODY_BYTES
    """Bodies held at once, of everybody: what they take of memory, twice while one is put together."""
    bodies_each: int = 2
    """Bodies of one client that are read or written at once."""
    body_idle_s: float = 10.0
    """How long a body may send nothing."""
    body_s: float = 120.0
    """How long a body may take: 10 MiB at 90 KiB/s."""
    refused_bytes: int = 2 * MAX_BODY_BYTES
    """Bytes of a refused body that are thrown away so that its sender hears why."""
    refused_s: float = 5.0
    requests_per_s: float = 500.0
    """Of one credential; about what one core answers."""
    requests_burst: float = 5000.0
    """A full read of five million objects, in pages of 1,000."""
    strangers_per_s: float = 50.0
    """Requests without a credential, of one address."""
    strangers_burst: float = 500.0
    failures_per_s: float = 0.5
    """Credentials that are not ours, of one address. 256 random bits need no lock; this keeps the noise down."""
    failures_burst: float = 20.0
    threads_each: int = 2
    """Threads that one client holds at once, of the readers' 4."""
    waiting_each: int = 32
    """Requests of one client that wait for their turn."""
    waiting: int = 256
    """Requests that wait for a thread, of everybody."""
    keys: int = 10_000
    """Clients that are remembered; beyond them the one not seen for longest is forgotten."""


class CrowdedError(Exception):
    """Too much is asked for at once."""

    def __init__(self, retry_after_s: float, *, yours: bool) -> None:
        super().__init__("crowded")
        self.retry_after_s = retry_after_s
        self.yours = yours
        """Whether it is the client's own share that is used up, and not everybody's."""


class BodyTooLargeError(Exception):
    """A body is larger than one may be."""


class BodyTooSlowError(Exception):
    """A body does not come fast enough."""


class GoneError(Exception):
    """The client has hung up."""


def address_key(host: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 that an IPv6 address is in."""
    try:
        address = ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)


class Buckets:
    """A token bucket for each client: `burst` at once, and `per_s` in the long run."""

    def __init__(self, per_s: float, burst: float, keys: int) -> None:
        self._per_s, self._burst, self._keys = per_s, burst, keys
        self._held: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, at_s: float) -> float:
        """Take one, and return 0.0; or return how many seconds later there is one.

        Args:
            key: the client.
            at_s: a clock that never goes back.
        """
        level, since = self._held.pop(key, (self._burst, at_s))
        level = min(level + (at_s - since) * self._per_s, self._burst)
        wait_s = 0.0 if level >= 1 else (1 - level) / self._per_s
        self._held[key] = (level if wait_s else level - 1, at_s)
        if len(self._held) > self._keys:
            self._held.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        return len(self._held)


class Turns:
    """Who may go next: each client a few at once, and nobody waits in an endless queue."""

    def __init__(self, each: int, waiting_each: int, waiting: int) -> None:
        self._each, self._waiting_each, self._waiting = each, waiting_each, waiting
        self._clients: dict[Hashable, tuple[asyncio.Semaphore, list[int]]] = {}
        self._held = 0

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait until it is this client's turn, and hold it.

        Raises:
            CrowdedError: too many wait.
        """
        if self._held >= self._waiting:
            raise CrowdedError(1.0, yours=False)
        semaphore, held = self._clients.setdefault(key, (asyncio.Semaphore(self._each), [0]))
        if held[0] >= self._waiting_each + self._each:
            raise CrowdedError(1.0, yours=True)
        held[0] += 1
        self._held += 1
        try:
            async with semaphore:
                yield
        finally:
            self._held -= 1
            held[0] -= 1
            if not held[0]:
                del self._clients[key]


class Room:
    """Memory for bodies: bytes that are promised are taken from one store."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes = 0
        self._clients: dict[Hashable, int] = {}

    @contextmanager
    def hold(self, key: Hashable, count: int) -> Iterator[None]:
        """Hold room for a body of `count` bytes.

        Raises:
            CrowdedError: there is none left, for this client or for anybody.
        """
        mine = self._clients.get(key, 0)
        if mine >= self._limits.bodies_each:
            raise CrowdedError(2.0, yours=True)
        if self._bytes + count > self._limits.bodies_bytes:
            raise CrowdedError(2.0, yours=False)
        self._bytes += count
        self._clients[key] = mine + 1
        try:
            yield
        finally:
            self._bytes -= count
            self._clients[key] -= 1
            if not self._clients[key]:
                del self._clients[key]


class Incoming:
    """`receive` that knows whether the body has come to its end."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_over = False

    async def __call__(self) -> Message:
        """Return the next part."""
        message = await self._receive()
        self.is_over = not message.get("more_body", False)
        return message


async def read_body(receive: Receive, limits: Limits) -> bytes:
    """Read a whole body.

    Raises:
        BodyTooLargeError: it is longer than `body_bytes`, whatever it said before.
        BodyTooSlowError: it stands still, or takes too long as a whole.
        GoneError: the client has hung up before its end.
    """
    chunks: list[bytes] = []
    taken = 0
    clock = asyncio.get_running_loop().time
    ends = clock() + limits.body_s
    while True:
        try:
            async with asyncio.timeout(min(limits.body_idle_s, ends - clock())):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlowError from None
        if message["type"] != "http.request":
            raise GoneError
        chunk: bytes = message.get("body", b"")
        taken += len(chunk)
        if taken > limits.body_bytes:
            raise BodyTooLargeError
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def throw_away(receive: Receive, limits: Limits) -> None:
    """Read and forget what is left of a refused body, within bounds.

    Many clients read no answer before they have sent everything: without this they see a broken
    connection and never hear why.
    """
    taken = 0
    try:
        async with asyncio.timeout(limits.refused_s):
            while taken < limits.refused_bytes:
                message = await receive()
                taken += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return
