"""What the store keeps of statements: seen while a batch stands, taken once, refused as they came."""

from __future__ import annotations

import hashlib

import pytest

from backchannel.ids import BatchId, PartyId
from backchannel.store.places import NewPlace
from backchannel.store.rows import BatchCounts
from backchannel.store.sqlite import places
from backchannel.store.sqlite import statements as module
from backchannel.store.sqlite.store import SqliteStore
from backchannel.store.statements import NewRefused, NewSent, NewStatement, Subject

AT = "2026-03-01T12:00:00.000Z"
LATER = "2026-03-02T12:00:00.000Z"
ORIGIN = NewStatement(b"o" * 32, "origin", "k1", b"{}", AT)
RELAY = NewStatement(b"r" * 32, "relay", "k2", b"{}", AT, prev=b"o" * 32)
OBJECT = b"x" * 32


@pytest.fixture
def store(tmp_path):
    store = SqliteStore(tmp_path / "store.sqlite", make=True)
    yield store
    store.close()


def batch(store: SqliteStore, *, complete: bool = True) -> BatchId:
    opened = store.batches.open(channel="drop", tlp=None, at=AT, files=())
    if complete:
        store.batches.complete(opened.batch_id, BatchCounts(), party_row=None, at=AT)
    return opened.batch_id


def kinds(store: SqliteStore, digest: bytes = OBJECT) -> list[str]:
    found = store.statements.about(digest, kinds=("origin", "relay", "retract"), at_most=10)
    return [about.statement.kind for about in found]


def test_statements_about_an_object_come_back_oldest_first_with_their_place(store: SqliteStore):
    proof = Subject(OBJECT, leaf_index=7, salt=b"s" * 16, path=b"h" * 64)
    one = store.statements.add(ORIGIN, [Subject(OBJECT, "indicator--1", "2026")], batch_id=batch(store))
    other = store.statements.add(RELAY, [proof], batch_id=batch(store))
    found = store.statements.about(OBJECT, kinds=("origin", "relay"), at_most=10)
    assert [(about.statement.statement_row, about.statement.prev) for about in found] == [
        (one, None),
        (other, b"o" * 32),
    ]
    assert found[1].subject == proof == store.statements.subject(other, OBJECT)
    assert store.statements.about(OBJECT, kinds=("retract",), at_most=10) == []
    assert [
        about.statement.kind for about in store.statements.of_version("indicator--1", "2026", at_most=9)
    ] == ["origin"]
    assert store.statements.of_version("", "", at_most=9) == [], "what names a root names no id"


def test_asked_of_many_objects_the_store_tells_of_each_what_it_tells_of_one(store: SqliteStore):
    objects = [hashlib.sha256(bytes([number % 256, number // 256])).digest() for number in range(1_100)]
    leaves = [Subject(one, leaf_index=number, salt=b"s" * 16) for number, one in enumerate(objects)]
    store.statements.add(ORIGIN, leaves[:700], batch_id=batch(store))
    store.statements.add(RELAY, leaves[400:], batch_id=batch(store))
    unseen = NewStatement(b"u" * 32, "relay", "k3", b"{}", AT)
    store.statements.add(unseen, leaves, batch_id=batch(store, complete=False))
    for at_most in (1, 9):
        found = store.statements.abouts([*objects, OBJECT], kinds=("origin", "relay"), at_most=at_most)
        assert found == {
            one: store.statements.about(one, kinds=("origin", "relay"), at_most=at_most) for one in objects
        }
    assert store.statements.abouts(objects, kinds=("permit",), at_most=9) == {}


def test_a_statement_is_seen_while_one_of_its_batches_stands_or_it_is_our_own(store: SqliteStore):
    first, second = batch(store), batch(store)
    for batch_id in (first, second):
        store.statements.add(ORIGIN, [Subject(OBJECT)], batch_id=batch_id)
    store.batches.undo(first, at=LATER)
    assert kinds(store) == ["origin"]
    store.batches.undo(second, at=LATER)
    assert kinds(store) == []
    assert store.statements.get(ORIGIN.digest) is None
    assert store.statements.known_at(ORIGIN.digest) == AT, "that it was here by then stays true"
    store.statements.add(ORIGIN._replace(is_own=True), [], batch_id=None)
    assert kinds(store) == ["origin"]


def test_what_a_killed_import_brought_is_not_seen_and_can_be_taken_again(store: SqliteStore):
    killed = batch(store, complete=False)
    store.statements.add(ORIGIN, [Subject(OBJECT)], batch_id=killed)
    store.statements.take("k1", "id", batch_id=killed, keep_until=None)
    assert kinds(store) == []
    store.batches.remove_open(killed)
    assert not store.statements.was_taken("k1", "id")
    store.statements.add(ORIGIN, [Subject(OBJECT)], batch_id=batch(store))
    assert kinds(store) == ["origin"]


def test_t3_what_was_taken_is_taken_once_until_its_batch_is_undone_or_it_cannot_come_again(
    store: SqliteStore,
):
    taken_by = batch(store)
    store.statements.take("k1", "id", batch_id=taken_by, keep_until=LATER)
    assert store.statements.was_taken("k1", "id")
    assert not store.statements.was_taken("k2", "id")
    store.batches.undo(taken_by, at=LATER)
    assert not store.statements.was_taken("k1", "id")
    store.statements.take("k1", "id", batch_id=None, keep_until=LATER)
    store.statements.take("k1", "for ever", batch_id=None, keep_until=None)
    assert store.statements.forget_taken(before=LATER) == 0
    assert store.statements.forget_taken(before="2026-03-03T00:00:00.000Z") == 1
    assert store.statements.was_taken("k1", "for ever")


def test_the_leaves_of_a_root_come_back_in_their_order(store: SqliteStore):
    leaves = [
        Subject(hashlib.sha256(b"%d" % n).digest(), leaf_index=n, salt=b"%016d" % n) for n in range(300)
    ]
    row = store.statements.add(ORIGIN, reversed(leaves), batch_id=batch(store))
    assert store.statements.subjects(row, at_most=1_000) == leaves


def test_salts_of_fields_come_back_as_they_were(store: SqliteStore):
    salts = {"name": b"n" * 16, "type": b"t" * 16}
    store.statements.put_salts(OBJECT, salts)
    assert store.statements.salts(OBJECT) == salts
    assert store.statements.salts(b"y" * 32) is None


def refused(**changes) -> NewRefused:
    body = b"as it came"
    fields = {
        "at": AT,
        "what": "statement",
        "place": "drop.bcb, statement 3",
        "reason": "bad-signature",
        "detail": "",
        "sha256": hashlib.sha256(body).digest(),
        "size": len(body),
        "body": body,
    }
    return NewRefused(**(fields | changes))


def test_what_is_refused_is_kept_as_it_came_with_its_reason_until_somebody_decides(store: SqliteStore):
    party = store.parties.add(PartyId("identity--1"), "Beta", at=AT)
    one = store.statements.refuse(refused(party_row=party.party_row))
    two = store.statements.refuse(refused(what="drop", body=None, reason="truncated"))
    found = store.statements.refused(before=None, rows=10, is_open=True)
    assert [(row.refused_row, row.reason, row.party) for row in found] == [
        (two, "truncated", None),
        (one, "bad-signature", "Beta"),
    ]
    assert store.statements.refused_body(one) == b"as it came"
    assert store.statements.refused_body(two) is None
    assert store.statements.decide(two, "deleted", at=LATER)
    assert not store.statements.decide(two, "kept", at=LATER), "decided once"
    assert [row.refused_row for row in store.statements.refused(before=None, rows=10, is_open=True)] == [one]
    assert [row.decision for row in store.statements.refused(before=None, rows=10, is_open=False)] == [
        "deleted",
        None,
    ]


def test_t4_two_manifests_of_one_number_are_both_kept_and_stay_when_they_are_undone(store: SqliteStore):
    batches = [batch(store), batch(store)]
    for digest, brought in zip((b"1" * 32, b"2" * 32), batches, strict=True):
        row = store.statements.add(NewStatement(digest, "release", "k1", digest, AT), [], batch_id=brought)
        store.places.add(NewPlace(row, "k1", "c", 5, digest.hex(), b"0" * 32))
    found = store.places.near({"k1", "k2"}, "c", 4)
    assert [(one.seq, one.digest, one.prev, one.stands) for one in found] == [
        (5, b"1" * 32, b"0" * 32, True),
        (5, b"2" * 32, b"0" * 32, True),
    ]
    assert store.places.near({"k2"}, "c", 5) == store.places.near({"k1"}, "d", 5) == []
    store.batches.undo(batches[1], at=LATER)
    assert [one.stands for one in store.places.near({"k1"}, "c", 5)] == [True, False]
    assert [one.digest for one in store.places.named({"k1"}, (b"2" * 32).hex())] == [b"2" * 32]
    assert (store.places.last("k1", "c"), store.places.last("k1", "d")) == (5, None)
    assert store.places.numbers("k1", "c", at_most=9) == [5]


def test_what_came_before_names_were_kept_is_found_to_be_read_once(store: SqliteStore):
    row = store.statements.add(NewStatement(b"1" * 32, "release", "k1", b"e", AT), [], batch_id=batch(store))
    store.database.execute(
        "INSERT INTO received_drop (issuer, chan, seq, statement_row) VALUES ('k1', 'c', 5, ?)", (row,)
    )
    assert store.places.unread(at_most=9) == [(row, b"e")]
    store.places.read(row, bundle="b", prev=None)
    assert store.places.unread(at_most=9) == []
    assert [one.bundle for one in store.places.near({"k1"}, "c", 5)] == ["b"]


def test_what_was_sent_is_kept_for_each_recipient_with_the_secret_of_its_copy(store: SqliteStore):
    beta = store.parties.add(PartyId("identity--1"), "Beta", at=AT)
    gamma = store.parties.add(PartyId("identity--2"), "Gamma", at=AT)
    assert store.statements.next_seq("c") == (0, None)
    manifest = NewStatement(b"m" * 32, "release", "us", b"{}", AT, is_own=True)
    row = store.statements.add(manifest, [], batch_id=None)
    for party in (beta, gamma):
        store.statements.add_sent(NewSent(row, party.party_row, "c", 0, "received", AT, b"s" * 32, 12))
    assert store.statements.next_seq("c") == (1, b"m" * 32)
    assert [sent.party for sent in store.statements.sent(party_row=None, manifest=b"m" * 32, at_most=9)] == [
        "Gamma",
        "Beta",
    ]
    assert [
        sent.secret for sent in store.statements.sent(party_row=beta.party_row, manifest=None, at_most=9)
    ] == [b"s" * 32]
    receipt = NewStatement(b"q" * 32, "receipt", "k2", b"{}", LATER, manifest=b"m" * 32)
    store.statements.add(receipt, [], batch_id=batch(store))
    assert [kept.digest for kept in store.statements.receipts(b"m" * 32)] == [b"q" * 32]


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("near", ('["k"]', "c", 1, 3)),
        ("named", ("b", '["k"]')),
        ("last", ("k", "c")),
        ("numbers", ("k", "c", 10)),
        ("unread", (10,)),
    ],
)
def test_no_question_about_places_reads_a_whole_table(store: SqliteStore, sql: str, parameters: tuple):
    plan = explained(store, getattr(places, f"_{sql.upper()}"), parameters)
    assert [line for line in plan if line.startswith("SCAN") and "json_each" not in line] == [], plan


def explained(store: SqliteStore, text: str, parameters: tuple) -> list[str]:
    return [row[3] for row in store.database.execute(f"EXPLAIN QUERY PLAN {text}", parameters)]


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("about", (OBJECT, '["origin"]', 10)),
        ("subjects_of", (OBJECT, OBJECT, '["origin"]')),
        ("by_rows", ("[1, 2]",)),
        ("of_version", ("indicator--1", "2026", 10)),
        ("was_taken", ("k", "i")),
        ("receipts", (OBJECT,)),
    ],
)
def test_no_question_reads_a_whole_table(store: SqliteStore, sql: str, parameters: tuple):
    text = getattr(module, f"_{sql.upper()}").format(marks="?, ?")
    plan = explained(store, text, parameters)
    scans = [line for line in plan if line.startswith("SCAN") and "json_each" not in line]
    assert scans == [], plan
