"""Permits between real nodes: given, kept, relied on, shown, and refused where they do not hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.desk.drops import AMBER, indicator, keep, nodes, send, take
from tests.desk.hostile import Parts, made_of, opened_by, resaid, signing_key, why_quarantined
from tests.desk.made import CLOCK, NOW

from backchannel.clock import Clock, FixedClock, format_time
from backchannel.desk.batches import undo_batch
from backchannel.desk.choosing import Choice
from backchannel.desk.node import Node
from backchannel.desk.permitting import permit
from backchannel.desk.planning import Plan, plan
from backchannel.desk.receipt_drops import take_statements, write_statements
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import How, release
from backchannel.desk.why import why
from backchannel.errors import NotFoundError, PolicyError, UsageError
from backchannel.ids import BatchId
from backchannel.parties.states import Standing
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import Permit
from backchannel.provenance.statement import (
    EVERYBODY,
    ObjectSubject,
    digest_text,
    make,
    open_envelope,
)
from backchannel.stix.markings import Tlp
from backchannel.store.membership import EventRow

ID = str(indicator(0)["id"])
OTHER = str(indicator(1)["id"])
IDS = [ID, OTHER]


class World:
    """Alpha said two things in TLP:AMBER, Beta has them and knows Gamma from an introduction only."""

    def __init__(self, alpha: Node, beta: Node, gamma: Node) -> None:
        self.alpha, self.beta, self.gamma = alpha, beta, gamma
        batch = keep(alpha, [indicator(0, AMBER), indicator(1, AMBER)])
        took = take(beta, send(alpha, beta, batch).path.read_bytes())
        self.batch = took.batch or 0
        introduced(beta, "Gamma")

    def permit(self, *ids: str, clock: Clock = CLOCK, **terms: object) -> str:
        """Let Alpha permit it, and Beta hear of it."""
        fields = {"to": ["Beta"], "tlp": "green", "until": "90d"} | terms
        given = permit(self.alpha, clock, Choice(ids or (ID,)), **fields)  # type: ignore[arg-type]
        path = self.alpha.home / "permit.json"
        assert write_statements(self.alpha, clock, "Beta", path) is not None
        heard = take_statements(self.beta, clock, path.read_bytes(), "permit.json")
        assert (heard.statements, heard.refused) == (1, 0)
        return given.statement

    def planned(self, clock: Clock = CLOCK, to: str = "Gamma") -> Plan:
        return plan(self.beta, clock, recipient_of(self.beta, to), Choice(batch=BatchId(self.batch)))

    def goes(self, clock: Clock = CLOCK) -> dict[str, tuple[bool, str, str]]:
        return {one.id: (one.goes, one.rule, one.tlp) for one in self.planned(clock).objects}

    def sent(self, clock: Clock = CLOCK, how: How | None = None) -> bytes:
        planned = self.planned(clock)
        return release(self.beta, clock, planned, how or How(), approved=planned.sha256).path.read_bytes()


def introduced(node: Node, name: str) -> None:
    party = node.store.parties.by_name(name)
    assert party is not None
    event = EventRow(format_time(NOW), "vouched", Standing.VERIFIED, Standing.INTRODUCED, "a test")
    with node.store.transaction():
        node.store.membership.move(party.party_row, event)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with nodes(tmp_path, "Alpha", "Beta", "Gamma") as found:
        yield World(*found)


# --- Given -----------------------------------------------------------------------------------------------


def test_a_permit_is_entered_in_the_ledger_and_waits_for_the_party_that_it_is_for(world: World):
    given = permit(world.alpha, CLOCK, Choice((ID,)), to=["Beta"], tlp="TLP:GREEN", until="90d")
    assert [(one.id, one.tlp) for one in given.objects] == [(ID, "TLP:AMBER")]
    assert (given.to, given.tlp, given.waits_for) == (("Beta",), "TLP:GREEN", ("Beta",))
    assert given.until == "2026-05-30T12:00:00Z"
    [leaf] = world.alpha.store.leaves.about([given.statement], at_most=2)
    assert leaf.kind == LeafKind.PERMIT
    assert world.alpha.store.statements.waiting_parties() == [("Beta", 1)]


def test_a_permit_for_everybody_waits_for_all_to_whom_the_object_went(world: World):
    send(world.alpha, world.gamma, keep(world.alpha, [indicator(0, AMBER)]))
    given = permit(world.alpha, CLOCK, Choice(tuple(IDS)), to=[], tlp="clear", until="2026-12-31")
    assert (given.to, given.waits_for) == ((), ("Beta", "Gamma"))


def test_only_the_originator_gives_a_permit_and_only_one_that_changes_something(world: World):
    with pytest.raises(PolicyError, match="not the originator"):
        permit(world.beta, CLOCK, Choice((ID,)), to=["Gamma"], tlp="green", until="90d")
    for tlp in ("amber", "red"):
        with pytest.raises(UsageError, match="without a permit"):
            permit(world.alpha, CLOCK, Choice((ID,)), to=["Beta"], tlp=tlp, until="90d")
    with pytest.raises(UsageError, match="is no TLP label"):
        permit(world.alpha, CLOCK, Choice((ID,)), to=["Beta"], tlp="pink", until="90d")
    with pytest.raises(UsageError, match="is over already"):
        permit(world.alpha, CLOCK, Choice((ID,)), to=["Beta"], tlp="green", until="2025-01-01")
    with pytest.raises(NotFoundError):
        permit(world.alpha, CLOCK, Choice((ID,)), to=["Nobody"], tlp="green", until="90d")
    assert world.alpha.store.statements.waiting_parties() == []


def test_an_import_in_our_name_of_what_another_signed_makes_nobody_its_originator(world: World):
    keep(world.gamma, [indicator(0, AMBER)])
    take(world.gamma, send(world.alpha, world.gamma, 1).path.read_bytes())
    with pytest.raises(PolicyError, match="not the originator"):
        permit(world.gamma, CLOCK, Choice((ID,)), to=["Beta"], tlp="green", until="90d")


# --- Relied on, and shown --------------------------------------------------------------------------------


def test_t62_what_the_originator_permits_goes_on_and_is_taken_with_the_permit(world: World):
    assert world.goes() == {ID: (False, "tlp", "TLP:AMBER"), OTHER: (False, "tlp", "TLP:AMBER")}
    name = world.permit()
    assert world.goes() == {ID: (True, "permit", "TLP:GREEN"), OTHER: (False, "tlp", "TLP:AMBER")}
    data = world.sent()
    parts = opened_by(world.gamma, data)
    assert (parts.release.permit, parts.release.tlp_max) == ([name], Tlp.GREEN)
    found = take(world.gamma, data)
    assert (found.stored, found.quarantined, found.notes) == (1, 0, ())
    (chain,) = why(world.gamma, CLOCK, ID).provenance.chains
    assert (chain.state, chain.tlp, chain.hops[1].permit) == ("proven", "TLP:GREEN", name)
    assert chain.hops[1].says == (
        "Beta passed it on unchanged, TLP:AMBER to TLP:GREEN as the originator permits until "
        "2026-05-30T12:00:00Z: the signature holds."
    )
    assert world.gamma.store.statements.get(bytes.fromhex(name.removeprefix("sha256:"))) is not None


def test_a_permit_is_shown_to_who_has_it(world: World):
    name = world.permit()
    for node in (world.alpha, world.beta):
        (shown,) = why(node, CLOCK, ID).provenance.permits
        assert shown.says == "Alpha lets Beta pass it on as TLP:GREEN until 2026-05-30T12:00:00Z."
        assert (shown.signer, shown.to, shown.tlp, shown.statement) == ("Alpha", ("Beta",), "TLP:GREEN", name)
    (over,) = why(world.beta, FixedClock(NOW + timedelta(days=91)), ID).provenance.permits
    assert (over.is_over, over.says.endswith("Z, which is over.")) == (True, True)
    assert why(world.beta, CLOCK, OTHER).provenance.permits == ()


def test_a_permit_goes_with_the_next_drop_and_goes_with_it_when_that_is_undone(world: World):
    permit(world.alpha, CLOCK, Choice((ID,)), to=["Beta"], tlp="green", until="90d")
    batch = take(
        world.beta, send(world.alpha, world.beta, keep(world.alpha, [indicator(2)])).path.read_bytes()
    ).batch
    assert world.alpha.store.statements.waiting_parties() == []
    assert world.goes()[ID][0]
    undo_batch(world.beta, CLOCK, BatchId(batch or 0))
    assert not world.goes()[ID][0]


def test_a_permit_that_came_before_stays_with_each_drop_that_relies_on_it(world: World):
    world.permit(ID, OTHER)
    first, second = world.sent(), world.sent()
    batch = take(world.gamma, first).batch
    take(world.gamma, second)
    undo_batch(world.gamma, CLOCK, BatchId(batch or 0))
    (chain,) = why(world.gamma, CLOCK, ID).provenance.chains
    assert (chain.state, chain.tlp) == ("proven", "TLP:GREEN")


def test_what_needs_no_permit_goes_as_it_is_marked(world: World):
    world.permit()
    party = world.beta.store.parties.by_name("Gamma")
    assert party is not None
    with world.beta.store.transaction():
        again = EventRow(format_time(NOW), "verified", Standing.INTRODUCED, Standing.VERIFIED, "a test")
        world.beta.store.membership.move(party.party_row, again)
    assert set(world.goes().values()) == {(True, "tlp", "TLP:AMBER")}
    assert opened_by(world.gamma, world.sent()).release.permit == []


def test_whoever_had_it_by_a_permit_passes_it_on_with_the_permit(world: World, tmp_path: Path):
    world.permit()
    batch = take(world.gamma, world.sent()).batch
    with nodes(tmp_path / "more", "Delta") as [delta]:
        acquaint(delta, world.alpha, world.beta, world.gamma)
        acquaint(world.gamma, delta)
        introduced(world.gamma, "Delta")
        planned = plan(
            world.gamma, CLOCK, recipient_of(world.gamma, "Delta"), Choice(batch=BatchId(batch or 0))
        )
        assert [(one.goes, one.rule, one.tlp) for one in planned.objects] == [(True, "tlp", "TLP:GREEN")]
        made = release(world.gamma, CLOCK, planned, How(), approved=planned.sha256)
        found = take(delta, made.path.read_bytes())
        assert (found.stored, found.quarantined) == (1, 0)
        (chain,) = why(delta, CLOCK, ID).provenance.chains
        assert (chain.state, chain.tlp, len(chain.hops)) == ("proven", "TLP:GREEN", 3)


def acquaint(node: Node, *others: Node) -> None:
    from backchannel.desk import membership  # noqa: PLC0415
    from backchannel.desk.own_keys import own_keys  # noqa: PLC0415
    from backchannel.parties.card import card_text  # noqa: PLC0415

    for other in others:
        card = card_text(own_keys(other, CLOCK).card).encode()
        membership.meet(node, CLOCK, card, handed_over=True)


def test_a_source_is_not_hidden_behind_its_own_permit(world: World):
    world.permit()
    with pytest.raises(PolicyError, match="a permit shows whose it is"):
        world.sent(how=How(hide_sources=True))


# --- T62: where it does not hold -------------------------------------------------------------------------


def test_t62_nothing_goes_by_a_permit_that_does_not_hold(world: World):
    world.permit(until="2026-04-01")
    assert world.goes()[ID][0]
    after = FixedClock(NOW + timedelta(days=32))
    assert world.goes(after)[ID] == (False, "tlp", "TLP:AMBER")
    permit(world.alpha, CLOCK, Choice((OTHER,)), to=["Gamma"], tlp="green", until="90d")
    path = world.alpha.home / "for-gamma.json"
    write_statements(world.alpha, CLOCK, "Gamma", path)
    take_statements(world.beta, CLOCK, path.read_bytes(), "for-gamma.json")
    assert world.goes()[OTHER] == (False, "tlp", "TLP:AMBER"), "it is for another party"


@pytest.fixture
def widened(world: World) -> Parts:
    """What Beta gives Gamma, with a marking that Alpha permits."""
    world.permit()
    return opened_by(world.gamma, world.sent())


def said(world: World, *, by: Node | None = None, digest: str = "", **changes: object) -> bytes:
    """A permit as Alpha's, with something else in it."""
    kept = world.alpha.store.objects.current(ID)
    assert kept is not None
    fields = {"to": [signing_key(world.beta).kid], "until": "2026-05-30T12:00:00Z", "marking": Tlp.GREEN}
    subject = ObjectSubject(id=ID, jcs=digest or digest_text(kept.digest), modified=kept.version or "")
    predicate = Permit(**(fields | changes))  # type: ignore[arg-type]
    return make(predicate, subject=[subject], aud=EVERYBODY, key=signing_key(by or world.alpha), iat=NOW)


def instead(parts: Parts, permit: bytes | None, *, is_named: bool = True) -> None:
    """Let another permit go along, or none."""
    kinds = [open_envelope(one).statement.predicate_type for one in parts.statements]
    parts.statements = [
        one for one, kind in zip(parts.statements, kinds, strict=True) if kind != "permit"
    ] + ([] if permit is None else [permit])
    names = [digest_text(open_envelope(permit).digest)] if permit is not None and is_named else []
    parts.release = msgspec.structs.replace(parts.release, permit=names)


@pytest.mark.parametrize(
    ("what", "reason", "detail"),
    [
        ("none", "downgraded-marking", "TLP:AMBER to TLP:GREEN)"),
        ("of another object", "downgraded-marking", "TLP:AMBER to TLP:GREEN)"),
        ("of the relay itself", "downgraded-marking", "TLP:AMBER to TLP:GREEN)"),
        ("run out", "no-permit", "it ran out 2026-01-01T00:00:00Z"),
        ("for another party", "no-permit", "it is for another party"),
        ("not so wide", "no-permit", "it reaches to TLP:AMBER"),
        ("named and missing", "no-permit", "is missing or does not hold"),
        ("named and forged", "no-permit", "is missing or does not hold"),
    ],
)
def test_t62_a_relay_that_widens_without_a_permit_that_holds_is_quarantined(
    world: World, widened: Parts, what: str, reason: str, detail: str
):
    permit = {
        "of another object": lambda: said(world, digest=digest_text(bytes(32))),
        "of the relay itself": lambda: said(world, by=world.beta),
        "run out": lambda: said(world, until="2026-01-01T00:00:00Z"),
        "for another party": lambda: said(world, to=[signing_key(world.gamma).kid]),
        "not so wide": lambda: said(world, marking=Tlp.AMBER),
        "named and forged": lambda: said(world).replace(b'"sig":"', b'"sig":"AAAA', 1),
    }.get(what, lambda: None)()
    if what == "named and missing":
        instead(widened, None)
        widened.release = msgspec.structs.replace(widened.release, permit=[digest_text(bytes(32))])
    else:
        instead(widened, permit)
    found = take(world.gamma, made_of(widened, world.beta, world.gamma))
    assert found.quarantined == 1
    assert why_quarantined(world.gamma, [ID]) == {ID: reason}
    [kept] = world.gamma.store.objects.all_versions(ID, at_most=2)
    [finding] = world.gamma.store.objects.findings([kept.object_row])[kept.object_row]
    assert detail in finding.what
    assert world.gamma.store.objects.current(ID) is None


def test_t62_a_permit_that_is_not_named_counts_all_the_same(world: World, widened: Parts):
    instead(widened, said(world), is_named=False)
    assert take(world.gamma, made_of(widened, world.beta, world.gamma)).stored == 1


def test_t62_a_relay_cannot_date_what_it_received_as_wider_by_a_permit(world: World, widened: Parts):
    resaid(widened, world.beta, marking_in=Tlp.GREEN)
    take(world.gamma, made_of(widened, world.beta, world.gamma))
    assert why_quarantined(world.gamma, [ID]) == {ID: "downgraded-marking"}


def test_t62_a_neighbour_that_nobody_permits_is_not_taken_with_one_that_is(world: World):
    """Both came on one way, so that what is found of one would be taken for the other."""
    world.permit(ID, OTHER)
    parts = opened_by(world.gamma, world.sent())
    instead(parts, said(world))
    found = take(world.gamma, made_of(parts, world.beta, world.gamma))
    assert (found.stored, found.quarantined) == (1, 1)
    assert why_quarantined(world.gamma, IDS) == {ID: "", OTHER: "downgraded-marking"}


# --- The originator is told ------------------------------------------------------------------------------


def told_to_alpha(world: World) -> int:
    """How much waits at Gamma for Alpha."""
    return dict(world.gamma.store.statements.waiting_parties()).get("Alpha", 0)


def test_t21_the_originator_is_told_who_widened_its_marking(world: World, widened: Parts):
    instead(widened, None)
    take(world.gamma, made_of(widened, world.beta, world.gamma))
    assert told_to_alpha(world) == 1
    made = send(world.gamma, world.alpha, keep(world.gamma, [indicator(5)]))
    assert take(world.alpha, made.path.read_bytes()).notes == ()
    (told,) = why(world.alpha, CLOCK, ID).provenance.widened
    assert told.says == (
        "Gamma tells that Beta passed it on as TLP:GREEN, who had it as TLP:AMBER, and refused it "
        "(downgraded-marking)."
    )
    relay = next(
        open_envelope(one)
        for one in widened.statements
        if open_envelope(one).statement.predicate_type == "relay"
    )
    assert (told.signer, told.relay, told.statement) == ("Gamma", "Beta", digest_text(relay.digest))


def test_an_originator_is_told_once_and_only_where_it_may_be(world: World, widened: Parts):
    instead(widened, None)
    batch = take(world.gamma, made_of(widened, world.beta, world.gamma)).batch
    undo_batch(world.gamma, CLOCK, BatchId(batch or 0))
    take(world.gamma, made_of(widened, world.beta, world.gamma))
    assert told_to_alpha(world) == 1


def test_who_is_only_introduced_is_not_told_whom_we_had_it_from(world: World, widened: Parts):
    introduced(world.gamma, "Alpha")
    instead(widened, None)
    assert take(world.gamma, made_of(widened, world.beta, world.gamma)).quarantined == 1
    assert told_to_alpha(world) == 0


def test_nobody_is_accused_of_what_it_did_not_sign(world: World, widened: Parts):
    instead(widened, None)
    widened.statements = [
        one.replace(b'"sig":"', b'"sig":"AAAA', 1)
        if open_envelope(one).statement.predicate_type == "relay"
        else one
        for one in widened.statements
    ]
    take(world.gamma, made_of(widened, world.beta, world.gamma))
    assert told_to_alpha(world) == 0
