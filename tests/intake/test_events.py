"""MISP events as files: taken as an independent reading says, one bad event costs only itself, within bounds."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from tests.intake.reader import NOW, UUID, findings, refusals, take, taken, the_refusal, written
from tests.misp.made import event_files, events_in, plain

from backchannel.clock import FixedClock
from backchannel.desk.hitting import Hit
from backchannel.desk.hunting import hunt
from backchannel.desk.node import init_node
from backchannel.desk.receive import receive
from backchannel.desk.why import why
from backchannel.intake import events as limits
from backchannel.intake.reading import Received

ORGC = {"uuid": "55f6ea5e-2c60-40e5-964f-47a8950d210f", "name": "CIRCL"}


def an_attribute(number: int = 1, **more: object) -> dict[str, object]:
    return {"uuid": f"{UUID[:-2]}{number:02}", "type": "domain", "category": "Network activity", "to_ids": True,
            "value": f"evil{number}.example", "timestamp": "1700000000", **more}  # fmt: skip


def an_event(**more: object) -> dict[str, object]:
    return {"uuid": UUID, "info": "An event", "date": "2023-11-01", "timestamp": "1700000100", "Orgc": ORGC,
            "Attribute": [an_attribute()], **more}  # fmt: skip


FORMS = {
    "event alone": lambda one: one,
    "Event": lambda one: {"Event": one},
    "list": lambda one: [{"Event": one}],
    "list of events alone": lambda one: [one],
    "response": lambda one: {"response": [{"Event": one}]},
    "response with one": lambda one: {"response": {"Event": one}},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("indent", [None, 2])
def test_every_form_gives_the_same_objects(tmp_path: Path, form: str, indent: int | None):
    items = take(written(tmp_path, json.dumps(FORMS[form](an_event()), indent=indent)))
    assert [item.raw.header.id for item in taken(items)] == [
        f"identity--{ORGC['uuid']}", f"indicator--{UUID[:-2]}01", f"grouping--{UUID}",
    ]  # fmt: skip
    assert len(taken(items)) == len(items)


def test_events_one_a_line(tmp_path: Path):
    lines = [
        json.dumps({"Event": an_event(uuid=f"{UUID[:-1]}{n}", Attribute=[an_attribute(n)])}) for n in (1, 2)
    ]
    items = take(written(tmp_path, "\n".join([lines[0], '{"Event": {"inf', lines[1]])))
    assert [item.raw.value["name"] for item in taken(items) if item.raw.header.type == "indicator"] == [
        "evil1.example",
        "evil2.example",
    ]
    assert len(refusals(items)) == 1


def test_the_original_of_each_object_is_its_part_of_the_file(tmp_path: Path):
    attribute, inner = (
        json.dumps(an_attribute(), indent=1),
        json.dumps(an_attribute(2, type="md5", value="d" * 32)),
    )
    one = f'{{"uuid": "{UUID[:-2]}03", "name": "file", "Attribute": [{inner}]}}'
    body = f'{{"uuid": "{UUID}", "info": "x", "Orgc": {json.dumps(ORGC)}, "Attribute": [ {attribute} ], "Object": [{one}]}}'
    by_type: dict[str, list[Received]] = {}
    for item in taken(take(written(tmp_path, f'{{"response": [{{"Event": {body} }}]}}'))):
        by_type.setdefault(item.raw.header.type, []).append(item)
    first, second = by_type["indicator"]
    assert (first.original, second.original) == (attribute.encode(), inner.encode())
    assert first.place.endswith("#/response/0/Event/Attribute/0")
    assert second.place.endswith("#/response/0/Event/Object/0/Attribute/0")
    group, whole = by_type["grouping"]
    assert (group.original, whole.original) == (one.encode(), body.encode())
    assert by_type["identity"][0].original == json.dumps(ORGC).encode()


def test_what_is_lost_is_noted_once_for_each_reason(tmp_path: Path):
    value = an_event(Attribute=[an_attribute(n, id=str(n), event_id="5") for n in (1, 2)], Org=ORGC, id="5")
    items = take(written(tmp_path, json.dumps(value)))
    told = [found for found in findings(items) if found.clause == "MISP core format"]
    assert {found.level for found in told} == {"note"}
    assert {found.object for found in told} == {f"grouping--{UUID}"}
    assert [found.what for found in told] == [
        "`Event.Attribute.id` (2), `Event.Attribute.event_id` (2), `Event.id` are not carried over: a number in the sender's own database",
        "`Event.Org` is not carried over: whose server wrote the file; who made the event is in Orgc",
    ]


def test_what_is_meant_for_detection_and_cannot_be_searched_is_said(tmp_path: Path):
    items = take(written(tmp_path, json.dumps(an_event(Attribute=[an_attribute(type="text", value="x")]))))
    assert any("STIX has nothing to compare with: `text`" in found.what for found in findings(items))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("ip-dst", "10.0.0.1"),
        ("ip-dst", "0.0.0.0/0"),
        ("domain", "co.uk"),
        ("domain|ip", "evil.example|127.0.0.1"),
    ],
)
def test_what_would_hit_everything_waits_for_a_person(tmp_path: Path, kind: str, value: str):
    items = take(written(tmp_path, json.dumps(an_event(Attribute=[an_attribute(type=kind, value=value)]))))
    (found,) = [one for one in findings(items) if one.level == "quarantine"]
    assert found.object == f"indicator--{UUID[:-2]}01"
    told = take(
        written(
            tmp_path, json.dumps(an_event(Attribute=[an_attribute(type=kind, value=value, to_ids=False)]))
        )
    )
    assert not any(one.level == "quarantine" for one in findings(told))


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ({"Event": {"uuid": UUID}}, "says nothing"),
        ({"Event": "x"}, "no JSON object"),
        ({"Event": {**an_event(), "x": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}, "deep"),
        (5, "no whole MISP event"),
    ],
)  # fmt: skip
def test_a_bad_event_costs_only_itself(tmp_path: Path, bad: object, what: str):
    value = [
        {"Event": an_event()},
        bad,
        {"Event": an_event(uuid=f"{UUID[:-1]}0", Attribute=[an_attribute(2)])},
    ]
    items = take(written(tmp_path, json.dumps(value)))
    assert [item.raw.value["name"] for item in taken(items) if item.raw.header.type == "indicator"] == [
        "evil1.example",
        "evil2.example",
    ]
    (found,) = refusals(items)
    assert what in found.what


def test_a_key_that_stands_twice_is_refused(tmp_path: Path):
    text = json.dumps({"Event": an_event()}).replace('"info":', '"info": "other", "info":')
    assert "`info` stands twice" in the_refusal(take(written(tmp_path, text))).what


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(tmp_path, json.dumps({"Event": an_event()}))
    monkeypatch.setattr(limits, "MAX_EVENT_BYTES", 300)
    assert "split it in MISP" in the_refusal(take(path)).what
    monkeypatch.undo()
    monkeypatch.setattr(limits, "MAX_EVENT_VALUES", 10)
    assert "more than 10 values" in the_refusal(take(path)).what


ID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")

# --- What others publish ----------------------------------------------------------------------------------


def test_every_real_event_is_taken_whole(shared_data: Path):
    """Each attribute, object and report of the file gives its object, counted by `json` alone."""
    for path in event_files(shared_data):
        items = take(path)
        assert refusals(items) == [], path.name
        ids = Counter(item.raw.header.id.partition("--")[2] for item in taken(items))
        uuids: set[str] = set()
        detections = 0
        for value in events_in(path):
            parts = [
                *(value.get("Attribute") or []),
                *(value.get("Object") or []),
                *(value.get("EventReport") or []),
            ]
            inner = [one for part in value.get("Object") or [] for one in part.get("Attribute") or []]
            uuids |= {part["uuid"] for part in (*parts, *inner) if ID.fullmatch(str(part.get("uuid")))}
            detections += len(
                {one.get("uuid", id(one)) for one in (*parts, *inner) if one.get("to_ids") is True}
            )
        assert uuids <= ids.keys(), path.name
        kinds = Counter(item.raw.header.type for item in taken(items))
        assert kinds["indicator"] + sum(1 for item in taken(items) if item.raw.header.type in {"note", "vulnerability"} and 'misp:to_ids="True"' in item.raw.value.get("labels", [])) == detections, path.name  # fmt: skip


def test_an_event_that_is_no_json_costs_only_itself(tmp_path: Path):
    good = {
        "uuid": UUID,
        "info": "Phishing",
        "date": "2026-01-02",
        "timestamp": "1767312000",
        "Attribute": [],
    }
    text = json.dumps([{"Event": {"info": 7}}, {"Event": good}]).replace(": 7", ": NaN")
    items = take(written(tmp_path, text))
    (found,) = refusals(items)
    assert found.where.endswith("#/0")
    assert "NaN is no number of JSON" in found.what
    assert [item.raw.value["name"] for item in taken(items)] == ["Phishing"]


def test_a_file_that_is_cut_costs_only_itself(shared_data: Path, tmp_path: Path):
    path = shared_data / "misp" / "eset" / "powerpool_misp-powerpool.json"
    cut = written(tmp_path, plain(path)[:20_000], "cut.json")
    clock = FixedClock(NOW)
    with init_node(tmp_path / "home", name="CERT Alpha", clock=clock) as node:
        receipt = receive(node, clock, [cut, path], party="ESET")
        assert receipt.refused == 1
        assert "broken JSON" in receipt.findings[0].what
        assert receipt.stored == len(take(path))
        again = receive(node, clock, [path], party="ESET")
        assert (again.stored, again.known) == (0, receipt.stored)


@pytest.mark.parametrize(
    ("kind", "value", "query"),
    [
        ("domain", "evil.example", "evil.example"),
        ("domain|ip", "evil.example|203.0.113.7", "www.evil.example"),
        ("url", "http://evil.example/a", None),
        ("filename|sha256", "x.exe|" + "a" * 64, None),
    ],
)
def test_what_is_meant_for_detection_is_hunted(tmp_path: Path, kind: str, value: str, query: str | None):
    log = tmp_path / "dns.log"
    line = {"ts": 1700000500.0, "uid": "C1", "id.orig_h": "192.168.1.5", "id.orig_p": 5, "id.resp_h": "192.168.1.1",
            "id.resp_p": 53, "query": query or "good.example"}  # fmt: skip
    log.write_text(json.dumps(line) + "\n")
    clock = FixedClock(NOW)
    with init_node(tmp_path / "home", name="CERT Alpha", clock=clock) as node:
        event = an_event(Attribute=[an_attribute(type=kind, value=value)])
        receive(node, clock, [written(tmp_path, json.dumps(event), "a.json")], party="CIRCL")
        seen = {found.indicator for found in hunt(node, clock, [log]) if isinstance(found, Hit)}
        assert seen == ({f"indicator--{UUID[:-2]}01"} if query else set())
        assert not node.store.objects.uncompiled(
            [node.store.objects.current(f"indicator--{UUID[:-2]}01").object_row]
        )


def test_a_newer_event_is_a_new_version_of_what_changed(tmp_path: Path):
    clock = FixedClock(NOW)
    with init_node(tmp_path / "home", name="CERT Alpha", clock=clock) as node:
        receive(node, clock, [written(tmp_path, json.dumps(an_event()), "a.json")])
        changed = an_event(
            timestamp="1700000900", Attribute=[an_attribute(timestamp="1700000800", comment="new")]
        )
        receipt = receive(node, clock, [written(tmp_path, json.dumps(changed), "b.json")])
        assert (receipt.stored, receipt.known, receipt.conflict) == (2, 1, 0)
        told = why(node, clock, f"indicator--{UUID[:-2]}01")
        assert '"comment": "new"' in str([arrival.original for arrival in told.arrivals])


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "around", ["[%s]", '{"response": [%s]}', '{"errors": [], "response": [%s], "total": 3}']
)
def test_an_event_that_is_no_json_costs_only_itself_wherever_it_stands(
    tmp_path: Path, place: int, around: str
):
    events = [json.dumps({"Event": an_event()}), json.dumps({"Event": an_event()})]
    events.insert(place, '{"Event": {"info": "broken", "date": NaN}}')
    items = take(written(tmp_path, around % ", ".join(events)))
    (found,) = refusals(items)
    assert found.where.endswith(f"/{place}")
    assert "NaN is no number of JSON" in found.what
    assert {item.raw.header.type for item in taken(items)} == {"identity", "indicator", "grouping"}
    assert len(taken(items)) == len(items) - 1


@pytest.mark.parametrize("rest", [', "objects": []', ""])
def test_an_answer_inside_a_bundle_is_not_salvaged(tmp_path: Path, rest: str):
    items = take(written(tmp_path, f'{{"type": "bundle", "response": [NaN]{rest}}}'))
    assert taken(items) == []
    assert "`response` holds what is no JSON" in the_refusal(items).what
