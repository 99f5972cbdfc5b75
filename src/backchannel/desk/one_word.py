"""What goes into a control on the word of one party alone that is not judged: named, so that a person decides.

An export is run by a person, who may have a reason to trust a source before it has a record here; so nothing is held
back for want of a letter, and nothing is taken on it unsaid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from backchannel.clock import Clock
from backchannel.desk.judging import Judged
from backchannel.desk.letters import Letters
from backchannel.desk.node import Node
from backchannel.parties.names import visible_name

MAX_NAMED = 5


class Words:
    """On whose word values are taken, gathered while indicators are judged."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._says: dict[str, set[str]] = {}
        self._seen: set[str] = set()

    def add(self, judged: Judged, values: Iterable[str]) -> None:
        """Note who gave an indicator, and whether we saw or confirmed it ourselves."""
        is_sure = (
            judged.is_confirmed
            or judged.standing.seen_at is not None
            or judged.parties > 1
            or judged.source == self._node.party.name
        )
        for value in values:
            if is_sure:
                self._seen.add(value)
            else:
                self._says.setdefault(value, set()).add(judged.source)

    def notes(self, clock: Clock, values: Iterable[str]) -> Iterator[str]:
        """Say how many values rest on the word of one party alone that is not judged (F), and on whose.

        Args:
            clock: the present, at which sources are judged.
            values: those that are in the export.
        """
        given, alone = set(values), Counter[str]()
        for value in given - self._seen:
            if len(parties := self._says.get(value, ())) == 1:
                alone.update(parties)
        letters = Letters(self._node, clock)
        unjudged = [(name, n) for name, n in sorted(alone.items()) if self._is_unjudged(letters, name)]
        if not unjudged:
            return
        unjudged.sort(key=lambda one: -one[1])
        named = ", ".join(f"{visible_name(name) or 'nobody named'} {n:,}" for name, n in unjudged[:MAX_NAMED])
        more = f" and {len(unjudged) - MAX_NAMED:,} more" if len(unjudged) > MAX_NAMED else ""
        total = sum(n for _, n in unjudged)
        yield (
            f"On the word of one party alone that is not judged (F): {total:,} of {len(given):,} "
            f"{'value' if len(given) == 1 else 'values'} ({named}{more}). Decide whether you rely on it before it is "
            "loaded; `backchannel why ID` shows who says so."
        )

    def _is_unjudged(self, letters: Letters, name: str) -> bool:
        party = self._node.store.parties.by_name(name) if name else None
        return party is None or letters.standing(party.party_id).letter == "F"
