"""Which ledgers and witnesses are believed, and how many witnesses it takes (C2SP tlog-policy). Pure.

policy = parse_policy(data)
checkpoint = check_policy(policy, note)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint
from backchannel.provenance.ledger.notes import COSIGNATURE, ED25519, VerifierKey, parse_vkey
from backchannel.provenance.ledger.signatures import check_signed
from backchannel.provenance.reasons import Reason, Rejected

MAX_POLICY_BYTES: Final = 64 * 2**10
MAX_DEFINITIONS: Final = 256
"""Ledgers, witnesses and groups together; the format asks that readers take 32 of each."""
NO_WITNESS: Final = "none"


@dataclass(frozen=True, slots=True)
class Named:
    """A ledger or a witness of a policy."""

    key: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses, or groups of them, of which some have to have cosigned."""

    members: tuple[str, ...]
    threshold: int


@dataclass(slots=True)
class Policy:
    """What a policy file says."""

    logs: list[Named] = field(default_factory=list)
    witnesses: dict[str, Named] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None
    """Name of a witness or group; `NO_WITNESS`: none has to cosign."""


def parse_policy(data: bytes) -> Policy:
    """Read a policy file.

    Raises:
        Rejected: `BAD_FORM`, with the number of the line; `TOO_LARGE`, `TOO_MANY`; `WEAK_KEY`.
    """
    if len(data) > MAX_POLICY_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"a policy has at most {MAX_POLICY_BYTES} bytes")
    policy, used = Policy(), set[str]()
    # Bytes beyond ASCII mean nothing: equal ones are equal names, whatever they spell.
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        try:
            _read_line(policy, used, line)
        except Rejected as error:
            raise Rejected(error.reason, f"line {number} of the policy: {error.detail}") from None
    if policy.quorum is None:
        raise _bad("a policy has one line quorum")
    return policy


def check_policy(policy: Policy, data: bytes) -> Checkpoint:
    """Return a checkpoint that satisfies the policy: signed by one of its ledgers, cosigned by its quorum.

    Raises:
        Rejected: `BAD_COSIGNATURE`, one of a known witness does not verify; `TOO_FEW_WITNESSES`; or as
            `open_checkpoint`.
    """
    checkpoint, note = open_checkpoint(data, *(log.key for log in policy.logs))
    lines = check_signed(note, [witness.key for witness in policy.witnesses.values()])
    seen = {(line.name, line.key_id) for line in lines}
    cosigned = {
        name for name, witness in policy.witnesses.items() if (witness.key.name, witness.key.key_id) in seen
    }
    if not _is_met(policy.quorum or NO_WITNESS, cosigned, policy.groups):
        raise Rejected(
            Reason.TOO_FEW_WITNESSES, f"{len(cosigned)} of the policy's {len(policy.witnesses)} cosigned"
        )
    return checkpoint


def _is_met(name: str, cosigned: set[str], groups: Mapping[str, Group]) -> bool:
    if name == NO_WITNESS or name in cosigned:
        return True
    group = groups.get(name)
    if group is None:
        return False
    return sum(_is_met(member, cosigned, groups) for member in group.members) >= group.threshold


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _read_line(policy: Policy, used: set[str], line: str) -> None:
    if _CONTROL.search(line):
        raise _bad("a control character")
    words = [word for word in re.split(r"[ \t]+", line) if word]
    if not words or words[0].startswith("#"):
        return
    if len(policy.logs) + len(policy.witnesses) + len(policy.groups) >= MAX_DEFINITIONS:
        raise Rejected(Reason.TOO_MANY, f"at most {MAX_DEFINITIONS} ledgers, witnesses and groups are read")
    match words:
        case ["log", vkey, *url] if len(url) < 2:
            policy.logs.append(_named(vkey, url, ED25519, policy.logs))
        case ["witness", name, vkey, *url] if len(url) < 2:
            _is_new(policy, name)
            policy.witnesses[name] = _named(vkey, url, COSIGNATURE, policy.witnesses.values())
        case ["group", name, threshold, *members]:
            _is_new(policy, name)
            policy.groups[name] = _group(policy, used, threshold, members)
        case ["quorum", name] if policy.quorum is None:
            if name != NO_WITNESS and name not in policy.witnesses and name not in policy.groups:
                raise _bad(f"{name!r} is not named above")
            policy.quorum = name
        case _:
            raise _bad("neither log, witness, group nor the one quorum")


def _named(vkey: str, url: list[str], kind: int, others: Iterable[Named]) -> Named:
    key = parse_vkey(vkey)
    if key.kind != kind:
        raise _bad("a ledger's key is of kind 1, a witness's of kind 4")
    if any(other.key.public == key.public for other in others):
        raise _bad("the key stands there twice")
    return Named(key, url[0] if url else "")


def _is_new(policy: Policy, name: str) -> None:
    if name == NO_WITNESS or name in policy.witnesses or name in policy.groups:
        raise _bad(f"the name {name!r} is taken")


def _group(policy: Policy, used: set[str], threshold: str, members: list[str]) -> Group:
    for member in members:
        if member not in policy.witnesses and member not in policy.groups:
            raise _bad(f"{member!r} is not named above")
        if member in used:
            raise _bad(f"{member!r} is a member already")
        used.add(member)
    words = {"any": 1, "all": len(members)}
    needed = words.get(threshold, int(threshold) if re.fullmatch(r"[1-9][0-9]{0,3}", threshold) else 0)
    if not 1 <= needed <= len(members):
        raise _bad(f"a group of {len(members)} cannot need {threshold!r} of them")
    return Group(tuple(members), needed)


def _bad(why: str) -> Rejected:
    return Rejected(Reason.BAD_FORM, why)
