"""What opens a leaf to somebody else, carried in a proof: the statement, the random bytes, and the object.

It stands in the line `extra` of a `.tlog-proof`, as canonical JSON. Nothing vouches for it but what it has to
give: the very leaf that the checkpoint holds.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

import msgspec

from backchannel.codec import JsonObject, JsonValue, canonical, decode_plain, into
from backchannel.desk.entering import leaf_of
from backchannel.desk.served import ObjectServed
from backchannel.ids import sha256
from backchannel.provenance.fields import DigestText
from backchannel.provenance.leaves import Proof, proves
from backchannel.provenance.ledger.leaves import opens, parse_leaf
from backchannel.provenance.ledger.notes import decode_base64
from backchannel.provenance.ledger.tlog_proof import TlogProof
from backchannel.provenance.ledger.tree import is_included, leaf_hash
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import RootSubject, digest_text
from backchannel.store.leaves import LeafRow

OPENING_TYPE = "bc/opening/v1"


@dataclass(frozen=True, slots=True)
class ObjectOpening:
    """Shows that an object is among those whose root a record has."""

    digest: bytes
    """SHA-256 of its JCS form."""
    index: int
    """Its place in the batch, from 0."""
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a proof shows, once it is checked that the ledger holds `entry`."""

    entry: bytes
    statement: bytes
    object_digest: str | None
    """`sha256:HEX` of the object that is shown to have come, or to have gone."""
    record: bytes | None = None
    """What is said of the page or push by which it went (canonical JSON)."""


def format_opening(row: LeafRow, shown: ObjectOpening | ObjectServed | None) -> bytes:
    """Return what opens the leaf of `row`."""
    value: JsonObject = {
        "_type": OPENING_TYPE,
        "leaf": leaf_of(row).decode(),
        "r32": b64encode(row.blinding).decode(),
        "statement": b64encode(row.statement).decode(),
    }
    if isinstance(shown, ObjectServed):
        value["served"] = {
            "record": b64encode(shown.record).decode(),
            "record_proof": _proof(shown.record_proof),
            "jcs": digest_text(shown.digest),
            "object_proof": _proof(shown.object_proof),
        }
    elif shown is not None:
        value["object"] = {
            "jcs": f"sha256:{shown.digest.hex()}",
            "index": shown.index,
            "proof": [b64encode(one).decode() for one in shown.hashes],
        }
    return canonical(value)


def open_proof(proof: TlogProof) -> Opened:
    """Return what a proof opens its leaf to. That the ledger holds the leaf is another question.

    Raises:
        Rejected: `BAD_INCLUSION`, it has no opening, the opening does not open its leaf, or the object is not
            among what the statement counts.
    """
    value = decode_plain(proof.extra or b"")
    if value is None or value.get("_type") != OPENING_TYPE:
        raise _bad("it carries no opening")
    leaf, r32, statement = (value.get(name) for name in ("leaf", "r32", "statement"))
    if not (isinstance(leaf, str) and isinstance(r32, str) and isinstance(statement, str)):
        raise _bad("its opening has no leaf, r32 or statement")
    said, blinding = decode_base64(statement), decode_base64(r32)
    if said is None or blinding is None or not opens(parse_leaf(leaf.encode()), said, blinding):
        raise _bad("its opening does not open its leaf")
    if (went := value.get("served")) is not None:
        return Opened(leaf.encode(), said, *_checked_served(went, said))
    shown = value.get("object")
    return Opened(leaf.encode(), said, None if shown is None else _checked_object(shown, said))


def _checked_object(shown: object, statement: bytes) -> str:
    """Return the digest of an object, once it is shown to be among those that the record has the root of."""
    record = decode_plain(statement)
    if not isinstance(shown, dict) or record is None:
        raise _bad("its object is none, or its statement is no record")
    digest, index, proof = (shown.get(name) for name in ("jcs", "index", "proof"))
    root, size = record.get("root"), record.get("n")
    if not (
        isinstance(digest, str)
        and isinstance(root, str)
        and type(index) is int
        and type(size) is int
        and isinstance(proof, list)
    ):
        raise _bad("a field of its object is missing")
    hashes = [decode_base64(one) or b"" for one in proof if isinstance(one, str)]
    try:
        leaf, top = (bytes.fromhex(one.removeprefix("sha256:")) for one in (digest, root))
    except ValueError:
        raise _bad("a digest of it is no hexadecimal number") from None
    if len(hashes) != len(proof) or not is_included(leaf_hash(leaf), index, size, hashes, top):
        raise _bad("its object is not among those that the statement counts")
    return digest


class _Served(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    record: str
    record_proof: Proof
    jcs: DigestText
    object_proof: Proof


def _proof(proof: Proof) -> JsonObject:
    return {"salt": proof.salt, "i": proof.i, "path": proof.path}


def _checked_served(shown: JsonValue, statement: bytes) -> tuple[str, bytes]:
    """Return the digest of an object and the record of what went, once both are shown to be below the statement."""
    try:
        went = into(shown, _Served)
        record = decode_base64(went.record) or b""
        told = [
            into({name: (decode_plain(one) or {}).get(name) for name in ("root", "n")}, RootSubject)
            for one in (statement, record)
        ]
    except ValueError:
        raise _bad("a field of what went is missing, or none of its kind") from None
    if not proves(went.record_proof, sha256(record), told[0]):
        raise _bad("its record is not among those that the statement counts")
    if not proves(went.object_proof, bytes.fromhex(went.jcs.removeprefix("sha256:")), told[1]):
        raise _bad("its object is not among those that the record counts")
    return went.jcs, record


def _bad(why: str) -> Rejected:
    return Rejected(Reason.BAD_INCLUSION, why)
