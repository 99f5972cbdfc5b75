"""Where several of our hosts lead to: named with its reason, told from what is ours, popular, or judged wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.desk.made import CLOCK, Made, a_file, an_id, indicator, take
from tests.desk.seen import a_hit, a_hunt
from tests.desk.test_hunting import DAY, JANUARY, a_log, conn, dns, hunted

from backchannel.desk import hub_facts, hub_reading
from backchannel.desk import hubs as desk_hubs
from backchannel.desk.answering import dispute
from backchannel.desk.batches import undo_batch
from backchannel.desk.hit_taking import HuntOptions
from backchannel.desk.hub_documents import HubBook
from backchannel.desk.hubs import hubs
from backchannel.desk.judgements import take_back
from backchannel.desk.node import Node
from backchannel.desk.warninglists import add_warninglist
from backchannel.ids import BatchId

C2 = "203.0.113.7"
OTHERS = "198.51.100.20"


def naming(number: int, pattern: str, **more: object) -> Made:
    return indicator(number, pattern=pattern, **more)


C2_LISTED = naming(1, f"[ipv4-addr:value = '{C2}']")


def calling(host: str, server: str, *, count: int = 61, at: float = JANUARY) -> list[Made]:
    """Connections of one host every minute, now a second late and now one early."""
    late = (0, 2, 4, 2)
    return [conn(host, server, at=at + n * 60 + late[n % 4]) for n in range(count)]


def found(node: Node) -> HubBook:
    return hubs(node, CLOCK)


def values(book: HubBook) -> list[str]:
    return [one.value for one in book.hubs]


@pytest.mark.parametrize("index", [True, False])
def test_what_several_hosts_reach_by_the_clock_comes_first_with_its_reason(
    node: Node, tmp_path: Path, index: bool
):
    take(node, a_file(tmp_path, C2_LISTED, naming(2, f"[ipv4-addr:value = '{OTHERS}']")))
    take(node, a_file(tmp_path, naming(3, "[ipv4-addr:value ISSUBSET '203.0.113.0/29']")), party="CERT Gamma")
    records = [one for n in range(4) for one in calling(f"10.0.0.{n + 1}", C2)]
    records += [conn("10.0.0.9", C2), conn("10.0.0.1", OTHERS), conn("10.0.0.2", OTHERS)]
    log = a_log(tmp_path, *records, name="conn.log")
    hunted(node, log, options=HuntOptions(index=index))
    book = found(node)
    assert values(book) == [C2, OTHERS]
    hub = book.hubs[0]
    assert hub.why == (
        "5 hosts of ours reached 203.0.113.7, named by 2 indicators of 2 independent sources; "
        "4 of them every 60 s ± 2 s over 60 min; 61 times, 100% of the intervals within a quarter of that"
    )
    assert (hub.host_count, hub.indicator_count, hub.source_count) == (5, 2, 2)
    assert set(hub.sources) == {"CERT Beta", "CERT Gamma"}
    assert [one.verdict for one in hub.beats] == ["regular"] * 4 + ["too few"]
    assert (hub.beats[0].log, hub.beats[0].line) == (str(log), 1)
    assert hub.check[0] == f"see {log} line 1: 10.0.0.1 and {C2}"
    assert hub.against == ""
    assert book.hubs[1].why.startswith("2 hosts of ours reached 198.51.100.20, named by 1 indicator of 1")
    assert (book.logs_read, book.logs_gone, book.left) == (1, (), ())


def test_one_host_and_one_indicator_are_a_hub_only_if_it_calls_by_the_clock(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, C2_LISTED, naming(2, f"[ipv4-addr:value = '{OTHERS}']")))
    odd = [conn("10.0.0.2", OTHERS, at=JANUARY + n * n * 61) for n in range(40)]
    hunted(node, a_log(tmp_path, *calling("10.0.0.1", C2), *odd))
    (hub,) = found(node).hubs
    assert hub.why.startswith(
        "1 host of ours reached 203.0.113.7, named by 1 indicator of 1 independent source; it every"
    )


def test_a_beacon_by_name_is_seen_in_the_queries(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, naming(1, "[domain-name:value = 'evil.example']")))
    records = [
        dns(f"x{n:04}.evil.example", at=JANUARY + n * 300, client=f"10.0.0.{1 + n % 2}") for n in range(80)
    ]
    hunted(node, a_log(tmp_path, *records))
    (hub,) = found(node).hubs
    assert (hub.value, hub.kind, hub.host_count, hub.lines) == ("evil.example", "domain-name", 2, 80)
    assert [(one.verdict, one.interval_ms) for one in hub.beats] == [("regular", 600_000)] * 2


def test_without_a_reading_the_hits_alone_speak(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, C2_LISTED))
    hunted(node, a_log(tmp_path, *calling("10.0.0.1", C2), *calling("10.0.0.2", C2)))
    book = hubs(node, CLOCK, reads=False)
    assert book.read_at is None
    assert book.hubs[0].beats == ()
    found(node)
    assert hubs(node, CLOCK, reads=False) == found(node)  # what was read is kept


def test_what_is_damaged_of_the_last_reading_is_as_none(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, C2_LISTED))
    hunted(node, a_log(tmp_path, *calling("10.0.0.1", C2), *calling("10.0.0.2", C2)))
    found(node)
    (node.home / hub_facts.FILE).write_bytes(b'{"at": 3')
    assert hubs(node, CLOCK, reads=False).read_at is None
    assert found(node).read_at is not None


def test_a_log_that_is_gone_is_named(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, C2_LISTED))
    log = a_log(tmp_path, *calling("10.0.0.1", C2), *calling("10.0.0.2", C2))
    hunted(node, log)
    log.unlink()
    book = found(node)
    assert (book.logs_read, book.logs_gone) == (0, (str(log),))
    assert book.hubs[0].beats == ()


# --- What is no hub ------------------------------------------------------------------------------


def test_what_is_ours_or_popular_is_last_with_the_reason(node: Node, tmp_path: Path):
    popular = tmp_path / "popular.json"
    popular.write_text(
        json.dumps({"name": "Top sites", "type": "hostname", "version": 1, "list": ["busy.example"]}), "utf-8"
    )
    add_warninglist(node, CLOCK, popular, cls="popular")
    take(
        node,
        a_file(
            tmp_path,
            C2_LISTED,
            naming(2, "[domain-name:value = 'busy.example']"),
            naming(3, "[ipv4-addr:value = '10.0.0.77']"),
            naming(4, "[ipv4-addr:value = '8.8.8.8']"),
        ),
    )
    clients = [f"10.0.0.{n}" for n in range(1, 9)]
    records = [one for client in clients for one in calling(client, "10.0.0.77", count=20)]
    records += [one for client in clients for one in calling(client, "8.8.8.8", count=20)]
    records += [dns("busy.example", client=client) for client in clients]
    records += [conn("10.0.0.1", C2), conn("10.0.0.2", C2)]
    hunted(node, a_log(tmp_path, *records))
    book = found(node)
    assert values(book)[0] == C2
    against = {one.value: one.against for one in book.hubs}
    assert against[C2] == ""
    assert against["10.0.0.77"] == "10.0.0.77 lies in our own network 10.0.0.0/8"
    assert against["busy.example"] == "busy.example stands on the list “Top sites”"
    assert "public resolvers" in against["8.8.8.8"]


def test_what_we_judged_a_false_alarm_is_last_until_that_is_taken_back(node: Node, tmp_path: Path):
    other = naming(2, f"[ipv4-addr:value = '{OTHERS}']")
    take(node, a_file(tmp_path, C2_LISTED, other))
    records = [conn(f"10.0.0.{n}", C2) for n in range(5)] + [conn(f"10.0.0.{n}", OTHERS) for n in range(2)]
    hunted(node, a_log(tmp_path, *records))
    assert values(found(node)) == [C2, OTHERS]
    dispute(node, CLOCK, an_id("indicator", 1), text="It is our mail provider.")
    book = found(node)
    assert values(book) == [OTHERS, C2]
    assert book.hubs[1].against == (
        "marked as a false alarm on 2026-03-01 by CERT Alpha: It is our mail provider."
    )
    take_back(node, CLOCK, an_id("indicator", 1), "I looked at the wrong address.")
    assert values(found(node)) == [C2, OTHERS]


def test_what_is_undone_is_no_hub(node: Node, tmp_path: Path):
    batch = take(node, a_file(tmp_path, C2_LISTED)).batch
    hunted(node, a_log(tmp_path, *calling("10.0.0.1", C2), *calling("10.0.0.2", C2)))
    assert values(found(node)) == [C2]
    undo_batch(node, CLOCK, BatchId(batch))
    assert hubs(node, CLOCK, reads=False).hubs == ()


# --- What is not listed --------------------------------------------------------------------------


def test_an_address_that_a_listed_name_resolved_to_is_to_be_looked_at(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, naming(1, "[domain-name:value = 'evil.example']")))
    records = [
        dns("evil.example", client="10.0.0.1") | {"answers": [C2]},
        dns("evil.example", client="10.0.0.2") | {"answers": [C2]},
        dns("evil.example", client="10.0.0.4") | {"answers": [C2]},  # which asked, and did not go there
        *calling("10.0.0.1", C2, at=JANUARY + 1),
        conn("10.0.0.2", C2, at=JANUARY + 2),
        conn("10.0.0.3", C2, at=JANUARY + DAY),
    ]
    hunted(node, a_log(tmp_path, *records))
    book = found(node)
    assert values(book) == ["evil.example"]
    (lead,) = book.leads
    assert (lead.value, lead.hit_hosts, lead.other_host_count) == (C2, ("10.0.0.1", "10.0.0.2"), 1)
    assert lead.via == ("evil.example",)
    assert lead.why.endswith("contacted by 2 of our hosts with hits and 1 other. Not listed; to be looked at")
    assert lead.beats[0].verdict == "regular"
    assert lead.against == ""


def test_what_hosts_contact_for_the_first_time_just_after_a_hit_is_to_be_looked_at(
    node: Node, tmp_path: Path
):
    take(node, a_file(tmp_path, C2_LISTED))
    hosts = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
    records: list[Made] = []
    for n, host in enumerate(hosts):
        at = JANUARY + n * 3_600
        records += [
            conn(host, "192.0.2.10", at=at - 600),  # what they always did
            conn(host, C2, at=at),
            conn(host, "192.0.2.10", at=at + 5),
            conn(host, "198.51.100.66", at=at + 20),  # the next stage
            conn(host, "192.0.2.99", at=at + 7_200),  # hours later
            conn(host, "192.0.2.200", at=at + 30),  # what everybody uses
        ]
    records += [conn(f"10.0.1.{n}", "192.0.2.200") for n in range(20)]
    records += [conn("10.0.1.1", "198.51.100.66", at=JANUARY + DAY)]
    hunted(node, a_log(tmp_path, *sorted(records, key=lambda one: float(str(one["ts"])))))
    (lead,) = found(node).leads
    assert (lead.value, lead.hit_hosts, lead.other_host_count) == ("198.51.100.66", hosts, 1)
    assert lead.why.startswith(
        "Hosts contacted 198.51.100.66 for the first time within 5 min after 203.0.113.7"
    )
    assert "Not listed; to be looked at" in lead.why


# --- Floods --------------------------------------------------------------------------------------


def test_a_flood_of_values_at_one_host_hides_no_hub_and_costs_a_bounded_reading(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(desk_hubs, "MAX_HUBS", 20)
    take(node, a_file(tmp_path, C2_LISTED, naming(2, "[ipv4-addr:value ISSUBSET '198.18.0.0/15']")))
    flood = [conn("10.0.0.1", f"198.18.{n // 250}.{n % 250 + 1}") for n in range(5_000)]
    hunted(node, a_log(tmp_path, *flood, conn("10.0.0.1", C2), conn("10.0.0.2", C2)))
    asked: list[int] = []
    plain = desk_hubs.read_again

    def counted(*words: object, **more: object) -> object:
        asked.append(len(words[2]))  # type: ignore[arg-type]
        return plain(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(desk_hubs, "read_again", counted)
    book = found(node)
    assert (values(book), book.more) == ([C2], True)
    assert asked == [20]


def test_one_indicator_of_very_many_hosts_is_told_in_bounds(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, C2_LISTED))
    hunted(node, a_log(tmp_path, *(conn(f"10.{n // 250}.0.{n % 250 + 1}", C2) for n in range(10_000))))
    (hub,) = found(node).hubs
    assert (hub.host_count, len(hub.hosts), len(hub.beats)) == (10_000, 20, 20)


def test_more_records_than_are_taken_end_the_reading_and_that_is_said(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    take(node, a_file(tmp_path, C2_LISTED))
    hunted(node, a_log(tmp_path, *calling("10.0.0.1", C2), *calling("10.0.0.2", C2)))
    monkeypatch.setattr(hub_reading, "MAX_RECORDS", 30)
    book = found(node)
    assert book.left == ("Only the first 30 records with hubs or hosts in them were read.",)
    assert sum(one.contacts for one in book.hubs[0].beats) == 30


def test_a_number_that_several_extensions_call_is_a_hub_and_nothing_more_is_read_of_them(
    node: Node, tmp_path: Path
):
    take(node, a_file(tmp_path, indicator(1)))
    row = a_hunt(node)
    for extension in ("201", "202"):
        a_hit(node, an_id("indicator", 1), row, value="+882139999", asset=extension, log="cdr.csv")
    node.store.database.execute("UPDATE hit SET observable_kind = 'x-phone-number'")
    book = found(node)
    (hub,) = book.hubs
    assert (
        hub.why
        == "2 extensions of ours had calls with +882139999, named by 1 indicator of 1 independent source"
    )
    assert (book.logs_read, hub.beats, book.leads) == (0, (), ())


def test_in_real_logs_the_implant_is_the_hub_and_its_rhythm_is_found(
    node: Node, tmp_path: Path, shared_data: Path
):
    """Four sensors saw one host under control of 192.168.0.4, which two indicators name."""
    take(
        node,
        a_file(
            tmp_path,
            naming(1, "[ipv4-addr:value = '192.168.0.4']"),
            naming(2, "[ipv4-addr:value ISSUBSET '192.168.0.0/29']"),
            naming(3, "[domain-name:value = 'windowsupdate.com']"),
        ),
    )
    node = replace(node, settings=msgspec.structs.replace(node.settings, own_networks=("10.0.0.0/8",)))
    hunted(node, shared_data / "telemetry" / "zeek-otrf-apt29-day2")
    book = found(node)
    hub = book.hubs[0]
    assert (hub.value, hub.hosts) == ("192.168.0.4", ("10.0.1.5",))
    assert hub.why.startswith(
        "1 host of ours reached 192.168.0.4, named by 2 indicators of 1 independent source; it every 5.0 s"
    )
    assert [(one.host, one.verdict) for one in hub.beats] == [("10.0.1.5", "regular for a while")]
