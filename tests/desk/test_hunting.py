"""Hunts through our own logs: what counts as a hit, at whom, and what the book of hits keeps of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.desk.made import CLOCK, Made, a_file, an_id, indicator, take

from backchannel.desk.answering import sight
from backchannel.desk.batches import undo_batch
from backchannel.desk.hit_taking import KEPT_LINES, HuntOptions
from backchannel.desk.hitbook import hits as book_of_hits
from backchannel.desk.hitting import Hit, HitBook, HuntSummary
from backchannel.desk.hunting import hunt
from backchannel.desk.inbox import show
from backchannel.desk.node import Node
from backchannel.desk.warninglists import add_warninglist
from backchannel.doctor import examine
from backchannel.errors import UsageError
from backchannel.ids import BatchId
from backchannel.settings import checked, write_settings

ONE = an_id("indicator", 1)
JANUARY = 1767225600
"""2026-01-01T00:00:00Z, in seconds since 1970."""
DAY = 86_400


def dns(query: str, *, at: float | None = JANUARY, client: str = "10.0.0.5") -> Made:
    record: Made = {"ts": at, "uid": "C1", "id.orig_h": client, "id.resp_h": "10.0.0.1", "query": query}
    return {name: value for name, value in record.items() if value is not None}


def conn(client: str, server: str, *, at: float = JANUARY) -> Made:
    return {"ts": at, "uid": "C1", "id.orig_h": client, "id.resp_h": server, "proto": "tcp"}


def a_log(folder: Path, *records: Made, name: str = "dns.log") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def hunted(node: Node, *paths: Path, options: HuntOptions | None = None) -> tuple[Sequence[Hit], HuntSummary]:
    *hits, end = hunt(node, CLOCK, paths, options)
    assert isinstance(end, HuntSummary)
    return [hit for hit in hits if isinstance(hit, Hit)], end


def met(node: Node, *paths: Path, options: HuntOptions | None = None) -> list[tuple[str, int]]:
    """(value, line) of each hit."""
    return [(hit.observable.value, hit.log.line) for hit in hunted(node, *paths, options=options)[0]]


def book(node: Node) -> HitBook:
    return book_of_hits(node, CLOCK)


def counts(node: Node) -> dict[str, int]:
    """Value to lines in the book."""
    return {one.observable.value: one.count for one in book(node).by_indicator}


# --- What is looked for --------------------------------------------------------------------------


def test_a_hit_says_whether_the_indicator_was_valid_then(node: Node, tmp_path: Path):
    valid = {"valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-03T00:00:00Z"}
    take(node, a_file(tmp_path, indicator(1, **valid)))
    times = (JANUARY, JANUARY + DAY - 1, JANUARY + DAY, JANUARY + 2 * DAY - 1, JANUARY + 2 * DAY)
    log = a_log(tmp_path, *(dns("evil1.example", at=at) for at in times))
    found, end = hunted(node, log)
    assert [hit.validity for hit in found] == ["before", "before", "inside", "inside", "after"]
    assert (end.hits, end.before, end.after) == (5, 2, 1)


def test_hits_from_before_it_was_valid_are_counted_where_they_are_not_shown(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, valid_from="2026-01-02T00:00:00Z")))
    log = a_log(tmp_path, dns("evil1.example"), dns("evil1.example", at=JANUARY + DAY))
    found, end = hunted(node, log, options=HuntOptions(pre_validity=False))
    assert [hit.validity for hit in found] == ["inside"]
    assert (end.hits, end.before) == (2, 1)


def test_a_revoked_indicator_is_not_hunted_for(node: Node, tmp_path: Path):
    log = a_log(tmp_path, dns("evil1.example"))
    take(node, a_file(tmp_path, indicator(1)))
    assert met(node, log) == [("evil1.example", 1)]
    take(node, a_file(tmp_path, indicator(1, version=2, revoked=True)))
    assert met(node, log) == []
    assert counts(node) == {}


def test_a_newer_version_takes_the_place_of_the_older_one_and_of_its_hits(node: Node, tmp_path: Path):
    log = a_log(tmp_path, dns("evil1.example"), dns("other.example"))
    take(node, a_file(tmp_path, indicator(1)))
    hunted(node, log)
    assert counts(node) == {"evil1.example": 1}
    take(node, a_file(tmp_path, indicator(1, version=2, pattern="[domain-name:value = 'other.example']")))
    assert counts(node) == {}
    assert show(node, CLOCK, ONE).item.concerns.hits == 0
    assert met(node, log) == [("other.example", 2)]
    assert counts(node) == {"other.example": 1}
    assert show(node, CLOCK, ONE).item.concerns.hits == 1


def test_an_older_version_that_comes_late_changes_nothing(node: Node, tmp_path: Path):
    log = a_log(tmp_path, dns("evil1.example"), dns("other.example"))
    take(node, a_file(tmp_path, indicator(1, version=2)))
    hunted(node, log)
    take(node, a_file(tmp_path, indicator(1, version=1, pattern="[domain-name:value = 'other.example']")))
    assert met(node, log) == [("evil1.example", 1)]
    assert counts(node) == {"evil1.example": 1}


def test_an_undone_batch_gives_no_hits_and_takes_back_those_it_gave(node: Node, tmp_path: Path):
    log = a_log(tmp_path, dns("evil1.example"))
    batch = take(node, a_file(tmp_path, indicator(1))).batch
    hunted(node, log)
    undo_batch(node, CLOCK, BatchId(batch))
    assert met(node, log) == []
    assert (book(node).by_asset, book(node).by_indicator) == ((), ())
    take(node, a_file(tmp_path, indicator(1)))
    assert met(node, log) == [("evil1.example", 1)]


def test_what_another_batch_brought_too_stays_when_one_is_undone(node: Node, tmp_path: Path):
    log = a_log(tmp_path, dns("evil1.example"))
    first = take(node, a_file(tmp_path, indicator(1))).batch
    take(node, a_file(tmp_path, indicator(1)), party="CERT Gamma")
    undo_batch(node, CLOCK, BatchId(first))
    found, _ = hunted(node, log)
    assert [hit.source.party for hit in found] == ["CERT Gamma"]


def test_an_indicator_in_quarantine_does_not_hit(node: Node, tmp_path: Path):
    receipt = take(node, a_file(tmp_path, indicator(1, valid_until="2025-01-01T00:00:00Z")))
    assert receipt.quarantined == 1
    assert met(node, a_log(tmp_path, dns("evil1.example"))) == []


def test_what_cannot_be_searched_is_named(node: Node, tmp_path: Path):
    both = "[domain-name:value = 'evil1.example'] FOLLOWEDBY [process:pid = 5]"
    part = "[domain-name:value = 'evil1.example' OR windows-registry-key:key = 'x']"
    take(node, a_file(tmp_path, indicator(1, pattern=both), indicator(2, pattern=part)))
    found, end = hunted(node, a_log(tmp_path, dns("evil1.example")))
    assert [hit.indicator for hit in found] == [an_id("indicator", 2)]
    assert {one.indicator for one in end.uncompiled} == {ONE, an_id("indicator", 2)}
    assert all(one.what for one in end.uncompiled)


FOLLOWED = "[domain-name:value = 'evil1.example'] FOLLOWEDBY [domain-name:value = 'evil2.example']"


def test_a_whole_pattern_is_found_across_logs_and_kept_with_the_lines_of_each(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, pattern=FOLLOWED)))
    before = dns("evil2.example", at=JANUARY - 60)
    first = a_log(tmp_path, before, dns("evil1.example"), name="first.log")
    second = a_log(tmp_path, dns("good.example"), dns("evil2.example", at=JANUARY + 60), name="second.log")
    found, end = hunted(node, second, first)
    assert [(Path(hit.log.path).name, hit.log.line, hit.observable.value) for hit in found] == [
        ("first.log", 2, "evil1.example"),
        ("second.log", 2, "evil2.example"),
    ]
    assert (end.hits, end.uncompiled) == (2, ())
    assert {hit.advice.do for hit in found if hit.advice} == {"look"}
    (kept,) = book_of_hits(node, CLOCK).by_indicator
    assert (kept.indicator, kept.count) == (ONE, 2)
    # The other way round it does not hold.
    assert hunted(node, a_log(tmp_path, before, dns("evil1.example")))[0] == []


def test_what_a_log_cannot_show_is_a_partial_hit_that_nobody_is_told_to_block(node: Node, tmp_path: Path):
    pattern = (
        "[network-traffic:dst_ref.value = '203.0.113.7' AND network-traffic:ipfix.minimumIpTotalLength = 32]"
    )
    take(node, a_file(tmp_path, indicator(1, pattern=pattern)))
    (hit,), end = hunted(node, a_log(tmp_path, conn("10.0.0.5", "203.0.113.7")))
    assert hit.scope == "partial"
    assert hit.advice is not None
    assert hit.advice.do == "look"
    assert "a part of what" in hit.advice.text
    assert [one.why for one in end.skipped] == [
        f"{ONE} was met in part: network-traffic:ipfix.minimumIpTotalLength is not observable here"
    ]


def test_a_hunt_without_indicators_says_that_it_looked_for_nothing(node: Node, tmp_path: Path):
    assert hunted(node, a_log(tmp_path, dns("evil1.example")))[1].values == 0
    take(node, a_file(tmp_path, indicator(1)))
    assert hunted(node, a_log(tmp_path, dns("good.example")))[1].values == 1


# --- When ----------------------------------------------------------------------------------------


def a_window(since: int | None, until: int | None) -> HuntOptions:
    def at(second: int | None) -> datetime | None:
        return None if second is None else datetime.fromtimestamp(JANUARY + second, UTC)

    return HuntOptions(since=at(since), until=at(until))


@pytest.mark.parametrize(
    ("since", "until", "lines"),
    [
        (None, None, [1, 2, 3]),
        (1, None, [2, 3]),
        (None, 2, [1, 2]),
        (1, 2, [2]),
        (5, None, []),
        (None, -5, []),
    ],
)
def test_the_window_takes_its_beginning_and_leaves_its_end(
    node: Node, tmp_path: Path, since: int | None, until: int | None, lines: list[int]
):
    take(node, a_file(tmp_path, indicator(1)))
    log = a_log(tmp_path, *(dns("evil1.example", at=JANUARY + second) for second in range(3)))
    assert [line for _, line in met(node, log, options=a_window(since, until))] == lines


def test_a_window_without_a_moment_in_it_is_refused(node: Node, tmp_path: Path):
    with pytest.raises(UsageError, match="--until is not after --since"):
        hunt(node, CLOCK, [tmp_path], a_window(2, 2))


def test_records_without_any_known_field_cost_only_themselves(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    records = [dns("evil1.example") | {"rejected": False} for _ in range(900)]
    records[100::4] = [{"foo": 1} for _ in range(200)]
    assert len(met(node, a_log(tmp_path, *records))) == 700


def test_a_record_without_a_time_is_a_hit_of_every_window(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, valid_until="2026-01-02T00:00:00Z")))
    log = a_log(tmp_path, dns("good.example"), dns("evil1.example", at=None))
    found, _ = hunted(node, log, options=a_window(100, None))
    assert [(hit.seen_at, hit.validity) for hit in found] == [(None, "inside")]
    (one,) = book(node).by_indicator
    assert (one.count, one.first_seen, one.last_seen) == (1, None, None)


# --- At whom -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "server", "asset"),
    [
        ("10.0.0.5", "203.0.113.9", "10.0.0.5"),
        ("203.0.113.9", "10.0.0.7", "10.0.0.7"),
        ("203.0.113.9", "192.0.2.1", None),
        ("fd00::5", "203.0.113.9", "fd00::5"),
        ("203.0.113.9", "fe80::1", "fe80::1"),
    ],
)
def test_the_asset_is_our_side_of_the_record(
    node: Node, tmp_path: Path, client: str, server: str, asset: str | None
):
    take(node, a_file(tmp_path, indicator(1, pattern="[ipv4-addr:value = '203.0.113.9']")))
    found, end = hunted(node, a_log(tmp_path, conn(client, server)))
    assert [hit.asset for hit in found] == [asset]
    assert end.assets == (asset is not None)
    assert [one.asset for one in book(node).by_asset] == [asset]


@pytest.mark.parametrize(
    ("field", "mail", "asset"),
    [
        ("from", {"rcptto": ["c@other.example", "ward@alpha.example", "desk@alpha.example"]}, "ward@alpha.example"),
        ("from", {"rcptto": ["c@other.example"]}, "10.0.0.5"),
        ("to", {"mailfrom": "Ward <ward@mail.Alpha.example>"}, "ward@mail.alpha.example"),
        ("to", {"mailfrom": "who@evil.example"}, "10.0.0.5"),
    ],
)  # fmt: skip
def test_of_a_mail_the_value_listed_and_our_mailbox_are_kept_and_nothing_of_the_others(
    node: Node, tmp_path: Path, field: str, mail: Made, asset: str
):
    pattern = "[email-addr:value = 'who@evil.example' OR email-addr:value LIKE '%@evil.example']"
    take(node, a_file(tmp_path, indicator(1, pattern=pattern)))
    log = a_log(
        tmp_path, {**conn("10.0.0.5", "203.0.113.9"), "trans_depth": 1, field: "x@evil.example", **mail}
    )
    switches = checked(name="A", personal=[{"logs": str(log), "kinds": "email", "purpose": "fraud"}]).personal
    node = replace(node, settings=msgspec.structs.replace(node.settings, personal=switches))
    (hit,), _ = hunted(node, log)
    listed = "who@evil.example" if "who@evil.example" in str(mail) else "%@evil.example"
    assert (hit.observable.value, hit.asset) == (listed, asset)
    kept = repr(node.store.database.execute("SELECT * FROM hit").fetchall())
    assert "other.example" not in kept
    assert "desk@" not in kept
    assert "x@evil.example" not in kept


@pytest.mark.parametrize(
    ("called", "asset"),
    [("sip:1001@10.0.0.9", "sip:1001@10.0.0.9"), ("<sip:Ward@Alpha.example>", "sip:Ward@alpha.example"), ("1001", "1001"),
     ("sip:1001@carrier.example", "10.0.0.5"), ("+4930999999", "10.0.0.5")],
)  # fmt: skip
def test_of_a_call_the_number_listed_and_our_extension_are_kept(
    node: Node, tmp_path: Path, called: str, asset: str
):
    take(node, a_file(tmp_path, indicator(1, pattern="[x-phone-number:value = '+49 30 123456']")))
    call = {
        "trans_depth": 0,
        "request_from": '"B" <sip:+4930123456@carrier.example>;tag=1',
        "request_to": called,
    }
    log = a_log(tmp_path, conn("10.0.0.5", "203.0.113.9") | call, name="sip.log")
    section = {"logs": str(log), "kinds": ["phone", "sip"], "purpose": "fraud"}
    switches = checked(name="A", personal=[section]).personal
    off, end = hunted(node, log)
    assert (off, {one.kind for one in end.switched_off}) == ([], {"sip", "x-phone-number"})
    node = replace(node, settings=msgspec.structs.replace(node.settings, personal=switches))
    (hit,), _ = hunted(node, log)
    assert (hit.observable.kind, hit.observable.value, hit.asset) == ("x-phone-number", "+4930123456", asset)


def test_a_number_of_one_country_is_met_where_the_settings_say_which(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, pattern="[x-phone-number:value = '+49 30 123456']")))
    log = a_log(tmp_path, conn("10.0.0.5", "203.0.113.9") | {"trans_depth": 0, "request_from": "030 123456"})
    section = {"logs": str(log), "kinds": "phone", "purpose": "fraud"}
    for country, count in ((None, 0), ("DE", 1), ("NO", 0)):
        settings = checked(name="A", personal=[section], phone_country=country)
        there = replace(node, settings=msgspec.structs.replace(settings, own_domains=("alpha.example",)))
        assert len(hunted(there, log)[0]) == count


def test_doctor_says_where_persons_are_looked_for_and_names_a_path_that_leads_nowhere(
    node: Node, tmp_path: Path
):
    def told(*logs: Path) -> tuple[str, str]:
        section = {"logs": list(map(str, logs)), "kinds": ["email", "phone"], "purpose": "fraud"}
        write_settings(node.home, checked(name="A", personal=[section] if logs else []))
        (check,) = (one for one in examine(node.home, CLOCK).checks if one.name == "personal kinds")
        return check.state, check.found

    assert told() == ("fine", "looked for in no log")
    assert told(tmp_path / "*.log") == ("fine", f"email, phone in {tmp_path}/*.log (fraud)")
    state, found = told(tmp_path, tmp_path / "mial" / "*.log")
    assert state == "look"
    assert f"{tmp_path}/mial/*.log: there is no such place" in found


@pytest.mark.parametrize(("client", "server"), [("10.0.0.5", "10.0.0.9"), ("10.0.0.9", "10.0.0.5")])
def test_where_both_sides_are_ours_the_asset_is_the_one_not_looked_for(
    node: Node, tmp_path: Path, client: str, server: str
):
    take(node, a_file(tmp_path, indicator(1, pattern="[ipv4-addr:value = '10.0.0.9']")))
    (hit,), _ = hunted(node, a_log(tmp_path, conn(client, server)))
    assert hit.asset == "10.0.0.5"


def test_the_same_indicator_at_two_hosts_is_two_assets(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = a_log(tmp_path, *(dns("evil1.example", client=f"10.0.0.{n}") for n in (5, 6, 6)))
    assert hunted(node, log)[1].assets == 2
    assert [(one.asset, one.count) for one in book(node).by_asset] == [("10.0.0.6", 2), ("10.0.0.5", 1)]
    (one,) = book(node).by_indicator
    assert set(one.assets) == {"10.0.0.5", "10.0.0.6"}


# --- What speaks against it ----------------------------------------------------------------------


def test_a_warning_list_labels_a_hit_and_drops_none(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, pattern="[ipv4-addr:value = '8.8.8.8']")))
    (hit,), _ = hunted(node, a_log(tmp_path, conn("10.0.0.5", "8.8.8.8")))
    (label,) = hit.warninglists
    assert label["list"] == "Backchannel: public resolvers"
    assert label["class"] == "infrastructure"
    assert label["why"]
    assert book(node).by_indicator[0].warninglists == hit.warninglists


def test_an_added_warning_list_labels_the_next_hunt(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = a_log(tmp_path, dns("evil1.example"))
    (hit,), _ = hunted(node, log)
    assert hit.warninglists == ()
    value = {"name": "Ours", "type": "hostname", "version": 1, "description": "x", "list": ["evil1.example"]}
    (tmp_path / "list.json").write_text(json.dumps(value), "utf-8")
    add_warninglist(node, CLOCK, tmp_path / "list.json", cls="context")
    (hit,), _ = hunted(node, log)
    assert [label["list"] for label in hit.warninglists] == ["Ours"]


# --- What is kept --------------------------------------------------------------------------------


def evidence(node: Node) -> list[tuple[int, list[list[object]]]]:
    """(count, kept lines) of each row of hits."""
    rows = node.store.database.execute("SELECT count, evidence FROM hit").fetchall()
    return [(count, json.loads(text)) for count, text in rows]


def test_kept_evidence_has_a_bound_and_the_count_has_none(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = a_log(tmp_path, *(dns("evil1.example", at=JANUARY + n) for n in range(KEPT_LINES + 30)))
    assert len(hunted(node, log)[0]) == KEPT_LINES + 30
    ((count, lines),) = evidence(node)
    assert (count, len(lines)) == (KEPT_LINES + 30, KEPT_LINES)
    assert lines[0] == [1, "2026-01-01T00:00:00.000Z"]
    (one,) = book(node).by_indicator
    assert (one.first_seen, one.last_seen) == ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:49.000Z")


def test_fewer_lines_shown_are_not_fewer_lines_counted(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1), indicator(2)))
    log = a_log(tmp_path, *(dns(f"evil{n}.example") for n in (1, 1, 1, 2)))
    found, end = hunted(node, log, options=HuntOptions(max_evidence=2))
    assert [hit.log.line for hit in found] == [1, 2, 4]
    assert end.hits == 4
    assert counts(node) == {"evil1.example": 3, "evil2.example": 1}
    assert hunted(node, log, options=HuntOptions(max_evidence=0))[0] == []


def test_the_same_log_hunted_twice_counts_once(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    take(node, a_file(tmp_path, indicator(1)))
    log = a_log(tmp_path, dns("evil1.example"), dns("www.evil1.example"))
    hunted(node, log)
    once = book(node)
    monkeypatch.chdir(tmp_path)
    for again in (log, Path("dns.log"), tmp_path):
        hunted(node, again)
    assert (book(node).by_asset, book(node).by_indicator) == (once.by_asset, once.by_indicator)
    assert len(book(node).hunts) == 4
    assert show(node, CLOCK, ONE).item.concerns.hits == 2


def test_a_log_that_is_renamed_and_packed_is_the_log_it_was(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    log = a_log(tmp_path, dns("good.example"), dns("evil1.example"), dns("www.evil1.example"))
    hunted(node, log)
    once = counts(node)
    rotated = log.rename(tmp_path / "dns.2026-01-01.log")
    hunted(node, rotated)
    (tmp_path / "dns.log.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    hunted(node, tmp_path)
    assert counts(node) == once == {"evil1.example": 2}
    hunted(node, a_log(tmp_path, dns("evil1.example", at=JANUARY + DAY)))  # another, under the old name
    assert counts(node) == {"evil1.example": 3}
    assert show(node, CLOCK, ONE).item.concerns.hits == 3
    assert sight(node, CLOCK, ONE).says.startswith(f"Reported {ONE} as seen 3 times")


def test_a_log_that_has_grown_counts_its_new_lines(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    hunted(node, a_log(tmp_path, dns("evil1.example")))
    hunted(node, a_log(tmp_path, dns("evil1.example"), dns("evil1.example", at=JANUARY + 5)))
    assert counts(node) == {"evil1.example": 2}


def test_lines_from_before_and_inside_the_validity_add_up(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, valid_from="2026-01-02T00:00:00Z")))
    times = (JANUARY, JANUARY, JANUARY, JANUARY + DAY, JANUARY + DAY)
    log = a_log(tmp_path, *(dns("evil1.example", at=at) for at in times))
    for _ in range(2):
        hunted(node, log)
        assert counts(node) == {"evil1.example": 5}
        assert show(node, CLOCK, ONE).item.concerns.hits == 5
        assert sight(node, CLOCK, ONE).says.startswith(f"Reported {ONE} as seen 5 times")
        assert [(hit.validity, hit.count) for hit in show(node, CLOCK, ONE).hits] == [
            ("inside", 2),
            ("before", 3),
        ]
    assert book(node).by_indicator[0].validity == "inside"


def test_the_book_names_the_last_hunts_newest_first(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    first, second = a_log(tmp_path, dns("evil1.example")), a_log(tmp_path, dns("good.example"), name="b.log")
    hunted(node, first)
    hunted(node, second)
    assert [(hunt.paths, hunt.hits) for hunt in book(node).hunts] == [((str(second),), 0), ((str(first),), 1)]


# --- Whose network it is -------------------------------------------------------------------------


def own_networks(node: Node) -> tuple[str, str, str]:
    """(state, found, mend) of what doctor says about our own networks."""
    (check,) = (one for one in examine(node.home, CLOCK).checks if one.name == "own networks")
    return check.state, check.found, check.mend


def test_doctor_names_addresses_that_are_likely_ours_too(node: Node, tmp_path: Path):
    records = [conn("10.0.0.5", "192.0.2.1")] * 8 + [conn("100.64.0.7", "192.0.2.1")] * 9
    records += [conn("100.64.0.8", "192.0.2.1")] * 3
    hunted(node, a_log(tmp_path, *records, name="conn.log"))
    state, found, mend = own_networks(node)
    assert state == "look"
    assert f"60% of the records of {tmp_path / 'conn.log'} have no side in your own networks" in found
    assert "most often from 100.64.0.7 (75%), 100.64.0.8 (25%)" in found
    assert "own_networks" in mend
    assert str(node.home / "settings.toml") in mend


@pytest.mark.parametrize(
    ("few", "named"),
    [
        ([conn("198.51.100.7", "192.0.2.1")] * 3, "100% of the records"),
        ([conn("10.0.0.5", "192.0.2.1")] * 99 + [conn("100.64.0.7", "192.0.2.1")], "1% of the records"),
        ([conn("10.0.0.5", "10.0.0.1")] * 99 + [conn("192.0.2.1", "100.64.0.7")], "1% of the records"),
    ],
    ids=["a small log of another network", "a local address that is not ours", "a local answerer"],
)
def test_doctor_needs_few_records_where_they_are_clear(
    node: Node, tmp_path: Path, few: list[Made], named: str
):
    hunted(node, a_log(tmp_path, *few, name="conn.log"))
    state, found, _ = own_networks(node)
    assert (state, found[: len(named)]) == ("look", named)


@pytest.mark.parametrize(
    "records",
    [
        [conn("10.0.0.5", "192.0.2.1")] * 18 + [conn("198.51.100.7", "192.0.2.1")] * 2,
        [conn("192.0.2.1", "10.0.0.5")] * 20,
        [conn("198.51.100.7", "192.0.2.1")] * 2,
        [conn("0.0.0.0", "255.255.255.255"), conn("100.64.0.7", "224.0.0.251")] * 20,
    ],
    ids=["a tenth", "from outside to us", "too few to tell", "broadcast"],
)
def test_doctor_has_no_doubt_about_usual_traffic(node: Node, tmp_path: Path, records: list[Made]):
    hunted(node, a_log(tmp_path, *records, name="conn.log"))
    assert own_networks(node)[0] == "fine"


def test_doctor_believes_the_last_hunt(node: Node, tmp_path: Path):
    strange = a_log(tmp_path, *[conn("100.64.0.7", "192.0.2.1")] * 20, name="strange.log")
    hunted(node, strange, a_log(tmp_path, *[conn("100.64.0.7", "192.0.2.1")] * 20, name="other.log"))
    assert own_networks(node)[1].endswith("; so it is in 1 log more")
    hunted(node, a_log(tmp_path, *[conn("10.0.0.5", "192.0.2.1")] * 20, name="conn.log"))
    assert own_networks(node)[0] == "fine"


def test_days_between_logs_that_no_log_reaches_into_are_told(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    for name, *days in (("a", 0, 1), ("b", 1, 2), ("c", 6), ("d", 8, 9), ("e", 3.5)):
        a_log(tmp_path, *(dns("fine.example", at=JANUARY + day * DAY) for day in days), name=f"{name}.log")
    logs = [tmp_path / f"{name}.log" for name in "abcde"]
    gaps = hunted(node, *logs)[1].gaps
    assert [(one.format, one.first_day, one.last_day) for one in gaps] == [
        ("zeek-json", "2026-01-05", "2026-01-06"),
        ("zeek-json", "2026-01-08", "2026-01-08"),
    ]
    window = HuntOptions(since=datetime(2026, 1, 7, tzinfo=UTC))
    assert len(hunted(node, *logs, options=window)[1].gaps) == 1
    assert hunted(node, *logs[:2])[1].gaps == ()
