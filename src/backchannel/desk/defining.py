"""What a marking means that is no label of TLP's own: what those say of it who may.

Anybody can send us a marking definition under any id. So only who gave us an object, or we ourselves, may say what its
markings mean: another's word would let what it does not own go further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.stix.markings import TLP_IDS, Tlp, marking_refs, tlp_defined
from backchannel.store.exchange import Definition
from backchannel.store.interface import Store


def meaning(found: Iterable[Definition], party_row: int) -> Tlp | None:
    """Return how far that may go which bears a marking; None: the marking says nothing about TLP.

    Args:
        found: the definitions of the marking that we hold, of whomever.
        party_row: of who gave us the object that bears it; 0: nobody named.

    Returns:
        The strictest label of those that count; TLP:RED where none counts.
    """
    by_right = [one for one in found if one.is_self or one.party_row in {0, party_row}]
    if not by_right:
        return Tlp.RED
    said = [tlp for one in by_right if (tlp := tlp_defined(codec.decode(one.body))) is not None]
    return max(said, key=lambda tlp: tlp.strictness, default=None)


def stricter(one: Mapping[str, Tlp | None], other: Mapping[str, Tlp | None]) -> dict[str, Tlp | None]:
    """Return what markings mean of which two parties say something: the stricter of both."""
    found = dict(one)
    for ref, tlp in other.items():
        before = found.get(ref)
        is_looser = before is not None and (tlp is None or tlp.strictness < before.strictness)
        found[ref] = before if is_looser else tlp
    return found


class Definitions:
    """What markings mean, looked up for one answer: what was looked up once is not looked up again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found: dict[str, list[Definition]] = {}
        """Of each marking that was asked for, but for TLP's own."""
        self._meanings: dict[tuple[str, int], Tlp | None] = {}
        self._rows: dict[str, int] = {}

    def look_up(self, values: Iterable[JsonObject]) -> None:
        """Look up at once how the markings of many objects are defined."""
        self._look_up(_other_refs(values))

    def known(self, values: Iterable[JsonObject], party: str | None) -> Mapping[str, Tlp | None]:
        """Return what the markings of `values` mean, but for TLP's own, where `party` gave us these objects."""
        return self.known_of(values, 0 if party is None else self._row(party))

    def known_of(self, values: Iterable[JsonObject], party_row: int) -> Mapping[str, Tlp | None]:
        """Return the same by the party's row; 0: nobody named."""
        refs = _other_refs(values)
        self._look_up(refs)
        for ref in refs:
            if (ref, party_row) not in self._meanings:
                self._meanings[ref, party_row] = meaning(self._found[ref], party_row)
        return {ref: self._meanings[ref, party_row] for ref in refs}

    def _look_up(self, refs: AbstractSet[str]) -> None:
        wanted = refs - self._found.keys()
        if wanted:
            self._found |= {ref: [] for ref in wanted}
            for one in self._store.collected.definitions(wanted):
                self._found[one.stix_id].append(one)

    def _row(self, name: str) -> int:
        if name not in self._rows:
            row = self._store.parties.by_name(name)
            self._rows[name] = 0 if row is None else row.party_row
        return self._rows[name]


def _other_refs(values: Iterable[JsonObject]) -> set[str]:
    return {ref for value in values for ref in marking_refs(value)} - TLP_IDS.keys()
