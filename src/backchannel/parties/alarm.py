"""The substitution alarm: a card that does not fit what is known here stops until a person has decided.

Somebody who wants to be taken for another sends a card with the other's name, or one like it, and keys of his own;
or takes over the other's keys under a name of his own, so that what the other signed seems to be his.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backchannel.ids import PartyId
from backchannel.parties.card import Card
from backchannel.parties.kid import Kid, shown_kid
from backchannel.parties.names import look, visible_name
from backchannel.parties.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Known:
    """A party as it is known here; ourselves are one of them."""

    party: PartyId
    """The identity it was given here, or that its card gave."""
    name: str
    root: Kid | None
    """None: known by its name only."""
    kids: frozenset[Kid]
    """Every key it ever named."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Why a card stops."""

    reason: Refusal
    """`name-clash` or `key-clash`."""
    known: Known
    sentence: str


def alarms(card: Card, known: Iterable[Known]) -> tuple[Alarm, ...]:
    """Return what speaks against taking a card, given every party that is known; nothing, where all fits.

    A party that is known by its name only is not in the way of the first card under exactly that name.
    """
    return tuple(alarm for one in known if (alarm := _alarm(card, one)) is not None)


def _alarm(card: Card, known: Known) -> Alarm | None:
    theirs, ours = visible_name(card.name), visible_name(known.name)
    if known.root == card.root_kid:
        if card.name == known.name:
            return None
        return Alarm(
            Refusal.KEY_CLASH,
            known,
            f"the card is of {theirs}, and its root key is known here as that of {ours}",
        )
    shared = sorted(known.kids & set(card.kids))
    if shared:
        return Alarm(
            Refusal.KEY_CLASH,
            known,
            f"the card of {theirs} holds the key {shown_kid(shared[0])}, which is known here as one of {ours}",
        )
    if known.root is None and card.name == known.name:
        return None
    if known.root is not None and card.party == known.party:
        return Alarm(
            Refusal.NAME_CLASH,
            known,
            f"the card says it is of the same identity as {ours}, and has other keys",
        )
    if look(card.name) == look(known.name):
        how = "is called" if card.name == known.name else f"is called {theirs}, which looks like"
        return Alarm(
            Refusal.NAME_CLASH, known, f"the card {how} {ours}, and has other keys than the one known here"
        )
    return None
