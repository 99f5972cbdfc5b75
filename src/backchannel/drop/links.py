"""Which statements stand behind which objects of a drop: lines of JSON, in the order of the objects.

    {"chain":["sha256:…","sha256:…"],"first":0,"n":250}      objects 0 to 249 have this chain, originator first
    {"o":7,"of":"sha256:…","proof":{"i":3,"path":[…],"salt":"…"}}   object 7 is leaf 3 of that statement's root

A statement whose root is the root over just the objects of its line, with the salts that they have in this drop,
needs no proofs: whoever made it signed them as they stand here. All others need one for each object. Both kinds
of line are ordered by object, a chain before its proofs, so that a reader holds no more than one object's.

What stands here is nobody's word: each line is only a hint where to look, and is checked against signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from backchannel import codec
from backchannel.drop import limits
from backchannel.provenance.leaves import Proof
from backchannel.provenance.predicates import MAX_HOPS, Count, DigestText, Positive
from backchannel.provenance.reasons import Reason, Rejected

MAX_LINE_BYTES: Final = 16 * limits.KIB
"""Longest line: a chain of 33 statements, or a proof among 2^53 leaves, is well below it."""


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects that follow one another in the drop and have one chain."""

    chain: Annotated[tuple[DigestText, ...], Meta(min_length=1, max_length=MAX_HOPS + 1)]
    """Digests of its statements, the originator's first."""
    first: Count
    """Number of the first object, from 0."""
    n: Positive


class Proven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an object stands under the root of a statement."""

    of: DigestText
    """The statement."""
    o: Count
    """Number of the object, from 0."""
    proof: Proof


Line = Group | Proven


@dataclass(frozen=True, slots=True)
class Linked:
    """What the lines say of one object."""

    group: Group | None
    """None: nothing stands behind it."""
    proofs: Mapping[str, Proof] = field(default_factory=lambda: MappingProxyType({}))
    """By the digest of the statement."""


def to_chunks(lines: Iterable[Line]) -> Iterator[bytes]:
    """Yield the bodies of the frames that hold `lines`, which are in their order already."""
    ready: list[bytes] = []
    size = 0
    for line in lines:
        data = codec.encode(line) + b"\n"
        if size + len(data) > limits.MAX_CHUNK_BYTES:
            yield b"".join(ready)
            ready, size = [], 0
        ready.append(data)
        size += len(data)
    if ready:
        yield b"".join(ready)


def read_lines(bodies: Iterable[bytes]) -> Iterator[Line]:
    """Yield the lines of frames.

    Raises:
        Rejected: `BAD_FORM`, `TOO_LARGE`.
    """
    number = 0
    for body in bodies:
        if not body.endswith(b"\n"):
            raise Rejected(Reason.BAD_FORM, "the lines of links do not end with a line end")
        for data in body[:-1].split(b"\n"):
            number += 1
            if len(data) > MAX_LINE_BYTES:
                raise Rejected(Reason.TOO_LARGE, f"line {number:,} of the links")
            try:
                is_group = data.startswith(b'{"chain"')
                yield codec.decode_as(data, Group) if is_group else codec.decode_as(data, Proven)
            except ValueError as error:
                raise Rejected(Reason.BAD_FORM, f"line {number:,} of the links: {error}") from None


def by_object(lines: Iterable[Line], n: int) -> Iterator[Linked]:
    """Yield, for each of the `n` objects in their order, what the lines say of it.

    Raises:
        Rejected: `BAD_FORM`: lines are out of order, overlap, are doubled, or name objects that are not there.
    """
    source = iter(lines)
    line = next(source, None)
    group: Group | None = None
    for number in range(n):
        if group is not None and number == group.first + group.n:
            group = None
        if isinstance(line, Group) and line.first == number and group is None:
            group, line = line, next(source, None)
            if group.first + group.n > n:
                break
        proofs: dict[str, Proof] = {}
        while isinstance(line, Proven) and line.o == number:
            if group is None or line.of not in group.chain or line.of in proofs:
                raise Rejected(
                    Reason.BAD_FORM, f"a proof for object {number:,} is doubled, or of none of its chain"
                )
            proofs[line.of] = line.proof
            line = next(source, None)
        yield Linked(group, proofs)
    if line is not None or (group is not None and group.first + group.n > n):
        raise Rejected(
            Reason.BAD_FORM, "the links are out of order, overlap, or name objects that are not there"
        )
