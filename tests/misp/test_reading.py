"""The JSON of MISP in its habits: numbers as texts, nothing where a list is due, fields that nobody asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.misp.made import EVENT, uid

from backchannel.codec import JsonObject
from backchannel.misp.event import SharingGroup
from backchannel.misp.losses import MAX_LOSSES, Losses
from backchannel.misp.reading import EventError, EventRead, read_event
from backchannel.misp.to_stix import to_stix


def reading(**more: object) -> EventRead:
    return read_event({"uuid": EVENT, "info": "An event", **more})


def one_attribute(**more: object) -> JsonObject:
    return {"uuid": uid(1), "type": "domain", "category": "Network activity", "value": "evil.example", **more}


@pytest.mark.parametrize(
    ("texts", "plain"),
    [
        ({"timestamp": "1700000000", "analysis": "2", "threat_level_id": "1", "distribution": "3", "published": "1"},
         {"timestamp": 1700000000, "analysis": 2, "threat_level_id": 1, "distribution": 3, "published": True}),
        ({"Orgc": {"uuid": uid(2), "name": "Org"}, "Tag": {"name": "tlp:green"}, "Attribute": None},
         {"Orgc": [{"uuid": uid(2), "name": "Org"}], "Tag": [{"name": "tlp:green"}], "Attribute": []}),
        ({"Attribute": [one_attribute(to_ids="1", deleted="0", timestamp="5")]},
         {"Attribute": [one_attribute(to_ids=True, deleted=False, timestamp=5)]}),
    ],
)  # fmt: skip
def test_either_spelling_says_the_same(texts: JsonObject, plain: JsonObject):
    assert reading(**texts).event == reading(**plain).event
    assert reading(**texts).losses == reading(**plain).losses == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timestamp", "yesterday"), ("timestamp", -1), ("timestamp", 10**12), ("timestamp", True), ("date", "2023-02-30"),
        ("date", "1.11.2023"), ("analysis", 7), ("distribution", "9"), ("published", "maybe"), ("extends_uuid", "x"),
        ("info", ["a"]), ("Attribute", "x"), ("Tag", [1]), ("a_field_of_the_future", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_passed_over_and_named(field: str, value: object):
    read = reading(**{"timestamp": 5, field: value})
    assert {loss.field for loss in read.losses} == {f"Event.{field}"}
    assert all(loss.reason for loss in read.losses)


def test_what_has_no_uuid_gets_the_same_each_time():
    value = {"info": "An event", "Attribute": [{"type": "domain", "value": "evil.example"}]}
    assert read_event(value).event == read_event(value).event
    other = {"info": "An event", "Attribute": [{"type": "domain", "value": "good.example"}]}
    assert read_event(value).event.attributes[0].uuid != read_event(other).event.attributes[0].uuid


def test_a_uuid_that_stands_twice_is_taken_once():
    read = reading(Attribute=[one_attribute(), one_attribute(value="good.example")])
    assert [one.value for one in read.event.attributes] == ["evil.example"]
    assert [loss.id for loss in read.losses] == [uid(1)]


def test_an_attribute_without_a_time_has_that_of_its_event():
    assert reading(timestamp=7, Attribute=[one_attribute()]).event.attributes[0].timestamp == 7


def test_places_lead_to_each_part():
    read = reading(
        Attribute=[one_attribute()],
        Object=[{"uuid": uid(2), "name": "file", "Attribute": [one_attribute(uuid=uid(3))]}],
        EventReport=[{"uuid": uid(4), "content": "x"}],
    )
    assert read.places == {uid(1): "/Attribute/0", uid(2): "/Object/0", uid(3): "/Object/0/Attribute/0", uid(4): "/EventReport/0"}  # fmt: skip


def test_a_sharing_group_is_kept_and_its_members_named_as_lost():
    group = {"uuid": uid(5), "name": "G", "releasability": "r", "SharingGroupOrg": [{"id": "1"}]}
    read = reading(SharingGroup=group, distribution=4)
    assert read.event.sharing_group == SharingGroup(uid(5), "G", "r")
    assert [loss.field for loss in read.losses] == ["Event.SharingGroup.SharingGroupOrg"]


@pytest.mark.parametrize("value", [{}, {"uuid": EVENT}, {"Attribute": [one_attribute()]}, {"info": ""}])
def test_what_says_nothing_is_no_event(value: JsonObject):
    with pytest.raises(EventError, match="MISP event"):
        read_event(value)


def test_losses_are_bounded():
    losses = Losses()
    for number in range(MAX_LOSSES + 5):
        losses.add("field", str(number), "reason")
    assert len(losses.all) == MAX_LOSSES + 1
    assert losses.all[-1].reason == "5 losses more are not listed"


KEYS = ["uuid", "info", "Attribute", "Object", "Tag", "Galaxy", "GalaxyCluster", "type", "value", "name", "timestamp", "Orgc",
        "Sighting", "EventReport", "ObjectReference", "SharingGroup", "meta", "to_ids", "first_seen", "distribution", "deleted"]  # fmt: skip
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5_000_000_000) | st.floats(allow_nan=False) | st.sampled_from(["", "1", uid(3), "tlp:red", "domain"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), junk, max_size=10))
def test_nothing_hostile_stops_the_reading(value: JsonObject):
    try:
        read = read_event({"uuid": EVENT, "info": "x", **value})
    except EventError:
        return
    to_stix(read.event)
