"""The Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1): hashes, proofs, and how they are checked.

Pure. A *node* is the hash of a complete subtree: `node(level, index)` stands for the leaves from
`index << level` up to `(index + 1) << level`, exclusive. Whoever makes a proof hands in where nodes come from;
whoever checks one needs nothing but the proof. Every hash is 32 bytes; every index counts from 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

Node = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree of a level (0 is a leaf) at an index."""

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without leaves (RFC 6962 §2.1)."""
MAX_PROOF_HASHES = 63
"""A tree of 2^63 leaves needs no more (C2SP tlog-witness, add-checkpoint)."""
MAX_SIZE = 2**63 - 1
"""Most leaves of a tree that is spoken of here: what every other program can count too."""

_sha256 = hashlib.sha256


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: its entry is told from an inner node by the first byte."""
    return _sha256(b"\x00" + entry).digest()


def inner_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return _sha256(b"\x01" + left + right).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the hash of each leaf; a loop of `leaf_hash` takes twice as long."""
    sha256 = _sha256
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def row_above(row: Sequence[bytes]) -> list[bytes]:
    """Return the hashes one level above a row of neighbours; one left over on the right has none yet."""
    sha256 = _sha256
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]


# --- Checking ------------------------------------------------------------------------------------------


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that the tree of `size` leaves and `root` holds `leaf` at `index` (RFC 9162 §2.1.3.2).

    Args:
        leaf: hash of the leaf.
        index: where, from 0.
        size: leaves of the tree.
        proof: hashes from the leaf's sibling up to a child of the root.
        root: of the tree.
    """
    if not 0 <= index < size <= MAX_SIZE or not _are_hashes(leaf, root, proof):
        return False
    last = size - 1
    at = leaf
    for sibling in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            at = _sha256(b"\x01" + sibling + at).digest()
            while not index & 1 and index:  # the right edge climbs until it is a right child
                index >>= 1
                last >>= 1
        else:
            at = _sha256(b"\x01" + at + sibling).digest()
        index >>= 1
        last >>= 1
    return last == 0 and at == root


def is_consistent(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Whether `proof` shows that the tree of `old_size` leaves is the beginning of the one of `new_size`.

    RFC 9162 §2.1.4.2. Nothing can be proved of an empty tree, so `old_size` is at least 1: whoever knows none
    compares nothing.
    """
    return is_subtree_consistent(0, old_size, new_size, proof, old_root, new_root)


def is_subtree(start: int, end: int) -> bool:
    """Whether the leaves from `start` to `end`, exclusive, are a subtree of larger trees.

    draft-ietf-plants-merkle-tree-certs §4.1: `start` is a multiple of the smallest power of two that is not
    below its number of leaves.
    """
    return 0 <= start < end <= MAX_SIZE and start % (1 << (end - start - 1).bit_length()) == 0


def is_in_subtree(
    leaf: bytes, index: int, start: int, end: int, proof: Sequence[bytes], subtree_root: bytes
) -> bool:
    """Whether `proof` shows that the subtree from `start` to `end` holds `leaf` at `index` of the tree.

    draft-ietf-plants-merkle-tree-certs §4.3.
    """
    if not is_subtree(start, end) or not start <= index < end:
        return False
    return is_included(leaf, index - start, end - start, proof, subtree_root)


def is_subtree_consistent(
    start: int, end: int, size: int, proof: Sequence[bytes], subtree_root: bytes, root: bytes
) -> bool:
    """Whether `proof` shows that the subtree from `start` to `end` lies in the tree of `size` leaves.

    draft-ietf-plants-merkle-tree-certs §4.4; with `start` 0 it is RFC 9162 §2.1.4.2.
    """
    if not is_subtree(start, end) or not end <= size <= MAX_SIZE:
        return False
    if not _are_hashes(subtree_root, root, proof):
        return False
    first, last, end_of_tree = start, end - 1, size - 1
    while first != last and (last == end_of_tree or last & 1):
        first, last, end_of_tree = first >> 1, last >> 1, end_of_tree >> 1
    rest = iter(proof)
    if first == last:
        seen = whole = subtree_root
    else:
        begin = next(rest, None)
        if begin is None:
            return False
        seen = whole = begin
    for sibling in rest:
        if end_of_tree == 0:
            return False
        if last & 1 or last == end_of_tree:
            if first < last:
                seen = _sha256(b"\x01" + sibling + seen).digest()
            whole = _sha256(b"\x01" + sibling + whole).digest()
            while not last & 1 and last:
                first, last, end_of_tree = first >> 1, last >> 1, end_of_tree >> 1
        else:
            whole = _sha256(b"\x01" + whole + sibling).digest()
        first, last, end_of_tree = first >> 1, last >> 1, end_of_tree >> 1
    return end_of_tree == 0 and seen == subtree_root and whole == root


def _are_hashes(one: bytes, other: bytes, proof: Sequence[bytes]) -> bool:
    """Whether all are of the length of a hash: two of other lengths could be cut at another place."""
    return (
        len(one) == len(other) == HASH_BYTES
        and len(proof) <= MAX_PROOF_HASHES
        and all(len(one) == HASH_BYTES for one in proof)
    )


# --- Making --------------------------------------------------------------------------------------------


def range_hash(start: int, end: int, node: Node) -> bytes:
    """Return the hash of the leaves from `start` to `end`, exclusive, where they are a subtree (`is_subtree`)."""
    right: bytes | None = None
    leaves = end - start
    for level in range(leaves.bit_length()):  # complete subtrees from the right edge, small to large
        if leaves >> level & 1:
            left = node(level, (end >> level) - 1)
            right = left if right is None else inner_hash(left, right)
            end -= 1 << level
    return EMPTY_ROOT if right is None else right


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Return the hashes that show the leaf at `index` in the tree of `size` leaves (RFC 9162 §2.1.3.1).

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(range_hash(middle, end, node))
            end = middle
        else:
            proof.append(range_hash(start, middle, node))
            start = middle
    return proof[::-1]


def consistency_proof(old_size: int, new_size: int, node: Node) -> list[bytes]:
    """Return the hashes that show that a tree grew from `old_size` to `new_size` leaves (RFC 9162 §2.1.4.1).

    An empty list for equal sizes, and for an `old_size` of 0, of which nothing needs to be shown.

    Raises:
        ValueError: the sizes are not in this order.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree of {new_size} leaves does not come after one of {old_size}")
    if old_size == 0:
        return []
    proof: list[bytes] = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            proof.append(range_hash(middle, end, node))
            end = middle
        else:
            proof.append(range_hash(start, middle, node))
            start = middle
    if start:
        proof.append(range_hash(start, end, node))
    return proof[::-1]


def _split(leaves: int) -> int:
    """Return the largest power of two below `leaves` (at least 2)."""
    return 1 << (leaves - 1).bit_length() - 1
