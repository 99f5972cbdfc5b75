"""Check a release policy: its form, its own test cases, and what in it cannot be meant."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from backchannel.desk.node import Node
from backchannel.desk.policy_file import POLICY_FILE, BrokenPolicyError, in_force, leak_scan
from backchannel.desk.weighing import names_of
from backchannel.errors import InputError
from backchannel.parties.states import Standing
from backchannel.policy.cases import CaseResult
from backchannel.policy.doubts import Doubt, doubts
from backchannel.policy.fields import Fault
from backchannel.policy.reading import MAX_POLICY_BYTES, PolicyFaultsError, Read, read_policy
from backchannel.policy.rules import DEFAULT_POLICY
from backchannel.policy.trying import try_cases
from backchannel.policy.words import words_of
from backchannel.stix.sentences import counted


class PolicyPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a policy, in words."""

    part: str
    says: str


class PolicyChecked(msgspec.Struct, frozen=True, kw_only=True):
    """`policy check --json`: what a policy says, and what is wrong with it."""

    schema: str = "backchannel.policy-check/1"
    file: str | None
    """null: there is none, and TLP alone decides."""
    state: Literal["none", "fine", "look", "broken"]
    """`look`: a test case failed, or something cannot be meant; `broken`: nothing leaves under it."""
    version: str | None
    """Recorded with each page and drop that it lets go; null: it is broken."""
    faults: tuple[Fault, ...]
    doubts: tuple[Doubt, ...]
    cases: tuple[CaseResult, ...]
    """Of the file's own tests."""
    says: tuple[PolicyPart, ...]
    """Each part in words."""

    @property
    def failed(self) -> int:
        """How many of its own tests failed."""
        return sum(not one.passed for one in self.cases)


def check_policy(node: Node | None, path: Path | None) -> PolicyChecked:
    """Check a file; the node's own where none is named.

    Args:
        node: whose parties, networks and names are asked for; None: those of nobody.
        path: the file.

    Raises:
        InputError: it cannot be read at all.
    """
    if path is None:
        return _own(node)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="Correct the name.") from error
    try:
        return _checked(node, str(path), read_policy(data))
    except PolicyFaultsError as error:
        return _broken(str(path), error.faults)


def policy_health(node: Node) -> tuple[Literal["fine", "look", "broken"], str, str]:
    """Return how the policy stands, in words, and what mends it: one that cannot be read lets nothing leave."""
    found, how = check_policy(node, None), "backchannel policy check"
    if found.state == "broken":
        return "broken", f"{found.file}: {found.faults[0]}; nothing leaves until it is mended", how
    if found.state == "none":
        return "fine", "there is no policy.toml: TLP alone decides what leaves", ""
    if found.state == "fine":
        return "fine", f"version {found.version}; {counted(len(found.cases), 'test')} passed", ""
    return "look", f"{found.failed:,} of its own tests failed; {counted(len(found.doubts), 'doubt')}", how


def _own(node: Node | None) -> PolicyChecked:
    name = None if node is None else str(node.home / POLICY_FILE)
    try:
        force = None if node is None else in_force(node)
    except BrokenPolicyError as error:
        return _broken(name, error.faults)
    if force is None or force.read is None:
        says = "There is no policy file: TLP alone decides, and nothing else is asked."
        return PolicyChecked(
            file=None,
            state="none",
            version=DEFAULT_POLICY.version,
            faults=(),
            doubts=(),
            cases=(),
            says=(PolicyPart(part="default", says=says),),
        )
    return _checked(node, name, force.read)


def _broken(name: str | None, faults: tuple[Fault, ...]) -> PolicyChecked:
    return PolicyChecked(file=name, state="broken", version=None, faults=faults, doubts=(), cases=(), says=())


def _checked(node: Node | None, name: str | None, read: Read) -> PolicyChecked:
    settings = None if node is None else node.settings
    networks = () if settings is None else tuple(settings.own_networks)
    domains = () if settings is None else tuple(settings.own_domains)
    found = doubts(read.policy, read.lines, None if node is None else _parties(node))
    cases = try_cases(read.policy, read.cases, leak_scan(read.policy, networks, domains))
    return PolicyChecked(
        file=name,
        state="fine" if not found and all(one.passed for one in cases) else "look",
        version=read.policy.version,
        faults=(),
        doubts=found,
        cases=cases,
        says=tuple(PolicyPart(part=part, says=says) for part, says in words_of(read.policy)),
    )


def _parties(node: Node) -> frozenset[str]:
    """Return every name of every party, as groups may spell it."""
    rows = [tally.party for tally in node.store.parties.tallies()]
    return frozenset(name for row in rows for name in names_of(node, row, Standing.UNKNOWN))
