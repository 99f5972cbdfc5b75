"""Reports, outcomes and standings as tests need them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from backchannel.provenance.likeness import sketch
from backchannel.provenance.reports import OriginRef, Released, Report
from backchannel.trust.reliability import Outcome, Standing, reliability

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)

STORY = (
    "The loader fetches its second stage from the name below within an hour of the first mail, sends the host name "
    "and the list of processes, and waits for a day before it runs anything else; the operators used the same mail "
    "server for three campaigns against shipping firms this autumn, and registered the name two days before."
)


sketch_once = lru_cache(maxsize=4096)(sketch)


def by_key(party: str) -> OriginRef:
    return OriginRef("key", party)


def hidden(relay: str, cryptonym: str = "") -> OriginRef:
    return OriginRef("cryptonym" if cryptonym else "undisclosed", cryptonym, relay)


def a_report(
    key: str, *, voice: str = "", origin: OriginRef | None = None, text: str = "", days: float = 0, **more
):
    """A report of `voice`, which is its own origin if none is given; `days` after `NOW`."""
    voice = voice or key
    return Report(
        key=key,
        voice=voice,
        origin=origin or by_key(voice),
        arrived_at=NOW + timedelta(days=days),
        sketch=sketch_once(text),
        **more,
    )


def a_release(key: str = "release-1", *, text: str = "", days: float = -3, **more) -> Released:
    return Released(key=key, at=NOW + timedelta(days=days), sketch=sketch_once(text), **more)


def a_digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def an_outcome(key: str, result: str = "confirmed", *, days_ago: float = 0, **more) -> Outcome:
    return Outcome(key=key, result=result, at=NOW - timedelta(days=days_ago), **more)


def straight(confirmed: int, refuted: int = 0, **more) -> Standing:
    """The standing of a source with so many outcomes of today."""
    outcomes = [an_outcome(f"right-{n}") for n in range(confirmed)]
    outcomes += [an_outcome(f"wrong-{n}", "refuted") for n in range(refuted)]
    return reliability(outcomes, now=NOW, **more)


def reworded(text: str, every: int) -> str:
    """The text with each `every`-th word another."""
    return " ".join(word if n % every else f"other{n}" for n, word in enumerate(text.split(), 1))
