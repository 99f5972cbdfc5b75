"""Answer a request, or give help with what was declined: in words, with objects, or with a reason why not.

Words wait for the next drop. Objects go in a drop of their own that names the request, by a plan like any other
release, and the answer goes with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from backchannel.clock import Clock, format_time
from backchannel.desk.choosing import Choice
from backchannel.desk.node import Node
from backchannel.desk.planning import Plan, plan
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.desk.records import record_decision, record_signed
from backchannel.desk.releasing import Made, check_plan, release
from backchannel.desk.request_documents import Replied
from backchannel.desk.requests import RequestReader, digits_of, request_named, rfi_of
from backchannel.desk.stating import How
from backchannel.desk.telling import check_may_tell, keep_told, signed
from backchannel.errors import NotFoundError, UsageError
from backchannel.parties.at_rest import Unseal
from backchannel.parties.names import visible_name
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import Answer, DeclineReason, Hunted
from backchannel.provenance.requests import NEXT
from backchannel.provenance.statement import ObjectSubject, digest_text
from backchannel.stix.markings import Tlp
from backchannel.store.requests import RequestRow
from backchannel.store.rows import PartyRow

AnswerState = Literal["acknowledged", "working", "answered", "declined"]
MAX_TEXT_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Target:
    """What is answered: a request of a party, or a receipt by which it declined what we sent and asks for help."""

    digest: bytes
    party: PartyRow
    request: RequestRow | None
    """None: it is a receipt."""
    answered: str
    """How it stands."""
    is_full: bool = False
    """Whether it was answered as often as was asked for: what is said beyond that is read by nobody."""

    @property
    def name(self) -> str:
        """How statements and people name it."""
        return digest_text(self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is said."""

    state: AnswerState = "answered"
    text: str = ""
    tlp: Tlp | None = None
    """How far the text may go; None: as far as the question, and TLP:AMBER at most."""
    reason: DeclineReason | None = None


def target_named(node: Node, clock: Clock, which: str) -> Target:
    """Return what is to be answered, by its digest or so much of it that only one has it.

    Raises:
        NotFoundError: there is no such request, and no such receipt asks for help.
        UsageError: it is ours, or not named by the digits of its digest.
    """
    from backchannel.desk.help_wanted import help_named  # noqa: PLC0415  # it reads what was sent

    digits = digits_of(which)
    if not node.store.requests.like(digits, at_most=1):
        wanted = help_named(node, clock, digits)
        party = node.store.parties.by_name(wanted.party)
        if party is None:
            raise NotFoundError(f"there is no party {visible_name(wanted.party)}")
        return Target(bytes.fromhex(wanted.receipt.removeprefix("sha256:")), party, None, "open")
    row = request_named(node, digits)
    if row.is_own:
        raise UsageError("this request is ours", hint="See what was answered: backchannel ask show.")
    party = node.store.parties.by_name(row.party)
    if party is None:
        raise NotFoundError(f"there is no party {visible_name(row.party)}")
    asked, found = RequestReader(node, clock).standing(row)
    given = sum(one.state == "answered" for one in found.answers)
    return Target(row.statement.digest, party, row, found.state, is_full=given >= asked.rfi.max_answers)


def reply(node: Node, clock: Clock, which: str, said: Reply, *, unseal: Unseal | None = None) -> Replied:
    """Answer in words, or say that somebody works on it, or decline.

    Args:
        node: ours.
        clock: the present.
        which: the request or receipt.
        said: what.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such request or receipt.
        UsageError: it was answered already, or nothing is said.
        PolicyError: the rules of release keep it.
        SignatureError: our keys need a passphrase.
    """
    target = target_named(node, clock, which)
    to = recipient_of(node, target.party.name)
    answer = answer_to(target, said)
    if answer.state == "answered" and not answer.text:
        raise UsageError("nothing is answered", hint="Say it with --text, or give objects with --with ID.")
    return keep_answer(node, clock, target, to, answer, unseal=unseal)


def keep_answer(
    node: Node,
    clock: Clock,
    target: Target,
    to: Recipient,
    answer: Answer,
    *,
    unseal: Unseal | None = None,
) -> Replied:
    """Sign an answer and let it wait for the next drop.

    Raises:
        PolicyError: the rules of release keep it.
        SignatureError: our keys need a passphrase.
    """
    check_may_tell(node, clock, to.party, answer.tlp, "answer")
    envelope = signed(node, clock, answer, to, unseal=unseal)
    with node.store.transaction():
        keep_told(node, clock, envelope, to.party)
        _said(node, clock, target, answer, envelope)
    return _replied(target, answer)


def reply_plan(node: Node, clock: Clock, which: str, ids: Sequence[str]) -> tuple[Target, Plan]:
    """Decide about the objects of an answer, as about any that go to a party.

    Raises:
        NotFoundError: there is no such request, receipt or object.
        UsageError: it was answered already.
    """
    target = target_named(node, clock, which)
    to = recipient_of(node, target.party.name)
    return target, plan(node, clock, to, Choice(ids=tuple(ids)))


def reply_with(
    node: Node,
    clock: Clock,
    target: Target,
    planned: Plan,
    said: Reply,
    how: How,
    *,
    approved: str | None = None,
    carrier: str | None = None,
    unseal: Unseal | None = None,
) -> tuple[Replied, Made]:
    """Answer with objects: make the drop of the plan, which names the request, with the answer in it.

    Args:
        node: ours.
        clock: the present.
        target: what is answered.
        planned: formed just now (`reply_plan`).
        said: what is said beside the objects.
        how: how the drop is made.
        approved: the digest of the plan that a person looked at; without it, nothing may be withheld.
        carrier: name of the channel by which the drop is to go.
        unseal: opens our keys.

    Raises:
        UsageError: it was answered already.
        PolicyError: something is withheld and no plan was approved, or the text may not go.
    """
    check_plan(planned, approved)
    answer = answer_to(target, said)
    if answer.text:
        check_may_tell(node, clock, target.party, answer.tlp, "answer")
    about: list[ObjectSubject] = [one.subject for one in planned.going]
    envelope = signed(node, clock, answer, planned.recipient, about=about, unseal=unseal)
    made = release(
        node,
        clock,
        planned,
        replace(how, reply_to=target.name, answer=envelope),
        approved=approved,
        carrier=carrier,
        unseal=unseal,
        also=lambda: _said(node, clock, target, answer, envelope),
    )
    replied = msgspec.structs.replace(
        _replied(target, answer), objects=tuple(one.kept.stix_id for one in planned.going)
    )
    return replied, made


def answer_to(target: Target, said: Reply, *, hunted: Sequence[Hunted] = ()) -> Answer:
    """Return what is said to a request or receipt; `hunted` is what a run of it found.

    Raises:
        UsageError: it was answered already, is over, or the text is too long.
    """
    if len(said.text) > MAX_TEXT_CHARS:
        raise UsageError(
            f"the text is longer than {MAX_TEXT_CHARS:,} characters", hint="Shorten it, or send a report."
        )
    allowed = NEXT[target.answered] if target.request else {"answered", "working", "acknowledged", "declined"}  # type: ignore[index]
    if said.state not in allowed or target.is_full:
        raise UsageError(
            f"the request is {target.answered} already, and cannot be {said.state} now",
            hint="See `backchannel ask list`.",
        )
    asked = rfi_of(target.request).tlp if target.request else Tlp.AMBER
    tlp = said.tlp or min(asked, Tlp.AMBER, key=lambda one: one.strictness)
    return Answer(
        reply_to=target.name,
        state=said.state,
        text=said.text.strip(),
        tlp=tlp,
        reason=said.reason,
        hunted=list(hunted),
    )


def mark_helped(node: Node, clock: Clock, which: str, how: str) -> Replied:
    """Write down that help was given in another way, as by a call: the task is done, and nobody is told.

    Raises:
        NotFoundError: no such receipt asks for help.
        UsageError: it is a request, or nothing is said of how.
    """
    target = target_named(node, clock, which)
    if target.request is not None:
        raise UsageError("a request is answered, or declined", hint="Say --text WORDS or --decline REASON.")
    if not how.strip():
        raise UsageError("how was help given?", hint="Say it: --text 'We called them.'")
    with node.store.transaction():
        node.store.requests.help(target.digest, at=format_time(clock.now()), how=how.strip()[:MAX_TEXT_CHARS])
        record_decision(node.store, "help", target.name, now=clock.now())
    return Replied(
        to=target.party.name, about=target.name, state="done", says="Done, and nobody is told by this."
    )


def _said(node: Node, clock: Clock, target: Target, answer: Answer, envelope: bytes) -> None:
    """Enter an answer in the ledger, and write down that what was asked is answered or declined. Inside a transaction."""
    record_signed(node.store, LeafKind.REQUEST, envelope, about=target.name, now=clock.now())
    if answer.state not in {"answered", "declined"}:
        return
    at = format_time(clock.now())
    if target.request is not None:
        node.store.requests.close(target.request.statement.statement_row, at=at)
    else:
        node.store.requests.help(target.digest, at=at, how=answer.text or answer.state)


def _replied(target: Target, answer: Answer) -> Replied:
    to = visible_name(target.party.name)
    words = {
        "acknowledged": f"{to} is told that the request was read",
        "working": f"{to} is told that somebody works on it",
        "answered": f"{to} is answered",
        "declined": f"{to} is told that we decline",
    }[answer.state]
    return Replied(
        to=target.party.name,
        about=target.name,
        state=answer.state,
        hunted=tuple(answer.hunted),
        says=f"{words}.",
    )
