"""How claims turned out, as we and others say: kept with whom they speak for or against.

An outcome speaks for or against whoever had told us by then; who repeats the claim later earns nothing by it.
"""

from __future__ import annotations

from collections.abc import Iterator

from backchannel.clock import Clock, format_time
from backchannel.codec import JsonObject, canonical
from backchannel.desk.grading import Graded, Grader
from backchannel.desk.node import Node
from backchannel.desk.records import record_decision
from backchannel.desk.redacted import originals
from backchannel.ids import sha256
from backchannel.provenance.predicates import Outcome
from backchannel.provenance.verification import Verified
from backchannel.store.belief import Basis, Credit, NewOutcome, OutcomeWord
from backchannel.store.rows import Kept


def keep_outcome(
    node: Node,
    clock: Clock,
    kept: Kept,
    outcome: OutcomeWord,
    *,
    basis: Basis,
    reason: str,
    answer_id: str | None = None,
) -> tuple[str, ...]:
    """Keep an outcome of our own, inside a transaction; returns the sources for or against which it speaks."""
    grader = Grader(node, clock)
    graded = grader.grade(kept)
    now = format_time(clock.now())
    new = NewOutcome(
        claim=graded.gathered.claim.key,
        about=kept.stix_id,
        object_row=kept.object_row,
        outcome=outcome,
        basis=basis,
        reason=reason,
        at=now,
        answer_id=answer_id,
    )
    speaks = list(credits_of(grader, graded, own=node.party.party_id))
    node.store.beliefs.add_outcome(new, speaks)
    record_said(node, "outcome", kept.stix_id, {"outcome": outcome, "basis": basis, "reason": reason}, clock)
    return tuple(grader.letters.name_of(one.source) for one in speaks)


def hear_outcome(node: Node, clock: Clock, verified: Verified, statement_row: int) -> int:
    """Keep what another party signed of how objects turned out, inside the transaction that keeps its statement.

    It weighs what that party's own word weighs here, and speaks for nobody who repeated the claim later.

    Args:
        node: ours.
        clock: the present.
        verified: a statement of the kind `outcome`.
        statement_row: where it is kept.

    Returns:
        How many objects it is about that are here, or went to whoever says it in a form that claims the same.
    """
    said, subject = verified.predicate, verified.statement.subject
    signer = next(
        (
            row.party
            for row in node.store.membership.known()
            if row.party.party_id == verified.signers[0].party
        ),
        None,
    )
    if not isinstance(said, Outcome) or not isinstance(subject, list) or signer is None:
        return 0
    held = [kept for one in subject for kept in _named(node, one.id, one.jcs)]
    held += originals(node.store, statement_row, named=len(subject))
    grader = Grader(node, clock)
    for graded in grader.grades(held):
        claim = graded.gathered.claim
        new = NewOutcome(
            claim=claim.key,
            about=claim.asked.stix_id,
            object_row=claim.asked.object_row,
            outcome=said.outcome,
            basis=said.basis,
            reason=said.text or "no reason given",
            at=format_time(clock.now()),
            said_by=signer.party_row,
            statement_row=statement_row,
        )
        # What somebody says of itself is no outcome.
        speaks = [
            one
            for one in credits_of(grader, graded, own=node.party.party_id)
            if one.source.lstrip("?").partition(":")[0] != signer.party_id
        ]
        node.store.beliefs.add_outcome(new, speaks)
    return len(held)


def _named(node: Node, stix_id: str, digest: str) -> list[Kept]:
    kept = node.store.objects.content(stix_id, bytes.fromhex(digest.removeprefix("sha256:")))
    return [] if kept is None or kept.quarantined else [kept]


def credits_of(grader: Grader, graded: Graded, *, own: str) -> Iterator[Credit]:
    """Yield for or against whom an outcome of a claim speaks: whoever had told us, each once; not our own echo."""
    gathered = graded.gathered
    echoes = {one.report for one in grader.origins(gathered).echoes}
    seen: set[str] = set()
    for report in sorted(gathered.reports, key=lambda one: (one.arrived_at, one.key)):
        source = report.origin.name
        if report.key in echoes or source in seen or source == own or report.origin.kind == "otag":
            continue
        seen.add(source)
        told = gathered.told[report.key]
        yield Credit(
            source=source,
            topic=gathered.claim.topic,
            object_row=told.object_row,
            party_row=told.party_row,
            told_at=told.at,
        )


def record_said(node: Node, decision: str, about: str, said: JsonObject, clock: Clock) -> None:
    """Enter into the ledger what a person said, inside the transaction that keeps it."""
    record_decision(node.store, decision, about, now=clock.now(), digest=sha256(canonical(said)))
