"""Introduction: a party that both sides know says whose card it is.

What is said is the predicate of a statement of the type `vouch` (the digest of the card, how the introducer knows
it, and since when), signed by the introducer and sent to both sides with the other's card. It makes a party
*introduced*, no more; and one introducer counts once, however often he says it.
"""

from __future__ import annotations

from enum import StrEnum

from backchannel.parties.card import Card
from backchannel.parties.names import visible_name
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.states import Standing


class How(StrEnum):
    """How the introducer knows whose keys they are."""

    IN_PERSON = "in-person"
    VOICE = "voice"
    """They compared the safety number."""
    CODE = "code"
    """They used an invitation code."""
    WORK = "work"
    """They have worked together, without ever comparing keys."""


def check_vouch(digest: str, card: Card, *, introducer: Standing) -> None:
    """Decide whether a vouching counts for a card.

    Args:
        digest: of which card it speaks (`Card.digest`).
        card: the card that came with it.
        introducer: how far the party that signed it is known here.

    Raises:
        KeyRefusedError: `not-verified`: the introducer is not verified; `bad-signature`: it is of another card.
    """
    if introducer != Standing.VERIFIED:
        raise KeyRefusedError(
            Refusal.NOT_VERIFIED,
            f"the introducer is {introducer!s} here: only a verified party may introduce another",
            hint="Verify the introducer first: backchannel party verify.",
        )
    if digest != card.digest:
        raise KeyRefusedError(
            Refusal.BAD_SIGNATURE,
            f"the introducer vouched for another card than the one of {visible_name(card.name)} that came with it",
            hint="Ask the introducer for the card again.",
        )
