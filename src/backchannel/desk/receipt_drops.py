"""Let what waits for a party go at once: in a drop that carries statements alone, or as a bare file for any medium.

A bare file is signed and not encrypted: whoever sees it learns that two keys exchange something, and what became of
it. It is for media that are private already, and for those that take no drop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock
from backchannel.desk.choosing import Choice
from backchannel.desk.drop_documents import Noted
from backchannel.desk.node import Node
from backchannel.desk.pinned import own_kids, pinned_keys
from backchannel.desk.planning import plan
from backchannel.desk.provenance import known_at
from backchannel.desk.receipt_documents import HeardStatements, SentStatements
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.desk.records import record_signed
from backchannel.desk.releasing import Made, release
from backchannel.desk.saying import Said, hear
from backchannel.desk.stating import How
from backchannel.desk.waiting import may_go
from backchannel.desk.writing import write_files
from backchannel.errors import InputError, PolicyError
from backchannel.parties.at_rest import Unseal
from backchannel.parties.names import visible_name
from backchannel.parties.states import Standing
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import digest_text
from backchannel.provenance.verification import Terms

STATEMENTS_SCHEMA: Final = "backchannel.statements/1"
MAX_FILE_BYTES: Final = 16 * 2**20
MAX_STATEMENTS: Final = 10_000
"""Statements of one bare file."""
_MARK: Final = b'"payloadType"'


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """A bare file: statements as they were signed."""

    schema: str = STATEMENTS_SCHEMA
    to: str
    statements: list[msgspec.Raw]


def receipts_drop(
    node: Node,
    clock: Clock,
    party: str,
    *,
    carrier: str | None = None,
    unseal: Unseal | None = None,
) -> Made | None:
    """Make a drop of what waits for a party and may go: no objects, and no receipt asked for it. None: nothing does.

    Args:
        node: ours.
        clock: the present.
        party: its name.
        carrier: name of the channel by which it is to go.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such party, or we have no keys of it.
        PolicyError: nothing is sent to it.
        StoreError: it cannot be written.
    """
    to = recipient_of(node, party)
    if not node.store.statements.waiting(to.party.party_row):
        return None
    _check_standing(to)
    if not may_go(node, clock, to.party):
        return None
    planned = plan(node, clock, to, Choice())
    return release(node, clock, planned, How(ack="none"), carrier=carrier, unseal=unseal)


def write_statements(node: Node, clock: Clock, party: str, path: Path) -> SentStatements | None:
    """Write what waits for a party and may go into a bare file. None: nothing does.

    Once the file is on the disk they wait no more; killed in between, they go once more, which does no harm.

    Args:
        node: ours.
        clock: the present.
        party: its name.
        path: the file.

    Raises:
        NotFoundError: there is no such party, or we have no keys of it.
        PolicyError: nothing is sent to it.
        InputError: the file cannot be written.
    """
    to = recipient_of(node, party)
    _check_standing(to)
    waiting = may_go(node, clock, to.party)
    if not waiting:
        return None
    file = _File(to=to.party.name, statements=[msgspec.Raw(row.envelope) for row in waiting])
    write_files(path.parent, {path.name: codec.encode(file) + b"\n"})
    with node.store.transaction():
        node.store.statements.went(to.party.party_row, (row.statement_row for row in waiting))
        for row in waiting:
            about = digest_text(row.digest)
            record_signed(node.store, LeafKind.SENT, row.envelope, about=about, now=clock.now())
    return SentStatements(to=to.party.name, statements=len(waiting), path=str(path))


def _check_standing(to: Recipient) -> None:
    """See that anything is sent to a party.

    Raises:
        PolicyError: it is suspended or revoked.
    """
    if to.standing in {Standing.SUSPENDED, Standing.REVOKED}:
        raise PolicyError(
            f"{visible_name(to.party.name)} is {to.standing!s}: nothing is sent to it",
            hint=f"See `backchannel party show {to.party.name}` for why.",
        )


def holds_statements(data: bytes) -> bool:
    """Whether a file looks like bare statements: one envelope, one a line, or what `write_statements` writes."""
    return data.lstrip()[:1] in {b"{", b"["} and _MARK in data[:MAX_FILE_BYTES]


def take_statements(node: Node, clock: Clock, data: bytes, place: str) -> HeardStatements:
    """Take bare statements: each is verified by itself, and what is refused is kept in quarantine with its reason.

    Args:
        node: ours.
        clock: the present.
        data: the file.
        place: where it came from, for people.

    Raises:
        InputError: it is no file of statements, or too large.
    """
    envelopes = _envelopes(data)
    keys, said = pinned_keys(node), Said()
    terms = Terms(now=clock.now(), me=own_kids(node), seen=None, known_at=known_at(node.store))
    known = 0
    for envelope in envelopes:
        try:
            hear(node, clock, envelope, keys, terms, said)
        except Rejected as refusal:
            if refusal.reason is Reason.REPLAY:
                known += 1
            else:
                said.refused.append((envelope, refusal))
    with node.store.transaction():
        said.keep(node, clock, None, place=place)
    return HeardStatements(
        statements=len(envelopes),
        receipts=said.receipts,
        known=known,
        refused=len(said.refused),
        notes=tuple(
            Noted(code=one.reason, means=one.reason.meaning, mend=one.reason.mend, detail=one.detail)
            for _, one in said.refused
        ),
    )


def _envelopes(data: bytes) -> Sequence[bytes]:
    """Return the statements of a bare file, byte for byte.

    Raises:
        InputError: it is none, or beyond a limit.
    """
    if len(data) > MAX_FILE_BYTES:
        raise InputError(
            f"the file has {len(data):,} bytes, and statements at most {MAX_FILE_BYTES:,}",
            hint="Ask the sender for a drop.",
        )
    try:
        found = _parsed(data)
    except ValueError:
        raise InputError(
            "the file holds no statements: it is not JSON, or of another form",
            hint="Save it again as it came; a drop begins with `age-encryption.org` or `-----BEGIN AGE`.",
        ) from None
    if not 0 < len(found) <= MAX_STATEMENTS:
        raise InputError(
            f"the file holds {len(found):,} statements; at most {MAX_STATEMENTS:,} are taken",
            hint="Ask the sender to split it.",
        )
    return list(dict.fromkeys(found))


def _parsed(data: bytes) -> list[bytes]:
    text = data.strip()
    if b'"statements"' in text[:1_000]:
        file = codec.decode_as(text, _File)
        if file.schema != STATEMENTS_SCHEMA:
            raise ValueError("another document")
        return [bytes(one) for one in file.statements]
    return [line.strip() for line in text.splitlines() if line.strip()]
