"""Feeds, lists and MISP's calls over a socket: rights, policy, entity tags, sightings, and what is hostile."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from benchmarks.taxii_servers import Served
from tests.channels.clients.running import drive
from tests.channels.misp.conftest import CLEAR, CLOCK, RED, Live, uuid_of
from tests.desk.made import NOW, a_file, indicator
from tests.intake.reader import take, taken

from backchannel.channels.misp.answers import Answer
from backchannel.clock import FixedClock, format_time
from backchannel.desk import lists, shelves
from backchannel.desk.access import caller_by_secret
from backchannel.desk.batches import undo_batch
from backchannel.desk.paging import Query
from backchannel.desk.publishing import put_batch
from backchannel.desk.receive import receive
from backchannel.desk.taxii import BusyError, objects_page
from backchannel.desk.why import why
from backchannel.ids import new_id

SIGNSIGHT = "b5a79c58-fbd0-459c-8f19-8494f7f12b51"
POWERPOOL = "5b8d9d33-ccf0-4fd9-82dc-7dbc0a016219"
"""Its sender distributes it to its own organisation only."""


def a_served(live: Live, url: str, **more: str) -> Served:
    return Served("backchannel", url, "", "", "", more.get("user", ""), more.get("password", ""), 0, 0.0)


# --- Feeds ------------------------------------------------------------------------------------------------


def test_a_feed_names_its_events_and_holds_them(live: Live, tmp_path: Path):
    manifest = live.ask("/feeds/shared/manifest.json", key=live.beta).value
    assert SIGNSIGHT in manifest
    assert POWERPOOL not in manifest
    stamps = [entry["timestamp"] for entry in manifest.values()]
    assert len(stamps) == len(set(stamps))
    hashes = live.ask("/feeds/shared/hashes.csv", key=live.beta).body.decode().splitlines()
    assert {line.partition(",")[2] for line in hashes} == set(manifest)
    for uuid, entry in manifest.items():
        answer = live.ask(f"/feeds/shared/{uuid}.json", key=live.beta)
        assert answer.value["Event"]["timestamp"] == str(entry["timestamp"])
        path = tmp_path / f"{uuid}.json"
        path.write_bytes(answer.body)
        assert len(taken(take(path))) == len(take(path)) > 0


@pytest.mark.parametrize(
    "path",
    [
        "/feeds/shared/manifest.json",
        "/feeds/shared/hashes.csv",
        "/feeds/shared.txt",
        "/feeds/shared.csv",
        f"/feeds/shared/{SIGNSIGHT}.json",
    ],
)
def test_who_has_it_already_is_told_so(live: Live, path: str):
    first = live.ask(path, key=live.beta)
    assert first.status == 200
    assert first.headers["last-modified"].endswith("GMT")
    tag = first.headers["etag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = live.ask(path, key=live.beta, If_None_Match=held)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert live.ask(path, key=live.beta, If_None_Match='"other"').body == first.body


@pytest.mark.parametrize("path", ["/feeds/shared/manifest.json", "/feeds/shared.csv"])
def test_what_is_packed_has_an_entity_tag_of_its_own(live: Live, monkeypatch: pytest.MonkeyPatch, path: str):
    monkeypatch.setattr("backchannel.channels.misp.answers.MIN_GZIP_BYTES", 1)

    def ask(held: str | None = None, coding: str = "gzip") -> tuple[int, str, str]:
        more = {} if held is None else {"If_None_Match": held}
        answer = live.ask(path, key=live.beta, Accept_Encoding=coding, **more)
        return answer.status, answer.headers["etag"], answer.headers.get("content-encoding", "")

    _, plain, _ = ask(coding="identity")
    status, packed, coding = ask()
    assert (status, coding) == (200, "gzip")
    assert packed != plain
    assert ask(packed) == (304, packed, "")
    assert ask(f"W/{packed}") == (304, packed, "")
    assert ask(plain) == (304, plain, "")
    assert ask(f'"other", {packed}') == (304, packed, "")
    assert ask(packed, coding="identity") == (200, plain, "")
    assert ask(plain, coding="identity") == (304, plain, "")
    assert ask('"other"') == (200, packed, "gzip")


def test_text_and_csv_hold_what_the_reader_may_have(live: Live):
    anybody = live.ask("/feeds/open.txt").body.decode().splitlines()
    assert anybody == ["evil1.example", "http://evil11.example/a,b", "http://evil12.example/a,b"]
    assert live.ask("/feeds/open.txt?type=url").body.decode().splitlines() == anybody[1:]
    beta = live.ask("/feeds/open.txt", key=live.beta).body.decode().splitlines()
    assert beta == ["evil1.example", "evil2.example", *anybody[1:]]
    rows = list(csv.DictReader(io.StringIO(live.ask("/feeds/open.csv", key=live.beta).body.decode())))
    assert [row["value"] for row in rows] == beta
    assert rows[0]["id"] == f"indicator--{uuid_of(1)}"
    assert live.ask("/feeds/open.txt?type=x").status == 400


def test_nothing_that_is_red_leaves_by_any_address(live: Live):
    paths = ["/feeds/{}/manifest.json", "/feeds/{}/hashes.csv", "/feeds/{}.txt", "/feeds/{}.csv"]
    bodies = [
        live.ask(path.format(name), key=live.beta).body for path in paths for name in ("shared", "open")
    ]
    bodies += [
        live.ask(f"/misp/{kind}/restSearch", key=live.beta, method="POST", body={}).body
        for kind in ("events", "attributes")
    ]
    for name in ("shared", "open"):
        bodies += [
            live.ask(f"/feeds/{name}/{uuid}.json", key=live.beta).body
            for uuid in json.loads(live.ask(f"/feeds/{name}/manifest.json", key=live.beta).body)
        ]
    assert any(b"evil2.example" in body for body in bodies)
    assert not any(b"evil3.example" in body or uuid_of(3).encode() in body for body in bodies)


@pytest.mark.parametrize(
    "path",
    [
        "/feeds/shared/manifest.json",
        "/feeds/shared.txt",
        "/feeds/hidden.txt",
        "/feeds/nothing.txt",
        "/feeds/nothing/manifest.json",
    ],
)
def test_a_stranger_learns_not_even_what_is_there(live: Live, path: str):
    answer = live.ask(path)
    assert answer.status == 401
    assert "basic" in answer.headers["www-authenticate"].lower()
    assert answer.value["message"] == live.ask("/feeds/another.txt").value["message"]


def test_what_a_party_has_no_right_to_is_not_there(live: Live):
    for path in ("/feeds/hidden.txt", "/feeds/nothing.txt", f"/feeds/shared/{uuid_of(9)}.json"):
        assert live.ask(path, key=live.beta).status == 404
    assert live.ask("/feeds/shared.txt", key=live.nobody).status == 404
    assert live.ask("/feeds/shared.txt", key="wrong").status == 401


@pytest.mark.parametrize("scheme", ["{}", "Bearer {}", "Token {}"])
def test_keys_in_every_spelling(live: Live, scheme: str):
    assert live.ask("/feeds/shared.txt", key=scheme.format(live.gamma)).status == 200
    assert live.ask("/feeds/shared.txt", X_API_Key=live.gamma).status == 200


def test_a_page_of_a_stranger_that_points_here_gets_nothing(live: Live):
    assert live.ask("/feeds/open.txt", Host="evil.example").status == 421
    assert live.ask("/feeds/open.txt", Host="localhost:8017").status == 200


def test_head_has_the_headers_alone(live: Live):
    whole, head = live.ask("/feeds/open.csv"), live.ask("/feeds/open.csv", method="HEAD")
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", whole.headers["etag"])


def test_what_goes_out_is_recorded(live: Live):
    def sent() -> int:
        return live.node.store.database.execute("SELECT count(*) FROM page_sent").fetchone()[0]

    before = sent()
    tag = live.ask("/feeds/shared/manifest.json", key=live.beta).headers["etag"]
    live.ask("/misp/events/restSearch", key=live.gamma, method="POST", body={"limit": 1})
    assert sent() == before + 2
    live.ask("/feeds/shared/manifest.json", key=live.beta, If_None_Match=tag)
    live.ask("/misp/events/restSearch", key=live.gamma, method="POST", body={"value": "no such value"})
    assert sent() == before + 2


# --- MISP's own calls -------------------------------------------------------------------------------------


def test_the_calls_that_scripts_make_first(live: Live):
    assert live.ask("/misp/servers/getVersion", key=live.gamma).value["version"].startswith("2.")
    assert live.ask("/misp/users/view/me.json", key=live.gamma).value["Organisation"]["name"] == "CERT Gamma"
    types = live.ask("/misp/attributes/describeTypes.json", key=live.gamma).value["result"]
    assert types["sane_defaults"]["md5"] == {"default_category": "Payload delivery", "to_ids": 1}
    assert live.ask("/misp/servers/getVersion").status == 401


def test_searches_and_views(live: Live):
    found = live.ask(
        "/misp/events/restSearch", key=live.gamma, method="POST", body={"eventinfo": "SignSight"}
    ).value
    (event,) = found["response"]
    assert event["Event"]["uuid"] == SIGNSIGHT
    assert live.ask(f"/misp/events/view/{SIGNSIGHT}", key=live.gamma).value == event
    value = event["Event"]["Attribute"][0]["value"]
    by_value = live.ask(
        "/misp/attributes/restSearch", key=live.gamma, method="POST", body={"value": value}
    ).value
    assert [one["value"] for one in by_value["response"]["Attribute"]] == [value]
    assert by_value["response"]["Attribute"][0]["Event"]["uuid"] == SIGNSIGHT
    assert live.ask(f"/misp/events/view/{uuid_of(1)}", key=live.gamma).status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"limit": -1}', 400),
        (b'{"no such filter": 1}', 400),
        (b"[" * 100_000, 400),
        (b"x" * (2**20 + 1), 413),
    ],
)
def test_what_is_not_understood_is_refused_without_a_trace(live: Live, body: bytes, status: int):
    answer = live.ask("/misp/events/restSearch", key=live.gamma, method="POST", body=body)
    assert answer.status == status
    assert "Traceback" not in answer.body.decode()
    assert answer.value["errors"]


def test_other_methods_and_addresses(live: Live):
    assert live.ask("/feeds/open.txt", method="POST", body=b"").status == 405
    assert live.ask("/misp/events/add", key=live.beta, method="POST", body={}).status == 404
    assert live.ask("/feeds/x/../../store.sqlite", key=live.beta).status == 404
    assert live.ask("/feeds/open.txt?" + "x" * 5000).status == 414


def test_a_sighting_becomes_an_arrival_of_its_party(live: Live):
    body = {"value": "evil1.example", "source": "sensor 7", "type": "0", "timestamp": "1700000000"}
    told = live.ask("/misp/sightings/add", key=live.beta, method="POST", body=body).value["Sighting"]
    assert told["attribute_uuid"] == uuid_of(1)
    arrival = why(live.node, CLOCK, f"sighting--{told['uuid']}").arrivals[0]
    assert arrival.party == "CERT Beta"
    caller = caller_by_secret(live.node.store, live.beta, now=CLOCK.now())
    assert caller is not None
    page = objects_page(live.node, CLOCK, caller, "sharing", "shared", Query(types=("sighting",)))
    stored = json.loads(page.bodies[-1])
    assert stored["sighting_of_ref"] == f"indicator--{uuid_of(1)}"
    assert stored["last_seen"] == "2023-11-14T22:13:20.000Z"
    seen = live.ask(
        "/misp/attributes/restSearch", key=live.beta, method="POST", body={"value": "evil1.example"}
    ).value
    sightings = [one for found in seen["response"]["Attribute"] for one in found.get("Sighting", [])]
    assert "sensor 7" in [one["source"] for one in sightings]


@pytest.mark.parametrize(("kind", "stix_type"), [("1", "opinion"), ("2", "note")])
def test_false_positives_and_expirations(live: Live, kind: str, stix_type: str):
    answer = live.ask(f"/misp/sightings/add/{uuid_of(1)}", key=live.beta, method="POST", body={"type": kind})
    told = answer.value["Sighting"]
    assert why(live.node, CLOCK, f"{stix_type}--{told['uuid']}").arrivals[0].party == "CERT Beta"


def test_who_may_not_write_adds_no_sighting(live: Live):
    assert (
        live.ask("/misp/sightings/add", key=live.gamma, method="POST", body={"value": "evil1.example"}).status
        == 403
    )
    assert (
        live.ask(
            "/misp/sightings/add", key=live.beta, method="POST", body={"value": "no.such.example"}
        ).status
        == 404
    )
    assert (
        live.ask("/misp/sightings/add", key=live.beta, method="POST", body={"value": "evil3.example"}).status
        == 404
    )
    assert live.ask("/misp/sightings/add", key=live.beta, method="POST", body={}).status == 400
    assert live.ask("/misp/sightings/add", method="POST", body={"value": "evil1.example"}).status == 401


@pytest.mark.parametrize(
    ("path", "name", "limit"),
    [
        ("/feeds/shared/manifest.json", "shelves.MAX_OBJECTS", 1),
        ("/feeds/shared/manifest.json", "shelves.MAX_BYTES", 100),
        ("/feeds/shared.csv", "lists.MAX_VALUES", 1),
        ("/feeds/shared.csv", "lists.MAX_LIST_BYTES", 100),
    ],
)
def test_a_collection_that_is_too_large_says_so(
    live: Live, monkeypatch: pytest.MonkeyPatch, path: str, name: str, limit: int
):
    monkeypatch.setattr(f"backchannel.desk.{name}", limit)
    put_anew(live, "shared", monkeypatch)
    answer = live.ask(path, key=live.gamma)
    assert answer.status == 413
    assert "TAXII" in answer.value["message"]


def test_large_collections_are_read_in_steps(live: Live, monkeypatch: pytest.MonkeyPatch):
    whole = live.ask("/feeds/shared.csv", key=live.beta).body
    monkeypatch.setattr("backchannel.desk.lists.MAX_PAGE_ROWS", 1)
    monkeypatch.setattr("backchannel.channels.misp.answers.PART_BYTES", 7)
    monkeypatch.setattr("backchannel.channels.misp.answers.MIN_GZIP_BYTES", 1)
    put_anew(live, "shared", monkeypatch)
    assert live.ask("/feeds/shared.csv", key=live.beta).body == whole
    packed = live.ask("/feeds/shared.csv", key=live.beta, Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == whole


def put_anew(live: Live, alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was made of a collection be made anew, as if another place in it had been taken."""
    node = live.node
    with node.store.transaction():
        row = next(one for one in node.store.collections.all() if one.alias == alias)
        node.store.collections.set_last_added(row.collection_row, row.last_added + 1)
    for module in (lists, shelves):
        monkeypatch.setattr(module, "print_of", lambda *_: new_id("indicator").encode())


# --- Other projects' clients ------------------------------------------------------------------------------


@pytest.mark.peer("misp")
def test_pymisp_does_its_whole_job(live: Live):
    told = drive("misp", "drive_pymisp", a_served(live, f"{live.url}/misp/"), token=live.beta)
    events = live.ask("/misp/events/restSearch", key=live.beta, method="POST", body={}).value["response"]
    assert told["events"] == len(events)
    assert "evil1.example" in told["values"]


@pytest.mark.peer("intelmq")
def test_intelmq_reads_our_text_and_our_table(live: Live):
    text = drive(
        "intelmq", "drive_intelmq", a_served(live, f"{live.url}/feeds/open.txt?type=url"), mode="text"
    )
    assert text["values"] == ["http://evil11.example/a,b", "http://evil12.example/a,b"]
    user = a_served(live, f"{live.url}/feeds/shared.csv?type=domain", user="CERT Gamma", password=live.gamma)
    columns = ",".join(["source.fqdn", *["__IGNORE__"] * 7])
    domains = drive("intelmq", "drive_intelmq", user, mode=f"csv:{columns}")
    assert "evil1.example" in domains["values"]


def test_a_list_is_written_once_and_anew_when_it_would_be_another(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written: list[str] = []

    def counted(*arguments: object) -> lists.Written:
        written.append("")
        return write(*arguments)  # type: ignore[arg-type]

    write = lists._write
    monkeypatch.setattr(lists, "_write", counted)
    caller = caller_by_secret(live.node.store, live.beta, now=CLOCK.now())
    assert caller is not None
    kept = lists.Lists()

    def text(at: datetime = NOW) -> str:
        _, made = kept.list(live.node, FixedClock(at), caller, "shared", "txt", "domain")
        return made.file.read(0, made.file.size).decode()

    hour = timedelta(hours=1)
    before = text()
    assert (text(), len(written)) == (before, 1)
    ends = indicator(77, object_marking_refs=[CLEAR], valid_until=format_time(NOW + hour))
    begins = indicator(78, object_marking_refs=[CLEAR], valid_from=format_time(NOW + 2 * hour))
    batch = receive(live.node, CLOCK, [a_file(tmp_path, ends, begins)], party="ESET").batch
    put_batch(live.node, CLOCK, "shared", batch)
    assert text() == before + "evil77.example\n"
    assert text(NOW + hour - timedelta(seconds=1)) == before + "evil77.example\n"
    assert len(written) == 2
    assert text(NOW + hour) == before
    assert text(NOW + 2 * hour) == before + "evil78.example\n"
    assert len(written) == 4
    undo_batch(live.node, CLOCK, batch)
    assert text(NOW + 2 * hour) == before
    assert len(written) == 5
    elsewhere = receive(live.node, CLOCK, [a_file(tmp_path, indicator(79), name="else.json")]).batch
    assert text(NOW + 2 * hour) == before
    assert len(written) == 5, "what came elsewhere is no reason"
    undo_batch(live.node, CLOCK, elsewhere)


def test_what_a_newer_version_took_back_leaves_the_lists_wherever_that_one_is_kept(
    live: Live, tmp_path: Path
):
    def values(path: str, **headers: str) -> tuple[int, list[str], str]:
        answer = live.ask(path, key=live.beta, **headers)
        return answer.status, answer.body.decode().splitlines(), answer.headers["etag"]

    olds = [indicator(n, object_marking_refs=[CLEAR]) for n in (91, 92, 93)]
    batch = receive(live.node, CLOCK, [a_file(tmp_path, *olds)], party="ESET").batch
    put_batch(live.node, CLOCK, "shared", batch)
    _, before, tag = values("/feeds/shared.txt?type=domain")
    assert {"evil91.example", "evil92.example", "evil93.example"} <= {*before}
    elsewhere = receive(
        live.node,
        CLOCK,
        [
            a_file(
                tmp_path,
                indicator(91, version=2, revoked=True, object_marking_refs=[CLEAR]),
                indicator(92, version=2, object_marking_refs=[RED]),
                name="newer.json",
            )
        ],
        party="ESET",
    ).batch
    status, after, new_tag = values("/feeds/shared.txt?type=domain", If_None_Match=tag)
    assert (status, new_tag != tag) == (200, True)
    assert after == [one for one in before if one not in {"evil91.example", "evil92.example"}]
    table = live.ask("/feeds/shared.csv", key=live.beta).body.decode()
    assert "evil93.example" in table
    assert "evil91.example" not in table
    undo_batch(live.node, CLOCK, elsewhere)
    assert values("/feeds/shared.txt?type=domain", If_None_Match=new_tag) == (200, before, tag)
    undo_batch(live.node, CLOCK, batch)


def test_events_are_made_once_and_anew_when_they_would_be_others(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made: list[str] = []

    def counted(*arguments: object) -> shelves.Shelf:
        made.append("")
        return make(*arguments)  # type: ignore[arg-type]

    make = shelves._shelf
    monkeypatch.setattr(shelves, "_shelf", counted)
    caller = caller_by_secret(live.node.store, live.beta, now=CLOCK.now())
    assert caller is not None
    kept = shelves.Shelves()

    def manifest() -> bytes:
        return kept.shelf(live.node, CLOCK, caller, "shared").feed.manifest

    before = manifest()
    assert (manifest(), len(made)) == (before, 1)
    receive(live.node, CLOCK, [a_file(tmp_path, indicator(81))])
    assert (manifest(), len(made)) == (before, 1)
    named = indicator(82, version=9, object_marking_refs=[CLEAR])
    batch = receive(live.node, CLOCK, [a_file(tmp_path, named)], party="ESET").batch
    put_batch(live.node, CLOCK, "shared", batch)
    assert manifest() != before
    undo_batch(live.node, CLOCK, batch)
    assert (manifest(), len(made)) == (before, 3)


def test_one_list_is_written_at_a_time_and_who_waits_too_long_is_told(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lists, "WAIT_S", 0.01)
    put_anew(live, "shared", monkeypatch)
    caller = caller_by_secret(live.node.store, live.beta, now=CLOCK.now())
    assert caller is not None
    kept = lists.Lists()
    with kept._writing, pytest.raises(BusyError):
        kept.list(live.node, CLOCK, caller, "shared", "csv", None)
    assert kept.list(live.node, CLOCK, caller, "shared", "csv", None)[1].file.size > 0


def test_a_list_that_nobody_keeps_any_more_can_be_read_to_its_end(tmp_path: Path):
    spool = lists.Spool(tmp_path)
    spool.write(b"a" * 10)
    parts = Answer(200, spool).parts()
    del spool
    assert b"".join(parts) == b"a" * 10
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_no_list_is_given(live: Live, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    put_anew(live, "shared", monkeypatch)
    monkeypatch.setattr(lists.os, "write", full)
    answer = live.ask("/feeds/shared.csv", key=live.beta)
    assert answer.status == 503
    assert "No space left" in answer.value["message"]
