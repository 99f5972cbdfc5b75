"""The page of what we offer: collections, who may read and write them, and never a secret."""

from __future__ import annotations

import html
from datetime import timedelta
from pathlib import Path

import pytest
from tests.web.conftest import Served
from tests.web.test_pages import words
from tests.web.visitor import MovingClock, Visitor
from tests.web.world import SCRIPT

from backchannel import codec
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.node import open_node
from backchannel.desk.offered import offer
from backchannel.desk.publishing import NewOffer, add_collection, add_root


@pytest.fixture
def secrets(home: Path, clock: MovingClock) -> list[str]:
    """A root with three collections, and the secrets of those who may use them."""
    with open_node(home) as node:
        add_root(node, clock, "sharing", base_url="")
        for new in (
            NewOffer(title=f"Indicators {SCRIPT}", root_id="sharing", alias="ind", gather=True),
            NewOffer(title="Public", root_id="sharing", default_tlp="clear", anonymous_read=True),
            NewOffer(title="Nobody's", root_id="sharing", collection_id="x-odd--1"),
        ):
            add_collection(node, clock, new, base_url="")
        given = [
            add_token(node, clock, NewCredential(party="CERT Vessland", read=("ind",), write=("Public",))),
            add_token(node, clock, NewCredential(party="Northpier", read=("ind",), expires="1d")),
        ]
    clock.at += timedelta(days=2)
    return [str(one.token) for one in given]


def test_the_twin_is_the_document_of_the_desk(
    secrets: list[str], served: Served, home: Path, clock: MovingClock
):
    visitor = served.signed_in()
    with open_node(home) as node:
        document = codec.encode(offer(node, clock, base_url=served.url))
    answer = visitor.ask("/taxii.json")
    assert answer.body == document
    assert not any(secret in answer.text for secret in secrets)


def test_the_page_says_who_may_read_what(secrets: list[str], served: Served):
    page = served.signed_in().ask("/taxii").text
    told = words(page)
    assert f"Clients begin at {served.url}/taxii2/" in told
    assert "anybody" in told
    assert "gathers everything" in told
    assert "no UUIDv4" in told
    assert told.count("Northpier") == 1  # its credential has ended: it is listed, and reads nothing
    assert "Expired" in told
    assert "TLP:CLEAR" in told
    assert "TLP:AMBER+STRICT" in told
    assert SCRIPT not in page
    assert html.escape(SCRIPT) in page
    assert not any(secret in page for secret in secrets)


def test_an_empty_page_says_the_next_command(visitor: Visitor, home: Path, clock: MovingClock):
    assert "backchannel taxii root add" in words(visitor.ask("/taxii").text)
    with open_node(home) as node:
        add_root(node, clock, "sharing", base_url="")
        add_collection(node, clock, NewOffer(title="All", root_id="sharing", alias="all"), base_url="")
    assert "--read all" in words(visitor.ask("/taxii").text)
