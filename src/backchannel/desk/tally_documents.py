"""What is shown of monthly tallies: what a party's intelligence did here, and what ours did there."""

from __future__ import annotations

import msgspec

from backchannel.provenance.predicates import Tally


class TallyHeard(msgspec.Struct, frozen=True, kw_only=True):
    """What a party signed of what our intelligence did there in one month."""

    at: str
    tally: Tally
    says: tuple[str, ...]
    """Line by line."""


class TallyShown(msgspec.Struct, frozen=True, kw_only=True):
    """`party tally --json`: what a party's intelligence did here in one month."""

    schema: str = "backchannel.tally/1"
    party: str
    tally: Tally
    """All of it, for us."""
    says: tuple[str, ...]
    told: Tally | None
    """As much as the rules of release let the party be told; null: nothing."""
    why: str
    """The rule that decided how much."""
    sent: bool
    """Whether it waits now for the next drop to the party."""
    theirs: tuple[TallyHeard, ...]
    """What the party told us of ours, newest first."""
