"""A party that is asked opens its inputs; whoever guessed cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk.comparisons import begun, counted, keep_hashes, of_hash, shown
from tests.desk.drops import keep, nodes
from tests.desk.made import CLOCK

from backchannel import codec
from backchannel.desk import comparison_audit, comparison_bodies
from backchannel.desk.comparing import recipient_in
from backchannel.desk.comparison_audit import MAX_OPENING_BYTES, check_opening, open_inputs
from backchannel.desk.comparison_items import Chosen
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import sha256
from backchannel.parties.age_keys import to_identity
from backchannel.provenance.reasons import Reason
from backchannel.psi.audit import RANDOM_OPENED
from backchannel.psi.files import open_sealed, seal_for
from backchannel.psi.items import item_of
from backchannel.store.comparisons import Comparable

pytest.importorskip(
    "nacl", reason="the engine of comparisons is not installed: pip install 'backchannel[psi]'"
)

Two = tuple[Node, Node]
GUESS = 30
"""Of which beta has an indicator, and alpha has not."""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with nodes(tmp_path, "alpha", "beta") as (alpha, beta):
        keep_hashes(alpha, range(20))
        keep_hashes(beta, range(15, 40))
        yield alpha, beta


@pytest.fixture
def guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let alpha put in a value of which it has no indicator."""
    choose = comparison_bodies.choose

    def with_guess(node: Node, *args: object) -> Chosen:
        chosen = choose(node, *args)  # type: ignore[arg-type]
        guess = of_hash(GUESS)
        item = item_of(str(guess["pattern"]))
        if node.party.name == "alpha" and item is not None:
            chosen.items[item] = Comparable(0, str(guess["id"]), digest_of(guess), str(guess["pattern"]))
        return chosen

    monkeypatch.setattr(comparison_bodies, "choose", with_guess)


def digest_of(value: dict[str, object]):
    return sha256(codec.canonical(value))


def altered(giver: Node, taker: Node, session: str, change) -> bytes:
    """What the giver opens, changed as somebody would who wants to hide a guess."""
    made, data = open_inputs(giver, CLOCK, session)
    identities = [to_identity(key.secret) for key in own_keys(taker, CLOCK).keyring.openers()]
    value = codec.decode(open_sealed(data, identities, max_bytes=MAX_OPENING_BYTES))
    change(value)
    return seal_for(codec.canonical(value), recipient_in(made).age_recipient)


def test_both_sides_open_what_both_hold_and_a_few_by_chance(two: Two):
    alpha, beta = two
    session = shown(alpha, beta)
    for giver, taker in ((alpha, beta), (beta, alpha)):
        _, data = open_inputs(giver, CLOCK, session.name)
        found = check_opening(taker, CLOCK, session.name, data)
        assert (found.good, found.reason) == (True, "")
        assert RANDOM_OPENED <= found.opened <= RANDOM_OPENED + 5
        assert b"indicator--" not in data


def test_what_was_only_counted_can_be_opened_too(two: Two):
    alpha, beta = two
    session = counted(alpha, beta)
    _, data = open_inputs(alpha, CLOCK, session.name)
    found = check_opening(beta, CLOCK, session.name, data)
    assert (found.good, found.opened) == (True, RANDOM_OPENED)


def test_nothing_is_opened_before_the_other_side_answered(two: Two):
    alpha, beta = two
    session = begun(alpha, beta)
    with pytest.raises(UsageError, match="nothing to open"):
        open_inputs(alpha, CLOCK, session.name)


@pytest.mark.usefixtures("guesses")
def test_t54_an_opening_with_an_unlogged_input_fails(two: Two):
    alpha, beta = two
    session = shown(alpha, beta)
    assert session.row.common == 6
    with pytest.raises(NotFoundError):  # an honest program has nothing to show
        open_inputs(alpha, CLOCK, session.name)


@pytest.mark.usefixtures("guesses")
def test_t54_an_opening_with_a_backdated_input_fails(two: Two):
    """The guess is imported once it is known to have been right, under a ledger that goes on."""
    alpha, beta = two
    session = shown(alpha, beta)
    keep(alpha, [of_hash(GUESS)])
    _, data = open_inputs(alpha, CLOCK, session.name)
    found = check_opening(beta, CLOCK, session.name, data)
    assert (found.good, found.reason) == (False, "backdated")
    assert "it guessed" in found.says


@pytest.mark.usefixtures("guesses")
@pytest.mark.parametrize(
    "way", ["left out", "as filling", "another object", "another proof", "another statement"]
)
def test_t54_a_guess_cannot_be_hidden_in_an_opening(two: Two, way: str):
    alpha, beta = two
    session = shown(alpha, beta)
    keep(alpha, [of_hash(GUESS)])

    def hide(value: dict) -> None:  # type: ignore[type-arg]
        items = [one for one in value["inputs"] if "sort" in one]
        guess = next(one for one in items if str(of_hash(GUESS)["id"]) in one["object"])
        honest = next(one for one in items if one is not guess)
        if way == "left out":
            value["inputs"].remove(guess)
        elif way == "as filling":
            for name in ("sort", "value", "object", "proof"):
                del guess[name]
            guess["filling"] = "0" * 64
        elif way == "another object":
            guess["object"], guess["proof"] = honest["object"], honest["proof"]
        elif way == "another proof":
            guess["proof"] = honest["proof"]
        else:
            value["statement"] = guess["proof"]

    found = check_opening(beta, CLOCK, session.name, altered(alpha, beta, session.name, hide))
    assert not found.good
    assert found.reason in {Reason.NOT_LOGGED, Reason.BAD_PROOF}


def test_t54_a_ledger_that_the_party_never_showed_proves_nothing(two: Two, tmp_path: Path, monkeypatch):
    """An opening proved by another ledger than the one of the party's key sets."""
    alpha, beta = two
    session = shown(alpha, beta)
    with nodes(tmp_path / "more", "gamma") as (gamma,):
        keep_hashes(gamma, range(20))
        proofs = comparison_audit.prove

        def elsewhere(node: Node, clock, what: str, **how: object):
            how.pop("content", None)
            return proofs(gamma, clock, what) if what.startswith("indicator--") else proofs(node, clock, what)

        monkeypatch.setattr(comparison_audit, "prove", elsewhere)
        _, data = open_inputs(alpha, CLOCK, session.name)
    found = check_opening(beta, CLOCK, session.name, data)
    assert (found.good, found.reason) == (False, "not-logged")
