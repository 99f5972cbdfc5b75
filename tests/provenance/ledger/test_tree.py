"""The tree of RFC 6962: public vectors, and the laws that proofs keep."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provenance.ledger.made import entries, root_of

from backchannel.codec import decode
from backchannel.provenance.ledger.tree import (
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_in_subtree,
    is_included,
    is_subtree_consistent,
    leaf_hash,
)

LEAVES = entries(80)


@cache
def node(level: int, index: int) -> bytes:
    return root_of(LEAVES[index << level : (index + 1) << level])


@cache
def root(size: int) -> bytes:
    return root_of(LEAVES[:size])


# --- Vectors of transparency-dev/merkle ----------------------------------------------------------------


def vectors(data: Path, kind: str) -> Iterator[tuple[str, dict[str, Any], list[bytes]]]:
    folder = data / "vectors" / "tlog" / "merkle" / kind
    for path in sorted(folder.rglob("*.json")):
        case = decode(path.read_bytes())
        yield str(path.relative_to(folder)), case, [b64decode(one) for one in case.get("proof") or []]


NO_HASHES = "additional/sizes-are-equal-one-and-proof-is-empty.json"
"""Its roots are words of 12 bytes. Refused by our own limit: a hash has 32; with 32 bytes it is accepted."""


def test_inclusion_vectors(shared_data: Path):
    seen = 0
    for name, case, proof in vectors(shared_data, "inclusion"):
        leaf, top = b64decode(case["leafHash"] or ""), b64decode(case["root"] or "")
        good = is_included(leaf, case["leafIdx"], case["treeSize"], proof, top)
        assert good is not case["wantErr"], name
        seen += 1
    assert seen == 98


def test_consistency_vectors(shared_data: Path):
    seen = 0
    for name, case, proof in vectors(shared_data, "consistency"):
        old, new = b64decode(case["root1"] or ""), b64decode(case["root2"] or "")
        good = is_consistent(case["size1"], case["size2"], proof, old, new)
        if name == NO_HASHES:
            assert not good
            good = is_consistent(case["size1"], case["size2"], proof, old.ljust(32), new.ljust(32))
        assert good is not case["wantErr"], name
        seen += 1
    assert seen == 98


def test_subtree_inclusion_vectors(shared_data: Path):
    seen = 0
    for name, case, proof in vectors(shared_data, "subtreeinclusion"):
        leaf, top = b64decode(case["leafHash"] or ""), b64decode(case["root"] or "")
        good = is_in_subtree(leaf, case["leafIdx"], case["start"], case["end"], proof, top)
        assert good is not case["wantErr"], name
        seen += 1
    assert seen == 204


def test_subtree_consistency_vectors(shared_data: Path):
    """Refused by our own limit: six cases of an empty subtree, of which nothing can be shown."""
    seen, refused = 0, 0
    for name, case, proof in vectors(shared_data, "subtreeconsistency"):
        old, new = b64decode(case["root1"] or ""), b64decode(case["root2"] or "")
        good = is_subtree_consistent(case["start"], case["end"], case["size"], proof, old, new)
        if name == NO_HASHES:
            assert not good
            good = is_subtree_consistent(0, 1, 1, proof, old.ljust(32), new.ljust(32))
        if case["start"] == case["end"] and not case["wantErr"]:
            assert not good, name
            refused += 1
        else:
            assert good is not case["wantErr"], name
        seen += 1
    assert (seen, refused) == (118, 6)


# --- Laws ----------------------------------------------------------------------------------------------


def test_every_inclusion_proof_of_every_size_verifies_and_at_no_other_place():
    for size in range(1, 41):
        for index in range(size):
            proof = inclusion_proof(index, size, node)
            assert is_included(leaf_hash(LEAVES[index]), index, size, proof, root(size))
            other = (index + 1) % size
            assert size == 1 or not is_included(leaf_hash(LEAVES[index]), other, size, proof, root(size))


def test_every_pair_of_sizes_is_consistent_and_no_other_root_is():
    for new in range(1, len(LEAVES) + 1):
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, node)
            assert is_consistent(old, new, proof, root(old), root(new)), (old, new)
            assert not is_consistent(old, new, proof, root(old % len(LEAVES) + 1), root(new)), (old, new)


@given(st.data(), st.integers(1, len(LEAVES)))
def test_one_flipped_bit_anywhere_breaks_an_inclusion_proof(data: st.DataObject, size: int):
    index = data.draw(st.integers(0, size - 1))
    parts = [leaf_hash(LEAVES[index]), root(size), *inclusion_proof(index, size, node)]
    at = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    parts[at] = (int.from_bytes(parts[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    leaf, top, *proof = parts
    assert not is_included(leaf, index, size, proof, top)


@given(st.data(), st.integers(2, len(LEAVES)))
def test_one_flipped_bit_anywhere_breaks_a_consistency_proof(data: st.DataObject, new: int):
    old = data.draw(st.integers(1, new - 1))
    parts = [root(old), root(new), *consistency_proof(old, new, node)]
    at = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    parts[at] = (int.from_bytes(parts[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    before, after, *proof = parts
    assert not is_consistent(old, new, proof, before, after)


@given(st.integers(1, 60), st.data())
def test_a_proof_with_a_hash_more_or_less_or_of_another_length_is_refused(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    leaf, proof = leaf_hash(LEAVES[index]), inclusion_proof(index, size, node)
    assert not is_included(leaf, index, size, [*proof, bytes(32)], root(size))
    if proof:
        assert not is_included(leaf, index, size, proof[:-1], root(size))
        assert not is_included(leaf, index, size, [proof[0] + b"\0", *proof[1:]], root(size))


def test_nothing_is_made_of_a_leaf_or_a_size_that_is_not_there():
    with pytest.raises(ValueError, match="no leaf 5"):
        inclusion_proof(5, 5, node)
    with pytest.raises(ValueError, match="does not come after"):
        consistency_proof(6, 5, node)
    assert consistency_proof(0, 5, node) == []
    assert not is_consistent(0, 5, [], root_of([]), root(5))
    assert not is_included(root(1), -1, 1, [], root(1))
