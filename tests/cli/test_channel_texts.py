"""What `channel ...` says to a person leaves nothing out in silence."""

from __future__ import annotations

import pytest

from backchannel.cli.channel_texts import polled_text
from backchannel.desk.channel_documents import PollCounts, Polled, PolledChannel, PolledCollection


@pytest.mark.parametrize(
    ("count", "told"),
    [(1, "batch 1"), (5, "batch 5"), (13, "batch 1, batch 2, batch 3, batch 4, batch 5 and 8 more")],
)
def test_a_poll_that_made_many_batches_says_how_many_more_there_are(count: int, told: str):
    place = PolledCollection(
        id="1",
        title="Warnings",
        counts=PollCounts(objects=count, stored=count),
        batches=tuple(range(1, count + 1)),
        notes=(),
        error=None,
    )
    channel = PolledChannel(channel="R", state="done", error=None, hint=None, collections=(place,))
    text = polled_text(Polled(channels=(channel,)))
    assert told in " ".join(text.split())
    assert (" more" in text) is (count > 5)
