"""Act 7: a help line and the clinic meet by code words, and exchange drops through a folder that Mallory keeps.

Mallory is no party of the clinic. She reads and writes everything in the folder, and was once trusted by the help
line; what she tries here is what anybody who carries drops could try.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from backchannel.channels.opening import open_channel
from backchannel.clock import Clock, FixedClock
from backchannel.demo.proving import prove_what_was_told
from backchannel.demo.telling import Say, advise, came_by, counted, names_of
from backchannel.desk import invitations
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel
from backchannel.desk.choosing import Choice
from backchannel.desk.handing import random_name
from backchannel.desk.handing_on import hand_on
from backchannel.desk.hitbook import hits
from backchannel.desk.hunting import hunt
from backchannel.desk.introducing import introduce, take_introduction
from backchannel.desk.membership import contact_card, meet, membership_of, named, safety_of, verify
from backchannel.desk.node import Node, init_node
from backchannel.desk.own_keys import own_keys
from backchannel.desk.party_documents import Invitation
from backchannel.desk.planning import plan
from backchannel.desk.polling import poll
from backchannel.desk.receipt_drops import receipts_drop
from backchannel.desk.receipting import Acted, Word, acknowledged
from backchannel.desk.receive import receive
from backchannel.desk.recipients import recipient_of
from backchannel.desk.releasing import Made, release
from backchannel.desk.sent_drops import list_sent
from backchannel.desk.stating import How
from backchannel.desk.why import why
from backchannel.drop.sealing import Keys, decrypt, encrypt
from backchannel.errors import BackchannelError
from backchannel.ids import BatchId
from backchannel.parties.age_keys import to_identity
from backchannel.parties.codes import new_code

LANTERN: Final = "Lantern Help Line"
NIGHT_CALLS: Final = "lantern-help-line-night-calls.json"
SHARED: Final = "shared"
"""The folder, and what each node calls its channel to it."""
MAX_SENT: Final = 10
LATER: Final = timedelta(days=3)
"""After which the help line asks who answered."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """Who plays, when and where."""

    clinic: Node
    cert: Node
    lantern: Node
    mallory: Node
    clock: Clock
    say: Say
    shared: Path


def exchange_by_hand(clinic: Node, cert: Node, clock: Clock, say: Say, world: Path, folder: Path) -> None:
    """Let the help line and the clinic meet, tell each other something, and prove afterwards what was told."""
    shared = folder / SHARED
    shared.mkdir()
    with (
        init_node(folder / "lantern", name=LANTERN, clock=clock) as lantern,
        init_node(folder / "mallory", name="Mallory", clock=clock) as mallory,
    ):
        for node in (clinic, cert, lantern):
            add_channel(node, clock, "drop", Terms(url=str(shared.resolve())), name=SHARED)
        scene = _Scene(clinic, cert, lantern, mallory, clock, say, shared)
        _meet(scene)
        _send(scene, world)
        _pass_on(scene)
        _hear_back(scene)
        prove_what_was_told(clinic, clock, say, folder)


# --- Meeting -------------------------------------------------------------------------------------------


def _meet(scene: _Scene) -> None:
    clinic, lantern, clock, say = scene.clinic, scene.lantern, scene.clock, scene.say
    begun = invitations.begin(clinic, clock)
    say(
        f"   {clinic.party.name} says on the telephone: “{begun.code}”. All that follows may be read by anybody."
    )
    guess = _answer(scene.mallory, clock, begun.message, code=new_code(begun.number).spoken)
    try:
        _answer(clinic, clock, guess.message)
    except BackchannelError as refusal:
        say(f"      Mallory guesses three other words: {refusal.message}")
    joined = _answer(lantern, clock, begun.message, code=begun.code)
    finished = _answer(clinic, clock, joined.message)
    for node, met in ((clinic, finished), (lantern, _answer(lantern, clock, finished.message))):
        say(f"   {node.party.name} now has the keys of {met.party}: {_standing(node, met.party)}")
    number = safety_of(lantern, clinic.party.name)
    say(f"   They read to each other: {number.digits}")
    same = verify(clinic, clock, lantern.party.name, number.digits)
    say(f"      {clinic.party.name} has the same number: {same} is {_standing(clinic, same)}")
    try:
        meet(scene.mallory, clock, _card(lantern, clock), handed_over=True)
        verify(clinic, clock, same, safety_of(scene.mallory, lantern.party.name).digits)
    except BackchannelError as refusal:
        say(f"      Read out by Mallory: {refusal.message}")


def _answer(node: Node, clock: Clock, message: str | None, *, code: str | None = None) -> Invitation:
    return invitations.go_on(node, clock, own_keys(node, clock), message or "", code=code)


def _standing(node: Node, party: str | None) -> str:
    return membership_of(node, named(node, party or "").party_row).standing


def _card(node: Node, clock: Clock) -> bytes:
    return contact_card(node, clock).text.encode()


# --- Sending -------------------------------------------------------------------------------------------


def _send(scene: _Scene, world: Path) -> None:
    """Let the help line send what it was told at night, and Mallory meddle with it."""
    clinic, lantern, clock, say = scene.clinic, scene.lantern, scene.clock, scene.say
    told = receive(lantern, clock, [world / "offered" / NIGHT_CALLS], party=lantern.party.name)
    planned = plan(
        lantern, clock, recipient_of(lantern, clinic.party.name), Choice(batch=BatchId(told.batch))
    )
    for one in planned.objects:
        if not one.goes:
            say(f"   Stays with {lantern.party.name}: {one.tlp} {one.id}: {one.why}")
    going = [one.id for one in planned.objects if one.goes and one.id.startswith("indicator--")]
    if not going:
        return
    made = release(
        lantern, clock, planned, How(ack="acted", collection="first-hand"), approved=planned.sha256
    )
    say(f"   {lantern.party.name} sends a drop: {_drop_in_words(made)}")
    _meddle(scene, made.path.read_bytes(), to_mallory=_drop_for_mallory(scene, going[0]))
    hand_on(lantern, clock, SHARED, made.path, open_channel, pause=_no_pause)
    _look_into(clinic, scene, f"   {clinic.party.name} looks into the folder:")
    _find_in_logs(clinic, clock, say, world)


def _drop_in_words(made: Made) -> str:
    drop = made.document
    return f"{counted(drop.objects, 'object')}, with {counted(drop.statements, 'statement')} signed"


def _drop_for_mallory(scene: _Scene, what: str) -> bytes:
    """Return what Mallory got of the help line when it still trusted her: a drop that is good, and for her."""
    lantern, clock = scene.lantern, scene.clock
    meet(lantern, clock, _card(scene.mallory, clock), handed_over=True)
    to = recipient_of(lantern, scene.mallory.party.name)
    return release(
        lantern, clock, plan(lantern, clock, to, Choice(ids=(what,))), How(ack="received")
    ).path.read_bytes()


def _meddle(scene: _Scene, drop: bytes, *, to_mallory: bytes) -> None:
    """Put into the folder what Mallory makes of two good drops."""
    changed = bytearray(drop)
    changed[-100] ^= 1
    _put(scene, bytes(changed))
    _look_into(scene.clinic, scene, "      Mallory changes one byte:")
    keyring = own_keys(scene.mallory, scene.clock).keyring
    identities = tuple(to_identity(key.secret) for key in keyring.openers())
    plain, wrapped = BytesIO(), BytesIO()
    decrypt(BytesIO(to_mallory), plain, Keys(identities), is_passphrase=False)
    plain.seek(0)
    encrypt(plain, wrapped, [contact_card(scene.clinic, scene.clock).recipient])
    _put(scene, wrapped.getvalue())
    _look_into(scene.clinic, scene, "      Mallory encrypts on to the clinic what was sent to her:")


def _put(scene: _Scene, data: bytes) -> None:
    (scene.shared / f"{random_name()}.bcb").write_bytes(data)


def _look_into(node: Node, scene: _Scene, heading: str) -> None:
    """Poll the folder, and say what became of what is new in it and for this node."""
    for polled in poll(node, scene.clock, [SHARED], open_channel, pause=_no_pause).channels:
        for file in polled.files:
            if file.state == "refused":
                scene.say(f"{heading} refused ({file.reason}): {file.says}")
            elif file.state == "taken":
                new = sum(place.counts.stored for place in polled.collections)
                brought = f", {counted(new, 'new object')}" if new else ""
                scene.say(f"{heading} taken{brought}")


def _no_pause(seconds: float) -> None:
    """Nothing in the folder is half written: nobody needs to wait for it."""


def _find_in_logs(node: Node, clock: Clock, say: Say, world: Path) -> None:
    news = {item.id for item in came_by(node, clock, "drop")}
    for _ in hunt(node, clock, [world / "logs"]):
        pass
    advise([one for one in hits(node, clock).by_indicator if one.indicator in news], say)


# --- Passing on ----------------------------------------------------------------------------------------


def _pass_on(scene: _Scene) -> None:
    """Let the clinic introduce the help line to the CERT, and pass on to it what it may."""
    clinic, cert, clock, say = scene.clinic, scene.cert, scene.clock, scene.say
    meet(clinic, clock, _card(cert, clock), handed_over=True)
    meet(cert, clock, _card(clinic, clock), handed_over=True)
    text = introduce(clinic, clock, own_keys(clinic, clock), LANTERN, to=cert.party.name, how="code")
    introduced = take_introduction(cert, clock, text.encode())
    say(
        f"   {clinic.party.name} introduces {introduced} to {cert.party.name}: {_standing(cert, introduced)} there"
    )
    found = [
        item
        for item in came_by(clinic, clock, "drop")
        if item.type == "indicator" and item.tlp == "TLP:GREEN"
    ]
    for item in found:
        planned = plan(clinic, clock, recipient_of(clinic, cert.party.name), Choice(ids=(item.id,)))
        made = release(clinic, clock, planned, How())
        hand_on(clinic, clock, SHARED, made.path, open_channel, pause=_no_pause)
        _look_into(cert, scene, f"   {clinic.party.name} passes on “{item.name}”; {cert.party.name}:")
        for chain in why(cert, clock, item.id).provenance.chains:
            say(f"      {chain.says}")
            for hop in chain.hops:
                say(f"         {hop.says}")


# --- Hearing back --------------------------------------------------------------------------------------


def _hear_back(scene: _Scene) -> None:
    """Let the clinic say what came of it, and the help line look who answered."""
    clinic, lantern, clock, say = scene.clinic, scene.lantern, scene.clock, scene.say
    for item in came_by(clinic, clock, "drop"):
        if item.type == "indicator" and item.source.party == lantern.party.name:
            seen: Acted = "hunted, found" if item.concerns.state == "yes" else "hunted, nothing"
            acknowledged(clinic, clock, item.id, Word(state="acted", acted=seen))
    made = receipts_drop(clinic, clock, lantern.party.name)
    if made is not None:
        hand_on(clinic, clock, SHARED, made.path, open_channel, pause=_no_pause)
    later = FixedClock(clock.now() + LATER)
    _look_into(lantern, scene, f"   {LATER.days} days later {lantern.party.name} looks into the folder:")
    for sent in reversed(list_sent(lantern, later, at_most=MAX_SENT).sent):
        about = [answer for answer in sent.answers if answer.about]
        for answer in about:
            names = ", ".join(f"“{name}”" for name in names_of(lantern, clock, answer.about))
            say(f"      {sent.to} on {names}: {answer.says}")
        if not about:
            say(f"      {sent.to}: {sent.says}")
