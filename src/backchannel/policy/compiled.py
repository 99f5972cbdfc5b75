"""Rules as bits: for each field, which rules a value lets pass. One look-up for a field, whatever the number of rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backchannel.codec import JsonObject
from backchannel.policy.conditions import CLASS_FIELDS, FIELDS, NO_PAP, When
from backchannel.stix.markings import pap_of


@dataclass(frozen=True, slots=True)
class Index:
    """One field: the rules for each value, and those that do not ask for it. Rule n is bit n."""

    values: Mapping[str, int]
    """Value to the rules that name it and those that do not ask."""
    unasked: int


class Facts(NamedTuple):
    """What of an object a class of a collection knows."""

    tlp: str
    type: str
    spec_version: str
    source: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rules, ready to be asked."""

    fields: Mapping[str, Index]
    """Only those that some rule asks for."""
    recipients: Mapping[str, int]
    """Name of a group or party to the rules that are to it."""
    everybody: int
    denials: int
    transforms: int
    object_rules: int
    """Those that ask for anything that a class does not know."""
    size: int

    def to(self, names: Iterable[str]) -> int:
        """Return the rules that are to a recipient known by these names."""
        found, recipients = self.everybody, self.recipients
        for name in names:
            found |= recipients.get(name, 0)
        return found

    def matching(self, rules: int, facts: Facts, value: JsonObject | None) -> int:
        """Return those of `rules` whose conditions are met; where the object is not known, that may be met."""
        fields = self.fields
        if (index := fields.get("tlp")) is not None:
            rules &= index.values.get(facts.tlp, index.unasked)
        if (index := fields.get("type")) is not None:
            rules &= index.values.get(facts.type, index.unasked)
        if (index := fields.get("source")) is not None:
            rules &= index.values.get(facts.source, index.unasked)
        if (index := fields.get("purpose")) is not None:
            rules &= index.values.get(facts.purpose, index.unasked)
        if (index := fields.get("spec_version")) is not None:
            rules &= index.values.get(facts.spec_version, index.unasked)
        if value is None or not rules & self.object_rules:
            return rules
        return self._of_object(rules, value)

    def _of_object(self, rules: int, value: JsonObject) -> int:
        fields = self.fields
        if (index := fields.get("label")) is not None:
            rules &= _of_several(index, value.get("labels"))
        if (index := fields.get("created_by")) is not None:
            rules &= _of_one(index, value.get("created_by_ref"))
        if (index := fields.get("pattern_type")) is not None:
            rules &= _of_one(index, value.get("pattern_type"))
        if (index := fields.get("id")) is not None:
            rules &= _of_one(index, value.get("id"))
        if (index := fields.get("has")) is not None:
            found = index.unasked
            for name, bits in index.values.items():
                if name in value:
                    found |= bits
            rules &= found
        if (index := fields.get("pap")) is not None and rules & ~index.unasked:
            pap = pap_of(value)
            rules &= index.values.get(NO_PAP if pap is None else pap.value, index.unasked)
        return rules


def compile_rules(rules: Sequence[tuple[When, Sequence[str], str]]) -> Compiled:
    """Compile (conditions, recipients, effect) of each rule, in their order; no recipients: everybody."""
    recipients: dict[str, int] = {}
    everybody = denials = transforms = object_rules = 0
    for number, (when, to, effect) in enumerate(rules):
        bit = 1 << number
        everybody |= 0 if to else bit
        denials |= bit if effect == "deny" else 0
        transforms |= bit if effect == "transform" else 0
        if any(getattr(when, field) for field in FIELDS if field not in CLASS_FIELDS):
            object_rules |= bit
        for name in to:
            key = name.casefold()
            recipients[key] = recipients.get(key, 0) | bit
    fields = {
        field: index
        for field in FIELDS
        if (index := _index([getattr(when, field) for when, _, _ in rules])) is not None
    }
    return Compiled(fields, recipients, everybody, denials, transforms, object_rules, len(rules))


def _index(asked: Sequence[Sequence[str]]) -> Index | None:
    """Return the index of one field; None: no rule asks for it."""
    named: dict[str, int] = {}
    unasked = 0
    for number, values in enumerate(asked):
        if not values:
            unasked |= 1 << number
        for value in values:
            named[value] = named.get(value, 0) | 1 << number
    return Index({value: bits | unasked for value, bits in named.items()}, unasked) if named else None


def _of_one(index: Index, held: object) -> int:
    return index.values.get(held, index.unasked) if isinstance(held, str) else index.unasked


def _of_several(index: Index, held: object) -> int:
    found = index.unasked
    for one in held if isinstance(held, list) else ():
        if isinstance(one, str):
            found |= index.values.get(one, 0)
    return found


def lowest(bits: int) -> int:
    """Return the number of the first rule among `bits`, which are not 0."""
    return (bits & -bits).bit_length() - 1


def numbers(bits: int) -> list[int]:
    """Return the numbers of the rules among `bits`, in their order."""
    found = []
    while bits:
        found.append(lowest(bits))
        bits &= bits - 1
    return found
