"""The release policy that is in force: `policy.toml` in the home folder, read anew as soon as it changes.

Without the file TLP alone decides. A file that is not of its form is no policy, and not the one before it either:
nothing leaves until it is mended.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backchannel.errors import PolicyError
from backchannel.policy.fields import Fault
from backchannel.policy.leaks import Scan, scan_of
from backchannel.policy.reading import MAX_POLICY_BYTES, PolicyFaultsError, Read, read_policy
from backchannel.policy.rules import DEFAULT_POLICY, Policy

if TYPE_CHECKING:
    from backchannel.desk.node import Node

POLICY_FILE: Final = "policy.toml"


class BrokenPolicyError(PolicyError):
    """`policy.toml` is not of its form: nothing leaves."""

    http_status = 503
    hint = "backchannel policy check names what is wrong in it."

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        # Readers of our server see this too: what the file says is none of their business.
        super().__init__("the release policy of this node cannot be read, so nothing leaves")
        self.faults = faults


@dataclass(frozen=True)
class InForce:
    """A policy, with what it is asked with."""

    policy: Policy
    read: Read | None
    """None: there is no file."""
    networks: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    @cached_property
    def scan(self) -> Scan | None:
        """What of our own is looked for in what leaves; None: nothing is."""
        return leak_scan(self.policy, self.networks, self.domains)


def leak_scan(policy: Policy, networks: tuple[str, ...], domains: tuple[str, ...]) -> Scan | None:
    """Return what looks for what a policy wants to keep here; None: it wants none of it."""
    leaks = policy.leaks
    if leaks is None:
        return None
    return scan_of(
        networks=networks if leaks.own else (),
        domains=domains if leaks.own else (),
        hosts=leaks.hosts,
        persons=leaks.persons,
        words=leaks.words,
        paths=leaks.paths,
        custom_fields=leaks.custom_fields,
    )


def in_force(node: Node) -> InForce:
    """Return the policy of a node as its file says now.

    Raises:
        BrokenPolicyError: the file is not of its form, or cannot be read.
    """
    path = node.home / POLICY_FILE
    mark = _mark(path)
    known = node.policies.get("in force")
    if known is not None and known[0] == mark:
        found = known[1]
    else:
        found = _read(node, path) if mark is not None else InForce(DEFAULT_POLICY, None)
        node.policies["in force"] = (mark, found)
    if isinstance(found, BrokenPolicyError):
        raise BrokenPolicyError(found.faults)
    return found


def _mark(path: Path) -> tuple[int, ...] | None:
    """Return what differs as soon as the file was written; None: there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return (-1,)
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns


def _read(node: Node, path: Path) -> InForce | BrokenPolicyError:
    try:
        with path.open("rb") as file:
            read = read_policy(file.read(MAX_POLICY_BYTES + 1))
    except OSError as error:
        fault = Fault(
            None, "file", f"it cannot be read: {error.strerror}", "Give yourself the right to read it."
        )
        return BrokenPolicyError((fault,))
    except PolicyFaultsError as error:
        return BrokenPolicyError(error.faults)
    settings = node.settings
    return InForce(read.policy, read, tuple(settings.own_networks), tuple(settings.own_domains))
