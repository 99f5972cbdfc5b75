"""Acts 8 to 10: a claim that comes five times is one, a true one is confirmed, and a false one is taken back everywhere.

Days pass between what is told, since our own words come back later than we said them.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from backchannel import codec
from backchannel.clock import Clock, FixedClock
from backchannel.demo.handing import exchange_cards, hand, hand_what_waits
from backchannel.demo.telling import Say, advise, counted, head, names_of
from backchannel.desk.answering import dispute, sight
from backchannel.desk.belief import belief_of
from backchannel.desk.belief_documents import Belief
from backchannel.desk.exporting import export
from backchannel.desk.hitbook import hits
from backchannel.desk.hunting import hunt
from backchannel.desk.introducing import introduce, take_introduction
from backchannel.desk.items import find
from backchannel.desk.node import Node, init_node, open_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.receive import receive
from backchannel.desk.retracting import retract
from backchannel.desk.stating import How
from backchannel.desk.views import views_of

NORTHPIER: Final = "Northpier Telecom"
SKUA: Final = "Skua Research"
FABRICATED: Final = "skua-research-card-machines.json"
RETOLD: Final = "lantern-help-line-card-machines.json"
PRINTERS: Final = "cert-vessland-printers.json"
"""A true claim and a false one, in this order."""
ZONE: Final = "northpier-rpz"
"""Folder of the zone by which Northpier blocks names."""
HARMLESS: Final = "The maker of the printers runs it: it gives the time and nothing else."
MIXED_UP: Final = "We took the time server of the printers' maker for a control server."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Who plays, where, from when, and who listens."""

    clinic: Node
    cert: Node
    lantern: Node
    northpier: Node
    skua: Node
    begun: Clock
    say: Say
    world: Path
    folder: Path

    def day(self, number: int) -> Clock:
        """Return the time so many days after the first of these acts."""
        return FixedClock(self.begun.now() + timedelta(days=number))


def judge_what_was_told(clinic: Node, cert: Node, clock: Clock, say: Say, world: Path, folder: Path) -> None:
    """Tell of three claims: who really says so, what each is worth, and what becomes of a mistake."""
    with ExitStack() as nodes:
        scene = _Scene(
            clinic=clinic,
            cert=cert,
            lantern=nodes.enter_context(open_node(folder / "lantern")),
            northpier=nodes.enter_context(init_node(folder / "northpier", name=NORTHPIER, clock=clock)),
            skua=nodes.enter_context(init_node(folder / "skua", name=SKUA, clock=clock)),
            begun=clock,
            say=say,
            world=world,
            folder=folder,
        )
        _meet(scene)
        head(say, "8. One claim that comes five times", "why ID")
        _five_times(scene)
        head(say, "9. A claim that is true", "hunt logs")
        _confirmed(scene)
        head(say, "10. A claim that is false", "retract ID --reason WORDS")
        _taken_back(scene)


def _meet(scene: _Scene) -> None:
    clinic, cert, clock = scene.clinic, scene.cert, scene.begun
    for one, other in ((clinic, scene.northpier), (cert, scene.northpier), (cert, scene.skua)):
        exchange_cards(clock, one, other)
    text = introduce(cert, clock, own_keys(cert, clock), SKUA, to=clinic.party.name, how="in-person")
    take_introduction(clinic, clock, text.encode())


# --- 8. One claim that comes five times ------------------------------------------------------------------


def _five_times(scene: _Scene) -> None:
    """Let three relays bring what one party made up, and what the clinic had told one of them."""
    clinic, cert, lantern, northpier = scene.clinic, scene.cert, scene.lantern, scene.northpier
    today, later = scene.day(0), scene.day(2)
    (claim,) = _take_in(scene.skua, today, scene.world / "offered" / FABRICATED, of=SKUA)
    hand(scene.skua, cert, claim, today)
    hand(cert, clinic, claim, today)
    hand(cert, northpier, claim, today)
    hand(northpier, clinic, claim, today)
    (retold,) = _take_in(lantern, today, scene.world / "offered" / RETOLD, of=SKUA)
    hand(lantern, clinic, retold, today)
    hand(clinic, lantern, claim, today)
    hand(cert, clinic, claim, later)
    hand(lantern, clinic, claim, later)
    _say_tree(_believed(clinic, claim, later), names_of(clinic, later, [claim])[0], clinic, scene.say)


def _say_tree(found: Belief, name: str, node: Node, say: Say) -> None:
    """Say by which ways a claim came, and how many really say so."""
    say(f"   “{name}” comes to {node.party.name}:")
    for report in sorted(found.reports, key=lambda one: one.batch):
        say(f"      {report.received_at[:10]}  {' > '.join(report.path)}")
    say(f"   {found.says}")
    for origin in found.origins:
        say(f"      {origin.name} ({origin.letter}): {counted(len(origin.reports), 'report')} of one origin")
        for because in dict.fromkeys(union.says for union in origin.unions):
            say(f"         {because}")
    for echo in found.echoes:
        say(f"      {echo.says}")
    _say_worth(found, say)
    for why in found.asks_person:
        say(f"      not blocked unless a person says so: {why}")


def _say_worth(found: Belief, say: Say) -> None:
    confidence = "no confidence" if found.confidence is None else f"confidence {found.confidence}"
    say(f"   So it is worth a {found.number} ({confidence} in STIX): {' '.join(found.reasons)}")


# --- 9. A claim that is true -----------------------------------------------------------------------------


def _confirmed(scene: _Scene) -> None:
    """Let a party that saw it itself say so too, and the clinic look into its own logs."""
    clinic, cert, say = scene.clinic, scene.cert, scene.say
    told, found = scene.day(3), scene.day(4)
    claim, _ = _take_in(cert, told, scene.world / "offered" / PRINTERS, of=cert.party.name)
    hand(cert, clinic, claim, told, How(ack="none", collection="first-hand"))
    believed = _believed(clinic, claim, told)
    say(f"   {believed.claim}: {believed.says}")
    for origin in sorted(believed.origins, key=lambda one: one.name):
        first_hand = ", which saw it itself" if origin.is_first_hand else ""
        say(f"      {origin.name} ({origin.letter}){first_hand}")
    _say_worth(believed, say)
    for _ in hunt(clinic, found, [scene.world / "logs"]):
        pass
    seen = [one for one in hits(clinic, found).by_indicator if one.indicator == claim]
    advise(seen, say)
    for one in seen:
        sight(clinic, found, one.indicator)
    _say_worth(_believed(clinic, claim, found), say)
    hand_what_waits(clinic, cert, found)
    _say_views(cert, found, claim, say)


def _say_views(node: Node, clock: Clock, stix_id: str, say: Say) -> None:
    for view in views_of(node, clock, find(node.store, stix_id)):
        say(f"      {node.party.name} hears from {view.party} ({view.kind}): {view.says}")


# --- 10. A claim that is false ---------------------------------------------------------------------------


def _taken_back(scene: _Scene) -> None:
    """Let a mistake of the CERT go through the clinic into a block of Northpier's, and be taken out again."""
    clinic, cert, northpier, say = scene.clinic, scene.cert, scene.northpier, scene.say
    told, denied, withdrawn = scene.day(3), scene.day(4), scene.day(5)
    _, claim = _indicators(scene.world / "offered" / PRINTERS)
    hand(cert, clinic, claim, told)
    hand(clinic, northpier, claim, told)
    _say_zone(northpier, told, scene.folder / ZONE, say)
    dispute(clinic, denied, claim, text=HARMLESS)
    say(f"   {clinic.party.name} disputes “{names_of(clinic, denied, [claim])[0]}”:")
    hand_what_waits(clinic, cert, denied)
    _say_views(cert, denied, claim, say)
    given = sum(one.outcome == "given" for one in retract(cert, withdrawn, claim, MIXED_UP).told)
    say(f"   {cert.party.name} takes it back, and tells {counted(given, 'party')}")
    hand_what_waits(cert, clinic, withdrawn)
    hand_what_waits(clinic, northpier, withdrawn)
    taken_back = _believed(clinic, claim, withdrawn).withdrawn
    if taken_back is not None:
        say(f"      {clinic.party.name}, from {taken_back.by}: {taken_back.says}")
    _say_zone(northpier, withdrawn, scene.folder / ZONE, say)


def _say_zone(node: Node, clock: Clock, folder: Path, say: Say) -> None:
    """Write the zone of what is blocked, and say what stands in it and what was taken out."""
    report = export(node, clock, "rpz", folder)
    blocked = [line["value"] for line in codec.decode((folder / "manifest.json").read_bytes())["lines"]]
    say(f"   {node.party.name} blocks {', '.join(blocked) or 'nothing'}")
    for one in report.withdrawn:
        say(f"      taken out {one.value}: {one.why}")


# --- What all of them do ---------------------------------------------------------------------------------


def _take_in(node: Node, clock: Clock, file: Path, *, of: str) -> list[str]:
    """Let a node take in what a party says, and return the indicators."""
    receive(node, clock, [file], party=of)
    return _indicators(file)


def _indicators(file: Path) -> list[str]:
    found = (str(one["id"]) for one in codec.decode(file.read_bytes())["objects"])
    return [one for one in found if one.startswith("indicator--")]


def _believed(node: Node, stix_id: str, clock: Clock) -> Belief:
    return belief_of(node, clock, find(node.store, stix_id))
