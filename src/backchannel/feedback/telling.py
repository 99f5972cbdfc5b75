"""What a signed statement of ours says, in a few words and in a sentence: for the note that carries it.

Never more than is in the statement itself: whoever stores the note reads as much as who verifies it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from backchannel.feedback.answers import answer_words
from backchannel.feedback.envelope import MAX_TEXT_CHARS
from backchannel.provenance.predicates import KEYSET, Predicate, Receipt
from backchannel.provenance.statement import Statement, content_of
from backchannel.stix.markings import Tlp


class Told(NamedTuple):
    """A statement in words."""

    abstract: str
    content: str
    """At most `MAX_TEXT_CHARS`."""
    tlp: Tlp = Tlp.AMBER
    """How far it may go."""


def in_words(statement: Statement, who: str) -> Told:
    """Return what a statement says.

    Args:
        statement: of ours.
        who: our name.

    Raises:
        ValueError: its predicate is not of the form of its kind.
    """
    if statement.predicate_type in _KEYS:
        abstract, does = _KEYS[statement.predicate_type]
        return Told(abstract, f"{who} {does}.", Tlp.CLEAR)
    predicate = content_of(statement)
    told = None if predicate is None else _told(predicate, who)
    if told is None:
        return Told("Signed statement", f"{who} says something to be verified: {statement.predicate_type}.")
    is_long = len(told.content) > MAX_TEXT_CHARS
    return told._replace(content=f"{told.content[: MAX_TEXT_CHARS - 1]}…") if is_long else told


def _told(predicate: Predicate, who: str) -> Told | None:
    if isinstance(predicate, Receipt):
        return _receipt(predicate, who)
    words = answer_words(predicate, who)
    return None if words is None else Told(*words)


def _receipt(said: Receipt, who: str) -> Told:
    if said.reason is not None:
        text = f" {said.reason.text.strip()}" if said.reason.text.strip() else ""
        return Told("Declined", f"{who} declined this ({said.reason.code}).{text}")
    if said.acted is not None:
        return Told("Acted on", f"{who} acted on this: {said.acted}.")
    abstract, does = _STATES[said.state]
    part = {"accepted": "", "partly": ", and refused a part of it", "refused": " and refused it"}
    codes = f" ({', '.join(said.refused)})" if said.refused else ""
    rest = f"{part[said.verdict]}{codes}" if said.state == "received" else ""
    # What we make of something shows what we can do; that it came does not.
    tlp = Tlp.GREEN if said.state in {"received", "read"} else Tlp.AMBER
    return Told(abstract, f"{who} {does} this{rest}.", tlp)


_STATES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "received": ("Received", "received"),
        "read": ("Read", "read"),
        "assessed": ("Assessed", "assessed"),
        "acted": ("Acted on", "acted on"),
        "declined": ("Declined", "declined"),
    }
)
_KEYS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        KEYSET: ("Keys", "says which keys are theirs"),
        "revoke": ("Key given up", "gives up a key of theirs"),
    }
)
"""News of keys: everybody may know it."""
