"""Who may see the pages: a link that works once, then a session.

There is no password. `serve` prints a link; opening it within 30 minutes gives the browser a session
cookie. Both secrets are random, live in this process's memory only, and there only as SHA-256, so neither
a core dump of the store nor a restart gives anybody a session (DESIGN §10).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hmac import compare_digest

from backchannel.clock import Clock
from backchannel.ids import Digest, sha256

LINK_MINUTES = 30
"""How long a login link works (DESIGN §10)."""
SESSION_HOURS = 12
"""How long a session lasts, whatever happens in it: one long shift."""
MAX_LINKS = 3
"""Links that may be open at once: a new one closes the oldest."""
MAX_SESSIONS = 32
"""Sessions that may be open at once; bounds memory. A new one closes the oldest."""
NEW_LINK_SECONDS = 10
"""Pause between two links asked for from the login page: keeps a stranger from flooding the terminal."""
_SECRET_BYTES = 32
_MAX_SECRET_CHARS = 100


class Logins:
    """Open links and sessions of one server. Used from one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._links: dict[Digest, datetime] = {}
        self._sessions: dict[Digest, datetime] = {}
        self._asked_at: datetime | None = None

    def new_link(self) -> str:
        """Open a new link and return its secret (43 characters, URL-safe)."""
        return _open(self._links, self._clock.now(), timedelta(minutes=LINK_MINUTES), MAX_LINKS)

    def ask_for_link(self) -> str | None:
        """Open a new link for somebody who is not signed in; None where the last one is too fresh."""
        now = self._clock.now()
        if self._asked_at is not None and now - self._asked_at < timedelta(seconds=NEW_LINK_SECONDS):
            return None
        self._asked_at = now
        return self.new_link()

    def redeem(self, secret: str) -> str | None:
        """Use up the link with `secret` and return the secret of a new session; None if there is none."""
        now = self._clock.now()
        link = _find(self._links, secret, now)
        if link is None:
            return None
        del self._links[link]
        return _open(self._sessions, now, timedelta(hours=SESSION_HOURS), MAX_SESSIONS)

    def is_open(self, session: str) -> bool:
        """Whether `session` is the secret of a session that has not run out."""
        return _find(self._sessions, session, self._clock.now()) is not None

    def close(self, session: str) -> None:
        """End the session with this secret, if there is one."""
        found = _find(self._sessions, session, self._clock.now())
        if found is not None:
            del self._sessions[found]


def _open(secrets_open: dict[Digest, datetime], now: datetime, life: timedelta, most: int) -> str:
    for digest in [d for d, ends_at in secrets_open.items() if ends_at <= now]:
        del secrets_open[digest]
    while len(secrets_open) >= most:
        del secrets_open[next(iter(secrets_open))]  # the oldest: a dict keeps its order
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    secrets_open[sha256(secret.encode())] = now + life
    return secret


def _find(secrets_open: dict[Digest, datetime], secret: str, now: datetime) -> Digest | None:
    if len(secret) > _MAX_SECRET_CHARS or not secret.isascii():
        return None
    wanted = sha256(secret.encode())
    found = None
    for digest, ends_at in secrets_open.items():
        # compare_digest: a byte-by-byte compare leaks the secret's digest through timing.
        if compare_digest(digest, wanted) and now < ends_at:
            found = digest
    return found
