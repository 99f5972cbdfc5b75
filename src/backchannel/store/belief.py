"""What the desk asks of a store about belief: how things turned out, where a person knows better, who told us what.

Facts only; what they mean is judged in `trust` and `provenance.origins`. Times are RFC 3339 text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Protocol

from backchannel.ids import BatchId, Digest
from backchannel.store.rows import Kept
from backchannel.store.statements import StatementRow

OutcomeWord = Literal["confirmed", "refuted", "harmful"]
Basis = Literal["own-log", "analyst", "independent-report", "retraction"]
UnionWord = Literal["same", "different"]


class NewOutcome(NamedTuple):
    """How a claim turned out."""

    claim: str
    """Its key (`desk.claims`)."""
    about: str
    """Id of the object by which it was judged."""
    object_row: int
    outcome: OutcomeWord
    basis: Basis
    reason: str
    at: str
    said_by: int | None = None
    """Row of the party that signed it; None: we say so."""
    statement_row: int | None = None
    answer_id: str | None = None


class Credit(NamedTuple):
    """One source for or against which an outcome speaks."""

    source: str
    topic: str
    object_row: int
    """That told us so."""
    party_row: int
    """Who gave it to us; 0: nobody named."""
    told_at: str


class OutcomeRow(NamedTuple):
    """One outcome that stands."""

    outcome_row: int
    claim: str
    about: str
    """Id of the object by which it was judged."""
    outcome: OutcomeWord
    basis: Basis
    said_by: str | None
    """Id of the party that signed it; None: we did."""
    said_by_name: str | None
    answer_id: str | None
    reason: str
    at: str


class Evidence(NamedTuple):
    """One outcome that speaks for or against a source."""

    source: str
    topic: str
    told_at: str
    taken_back_at: str | None
    """When the object by which the source told us was revoked, or taken back in a statement."""
    outcome: OutcomeRow


class GivenLetter(NamedTuple):
    """A letter that a person gave a source."""

    source: str
    letter: str | None
    """None: the person's word ended."""
    reason: str
    at: str


class GivenNumber(NamedTuple):
    """A number that a person gave a claim."""

    claim: str
    about: str
    """Id of the object by which it was given."""
    object_row: int
    number: int | None
    is_blind: bool
    reason: str
    at: str


class GivenUnion(NamedTuple):
    """What a person knows of two reports."""

    first: str
    second: str
    result: UnionWord | None
    reason: str
    at: str


class Told(NamedTuple):
    """One object reaching us once, as far as it tells who told us."""

    object_row: int
    batch_id: BatchId
    party_row: int
    """0: nobody named."""
    party_id: str | None
    party: str | None
    is_self: bool
    channel: str
    at: str


class WentOut(NamedTuple):
    """One object leaving us once."""

    object_row: int
    way: Literal["drop", "push", "page"]
    to: str | None
    """Name of the party; None: anybody."""
    at: str
    form_id: str = ""
    """As what it went, where it went redacted."""
    form_digest: bytes = b""


class ExportFolder(NamedTuple):
    """A folder into which exports are written."""

    folder: str
    control: str
    at: str


class Beliefs(Protocol):
    """Outcomes, overrides, and who told us what."""

    def add_outcome(self, new: NewOutcome, speaks: Iterable[Credit]) -> int | None:
        """Keep an outcome; an earlier one of ours about the same claim is taken back.

        Args:
            new: the outcome.
            speaks: for or against whom it speaks.

        Returns:
            Its row; None: this statement was kept already.
        """
        ...

    def take_back(self, claim: str, *, why: str, at: str) -> bool:
        """Take back our own outcome of a claim; False where none stands."""
        ...

    def outcomes(self, claims: Iterable[str]) -> dict[str, list[OutcomeRow]]:
        """Return the last standing outcome that we, and each other party, say of claims; oldest first."""
        ...

    def evidence(self, sources: Iterable[str], *, at_most: int) -> dict[str, list[Evidence]]:
        """Return the standing outcomes that speak for or against sources: ours, then those of others, the newest first.

        Args:
            sources: their names.
            at_most: for each of them, of ours, and of those of others.
        """
        ...

    def history(self, *, at_most: int) -> list[Evidence]:
        """Return what our own standing outcomes say for and against any source, newest first."""
        ...

    def sources_behind(self, party_id: str, *, at_most: int) -> list[str]:
        """Return the hidden sources behind a relay for or against which anything speaks."""
        ...

    def give_letter(self, given: GivenLetter) -> None:
        """Keep a letter that a person gave."""
        ...

    def letters(self, sources: Iterable[str]) -> dict[str, GivenLetter]:
        """Return the letters that count; a source without one is missing."""
        ...

    def give_number(self, given: GivenNumber) -> None:
        """Keep a number that a person gave."""
        ...

    def numbers(self, claims: Iterable[str]) -> dict[str, GivenNumber]:
        """Return the numbers that count, given by contents in sight; a claim without one is missing."""
        ...

    def give_union(self, given: GivenUnion) -> None:
        """Keep what a person knows of two reports."""
        ...

    def unions(self, object_rows: Iterable[int]) -> list[GivenUnion]:
        """Return what was ever said of pairs whose first report is of one of these contents, oldest first."""
        ...

    def exported(self, folder: ExportFolder) -> None:
        """Keep that an export was written into a folder."""
        ...

    def export_folders(self) -> list[ExportFolder]:
        """Return the folders into which exports were written, by name."""
        ...

    def by_rows(self, object_rows: Iterable[int]) -> list[tuple[Kept, bool]]:
        """Return those of some contents that are in use, and whether they are the version in force; by row."""
        ...

    def spoken_by(self, object_rows: Iterable[int], *, of_each: int, at_most: int) -> list[int]:
        """Choose among contents in use, so that no party drowns another by the number of what it brought.

        Args:
            object_rows: the contents.
            of_each: most that one party brought: of each object the content that came last, the first object first;
                then what came before.
            at_most: most of all.

        Returns:
            The first of each party, then the second of each, and so on.
        """
        ...

    def told(self, object_rows: Iterable[int], *, at_most: int) -> list[Told]:
        """Return the arrivals of objects in complete batches, once for each object and batch, the oldest first.

        Where there are more than `at_most`, what was told first by a party and channel goes before what was told again.
        """
        ...

    def brought(self, statement_rows: Iterable[int]) -> dict[int, frozenset[BatchId]]:
        """Return which batches brought statements."""
        ...

    def deconflicting(self, *, at_most: int) -> list[StatementRow]:
        """Return the statements in sight about two hidden origins, newest first."""
        ...

    def went_out(
        self, object_rows: Sequence[int], digests: Sequence[Digest], *, at_most: int
    ) -> list[WentOut]:
        """Return when and to whom objects went, by drop, push or page, oldest first."""
        ...
