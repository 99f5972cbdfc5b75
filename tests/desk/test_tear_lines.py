"""A tear-line goes where its object may not: only one of the object's proven originator, by no other hand (T69)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.desk.drops import AMBER, GREEN, RED, indicator, keep, nodes, send, take
from tests.desk.made import CLOCK
from tests.desk.test_permits import introduced
from tests.desk.test_policy import BASE, CLEAR, EVERY, tie, write_policy

from backchannel import codec
from backchannel.desk import tear_lines
from backchannel.desk.access import Caller
from backchannel.desk.approving import note_plan, planned
from backchannel.desk.asking import Question, request_plan
from backchannel.desk.batches import undo_batch
from backchannel.desk.choosing import Choice
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.drop_documents import PlannedObject
from backchannel.desk.node import Node
from backchannel.desk.originators import Originators
from backchannel.desk.planning import Plan, plan
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How, release
from backchannel.desk.taxii import objects_page
from backchannel.errors import PolicyError
from backchannel.ids import BatchId

RULES = """
[[rule]]
id = "torn"
when = { tlp = ["AMBER", "AMBER+STRICT", "RED"] }
to = ["parties"]
transform = ["tear-line"]
[[rule]]
id = "wide"
when = { tlp = ["CLEAR", "GREEN"] }
to = ["parties"]
allow = true
"""
WHOLE, TORN = str(indicator(1)["id"]), str(indicator(2)["id"])


def derived(n: int, source: str, target: str, mark: str = AMBER, **more: object) -> dict[str, object]:
    return tie(
        n,
        "relationship",
        mark,
        relationship_type="derived-from",
        source_ref=source,
        target_ref=target,
        **more,
    )


def cleared(maker: str, *, whole: str = AMBER, torn: str = GREEN) -> list[dict[str, object]]:
    """An object, its tear-line, and the relationship that ties them, all of one maker."""
    by = {"created_by_ref": maker}
    return [
        indicator(1, whole, name="tok-whole", **by),
        indicator(2, torn, name="tok-torn", **by),
        derived(3, TORN, WHOLE, **by),
    ]


def planned_of(node: Node, *ids: str, to: str = "Gamma") -> Plan:
    return plan(node, CLOCK, recipient_of(node, to), Choice(ids=ids or (WHOLE,)))


def only(found: Plan) -> PlannedObject:
    [one] = found.objects
    return one


def going(found: Plan) -> list[str]:
    return [one.kept.stix_id for one in found.going]


class World:
    """Alpha gave Beta an object in TLP:AMBER with its tear-line in TLP:GREEN; Beta may give Gamma what is TLP:GREEN."""

    def __init__(self, alpha: Node, beta: Node, gamma: Node, mallory: Node) -> None:
        self.alpha, self.beta, self.gamma, self.mallory = alpha, beta, gamma, mallory
        self.maker = alpha.party.party_id
        self.batch = self.give(alpha, cleared(self.maker))
        introduced(beta, "Gamma")
        write_policy(beta, RULES)

    def give(self, sender: Node, objects: Sequence[dict[str, object]], *, taken: bool = True) -> BatchId:
        took = take(self.beta, send(sender, self.beta, keep(sender, objects)).path.read_bytes())
        assert (took.stored, took.quarantined) == ((len(objects), 0) if taken else (0, len(objects)))
        return BatchId(took.batch or 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma", "Mallory") as found:
        yield World(*found)


# --- What goes -------------------------------------------------------------------------------------------


def test_t69_a_tear_line_goes_letter_for_letter_under_its_own_id_and_is_believed(world: World):
    found = planned_of(world.beta)
    shown = only(found)
    assert (shown.outcome, shown.goes, shown.rule, shown.as_id) == ("tear-line", False, "tear-line", TORN)
    assert f"{TORN} goes, TLP:GREEN" in shown.why
    assert (found.withheld, found.tear_lines, found.redacted, going(found)) == (0, 1, 0, [TORN])
    assert any("tok-torn" in text or "h2.example.net" in text for text in shown.learns), shown.learns
    assert not any("h1.example.net" in text for text in shown.learns)
    with pytest.raises(PolicyError, match="as their tear-lines only"):
        release(world.beta, CLOCK, found, How())
    sent = release(world.beta, CLOCK, found, How(), approved=found.sha256)
    came = take(world.gamma, sent.path.read_bytes())
    assert (came.stored, came.quarantined, came.refused) == (1, 0, 0)
    here, there = (one.store.objects.current(TORN) for one in (world.beta, world.gamma))
    assert here is not None
    assert there is not None
    assert there.digest == here.digest
    assert world.gamma.store.objects.current(WHOLE) is None
    assert WHOLE.encode() not in there.body


def test_a_tear_line_goes_once_for_however_many_name_it_and_chosen_itself_or_not(world: World):
    by = {"created_by_ref": world.maker}
    other = str(indicator(5)["id"])
    world.give(world.alpha, [indicator(5, AMBER, **by), derived(6, TORN, other, **by)])
    for ids in ((WHOLE, other), (WHOLE, other, TORN), (TORN, other, WHOLE)):
        found = planned_of(world.beta, *ids)
        assert going(found) == [TORN]
        outcomes = {one.id: one.outcome for one in found.objects}
        assert outcomes == {one: "goes" if one == TORN else "tear-line" for one in ids}
        assert sum(bool(one.learns) for one in found.objects) == 1, "a reader learns it once"


def test_of_several_the_newest_goes_that_may(world: World):
    by = {"created_by_ref": world.maker}
    more = [
        indicator(5, GREEN, modified="2026-02-02T03:04:05.000Z", **by),
        derived(6, str(indicator(5)["id"]), WHOLE, **by),
        indicator(7, AMBER, modified="2026-02-03T03:04:05.000Z", **by),
        derived(8, str(indicator(7)["id"]), WHOLE, **by),
        indicator(9, GREEN, modified="2026-02-02T03:04:05.000Z", **by),
        derived(10, str(indicator(9)["id"]), WHOLE, **by),
    ]
    world.give(world.alpha, more)
    assert going(planned_of(world.beta)) == [indicator(9)["id"]]


def test_our_own_tear_line_goes_for_what_is_ours_whatever_its_marking(tmp_path: Path):
    with nodes(tmp_path, "Alpha", "Beta") as (alpha, _):
        keep(alpha, cleared(alpha.party.party_id, whole=RED, torn=CLEAR))
        write_policy(alpha, RULES)
        assert going(planned_of(alpha, to="Beta")) == [TORN]
        keep(
            alpha,
            [
                indicator(5, RED),
                indicator(6, GREEN),
                derived(7, str(indicator(6)["id"]), str(indicator(5)["id"])),
            ],
        )
        assert going(planned_of(alpha, str(indicator(5)["id"]), to="Beta")) == [indicator(6)["id"]]


def test_what_its_originator_wants_to_be_asked_for_goes_as_its_tear_line(world: World):
    by = {"created_by_ref": world.maker}
    ids = [str(indicator(n)["id"]) for n in (5, 6)]
    world.give(
        world.alpha,
        [
            indicator(5, GREEN, labels=["orcon"], **by),
            indicator(6, GREEN, **by),
            derived(7, ids[1], ids[0], **by),
        ],
    )
    assert only(planned_of(world.beta, ids[0])).rule == "orcon"
    write_policy(
        world.beta,
        RULES
        + '[[rule]]\nid = "asked"\nwhen = { label = "orcon" }\nto = ["parties"]\ntransform = ["tear-line"]\n',
    )
    found = planned_of(world.beta, ids[0])
    assert going(found) == [ids[1]]


# --- What stays ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ('[[rule]]\nid = "no"\nwhen = { tlp = "AMBER" }\ndeny = "not this"', "tlp"),
        (f'[[rule]]\nid = "no"\nwhen = {{ id = "{TORN}" }}\ndeny = "not this"', "tear-line"),
        (f'[[embargo]]\nid = "e"\nwhen = {{ id = "{WHOLE}" }}\nuntil = 2030-01-01T00:00:00Z', "tlp"),
        (f'[[embargo]]\nid = "e"\nwhen = {{ id = "{TORN}" }}\nuntil = 2030-01-01T00:00:00Z', "tear-line"),
        (f'[[rule]]\nid = "less"\nwhen = {{ id = "{TORN}" }}\nto = ["parties"]\ntransform = ["drop:/name"]', "tear-line"),
        ('[leaks]\nwords = ["tok-torn"]', "tear-line"),
    ],
    ids=["denied", "tear-line denied", "embargo", "tear-line under embargo", "tear-line changed only", "ours in it"],
)  # fmt: skip
def test_what_the_operator_holds_back_stays_whatever_its_originator_cleared(
    world: World, more: str, rule: str
):
    write_policy(world.beta, RULES + more)
    found = planned_of(world.beta)
    assert (only(found).outcome, only(found).rule, going(found)) == ("withheld", rule, [])


def test_what_has_no_tear_line_stays_and_it_is_said_what_mends_it(world: World):
    world.give(world.alpha, [indicator(5, AMBER, created_by_ref=world.maker)])
    shown = only(planned_of(world.beta, str(indicator(5)["id"])))
    assert (shown.outcome, shown.rule) == ("withheld", "tear-line")
    assert "ask its originator for one" in shown.why


def test_without_a_rule_that_asks_for_it_a_tear_line_is_as_strict_as_what_it_was_derived_from(world: World):
    write_policy(world.beta, RULES.replace('transform = ["tear-line"]', "allow = true"))
    found = planned_of(world.beta, WHOLE, TORN)
    assert [one.rule for one in found.objects] == ["tlp", "tlp"]
    (world.beta.home / "policy.toml").unlink()
    assert going(planned_of(world.beta, WHOLE, TORN)) == []


def test_a_tear_line_is_as_strict_as_whatever_it_was_derived_from_besides(world: World):
    by = {"created_by_ref": world.maker}
    other = str(indicator(5)["id"])
    world.give(world.mallory, [indicator(5, AMBER), derived(6, TORN, other)])
    assert "derived from" in only(planned_of(world.beta)).why
    world.give(world.alpha, [indicator(7, GREEN, **by), derived(8, str(indicator(7)["id"]), WHOLE, **by)])
    assert going(planned_of(world.beta)) == [indicator(7)["id"]]


@pytest.mark.parametrize("references", ["withhold", "cut", "let"])
def test_the_relationship_stays_from_whoever_may_not_have_its_target(world: World, references: str):
    write_policy(world.beta, f'references = "{references}"\n' + RULES)
    ties = str(derived(9, TORN, WHOLE)["id"])
    world.give(world.alpha, [derived(9, TORN, WHOLE, CLEAR, created_by_ref=world.maker)])
    found = planned_of(world.beta, WHOLE, ties)
    assert {one.id: one.rule for one in found.objects} == {WHOLE: "tear-line", ties: "result"}
    assert going(found) == [TORN]


def test_a_request_does_not_name_what_goes_as_its_tear_line_only(world: World):
    asked = request_plan(world.beta, CLOCK, "Gamma", Question(text="Do you know it?", about=(WHOLE,)))
    assert not asked.goes


# --- Whose it is -----------------------------------------------------------------------------------------


def forged(world: World, way: str) -> None:
    """Let Mallory name a tear-line for what Alpha said, which has none."""
    undo_batch(world.beta, CLOCK, world.batch)
    whole, torn, ties = cleared(world.maker)
    own = {"created_by_ref": world.mallory.party.party_id}
    world.give(world.alpha, [whole])
    if way == "in Alpha's name":
        world.give(world.mallory, [torn, ties], taken=False)
    elif way == "in Alpha's name, unsigned":
        keep(world.beta, [torn, ties], by="Mallory")
    elif way == "in its own name":
        world.give(world.mallory, [torn | own, ties | own])
    elif way == "its own tie to what Alpha said":
        world.give(world.alpha, [torn])
        keep(world.beta, [ties], by="Mallory")
    elif way == "Alpha's tie to an object of its own":
        keep(world.beta, [torn], by="Mallory")
        world.give(world.alpha, [ties])
    elif way == "ours":
        keep(world.beta, [torn, ties])
    elif way == "ours in our name":
        me = {"created_by_ref": world.beta.party.party_id}
        keep(world.beta, [torn | me, ties | me])
    elif way == "no maker named":
        for one in (torn, ties):
            one.pop("created_by_ref")
        world.give(world.mallory, [torn, ties])
    else:
        raise AssertionError(way)


@pytest.mark.parametrize(
    "way",
    [
        "in Alpha's name",
        "in Alpha's name, unsigned",
        "in its own name",
        "its own tie to what Alpha said",
        "Alpha's tie to an object of its own",
        "ours",
        "ours in our name",
        "no maker named",
    ],
)
def test_t69_nobody_but_its_originator_clears_an_object(world: World, way: str):
    forged(world, way)
    found = planned_of(world.beta, WHOLE, TORN)
    outcomes = {one.id: (one.outcome, one.rule) for one in found.objects}
    assert outcomes[WHOLE] == ("withheld", "tear-line")
    assert outcomes[TORN][0] == "withheld", "nor is it as wide as it says: it was derived from what is not"
    assert going(found) == []
    assert "tear-line" in found.objects[0].why
    assert "ask its originator" in found.objects[0].why


def test_t69_a_second_claim_to_have_said_an_object_clears_nothing(world: World):
    """Who signed that they said it is its originator: of two, neither, whichever maker it names."""
    undo_batch(world.beta, CLOCK, world.batch)
    nobody = "identity--00000000-0000-4000-8000-00000000ffff"
    whole, torn, ties = cleared(nobody)
    world.give(world.alpha, [whole])
    claimed = keep(world.mallory, [whole, torn, ties])
    take(world.beta, send(world.mallory, world.beta, claimed).path.read_bytes())
    found = planned_of(world.beta)
    assert (only(found).outcome, going(found)) == ("withheld", [])
    assert "not proven" in only(found).why


def test_t69_whoever_claims_to_have_said_what_another_did_is_not_its_originator(world: World):
    """Not even where it took the identity of the maker for its own."""
    alpha, nobody = world.alpha.party.party_id, "identity--00000000-0000-4000-8000-00000000ffff"
    ids = [str(indicator(n)["id"]) for n in (5, 6)]
    objects = [indicator(5, AMBER, created_by_ref=alpha), indicator(6, AMBER, created_by_ref=nobody)]

    def originators() -> list[str | None]:
        kept = [one for one in map(world.beta.store.objects.current, ids) if one is not None]
        found = Originators(world.beta, CLOCK).of(kept)
        return [found[one.object_row] for one in kept]

    world.give(world.alpha, objects)
    assert originators() == [alpha, alpha]
    take(world.beta, send(world.mallory, world.beta, keep(world.mallory, objects)).path.read_bytes())
    assert originators() == [None, None]


def test_t69_tear_lines_in_a_circle_end_and_let_nothing_wider_go(world: World):
    by = {"created_by_ref": world.maker}
    world.give(
        world.alpha,
        [derived(9, WHOLE, TORN, **by), derived(10, TORN, TORN, **by), derived(11, WHOLE, WHOLE, **by)],
    )
    found = planned_of(world.beta, WHOLE, TORN)
    assert going(found) == [TORN]
    write_policy(
        world.beta,
        RULES
        + '[[rule]]\nid = "all"\nwhen = { type = "indicator" }\nto = ["parties"]\ntransform = ["tear-line"]\n',
    )
    assert going(planned_of(world.beta, TORN, WHOLE)) == [TORN]


def test_t69_a_flood_of_candidates_is_decided_in_bounded_work(world: World, monkeypatch: pytest.MonkeyPatch):
    """The originator's own is found among a thousand forged ones that are older, and none of those goes."""
    flood = [
        one
        for n in range(100, 1100)
        for one in (
            indicator(
                n,
                CLEAR,
                created_by_ref=world.maker,
                modified="2026-01-01T00:00:00.000Z",
                created="2026-01-01T00:00:00.000Z",
            ),
            derived(n + 10_000, str(indicator(n)["id"]), WHOLE, CLEAR, created_by_ref=world.maker),
        )
    ]
    keep(world.beta, flood, by="Mallory")
    looked: list[int] = []
    judge = tear_lines.Originators.of

    def counted(self: object, page: Sequence[object]) -> object:
        looked.append(len(page))
        return judge(self, page)  # type: ignore[arg-type]

    monkeypatch.setattr(tear_lines.Originators, "of", counted)
    assert going(planned_of(world.beta)) == [TORN]
    assert max(looked) <= 2 * tear_lines.MAX_CANDIDATES + 1
    assert len(looked) <= 4
    newer = [one | {"modified": "2026-02-02T00:00:00.000Z"} for one in flood if one["type"] == "indicator"]
    keep(world.beta, newer, by="Mallory")
    shown = only(planned_of(world.beta))
    assert shown.outcome == "withheld", "who hides the originator's own among newer ones lets nothing go"
    assert "is no tear-line of it" in shown.why


def test_t69_who_says_very_much_of_one_tear_line_holds_back_that_one_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    by = {"created_by_ref": world.maker}
    ids = [str(indicator(n)["id"]) for n in (5, 6)]
    world.give(
        world.alpha, [indicator(5, AMBER, **by), indicator(6, GREEN, **by), derived(7, ids[1], ids[0], **by)]
    )
    monkeypatch.setattr(tear_lines, "MAX_CANDIDATES", 3)
    assert set(going(planned_of(world.beta, WHOLE, ids[0]))) == {TORN, ids[1]}
    keep(world.beta, [derived(n, TORN, str(indicator(n)["id"]), CLEAR) for n in range(50, 54)], by="Mallory")
    assert going(planned_of(world.beta, WHOLE, ids[0])) == [ids[1]]


# --- The plan --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    ["tear-line revised", "tear-line revoked", "tie revised", "tie revoked", "undone", "had meanwhile"],
)
def test_t64_a_plan_is_another_once_a_tear_line_or_its_tie_changed(world: World, change: str):
    looked_at = planned_of(world.beta)
    assert planned_of(world.beta).sha256 == looked_at.sha256
    _, torn, ties = cleared(world.maker)
    later = {"modified": "2026-02-02T03:04:05.000Z"}
    if change == "had meanwhile":
        release(world.beta, CLOCK, looked_at, How(), approved=looked_at.sha256)
        again = planned_of(world.beta)
        assert (only(again).had, only(again).learns) == (True, ())
        return
    if change == "undone":
        undo_batch(world.beta, CLOCK, world.batch)
        world.give(world.alpha, [cleared(world.maker)[0], torn])
    else:
        revoked = {"revoked": True} if change.endswith("revoked") else {}
        world.give(world.alpha, [(torn if change.startswith("tear-line") else ties) | later | revoked])
    after = planned_of(world.beta)
    assert after.sha256 != looked_at.sha256
    assert bool(after.going) is change.endswith("revised")
    with pytest.raises(PolicyError, match="no longer the one"):
        release(world.beta, CLOCK, after, How(), approved=looked_at.sha256)


def test_a_plan_with_a_tear_line_is_noted_for_whoever_is_to_look_at_it(world: World):
    found = planned_of(world.beta)
    note_plan(world.beta, CLOCK, found, Choice(ids=(WHOLE,)))
    again = planned(world.beta, CLOCK, found.sha256).document()
    assert (again.goes, again.tear_lines, again.withheld) == (1, 1, 0)
    assert again.objects[0].relationship is not None


def test_a_deniable_drop_holds_no_tear_line(world: World):
    found = plan(world.beta, CLOCK, recipient_of(world.beta, "Gamma"), Choice(ids=(WHOLE,)), is_deniable=True)
    assert (only(found).outcome, going(found)) == ("withheld", [])


# --- Pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("references", ["withhold", "let"])
def test_a_page_holds_a_tear_line_as_an_object_of_its_own_and_nothing_of_what_it_was_cleared_from(
    world: World, references: str
):
    """A page changes nothing: what is withheld is not replaced, and its tear-line is there where it is offered itself."""
    beta = world.beta
    world.give(world.alpha, [derived(9, TORN, WHOLE, CLEAR, created_by_ref=world.maker)])
    add_root(beta, CLOCK, "sharing", base_url=BASE)
    add_collection(beta, CLOCK, NewOffer(title="All", root_id="sharing", alias="all"), base_url=BASE)
    put_batch(beta, CLOCK, "all", world.batch)
    put_batch(beta, CLOCK, "all", BatchId(world.batch + 1))
    token = add_token(beta, CLOCK, NewCredential(party="Gamma", read=("all",)))
    party = beta.store.parties.by_name("Gamma")
    assert party is not None
    reach = '[reach]\nnamed_reader = "GREEN"\n'
    for rules, expected in (
        (RULES, [TORN]),
        (RULES.replace('transform = ["tear-line"]', "allow = true"), []),
    ):
        write_policy(beta, f'references = "{references}"\n{reach}{rules}')
        page = objects_page(beta, CLOCK, Caller(party, token.number), "sharing", "all", EVERY)
        indicators = [one.stix_id for one in page.records if one.stix_id.startswith("indicator")]
        assert indicators == expected
        if expected:
            bodies = [codec.decode(body) for body in page.bodies]
            assert not [one for one in bodies if one["type"] == "relationship"]
