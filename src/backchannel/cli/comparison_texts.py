"""Comparisons as text for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backchannel.cli.layout import facts, heading, joined, table

if TYPE_CHECKING:
    from backchannel.desk.comparison_documents import (
        Comparison,
        ComparisonChecked,
        Comparisons,
        ComparisonShown,
    )


def list_text(found: Comparisons) -> str:
    """Return the table of comparisons."""
    if not found.comparisons:
        return "Nothing was compared yet. Begin: backchannel compare PARTY -o FILE"
    rows = [
        (
            one.session[:8],
            one.party,
            "we asked" if one.side == "initiator" else "they asked",
            one.state,
            one.turn if one.state == "open" else "-",
            f"{one.items:,}",
            "?" if one.common is None else f"{one.common:,}",
        )
        for one in found.comparisons
    ]
    heads = ("session", "party", "who", "state", "turn", "ours", "common")
    listed = table(heads, rows, numbers=("ours", "common"), keep=("session",))
    wait = [f"{one.session[:8]}: {one.next}" for one in found.comparisons if one.turn == "ours"]
    return "\n".join([listed, *([""] if wait else []), *wait])


def checked_text(found: ComparisonChecked) -> str:
    """Return what became of an opening."""
    head = heading(joined(f"Inputs of {found.party}", "good" if found.good else found.reason))
    rows = [("opened", f"{found.opened:,}"), ("what", found.detail), ("", found.says)]
    return f"{head}\n\n{facts(rows, indent=2)}"


def shown_text(found: ComparisonShown) -> str:
    """Return one comparison."""
    one = found.comparison
    head = heading(joined(f"Comparison {one.session[:8]} with {one.party}", one.state, found.took))
    rows = [
        ("who", "we asked" if one.side == "initiator" else "they asked"),
        ("why", one.because),
        ("sorts", ", ".join(one.sorts)),
        ("override", ", ".join(one.overridden)),
        ("ours", f"{one.items:,} items, shown as {one.size:,}" if one.size else ""),
        ("theirs", f"shown as {one.their_size:,}" if one.their_size else ""),
        ("both hold", _common(one)),
        ("ended", joined(one.reason, one.detail)),
        ("written", found.path),
        ("note", one.says),
        ("next", one.next),
    ]
    parts = [head, facts(rows, indent=2)]
    if found.left_out:
        parts.append("\n".join(f"  left out: {left.n:,} {left.why}" for left in found.left_out))
    if found.items:
        parts.append(
            table(
                ("sort", "value", "indicator"),
                [(i.sort, i.value, i.id) for i in found.items],
                keep=("value",),
            )
        )
    return "\n\n".join(parts)


def _common(one: Comparison) -> str:
    if one.common is None:
        return "not known yet"
    sure = "" if one.state != "failed" else "; do not use it"
    return f"{one.common:,} ({one.marking}){sure}"
