"""The policy's file guards every way out: whatever it denies to a party reaches it by none, not even by name (T64, T66)."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.desk.drops import AMBER, GREEN, RED, indicator, keep, nodes, take
from tests.desk.made import CLOCK
from tests.parties.made import Made
from tests.policy.made import ALLOW, some_policy
from tests.policy.written import written

from backchannel.clock import FixedClock
from backchannel.desk import related, releasing, weighing
from backchannel.desk.access import ANONYMOUS, Caller
from backchannel.desk.approving import approve, note_plan, planned
from backchannel.desk.attaching import check_files
from backchannel.desk.channel import Outgoing, Place, Terms, Verdict
from backchannel.desk.channels import add_channel
from backchannel.desk.choosing import Choice
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.exporting import export
from backchannel.desk.feeding import export_feed
from backchannel.desk.lists import Lists
from backchannel.desk.membership import meet, move
from backchannel.desk.misp import feed_file, list_file
from backchannel.desk.node import Node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.paging import Query
from backchannel.desk.planning import plan
from backchannel.desk.policy_file import POLICY_FILE, BrokenPolicyError
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch
from backchannel.desk.pushing import push
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import release
from backchannel.desk.sent_drops import list_sent
from backchannel.desk.shelves import Shelves
from backchannel.desk.stating import How
from backchannel.desk.taxii import manifest_page, object_page, objects_page
from backchannel.desk.weighing import may_say, names_of
from backchannel.errors import NotFoundError, PolicyError
from backchannel.parties.card import card_text
from backchannel.parties.states import Event
from backchannel.policy.rules import Policy, Rule
from backchannel.stix.markings import Tlp

BASE = "http://127.0.0.1:8017"
CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
EVERY = Query(versions=("all",))


def write_policy(node: Node, text: str) -> None:
    body = text if "version" in text else 'version = 1\ndefault = "deny"\n' + text
    (node.home / POLICY_FILE).write_text(body)


def tie(n: int, kind: str, mark: str | None, **more: object) -> dict[str, object]:
    marked = {"object_marking_refs": [mark]} if mark else {}
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--8e2e2d2b-17d4-4cbf-938f-{n:012x}",
            "created": "2026-01-02T03:04:05.000Z", "modified": "2026-01-02T03:04:05.000Z", **marked, **more}  # fmt: skip


def world() -> list[dict[str, object]]:
    """Objects of every marking, some with labels, that name one another in each way."""
    some = [indicator(n, mark, name=f"tok-{n:04d}x", pattern=f"[domain-name:value = 'tok-{n:04d}x.example']",
                      labels=labels) for n, mark, labels in (
        (1, CLEAR, ["a"]), (2, GREEN, ["case-88"]), (3, AMBER, ["orcon"]), (4, RED, ["from-k7"]), (5, None, ["a"]),
        (6, CLEAR, ["from-k7"]), (7, GREEN, ["a"]), (8, AMBER, ["a"]), (9, CLEAR, ["a"]), (10, CLEAR, ["a"]))]  # fmt: skip
    at = {int(str(one["id"])[-12:], 16): str(one["id"]) for one in some}
    mal = tie(20, "malware", GREEN, name="tok-0020x", is_family=False)
    more = [
        mal,
        tie(21, "relationship", CLEAR, relationship_type="indicates", source_ref=at[1], target_ref=mal["id"]),
        tie(22, "relationship", GREEN, relationship_type="indicates", source_ref=at[4], target_ref=mal["id"]),
        tie(23, "relationship", CLEAR, relationship_type="derived-from", source_ref=at[7], target_ref=at[4]),
        tie(27, "relationship", CLEAR, relationship_type="derived-from", source_ref=at[9], target_ref=at[8]),
        tie(28, "relationship", CLEAR, relationship_type="derived-from", source_ref=at[10], target_ref=at[9]),
        tie(29, "relationship", CLEAR, relationship_type="derived-from", source_ref=at[10], target_ref=at[2]),
        tie(24, "report", CLEAR, name="tok-0024x", published="2026-01-02T03:04:05Z", object_refs=[at[1], at[2], mal["id"]]),
        tie(25, "note", GREEN, content=f"tok-0025x as in {at[6]}", object_refs=[at[1]]),
        tie(26, "grouping", CLEAR, name="tok-0026x", context="suspicious-activity",
            object_refs=["report--8e2e2d2b-17d4-4cbf-938f-000000000018"]),
    ]  # fmt: skip
    return [*some, *more]


# --- What may reach whom, thought out plainly ----------------------------------------------------------------

ORDER = ("clear", "green", "amber", "amber+strict", "red")
LABEL = {CLEAR: "clear", GREEN: "green", AMBER: "amber", RED: "red"}


class Oracle:
    """The policy asked rule by rule, and references followed one by one: slow, and short enough to be seen right."""

    def __init__(
        self, policy: Policy, values: Sequence[dict[str, object]], source: str, *, clears: bool = True
    ) -> None:
        self.policy, self.values, self.source = policy, {str(one["id"]): one for one in values}, source
        # Of what came unsigned nobody's word clears anything.
        self.clears = clears and source == "ourselves"

    def denied(self, names: set[str], reach: str, purpose: str) -> set[str]:
        """Return the ids of what a recipient known by these names may not have."""
        bad = {one for one in self.values if not self.alone(one, names, reach, purpose)}
        while self.policy.references != "let":
            more = {one for one, value in self.values.items() if one not in bad and self.named(value) & bad}
            if self.policy.references == "cut":
                more = set()  # it goes without the name: what leaves is looked at
            if not more:
                break
            bad |= more
        return bad

    def named(self, value: dict[str, object]) -> set[str]:
        about = json.dumps({key: held for key, held in value.items() if key != "id"})
        return {one for one in self.values if one in about}

    def tlp(self, one: str, cleared: frozenset[str] = frozenset()) -> str:
        value = self.values[one]
        own = LABEL.get((value.get("object_marking_refs") or [""])[0], "amber+strict")  # type: ignore[index]
        above = [self.tlp(origin) for origin in self.origins(one) if origin not in cleared]
        return max([own, *above], key=ORDER.index)

    def origins(self, one: str) -> list[str]:
        return [str(rel["target_ref"]) for rel in self.values.values()
                if rel.get("relationship_type") == "derived-from" and rel["source_ref"] == one]  # fmt: skip

    def met(self, one: str, tlp: str, names: set[str]) -> list[Rule]:
        members = {group.name for group in self.policy.groups if names & set(group.members)}
        known = names | members | {"anybody"}
        return [rule for rule in self.policy.rules or () if self.meets(rule, self.values[one], tlp, known)]

    def torn(self, one: str, names: set[str]) -> bool:
        """Whether it may go as its tear-line alone."""
        met = self.met(one, self.tlp(one), names)
        return not any(rule.effect == "deny" for rule in met) and any(map(self.tears, met))

    def tears(self, rule: Rule) -> bool:
        return any(one.name == "tear-line" for one in rule.transforms)

    def alone(self, one: str, names: set[str], reach: str, purpose: str) -> bool:
        cleared = frozenset(
            origin for origin in self.origins(one) if self.clears and self.torn(origin, names)
        )
        value, tlp = self.values[one], self.tlp(one, cleared)
        if ORDER.index(tlp) > ORDER.index(reach):
            return False
        labels = value.get("labels", [])
        if "orcon" in labels and self.source != "ourselves":  # type: ignore[operator]
            return False
        met = self.met(one, tlp, names)
        if any(rule.effect == "deny" for rule in met) or not met:
            return False
        if any(map(self.tears, met)) and not cleared:
            return False
        if value.get("relationship_type") == "derived-from" and any(map(self.tears, self.policy.rules or ())):
            return self.alone(str(value["target_ref"]), names, reach, purpose)
        return value["type"] != "sighting"

    def meets(self, rule: Rule, value: dict[str, object], tlp: str, known: set[str]) -> bool:
        when, labels = rule.when, set(value.get("labels", []))  # type: ignore[call-overload]
        return (
            (not rule.to or bool(known & set(rule.to)))
            and (not when.tlp or tlp in when.tlp)
            and (not when.type or value["type"] in when.type)
            and (not when.label or bool(labels & set(when.label)))
            and (not when.source or self.source in when.source)
        )


@contextmanager
def shop(folder: Path, source: str) -> Iterator[tuple[Node, Node, Caller]]:
    """A node that offers the world to Beta, who is verified and may read; and to anybody who asks."""
    with nodes(folder, "alpha", "beta") as (alpha, beta):
        batch = keep(alpha, world(), by=None if source == "ourselves" else "delta")
        add_root(alpha, CLOCK, "sharing", base_url=BASE)
        offer = NewOffer(title="All", root_id="sharing", alias="all", anonymous_read=True)
        add_collection(alpha, CLOCK, offer, base_url=BASE)
        put_batch(alpha, CLOCK, "all", batch)  # type: ignore[arg-type]
        token = add_token(alpha, CLOCK, NewCredential(party="beta", read=("all",)))
        party = alpha.store.parties.by_name("beta")
        assert party is not None
        add_channel(
            alpha, CLOCK, "taxii", Terms(url="https://beta.example/taxii2/"), name="beta", party="beta"
        )
        yield alpha, beta, Caller(party, token.number)


class Taking:
    """The other end of a channel: it takes whatever comes."""

    def __init__(self) -> None:
        self.came: list[bytes] = []

    def places(self) -> Sequence[Place]:
        return [Place(place="p", id="p", title="P", can_write=True)]

    def push(self, place: Place, objects: Sequence[Outgoing]) -> Iterator[Verdict]:
        for one in objects:
            self.came.append(one.body)
            yield Verdict(one.id, one.version, "accepted")


def all_ways(
    alpha: Node, beta: Node, caller: Caller, batch: int
) -> Iterator[tuple[str, set[str], str, bytes]]:
    """Yield by each way out: its name, what the reader is called, how far TLP lets it have, and all that leaves."""
    named = {"parties", "beta", "named-readers", "verified"}
    for who, names, reach in ((caller, named, "amber"), (ANONYMOUS, set(), "clear")):
        label = "beta" if who is caller else "anybody"
        pages = [
            objects_page(alpha, CLOCK, who, "sharing", "all", query) for query in (EVERY, Query(limit=2))
        ]
        counts = [record for page in pages for record in page.records]
        yield f"pages {label}", names, reach, b"".join(body for page in pages for body in page.bodies)
        listed = manifest_page(alpha, CLOCK, who, "sharing", "all", EVERY)
        assert [one.stix_id for one in listed.records] == [one.stix_id for one in pages[0].records]
        yield f"manifest {label}", names, reach, json.dumps([one.stix_id for one in counts]).encode()
        feed = [
            feed_file(alpha, CLOCK, who, Shelves(), "all", name).body
            for name in ("manifest.json", "hashes.csv")
        ]
        shelf = Shelves().shelf(alpha, CLOCK, who, "all")
        yield f"misp {label}", names, reach, b"".join([*map(bytes, feed), *shelf.feed.events.values()])  # type: ignore[arg-type]
        made = list_file(alpha, CLOCK, who, Lists(), "all", "csv").body
        yield f"list {label}", names, reach, made.read(0, 10**6)  # type: ignore[union-attr]
        folder = alpha.home / f"feed-{label}"
        export_feed(alpha, CLOCK, folder, to="beta" if who is caller else None)
        files = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
        yield f"feed {label}", names - {"named-readers"}, "green" if who is caller else "clear", files
        shutil.rmtree(folder)
    taking = Taking()

    @contextmanager
    def opener(*_: object) -> Iterator[Taking]:
        yield taking

    push(alpha, CLOCK, "beta", (), opener, batch=batch, pause=lambda _: None)  # type: ignore[arg-type]
    yield "push", named, "amber", b"".join(taking.came)
    planned = plan(alpha, CLOCK, recipient_of(alpha, "beta"), Choice(batch=batch))  # type: ignore[arg-type]
    yield "drop", named, "amber", json.dumps([one.value for one in planned.going]).encode()
    alone = [
        plan(alpha, CLOCK, recipient_of(alpha, "beta"), Choice(ids=(str(indicator(n)["id"]),)))
        for n in (2, 4, 8, 9)
    ]
    left = [one.value for planned in alone for one in planned.going]
    yield "drops of one", named, "amber", json.dumps(left).encode()


@pytest.mark.parametrize("source", ["ourselves", "delta"])
def test_t66_nothing_that_a_policy_denies_reaches_anybody_by_any_way(tmp_path: Path, source: str):
    """No object, no reference to one, no value of one, and no count or page that it would be in."""
    draw, values = random.Random(source), world()
    met, torn = {"denied": 0, "left": 0}, dict[str, int]()
    with shop(tmp_path, source) as (alpha, beta, caller):
        batch = 1
        for _ in range(40):
            policy = msgspec.structs.replace(some_policy(draw), k_anonymity=0)
            write_policy(alpha, written(policy))
            for way, names, reach, left in all_ways(alpha, beta, caller, batch):
                denied = Oracle(policy, values, source).denied(names, reach, way)
                strictly = Oracle(policy, values, source, clears=False).denied(names, reach, way)
                for one in values:
                    token = str(one.get("name") or one.get("content", ""))[:9].encode()
                    uuid = str(one["id"]).partition("--")[2].encode()
                    if one["id"] not in denied:
                        met["left"] += token.startswith(b"tok-") and token in left
                        torn[way] = torn.get(way, 0) + (one["id"] in strictly and token in left)
                        continue
                    met["denied"] += 1
                    assert not (token.startswith(b"tok-") and token in left), (
                        way,
                        one["id"],
                        written(policy),
                    )
                    if policy.references != "let" or one.get("relationship_type") == "derived-from":
                        assert uuid not in left, (way, one["id"], written(policy))
    ways = {"pages beta", "misp beta", "list beta", "feed beta", "push", "drop", "drops of one"}
    went = {way for way, times in torn.items() if times}
    assert went >= ways if source == "ourselves" else not went, (
        "tear-lines go where it is proven whose they are"
    )
    assert min(met.values()) > 200, "the policies let some go and hold some back"


def test_a_change_of_the_file_holds_for_the_next_page(tmp_path: Path):
    with shop(tmp_path, "ourselves") as (alpha, _, caller):

        def seen() -> int:
            return len(objects_page(alpha, CLOCK, caller, "sharing", "all", EVERY).records)

        without_file = seen()
        write_policy(alpha, 'references = "let"\n' + ALLOW)
        assert seen() == without_file
        write_policy(alpha, '[[rule]]\nid = "i"\nto = ["beta"]\nwhen = { type = "malware" }\nallow = true\n')
        assert seen() == 1
        write_policy(alpha, "")
        assert seen() == 0
        (alpha.home / POLICY_FILE).unlink()
        assert seen() == without_file
        versions = {row[0] for row in alpha.store.database.execute("SELECT policy FROM page_sent")}
        assert len(versions) == 3, "each page is recorded with the policy that let it go"


def test_a_broken_file_lets_nothing_leave_by_any_way(tmp_path: Path):
    with shop(tmp_path, "ourselves") as (alpha, _, caller):
        write_policy(alpha, "colour = 1")
        ways = [
            lambda: objects_page(alpha, CLOCK, caller, "sharing", "all", EVERY),
            lambda: manifest_page(alpha, CLOCK, ANONYMOUS, "sharing", "all", EVERY),
            lambda: feed_file(alpha, CLOCK, caller, Shelves(), "all", "manifest.json"),
            lambda: list_file(alpha, CLOCK, caller, Lists(), "all", "csv"),
            lambda: export_feed(alpha, CLOCK, alpha.home / "feed"),
            lambda: push(alpha, CLOCK, "beta", (), lambda *_: None, batch=1, pause=lambda _: None),  # type: ignore[arg-type]
            lambda: plan(alpha, CLOCK, recipient_of(alpha, "beta"), Choice(batch=1)),  # type: ignore[arg-type]
            lambda: may_say(alpha, CLOCK, caller.party, Tlp.CLEAR, "receipt", state="received"),  # type: ignore[arg-type]
        ]  # fmt: skip
        for way in ways:
            with pytest.raises(BrokenPolicyError, match="nothing leaves") as caught:
                way()
            assert "colour" not in str(caught.value), "what the file says is no reader's business"
            assert caught.value.faults[0].field == "colour"


def test_only_who_gave_us_an_object_or_we_ourselves_say_what_its_marking_means(tmp_path: Path):
    mark = "marking-definition--11111111-2222-4333-8444-555555555555"
    defined = {"type": "marking-definition", "spec_version": "2.1", "id": mark, "created": "2026-01-02T03:04:05.000Z",
               "definition_type": "tlp", "definition": {"tlp": "white"}}  # fmt: skip

    def goes(node: Node, to: str, folder: Path) -> tuple[bool, str, int]:
        planned = plan(node, CLOCK, recipient_of(node, to), Choice(ids=(str(indicator(1)["id"]),)))
        return planned.objects[0].goes, planned.objects[0].tlp, export_feed(node, CLOCK, folder).attributes

    with nodes(tmp_path, "alfa", "bravo") as (alfa, _):
        keep(alfa, [indicator(1, mark)], by="carol")
        keep(alfa, [defined], by="mallory")
        assert goes(alfa, "bravo", tmp_path / "others") == (False, "TLP:RED", 0)
        keep(alfa, [defined], by="carol")
        assert goes(alfa, "bravo", tmp_path / "its own") == (True, "TLP:CLEAR", 1)


@pytest.mark.parametrize(
    "name", ["partners", "verified", "named-readers", "own-organisation", "identity of carol", "key of carol"]
)
def test_a_party_gets_nothing_by_a_name_that_means_others(tmp_path: Path, name: str):
    """A name comes from the party that bears it: it may spell a group of ours, or what another party is known by."""
    with nodes(tmp_path, "alfa", "carol") as (alfa, _):
        carol = next(row for row in alfa.store.membership.known() if row.party.name == "carol")
        meant = {"identity of carol": carol.party.party_id, "key of carol": min(carol.kids)}.get(name, name)
        with nodes(tmp_path / "others", "mallory") as (mallory,):
            card = card_text(own_keys(mallory, CLOCK).card).encode()
            meet(alfa, CLOCK, card, called=meant)
        keep(alfa, [indicator(1, CLEAR)])
        write_policy(
            alfa,
            f"""
            [groups]
            partners = ["carol"]
            [[rule]]
            id = "some"
            to = ["{meant}"]
            allow = true
        """,
        )
        party = alfa.store.parties.by_name(meant)
        assert party is not None
        planned = plan(alfa, CLOCK, recipient_of(alfa, meant), Choice(ids=(str(indicator(1)["id"]),)))
        assert [one.rule for one in planned.objects] == ["default"]


def test_a_party_that_claims_the_identity_of_another_is_in_none_of_its_groups(tmp_path: Path):
    with nodes(tmp_path, "alfa", "carol") as (alfa, carol):
        mine = own_keys(carol, CLOCK).card.party
        meet(alfa, CLOCK, Made("mallory").card(party=mine).data, decided=True)
        found = alfa.store.parties.by_name("mallory")
        assert found is not None
        assert mine.casefold() not in names_of(alfa, found, None)


def test_a_party_called_ourselves_is_not_us(tmp_path: Path):
    with nodes(tmp_path, "alfa", "bravo") as (alfa, _):
        keep(alfa, [indicator(1)], by="Ourselves")
        keep(alfa, [indicator(2)])
        write_policy(
            alfa,
            """
            [[rule]]
            id = "own"
            when = { source = "ourselves" }
            to = ["bravo"]
            allow = true
        """,
        )
        ids = tuple(str(indicator(n)["id"]) for n in (1, 2))
        planned = plan(alfa, CLOCK, recipient_of(alfa, "bravo"), Choice(ids=ids))
        assert [one.goes for one in planned.objects] == [False, True]


def notes_in_a_row(length: int, last: str) -> list[dict[str, object]]:
    """Notes of which each is about the next; the last one bears a marking of its own."""
    ids = [str(tie(n, "note", None)["id"]) for n in range(length)]
    return [
        tie(
            n,
            "note",
            CLEAR if n < length - 1 else last,
            content="x",
            object_refs=[ids[min(n + 1, length - 1)]],
        )
        for n in range(length)
    ]


@pytest.mark.parametrize("references", ["cut", "withhold"])
def test_a_long_row_of_objects_that_name_one_another_is_decided_in_bounded_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, references: str
):
    asked = 0
    decide = weighing.decide

    def counted(*args: object) -> object:
        nonlocal asked
        asked += 1
        return decide(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(weighing, "decide", counted)
    monkeypatch.setattr(related, "decide", counted)
    row = notes_in_a_row(300, RED)
    with nodes(tmp_path, "alfa", "bravo") as (alfa, _):
        batch = keep(alfa, row)
        write_policy(alfa, f'references = "{references}"\n{ALLOW}')
        to = recipient_of(alfa, "bravo")
        planned = plan(alfa, CLOCK, to, Choice(batch=batch))  # type: ignore[arg-type]
        assert planned.withheld == len(planned.objects) == 300
        assert asked < 300 * (related.MAX_CUTS + 5)
        asked = 0
        first = plan(alfa, CLOCK, to, Choice(ids=(str(row[0]["id"]),)))
        assert first.withheld == 1
        assert asked < 2 * weighing.MAX_STEPS * (related.MAX_CUTS + 5)


@pytest.mark.parametrize(
    "purpose", ["receipt", "request", "answer", "sighting", "outcome", "retraction", "widened"]
)
def test_each_kind_of_statement_can_be_denied_by_its_name(tmp_path: Path, purpose: str):
    with nodes(tmp_path, "alfa", "bravo") as (alfa, _):
        write_policy(alfa, f'[[rule]]\nid = "no"\nwhen = {{ purpose = "{purpose}" }}\ndeny = "not this"')
        party = alfa.store.parties.by_name("bravo")
        assert party is not None
        assert may_say(alfa, CLOCK, party, Tlp.GREEN, purpose).reasons[-1].rule == "no"


def test_what_names_a_withheld_object_stays_however_its_id_is_spelled(tmp_path: Path):
    red = indicator(1, RED) | {"id": "indicator--8E2E2D2B-17D4-4CBF-938F-0000000000AB"}
    note = tie(3, "note", CLEAR, content="x", object_refs=[red["id"]])
    with nodes(tmp_path, "alfa", "bravo") as (alfa, _):
        keep(alfa, [red, note])
        write_policy(alfa, ALLOW)
        planned = plan(alfa, CLOCK, recipient_of(alfa, "bravo"), Choice(ids=(str(note["id"]),)))
        assert [one.rule for one in planned.objects] == ["result"]


def test_an_object_that_is_hidden_is_not_there_by_its_id_either(tmp_path: Path):
    with shop(tmp_path, "ourselves") as (alpha, _, caller):
        write_policy(alpha, '[[rule]]\nid = "no"\nwhen = { label = "case-88" }\ndeny = "x"\n' + ALLOW)
        hidden = str(indicator(2)["id"])
        with pytest.raises(NotFoundError):
            object_page(alpha, CLOCK, caller, "sharing", "all", hidden, EVERY)
        assert not objects_page(alpha, CLOCK, caller, "sharing", "all", Query(ids=(hidden,))).records


def test_t64_a_plan_is_refused_once_object_policy_or_recipient_changed(tmp_path: Path):
    with nodes(tmp_path, "alpha", "beta") as (alpha, _):
        batch = keep(alpha, [indicator(1, GREEN), indicator(2, AMBER)])
        write_policy(alpha, ALLOW)

        def again(clock: FixedClock = CLOCK) -> object:
            return plan(alpha, clock, recipient_of(alpha, "beta"), Choice(batch=batch))  # type: ignore[arg-type]

        looked_at = again().sha256  # type: ignore[attr-defined]
        assert again().sha256 == looked_at  # type: ignore[attr-defined]
        write_policy(alpha, "# only a word more\n" + ALLOW)
        assert again().sha256 == looked_at, "the same rules are the same plan"  # type: ignore[attr-defined]
        write_policy(alpha, ALLOW + 'when = { tlp = "GREEN" }\n')
        with pytest.raises(PolicyError, match="no longer the one"):
            release(alpha, CLOCK, again(), How(), approved=looked_at)  # type: ignore[arg-type]
        write_policy(alpha, ALLOW)
        keep(alpha, [indicator(2, AMBER, modified="2026-02-02T03:04:05.000Z")])
        changed = plan(
            alpha,
            CLOCK,
            recipient_of(alpha, "beta"),
            Choice(ids=(str(indicator(1)["id"]), str(indicator(2)["id"]))),
        )
        assert changed.sha256 != looked_at
        before = again().sha256  # type: ignore[attr-defined]
        move(alpha, CLOCK, "beta", Event.SUSPENDED, "they ask us to")
        with pytest.raises(PolicyError, match="is suspended"):
            release(alpha, CLOCK, again(), How(), approved=before)  # type: ignore[arg-type]


def test_what_goes_redacted_arrives_as_an_object_of_its_own_and_is_believed(tmp_path: Path):
    rule = '[[rule]]\nid = "t"\nto = ["beta"]\ntransform = ["drop:/name", "coarsen:/valid_from:day"]\n'
    with nodes(tmp_path, "alpha", "beta") as (alpha, beta):
        own = keep(
            alpha,
            [
                indicator(1, GREEN, name="tok-own"),
                tie(9, "note", GREEN, content="see it", object_refs=[indicator(1)["id"]]),
            ],
        )
        theirs = keep(alpha, [indicator(2, GREEN, name="tok-theirs")], by="delta")
        write_policy(alpha, rule)
        for batch, n in ((own, 1), (theirs, 2)):
            found = plan(alpha, CLOCK, recipient_of(alpha, "beta"), Choice(batch=batch))  # type: ignore[arg-type]
            shown = next(one for one in found.objects if one.id.startswith("indicator"))
            assert (shown.outcome, shown.rule) == ("redacted", "t")
            assert {one.property for one in shown.changes} == {"name", "valid_from"}
            assert shown.as_id != shown.id
            assert shown.learns
            with pytest.raises(PolicyError, match="redacted only"):
                release(alpha, CLOCK, found, How())
            sent = release(alpha, CLOCK, found, How(), approved=found.sha256)
            came = take(beta, sent.path.read_bytes())
            assert (came.refused, came.quarantined) == (0, 0), came.notes
            assert came.stored == len(found.going)
            made = beta.store.objects.current(str(shown.as_id))
            assert made is not None
            assert b"tok-" not in made.body
            assert beta.store.objects.current(str(indicator(n)["id"])) is None
        note = next(
            one
            for one in plan(alpha, CLOCK, recipient_of(alpha, "beta"), Choice(batch=own)).going
            if one.kept.type == "note"
        )  # type: ignore[arg-type]
        assert note.value["object_refs"] != [indicator(1)["id"]], "it names what went instead"
        assert beta.store.objects.current(str(note.value["object_refs"][0])) is not None


def test_what_wants_two_persons_is_sent_by_another_than_who_approved_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with nodes(tmp_path, "alpha", "beta") as (alpha, _):
        batch = keep(alpha, [indicator(1, GREEN), indicator(2, AMBER)])
        write_policy(alpha, ALLOW + '[approval]\ntwo_persons = ["AMBER"]\n')
        choice = Choice(batch=batch)  # type: ignore[arg-type]
        found = plan(alpha, CLOCK, recipient_of(alpha, "beta"), choice)
        assert found.needs_approval
        note_plan(alpha, CLOCK, found, choice)
        for who, ok in (("ann", False), ("ben", True)):
            monkeypatch.setattr(releasing, "person", lambda who=who: who)
            if not ok:
                with pytest.raises(PolicyError, match="two persons for TLP:AMBER, and nobody but ann"):
                    release(alpha, CLOCK, found, How(), approved=found.sha256)
                assert approve(alpha, CLOCK, planned(alpha, CLOCK, found.sha256), "ann") == ("ann",)
                with pytest.raises(PolicyError, match="two persons"):
                    release(alpha, CLOCK, found, How(), approved=found.sha256)
            else:
                assert release(alpha, CLOCK, found, How(), approved=found.sha256).document.objects == 2
        files = [("note.txt", tmp_path / "note.txt")]
        files[0][1].write_text("nothing of ours")
        with pytest.raises(PolicyError, match="no file may go to beta: it counts as TLP:AMBER"):
            check_files(alpha, recipient_of(alpha, "beta"), files, now=CLOCK.now())
        only_green = plan(alpha, CLOCK, recipient_of(alpha, "beta"), Choice(ids=(str(indicator(1)["id"]),)))
        assert not only_green.needs_approval
        with pytest.raises(NotFoundError, match="waits for approval"):
            planned(alpha, CLOCK, "0" * 64)
        write_policy(alpha, ALLOW + 'when = { tlp = "GREEN" }\n')
        with pytest.raises(PolicyError, match="no longer the one"):
            planned(alpha, CLOCK, found.sha256)


def test_t64_a_rule_or_a_standing_that_changed_while_another_drop_was_made_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with nodes(tmp_path, "alpha", "beta") as (alpha, _):
        batch = keep(alpha, [indicator(1, GREEN)])
        waited = releasing._sending
        for change in (
            lambda: write_policy(alpha, ALLOW + 'when = { tlp = "CLEAR" }\n'),
            lambda: move(alpha, CLOCK, "beta", Event.SUSPENDED, "lost a laptop"),
        ):
            found = plan(alpha, CLOCK, recipient_of(alpha, "beta"), Choice(batch=batch))  # type: ignore[arg-type]

            @contextmanager
            def sending(home: Path, change: Callable[[], object] = change) -> Iterator[None]:
                with waited(home):
                    change()
                    yield

            with monkeypatch.context() as patched:
                patched.setattr(releasing, "_sending", sending)
                with pytest.raises(PolicyError, match="no longer the one"):
                    release(alpha, CLOCK, found, How(), approved=found.sha256)
        assert list_sent(alpha, CLOCK, at_most=5).sent == ()


def test_a_file_that_holds_what_is_ours_does_not_go_along(tmp_path: Path):
    plain, named, office = tmp_path / "plain.txt", tmp_path / "jane roe.txt", tmp_path / "a.docx"
    plain.write_text("nothing of ours")
    named.write_text("nothing of ours")
    with zipfile.ZipFile(office, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("docProps/core.xml", "<dc:creator>Jane Roe</dc:creator>" * 50)
    with nodes(tmp_path, "alpha", "beta") as (alpha, _):
        to = recipient_of(alpha, "beta")
        files = [(one.name, one) for one in (plain, named, office)]
        check_files(alpha, to, files, now=CLOCK.now())
        write_policy(alpha, '[leaks]\npersons = ["Jane Roe"]\n' + ALLOW)
        check_files(alpha, to, files[:1], now=CLOCK.now())
        for one in files[1:]:
            with pytest.raises(PolicyError, match="person jane roe"):
                check_files(alpha, to, [one], now=CLOCK.now())
        write_policy(alpha, ALLOW + 'when = { type = "indicator" }\n')
        with pytest.raises(PolicyError, match="no rule of the policy allows it"):
            check_files(alpha, to, files[:1], now=CLOCK.now())


@pytest.mark.parametrize("form", ["utf-8", "latin-1", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_what_is_ours_is_found_in_a_file_in_whichever_form_its_text_is_written(tmp_path: Path, form: str):
    with nodes(tmp_path, "alpha", "beta") as (alpha, _):
        write_policy(alpha, '[leaks]\npersons = ["Jürgen Müller"]\n' + ALLOW)
        to = recipient_of(alpha, "beta")
        for text, is_held in (("found by Jürgen Müller on Monday", True), ("found by nobody of ours", False)):
            file = tmp_path / f"{is_held}.txt"
            file.write_bytes(text.encode(form))
            if is_held:
                with pytest.raises(PolicyError, match="person jürgen müller"):
                    check_files(alpha, to, [("a.txt", file)], now=CLOCK.now())
            else:
                check_files(alpha, to, [("a.txt", file)], now=CLOCK.now())


def test_a_damaged_office_document_is_looked_through_as_far_as_it_can_be_read(tmp_path: Path):
    office = tmp_path / "damaged.docx"
    with zipfile.ZipFile(office, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("docProps/core.xml", "<dc:creator>Jane Roe</dc:creator>" * 50)
    data = bytearray(office.read_bytes())
    begin = data.index(b"docProps/core.xml") + len(b"docProps/core.xml")
    data[begin : begin + 8] = b"\xff" * 8
    office.write_bytes(data)
    with nodes(tmp_path, "alpha", "beta") as (alpha, _):
        write_policy(alpha, '[leaks]\npersons = ["Jane Roe"]\n' + ALLOW)
        check_files(alpha, recipient_of(alpha, "beta"), [(office.name, office)], now=CLOCK.now())


def test_t67_pap_red_is_in_no_export_that_blocks_and_no_policy_lets_it_there(tmp_path: Path):
    with nodes(tmp_path, "alpha") as (alpha,):
        paps = {"pap:red": 1, "pap:amber": 2, "pap:green": 3, "": 4}
        keep(alpha, [indicator(n, GREEN, labels=[pap] if pap else None) for pap, n in paps.items()])
        for text in (None, ALLOW, '[pap]\nRED = ["anybody"]\n' + ALLOW):
            if text is not None:
                write_policy(alpha, text)
            export(alpha, CLOCK, "rpz", tmp_path / "zone")
            export(alpha, CLOCK, "zeek", tmp_path / "watch")
            blocked = b"".join(path.read_bytes() for path in (tmp_path / "zone").iterdir())
            watched = b"".join(path.read_bytes() for path in (tmp_path / "watch").iterdir())
            assert [n for n in paps.values() if f"h{n}.example.net".encode() in blocked] == [3]
            assert [n for n in paps.values() if f"h{n}.example.net".encode() in watched] == [2, 3, 4]


def test_who_derives_one_object_from_very_much_withholds_that_one_and_none_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(weighing, "MAX_ORIGINS", 5)

    def derived(n: int, source: int, target: int) -> dict[str, object]:
        ends = {"source_ref": indicator(source)["id"], "target_ref": indicator(target)["id"]}
        return tie(n, "relationship", GREEN, relationship_type="derived-from", **ends)

    with nodes(tmp_path, "alpha", "beta") as (alpha, _):
        keep(alpha, [indicator(n, GREEN) for n in range(1, 40)])
        flood = [derived(100 + n, 1, 10 + n) for n in range(12)]  # all in one step
        chain = [derived(200 + n, 22 + n, 23 + n) for n in range(8)]  # step by step
        beside = [derived(300, 2, 3), derived(301, 3, 4), derived(302, 4, 2)]  # in a ring
        again = [derived(400 + n, 6, 7) for n in range(9)]  # one thing, said too often to be read
        keep(alpha, [*flood, *chain, *beside, *again])
        ids = {n: str(indicator(n)["id"]) for n in (1, 2, 3, 6, 22, 30)}
        choice = Choice(ids=tuple(ids.values()))
        shown = {
            one.id: one.outcome for one in plan(alpha, CLOCK, recipient_of(alpha, "beta"), choice).objects
        }
        assert {n: shown[one] for n, one in ids.items()} == {
            1: "withheld",
            2: "goes",
            3: "goes",
            6: "withheld",
            22: "withheld",
            30: "goes",
        }
        assert len(alpha.store.derivations.origins([ids[1]], at_most=6)[ids[1]]) == 6
