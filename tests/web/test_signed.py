"""What was signed about an object, on its page and on the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.sim.party import KNOWN
from tests.web.signed import sign
from tests.web.visitor import MovingClock, Visitor
from tests.web.world import C2

from backchannel import codec
from backchannel.cli.reasons import why_text
from backchannel.desk import why as desk_why
from backchannel.desk.node import open_node


@pytest.fixture(autouse=True)
def _signed(filled: None, home: Path, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the parties of the tests are pinned."""
    monkeypatch.setattr(desk_why, "pinned_keys", lambda node: KNOWN.get)
    with open_node(home) as node:
        sign(node, clock, C2)


def test_the_page_draws_every_way_with_who_signed_and_where_it_breaks(visitor: Visitor):
    page = visitor.ask(f"/item/{C2}").text
    for sentence in (
        "It came through 2 relays, and every signature holds.",
        "Beta passed it on unchanged: the signature holds.",
        "Hidden party",
        "no-permit",
        "TLP:AMBER to TLP:GREEN",
        "A party that is not known here signed another content of this version.",
        "Alpha lets Beta pass it on as TLP:GREEN until",
        "Gamma tells that Delta passed it on as TLP:GREEN, who had it as TLP:AMBER",
    ):
        assert sentence in page, sentence
    assert "<b>much</b>" not in page


def test_the_page_as_data_has_the_same_chains(visitor: Visitor):
    found = codec.decode(visitor.ask(f"/item/{C2}/why.json").body)["provenance"]
    assert [chain["state"] for chain in found["chains"]] == ["proven", "unproven", "refused"]
    assert [hop["party"] for hop in found["chains"][0]["hops"]] == ["Alpha", "Beta", "Gamma"]
    assert found["chains"][2]["faults"][0]["code"] == "no-permit"
    assert [signed["kind"] for signed in found["signed_otherwise"]] == ["not held"]


def test_why_on_the_command_line_draws_the_same(home: Path, clock: MovingClock):
    with open_node(home) as node:
        text = re.sub(r"\x1b\[\d+m|\s+", " ", why_text(desk_why.why(node, clock, C2)))
    text = " ".join(text.split())
    for sentence in (
        "Signed chain It came through 2 relays, and every signature holds.",
        "1. Alpha says so itself: the signature holds · 2026-01-15 12:00 UTC",
        "3. Gamma passed it on unchanged: the signature holds",
        "A hidden party, called",
        (
            "no-permit: the originator's permit for it is missing, has run out, or is for another "
            "(TLP:AMBER to TLP:GREEN: it is for another party)"
        ),
        "Signed with another content",
        "Permits Alpha lets Beta pass it on as TLP:GREEN until",
        "Passed on with a wider marking Gamma tells that Delta passed it on as TLP:GREEN",
    ):
        assert sentence in text, sentence
