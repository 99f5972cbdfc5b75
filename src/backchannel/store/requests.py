"""What the desk asks of a store about requests for information and answers: ours, those of others, what became of them.

Times are RFC 3339 text, digests 32 bytes. What is said in a request stands in its statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from backchannel.store.rows import PartyRow
from backchannel.store.statements import StatementRow


class NewRequest(NamedTuple):
    """One request to keep."""

    statement_row: int
    party_row: int
    """Whom we asked, or who asks us."""
    is_own: bool
    thread: str
    claim: bytes
    asked_at: str
    needed_by: str


class RequestRow(NamedTuple):
    """One request that is kept."""

    statement: StatementRow
    party_row: int
    party: str
    party_id: str
    is_own: bool
    thread: str
    claim: bytes
    asked_at: str
    needed_by: str
    closed_at: str | None


class HuntRun(NamedTuple):
    """That a hunt request was run here."""

    at: str
    plan: str
    """What a person approved, by its hash."""
    found: bytes | None
    """What is told of it, as JSON; None: it was cut short."""


class Requests(Protocol):
    """What parties ask of one another."""

    def add(self, new: NewRequest) -> None:
        """Keep a request; one that is there already stays as it is."""
        ...

    def get(self, digest: bytes) -> RequestRow | None:
        """Return the request in sight whose statement has this digest."""
        ...

    def like(self, digest_prefix: str, *, at_most: int) -> list[RequestRow]:
        """Return the requests in sight whose statements' digests begin so (hexadecimal), newest first."""
        ...

    def newest(
        self, *, is_own: bool, party_row: int | None, at_most: int, open_at: str | None = None
    ) -> list[RequestRow]:
        """Return requests in sight, newest first.

        Args:
            is_own: ours, or those of others.
            party_row: only those between us and this party.
            at_most: most of them.
            open_at: only those that nobody closed and whose time is not over then.
        """
        ...

    def threads(self, thread: str) -> list[RequestRow]:
        """Return the requests in sight of one question."""
        ...

    def came_since(self, party_row: int, at: str) -> int:
        """Count the requests in sight of a party that came since a time."""
        ...

    def close(self, statement_row: int, *, at: str) -> None:
        """Write down that a request is closed."""
        ...

    def run(self, statement_row: int) -> HuntRun | None:
        """Return the run of a hunt request."""
        ...

    def begin_run(self, statement_row: int, *, at: str, plan: str) -> bool:
        """Write down that a hunt request is run; False where it was before."""
        ...

    def end_run(self, statement_row: int, found: bytes) -> None:
        """Keep what is told of a run."""
        ...

    def helped(self, digest: bytes) -> str | None:
        """Return how a person says that help was given for a declined receipt; None: nobody said so."""
        ...

    def help(self, digest: bytes, *, at: str, how: str) -> None:
        """Write down that help was given."""
        ...

    def replies(self, digest: bytes) -> list[StatementRow]:
        """Return the answers to a statement in sight, and the retractions of it, oldest first."""
        ...

    def of_issuers(self, issuers: Iterable[str], kinds: Sequence[str], *, at_most: int) -> list[StatementRow]:
        """Return the statements in sight that these keys signed, of some kinds, newest first."""
        ...

    def about_id(self, stix_id: str, kinds: Sequence[str], *, at_most: int) -> list[StatementRow]:
        """Return the statements in sight about an object, in whatever content, oldest first.

        What names a redacted form of it is among them where that form claims the same.
        """
        ...

    def gave(self, party_row: int, *, since: str, until: str, at_most: int) -> list[str]:
        """Return the ids of the objects in sight that came of a party in a span of time (`until` exclusive), each once."""
        ...

    def own_outcomes(self, stix_ids: Iterable[str]) -> dict[str, int]:
        """Count the outcomes of our own that stand about these objects, by their word."""
        ...

    def went_to(self, object_digest: bytes) -> list[PartyRow]:
        """Return the parties to whom drops brought an object in this content."""
        ...
