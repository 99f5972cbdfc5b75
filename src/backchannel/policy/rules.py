"""What a policy says: groups, rules, embargoes, and what is asked for beside them.

A policy is plain data, read from `policy.toml` by `reading`. It is compiled once (`Policy.compiled`): which rules a
value of a field lets pass is one bit for each rule, so that a decision costs about the same for one rule as for
hundreds. TLP 2.0 sets the outer bound; whatever stands here can only narrow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Final, Literal

import msgspec

from backchannel import codec
from backchannel.ids import sha256
from backchannel.policy.compiled import Compiled, compile_rules
from backchannel.policy.conditions import OURSELVES, When
from backchannel.policy.hunt_requests import HuntRule
from backchannel.policy.transforms import TEAR_LINE, Transform
from backchannel.stix.markings import Pap, Tlp

ENGINE: Final = 4
"""Number of what `decide` does: it rises when it would answer anything else than before."""

ANYBODY: Final = "anybody"
"""Whoever asks, known or not."""
PARTIES: Final = "parties"
"""Any party that we know."""
NAMED: Final = "named-readers"
"""A party to whom the operator gave the right to read this very collection, or to whom a person sends."""
VERIFIED: Final = "verified"
"""A party whose keys a person of ours made sure of."""
OWN_ORGANISATION: Final = "own-organisation"
"""Parties that are of our own organisation: a group that the file may fill. Only they may have TLP:AMBER+STRICT."""
RESERVED: Final = frozenset({ANYBODY, PARTIES, NAMED, VERIFIED})
"""Groups that are there without being written down."""
NO_PARTY: Final = RESERVED | {OWN_ORGANISATION, OURSELVES}
"""Words that stand for no party in a policy, whatever a party calls itself."""


class Group(msgspec.Struct, frozen=True):
    """Parties under one name. A group without members is nobody."""

    name: str
    members: tuple[str, ...]
    """Names of parties here, their identities (`identity--...`) or keys."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: what it is about, to whom, and what it says."""

    id: str
    when: When = When()
    to: tuple[str, ...] = ()
    """Groups, or parties as groups name them. None: everybody, which only a denial may say."""
    effect: Literal["allow", "deny", "transform"]
    why: str = ""
    """Of a denial: told as its reason."""
    transforms: tuple[Transform, ...] = ()


class Embargo(msgspec.Struct, frozen=True, kw_only=True):
    """What nobody gets before a time."""

    id: str
    when: When = When()
    until: datetime
    """Exclusive: from that second on it may go."""
    except_for: tuple[str, ...] = ()
    """Groups or parties that it does not hold for."""


class Leaks(msgspec.Struct, frozen=True, kw_only=True):
    """What of our own must not be in what leaves (`leaks`)."""

    own: bool = True
    """The networks and names of the node's settings."""
    hosts: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    paths: bool = True
    """Paths into a person's folder: they name the person."""
    custom_fields: bool = True
    """Fields `x_...`, whose meaning nobody here knows."""
    let: tuple[str, ...] = ()
    """Ids of objects that a person looked through."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Who may have what. Without `rules` TLP alone decides."""

    anybody: Tlp = Tlp.CLEAR
    """Whoever asks (TLP 2.0: CLEAR may be shared without restriction)."""
    any_party: Tlp = Tlp.GREEN
    """A party that we know (TLP 2.0: GREEN, within the community)."""
    named_reader: Tlp = Tlp.AMBER
    """A party to whom the operator gave the right to read this very collection: their need to know."""
    groups: tuple[Group, ...] = ()
    rules: tuple[Rule, ...] | None = None
    """None: there is no file, and TLP alone decides."""
    embargoes: tuple[Embargo, ...] = ()
    orcon: bool = True
    """Whether what bears `orcon_labels` goes on only with its originator's permit."""
    orcon_labels: tuple[str, ...] = ("orcon",)
    pap: tuple[tuple[Pap, tuple[str, ...]], ...] = ()
    """To whom alone what bears a label of PAP may go."""
    feedback: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """To whom alone a receipt of a state may go."""
    k_anonymity: int = 0
    """From how many organisations on a count of sightings may go; 0: counts go as they are."""
    approval: tuple[Tlp, ...] = ()
    """Of what bears one of these, a plan is sent only after a second person approved it."""
    references: Literal["withhold", "cut", "let"] = "let"
    """What becomes of an object that names another which the recipient may not have."""
    leaks: Leaks | None = None
    hunt_requests: tuple[HuntRule, ...] = ()
    """What parties may ask us to look for of what points to persons, or is ours."""

    @cached_property
    def version(self) -> str:
        """Name of this policy under these rules: recorded with each page and drop that it lets go."""
        return f"{ENGINE}-{sha256(codec.canonical(codec.decode(codec.encode(self)))).hex()[:16]}"

    @cached_property
    def compiled(self) -> Compiled:
        """The rules, ready to be asked."""
        return compile_rules([(one.when, one.to, one.effect) for one in self.rules or ()])

    @cached_property
    def tear_lines(self) -> int:
        """The rules that let an object go as its tear-line, as bits."""
        return sum(1 << number for number, one in enumerate(self.rules or ()) if TEAR_LINE in one.transforms)

    @cached_property
    def compiled_embargoes(self) -> Compiled:
        """The embargoes, ready to be asked."""
        return compile_rules([(one.when, (), "deny") for one in self.embargoes])

    @cached_property
    def groups_of(self) -> Mapping[str, frozenset[str]]:
        """Each name of a party, as groups spell it, to the groups that it is in."""
        found: dict[str, set[str]] = {}
        for group in self.groups:
            for member in group.members:
                found.setdefault(member.casefold(), set()).add(group.name)
        return {name: frozenset(groups) for name, groups in found.items()}

    @cached_property
    def group_names(self) -> frozenset[str]:
        """Names of the groups, in small letters."""
        return frozenset(group.name.casefold() for group in self.groups)

    @cached_property
    def own_organisation(self) -> frozenset[str]:
        """Names of the parties of our own organisation, in small letters."""
        members = next((one.members for one in self.groups if one.name == OWN_ORGANISATION), ())
        return frozenset(one.casefold() for one in members)

    @cached_property
    def looks_at_objects(self) -> bool:
        """Whether anything but what a class of a collection knows can decide."""
        return bool(
            self.compiled.object_rules
            or self.compiled.transforms
            or self.compiled_embargoes.object_rules
            or self.k_anonymity
            or self.pap
            or self.leaks is not None
            or self.references != "let"
            or (self.rules is not None and self.orcon and self.orcon_labels)
        )

    def is_in(self, names: Iterable[str], wanted: Iterable[str]) -> bool:
        """Whether a recipient, under any of `names` (its groups among them), is one of `wanted`."""
        return not {one.casefold() for one in wanted}.isdisjoint(names)


DEFAULT_POLICY: Final = Policy()
"""Where there is no file: TLP alone decides."""
