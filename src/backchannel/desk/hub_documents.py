"""The documents of `hub`: where hits lead to, how regularly, and what the hit hosts share besides."""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.codec import JsonObject


class HubBeat(msgspec.Struct, frozen=True, kw_only=True):
    """How evenly one of our hosts contacted something. Times in milliseconds."""

    host: str
    verdict: Literal["regular", "regular for a while", "irregular", "too few"]
    says: str
    """In words."""
    contacts: int
    beats: int
    """Contacts, those of one burst counted once; of a regular stretch those in it, and so the next fields."""
    interval_ms: int
    spread_ms: int
    """Median distance of the intervals near the median from it."""
    share: float
    """Of the intervals that are near the median (within a quarter), 0 to 1."""
    missed: int
    gaps: int
    """Long intervals, in which the host or the log was off."""
    first_seen: str
    last_seen: str
    log: str
    """Where the first of them stands."""
    line: int


class HubIndicator(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator that leads there."""

    indicator: str
    says: str


class Hub(msgspec.Struct, frozen=True, kw_only=True):
    """One address, name or number that several of our hosts, or several indicators, lead to."""

    value: str
    kind: str
    """STIX type."""
    why: str
    """The reason, in a sentence."""
    hosts: tuple[str, ...]
    """Ours, at most 20, in order; `host_count` counts all."""
    host_count: int
    indicators: tuple[HubIndicator, ...]
    """At most 20; `indicator_count` counts all."""
    indicator_count: int
    sources: tuple[str, ...]
    """The independent origins of these indicators, by name."""
    source_count: int
    """With one for those that do not say who they are."""
    lines: int
    first_seen: str | None
    last_seen: str | None
    beats: tuple[HubBeat, ...]
    """Regular ones first, at most 20 hosts; empty where the logs were not read again."""
    against: str
    """Why it is no hub after all: it is ours, stands on a warning list, or was judged a false alarm; "" if nothing."""
    warninglists: tuple[JsonObject, ...]
    """{list, class, why} of each list that speaks of it."""
    check: tuple[str, ...]
    """Commands and log lines by which a person can see it for himself."""


class HubLead(msgspec.Struct, frozen=True, kw_only=True):
    """Something that no indicator names and that hosts with hits share: not listed; to be looked at."""

    value: str
    kind: str
    why: str
    hit_hosts: tuple[str, ...]
    """At most 20; `hit_host_count` counts all."""
    hit_host_count: int
    other_host_count: int
    """Hosts of ours without such a hit that contacted it too."""
    via: tuple[str, ...]
    """The hubs that led to it."""
    beats: tuple[HubBeat, ...]
    against: str
    check: tuple[str, ...]


class HubBook(msgspec.Struct, frozen=True, kw_only=True):
    """`hub --json`."""

    schema: Literal["backchannel.hubs/1"] = "backchannel.hubs/1"
    hubs: tuple[Hub, ...]
    """What is most likely one first; what something speaks against last."""
    leads: tuple[HubLead, ...]
    """Not listed; to be looked at."""
    more: bool
    """There are more than are shown, or more hits than are gone through."""
    read_at: str | None
    """When logs were read again for intervals and leads; null: never."""
    logs_read: int
    logs_gone: tuple[str, ...]
    """Logs with such contacts that are not there any more, at most 20."""
    left: tuple[str, ...]
    """What was not read for want of bounds, a sentence each."""
