"""What left without a drop is in the ledger, each page and push once, and an object is proved to have gone to a party."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cli.running import environment
from tests.desk.drops import indicator
from tests.desk.made import CLOCK, NOW
from tests.desk.offers import caller, offering, put

from backchannel import codec
from backchannel.desk.access import Caller
from backchannel.desk.auditing import To, prove, verify_own, verify_proof
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.entering import BATCH_AGE, append_entered, is_due
from backchannel.desk.lists import Lists
from backchannel.desk.misp import feed_file, list_file
from backchannel.desk.node import Node, open_node
from backchannel.desk.paging import Query
from backchannel.desk.served import MAX_RECORDS, is_served, objects_of, open_served
from backchannel.desk.shelves import Shelves
from backchannel.desk.taxii import manifest_page, objects_page
from backchannel.errors import NotFoundError
from backchannel.ids import sha256
from backchannel.provenance.ledger.notes import parse_vkey
from backchannel.provenance.ledger.tlog_proof import format_proof, parse_proof
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.store.polled import ChannelRow, PushRow

HELD = 12
Told = Counter[tuple[str, str | None, str, tuple[bytes, ...]]]
"""What went: what of the objects, to whom, through what, and their digests."""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    with offering(tmp_path_factory.mktemp("served")) as found:
        put(found[0], caller(found[0], found[1]), *(indicator(n) for n in range(HELD)))
        yield found


@pytest.fixture
def shop(three: list[Node]) -> Node:
    return three[0]


@pytest.fixture(scope="module")
def readers(three: list[Node]) -> list[Caller]:
    return [caller(three[0], party) for party in three[1:]]


def records(node: Node) -> list[tuple[dict[str, object], list[bytes] | None]]:
    """Return every record below a leaf of the ledger, with the digests of its objects."""
    found = []
    for index in range(verify_own(node).size):
        leaf = node.store.leaves.at(index)
        assert leaf is not None
        if is_served(leaf):
            opened = open_served(node.store, leaf)
            for at, record in enumerate(opened.records):
                objects = objects_of(node.store, opened, at)
                found.append((codec.decode(record), None if objects is None else list(objects.digests)))
    return found


def told(node: Node) -> Told:
    return Counter(
        (str(one["what"]), one["party"], str(one["collection"]), tuple(digests or ()))  # type: ignore[misc]
        for one, digests in records(node)
    )


def digests(node: Node, numbers: list[int]) -> tuple[bytes, ...]:
    found = (node.store.objects.current(str(indicator(n)["id"])) for n in numbers)
    return tuple(bytes(one.digest) for one in found if one is not None)


def push(node: Node, party: str, numbers: list[int]) -> None:
    """Write down a push as the desk does before anything goes."""
    channels, store = node.store.channels, node.store
    row = channels.get(f"to {party}") or channels.add(
        ChannelRow(
            channel_row=0,
            name=f"to {party}",
            kind="taxii",
            terms="{}",
            party=party,
            tlp=None,
            every_s=0,
            added_at="2026-03-01T12:00:00.000Z",
        )
    )
    kept = [store.objects.current(str(indicator(n)["id"])) for n in numbers]
    with store.transaction():
        push_id = channels.begin_push(row, withheld={}, at="2026-03-01T12:00:00.000Z")
        pushes = [PushRow(one.object_row, f"https://{party}/", "v1") for one in kept if one is not None]
        rows = channels.record(push_id, row, pushes, title="theirs")
        channels.record_verdict(rows[0], state="accepted", why="")


SOME = st.lists(st.integers(0, HELD - 1), min_size=1, max_size=HELD, unique=True)
STEP = st.one_of(
    st.tuples(st.just("read"), st.sampled_from([0, 1]), SOME),
    st.tuples(st.just("list"), st.sampled_from([0, 1]), SOME),
    st.tuples(st.just("push"), st.sampled_from([0, 1]), SOME),
    st.tuples(st.just("append"), st.just(0), st.just([0])),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(STEP, max_size=8),
    most=st.sampled_from([1, 2, MAX_RECORDS]),
    inline=st.sampled_from([0, 256]),
)
def test_every_page_and_push_is_in_the_ledger_once_with_just_its_objects(
    three: list[Node], readers: list[Caller], steps: list[tuple[str, int, list[int]]], most: int, inline: int
):
    shop = three[0]
    append_entered(shop, CLOCK)
    before, went = told(shop), Told()
    shared = next(one.collection_id for one in shop.store.collections.all() if one.alias == "shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backchannel.desk.served.MAX_RECORDS", most)
        patch.setattr("backchannel.store.sqlite.statuses.MAX_RUNS_BYTES", inline)
        for kind, who, numbers in steps:
            party = three[1 + who].party.name
            query = Query(ids=tuple(str(indicator(n)["id"]) for n in numbers))
            asked = (shop, CLOCK, readers[who], "sharing", "shared", query)
            if kind == "read":
                page = objects_page(*asked)
                went["objects", party, shared, digests(shop, sorted(numbers))] += 1
                assert len(page.bodies) == len(numbers)
            elif kind == "list":
                manifest_page(*asked)
                went["ids", party, shared, digests(shop, sorted(numbers))] += 1
            elif kind == "push":
                push(shop, party, numbers)
                went["objects", party, f"https://{party}/", digests(shop, numbers)] += 1
            else:
                append_entered(shop, CLOCK)
        append_entered(shop, CLOCK)
    assert told(shop) - before == went
    assert shop.store.served.waiting().rows == 0


def test_what_went_is_proved_to_whoever_has_the_key_and_what_did_not_is_not(tmp_path: Path):
    with offering(tmp_path) as (alpha, beta, gamma):
        reader = caller(alpha, beta)
        put(alpha, reader, *(indicator(n) for n in range(1, 6)))
        query = Query(ids=tuple(str(indicator(n)["id"]) for n in (1, 2, 3)))
        objects_page(alpha, CLOCK, reader, "sharing", "shared", query)
        manifest_page(alpha, CLOCK, reader, "sharing", "shared", Query(ids=(str(indicator(4)["id"]),)))
        push(alpha, "Gamma", [5])
        for n, whom, how in ((2, beta, "objects"), (4, beta, "ids"), (5, gamma, "objects")):
            made = prove(alpha, CLOCK, str(indicator(n)["id"]), to=To(whom.party.name))
            path = tmp_path / "went.tlog-proof"
            path.write_text(made.proof)
            verdict = verify_proof(path, (parse_vkey(made.vkey),))
            assert verdict.object == f"sha256:{digests(alpha, [n])[0].hex()}"
            record = json.loads(verdict.record or "")
            assert (record["party"], record["what"]) == (whom.party.name, how)
            assert whom.party.name not in (verdict.statement or "")  # the leaf itself tells of nobody
        for n, to in (
            (5, To("Beta")),
            (2, To("Gamma")),
            (2, To("anybody")),
            (2, To("Beta", "gather")),
            (2, To("Beta", "to Gamma")),
            (2, To("Nobody")),
        ):
            with pytest.raises(NotFoundError):
                prove(alpha, CLOCK, str(indicator(n)["id"]), to=to)
        assert prove(alpha, CLOCK, str(indicator(2)["id"]), to=To("beta", "shared")).object
        assert prove(alpha, CLOCK, str(indicator(5)["id"]), to=To("Gamma", "to Gamma")).object


def test_t36_a_proof_that_names_another_party_or_object_is_refused(tmp_path: Path):
    with offering(tmp_path) as (alpha, beta, _):
        reader = caller(alpha, beta)
        put(alpha, reader, indicator(1), indicator(2))
        objects_page(alpha, CLOCK, reader, "sharing", "shared", Query())
        made = prove(alpha, CLOCK, str(indicator(1)["id"]), to=To("Beta"))
        proof = parse_proof(made.proof.encode())
        opening = codec.decode(proof.extra or b"")
        went = opening["served"]
        other = b64decode(went["record"]).replace(b'"party":"Beta"', b'"party":"Zeta"')
        path = tmp_path / "forged.tlog-proof"
        for change in (
            {"record": b64encode(other).decode()},
            {"jcs": f"sha256:{'0' * 64}"},
            {"object_proof": went["record_proof"]},
            {"record_proof": {**went["record_proof"], "salt": "0" * 32}},
            {"record_proof": None},
            {"more": 1},
        ):
            extra = codec.canonical({**opening, "served": {**went, **change}})
            path.write_bytes(format_proof(replace(proof, extra=extra)))
            with pytest.raises(Rejected) as refused:
                verify_proof(path, (parse_vkey(made.vkey),))
            assert refused.value.reason is Reason.BAD_INCLUSION


def test_t70_one_proof_tells_nothing_that_a_guess_at_another_could_be_tested_with(tmp_path: Path):
    """T70 for what was served: neighbours in both trees are salted, and a proof shows the salts of its own two alone."""
    with offering(tmp_path) as (alpha, beta, gamma):
        put(alpha, caller(alpha, beta), indicator(1), indicator(2))
        for party in (beta, gamma):
            objects_page(alpha, CLOCK, caller(alpha, party), "sharing", "shared", Query())
        made = prove(alpha, CLOCK, str(indicator(1)["id"]), to=To("Beta"))
        extra = parse_proof(made.proof.encode()).extra or b""
        went = codec.decode(extra)["served"]
        (mine, other), (_, neighbour) = records(alpha), digests(alpha, [1, 2])
        assert (mine[0]["party"], other[0]["party"]) == ("Beta", "Gamma")
        guesses = {sha256(b"\x00" + one) for one in (neighbour, codec.canonical(other[0]))}
        guesses |= {sha256(b"\x00" + bytes(16) + neighbour), sha256(codec.canonical(other[0]))}
        shown = {
            bytes.fromhex(one) for name in ("record_proof", "object_proof") for one in went[name]["path"]
        }
        assert len(shown) == 2
        assert not shown & guesses


def test_events_and_lists_say_of_what_they_were_made(tmp_path: Path):
    with offering(tmp_path) as (alpha, beta, _):
        reader = caller(alpha, beta)
        put(alpha, reader, indicator(1), indicator(2))
        manifest = feed_file(alpha, CLOCK, reader, Shelves(), "shared", "manifest.json").body
        list_file(alpha, CLOCK, reader, Lists(), "shared", "txt")
        append_entered(alpha, CLOCK)
        (feed, of_feed), (_, of_list) = records(alpha)
        assert isinstance(manifest, bytes)
        assert (feed["what"], feed["bytes"]) == ("made", f"sha256:{sha256(manifest).hex()}")
        assert set(of_feed or ()) == set(of_list or ()) == set(digests(alpha, [1, 2]))
        proof = prove(alpha, CLOCK, str(indicator(1)["id"]), to=To("Beta")).proof
        record = codec.decode(parse_proof(proof.encode()).extra or b"")["served"]["record"]
        assert codec.decode(b64decode(record))["what"] == "made"


def test_what_was_too_long_to_be_kept_is_entered_and_nothing_of_it_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("backchannel.desk.lists.MAX_OBJECTS", 1)
    with offering(tmp_path) as (alpha, beta, _):
        reader = caller(alpha, beta)
        put(alpha, reader, indicator(1), indicator(2))
        list_file(alpha, CLOCK, reader, Lists(), "shared", "txt")
        append_entered(alpha, CLOCK)
        ((record, objects),) = records(alpha)
        assert (record["n"], record["root"], objects) == (2, None, None)
        with pytest.raises(NotFoundError):
            prove(alpha, CLOCK, str(indicator(1)["id"]), to=To("Beta"))


def test_a_store_that_says_another_thing_than_the_ledger_proves_nothing(tmp_path: Path):
    with offering(tmp_path) as (alpha, beta, gamma):
        reader = caller(alpha, beta)
        put(alpha, reader, indicator(1), indicator(2))
        objects_page(alpha, CLOCK, reader, "sharing", "shared", Query())
        assert prove(alpha, CLOCK, str(indicator(1)["id"]), to=To("Beta")).object
        gammas = alpha.store.parties.by_name(gamma.party.name)
        assert gammas is not None
        alpha.store.database.execute("UPDATE page_sent SET party_row = ?", (gammas.party_row,))
        with pytest.raises(Rejected, match="held other objects than the store says"):
            prove(alpha, CLOCK, str(indicator(1)["id"]), to=To("Gamma"))


def test_serve_enters_after_ten_minutes_or_so_many_pages(
    shop: Node, readers: list[Caller], monkeypatch: pytest.MonkeyPatch
):
    append_entered(shop, CLOCK)
    later = NOW + BATCH_AGE
    assert not is_due(shop.store, later)
    objects_page(shop, CLOCK, readers[0], "sharing", "shared", Query())
    assert not is_due(shop.store, later - timedelta(seconds=1))
    assert is_due(shop.store, later)
    monkeypatch.setattr("backchannel.desk.entering.MAX_RECORDS", 2)
    assert not is_due(shop.store, NOW)
    objects_page(shop, CLOCK, readers[1], "sharing", "shared", Query())
    assert is_due(shop.store, NOW)
    leaves = shop.store.leaves.waiting().leaves
    assert leaves == 0, "serving writes no leaf"
    assert append_entered(shop, CLOCK) == 1, "two pages, one leaf"
    assert not is_due(shop.store, later)


READS = """
import itertools, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from backchannel.clock import FixedClock
from backchannel.desk.access import caller_by_secret
from backchannel.desk.entering import append_entered
from backchannel.desk.node import open_node
from backchannel.desk.paging import Query
from backchannel.desk.taxii import objects_page
from backchannel.store.sqlite.connection import Database

clock = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
left = 0

def dying(step):
    def run(*words):
        global left
        left -= not str(words[1]).lstrip().startswith(("SELECT", "WITH", "PRAGMA"))
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*words)
    return run

def read():
    with open_node(Path(sys.argv[1])) as node:
        who = caller_by_secret(node.store, sys.argv[2], now=clock.at)
        objects_page(node, clock, who, "sharing", "shared", Query(limit=1 + left % 2))
        print("read", flush=True)
        append_entered(node, clock)

# Before each statement of SQL that writes, and before each file gets its name.
Database.execute, os.rename, os.replace = dying(Database.execute), dying(os.rename), dying(os.replace)
for left in itertools.count(1):
    child = os.fork()
    if not child:
        read()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != -signal.SIGKILL:
        print(left)
        sys.exit(status)
"""
"""Read a page and append to the ledger, in one process after the other, each killed a step later, until one ends."""


@pytest.mark.timeout(600)
def test_t19_killed_at_any_step_each_page_that_was_given_out_is_entered_exactly_once(tmp_path: Path):
    with offering(tmp_path) as (alpha, beta, _):
        reader = caller(alpha, beta)
        put(alpha, reader, indicator(1), indicator(2))
        append_entered(alpha, CLOCK)
        home = alpha.home
        secret = str(token(alpha, beta))
    ran = subprocess.run(
        [sys.executable, "-c", READS, str(home), secret],
        capture_output=True,
        check=False,
        env=environment(),
        timeout=500,
    )
    assert ran.returncode == 0, ran.stderr
    *given_out, steps = ran.stdout.split()
    with open_node(home) as node:
        pages = node.store.statuses.pages(at_most=1_000)
        assert 1 < len(given_out) <= len(pages) < int(steps), (
            "killed on both sides of the row, and of the leaf"
        )
        append_entered(node, CLOCK)
        verdict = verify_own(node)
        assert (verdict.good, verdict.unopened, verdict.waiting) == (True, 0, 0)
        found = Counter(len(objects or ()) for _, objects in records(node))
        assert found == Counter(page.objects for page in pages)


def token(node: Node, party: Node) -> str | None:
    return add_token(node, CLOCK, NewCredential(party=party.party.name, read=("shared",))).token
