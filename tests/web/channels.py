"""Channels for the pages to show: one that works and rejects something, one that fails, new ones; and pushes."""

from __future__ import annotations

from contextlib import suppress

from tests.channels.misbehaving import filled, serving
from tests.desk.made import indicator
from tests.web.world import SCRIPT

from backchannel.channels.opening import open_channel
from backchannel.clock import Clock
from backchannel.desk.channel import Terms
from backchannel.desk.channels import add_channel
from backchannel.desk.node import Node
from backchannel.desk.polling import poll
from backchannel.desk.pushing import push
from backchannel.errors import NetworkError


def fetch(node: Node, clock: Clock) -> None:
    """Add the channels and poll them."""
    collection = filled(6, title=f"Indicators {SCRIPT}", media_type="text/plain")
    collection.add(indicator(99, pattern="[[["), {"type": "indicator", "id": SCRIPT})
    with serving(collection) as server:
        for name, url in (("beta", server.discovery), ("gone", "https://127.0.0.1:9/taxii2/")):
            terms = Terms(url=url, allow_private=name == "beta")
            add_channel(node, clock, "taxii", terms, name=name, party="CERT Vessland", tlp="green")
        poll(node, clock, ["beta", "gone"], open_channel, pause=lambda _: None)
        ids = [str(indicator(number)["id"]) for number in range(1, 4)]
        push(node, clock, "beta", ids, open_channel, pause=lambda _: None)
        with suppress(NetworkError):
            push(node, clock, "gone", ids, open_channel, pause=lambda _: None)
    add_channel(
        node, clock, "feed", Terms(url="https://lists.example/c2.csv?key=hidden"), name="new", every_s=0
    )
    add_channel(node, clock, "taxii", Terms(url="https://intelligence.northpier.example/taxii2/"))
