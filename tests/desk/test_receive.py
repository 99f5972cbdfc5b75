"""An import: each object counted once, kept as it came, and nothing done twice."""

from __future__ import annotations

import gc
import gzip
import hashlib
import json
import threading
from pathlib import Path

import pytest
from tests.desk.made import (
    CLOCK,
    a_file,
    all_ids,
    an_id,
    five,
    identity,
    indicator,
    made,
    malware,
    relationship,
    take,
    views,
)

from backchannel.desk.batches import list_batches, show_batch
from backchannel.desk.documents import Receipt
from backchannel.desk.inbox import inbox, show, why
from backchannel.desk.lock import import_lock
from backchannel.desk.node import Node, open_node, status
from backchannel.desk.parties import list_parties
from backchannel.desk.receive import Progress, check, receive
from backchannel.errors import InputError, StoreError, UsageError
from backchannel.ids import BatchId
from backchannel.store.sqlite.connection import Database


def respelled(value: dict[str, object]) -> bytes:
    """The same content in another order and spacing."""
    return json.dumps(dict(reversed(value.items())), indent=3).encode()


def test_what_is_kept_is_what_was_sent_letter_for_letter(node: Node, tmp_path: Path):
    body = respelled(indicator())
    take(node, a_file(tmp_path, body))
    kept = show(node, CLOCK, str(indicator()["id"]))
    assert bytes(kept.received) == body
    assert kept.body_digest == hashlib.sha256(body).hexdigest()


def test_the_collector_of_cycles_is_as_before_after_an_import_and_after_a_failed_one(
    node: Node, tmp_path: Path
):
    usual = gc.get_threshold()
    seen = []
    path = a_file(tmp_path, indicator())
    receive(node, CLOCK, [path], on_progress=lambda _: seen.append(gc.get_threshold()))
    assert seen
    assert seen[0] != usual
    assert gc.get_threshold() == usual
    with pytest.raises(ZeroDivisionError):
        receive(node, CLOCK, [path], on_progress=lambda _: 1 / 0)
    assert gc.get_threshold() == usual


def test_each_object_is_counted_once(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    receipt = take(
        node,
        a_file(
            tmp_path,
            indicator(1),  # known
            indicator(2),  # stored
            indicator(1, name="Another"),  # conflict
            indicator(3, pattern="[broken"),  # quarantined
            b'{"type": "indicator"}',  # refused
        ),
    )
    assert receipt.objects == 5
    assert five(receipt) == (1, 1, 1, 1, 1)


def test_the_receipt_says_what_was_found_refusals_first(node: Node, tmp_path: Path):
    path = a_file(tmp_path, indicator(3, pattern="[broken"), b'{"type": "indicator"}')
    receipt = take(node, path)
    assert [finding.level for finding in receipt.findings[:2]] == ["refuse", "quarantine"]
    assert receipt.findings_total == len(receipt.findings)
    assert all(finding.where.startswith(f"{path}#/objects/") for finding in receipt.findings)


def test_the_bytes_of_a_refused_object_are_kept_with_its_finding(node: Node, tmp_path: Path):
    body = b'{"type": "indicator", "id": "nonsense"}'
    take(node, a_file(tmp_path, indicator(), body))
    rows = node.store.database.execute("SELECT original FROM finding WHERE level = 'refuse'").fetchall()
    assert rows[0] == (body,)


def test_a_second_import_of_the_same_file_is_one_more_batch_and_changes_no_view(node: Node, tmp_path: Path):
    family = malware(1)
    path = a_file(
        tmp_path,
        identity(1),
        indicator(1, created_by_ref=identity(1)["id"]),
        indicator(2, pattern="[broken"),
        indicator(1, name="Another"),
        family,
        relationship(indicator(1), "indicates", family),
        b'{"type": "indicator"}',
    )
    first = take(node, path)
    before = views(node)
    second = take(node, path)
    assert second.batch != first.batch
    assert five(second) == (0, 6, 0, 0, 1)
    after = views(node)
    for name in ("inbox", "everything", "show"):
        assert after[name] == before[name]
    assert after["counts"][:4] == before["counts"][:4]
    assert list_batches(node).batches[0].known == 6


def test_another_spelling_of_the_same_content_is_known_and_its_bytes_are_kept(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator()))
    before = show(node, CLOCK, str(indicator()["id"]))
    receipt = take(node, a_file(tmp_path, respelled(indicator())))
    assert five(receipt) == (0, 1, 0, 0, 0)
    assert any("another spelling" in finding.what for finding in receipt.findings)
    assert show(node, CLOCK, str(indicator()["id"])) == before
    bodies = node.store.database.execute("SELECT body FROM arrival WHERE outcome = 'known'").fetchall()
    assert bodies == [(respelled(indicator()),)]


def test_the_same_version_with_another_content_is_a_conflict_kept_beside_and_shown(
    node: Node, tmp_path: Path
):
    take(node, a_file(tmp_path, indicator(name="First")))
    receipt = take(node, a_file(tmp_path, indicator(name="Second")), party="CERT Gamma")
    assert five(receipt) == (0, 0, 1, 0, 0)
    item = inbox(node, CLOCK).items[0]
    assert (item.name, item.conflict) == ("First", True)
    told = why(node, CLOCK, item.id)
    assert [(other.party, other.batch) for other in told.conflicts] == [("CERT Gamma", receipt.batch)]
    (difference,) = told.conflicts[0].differences
    assert (difference.property, difference.here, difference.there) == ("name", '"First"', '"Second"')


def test_the_same_instant_in_another_spelling_is_the_same_version(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator()))
    receipt = take(node, a_file(tmp_path, indicator(modified="2026-01-01T00:00:00Z")))
    assert five(receipt) == (0, 0, 1, 0, 0)


def test_two_contents_of_one_version_in_one_file_are_a_conflict_and_the_first_is_in_force(
    node: Node, tmp_path: Path
):
    receipt = take(
        node, a_file(tmp_path, indicator(name="First"), indicator(name="Second"), indicator(name="First"))
    )
    assert five(receipt) == (1, 1, 1, 0, 0)
    assert inbox(node, CLOCK).items[0].name == "First"


def test_a_newer_version_is_in_force_whenever_it_comes(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(version=2, name="Newer")))
    assert five(take(node, a_file(tmp_path, indicator(version=1, name="Older")))) == (1, 0, 0, 0, 0)
    items = inbox(node, CLOCK).items
    assert [item.name for item in items] == ["Newer"]
    assert [version.version for version in why(node, CLOCK, items[0].id).versions] == [
        "2026-01-01T00:00:00.000Z"
    ]


def test_a_quarantined_object_is_in_no_view_but_counted_and_can_be_asked_for(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(pattern="[broken")))
    assert inbox(node, CLOCK, everything=True).items == ()
    assert inbox(node, CLOCK).quarantined == status(node, CLOCK).quarantined == 1
    kept = show(node, CLOCK, str(indicator()["id"]))
    assert kept.item.quarantined
    assert any(finding.level == "quarantine" for finding in kept.item.findings)


def test_a_good_version_goes_before_a_newer_quarantined_one(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(name="Good"), indicator(version=2, pattern="[broken")))
    assert [item.name for item in inbox(node, CLOCK).items] == ["Good"]


def test_a_new_party_is_made_by_its_first_import_and_known_in_any_case(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)), party="CERT Beta")
    receipt = take(node, a_file(tmp_path, indicator(2)), party=" cert beta ")
    assert receipt.party == "CERT Beta"
    assert [party.name for party in list_parties(node).parties] == ["CERT Alpha", "CERT Beta"]


def test_an_import_from_nobody_in_particular_names_no_party(node: Node, tmp_path: Path):
    receipt = take(node, a_file(tmp_path, indicator()), party=None)
    assert receipt.party is None
    source = inbox(node, CLOCK).items[0].source
    assert (source.party, source.channel) == (None, "file")


def test_a_channel_has_one_spelling_whatever_the_case_it_is_given_in(node: Node, tmp_path: Path):
    given = ["TAXII", "Taxii", "MISP", "File", "Signal", "SIGNAL", "signal"]
    kept = [
        take(node, a_file(tmp_path, indicator(n)), channel=channel).channel
        for n, channel in enumerate(given, 1)
    ]
    assert kept == ["taxii", "taxii", "misp", "file", "Signal", "Signal", "Signal"]
    assert [batch.channel for batch in reversed(list_batches(node).batches)] == kept


def test_a_store_that_kept_the_case_reads_as_one_that_does_not(node: Node, tmp_path: Path):
    take(node, a_file(tmp_path, indicator(1)))
    database = Database(node.home / "store.sqlite")
    database.execute("UPDATE batch SET channel = 'TAXII'")
    database.close()
    assert list_batches(node).batches[0].channel == "taxii"
    assert inbox(node, CLOCK).items[0].source.channel == "taxii"
    assert [arrival.channel for arrival in why(node, CLOCK, str(indicator(1)["id"])).arrivals] == ["taxii"]


@pytest.mark.parametrize("label", ["amber+strict", "TLP:Amber+Strict", "AMBER+STRICT"])
def test_a_tlp_label_is_taken_in_any_case(node: Node, tmp_path: Path, label: str):
    receipt = take(node, a_file(tmp_path, indicator()), tlp=label)
    assert receipt.tlp == "TLP:AMBER+STRICT"


@pytest.mark.parametrize(
    "terms",
    [{"tlp": "purple"}, {"channel": "a b"}, {"channel": ""}, {"party": ""}, {"party": "two\nlines"}],
)
def test_a_term_of_the_wrong_form_stops_before_anything_is_stored(
    node: Node, tmp_path: Path, terms: dict[str, str]
):
    with pytest.raises(UsageError):
        take(node, a_file(tmp_path, indicator()), **{"party": "CERT Beta", **terms})
    assert list_batches(node).batches == ()


def test_a_missing_file_stops_the_import_before_anything_is_stored(node: Node, tmp_path: Path):
    with pytest.raises(InputError, match=r"nowhere\.json") as caught:
        take(node, a_file(tmp_path, indicator()), tmp_path / "nowhere.json")
    assert caught.value.exit_code == 3
    with pytest.raises(InputError, match="folder"):
        take(node, tmp_path)
    with pytest.raises(UsageError):
        take(node)
    assert list_batches(node).batches == ()


def test_a_broken_file_costs_its_neighbours_nothing(node: Node, tmp_path: Path):
    broken = tmp_path / "broken.json.gz"
    broken.write_bytes(gzip.compress(a_file(tmp_path, indicator(1)).read_bytes())[:-30])
    good = a_file(tmp_path, indicator(2), name="good.json")
    receipt = take(node, broken, good)
    assert receipt.refused >= 1
    assert str(indicator(2)["id"]) in all_ids(node)
    assert any(finding.where.startswith(str(broken)) for finding in receipt.findings)


def test_a_batch_names_its_files_with_their_digests(node: Node, tmp_path: Path):
    path = a_file(tmp_path, indicator())
    receipt = take(node, path, path)
    (file,) = show_batch(node, receipt.batch).batch.files
    assert file.name == str(path)
    assert file.bytes == path.stat().st_size
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_list_row_is_kept_with_its_line_and_known_when_it_comes_again(node: Node, tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_text("evil[.]example\n203.0.113.7\n")
    assert five(take(node, path)) == (2, 0, 0, 0, 0)
    before = views(node)
    assert five(take(node, path)) == (0, 2, 0, 0, 0)
    after = views(node)
    assert (after["inbox"], after["show"]) == (before["inbox"], before["show"])
    told = why(node, CLOCK, inbox(node, CLOCK).items[0].id)
    assert told.arrivals[0].place == f"{path}:2"
    assert told.arrivals[0].original == "203.0.113.7"


def test_progress_is_told_up_to_the_end_of_each_file(node: Node, tmp_path: Path):
    path = a_file(tmp_path, *(indicator(n) for n in range(50)))
    told: list[Progress] = []
    receive(node, CLOCK, [path], on_progress=told.append)
    assert {progress.file for progress in told} == {str(path)}
    assert max(progress.bytes_read for progress in told) == path.stat().st_size
    assert [progress.bytes_read for progress in told] == sorted(progress.bytes_read for progress in told)


def test_an_open_batch_is_seen_by_no_view(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    take(node, a_file(tmp_path, indicator(1), name="first.json"))
    before = views(node)
    monkeypatch.setattr("backchannel.desk.receive.TRANSACTION_OBJECTS", 2)
    seen: list[object] = []
    states: list[tuple[object, object]] = []
    real = type(node.store.objects).add

    def add_and_look(self: object, arrived: object) -> None:
        real(self, arrived)
        thread = threading.Thread(
            target=lambda: (
                seen.append(views(node)),
                states.append((node.store.batches.abandoned(), len(list_batches(node).batches))),
            )
        )
        if node.store.objects is self and not seen:
            return
        thread.start()
        thread.join()

    objects = [indicator(n, version=2) for n in range(1, 6)]
    monkeypatch.setattr(type(node.store.objects), "add", add_and_look)
    seen.append(before)
    take(node, a_file(tmp_path, *objects))
    assert len(seen) > 2
    assert all(view == before for view in seen)
    assert states
    assert all(is_open and listed == 1 for is_open, listed in states)
    assert len(inbox(node, CLOCK).items) == 5


def test_an_import_that_fails_midway_leaves_nothing(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    take(node, a_file(tmp_path, indicator(1), name="first.json"))
    before = views(node)
    monkeypatch.setattr("backchannel.desk.receive.TRANSACTION_OBJECTS", 2)
    told = 0

    def break_off(progress: Progress) -> None:
        nonlocal told
        told += 1
        if progress.objects >= 4:
            raise KeyboardInterrupt

    paths = [
        a_file(tmp_path, *(indicator(n + 10 * m) for n in range(2, 8)), name=f"{m}.json") for m in range(3)
    ]
    with pytest.raises(KeyboardInterrupt):
        receive(node, CLOCK, paths, party="CERT New", on_progress=break_off)
    assert views(node) == before
    assert [batch.state for batch in list_batches(node).batches] == ["complete"]
    assert node.store.database.execute("SELECT count(*) FROM object").fetchone() == (1,)


def test_only_one_import_runs_at_a_time(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backchannel.desk.lock.LOCK_WAIT_S", 0.0)
    with import_lock(node.home), pytest.raises(StoreError, match="another import"):
        take(node, a_file(tmp_path, indicator()))
    assert five(take(node, a_file(tmp_path, indicator()))) == (1, 0, 0, 0, 0)


def test_two_imports_begun_together_both_arrive(node: Node, tmp_path: Path):
    receipts: list[Receipt] = []

    def import_one(n: int) -> None:
        path = a_file(tmp_path, *(indicator(m) for m in range(n, n + 20)), name=f"{n}.json")
        with open_node(node.home) as other:
            receipts.append(take(other, path))

    threads = [threading.Thread(target=import_one, args=(n,)) for n in (0, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(five(receipt)[:2] for receipt in receipts) == [(10, 10), (20, 0)]
    assert len(all_ids(node)) == 30


def test_checking_finds_what_an_import_would_and_stores_nothing(node: Node, tmp_path: Path):
    path = a_file(tmp_path, indicator(1), indicator(2, pattern="[broken"), b'{"type": "indicator"}')
    found = list(check([path], CLOCK))
    assert [validation.n for validation in found] == [1, 2, 3]
    assert found[1].id == indicator(2)["id"]
    receipt = take(node, path)
    assert sorted(str(finding) for validation in found for finding in validation.findings) == sorted(
        str(finding) for finding in receipt.findings
    )


def test_references_are_kept_for_asking_from_the_other_side(node: Node, tmp_path: Path):
    family = malware(1)
    report = made(
        "report",
        1,
        name="Report",
        published="2026-01-01T00:00:00Z",
        created_by_ref=identity(1)["id"],
        object_refs=[family["id"], indicator(1)["id"], family["id"]],
    )
    tied = relationship(indicator(1), "indicates", family)
    take(node, a_file(tmp_path, identity(1), indicator(1), family, tied, report))
    rows = node.store.database.execute("SELECT target, property FROM reference").fetchall()
    assert sorted(rows) == sorted(
        [
            (family["id"], "object_refs"),
            (indicator(1)["id"], "object_refs"),
            (indicator(1)["id"], "source_ref"),
            (family["id"], "target_ref"),
        ]
    )


def test_an_indicator_is_filed_with_what_matching_asks_of_it(node: Node, tmp_path: Path):
    take(
        node,
        a_file(
            tmp_path,
            indicator(1, valid_from="2026-01-01T02:00:00+02:00", valid_until="2026-02-01T00:00:00Z"),
            indicator(2, pattern="[process:cwd = 'x' AND process:pid = 3]"),
            indicator(3, pattern="rule x { condition: true }", pattern_type="yara"),
        ),
    )
    rows = node.store.database.execute(
        "SELECT valid_from, valid_until, uncompiled FROM indicator ORDER BY object_row"
    ).fetchall()
    assert rows[0] == ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "")
    assert "AND" in rows[1][2]
    assert "yara" in rows[2][2]


def test_each_change_of_a_view_is_told_when_the_object_comes(node: Node, tmp_path: Path):
    old = indicator(
        1, spec_version=None, indicator_types=None, pattern_type=None, labels=["malicious-activity"]
    )
    path = tmp_path / "old.json"
    bundle = {"type": "bundle", "id": an_id("bundle", 1), "spec_version": "2.0", "objects": [old]}
    path.write_text(json.dumps(bundle), "utf-8")
    receipt = take(node, path)
    at = f"{path}#/objects/0"
    changed = [
        f"{at}/{name}" for name in ("spec_version", "indicator_types", "pattern_type", "pattern_version")
    ]
    assert [finding.where for finding in receipt.findings] == changed
    assert {(finding.level, finding.object) for finding in receipt.findings} == {("note", old["id"])}
    assert [one.findings for one in check([path], CLOCK)] == [receipt.findings]
    assert show_batch(node, BatchId(1)).findings == receipt.findings
    told = show(node, CLOCK, str(old["id"]))
    assert (told.item.findings, [change.what for change in told.changes]) == (
        (),
        [finding.what for finding in receipt.findings],
    )
    assert take(node, path).findings == receipt.findings


def test_events_that_tell_one_value_under_two_labels_are_no_conflict(node: Node, tmp_path: Path):
    def told(number: int, label: str) -> Path:
        name = f"5b8d9d33-ccf0-4fd9-82dc-7dbc0a0162{number:02}"
        path = tmp_path / f"{number}.json"
        one = {"uuid": f"{name[:-2]}{number + 50}", "type": "ip-dst", "category": "Network activity",
               "value": "203.0.113.7", "to_ids": False, "timestamp": "1767225600"}  # fmt: skip
        held = {"uuid": name, "info": label, "date": "2026-01-01", "timestamp": "1767225600", "Attribute": [one],
                "Tag": [{"name": label}], "Orgc": {"uuid": "55f6ea5e-2c60-40e5-964f-47a8950d210f", "name": "CIRCL"}}  # fmt: skip
        path.write_text(json.dumps({"Event": held}))
        return path

    receipts = [
        receive(node, CLOCK, [told(number, label)], party="CERT Beta")
        for number, label in enumerate(("tlp:red", "tlp:green", "tlp:clear", "tlp:green"))
    ]
    assert [one.conflict for one in receipts] == [0, 0, 0, 0]
    assert receipts[-1].known == 2, "the organisation and the value under that label"
