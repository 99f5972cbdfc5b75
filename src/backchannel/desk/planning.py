"""What would go to a party, object by object, and what stays and why: formed anew each time, and named by its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.choosing import Choice, chosen
from backchannel.desk.drop_documents import PlannedObject, ReleasePlan
from backchannel.desk.going import Going
from backchannel.desk.node import Node
from backchannel.desk.planned import Deciding
from backchannel.desk.policy_file import in_force
from backchannel.desk.recipients import Recipient
from backchannel.desk.sweeps import fewer_sweeps
from backchannel.errors import PolicyError
from backchannel.policy.rules import DEFAULT_POLICY, Policy


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes and what does not, with its name."""

    recipient: Recipient
    going: tuple[Going, ...]
    """Those of one group stand together."""
    objects: tuple[PlannedObject, ...]
    """As they were named."""
    sha256: str
    policy: Policy = DEFAULT_POLICY
    """That decided."""
    is_deniable: bool = False
    """Whether only the recipient can know that we made the drop: nothing in it is signed."""

    @property
    def groups(self) -> Iterator[list[Going]]:
        """The objects for each of which one statement is made."""
        for _, members in groupby(self.going, key=lambda one: one.group):
            yield list(members)

    @property
    def withheld(self) -> int:
        """How many stay."""
        return sum(one.outcome == "withheld" for one in self.objects)

    @property
    def tear_lines(self) -> int:
        """How many go as their tear-lines."""
        return sum(one.outcome == "tear-line" for one in self.objects)

    @property
    def redacted(self) -> int:
        """How many go changed."""
        return sum(one.made is not None for one in self.going)

    @property
    def needs_approval(self) -> bool:
        """Whether a second person has to approve it."""
        return any(one.tlp in self.policy.approval for one in self.going)

    def document(self, approved_by: Sequence[str] = ()) -> ReleasePlan:
        """Return it as it is shown."""
        behind = {digest for one in self.going if one.way and one.made is None for digest in one.way.key}
        behind |= {permit.digest for one in self.going for permit in one.permits}
        statements = 0 if self.is_deniable else len(behind) + sum(1 for _ in self.groups)
        return ReleasePlan(
            to=self.recipient.party.name,
            standing=self.recipient.standing,
            goes=len(self.going),
            redacted=self.redacted,
            tear_lines=self.tear_lines,
            withheld=self.withheld,
            statements=statements,
            deniable=self.is_deniable,
            policy=self.policy.version,
            needs_approval=self.needs_approval,
            approved_by=tuple(approved_by),
            plan_sha256=self.sha256,
            objects=self.objects,
        )


def plan(
    node: Node, clock: Clock, recipient: Recipient, choice: Choice, *, is_deniable: bool = False
) -> Plan:
    """Decide about each object that was chosen.

    Args:
        node: ours.
        clock: the present.
        recipient: to whom.
        choice: what is to go; nothing is a drop without objects.
        is_deniable: whether nothing in the drop is to be signed.

    Raises:
        NotFoundError: what was chosen is not here.
        UsageError: it is chosen in several ways at once, or is more than one drop takes.
        BrokenPolicyError: the policy cannot be read.
    """
    force = in_force(node)
    deciding = Deciding(node, clock, recipient, force, is_deniable=is_deniable)
    with fewer_sweeps():
        decided = list(deciding.decided(chosen(node, choice)))
    going = sorted((one for one, _ in decided if one is not None), key=lambda one: one.group)
    objects = tuple(shown for _, shown in decided)
    digest = _digest(recipient, going, objects, force.policy.version, is_deniable=is_deniable)
    return Plan(recipient, tuple(going), objects, digest, force.policy, is_deniable)


def outdated() -> PolicyError:
    """Return the refusal of a plan that would not be formed the same any more."""
    return PolicyError(
        "the plan is no longer the one that was looked at: an object, a marking, a key or a rule changed",
        hint="Look at it again: backchannel release plan.",
    )


def _digest(
    recipient: Recipient,
    going: Iterable[Going],
    objects: Sequence[PlannedObject],
    policy: str,
    *,
    is_deniable: bool,
) -> str:
    """Return the digest of everything that the plan depends on."""
    parts = {
        "to": [recipient.party.party_id, recipient.sign, recipient.age_kid, recipient.standing.value],
        "policy": policy,
        "deniable": is_deniable,
        "objects": [
            [one.id, one.version, one.outcome, one.tlp, one.rule, one.relationship] for one in objects
        ],
        "going": [[one.kept.stix_id, one.kept.digest.hex(), one.digest.hex(), *one.group] for one in going],
    }
    return hashlib.sha256(codec.canonical(parts)).hexdigest()
