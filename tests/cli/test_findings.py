"""Findings as a person reads them."""

from __future__ import annotations

import click

from backchannel.cli.findings import findings_text
from backchannel.stix.findings import Finding


def noted(n: int, what: str = "the same", level: str = "note") -> Finding:
    return Finding(level, f"object {n}", f"a.json#/objects/{n}", what, "STIX 2.1 §3.2")  # type: ignore[arg-type]


def test_what_many_objects_share_is_said_once_and_counted():
    findings = [noted(n) for n in range(7)] + [noted(9, "worse", "refuse")]
    assert click.unstyle(findings_text(findings, total=8, at_most=20)) == (
        "  refused  a.json#/objects/9 · object 9\n"
        "    worse [STIX 2.1 §3.2]\n"
        "  note  a.json#/objects/0 · object 0\n"
        "    the same [STIX 2.1 §3.2] · and so in 6 other places"
    )


def test_how_many_are_not_told_is_told():
    findings = [noted(1), noted(2), noted(3, "another"), noted(4, "a third")]
    text = findings_text(findings, total=50, at_most=2)
    assert "and so in 1 other place\n" in text
    assert "a third" not in text
    assert text.endswith("and 47 more: --json names them")
    assert findings_text([], total=0, at_most=2) == ""
