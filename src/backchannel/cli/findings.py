"""Findings as text: the worst first, what is wrong and where; the same of many objects once, with how many."""

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
    """Return the worst `at_most` kinds of finding as text, and how many findings more there are; "" for none."""
    if not findings:
        return ""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: _ORDER[finding.level]):
        alike.setdefault((finding.level, finding.what), []).append(finding)
    told = list(alike.values())[:at_most]
    blocks = [_one(group[0], others=len(group) - 1) for group in told]
    more = max(total, len(findings)) - sum(map(len, told))
    if more > 0:
        blocks.append(paragraph(f"and {more:,} more: --json names them", indent=2))
    return "\n".join(blocks)


def _one(finding: Finding, *, others: int) -> str:
    word = click.style(_WORDS[finding.level], fg=_COLOURS[finding.level])
    place = shown(finding.where, max_chars=200)
    about = shown(finding.object, max_chars=80) if finding.object not in {"", finding.where} else ""
    also = f" · and so in {others:,} other {'place' if others == 1 else 'places'}" if others else ""
    what = paragraph(f"{finding.what} [{finding.clause}]{also}", indent=4)
    return f"{paragraph(joined(place, about), indent=2).replace('  ', f'  {word}  ', 1)}\n{what}"
