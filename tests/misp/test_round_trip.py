"""What came from MISP goes back as it was: any event that can be, and every real one; and what is lost is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from tests.misp.made import ORG, event_files, events, events_in

from backchannel import codec
from backchannel.misp.event import Event
from backchannel.misp.from_stix import Publisher, from_stix
from backchannel.misp.losses import Loss
from backchannel.misp.reading import read_event
from backchannel.misp.to_stix import to_stix
from backchannel.misp.writing import write_event
from backchannel.stix.validate import validate

PUBLISHER = Publisher(ORG, "A collection", "collection")


def there_and_back(event: Event) -> tuple[Event, tuple[Loss, ...]]:
    made = to_stix(event)
    back = from_stix([codec.decode(codec.encode(one.value)) for one in made.objects], PUBLISHER)
    (found,) = back.events
    return found, (*made.losses, *back.losses)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(events())
def test_any_event_comes_back_as_it_was(event: Event):
    found, losses = there_and_back(event)
    assert found == event
    assert losses == ()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(events())
def test_what_is_written_is_read_as_the_same_without_loss(event: Event):
    if not (event.info or event.attributes or event.objects or event.reports):
        return
    read = read_event(codec.decode(codec.encode(write_event(event))))
    colours = {loss for loss in read.losses if loss.field.endswith("Tag.colour")}
    assert read.event == event
    assert set(read.losses) == colours


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(events())
def test_the_same_event_always_gives_the_same_objects_each_once(event: Event):
    made = to_stix(event)
    assert made == to_stix(event)
    ids = [one.value["id"] for one in made.objects]
    assert len(ids) == len(set(ids))
    (whole,) = [
        one.value for one in made.objects if one.source == "" and one.value["type"] in {"report", "grouping"}
    ]
    assert set(whole["object_refs"]) == {*ids} - {whole["id"]} or whole["object_refs"] == [whole["id"]]


def test_every_real_event_comes_back_to_the_byte(shared_data: Path):
    seen = 0
    for path in event_files(shared_data):
        for value in events_in(path):
            event = read_event(value).event
            found, losses = there_and_back(event)
            # Clusters that STIX has no type for are named, and their tags are kept.
            named = {loss.field for loss in losses}
            assert all(field.endswith((".Galaxy", ".ObjectReference")) for field in named), path.name
            if not named:
                assert codec.encode(write_event(found)) == codec.encode(write_event(event)), path.name
                seen += 1
    assert seen >= 27


def leaves(value: object, path: str, owner: str) -> Iterator[tuple[str, str, str]]:
    """Each value in an event: the path by names, the UUID of what it stands in, and itself as text."""
    if isinstance(value, dict):
        own = str(value.get("uuid") or owner) if path.rpartition(".")[2] != "Event" or not owner else owner
        for key, held in value.items():
            yield from leaves(held, f"{path}.{key}", own)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, path, owner)
    elif value not in (None, "", False):
        yield path, owner, str(value)


def test_every_field_of_every_real_event_is_carried_or_named(shared_data: Path):
    carried = named = 0
    for path in event_files(shared_data):
        for value in events_in(path):
            read = read_event(value)
            found, losses = there_and_back(read.event)
            back = Counter((where, text) for where, _, text in leaves(write_event(found), "Event", ""))
            lost = {loss.field for loss in (*read.losses, *losses)}
            for where, _, text in leaves(value, "Event", ""):
                names = where.split(".")
                if any(".".join(names[:count]) in lost for count in range(1, len(names) + 1)):
                    named += 1
                    continue
                assert back[where, text] > 0, (path.name, where, text)
                back[where, text] -= 1
                carried += 1
    assert carried > 25_000
    assert named > 10_000


def test_what_becomes_of_real_events_is_valid_stix(shared_data: Path):
    told = set()
    for path in event_files(shared_data):
        for value in events_in(path):
            for one in to_stix(read_event(value).event).objects:
                body = codec.encode(one.value)
                told |= {
                    (finding.level, finding.what[:40])
                    for finding in validate(one.value, spec_version="2.1", place=path.name, body=body)
                }
    # One value that its sender calls an SSDEEP hash is none.
    assert told <= {("quarantine", "the pattern cannot be read: no SSDEEP ha")}, told
