"""Share out observations among sets that each want some of theirs: a flow, by augmenting paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from backchannel.stix.pattern.timeline import bits


class Shares:
    """Shares out observations among sets that want some of theirs (a flow, by augmenting paths)."""

    def __init__(self, counts: Sequence[int], wanted: Mapping[int, int], step: Callable[[], None]) -> None:
        self.counts = counts
        self.step = step
        self.sets = sorted(wanted, key=int.bit_count)
        self.wanted = [wanted[among] for among in self.sets]
        self.used: dict[int, int] = {}
        self.full = 0
        self.holders: dict[int, dict[int, int]] = {}
        """Observation to which set has how many of it."""

    def fills(self) -> bool:
        """Share out; return whether each set got what it wants."""
        for number, among in enumerate(self.sets):
            need = self.wanted[number]
            for bit in bits(among & ~self.full):
                if not need:
                    break
                self.step()
                amount = min(need, self.counts[bit] - self.used.get(bit, 0))
                self._give(number, bit, amount)
                need -= amount
            while need:
                moved = self._augment(number, need)
                if not moved:
                    return False
                need -= moved
        return True

    def taken(self) -> list[int]:
        """Return the observations that are used."""
        return [bit for bit, amount in self.used.items() if amount]

    def _give(self, number: int, bit: int, amount: int) -> None:
        held = self.holders.setdefault(bit, {})
        held[number] = held.get(number, 0) + amount
        self.used[bit] = self.used.get(bit, 0) + amount
        if self.used[bit] == self.counts[bit]:
            self.full |= 1 << bit

    def _augment(self, number: int, need: int) -> int:
        """Let others make room for one set; return how much it got."""
        came_from: dict[int, tuple[int, int] | None] = dict.fromkeys(bits(self.sets[number]))
        met = self.sets[number]
        queue = list(came_from)
        for bit in queue:
            for other in list(self.holders.get(bit, ())):
                self.step()
                free = self.sets[other] & ~self.full
                if free:
                    to = (free & -free).bit_length() - 1
                    return self._shift(came_from, bit, other, to, need, number)
                for new in bits(self.sets[other] & ~met):
                    came_from[new] = (bit, other)
                    queue.append(new)
                met |= self.sets[other]
        return 0

    def _shift(
        self,
        came_from: dict[int, tuple[int, int] | None],
        bit: int,
        other: int,
        to: int,
        need: int,
        number: int,
    ) -> int:
        path = [(bit, other, to)]
        while (step := came_from[bit]) is not None:
            before, holder = step
            path.append((before, holder, bit))
            bit = before
        amount = min(
            need, self.counts[to] - self.used.get(to, 0), *(self.holders[at][who] for at, who, _ in path)
        )
        for at, who, new in path:
            self.holders[at][who] -= amount
            if not self.holders[at][who]:
                del self.holders[at][who]
            held = self.holders.setdefault(new, {})
            held[who] = held.get(who, 0) + amount
        self.used[to] = self.used.get(to, 0) + amount
        if self.used[to] == self.counts[to]:
            self.full |= 1 << to
        held = self.holders.setdefault(bit, {})
        held[number] = held.get(number, 0) + amount
        return amount
