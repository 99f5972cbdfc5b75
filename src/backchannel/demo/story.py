"""The demonstration: three parties tell a clinic something, the clinic looks, acts and answers; two nodes exchange.

Every line below a heading comes from an answer of the desk; change the world, and the story changes. The second
node is a real one: served on a port of the loopback that is free, polled and posted to, and stopped again.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from backchannel.channels.front import open_channels
from backchannel.channels.opening import open_channel
from backchannel.clock import Clock
from backchannel.desk.answering import acknowledge, dispute, sight
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.documents import Item
from backchannel.desk.exporting import export
from backchannel.desk.hitbook import hits
from backchannel.desk.hitting import Hit, HuntSummary, IndicatorHits
from backchannel.desk.hunting import hunt
from backchannel.desk.inbox import inbox
from backchannel.desk.node import Node, init_node
from backchannel.desk.polling import poll
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch
from backchannel.desk.pushing import push
from backchannel.desk.receive import receive
from backchannel.desk.warninglists import add_warninglist
from backchannel.ids import BatchId
from backchannel.web.app import create_app
from backchannel.web.serve import make_server

DAY: Final = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
"""The evening on which the story is told."""
OWN_NETWORKS: Final = ("10.20.0.0/16", "192.0.2.16/28")
OWN_DOMAINS: Final = ("harbour.example",)
TOLD: Final = (
    ("northpier-telecom-weekly.json", "Northpier Telecom", "mail", None),
    ("northpier-telecom-senders.csv", "Northpier Telecom", "mail", "amber"),
    ("cert-vessland-slack-tide.json", "CERT Vessland", "file", None),
    ("lantern-help-line.txt", "Lantern Help Line", "phone", "amber+strict"),
)
"""File, party, channel, and the marking of what comes unmarked."""
CONTROLS: Final = ("zeek", "suricata", "rpz")
CERT: Final = "CERT Vessland"
"""Whose node the clinic's exchanges with."""
OFFERED: Final = "cert-vessland-second-wave.json"
MAX_ITEMS: Final = 100
"""Items of an inbox that the story looks at; its world has fewer."""
STOP_S: Final = 20
"""How long the server may take to stop (seconds); it has nothing left to do."""

Say = Callable[[str], None]


def tell(folder: Path, clock: Clock, say: Say, *, world: Path | None = None) -> None:
    """Tell the whole story.

    Args:
        folder: for the node (`home`), the exports (`exports`), and the other node (`cert`) with the clinic's token for it.
        clock: gives the time of the story.
        say: takes a line of it.
        world: the files it is about; by default those that come with the program.
    """
    if world is not None:
        _tell(folder, clock, say, world)
        return
    with as_file(files("backchannel.demo") / "world") as shipped:
        _tell(folder, clock, say, shipped)


def _tell(folder: Path, clock: Clock, say: Say, world: Path) -> None:
    with init_node(
        folder / "home",
        name="Harbour Clinic",
        own_networks=OWN_NETWORKS,
        own_domains=OWN_DOMAINS,
        clock=clock,
    ) as node:
        say("1. What we were told")
        _take_in(node, clock, say, world)
        say("\n2. What came of it when we looked into our own logs")
        _look(node, clock, say, world)
        say("\n3. What to do")
        seen = hits(node, clock).by_indicator
        _advise(seen, say)
        say("\n4. Rules for our controls")
        _write_rules(node, clock, say, folder / "exports")
        say("\n5. What we tell them back")
        _answer(node, clock, seen, say)
        say("\n6. What two nodes tell each other over TAXII")
        with init_node(folder / "cert", name=CERT, clock=clock) as cert, _serving(cert, clock) as url:
            token = _offer(cert, clock, say, world / "offered" / OFFERED, url, reader=node.party.name)
            channel = _poll(node, clock, say, url, _kept(token, folder / "cert.token"))
            _compare(cert, node, clock, say)
            _post_sightings(node, clock, say, world, channel, folder)
            _say_posted(cert, clock, say)
        _say_rest(node, clock, say)


def _take_in(node: Node, clock: Clock, say: Say, world: Path) -> None:
    added = add_warninglist(node, clock, world / "popular-names.json")
    for name, party, channel, tlp in TOLD:
        receipt = receive(node, clock, [world / "intelligence" / name], party=party, channel=channel, tlp=tlp)
        say(
            f"   {party} by {channel}: {receipt.objects} objects, {receipt.stored} new, {receipt.known} known, "
            f"{receipt.quarantined} quarantined, {receipt.refused} refused"
        )
        for finding in receipt.findings:
            if finding.level != "note":
                say(f"      {finding.level}: {Path(finding.where).name}: {finding.what}")
    say(f"   Our own warning list: {added.list.name}")


def _look(node: Node, clock: Clock, say: Say, world: Path) -> None:
    told: set[tuple[str, str | None]] = set()
    for one in hunt(node, clock, [world / "logs"]):
        if isinstance(one, HuntSummary):
            _say_end(one, say)
        elif (one.indicator, one.asset) not in told:
            told.add((one.indicator, one.asset))
            _say_first(one, say)


def _say_first(hit: Hit, say: Say) -> None:
    state = "" if hit.validity == "inside" else f", {hit.validity} it was valid"
    say(
        f"   {(hit.seen_at or '')[11:19]}  {hit.asset or 'nobody of ours':12} {hit.observable.value}  "
        f"({Path(hit.log.path).name} line {hit.log.line}, {hit.log.field}, {hit.scope}{state}; "
        f"{hit.source.party or 'nobody named'})"
    )


def _say_end(end: HuntSummary, say: Say) -> None:
    say(
        f"   In all {end.hits} hits of {end.indicators} indicators at {end.assets} addresses of ours, "
        f"in {end.records} records of {end.files} logs."
    )
    for skipped in end.skipped:
        say(f"      not read: {Path(skipped.path).name}: {skipped.why}")
    for part in end.uncompiled:
        say(f"      not searched: {part.indicator}: {'; '.join(part.what)}")


def _advise(seen: tuple[IndicatorHits, ...], say: Say) -> None:
    for one in seen:
        if one.advice is None:
            continue
        seen_so = f"{_counted(one.count, 'line')}, {_counted(len(one.assets), 'host')}"
        say(f"   {one.advice.do.upper():8} {one.observable.value}: {seen_so}")
        say(f"            {one.advice.text}")
        say(f"            because {one.advice.why}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _write_rules(node: Node, clock: Clock, say: Say, folder: Path) -> None:
    for control in CONTROLS:
        report = export(node, clock, control, folder / control)
        say(
            f"   {control}: {report.exported} indicators, {report.lines} values; {report.skipped_total} left out"
        )
        for skip in report.skipped[:3]:
            say(f"      left out {skip.value}: {skip.why}")


def _answer(node: Node, clock: Clock, seen: tuple[IndicatorHits, ...], say: Say) -> None:
    for one in seen:
        do = one.advice.do if one.advice else "nothing"
        if one.warninglists:
            answer = dispute(node, clock, one.indicator, text="Our own lists say that this name is harmless.")
        elif do in {"block", "look"}:
            answer = sight(node, clock, one.indicator)
        else:
            answer = acknowledge(node, clock, one.indicator)
        say(f"   {answer.kind}: {one.observable.value}, to {answer.to.party or 'nobody named'}")


@contextmanager
def _serving(node: Node, clock: Clock) -> Iterator[str]:
    """Run the server of a node as `serve` does, until the end of the block; yield its address."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        open_channels(node.home, clock) as channels,
    ):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = make_server(create_app(node.home, clock, base_url=url), channels=channels)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(STOP_S)


def _offer(cert: Node, clock: Clock, say: Say, warnings: Path, url: str, *, reader: str) -> str:
    """Offer what the CERT knows, and a collection for what it is told; return the reader's token."""
    root = add_root(cert, clock, "sharing", base_url=url)
    offered, told = (
        add_collection(cert, clock, NewOffer(title=title, root_id=root.id), base_url=url)
        for title in ("Warnings", "Sightings")
    )
    receipt = receive(cert, clock, [warnings], party=cert.party.name)
    put = put_batch(cert, clock, offered.id, BatchId(receipt.batch))
    new = add_token(cert, clock, NewCredential(party=reader, read=(offered.id,), write=(told.id,)))
    say(
        f"   {cert.party.name} offers {_counted(put.added, 'object')} in “{offered.title}”; "
        f"{new.party} may read it, and add to “{told.title}”"
    )
    return new.token or ""


def _kept(token: str, path: Path) -> Path:
    path.touch(mode=0o600)
    path.write_text(token, "ascii")
    return path.resolve()


def _poll(node: Node, clock: Clock, say: Say, url: str, token: Path) -> str:
    """Make a channel to the CERT's node and poll it; return the channel's name."""
    terms = Terms(url=f"{url}/taxii2/", token_file=str(token), allow_private=True)
    added = add_channel(node, clock, "taxii", terms, name="vessland", party=CERT, every_s=0)
    for one in poll(node, clock, [added.channel.name], open_channel, pause=time.sleep).channels:
        if one.error:
            say(f"   {one.channel}: {one.error}")
        for place in one.collections:
            counts = place.counts
            say(
                f"   {node.party.name} polls “{place.title}”: {_counted(counts.objects, 'object')}, {counts.stored} new, "
                f"{counts.known} known{f'; {place.error}' if place.error else ''}"
            )
    return added.channel.name


def _compare(cert: Node, node: Node, clock: Clock, say: Say) -> None:
    """Say of each thing that the CERT has whether it came, and how it is marked here."""
    came = {item.id: item for item in inbox(node, clock, limit=MAX_ITEMS).items}
    for sent in inbox(cert, clock, limit=MAX_ITEMS).items:
        here = came.get(sent.id)
        if here is None:
            say(f"      stayed there  {sent.tlp:10} {sent.name}")
        else:
            say(f"      came          {here.tlp:10} {here.name}: {here.says}")


def _post_sightings(node: Node, clock: Clock, say: Say, world: Path, channel: str, folder: Path) -> None:
    """Look for what came into our logs once more, and post what was seen."""
    news = {item.id for item in _by_taxii(node, clock)}
    for _ in hunt(node, clock, [world / "logs"]):
        pass
    seen = tuple(one for one in hits(node, clock).by_indicator if one.indicator in news)
    _advise(seen, say)
    if not seen:
        return
    answers = [folder / "answers" / f"sighting-{number}.json" for number, _ in enumerate(seen, 1)]
    for one, path in zip(seen, answers, strict=True):
        sight(node, clock, one.indicator, out=path)
    receipt = receive(node, clock, answers, party=node.party.name, tlp="amber")
    sent = push(node, clock, channel, (), open_channel, batch=BatchId(receipt.batch), pause=time.sleep)
    say(
        f"   {node.party.name} posts {_counted(len(sent.objects), 'object')} to “{sent.collection}”: "
        f"{sent.accepted} accepted, {sent.refused} refused, {sent.withheld} withheld"
        f"{f'; {sent.error}' if sent.error else ''}"
    )


def _say_posted(cert: Node, clock: Clock, say: Say) -> None:
    for item in _by_taxii(cert, clock):
        say(f"   In the inbox of {cert.party.name}, from {item.source.party}: {item.tlp} {item.says}")


def _by_taxii(node: Node, clock: Clock) -> list[Item]:
    found = inbox(node, clock, limit=MAX_ITEMS).items
    return [item for item in found if item.source.channel == "taxii"]


def _say_rest(node: Node, clock: Clock, say: Say) -> None:
    waiting = inbox(node, clock, limit=MAX_ITEMS)
    unseen = [item for item in waiting.items if item.type == "indicator" and item.concerns.state != "yes"]
    say(f"\nOf {len(waiting.items)} items in the inbox, {len(unseen)} indicators were not seen here.")
