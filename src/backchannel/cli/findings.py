"""Findings as text: the worst first, what is wrong and where, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from backchannel.cli.layout import joined, paragraph, shown

if TYPE_CHECKING:
    from backchannel.stix.findings import Finding

_COLOURS = {"refuse": "red", "quarantine": "yellow", "note": "bright_black"}
_ORDER = {"refuse": 0, "quarantine": 1, "note": 2}
_WORDS = {"refuse": "refused", "quarantine": "quarantined", "note": "note"}


def findings_text(findings: Sequence[Finding], *, total: int, at_most: int) -> str:
    """Return the worst `at_most` findings as text, and how many more there are; "" for none."""
    if not findings:
        return ""
    ordered = sorted(findings, key=lambda finding: _ORDER[finding.level])
    blocks = [_one(finding) for finding in ordered[:at_most]]
    more = max(total, len(findings)) - len(blocks)
    if more > 0:
        blocks.append(paragraph(f"and {more:,} more: --json names them", indent=2))
    return "\n".join(blocks)


def _one(finding: Finding) -> str:
    word = click.style(_WORDS[finding.level], fg=_COLOURS[finding.level])
    place = shown(finding.where, max_chars=200)
    about = shown(finding.object, max_chars=80) if finding.object not in {"", finding.where} else ""
    what = paragraph(f"{finding.what} [{finding.clause}]", indent=4)
    return f"{paragraph(joined(place, about), indent=2).replace('  ', f'  {word}  ', 1)}\n{what}"
