"""One signature for many objects, and short proofs that tell nothing of the others."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provenance.made import said, verified

from backchannel.ids import Digest, sha256
from backchannel.provenance.leaves import Copy, Proof, RunningRoot, grow, leaf, proves, salts, whose_copy
from backchannel.provenance.ledger.tree import MAX_PROOF_HASHES
from backchannel.provenance.statement import RootSubject, digest_text

SECRET = bytes(range(32))


def digests(n: int) -> list[Digest]:
    return [sha256(b"object %d" % number) for number in range(n)]


def by_the_book(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 §2.1 defines it."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    parts = by_the_book(leaves[:split]) + by_the_book(leaves[split:])
    return hashlib.sha256(b"\x01" + parts).digest()


@given(st.integers(1, 70))
def test_the_root_is_the_one_of_rfc_6962_and_every_object_has_its_proof(n: int):
    objects, salted = digests(n), salts(SECRET, n)
    tree = grow(salted, objects)
    book = by_the_book([leaf(salt, digest) for salt, digest in zip(salted, objects, strict=True)])
    assert tree.subject == RootSubject(root=digest_text(book), n=n)
    running = RunningRoot()
    for salt, digest in zip(salted, objects, strict=True):
        running.add(leaf(salt, digest))
    assert (running.root(), running.size) == (book, n)
    assert all(proves(tree.proof(index), objects[index], tree.subject) for index in range(n))


@given(st.integers(2, 40), st.data())
def test_a_proof_is_good_for_its_own_object_and_place_only(n: int, data: st.DataObject):
    objects, salted = digests(n), salts(SECRET, n)
    tree = grow(salted, objects)
    index = data.draw(st.integers(0, n - 1))
    other = data.draw(st.integers(0, n - 1).filter(lambda number: number != index))
    proof = tree.proof(index)
    assert not proves(proof, objects[other], tree.subject)
    for bad in (
        {"salt": salted[other].hex()},
        {"i": other},
        {"path": proof.path[:-1]},
        {"path": [*proof.path, "00" * 32]},
        {"path": ["00" * 32] * MAX_PROOF_HASHES},
    ):
        changed = {"salt": proof.salt, "i": proof.i, "path": proof.path} | bad
        assert not proves(Proof(**changed), objects[index], tree.subject)
    assert not proves(proof, objects[index], RootSubject(root=tree.subject.root, n=n * 2))


def test_an_inner_node_is_not_taken_for_a_leaf():
    tree = grow(salts(SECRET, 4), digests(4))
    left, right = tree.levels[1]
    forged = Proof(salt=tree.levels[0][0][:16].hex(), i=0, path=[right.hex()])
    assert not proves(forged, tree.levels[0][0][16:] + tree.levels[0][1], tree.subject)
    assert not proves(forged, left, RootSubject(root=tree.subject.root, n=2))


def test_nothing_is_said_about_no_objects():
    with pytest.raises(ValueError, match="at least one"):
        _ = grow([], []).subject
    assert RunningRoot().root() == hashlib.sha256(b"").digest()


def test_one_signature_stands_for_all_objects_of_a_drop():
    tree = grow(salts(SECRET, 100), digests(100))
    found = verified(said(subject=tree.subject))
    assert isinstance(found.statement.subject, RootSubject)
    assert proves(tree.proof(99), digests(100)[99], found.statement.subject)


def test_t33_the_salts_of_a_leaked_copy_say_whose_it_was():
    objects = digests(50)
    copies = [Copy(name, hashlib.sha256(name.encode()).digest(), 50) for name in ("Beta", "Gamma", "Delta")]
    kept = [(copy, objects) for copy in copies]
    leaked = salts(copies[1].secret, 50)[17]
    assert whose_copy(leaked, objects[17], kept) == "Gamma"
    assert whose_copy(leaked, objects[18], kept) is None, "the salt of another object proves nothing"
    assert whose_copy(bytes(16), objects[17], kept) is None


def test_t33_two_copies_of_the_same_objects_share_no_salt_leaf_or_root():
    objects = digests(50)
    one, other = (grow(salts(hashlib.sha256(name).digest(), 50), objects) for name in (b"Beta", b"Gamma"))
    assert not set(one.salts) & set(other.salts)
    assert not set(one.levels[0]) & set(other.levels[0])
    assert one.subject.root != other.subject.root


def test_salts_are_of_one_length_distinct_and_the_same_every_time():
    assert salts(SECRET, 3) == salts(SECRET, 5)[:3]
    assert {len(salt) for salt in salts(SECRET, 1_000)} == {16}
    assert len(set(salts(SECRET, 1_000))) == 1_000
    with pytest.raises(ValueError, match="32 bytes"):
        salts(b"short", 1)
