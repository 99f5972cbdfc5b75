"""Where several of our hosts, or several indicators, lead to: judged from hits and contacts, without reading anything.

A hub is infrastructure: an address, a name, or a number from outside. On our side stand hosts and extensions, and
they are only counted and named: nothing is said of who used them, nor of how they are tied to one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from backchannel.matching.regularity import NEAR, Regularity, in_words

MANY: Final = 2
"""Hosts or indicators from which on infrastructure is a hub."""
KEPT: Final = 1_000
"""Hosts and indicators of one hub that are kept by name; all are counted up to `COUNTED`."""
COUNTED: Final = 100_000


class Link(NamedTuple):
    """What hunts saw of one indicator at one host of ours."""

    infrastructure: str
    """In its normal spelling: of a URL its host, of a name below an indicator's that of the indicator."""
    kind: str
    """STIX type."""
    host: str | None
    """Our address, name or extension; None where the log does not tell."""
    indicator: str
    lines: int
    first_seen: str | None
    last_seen: str | None


@dataclass(slots=True)
class Meeting:
    """All links that meet in one place."""

    infrastructure: str
    kind: str
    hosts: set[str] = field(default_factory=set)
    indicators: set[str] = field(default_factory=set)
    lines: int = 0
    first_seen: str | None = None
    last_seen: str | None = None

    @property
    def is_hub(self) -> bool:
        """Whether several hosts or several indicators lead there."""
        return len(self.hosts) >= MANY or len(self.indicators) >= MANY

    def add(self, link: Link) -> None:
        """Count one link."""
        if link.host is not None and len(self.hosts) < COUNTED:
            self.hosts.add(link.host)
        if len(self.indicators) < COUNTED:
            self.indicators.add(link.indicator)
        self.lines += link.lines
        if link.first_seen is not None:
            self.first_seen = min(self.first_seen or link.first_seen, link.first_seen)
        if link.last_seen is not None:
            self.last_seen = max(self.last_seen or link.last_seen, link.last_seen)


def meetings(links: Iterable[Link], *, at_most: int) -> list[Meeting]:
    """Bring links together by where they lead, what most hosts, then most indicators lead to first.

    Args:
        links: in any order.
        at_most: places returned.
    """
    found: dict[str, Meeting] = {}
    for link in links:
        found.setdefault(link.infrastructure, Meeting(link.infrastructure, link.kind)).add(link)
    ordered = sorted(
        found.values(),
        key=lambda one: (-len(one.hosts), -len(one.indicators), -one.lines, one.infrastructure),
    )
    return ordered[:at_most]


def rank(
    *, is_spoken_against: bool, regular: int, hosts: int, sources: int, indicators: int, lines: int
) -> tuple[int, ...]:
    """Return the place in the order, the smallest first.

    What speaks against it puts it last. Then count hosts that call by the clock, all hosts, and who says so
    independently; indicators and lines only break a tie, since one party alone can make any number of either.
    """
    return (int(is_spoken_against), -regular, -hosts, -sources, -indicators, -lines)


def reason(
    infrastructure: str,
    *,
    hosts: int,
    indicators: int,
    sources: int,
    regular: Sequence[Regularity],
    is_number: bool = False,
) -> str:
    """Say in a sentence why something is a hub.

    Args:
        infrastructure: as it is shown.
        hosts: of ours, that hits tie to it.
        indicators: that name it.
        sources: independent origins of these.
        regular: how hosts called that did it by the clock.
        is_number: it is called by telephone, and `hosts` are extensions.
    """
    ours = "extension" if is_number else "host"
    did = "had calls with" if is_number else "reached"
    who = f"{_counted(hosts, ours)} of ours {did}" if hosts else f"no log tells which {ours} of ours {did}"
    named = f"named by {_counted(indicators, 'indicator')}"
    named += f" of {_counted(sources, 'independent source')}" if sources else " of no independent source"
    return "; ".join([f"{who} {infrastructure}, {named}", *_by_the_clock(hosts, regular)])


def _by_the_clock(hosts: int, regular: Sequence[Regularity]) -> list[str]:
    if not regular:
        return []
    ordered = sorted(regular, key=lambda one: (-one.beats, one.interval_ms))
    most = ordered[0]
    alike = [one for one in ordered if abs(one.interval_ms - most.interval_ms) <= NEAR * most.interval_ms]
    who = "it" if hosts == 1 else "all" if len(alike) == hosts else f"{len(alike):,}"
    who += " of them" if hosts > 1 else ""
    told = [f"{who} {in_words(most)}"]
    if len(alike) < len(ordered):
        told.append(f"{len(ordered) - len(alike):,} of them at other regular intervals")
    return told


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who of ours contacted something that no indicator names."""

    hit_hosts: frozenset[str]
    """Of those that hits tie to a hub."""
    others: int
    """Other hosts of ours that did."""

    @property
    def is_telling(self) -> bool:
        """Whether several hosts with hits share it, and fewer others do: what everybody uses says nothing."""
        return len(self.hit_hosts) >= MANY and self.others < len(self.hit_hosts)


def shared(contacts: Mapping[str, Iterable[str]], hit_hosts: frozenset[str]) -> dict[str, Sharing]:
    """Say for each thing contacted which hosts with hits did, and how many others."""
    found = {}
    for value, hosts in contacts.items():
        known = frozenset(hosts)
        found[value] = Sharing(known & hit_hosts, len(known - hit_hosts))
    return found


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
