"""The inbox, one object in full, and why we hold it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.desk.made import (
    CLOCK,
    GREEN,
    RED,
    a_file,
    an_id,
    identity,
    indicator,
    made,
    malware,
    relationship,
    take,
)
from tests.desk.seen import a_hunt

from backchannel import codec
from backchannel.clock import FixedClock
from backchannel.desk.inbox import ATTENTION, inbox, show, why
from backchannel.desk.node import Node, status
from backchannel.errors import NotFoundError, UsageError

INDICATOR = str(indicator(1)["id"])


def add_hit(
    node: Node, hunt: int, *, indicator: str = INDICATOR, asset: str = "10.0.0.5", count: int = 3
) -> None:
    kept = node.store.objects.current(indicator)
    assert kept is not None
    node.store.database.execute(
        "INSERT INTO hit (hunt_row, object_row, indicator, observable_kind, observable_value, asset, log_path,"
        " log_format, field, scope, validity, first_seen, last_seen, count, evidence)"
        " VALUES (?, ?, ?, 'domain-name', 'evil1.example', ?, 'dns.log', 'zeek-tsv', 'query', 'exact', 'inside',"
        " '2026-02-01T00:00:00.000Z', '2026-02-02T00:00:00.000Z', ?, '[]')",
        (hunt, kept.object_row, indicator, asset, count),
    )


def test_a_row_says_who_says_so_what_it_is_and_how_it_may_be_passed_on(node: Node, tmp_path: Path):
    author = identity(1)
    said = indicator(1, created_by_ref=author["id"], object_marking_refs=[GREEN])
    take(node, a_file(tmp_path, author, said), party="CERT Beta", channel="mail")
    (item,) = inbox(node, CLOCK).items
    assert (item.source.party, item.source.channel, item.source.author) == ("CERT Beta", "mail", "Author 1")
    assert "evil1.example" in item.says
    assert item.name == "Indicator 1"
    assert item.tlp == "TLP:GREEN"
    assert item.received_at == "2026-03-01T12:00:00.000Z"
    assert item.advice is not None
    assert (item.conflict, item.revoked, item.quarantined, item.sources) == (False, False, False, 1)


def test_newest_comes_first_and_pages_follow_without_a_gap_or_a_repeat(node: Node, tmp_path: Path):
    for batch in range(3):
        take(node, a_file(tmp_path, *(indicator(batch * 10 + n) for n in range(10))))
    seen: list[str] = []
    page = inbox(node, CLOCK, limit=7)
    while True:
        seen += [item.id for item in page.items]
        if page.next is None:
            break
        page = inbox(node, CLOCK, limit=7, before=page.next)
    assert seen == [an_id("indicator", n) for n in reversed(range(30))]


def test_all_that_concerns_us_comes_first_wherever_it_lies_and_once(node: Node, tmp_path: Path):
    family, report = malware(1), made("report", 1, published="2026-01-01T00:00:00Z", object_refs=[INDICATOR])
    tied = relationship(indicator(1), "indicates", family)
    take(node, a_file(tmp_path, indicator(1), family, tied, report))
    take(node, a_file(tmp_path, *(indicator(n) for n in range(10, 30))))
    add_hit(node, a_hunt(node, at="2026-03-02T00:00:00.000Z"))
    pages = [inbox(node, CLOCK, limit=2)]
    while (place := pages[-1].next) is not None:
        pages.append(inbox(node, CLOCK, limit=2, before=place))
    told = [item for page in pages for item in page.items]
    assert {item.id for item in told[:3]} == {INDICATOR, family["id"], report["id"]}
    assert [item.concerns.state == "yes" for item in told] == [True] * 3 + [False] * 20
    assert [item.id for item in told[3:]] == [an_id("indicator", n) for n in reversed(range(10, 30))]


def test_what_comes_while_somebody_turns_pages_disturbs_no_page(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, *(indicator(n) for n in range(10))))
    page = inbox(node, CLOCK, limit=5)
    take(node, a_file(tmp_path, *(indicator(n) for n in range(10, 20))))
    following = inbox(node, CLOCK, limit=5, before=page.next)
    assert [item.id for item in following.items] == [an_id("indicator", n) for n in reversed(range(5))]


def test_what_only_describes_others_has_no_row_unless_everything_is_asked_for(node: Node, tmp_path: Path):
    family = malware(1)
    address = {
        "type": "ipv4-addr",
        "spec_version": "2.1",
        "id": an_id("ipv4-addr", 1),
        "value": "203.0.113.7",
    }
    tied = relationship(indicator(1), "indicates", family)
    take(node, a_file(tmp_path, identity(1), address, indicator(1), family, tied))
    assert {item.type for item in inbox(node, CLOCK).items} == {"indicator", "malware"}
    everything = {item.type for item in inbox(node, CLOCK, everything=True).items}
    assert everything == {"identity", "ipv4-addr", "indicator", "malware", "relationship"}
    assert not everything - {"indicator", "malware"} & set(ATTENTION)


def test_a_long_run_of_superseded_versions_is_read_a_piece_at_a_time(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("backchannel.desk.inbox.MAX_SCANNED", 5)
    take(node, a_file(tmp_path, indicator(2), *(indicator(1, version=v) for v in range(20, 0, -1))))
    pages = [inbox(node, CLOCK)]
    while pages[-1].next is not None:
        pages.append(inbox(node, CLOCK, before=pages[-1].next))
    assert len(pages) == 5
    assert [item.id for page in pages for item in page.items] == [
        an_id("indicator", 1),
        an_id("indicator", 2),
    ]


@pytest.mark.parametrize("place", ["x", "-1", "1.2", "9" * 30, "", "ours-", "ours-x"])
def test_a_place_that_no_page_gave_is_refused(node: Node, place: str):
    with pytest.raises(UsageError):
        inbox(node, CLOCK, before=place)


@pytest.mark.parametrize(
    ("now", "state"),
    [("2025-12-31", "before"), ("2026-01-01", "inside"), ("2026-01-31", "inside"), ("2026-02-01", "after")],
)
def test_the_end_of_validity_is_exclusive(node: Node, tmp_path: Path, now: str, state: str):
    take(node, a_file(tmp_path, indicator(valid_until="2026-02-01T00:00:00Z")))
    at = FixedClock(datetime.fromisoformat(now).replace(tzinfo=UTC))
    validity = inbox(node, at).items[0].validity
    assert validity is not None
    assert codec.decode(codec.encode(validity)) == {
        "from": "2026-01-01T00:00:00Z",
        "until": "2026-02-01T00:00:00Z",
        "state": state,
    }


def test_what_came_unmarked_from_several_counts_by_the_strictest(node: Node, tmp_path: Path):
    path = a_file(tmp_path, indicator())
    take(node, path, tlp="green")
    assert inbox(node, CLOCK).items[0].tlp == "TLP:GREEN"
    assert "gave TLP:GREEN" in why(node, CLOCK, INDICATOR).tlp_why
    take(node, path, party="CERT Gamma", tlp="red")
    item = inbox(node, CLOCK).items[0]
    assert (item.tlp, item.sources) == ("TLP:RED", 2)
    take(node, path, party="CERT Delta", tlp="clear")
    assert inbox(node, CLOCK).items[0].tlp == "TLP:RED"


def test_what_came_unmarked_counts_as_amber_strict_and_an_own_marking_goes_first(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1), indicator(2, object_marking_refs=[RED])))
    take(node, a_file(tmp_path, indicator(3, object_marking_refs=[RED])), tlp="green")
    assert {item.id: item.tlp for item in inbox(node, CLOCK).items} == {
        an_id("indicator", 1): "TLP:AMBER+STRICT",
        an_id("indicator", 2): "TLP:RED",
        an_id("indicator", 3): "TLP:RED",
    }
    assert "unmarked" in why(node, CLOCK, INDICATOR).tlp_why
    assert "own marking" in why(node, CLOCK, an_id("indicator", 3)).tlp_why


def test_a_marking_that_says_nothing_of_tlp_marks_nothing_and_one_we_do_not_hold_is_red(
    node: Node, tmp_path: Path
):
    statement = made(
        "marking-definition",
        1,
        modified=None,
        definition_type="statement",
        definition={"statement": "Copyright 2026, CERT Beta"},
    )
    held, unheld = statement["id"], an_id("marking-definition", 2)
    granular = [{"marking_ref": unheld, "selectors": ["name"]}]
    take(
        node,
        a_file(
            tmp_path,
            statement,
            indicator(1, object_marking_refs=[held]),
            indicator(2, object_marking_refs=[unheld]),
            indicator(3, granular_markings=granular),
        ),
        tlp="green",
    )
    assert [item.tlp for item in inbox(node, CLOCK).items] == ["TLP:RED", "TLP:RED", "TLP:GREEN"]


def test_an_item_names_what_it_is_tied_to_from_both_sides(node: Node, tmp_path: Path):
    family = malware(1)
    report = made(
        "report", 1, name="R", published="2026-01-01T00:00:00Z", object_refs=[INDICATOR, family["id"]]
    )
    take(
        node, a_file(tmp_path, indicator(1), family, relationship(indicator(1), "indicates", family), report)
    )
    items = {item.type: item for item in inbox(node, CLOCK).items}
    assert [(tie.relation, tie.direction, tie.type) for tie in items["indicator"].related] == [
        ("object_refs", "from", "report"),
        ("indicates", "to", "malware"),
    ]
    assert [(tie.relation, tie.direction, tie.type) for tie in items["malware"].related] == [
        ("object_refs", "from", "report"),
        ("indicates", "from", "indicator"),
    ]
    assert [tie.type for tie in items["report"].related] == ["indicator", "malware"]
    assert all(tie.says for item in items.values() for tie in item.related)


def test_a_revoked_relationship_ties_nothing(node: Node, tmp_path: Path):
    tied = relationship(indicator(1), "indicates", malware(1), revoked=True)
    take(node, a_file(tmp_path, indicator(1), malware(1), tied))
    assert all(item.related == () for item in inbox(node, CLOCK).items)


def test_of_many_ties_a_list_shows_few_and_says_that_there_are_more(node: Node, tmp_path: Path):
    many = [malware(n) for n in range(1, 9)]
    ties = [relationship(indicator(1), "indicates", one, n) for n, one in enumerate(many)]
    take(node, a_file(tmp_path, indicator(1), *many, *ties))
    item = next(item for item in inbox(node, CLOCK).items if item.type == "indicator")
    assert len(item.related) == 5
    assert item.related_more
    assert len(show(node, CLOCK, INDICATOR).item.related) == 8


def test_what_we_do_not_hold_is_named_by_its_id(node: Node, tmp_path: Path):
    tied = relationship(indicator(1), "indicates", malware(7))
    take(node, a_file(tmp_path, indicator(1), tied))
    (tie,) = inbox(node, CLOCK).items[0].related
    assert (tie.id, tie.says) == (malware(7)["id"], None)


def test_it_concerns_us_when_a_hunt_saw_it_and_the_same_lines_count_once(node: Node, tmp_path: Path):
    family = malware(1)
    tied = relationship(indicator(1), "indicates", family)
    take(node, a_file(tmp_path, indicator(1), indicator(2), family, tied))
    for day in (2, 3):
        hunt = a_hunt(node, at=f"2026-03-0{day}T00:00:00.000Z")
        add_hit(node, hunt)
        add_hit(node, hunt, asset="10.0.0.6", count=1)
    items = {item.id: item for item in inbox(node, CLOCK).items}
    concerns = items[INDICATOR].concerns
    assert (concerns.state, concerns.hits, concerns.hosts) == ("yes", 4, 2)
    assert concerns.assets == ("10.0.0.5", "10.0.0.6")
    assert items[str(family["id"])].concerns.state == "yes"
    assert items[an_id("indicator", 2)].concerns.state == "no"
    assert [(hit.asset, hit.count) for hit in show(node, CLOCK, INDICATOR).hits] == [
        ("10.0.0.6", 1),
        ("10.0.0.5", 3),
    ]
    assert status(node, CLOCK).last_hunt is not None


def test_not_seen_is_never_said_of_what_was_not_searched(node: Node, tmp_path: Path):
    take(
        node,
        a_file(
            tmp_path,
            indicator(1),
            indicator(2, pattern="[process:cwd = 'x' AND process:pid = 3]"),
        ),
    )

    def states() -> list[str]:
        return [item.concerns.state for item in inbox(node, CLOCK).items]

    assert states() == ["not checked", "not checked"]
    a_hunt(node, at="2026-02-01T00:00:00.000Z")  # before it came
    a_hunt(node, at="2026-03-02T00:00:00.000Z", records=0)  # read nothing
    assert states() == ["not checked", "not checked"]
    a_hunt(node, at="2026-03-02T00:00:00.000Z")
    assert states() == ["not checked", "no"]
    assert "cannot be searched" in inbox(node, CLOCK).items[0].concerns.why
    assert inbox(node, CLOCK).items[0].uncompiled


def test_show_has_the_bytes_as_received_and_says_what_a_2_0_object_became(node: Node, tmp_path: Path):
    old = indicator(
        1, spec_version=None, indicator_types=None, pattern_type=None, labels=["malicious-activity"]
    )
    path = tmp_path / "old.json"
    head = {"type": "bundle", "id": an_id("bundle", 2), "spec_version": "2.0", "objects": [old]}
    path.write_bytes(json.dumps(head).encode())
    take(node, path)
    detail = show(node, CLOCK, INDICATOR)
    assert detail.spec_version == "2.0"
    assert codec.decode(bytes(detail.received)) == old
    assert detail.view[0]["spec_version"] == "2.1"
    assert detail.changes


def test_an_object_is_found_by_the_beginning_of_its_id(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1), indicator(2), malware(1)))
    assert show(node, CLOCK, INDICATOR[:20]).item.id == INDICATOR
    assert why(node, CLOCK, "malware--").id == malware(1)["id"]
    with pytest.raises(UsageError, match="several"):
        show(node, CLOCK, "indicator--")


@pytest.mark.parametrize("wanted", ["", " ", "indicator--0", "%", "x" * 1000, "\u202eevil"])
def test_an_object_that_is_not_there_is_named_harmlessly(node: Node, wanted: str):
    with pytest.raises(NotFoundError) as caught:
        show(node, CLOCK, wanted)
    assert "\u202e" not in caught.value.message
    assert caught.value.hint


def test_why_tells_every_arrival_newest_first(node: Node, tmp_path: Path):
    path = a_file(tmp_path, indicator(1))
    take(node, path, party="CERT Beta")
    take(node, path, party="CERT Gamma", channel="mail", tlp="green")
    told = why(node, CLOCK, INDICATOR)
    assert [(a.party, a.channel, a.tlp, a.outcome, a.place) for a in told.arrivals] == [
        ("CERT Gamma", "mail", "TLP:GREEN", "known", f"{path}#/objects/0"),
        ("CERT Beta", "file", None, "stored", f"{path}#/objects/0"),
    ]
    assert told.arrivals_total == 2


def test_why_tells_older_versions_with_what_changed(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1, name="Old", description="Gone")))
    take(node, a_file(tmp_path, indicator(1, version=2, name="New", confidence=50)))
    (older,) = why(node, CLOCK, INDICATOR).versions
    assert {d.property: (d.here, d.there) for d in older.differences} == {
        "modified": ('"2026-01-02T00:00:00.000Z"', '"2026-01-01T00:00:00.000Z"'),
        "name": ('"New"', '"Old"'),
        "description": (None, '"Gone"'),
        "confidence": ("50", None),
    }


def test_why_tells_what_others_say_about_it(node: Node, tmp_path: Path):
    author = identity(1)
    opinion = made("opinion", 1, opinion="disagree", object_refs=[INDICATOR], created_by_ref=author["id"])
    sighting = made("sighting", 1, sighting_of_ref=INDICATOR, count=2)
    take(node, a_file(tmp_path, author, indicator(1)))
    take(node, a_file(tmp_path, opinion, sighting), party="CERT Gamma")
    said = why(node, CLOCK, INDICATOR).said
    assert [(one.type, one.relation, one.source.party) for one in said] == [
        ("sighting", "sighting_of_ref", "CERT Gamma"),
        ("opinion", "object_refs", "CERT Gamma"),
    ]
    assert said[1].source.author == "Author 1"


def texts(value: object) -> list[str]:
    """Every text in a document."""
    if isinstance(value, dict):
        return [text for one in value.items() for text in texts(list(one))]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


def test_text_from_outside_is_harmless_wherever_it_is_shown(node: Node, tmp_path: Path):
    evil = "\u202e\x1b[31mgpj"
    family = malware(1, name=evil)
    tied = relationship(indicator(1, name=evil), f"indi{evil}cates", family)
    take(node, a_file(tmp_path, indicator(1, name=evil), indicator(1, name=f"{evil}2"), family, tied))
    documents = codec.decode(codec.encode((inbox(node, CLOCK, everything=True), why(node, CLOCK, INDICATOR))))
    shown = "".join(texts(documents))
    assert "\u202e" not in shown
    assert "\x1b" not in shown


def test_the_documents_begin_with_their_schema(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    for document, schema in (
        (inbox(node, CLOCK), "backchannel.inbox/1"),
        (show(node, CLOCK, INDICATOR), "backchannel.show/1"),
        (why(node, CLOCK, INDICATOR), "backchannel.why/1"),
        (status(node, CLOCK), "backchannel.status/1"),
    ):
        assert codec.encode(document).startswith(f'{{"schema":"{schema}",'.encode())
