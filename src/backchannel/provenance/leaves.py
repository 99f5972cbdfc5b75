"""One signature for many objects: the root of a Merkle tree over salted leaves, and short proofs for each.

A leaf is a hash over 16 random bytes and the object's digest. Whoever gets one object with its proof learns
nothing about the others: without their salts not even a good guess can be checked. Each recipient's copy has
salts of its own, so that the salts of a leaked copy say whose it was.

The tree is the one of the ledger (RFC 6962 §2.1, `ledger.tree`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from backchannel.ids import Digest
from backchannel.provenance.ledger.tree import (
    EMPTY_ROOT,
    MAX_PROOF_HASHES,
    inner_hash,
    is_included,
)
from backchannel.provenance.statement import RootSubject, digest_text

SALT_BYTES: Final = 16
SECRET_BYTES: Final = 32
"""Of what the salts of one copy are drawn from."""
_DOMAIN: Final = b"bc-salts/v1\n"
_sha256 = hashlib.sha256

HexSalt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
HexHash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What leads from one object to a signed root; travels with the object."""

    salt: HexSalt
    i: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    """The leaf's index, from 0."""
    path: Annotated[list[HexHash], Meta(max_length=MAX_PROOF_HASHES)]
    """From the leaf's sibling up to a child of the root."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """The tree over the objects of one copy."""

    salts: Sequence[bytes]
    levels: tuple[list[bytes], ...]
    """Hashes of complete subtrees: leaves first, each level half as long."""
    edges: tuple[bytes | None, ...]
    """Of each level, the hash over the leaves to the right of its complete subtrees; None: there are none."""

    @property
    def subject(self) -> RootSubject:
        """What a statement about all of them names.

        Raises:
            ValueError: there are none.
        """
        size = len(self.levels[0])
        if not size:
            raise ValueError("a statement is about at least one object")
        return RootSubject(root=digest_text(_joined(self.levels[-1][0], self.edges[-1])), n=size)

    def holds(self, index: int, leaf_hash: bytes) -> bool:
        """Whether the leaf at `index` is this one."""
        return 0 <= index < len(self.levels[0]) and self.levels[0][index] == leaf_hash

    def proof(self, index: int) -> Proof:
        """Return what leads from the object at `index` to the root (RFC 9162 §2.1.3.1).

        Raises:
            ValueError: there is no such object.
        """
        if not 0 <= index < len(self.levels[0]):
            raise ValueError(f"there is no leaf {index} in a tree of {len(self.levels[0])}")
        path: list[str] = []
        at = index
        for level, edge in zip(self.levels, self.edges, strict=True):
            sibling = at ^ 1
            if sibling < len(level):
                path.append(level[sibling].hex())
            elif sibling == len(level) and edge is not None:
                path.append(edge.hex())
            at >>= 1
        return Proof(salt=self.salts[index].hex(), i=index, path=path)


def salts(secret: bytes, n: int) -> list[bytes]:
    """Return the salts of one copy (n times 16 bytes): the same for the same secret, and unguessable without it.

    The secret is 32 random bytes, drawn for each copy and kept: it says later whose copy a salt is from. Salts
    that are shown tell nothing about the others (SHAKE256, FIPS 202 §6.2).
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"the secret of a copy is {SECRET_BYTES} bytes long")
    stream = hashlib.shake_256(_DOMAIN + secret).digest(n * SALT_BYTES)
    return [stream[at : at + SALT_BYTES] for at in range(0, len(stream), SALT_BYTES)]


def leaf(salt: bytes, digest: bytes) -> bytes:
    """Return the leaf of one object: SHA-256 over a zero byte, its salt and its digest."""
    return _sha256(b"\x00" + salt + digest).digest()


def grow(salts_of_copy: Sequence[bytes], digests: Sequence[bytes]) -> Leaves:
    """Return the tree over the objects of one copy, in their order.

    Args:
        salts_of_copy: 16 bytes for each object.
        digests: SHA-256 of the canonical form of each.
    """
    level = [
        _sha256(b"\x00" + salt + digest).digest() for salt, digest in zip(salts_of_copy, digests, strict=True)
    ]
    levels = [level]
    edges: list[bytes | None] = [None]
    while len(level) > 1:
        edges.append(_joined(level[-1], edges[-1]) if len(level) & 1 else edges[-1])
        level = [
            _sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        levels.append(level)
    return Leaves(salts_of_copy, tuple(levels), tuple(edges))


def _joined(left: bytes, right: bytes | None) -> bytes:
    return left if right is None else inner_hash(left, right)


class RunningRoot:
    """The root over leaves as they come, in memory for their logarithm only: for a drop that is streamed."""

    __slots__ = ("_right_edge", "size")

    def __init__(self) -> None:
        self._right_edge: list[bytes] = []  # complete subtrees, the largest first
        self.size = 0
        """Leaves so far."""

    def add(self, new: bytes) -> None:
        """Add one leaf."""
        size, edge = self.size, self._right_edge
        while size & 1:
            new = _sha256(b"\x01" + edge.pop() + new).digest()
            size >>= 1
        edge.append(new)
        self.size += 1

    def root(self) -> bytes:
        """Return the root so far (32 bytes)."""
        if not self._right_edge:
            return EMPTY_ROOT
        *rest, at = self._right_edge
        for left in reversed(rest):
            at = inner_hash(left, at)
        return at


def proves(proof: Proof, digest: bytes, subject: RootSubject) -> bool:
    """Whether `proof` leads from the object of `digest` to the root that was signed."""
    path = [bytes.fromhex(step) for step in proof.path]
    root = bytes.fromhex(subject.root.removeprefix("sha256:"))
    return is_included(leaf(bytes.fromhex(proof.salt), digest), proof.i, subject.n, path, root)


@dataclass(frozen=True, slots=True)
class Copy:
    """What the sender keeps of one recipient's copy."""

    recipient: str
    secret: bytes
    n: int


def whose_copy(salt: bytes, digest: Digest, leaves: Iterable[tuple[Copy, Sequence[bytes]]]) -> str | None:
    """Return whose copy an object with this salt was leaked from, or None if it is from none of these.

    Args:
        salt: as it was found beside the leaked object.
        digest: of the leaked object.
        leaves: each copy of it, with the digests of its objects in their order.
    """
    for copy, digests in leaves:
        if any(
            kept == salt and of == digest
            for kept, of in zip(salts(copy.secret, copy.n), digests, strict=True)
        ):
            return copy.recipient
    return None
