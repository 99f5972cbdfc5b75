"""`release list` as text: what was sent, by drop and over TAXII, and what its readers said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backchannel.cli.layout import counted, day_and_minute, facts, heading, joined, table
from backchannel.cli.wording import forms_text, who

if TYPE_CHECKING:
    from backchannel.desk.receipt_documents import GivenStanding, Releases, SaidBack


def sent_text(found: Releases) -> str:
    """Return what was sent, and what is asked of us about it."""
    parts = [*_drops_sent(found), *_given(found)]
    tasks = _tasks(found)
    if tasks:
        parts += [heading("What is asked of you"), facts(tasks, indent=2)]
    return "\n".join(parts)


def _given(found: Releases) -> list[str]:
    """Return what went over TAXII, where nobody was asked."""
    if not found.over_taxii:
        return []
    lines = [
        (
            who(one.to),
            f"pushed by {way.way}" if way.is_pushed else f"read in {way.way}",
            day_and_minute(way.last_at).removesuffix(" UTC"),
            f"{way.objects:,}",
            _heard(one),
        )
        for one in found.over_taxii
        for way in one.ways
    ]
    heads = ("to", "how", "last", "objects", "answer")
    return [heading("Over TAXII"), table(heads, lines, numbers=("objects",), keep=("last",))]


def _heard(one: GivenStanding) -> str:
    """Say what a party said last of what it got over TAXII, and for how long it has been silent."""
    said = one.answers[0].says if one.answers else ""
    days = f"silent for {counted(one.silent_days, 'day')}" if one.silent_days else ""
    return joined(said, days) or "no answer yet"


def _drops_sent(found: Releases) -> list[str]:
    """Return the drops that were sent, and what their readers ask of us."""
    if not found.sent:
        return []
    heads = ("to", "number", "when", "objects", "asked", "answer", "drop")
    lines = [
        (
            who(one.to),
            f"{one.seq:,}",
            day_and_minute(one.sent_at).removesuffix(" UTC"),
            f"{one.objects:,}",
            one.ack,
            one.says,
            one.drop.removeprefix("sha256:")[:12],
        )
        for one in found.sent
    ]
    return [table(heads, lines, numbers=("number", "objects"), keep=("when", "drop"))]


def _tasks(found: Releases) -> list[tuple[str, str]]:
    """Return what the answers ask of us."""
    tasks = [
        (f"drop {one.seq:,}", _asks(one.to, said)) for one in found.sent for said in one.answers if said.task
    ]
    tasks += [
        ("over TAXII", _asks(one.to, said)) for one in found.over_taxii for said in one.answers if said.task
    ]
    return tasks


def _asks(party: str, said: SaidBack) -> str:
    forms = forms_text(said.forms)
    return joined(who(party), *said.about, forms, said.reason or "", said.text, said.task or "")
