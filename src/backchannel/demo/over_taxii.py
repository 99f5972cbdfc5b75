"""Act 6: a CERT offers what it knows to the clinic over TAXII, and is told what was seen of it.

The CERT's node is a real one: served on a port of the loopback that is free, polled and posted to, and stopped again.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from backchannel.channels.front import open_channels
from backchannel.channels.opening import open_channel
from backchannel.clock import Clock
from backchannel.demo.telling import MAX_ITEMS, Say, advise, came_by, counted
from backchannel.desk.answering import sight
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.hitbook import hits
from backchannel.desk.hunting import hunt
from backchannel.desk.inbox import inbox
from backchannel.desk.node import Node
from backchannel.desk.polling import poll
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch
from backchannel.desk.pushing import push
from backchannel.desk.receive import receive
from backchannel.ids import BatchId
from backchannel.web.app import create_app
from backchannel.web.serve import make_server

OFFERED: Final = "cert-vessland-second-wave.json"
STOP_S: Final = 20
"""How long the server may take to stop (seconds); it has nothing left to do."""


def exchange_over_taxii(clinic: Node, cert: Node, clock: Clock, say: Say, world: Path, folder: Path) -> None:
    """Let the clinic poll what the CERT offers, and post what it saw of it."""
    with _serving(cert, clock) as url:
        token = _offer(cert, clock, say, world / "offered" / OFFERED, url, reader=clinic.party.name)
        channel = _poll(clinic, clock, say, url, _kept(token, folder / "cert.token"), of=cert.party.name)
        _compare(cert, clinic, clock, say)
        _post_sightings(clinic, clock, say, world, channel, folder)
        _say_posted(cert, clock, say)


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
        f"   {cert.party.name} offers {counted(put.added, 'object')} in “{offered.title}”; "
        f"{new.party} may read it, and add to “{told.title}”"
    )
    return new.token or ""


def _kept(token: str, path: Path) -> Path:
    path.touch(mode=0o600)
    path.write_text(token, "ascii")
    return path.resolve()


def _poll(node: Node, clock: Clock, say: Say, url: str, token: Path, *, of: str) -> str:
    """Make a channel to the CERT's node and poll it; return the channel's name."""
    terms = Terms(url=f"{url}/taxii2/", token_file=str(token), allow_private=True)
    added = add_channel(node, clock, "taxii", terms, name="vessland", party=of, every_s=0)
    for one in poll(node, clock, [added.channel.name], open_channel, pause=time.sleep).channels:
        if one.error:
            say(f"   {one.channel}: {one.error}")
        for place in one.collections:
            counts = place.counts
            say(
                f"   {node.party.name} polls “{place.title}”: {counted(counts.objects, 'object')}, {counts.stored} new, "
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
    news = {item.id for item in came_by(node, clock, "taxii")}
    for _ in hunt(node, clock, [world / "logs"]):
        pass
    seen = tuple(one for one in hits(node, clock).by_indicator if one.indicator in news)
    advise(seen, say)
    if not seen:
        return
    answers = [folder / "answers" / f"sighting-{number}.json" for number, _ in enumerate(seen, 1)]
    for one, path in zip(seen, answers, strict=True):
        sight(node, clock, one.indicator, out=path)
    receipt = receive(node, clock, answers, party=node.party.name, tlp="amber")
    sent = push(node, clock, channel, (), open_channel, batch=BatchId(receipt.batch), pause=time.sleep)
    say(
        f"   {node.party.name} posts {counted(len(sent.objects), 'object')} to “{sent.collection}”: "
        f"{sent.accepted} accepted, {sent.refused} refused, {sent.withheld} withheld"
        f"{f'; {sent.error}' if sent.error else ''}"
    )


def _say_posted(cert: Node, clock: Clock, say: Say) -> None:
    for item in came_by(cert, clock, "taxii"):
        say(f"   In the inbox of {cert.party.name}, from {item.source.party}: {item.tlp} {item.says}")
