"""What is found of ways: each is judged once for all objects of one marking that are proven to have come on it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from backchannel.provenance.chain import trace
from backchannel.provenance.hops import Chain, Held, Link
from backchannel.provenance.permits import Permits
from backchannel.provenance.verification import Keys, Terms

_Key = tuple[Hashable, ...]


@dataclass(slots=True)
class Verdicts:
    """Judges ways with the keys and permits of today, and remembers what it found."""

    keys: Keys
    terms: Terms
    permits: Permits
    _found: dict[_Key, Chain] = field(default_factory=dict)
    _widening: set[_Key] = field(default_factory=set)
    """Ways on which a marking is widened: there each object's own permits count."""

    def of(self, way: Hashable, held: Held, links: Callable[[], Sequence[Link]], *, is_proven: bool) -> Chain:
        """Return what is found of the way of one object.

        Args:
            way: what objects share that came on the same way.
            held: the object.
            links: gives its statements with its proofs, the originator's first.
            is_proven: whether it is proven, unchanged, under the root of each of them.
        """
        if not is_proven:
            return trace(links(), held, self.keys, self.terms, permits=self.permits)
        key: _Key = (way, held.marking)
        if key in self._widening:
            key = self._with_permits(key, held)
        found = self._found.get(key)
        if found is None:
            found = trace(links(), held, self.keys, self.terms, permits=self.permits)
            if found.widens and len(key) == len((way, held.marking)):
                self._widening.add(key)
                key = self._with_permits(key, held)
            self._found[key] = found
        return found

    def _with_permits(self, key: _Key, held: Held) -> _Key:
        return *key, tuple(one.digest for one in self.permits(held.digest))
