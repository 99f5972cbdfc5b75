"""The values that an indicator's pattern names, each with how far it reaches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backchannel.actions.exports.entry import Scope
from backchannel.actions.gates import Thing
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import normalise, normalise_network
from backchannel.stix.pattern.atoms import SEARCHABLE, Atom
from backchannel.stix.visible import visible

MAX_VALUES = 10_000
"""Values of one indicator that are looked at; a pattern of 64 KiB cannot name more."""

_WHOLE_HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/?]+/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """One value that a pattern names."""

    thing: Thing
    scope: Scope
    path: str
    """STIX path it stands at, which tells its part (`case.role_of`)."""


def named_values(found: Sequence[Atom]) -> tuple[tuple[Named, ...], tuple[str, ...]]:
    """Return what `found` names, each once and in order, and in words what cannot be read as a value."""
    named: dict[Named, None] = {}
    unread: dict[str, None] = {}
    for atom in found[:MAX_VALUES]:
        try:
            named[_named(atom)] = None
        except ValueError as error:
            unread[str(error)] = None
    return tuple(named), tuple(unread)


def _named(atom: Atom) -> Named:
    if atom.operator == "ISSUBSET":
        return Named(normalise_network(atom.value), "cidr", atom.path)
    if atom.operator == "LIKE":
        return _like(atom)
    errors = []
    for name in SEARCHABLE[atom.path]:
        kind = Kind[name.upper()]
        try:
            if kind is Kind.ADDRESS and "/" in atom.value:
                network = normalise_network(atom.value)
                if network.prefix_bits < 128:
                    return Named(network, "cidr", atom.path)
                return Named(normalise(kind, atom.value.partition("/")[0]), "exact", atom.path)
            return Named(normalise(kind, atom.value), "exact", atom.path)
        except ValueError as error:
            errors.append(str(error))
    raise ValueError("; ".join(errors))


def _like(atom: Atom) -> Named:
    """A `%` stands at one end: before a name (those below it, or all that end so), or after a URL."""
    kinds, value = SEARCHABLE[atom.path], atom.value
    if value.startswith("%.") and "domain" in kinds:
        return Named(normalise(Kind.DOMAIN, value[2:]), "subdomain", atom.path)
    if value.startswith("%") and "domain" in kinds:
        return Named(normalise(Kind.DOMAIN, value[1:]), "suffix", atom.path)
    # Up to its first slash the host is whole; a shorter prefix could go on in the middle of a name.
    if value.endswith("%") and "url" in kinds and _WHOLE_HOST.match(value):
        return Named(normalise(Kind.URL, value[:-1]), "url prefix", atom.path)
    raise ValueError(f"LIKE '{visible(value, max_chars=80)}' is hunted for, but fits no line of a control")
