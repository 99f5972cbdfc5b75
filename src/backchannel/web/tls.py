"""TLS, and client certificates that are pinned one by one: no common authority is needed.

A certificate that is pinned is trusted as it is, whoever signed it, also itself; any other one that a client
shows fails the handshake, even beside a good token: OpenSSL would let the server look past it by a callback,
which Python's `ssl` does not have. A client that shows none is served, and says who it is with a token. What is
pinned may change at any time, and so may the server's own certificate: each new connection is made with what
holds then.

TLS 1.2 and 1.3 only, without 0-RTT and without the ciphers that RFC 7540 Appendix A lists (TAXII 2.1 §8.2.2).
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backchannel.errors import BackchannelError

log = logging.getLogger(__name__)

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secret and authenticated. Those of TLS 1.3 all are."""
LOOK_AGAIN_S = 1.0
"""How old what is pinned, and our own certificate, may be when a connection is made (seconds).

What is taken away counts at once: requests ask.
"""

Pinned = Callable[[], Sequence[bytes]]
"""Returns every certificate that is pinned (DER)."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Where the certificate chain and its key are (PEM)."""

    certificate: Path
    key: Path

    def stamps(self) -> tuple[tuple[int, int, int], ...]:
        """Return what changes when one of the files is written or put in the other's place.

        Raises:
            OSError: one is missing.
        """
        found = (self.certificate.stat(), self.key.stat())
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)


def make_context(tls: Tls, pinned: Sequence[bytes] = ()) -> ssl.SSLContext:
    """Return what a server's connections are made with.

    Raises:
        OSError: the certificate or its key cannot be read, or they do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(tls.certificate, tls.key)
    if pinned:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself, not its authority
        for certificate in pinned:
            try:
                context.load_verify_locations(cadata=certificate)
            except ssl.SSLError:
                continue  # pinned by an older version, and no longer one that is understood
    return context


class PinnedContext(ssl.SSLContext):
    """A context that trusts what is pinned, and shows the certificate that is there, when a connection is made."""

    _tls: Tls
    _pinned: Pinned
    _now: tuple[tuple[bytes, ...], tuple[tuple[int, int, int], ...]]
    _context: ssl.SSLContext
    _looked_s: float

    @classmethod
    def of(cls, tls: Tls, pinned: Pinned) -> PinnedContext:
        """Return one for a server; raises as `make_context` does."""
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made._tls, made._pinned = tls, pinned
        made._now, made._looked_s = (tuple(pinned()), tls.stamps()), time.monotonic()
        made._context = make_context(tls, made._now[0])
        return made

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Make one connection: asyncio calls it for each."""
        self._refresh()
        return self._context.wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def _refresh(self) -> None:
        at_s = time.monotonic()
        if at_s - self._looked_s < LOOK_AGAIN_S:
            return
        self._looked_s = at_s
        pinned, stamps = self._now
        with suppress(BackchannelError):  # the store is busy: what held a moment ago holds
            pinned = tuple(self._pinned())
        try:
            stamps = self._tls.stamps()
            if (pinned, stamps) != self._now:
                self._context, self._now = make_context(self._tls, pinned), (pinned, stamps)
        except (
            OSError
        ) as error:  # half of it is written: the certificate from before serves until the rest is
            log.warning("tls.not_renewed", extra={"error": str(error.strerror or error)})
