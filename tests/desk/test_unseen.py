"""One answer to a whole batch: what can be said to be unseen is, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, Made, a_file, an_id, indicator, take
from tests.desk.test_hunting import DAY, JANUARY, a_log, dns, hunted

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.desk.answering import sight
from backchannel.desk.batches import undo_batch
from backchannel.desk.documents import UnsaidBatch
from backchannel.desk.inbox import inbox
from backchannel.desk.node import Node
from backchannel.desk.rehunting import rehunt
from backchannel.desk.unseen import UnseenOfBatch, answer_unseen
from backchannel.errors import NotFoundError
from backchannel.ids import BatchId

HASH = f"[file:hashes.'SHA-256' = '{'a' * 64}']"


@pytest.fixture
def batch(node: Node, tmp_path: Path) -> BatchId:
    """Five indicators: one that is seen, two that are not, one that no DNS log shows, one that is revoked."""
    given = [
        *(indicator(n) for n in (1, 2, 3)),
        indicator(4, pattern=HASH),
        indicator(5, revoked=True),
    ]
    return BatchId(take(node, a_file(tmp_path, *given)).batch)


def a_hunt(node: Node, folder: Path) -> None:
    hunted(node, a_log(folder, dns("evil1.example"), dns("other.example", at=JANUARY + DAY)))


def sightings(said: UnseenOfBatch) -> list[Made]:
    return [one for one in codec.decode(bytes(said.bundle))["objects"] if one["type"] == "sighting"]


def test_what_was_searched_for_and_not_seen_is_said_with_its_window(
    node: Node, tmp_path: Path, batch: BatchId
):
    a_hunt(node, tmp_path)
    said = answer_unseen(node, CLOCK, batch)
    assert (said.indicators, said.unseen, said.changed, said.seen) == (4, 2, 2, (an_id("indicator", 1),))
    (left,) = said.left
    assert (left.count, left.why.startswith("no log that we hunted since shows")) == (1, True)
    made = sightings(said)
    assert {one["sighting_of_ref"] for one in made} == {an_id("indicator", 2), an_id("indicator", 3)}
    for one in made:
        assert one["count"] == 0
        assert (one["first_seen"], one["last_seen"]) == (
            "2026-01-01T00:00:00.000Z",
            "2026-01-02T00:00:00.000Z",
        )
        assert one["description"] == (
            "Searched for in our own logs on 2026-03-01 in 2 log records from 2026-01-01 to 2026-01-02, and not seen."
        )
    # It is what `sight` says of each by itself.
    assert not sight(node, CLOCK, an_id("indicator", 2)).changed


def test_said_again_it_changes_nothing_and_after_another_hunt_it_is_a_new_version(
    node: Node, tmp_path: Path, batch: BatchId
):
    a_hunt(node, tmp_path)
    first = answer_unseen(node, CLOCK, batch, out=tmp_path / "unseen.json")
    assert (tmp_path / "unseen.json").read_bytes() == bytes(first.bundle) + b"\n"
    again = answer_unseen(node, CLOCK, batch)
    assert (again.unseen, again.changed, again.bundle) == (2, 0, first.bundle)
    later = FixedClock(CLOCK.now() + timedelta(days=1))
    (tmp_path / "more").mkdir()
    hunted(node, a_log(tmp_path / "more", dns("quiet.example", at=JANUARY + 5 * DAY)))
    new = answer_unseen(node, later, batch)
    assert new.changed == 2
    assert {one["id"] for one in sightings(new)} == {one["id"] for one in sightings(first)}
    assert {one["last_seen"] for one in sightings(new)} == {"2026-01-06T00:00:00.000Z"}


def test_a_rehunt_counts_as_a_hunt(node: Node, tmp_path: Path):
    a_hunt(node, tmp_path)
    taken = BatchId(take(node, a_file(tmp_path, indicator(1), indicator(2))).batch)
    list(rehunt(node, CLOCK))
    said = answer_unseen(node, CLOCK, taken)
    assert (said.unseen, said.seen) == (1, (an_id("indicator", 1),))
    assert sightings(said)[0]["first_seen"] == "2026-01-01T00:00:00.000Z"


def test_nothing_is_said_before_a_hunt_nor_of_a_batch_that_was_undone(
    node: Node, tmp_path: Path, batch: BatchId
):
    said = answer_unseen(node, CLOCK, batch)
    assert (said.unseen, [(one.why, one.count) for one in said.left]) == (
        0,
        [("no log was hunted since it came", 4)],
    )
    assert sightings(said) == []
    a_hunt(node, tmp_path)
    undo_batch(node, CLOCK, batch)
    assert answer_unseen(node, CLOCK, batch).indicators == 0
    with pytest.raises(NotFoundError):
        answer_unseen(node, CLOCK, BatchId(99))


def test_the_inbox_offers_a_batch_until_it_is_answered(node: Node, tmp_path: Path, batch: BatchId):
    assert inbox(node, CLOCK).unsaid == ()
    a_hunt(node, tmp_path)
    assert inbox(node, CLOCK).unsaid == (UnsaidBatch(batch=batch, party="CERT Beta", count=2),)
    answer_unseen(node, CLOCK, batch)
    assert inbox(node, CLOCK).unsaid == ()
