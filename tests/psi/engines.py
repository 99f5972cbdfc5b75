"""Both engines, and two sides of a session that compare by either."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from backchannel.psi import rounds
from backchannel.psi.rounds import Own
from backchannel.psi.suites import OPENMINED, SODIUM, Engine, engine, suites

SUITES = (SODIUM, OPENMINED)


def wanted(suite: str) -> Engine:
    """The engine of a suite; a test that needs it is skipped where its package is missing."""
    if suite not in suites():
        pytest.skip(f"the engine of {suite} is not installed: pip install 'backchannel[psi-fast]'")
    return engine(suite)


@dataclass
class Pair:
    """Two sides that have exchanged everything up to the sorted answers."""

    engine: Engine
    one: Own
    other: Own
    marks_of_one: list[bytes]
    marks_of_other: list[bytes]
    answer_of_one: list[bytes]
    answer_of_other: list[bytes]

    def common(self) -> list[bytes]:
        return rounds.common(sorted(self.answer_of_other), self.answer_of_one)


def inputs(n: int) -> list[bytes]:
    return [secrets.token_bytes(32) for _ in range(n)]


def compare(engine: Engine, first: Sequence[bytes], second: Sequence[bytes], size: int = 100) -> Pair:
    session = secrets.token_bytes(16)
    one = rounds.put_in(engine, session, "initiator", first, size)
    other = rounds.put_in(engine, session, "responder", second, size)
    of_one, of_other = rounds.elements_of(engine, one), rounds.elements_of(engine, other)
    return Pair(
        engine,
        one,
        other,
        rounds.marks_of(engine, one),
        rounds.marks_of(engine, other),
        rounds.answer_to(engine, one, of_other),
        rounds.answer_to(engine, other, of_one),
    )
