"""TLS, and client certificates that are pinned one by one: no common authority is needed.

A certificate that is pinned is trusted as it is, whoever signed it, also itself; any other one that a client
shows fails the handshake. A client that shows none is served, and says who it is with a token. What is
pinned may change at any time: each new connection is made with what holds then.

TLS 1.2 and 1.3 only, without 0-RTT and without the ciphers that RFC 7540 Appendix A lists (TAXII 2.1 §8.2.2).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backchannel.errors import BackchannelError

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secret and authenticated. Those of TLS 1.3 all are."""
LOOK_AGAIN_S = 1.0
"""How old what is pinned may be when a connection is made. What is taken away counts at once: requests ask."""

Pinned = Callable[[], Sequence[bytes]]
"""Returns every certificate that is pinned (DER)."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Where the certificate chain and its key are (PEM)."""

    certificate: Path
    key: Path


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
    """A context that trusts what is pinned at the moment when a connection is made."""

    _tls: Tls
    _pinned: Pinned
    _now: tuple[bytes, ...]
    _context: ssl.SSLContext
    _looked_s: float

    @classmethod
    def of(cls, tls: Tls, pinned: Pinned) -> PinnedContext:
        """Return one for a server; raises as `make_context` does."""
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made._tls, made._pinned = tls, pinned
        made._now, made._looked_s = tuple(pinned()), time.monotonic()
        made._context = make_context(tls, made._now)
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
        try:
            pinned = tuple(self._pinned())
        except BackchannelError:  # the store is busy: what held a moment ago holds
            return
        if pinned != self._now:
            self._context, self._now = make_context(self._tls, pinned), pinned
