"""Cosign the checkpoints of another party's ledger, if it only grew (C2SP tlog-witness, add-checkpoint). Pure.

    request = parse_request(body)
    answer = add_checkpoint(seen, keys, request, witness_key, sign, at=now)
    # In one transaction: see that `seen` still is what the store has, and put `answer.seen` in its place.
    # Only then send `answer.body`.

A witness that answered before it had kept what it saw could be made to sign two histories by being killed in
between; one that compared and kept apart could be rolled back by two requests at once.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from backchannel.provenance.ledger.checkpoints import Checkpoint, open_checkpoint, parse_number
from backchannel.provenance.ledger.evidence import Breach, Evidence
from backchannel.provenance.ledger.notes import (
    MAX_NOTE_BYTES,
    Note,
    SignatureLine,
    VerifierKey,
    decode_base64,
    format_line,
    format_note,
    parse_note,
)
from backchannel.provenance.ledger.signatures import Sign, cosigned
from backchannel.provenance.ledger.tree import HASH_BYTES, MAX_PROOF_HASHES, is_consistent
from backchannel.provenance.reasons import Reason, Rejected

MAX_REQUEST_BYTES: Final = MAX_NOTE_BYTES + 64 * (MAX_PROOF_HASHES + 2)
SIZE_TYPE: Final = "text/x.tlog.size"
"""Content type of the answer that tells the size known here (add-checkpoint, 409)."""
TEXT_TYPE: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint of one ledger that was cosigned here."""

    origin: str
    size: int
    root: bytes
    note: bytes
    """With the ledger's signature and our own."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a ledger asks."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, and what has to be kept before."""

    status: HTTPStatus
    body: str
    """Cosignature lines (200), the size known here (409), or what is wrong."""
    seen: Seen | None
    """To be kept before `body` is sent; the same as before unless `status` is 200."""
    reason: Reason | None = None
    evidence: Evidence | None = None
    """The ledger signed what cannot be true beside what we saw: to be kept and shown."""

    @property
    def content_type(self) -> str:
        """The type of `body`."""
        return SIZE_TYPE if self.status == HTTPStatus.CONFLICT else TEXT_TYPE


def parse_request(data: bytes) -> Request:
    """Read the body of an add-checkpoint: `old SIZE`, hashes, an empty line, the checkpoint.

    Raises:
        Rejected: `BAD_FORM` or `TOO_LARGE`; to be answered with 400.
    """
    if len(data) > MAX_REQUEST_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"a request has at most {MAX_REQUEST_BYTES} bytes")
    head, gap, note = data.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    old_size = parse_number(lines[0].removeprefix("old "))
    hashes = tuple(decode_base64(line) or b"" for line in lines[1:])
    if not gap or not lines[0].startswith("old ") or old_size is None:
        raise Rejected(Reason.BAD_FORM, "a request begins with old SIZE, and ends with a checkpoint")
    if len(hashes) > MAX_PROOF_HASHES or any(len(one) != HASH_BYTES for one in hashes):
        raise Rejected(Reason.BAD_FORM, f"between them stand at most {MAX_PROOF_HASHES} hashes in base64")
    return Request(old_size, hashes, note)


def format_request(request: Request) -> bytes:
    """Return what a ledger sends to its witness."""
    lines = [f"old {request.old_size}", *(b64encode(one).decode() for one in request.proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + request.note


def add_checkpoint(
    seen: Seen | None,
    keys: Sequence[VerifierKey],
    request: Request,
    witness: VerifierKey,
    sign: Sign,
    *,
    at: datetime,
) -> Answer:
    """Say whether a ledger only grew since it was seen last, and cosign its checkpoint then.

    Args:
        seen: the newest checkpoint of this ledger that was cosigned here; None before the first.
        keys: the ledger's pinned keys; none for a ledger that is not known.
        request: what it asks.
        witness: our key, of kind `COSIGNATURE`.
        sign: has its private half.
        at: the time of the cosignature.
    """
    known_size = seen.size if seen else 0
    try:
        origin = parse_note(request.note).text.partition("\n")[0]
        if not any(key.name == origin for key in keys):
            return _refused(seen, HTTPStatus.NOT_FOUND, Reason.WRONG_LEDGER)
        checkpoint, note = open_checkpoint(request.note, *keys)
    except Rejected as error:
        forbidden = error.reason in {Reason.UNKNOWN_KEY, Reason.BAD_SIGNATURE, Reason.WRONG_LEDGER}
        status = HTTPStatus.FORBIDDEN if forbidden else HTTPStatus.BAD_REQUEST
        return _refused(seen, status, error.reason)
    if request.old_size > checkpoint.size:
        return _refused(seen, HTTPStatus.BAD_REQUEST, Reason.BAD_CONSISTENCY)
    key = next(key for key in keys if key.name == checkpoint.origin and note.by(key))
    fork = _fork(seen, checkpoint, key, request.note, at)
    if request.old_size != known_size:
        return Answer(HTTPStatus.CONFLICT, f"{known_size}\n", seen, fork.reason if fork else None, fork)
    if not _only_grew(seen, checkpoint, request.proof):
        reason = fork.reason if fork else Reason.BAD_CONSISTENCY
        return _refused(seen, HTTPStatus.UNPROCESSABLE_ENTITY, reason, fork)
    return _cosign(checkpoint, note, witness, sign, at)


def _only_grew(seen: Seen | None, checkpoint: Checkpoint, proof: Sequence[bytes]) -> bool:
    if seen is None or seen.size == 0:
        return not proof
    return is_consistent(seen.size, checkpoint.size, proof, seen.root, checkpoint.root)


def _cosign(checkpoint: Checkpoint, note: Note, witness: VerifierKey, sign: Sign, at: datetime) -> Answer:
    line = cosigned(note.text, witness, sign, at=int(at.timestamp()))
    kept = Note(note.text, (*_without(note.signatures, witness), line))
    seen = Seen(checkpoint.origin, checkpoint.size, checkpoint.root, format_note(kept))
    return Answer(HTTPStatus.OK, format_line(line), seen)


def _without(lines: Sequence[SignatureLine], witness: VerifierKey) -> list[SignatureLine]:
    """Return the signatures that are not our own: what was sent under our name was not looked at."""
    return [line for line in lines if (line.name, line.key_id) != (witness.name, witness.key_id)]


def _fork(
    seen: Seen | None, checkpoint: Checkpoint, key: VerifierKey, note: bytes, at: datetime
) -> Evidence | None:
    if seen is None or checkpoint.size != seen.size or checkpoint.root == seen.root:
        return None
    return Evidence(Breach.FORK, key, seen.note, note, at)


def _refused(
    seen: Seen | None, status: HTTPStatus, reason: Reason, evidence: Evidence | None = None
) -> Answer:
    return Answer(status, f"{reason}: {reason.meaning}\n", seen, reason, evidence)
