"""What `doctor` says of hunts in our own logs: whether all that is ours is named, and where persons are looked for."""

from __future__ import annotations

from typing import Literal

from backchannel import codec
from backchannel.desk.node import Node
from backchannel.logs.personal import starts_somewhere
from backchannel.settings import FILE_NAME
from backchannel.stix.visible import visible

MAX_TOLD = 5
"""Sections `[[personal]]` that are told in full."""
Health = tuple[Literal["fine", "look"], str, str]
"""State, what was found, and what mends it."""


def own_networks_health(node: Node) -> Health:
    """Say whether the last hunt met addresses that may be ours and are not named."""
    settings = node.settings
    last = next(iter(node.store.hunts.last(at_most=1)), None)
    outside = codec.decode(last.outside) if last else []
    if not outside:
        found = f"{len(settings.own_networks)} networks and {len(settings.own_domains)} domains"
        return "fine", found, ""
    worst = outside[0]
    sources = ", ".join(f"{source} ({count / worst['outside']:.0%})" for source, count in worst["sources"])
    others = len(outside) - 1
    more = f"; so it is in {others:,} {'log' if others == 1 else 'logs'} more" if others else ""
    found = (
        f"{worst['outside'] / worst['records']:.0%} of the records of {worst['path']} have no side in your own "
        f"networks, most often from {sources}{more}"
    )
    return (
        "look",
        found,
        f"If they are yours, add their range to `own_networks` in {node.home / FILE_NAME}, and hunt again.",
    )


def personal_health(node: Node) -> Health:
    """Say in which logs kinds that can point to a person are looked for, and whether such logs can be there."""
    switches = node.settings.personal
    if not switches:
        return "fine", "looked for in no log", ""
    missing = [path for one in switches for path in one.logs if not starts_somewhere(path)]
    if missing:
        found = f"{_first(missing)}: there is no such place, so nothing is switched on there"
        return "look", found, f"Correct `logs` in a section [[personal]] of {node.home / FILE_NAME}."
    told = [
        f"{', '.join(one.kinds)} in {_first(one.logs)} ({', '.join(one.purposes)})"
        for one in switches[:MAX_TOLD]
    ]
    more = f"; and {len(switches) - MAX_TOLD} sections more" if len(switches) > MAX_TOLD else ""
    return "fine", "; ".join(told) + more, ""


def _first(paths: list[str] | tuple[str, ...]) -> str:
    return visible(paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
