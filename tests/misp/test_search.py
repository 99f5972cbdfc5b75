"""What restSearch finds: each filter by itself and together, in pages; what is not understood is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.misp.made import ORG, attribute, event, uid

from backchannel.misp.event import Event, Object
from backchannel.misp.search import SearchError, attributes_found, events_found, search_of

NOW = datetime(2023, 11, 16, tzinfo=UTC)
DAY = 86_400


def a(number: int) -> Event:
    inner = attribute(
        "sha256", f"{number:064x}", uuid=uid(100 + number), to_ids=False, category="Payload delivery"
    )
    own = attribute(
        "domain",
        f"evil{number}.example",
        uuid=uid(number),
        tags=(f"tag:{number}",),
        timestamp=1_700_000_000 + number * DAY,
    )
    found = event(own, objects=(Object(uid(200 + number), "file", "file", 1, attributes=(inner,)),), info=f"Event {number}",
                  timestamp=1_700_000_000 + number * DAY, date=f"2023-11-{number + 1:02}", published=number != 2, tags=("tlp:clear",),
                  publish_timestamp=1_700_000_000 + number * DAY)  # fmt: skip
    return Event(
        **{**{name: getattr(found, name) for name in found.__struct_fields__}, "uuid": uid(300 + number)}
    )


EVENTS = [a(number) for number in range(5)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"returnFormat": "json", "limit": 2}, [0, 1]),
        ({"limit": "2", "page": "3"}, [4]),
        ({"limit": 2, "page": 4}, []),
        ({"page": 2}, []),
        ({"value": "EVIL3.example"}, [3]),
        ({"value": ["evil1.example", "evil3.example"]}, [1, 3]),
        ({"value": "evil%"}, [0, 1, 2, 3, 4]),
        ({"value": "%3.ex%"}, [3]),
        ({"value": "evil"}, []),
        ({"value": {"NOT": ["evil1.example"], "OR": ["evil%"]}}, [0, 2, 3, 4]),
        ({"type": "sha256", "value": f"{2:064x}"}, [2]),
        ({"type": "md5"}, []),
        ({"category": "Payload delivery", "to_ids": 0}, [0, 1, 2, 3, 4]),
        ({"tags": ["tag:1", "tag:4"]}, [1, 4]),
        ({"tags": {"AND": ["tlp:clear", "tag:4"]}}, [4]),
        ({"tags": ["tlp:clear", "!tag:1"]}, [0, 2, 3, 4]),
        ({"published": True}, [0, 1, 3, 4]),
        ({"published": [0, 1]}, [0, 1, 2, 3, 4]),
        ({"uuid": uid(302)}, [2]),
        ({"uuid": uid(1)}, [1]),
        ({"eventid": [uid(300)]}, [0]),
        ({"eventinfo": "vent 3"}, [3]),
        ({"org": ORG.name}, [0, 1, 2, 3, 4]),
        ({"org": "other"}, []),
        ({"timestamp": 1_700_000_000 + 3 * DAY}, [3, 4]),
        ({"timestamp": ["1700000000", str(1_700_000_000 + DAY)]}, [0, 1]),
        ({"publish_timestamp": "1d"}, [1, 2, 3, 4]),
        ({"last": "36h"}, [0, 1, 2, 3, 4]),
        ({"from": "2023-11-03"}, [2, 3, 4]),
        ({"from": "2023-11-02", "to": "2023-11-03"}, [1, 2]),
        ({"date": "2023-11-05"}, [4]),
        ({"searchall": "evil2"}, [2]),
        ({"request": {"eventinfo": "Event 1"}}, [1]),
    ],
)
def test_events_by_each_filter(asked: dict[str, object], found: list[int]):
    got = events_found(EVENTS, search_of(asked, now=NOW))
    assert [int(one.info[-1]) for one in got] == found


def test_metadata_is_an_event_without_what_stands_in_it():
    (one,) = events_found(EVENTS, search_of({"metadata": 1, "eventinfo": "Event 1"}, now=NOW))
    assert (one.attributes, one.objects) == ((), ())


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 10), ({"to_ids": True}, 5), ({"type": ["domain"]}, 5), ({"object_relation": ""}, 10), ({"limit": 3, "page": 4}, 1),
        ({"uuid": uid(104)}, 1), ({"uuid": uid(304)}, 2), ({"tags": "tag:1"}, 1), ({"timestamp": "1d"}, 4), ({"deleted": 1}, 0),
    ],
)  # fmt: skip
def test_attributes_by_each_filter(asked: dict[str, object], count: int):
    assert len(attributes_found(EVENTS, search_of(asked, now=NOW))) == count


@given(st.integers(1, 7))
def test_pages_together_are_the_whole_without_repetition(limit: int):
    pages = []
    for page in range(1, 12):
        some = attributes_found(EVENTS, search_of({"limit": limit, "page": page}, now=NOW))
        pages += [one.attribute.uuid for one in some]
    whole = [one.attribute.uuid for one in attributes_found(EVENTS, search_of({}, now=NOW))]
    assert pages[: len(whole)] == whole[: len(pages)]
    assert len(pages) == len(set(pages))


@pytest.mark.parametrize(
    "asked",
    [
        {"galaxy.synonyms": "x"}, {"limit": -1}, {"limit": "many"}, {"page": 10**9}, {"value": {"XOR": ["a"]}}, {"value": [["a"]]},
        {"timestamp": "yesterday"}, {"timestamp": [1, 2, 3]}, {"published": "maybe"}, {"value": ["x"] * 1001}, {"value": "x" * 5000},
        {"date": {"a": 1}},
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(asked: dict[str, object]):
    with pytest.raises(SearchError):
        search_of(asked, now=NOW)
