"""Objects that name one another: what becomes of each, where what becomes of one decides about those that name it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Final

from msgspec.structs import replace

from backchannel.policy.decide import Decision, Policy, Request, decide
from backchannel.policy.redact import new_id
from backchannel.policy.references import spelled_in
from backchannel.policy.request import NO_NAMES
from backchannel.policy.transforms import Hand
from backchannel.store.rows import Kept

MAX_CUTS: Final = 20
"""Times that what names something withheld is tried without the name. Then whatever names it stays, and what names that."""


class Related:
    """Objects that name one another, and what becomes of each."""

    def __init__(self, policy: Policy, hand: Hand | None) -> None:
        self._policy, self._hand = policy, hand
        self.requests: dict[int, Request] = {}
        self._looked_at: set[str] = set()
        self._unseen: set[str] = set()
        """Ids as they are spelled, which is how the store finds them; all else here has them in small letters."""
        self._ids: dict[int, str] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._refused: set[str] = set()

    def add(self, one: Kept, request: Request) -> None:
        """Add an object."""
        stix_id = one.stix_id.lower()
        self.requests[one.object_row], self._ids[one.object_row] = request, stix_id
        spelled = spelled_in(request.value) if request.value is not None else NO_NAMES
        named = frozenset(other.lower() for other in spelled) - {stix_id}
        self._names[stix_id] = self._names.get(stix_id, NO_NAMES) | named
        self._looked_at.add(one.stix_id)
        self._unseen |= spelled

    def unseen(self) -> set[str]:
        """Return the ids, as they are spelled, that are named and were not looked for yet; from now on they were."""
        found, self._unseen = self._unseen - self._looked_at, set()
        self._looked_at |= found
        return found

    def give_up(self, ids: set[str]) -> None:
        """Take more than can be looked at for withheld."""
        self._refused |= {one.lower() for one in ids}

    def settled(self) -> dict[int, Decision]:
        """Return what becomes of each, once no decision changes another any more."""
        own = {row: decide(one, self._policy) for row, one in self.requests.items()}
        decided = dict(own)
        # Where objects go as they are, what names something withheld stays, and so does what names that.
        cuts = MAX_CUTS if self._policy.references == "cut" and self._hand is not None else 0
        for number in count():
            refused = self._refused | {self._ids[row] for row, one in decided.items() if not one.allowed}
            withheld = frozenset(refused if number < cuts else _infected(refused, self._names))
            renamed = self._renamed(decided, withheld)
            decided = {row: self._again(row, own[row], withheld, renamed) for row in own}
            if refused >= {self._ids[row] for row, one in decided.items() if not one.allowed}:
                break
        return decided

    def _renamed(self, decided: Mapping[int, Decision], withheld: frozenset[str]) -> dict[str, str]:
        """Return under which ids those go that go changed, or that name such: old to new."""
        found = {
            self._ids[row]: str(one.value["id"]) for row, one in decided.items() if one.value is not None
        }
        if self._hand is None:
            return found
        for stix_id in _infected(set(found), self._names) - withheld - found.keys():
            kind = stix_id.partition("--")[0]
            made = {"type": kind, "id": stix_id}
            found[stix_id] = new_id(made, made, self._hand, self._policy.version)
        return found

    def _again(
        self, row: int, own: Decision, withheld: frozenset[str], renamed: Mapping[str, str]
    ) -> Decision:
        about = self._names[self._ids[row]]
        gone, moved = about & withheld, about & renamed.keys()
        if not own.allowed or not (gone or moved):
            return own
        request: Request = replace(
            self.requests[row], withheld=gone, renamed={one: renamed[one] for one in moved}
        )
        return decide(request, self._policy)


def _infected(start: set[str], names: Mapping[str, frozenset[str]]) -> set[str]:
    """Return `start` with everything that names one of it, or what names one of it, and so on."""
    naming: dict[str, list[str]] = {}
    for one, named in names.items():
        for other in named:
            naming.setdefault(other, []).append(one)
    found, stack = set(start), list(start)
    while stack:
        for one in naming.get(stack.pop(), ()):
            if one not in found:
                found.add(one)
                stack.append(one)
    return found
