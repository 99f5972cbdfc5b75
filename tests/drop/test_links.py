"""Which statements stand behind which objects: what is written is read again, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.drop.links import Group, Line, Linked, Proven, by_object, read_lines, to_chunks
from backchannel.provenance.leaves import Proof
from backchannel.provenance.reasons import Reason, Rejected

DIGESTS = [f"sha256:{digit * 64}" for digit in "0123"]
PROOF = Proof(salt="ab" * 16, i=3, path=["cd" * 32])


@st.composite
def linked(draw: st.DrawFn) -> tuple[list[Line], list[Linked]]:
    """Lines, and what they say of each object."""
    lines: list[Line] = []
    expected: list[Linked] = []
    for _ in range(draw(st.integers(0, 5))):
        expected += [Linked(None)] * draw(st.integers(0, 3))
        chain = draw(st.lists(st.sampled_from(DIGESTS), min_size=1, max_size=3, unique=True))
        group = Group(chain=tuple(chain), first=len(expected), n=draw(st.integers(1, 4)))
        lines.append(group)
        for _ in range(group.n):
            proven = draw(st.lists(st.sampled_from(chain), unique=True))
            lines += [Proven(of=of, o=len(expected), proof=PROOF) for of in proven]
            expected.append(Linked(group, dict.fromkeys(proven, PROOF)))
    return lines, expected


@given(linked())
def test_what_is_written_is_read_again(case: tuple[list[Line], list[Linked]]) -> None:
    lines, expected = case
    assert list(by_object(read_lines(to_chunks(lines)), len(expected))) == expected


def test_many_lines_fill_several_frames_which_are_read_as_one() -> None:
    lines: list[Line] = [Group(chain=(DIGESTS[0],), first=0, n=20_000)]
    lines += [Proven(of=DIGESTS[0], o=number, proof=PROOF) for number in range(20_000)]
    bodies = list(to_chunks(lines))
    assert len(bodies) > 1
    assert all(len(body) <= 2**20 for body in bodies)
    assert sum(len(one.proofs) for one in by_object(read_lines(bodies), 20_000)) == 20_000


A = Group(chain=(DIGESTS[0],), first=0, n=2)
ON_A = Proven(of=DIGESTS[0], o=1, proof=PROOF)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([ON_A], id="a proof without a chain"),
        pytest.param([A, ON_A, ON_A], id="a proof twice"),
        pytest.param([A, Proven(of=DIGESTS[1], o=1, proof=PROOF)], id="a proof of another statement"),
        pytest.param([A, Proven(of=DIGESTS[0], o=7, proof=PROOF)], id="a proof of no object"),
        pytest.param([A, ON_A, Proven(of=DIGESTS[0], o=0, proof=PROOF)], id="proofs out of order"),
        pytest.param([A, Group(chain=(DIGESTS[1],), first=1, n=1)], id="chains that overlap"),
        pytest.param([Group(chain=(DIGESTS[0],), first=1, n=3)], id="a chain of more objects than there are"),
        pytest.param([Group(chain=(DIGESTS[0],), first=9, n=1)], id="a chain of no object"),
    ],
)
def test_lines_that_do_not_fit_the_objects_are_refused(lines: Sequence[Line]) -> None:
    with pytest.raises(Rejected) as refused:
        list(by_object(lines, 3))
    assert refused.value.reason is Reason.BAD_FORM


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.BAD_FORM),
        (b'{"chain":[],"first":0,"n":1}\n', Reason.BAD_FORM),
        (b'{"chain":["sha256:00"],"first":0,"n":1}\n', Reason.BAD_FORM),
        (b'{"chain":["' + DIGESTS[0].encode() + b'"],"first":0,"n":1,"more":1}\n', Reason.BAD_FORM),
        (b'{"chain":["' + DIGESTS[0].encode() + b'"],"first":0,"n":1}', Reason.BAD_FORM),
        (b"[" * 10_000 + b"\n", Reason.BAD_FORM),
        (b'{"chain":[' + b" " * 2**15 + b"]}\n", Reason.TOO_LARGE),
    ],
)
def test_what_are_no_lines_of_links_is_refused(body: bytes, reason: Reason) -> None:
    with pytest.raises(Rejected) as refused:
        list(read_lines([body]))
    assert refused.value.reason is reason
