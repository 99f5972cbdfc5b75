"""Two persons for one plan: what the policy wants approved is sent by another person than the one who approved it.

A plan that wants approval is noted with what was chosen, so that whoever approves it by its hash sees it formed anew: it is
approved as it is now, or not at all.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time
from backchannel.desk.choosing import Choice
from backchannel.desk.node import Node
from backchannel.desk.planning import Plan, outdated, plan
from backchannel.desk.recipients import recipient_of
from backchannel.desk.records import record_decision
from backchannel.desk.writing import write_files
from backchannel.errors import NotFoundError, PolicyError
from backchannel.ids import BatchId, sha256

FOLDER: Final = "plans"
MAX_NOTE_BYTES: Final = 2**26
MAX_APPROVALS: Final = 20
MAX_NOTED: Final = 100
"""Plans that are kept; a new one takes the place of the oldest."""
_HASH = re.compile(r"[0-9a-f]{64}\Z")


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One person's approval."""

    person: str
    at: str


class _Note(msgspec.Struct, frozen=True, kw_only=True):
    """What was planned, and who approved it."""

    to: str
    ids: tuple[str, ...]
    batch: int | None
    party: str | None
    collection: str | None
    is_deniable: bool
    planned_at: str
    approvals: tuple[Approval, ...] = ()


class NotedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that somebody is to look at."""

    sha256: str
    to: str
    planned_at: str
    approved_by: tuple[str, ...]


def noted_plans(node: Node) -> tuple[NotedPlan, ...]:
    """Return the plans that were noted, newest first, at most `MAX_NOTED`."""
    paths = sorted((node.home / FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return tuple(_noted(node, path.stem) for path in paths[:MAX_NOTED] if _HASH.match(path.stem))


def _noted(node: Node, digest: str) -> NotedPlan:
    note = _read(node, digest)
    persons = tuple(one.person for one in note.approvals)
    return NotedPlan(sha256=digest, to=note.to, planned_at=note.planned_at, approved_by=persons)


def note_plan(node: Node, clock: Clock, found: Plan, choice: Choice) -> None:
    """Note a plan that wants approval or changes objects, so that others can look at it, and approve it by its hash."""
    path = _path(node, found.sha256)
    if not (found.needs_approval or found.redacted or found.tear_lines) or path.exists():
        return
    for old in sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)[: -MAX_NOTED + 1]:
        old.unlink(missing_ok=True)
    note = _Note(
        to=found.recipient.party.name,
        ids=choice.ids,
        batch=choice.batch,
        party=choice.party,
        collection=choice.collection,
        is_deniable=found.is_deniable,
        planned_at=format_time(clock.now()),
    )
    _write(path, note)


def planned(node: Node, clock: Clock, digest: str) -> Plan:
    """Return a plan that was noted, formed anew.

    Raises:
        NotFoundError: no plan of that hash waits for approval.
        PolicyError: it is another by now.
    """
    note = _read(node, digest)
    choice = Choice(
        note.ids, None if note.batch is None else BatchId(note.batch), note.party, note.collection
    )
    found = plan(node, clock, recipient_of(node, note.to), choice, is_deniable=note.is_deniable)
    if found.sha256 != digest.lower():
        raise outdated()
    return found


def approve(node: Node, clock: Clock, found: Plan, person: str) -> tuple[str, ...]:
    """Approve a plan; returns everybody who did.

    Args:
        node: ours.
        clock: the present.
        found: formed just now (`planned`).
        person: who approves it.

    Raises:
        NotFoundError: it was not noted.
    """
    path, note = _path(node, found.sha256), _read(node, found.sha256)
    if person not in {one.person for one in note.approvals}:
        approval = Approval(person=person, at=format_time(clock.now()))
        note = msgspec.structs.replace(note, approvals=(*note.approvals, approval)[-MAX_APPROVALS:])
        with node.store.transaction():
            digest = sha256(codec.canonical([found.sha256, person]))
            record_decision(node.store, "approve", f"plan {found.sha256}", now=clock.now(), digest=digest)
        _write(path, note)
    return tuple(one.person for one in note.approvals)


def approved_by(node: Node, found: Plan) -> tuple[str, ...]:
    """Return who approved a plan."""
    if not _path(node, found.sha256).exists():
        return ()
    return tuple(one.person for one in _read(node, found.sha256).approvals)


def check_approval(node: Node, found: Plan, person: str) -> None:
    """See that a second person approved a plan, where the policy wants that.

    Raises:
        PolicyError: nobody but who sends it did.
    """
    if not found.needs_approval or any(one != person for one in approved_by(node, found)):
        return
    labels = sorted({one.tlp.label for one in found.going if one.tlp in found.policy.approval})
    raise PolicyError(
        f"the policy wants two persons for {', '.join(labels)}, and nobody but {person} has approved this plan",
        hint=f"Another person: backchannel release approve {found.sha256}",
    )


def _path(node: Node, digest: str) -> Path:
    if _HASH.match(digest.lower()) is None:
        raise NotFoundError(f"{digest[:80]!r} is no hash of a plan", hint="See `backchannel release plan`.")
    return node.home / FOLDER / f"{digest.lower()}.json"


def _read(node: Node, digest: str) -> _Note:
    path = _path(node, digest)
    try:
        if path.stat().st_size > MAX_NOTE_BYTES:
            raise ValueError("too large")
        return codec.decode_as(path.read_bytes(), _Note)
    except (OSError, ValueError):
        raise NotFoundError(
            f"no plan {digest[:12]} waits for approval",
            hint="Let it be made first, by whoever wants to send it: backchannel release plan.",
        ) from None


def _write(path: Path, note: _Note) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_files(path.parent, {path.name: codec.encode(note)})
