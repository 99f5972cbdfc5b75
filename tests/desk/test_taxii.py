"""Collections: every object its own rising stamp, pages that hide what may not go, and POSTs that lose nothing."""

from __future__ import annotations

import json
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.desk.made import CLOCK, GREEN, NOW, RED, a_file, indicator, made

from backchannel.desk.access import (
    ANONYMOUS,
    Caller,
    NotAllowedError,
    NotThereError,
    caller_by_secret,
    collections_seen,
)
from backchannel.desk.auditing import prove
from backchannel.desk.batches import undo_batch
from backchannel.desk.credentials import NewCredential, add_token, remove_token
from backchannel.desk.node import Node, init_node
from backchannel.desk.offered import offer
from backchannel.desk.paging import Page, Query
from backchannel.desk.posting import post, status
from backchannel.desk.publishing import (
    NewOffer,
    add_collection,
    add_root,
    put_batch,
    put_objects,
    putting_into,
)
from backchannel.desk.receive import receive
from backchannel.desk.stamps import to_micros
from backchannel.desk.taxii import (
    UnreadableError,
    delete,
    manifest_page,
    object_page,
    object_versions_page,
    objects_page,
)
from backchannel.errors import NotFoundError, UsageError
from backchannel.provenance.ledger.edge import root_of

AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
BASE = "http://127.0.0.1:8017"


@pytest.fixture
def shop(node: Node) -> Node:
    """A node with one root and three collections: one to read and write, one to write only, one open to anybody."""
    add_root(node, CLOCK, "sharing", base_url=BASE)
    for alias, anonymous in (("both", False), ("drop", False), ("open", True)):
        new = NewOffer(title=alias.title(), root_id="sharing", alias=alias, anonymous_read=anonymous)
        add_collection(node, CLOCK, new, base_url=BASE)
    return node


def caller(
    node: Node,
    party: str = "CERT Beta",
    *,
    read: tuple[str, ...] = ("both",),
    write: tuple[str, ...] = ("both", "drop"),
) -> Caller:
    found = add_token(node, CLOCK, NewCredential(party=party, read=read, write=write))
    assert found.token is not None
    who = caller_by_secret(node.store, found.token, account=party.lower(), now=NOW)
    assert who is not None
    return who


def envelope(*objects: object) -> bytes:
    return json.dumps({"objects": objects}).encode()


def ids(page: Page) -> list[str]:
    return [record.stix_id for record in page.records]


def marked(n: int, *refs: str) -> dict[str, object]:
    return indicator(n, object_marking_refs=list(refs) or None)


# --- What is posted --------------------------------------------------------------------------------------


def test_what_is_posted_is_entered_in_the_ledger_and_what_is_posted_in_vain_is_not(shop: Node):
    who, before = caller(shop), shop.store.leaves.waiting().leaves
    post(shop, CLOCK, who, "sharing", "both", envelope(indicator(1), indicator(2)))
    post(shop, CLOCK, who, "sharing", "both", envelope())
    *_, leaf = shop.store.leaves.pending(at_most=100)
    assert shop.store.leaves.waiting().leaves == before + 1
    record, digests = json.loads(leaf.statement), shop.store.leaves.digests_of(1)
    assert (leaf.kind, leaf.about, record["event"]) == ("recv", "batch 1", "received")
    assert (record["party"], record["channel"], record["n"]) == ("CERT Beta", "taxii", 2)
    assert record["root"] == f"sha256:{root_of(digests).hex()}"
    assert prove(shop, CLOCK, str(indicator(2)["id"])).object == indicator(2)["id"]


def test_good_objects_are_kept_and_each_bad_one_is_named(shop: Node):
    who = caller(shop)
    broken = indicator(3, pattern="[broken")
    said = post(
        shop,
        CLOCK,
        who,
        "sharing",
        "both",
        envelope(indicator(1), {"type": "indicator"}, broken, indicator(2)),
    )
    assert (said.total_count, said.success_count, said.failure_count, said.pending_count) == (4, 2, 2, 0)
    assert [one.id for one in said.successes] == [indicator(1)["id"], indicator(2)["id"]]
    refused, quarantined = said.failures
    assert refused.message.startswith("refused: ")
    assert (quarantined.id, quarantined.message[:9]) == (broken["id"], "kept in q")
    assert ids(objects_page(shop, CLOCK, who, "sharing", "both", Query())) == [
        indicator(1)["id"],
        indicator(2)["id"],
    ]
    assert status(shop, who, "sharing", said.id) == said


@pytest.mark.parametrize(
    "breach", ["NaN", '"\\ud800"', "[" * 50 + "]" * 50, "9007199254740993", '1, "x_n": 2', "01"]
)
def test_an_object_that_is_no_json_fails_alone_and_by_its_name(shop: Node, breach: str):
    who = caller(shop)
    body = envelope(indicator(1), indicator(2, x_n=7), indicator(3)).replace(b": 7", f": {breach}".encode())
    said = post(shop, CLOCK, who, "sharing", "both", body)
    assert [one.id for one in said.successes] == [indicator(1)["id"], indicator(3)["id"]]
    assert [(one.id, one.version) for one in said.failures] == [
        (indicator(2)["id"], indicator(2)["modified"])
    ]
    assert said.failures[0].message.startswith("refused: ")
    assert status(shop, who, "sharing", said.id) == said


def test_the_bytes_that_come_are_the_bytes_that_go(shop: Node):
    who = caller(shop)
    body = b'{ "objects" : [ ' + json.dumps(indicator(1), indent=3).encode() + b" ] }"
    post(shop, CLOCK, who, "sharing", "both", body)
    page = objects_page(shop, CLOCK, who, "sharing", "both", Query())
    assert page.bodies == [json.dumps(indicator(1), indent=3).encode()]


def test_the_same_again_is_no_error_and_another_content_is_a_conflict(shop: Node):
    who = caller(shop)
    post(shop, CLOCK, who, "sharing", "both", envelope(indicator(1)))
    again = post(shop, CLOCK, who, "sharing", "both", envelope(indicator(1), indicator(1, name="Other")))
    assert [one.message for one in again.successes] == ["the collection has it already"]
    assert [one.message[:32] for one in again.failures] == ["the collection has another conte"]
    assert len(ids(objects_page(shop, CLOCK, who, "sharing", "both", Query()))) == 1


def test_nobody_learns_from_a_verdict_what_another_party_sent(shop: Node):
    one, two = caller(shop, "CERT Beta"), caller(shop, "CERT Gamma")
    secret, open_ = marked(1, RED), marked(2, GREEN)
    post(shop, CLOCK, one, "sharing", "both", envelope(secret, open_))
    said = post(shop, CLOCK, two, "sharing", "both", envelope(secret, open_))
    assert [(verdict.id, bool(verdict.message)) for verdict in said.successes] == [
        (secret["id"], False),
        (open_["id"], True),
    ]
    assert ids(objects_page(shop, CLOCK, two, "sharing", "both", Query())) == [open_["id"]]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"objects":{}}', b'"x"', b'{"more":true}', b"\xff"])
def test_what_is_no_envelope_is_refused_whole(shop: Node, body: bytes):
    with pytest.raises(UnreadableError):
        post(shop, CLOCK, caller(shop), "sharing", "both", body)
    assert shop.store.batches.completed() == 0


def test_a_post_is_an_arrival_like_any_other(shop: Node):
    post(shop, CLOCK, caller(shop), "sharing", "both", envelope(indicator(1)))
    batch = shop.store.batches.last_complete()
    assert batch is not None
    assert (batch.party, batch.channel, batch.counts.stored) == ("CERT Beta", "taxii", 1)


def test_a_status_is_nobody_elses(shop: Node):
    said = post(shop, CLOCK, caller(shop), "sharing", "both", envelope(indicator(1)))
    for other in (caller(shop, "CERT Gamma"), ANONYMOUS):
        with pytest.raises(NotThereError):
            status(shop, other, "sharing", said.id)


# --- Stamps ------------------------------------------------------------------------------------------------


def test_stamps_rise_and_the_last_of_a_batch_is_a_whole_millisecond(shop: Node):
    who = caller(shop)
    for first in (1, 4, 9):
        post(shop, CLOCK, who, "sharing", "both", envelope(*(indicator(n) for n in range(first, first + 3))))
    stamps = [record.added for record in manifest_page(shop, CLOCK, who, "sharing", "both", Query()).records]
    assert all(one < other for one, other in pairwise(stamps))
    assert [stamp % 1000 for stamp in stamps[2::3]] == [0, 0, 0]
    assert stamps[0] > to_micros(NOW) - 1000


def test_stamps_rise_in_the_order_of_commits_whatever_writes_at_once(shop: Node):
    who = caller(shop)
    seen: list[str] = []

    def write(first: int) -> None:
        for n in range(first, first + 5):
            post(shop, CLOCK, who, "sharing", "both", envelope(indicator(n)))

    threads = [threading.Thread(target=write, args=(100 * k,)) for k in range(1, 4)]
    for thread in threads:
        thread.start()
    after = 0
    while any(thread.is_alive() for thread in threads) or len(seen) < 15:
        page = objects_page(shop, CLOCK, who, "sharing", "both", Query(added_after=after))
        seen += ids(page)
        after = page.last or after
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(str(indicator(n)["id"]) for k in (100, 200, 300) for n in range(k, k + 5))


# --- Who sees what ---------------------------------------------------------------------------------------------


def test_each_sees_what_the_markings_let_go(shop: Node, tmp_path: Path):
    objects = [marked(1, CLEAR), marked(2, GREEN), marked(3, AMBER), marked(4, RED), marked(5)]
    receive(
        shop,
        CLOCK,
        [a_file(tmp_path, *objects, name="b.json")],
        party="CERT Delta",
        put=putting_into(shop, ["both", "open"]),
    )
    named, known = caller(shop), caller(shop, "CERT Gamma", read=(), write=())
    own = caller(shop, "CERT Delta")

    def numbers(who: Caller, where: str) -> list[int]:
        found = ids(objects_page(shop, CLOCK, who, "sharing", where, Query()))
        return [n for n in range(1, 6) if indicator(n)["id"] in found]

    assert numbers(named, "both") == [1, 2, 3]
    assert numbers(known, "open") == [1, 2]
    assert numbers(ANONYMOUS, "open") == [1]
    assert numbers(own, "both") == [1, 2, 3, 4, 5]


def test_a_right_that_is_missing_is_not_found_or_not_allowed(shop: Node):
    who = caller(shop)
    with pytest.raises(NotAllowedError):
        objects_page(shop, CLOCK, who, "sharing", "drop", Query())
    with pytest.raises(NotThereError):
        objects_page(shop, CLOCK, caller(shop, "CERT Gamma", read=(), write=()), "sharing", "both", Query())
    with pytest.raises(NotAllowedError):
        post(shop, CLOCK, ANONYMOUS, "sharing", "open", envelope(indicator(1)))
    assert [one.alias for one in collections_seen(shop.store, who, "sharing")] == ["both", "drop", "open"]
    assert [one.alias for one in collections_seen(shop.store, ANONYMOUS, "sharing")] == ["open"]


LABELS = st.sampled_from([CLEAR, GREEN, AMBER, RED, None])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    labels=st.lists(
        st.tuples(LABELS, st.integers(1, 12), st.integers(1, 4)),
        min_size=1,
        max_size=12,
        unique_by=lambda one: one[1:],
    ),
    limit=st.integers(1, 7),
    versions=st.sampled_from([(), ("all",), ("first",), ("last",)]),
)
def test_pages_of_any_size_are_what_the_policy_lets_go_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    labels: list[tuple[str | None, int, int]],
    limit: int,
    versions: tuple[str, ...],
):
    with init_node(tmp_path_factory.mktemp("n") / "home", name="A", clock=CLOCK) as node:
        add_root(node, CLOCK, "sharing", base_url=BASE)
        add_collection(node, CLOCK, NewOffer(title="Both", root_id="sharing", alias="both"), base_url=BASE)
        writer, reader = caller(node, "W", write=("both",)), caller(node, "R", write=())
        for label, n, version in labels:
            one = indicator(n, version=version, object_marking_refs=[label] if label else None)
            post(node, CLOCK, writer, "sharing", "both", envelope(one))
        may = [(n, version) for label, n, version in labels if label in {CLEAR, GREEN, AMBER}]
        expected = set(may)
        if versions in {(), ("last",)}:
            expected = {(n, max(v for m, v in may if m == n)) for n, _ in may}
        elif versions == ("first",):
            expected = {(n, min(v for m, v in may if m == n)) for n, _ in may}
        found: list[tuple[str, str]] = []
        after = None
        while True:
            page = objects_page(
                node, CLOCK, reader, "sharing", "both", Query(limit=limit, after=after, versions=versions)
            )
            assert len(page.records) == limit if page.more else len(page.records) <= limit
            found += [(record.stix_id, record.version) for record in page.records]
            if not page.more:
                break
            after = page.last
        wanted = [(str(indicator(n)["id"]), str(indicator(n, version=v)["modified"])) for n, v in expected]
        assert sorted(found) == sorted(wanted)


def test_every_page_that_goes_out_is_recorded(shop: Node):
    who = caller(shop)
    post(shop, CLOCK, who, "sharing", "both", envelope(indicator(1)))
    objects_page(shop, CLOCK, who, "sharing", "both", Query())
    objects_page(shop, CLOCK, who, "sharing", "both", Query(types=("malware",)))  # empty: nothing went out
    (sent,) = shop.store.statuses.pages(at_most=10)
    assert who.party is not None
    assert (sent.party_row, sent.kind, sent.objects) == (who.party.party_row, "objects", 1)


# --- Filters, versions, taking out ---------------------------------------------------------------------------------


def test_filters_take_by_type_id_and_version(shop: Node):
    who = caller(shop)
    objects = [
        indicator(1),
        indicator(1, version=2),
        indicator(1, version=3),
        made("malware", 1, name="M", is_family=False),
    ]
    post(shop, CLOCK, who, "sharing", "both", envelope(*objects))

    def versions(**query: object) -> list[str]:
        page = objects_page(shop, CLOCK, who, "sharing", "both", Query(**query))
        return [record.version[8:10] for record in page.records if record.stix_id == indicator(1)["id"]]

    assert versions() == ["03"]
    assert versions(versions=("first",)) == ["01"]
    assert versions(versions=("first", "2026-01-02T00:00:00Z")) == ["01", "02"]
    assert versions(versions=("all",)) == ["01", "02", "03"]
    assert versions(types=("malware",)) == []
    assert ids(objects_page(shop, CLOCK, who, "sharing", "both", Query(types=("malware",)))) == [
        objects[3]["id"]
    ]
    every = object_versions_page(shop, CLOCK, who, "sharing", "both", str(indicator(1)["id"]), Query())
    assert len(every.records) == 3
    with pytest.raises(NotThereError):
        object_page(shop, CLOCK, who, "sharing", "both", str(indicator(9)["id"]), Query())


def test_what_is_deleted_is_gone_from_the_collection_and_stays_in_the_node(shop: Node):
    who, stix_id = caller(shop), str(indicator(1)["id"])
    post(shop, CLOCK, who, "sharing", "both", envelope(indicator(1), indicator(1, version=2)))
    before = manifest_page(shop, CLOCK, who, "sharing", "both", Query()).last
    delete(shop, CLOCK, who, "sharing", "both", stix_id)
    assert ids(objects_page(shop, CLOCK, who, "sharing", "both", Query())) == []
    assert shop.store.objects.current(stix_id) is not None
    with pytest.raises(NotThereError):
        delete(shop, CLOCK, who, "sharing", "both", stix_id)
    post(shop, CLOCK, who, "sharing", "both", envelope(indicator(1)))
    after = manifest_page(shop, CLOCK, who, "sharing", "both", Query()).last
    assert before is not None
    assert after is not None
    assert after > before


def test_an_undone_batch_leaves_the_collections_and_what_another_brought_stays(shop: Node, tmp_path: Path):
    who = caller(shop)
    path = a_file(tmp_path, marked(1, GREEN), marked(2, GREEN), name="b.json")
    receive(shop, CLOCK, [path], put=putting_into(shop, ["both"]))
    post(shop, CLOCK, who, "sharing", "both", envelope(marked(2, GREEN)))
    undo_batch(shop, CLOCK, shop.store.batches.newest(before=None, rows=9)[-1].batch_id)
    assert ids(objects_page(shop, CLOCK, who, "sharing", "both", Query())) == [indicator(2)["id"]]


# --- What the operator does ---------------------------------------------------------------------------------------


def test_objects_and_batches_are_put_in_by_hand_once(shop: Node, tmp_path: Path):
    receive(shop, CLOCK, [a_file(tmp_path, marked(1, GREEN), marked(2, GREEN), name="b.json")])
    assert put_objects(shop, CLOCK, "both", [str(indicator(1)["id"])]).added == 1
    assert (
        put_batch(shop, CLOCK, "Both", shop.store.batches.newest(before=None, rows=1)[0].batch_id).added == 1
    )
    with pytest.raises(NotFoundError):
        put_objects(shop, CLOCK, "both", [str(indicator(9)["id"])])


def test_a_collection_that_gathers_has_what_arrives_from_then_on(shop: Node, tmp_path: Path):
    receive(shop, CLOCK, [a_file(tmp_path, marked(1, GREEN), name="a.json")])
    add_collection(
        shop, CLOCK, NewOffer(title="All", root_id="sharing", alias="all", gather=True), base_url=BASE
    )
    receive(shop, CLOCK, [a_file(tmp_path, marked(2, GREEN), name="b.json")])
    who = caller(shop, read=("all",), write=())
    assert ids(objects_page(shop, CLOCK, who, "sharing", "all", Query())) == [indicator(2)["id"]]


def test_a_secret_is_shown_once_and_ends_when_it_should(shop: Node):
    made_token = add_token(shop, CLOCK, NewCredential(party="CERT Beta", read=("both",), expires="1d"))
    assert made_token.token is not None
    assert made_token.token not in repr(offer(shop, CLOCK, base_url=BASE))
    assert caller_by_secret(shop.store, made_token.token, now=NOW) is not None
    assert caller_by_secret(shop.store, made_token.token, account="Someone", now=NOW) is None
    assert caller_by_secret(shop.store, made_token.token, now=NOW.replace(month=4)) is None
    remove_token(shop, CLOCK, made_token.number)
    assert caller_by_secret(shop.store, made_token.token, now=NOW) is None


@pytest.mark.parametrize(
    "new",
    [
        {"title": "Both"},
        {"title": "New", "alias": "both"},
        {"title": "New", "collection_id": "a/b"},
        {"title": "", "alias": "x"},
        {"title": "New", "default_tlp": "purple"},
    ],
)
def test_what_clients_choose_by_is_unique_and_of_its_form(shop: Node, new: dict[str, str]):
    with pytest.raises(UsageError):
        add_collection(shop, CLOCK, NewOffer(root_id="sharing", **new), base_url=BASE)
