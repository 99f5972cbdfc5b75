"""Belief as text: short, whatever one party sends."""

from __future__ import annotations

from pathlib import Path

from tests.desk.drops import indicator, keep
from tests.desk.made import CLOCK

from backchannel.cli.belief_texts import belief_text
from backchannel.desk.belief import belief_of
from backchannel.desk.items import find
from backchannel.desk.node import init_node


def test_an_origin_that_says_so_in_150_objects_fills_no_screen(tmp_path: Path):
    with init_node(tmp_path / "us", name="Us", clock=CLOCK) as us:
        one = "[domain-name:value = 'h1.example.net']"
        keep(us, [indicator(n, pattern=one) for n in range(1, 151)], by="Feed")
        text = belief_text(belief_of(us, CLOCK, find(us.store, str(indicator(1)["id"]))))
    assert len(text.splitlines()) < 60
    assert "    and 90 more: --json names them" in text.splitlines()
    assert "50 more objects say so and were not looked at" in text
