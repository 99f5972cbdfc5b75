from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.feedback.oracles import CHECK_STIX2, CHECK_VALIDATOR, said_of

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.feedback.envelope import TLP_AMBER, Speaker, answer_id, bundle
from backchannel.feedback.note import note
from backchannel.feedback.opinion import opinion
from backchannel.feedback.sighting import MAX_COUNT, sighting
from backchannel.ids import PartyId
from backchannel.stix.markings import Tlp, tlp_of

NOW = datetime(2026, 11, 20, 12, 0, 0, 123000, tzinfo=UTC)
ABOUT = "indicator--6a1b2c3d-0000-4000-8000-000000000001"
US = Speaker(PartyId("identity--6a1b2c3d-0000-4000-8000-00000000000a"), "Ñandú “CERT” \u2603", NOW)


def a_sighting(**facts: object) -> JsonObject:
    plain: dict[str, object] = {
        "count": 3,
        "first_seen": NOW - timedelta(days=1),
        "last_seen": NOW,
        "description": "Found in 3 log lines of our own network.",
        "created": NOW,
        "modified": NOW,
    }
    return sighting(ABOUT, US, **(plain | facts))  # type: ignore[arg-type]


def an_opinion() -> JsonObject:
    return opinion(ABOUT, US, value="strongly-disagree", explanation="It is ours.", created=NOW, modified=NOW)


def a_note() -> JsonObject:
    return note(ABOUT, US, abstract="Received", content="Received and read.", created=NOW, modified=NOW)


ANSWERS: dict[str, Callable[[], JsonObject]] = {
    "sighting": a_sighting,
    "not seen": lambda: a_sighting(count=0, first_seen=None, last_seen=None),
    "one moment": lambda: a_sighting(first_seen=NOW, last_seen=NOW),
    "opinion": an_opinion,
    "note": a_note,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_says_who_when_about_what_and_how_far_it_may_go(name: str):
    made = ANSWERS[name]()
    assert made["created_by_ref"] == US.id
    assert made["created"] == made["modified"] == "2026-11-20T12:00:00.123Z"
    assert made["object_marking_refs"] == [TLP_AMBER]
    assert tlp_of(made, default=None) is Tlp.AMBER
    assert ABOUT in {made.get("sighting_of_ref"), *made.get("object_refs", [])}


def test_saying_it_again_is_the_same_object():
    later = a_sighting(count=9, modified=NOW + timedelta(days=1))
    assert later["id"] == a_sighting()["id"] == answer_id("sighting", US.id, ABOUT)
    assert len({made()["id"] for made in ANSWERS.values()}) == 3


def test_not_seen_is_a_sighting_with_count_0_and_no_times():
    made = ANSWERS["not seen"]()
    assert made["count"] == 0
    assert not {"first_seen", "last_seen"} & set(made)


def test_a_count_beyond_the_standards_largest_is_cut():
    assert a_sighting(count=10**12)["count"] == MAX_COUNT


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"count": -1}, "cannot have happened -1 times"),
        ({"first_seen": NOW + timedelta(days=1)}, "last_seen lies before first_seen"),
        ({"description": "  "}, "description is empty"),
        ({"description": "x" * 5000}, "more than 4,000 characters"),
    ],
)
def test_a_sighting_that_contradicts_itself_is_not_made(facts: dict[str, object], said: str):
    with pytest.raises(ValueError, match=said):
        a_sighting(**facts)


def bundles() -> str:
    return json.dumps([codec.encode(bundle(made(), US)).decode() for made in ANSWERS.values()])


@pytest.mark.peer("stix2")
def test_python_stix2_reads_every_answer_without_custom_content(peer_python: Path):
    assert said_of(peer_python, CHECK_STIX2, bundles()).startswith("taken")


@pytest.mark.peer("oracles")
def test_the_oasis_validator_takes_every_answer(peer_python: Path):
    assert said_of(peer_python, CHECK_VALIDATOR, bundles()).startswith("taken")
