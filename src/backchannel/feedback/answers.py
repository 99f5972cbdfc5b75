"""Requests, answers and what we make of objects, in words: for the note that carries a statement of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from backchannel.provenance.predicates import (
    Answer,
    Deconflict,
    Hunted,
    Opinion,
    Outcome,
    Predicate,
    Retract,
    Rfi,
    Sighting,
    Tally,
)
from backchannel.stix.markings import Tlp


class Words(NamedTuple):
    """A statement in words."""

    abstract: str
    content: str
    tlp: Tlp = Tlp.AMBER


def answer_words(said: Predicate, who: str) -> Words | None:
    """Return what a statement says, where it is a request, an answer, or a view of an object.

    Args:
        said: what is said.
        who: our name.
    """
    words = _WORDS.get(type(said))
    return None if words is None else words(said, who)


def _request(said: Predicate, who: str) -> Words:
    assert isinstance(said, Rfi)  # noqa: S101  # by the table below
    hunt = said.hunt
    asks = [f"{who} asks: {said.question.strip()}", f"Needed by {said.needed_by[:10]}. {said.pap.label}."]
    if said.behalf is not None:
        asks.insert(1, f"For a contact whom {who} holds for {said.behalf}.")
    if hunt is not None:
        days = f" from {hunt.since or 'the beginning'} to {hunt.until or 'now'}"
        asks.append(f"To be looked for in your logs{days}, against {hunt.purpose}:")
        asks += hunt.patterns
    return Words("Request for information" if hunt is None else "Hunt request", "\n".join(asks), said.tlp)


def _answer(said: Predicate, who: str) -> Words:
    assert isinstance(said, Answer)  # noqa: S101
    does = {
        "acknowledged": "read the request",
        "working": "works on the request",
        "answered": "answers",
        "declined": "declines",
    }[said.state]
    code = f" ({said.reason.code})" if said.reason else ""
    text = said.text or (said.reason.text if said.reason else "")
    lines = [f"{who} {does}{code}." + (f" {text.strip()}" if text.strip() else "")]
    lines += [f"Pattern {number}: {_hunted(one)}" for number, one in enumerate(said.hunted, 1)]
    return Words(f"Answer: {said.state}", "\n".join(lines), said.tlp)


def _hunted(one: Hunted) -> str:
    days = f", {one.first} to {one.last}" if one.first else ""
    return f"{one.count}{days}"


def _retraction(said: Predicate, who: str) -> Words:
    assert isinstance(said, Retract)  # noqa: S101
    why = f" {said.reason.strip()}" if said.reason.strip() else ""
    return Words("Taken back", f"{who} takes this back.{why}", Tlp.GREEN)


def _opinion(said: Predicate, who: str) -> Words:
    assert isinstance(said, Opinion)  # noqa: S101
    why = f" {said.text.strip()}" if said.text.strip() else ""
    return Words(f"Opinion: {said.opinion}", f"{who} says: {said.opinion}.{why}")


def _outcome(said: Predicate, who: str) -> Words:
    assert isinstance(said, Outcome)  # noqa: S101
    why = f" {said.text.strip()}" if said.text.strip() else ""
    return Words(f"Outcome: {said.outcome}", f"At {who} it turned out {said.outcome} ({said.basis}).{why}")


def _sighting(said: Predicate, who: str) -> Words:
    assert isinstance(said, Sighting)  # noqa: S101
    seen = f"saw it {said.count} times" if said.count != "0" else "looked for it and did not see it"
    days = f", {said.first} to {said.last}" if said.first else ""
    why = f" {said.text.strip()}" if said.text.strip() else ""
    return Words("Sighting", f"{who} {seen}{days}.{why}")


def _deconflict(said: Predicate, who: str) -> Words:
    assert isinstance(said, Deconflict)  # noqa: S101
    result = "one" if said.result == "same" else "not one"
    return Words("Sources compared", f"{who} says of two sources that they are {result}.")


def _tally(said: Predicate, who: str) -> Words:
    assert isinstance(said, Tally)  # noqa: S101
    return Words(f"Tally of {said.month}", "\n".join(tally_lines(said, who)))


def tally_lines(said: Tally, who: str) -> list[str]:
    """Return what a tally says, line by line; what is not told has none."""
    objects = "1 object" if said.received == 1 else f"{said.received:,} objects"
    lines = [f"{said.month}: {objects} of yours came to {who}."]
    told: tuple[tuple[str, str], ...] = (
        ("read", "were read and answered"),
        ("searched", "indicators were looked for in logs"),
        ("seen", "of them were seen"),
        ("hits", "log lines hit"),
        ("blocked", "were blocked"),
        ("disputed", "were disputed: false alarms, or our own"),
        ("confirmed", "were confirmed"),
        ("refuted", "were refuted"),
        ("harmful", "did harm"),
    )
    lines += [f"{value} {words}." for name, words in told if (value := getattr(said, name)) is not None]
    return lines


_WORDS: Final[Mapping[type[Predicate], Callable[[Predicate, str], Words]]] = MappingProxyType(
    {
        Rfi: _request,
        Answer: _answer,
        Retract: _retraction,
        Opinion: _opinion,
        Outcome: _outcome,
        Sighting: _sighting,
        Deconflict: _deconflict,
        Tally: _tally,
    }
)
