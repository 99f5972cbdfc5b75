"""An item as text: a few lines in the inbox, everything in `show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backchannel.cli.belief_texts import grade_text
from backchannel.cli.findings import findings_text
from backchannel.cli.layout import day_and_minute, facts, heading, joined, paragraph, shown, table
from backchannel.cli.wording import advice_text, concern_text, source_text, tlp_text, validity_text

if TYPE_CHECKING:
    from backchannel.desk.documents import Item, ItemDetail, ItemHit

MAX_FINDINGS_SHOWN = 50
MAX_HITS_SHOWN = 30


def item_text(item: Item) -> str:
    """Return one item of the inbox in a few lines."""
    first = f"{heading(shown(item.id, max_chars=100))}  {tlp_text(item.tlp)}  {concern_text(item.concerns)}"
    about = joined(
        f"from {source_text(item.source)}",
        f"and {item.sources - 1} more" if item.sources > 1 else "",
        f"received {day_and_minute(item.received_at)}",
        validity_text(item.validity),
        item.pap or "",
        *_marks(item),
    )
    lines = [first, paragraph(item.says, indent=2), click.style(paragraph(about, indent=2), dim=True)]
    if item.grade is not None:
        lines.append(paragraph(grade_text(item.grade), indent=2))
    if item.advice:
        lines.append(advice_text(item.advice.do, item.advice.text, item.advice.why, indent=2))
    return "\n".join(lines)


def _marks(item: Item) -> list[str]:
    return [
        words
        for words, holds in (
            ("revoked", item.revoked),
            ("in quarantine", item.quarantined),
            ("another content came under the same version: see why", item.conflict),
            (f"answered: {', '.join(item.answered)}", bool(item.answered)),
            (f"{len(item.findings)} finding(s)", bool(item.findings)),
            ("a part of its pattern cannot be searched yet", bool(item.uncompiled)),
        )
        if holds
    ]


def show_text(found: ItemDetail) -> str:
    """Return everything about one object."""
    item = found.item
    parts = [heading(joined(shown(item.id, max_chars=100), shown(item.name or "", max_chars=80)))]
    parts.append(paragraph(item.says, indent=2))
    if item.advice:
        parts += ["", advice_text(item.advice.do, item.advice.text, item.advice.why, indent=2)]
    parts += ["", facts(_facts(found), indent=2)]
    if item.related:
        more = ", and more" if item.related_more else ""
        parts += ["", heading(f"Related{more}")]
        for one in item.related:
            arrow = "->" if one.direction == "to" else "<-"
            parts.append(paragraph(f"{arrow} {one.relation} {one.says or 'not here'} ({one.id})", indent=2))
    if found.hits:
        parts += ["", heading("Seen in our logs"), hits_table(found.hits[:MAX_HITS_SHOWN])]
    if item.uncompiled:
        parts += ["", heading("Not searched yet"), *(paragraph(part, indent=2) for part in item.uncompiled)]
    findings = (*item.findings, *found.changes)
    if findings:
        text = findings_text(findings, total=len(findings), at_most=MAX_FINDINGS_SHOWN)
        parts += ["", heading("What validation found"), text]
    return "\n".join(parts)


def _facts(found: ItemDetail) -> list[tuple[str, str]]:
    item = found.item
    more = f", and {item.sources - 1} more (see why)" if item.sources > 1 else ""
    return [
        ("says so", source_text(item.source) + more),
        ("received", day_and_minute(item.received_at)),
        ("marking", joined(item.tlp, item.pap or "")),
        ("belief", grade_text(item.grade)),
        ("validity", validity_text(item.validity)),
        ("concerns us", joined(item.concerns.state, item.concerns.why)),
        ("own hosts", ", ".join(item.concerns.assets)),
        ("state", joined(*_marks(item))),
        ("version", item.version or ""),
        ("form", f"STIX {found.spec_version}"),
        ("digest", found.digest),
    ]


def hits_table(hits: tuple[ItemHit, ...]) -> str:
    """Return where an indicator was seen."""
    rows = [
        (
            hit.asset or "-",
            hit.value,
            f"{hit.log} ({hit.field})",
            f"{hit.count:,}",
            day_and_minute(hit.last_seen).removesuffix(" UTC") or "-",
            hit.scope,
            hit.validity,
        )
        for hit in hits
    ]
    heads = ("own host", "value", "log (field)", "lines", "last seen", "scope", "validity")
    return table(heads, rows, numbers=("lines",), keep=("last seen",))
