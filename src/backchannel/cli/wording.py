"""Words and colours that several commands share, so that a thing looks the same wherever it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backchannel.cli.layout import counted, day_and_minute, prose_width, shown, wrapped
from backchannel.logs.shown import not_shown
from backchannel.parties.names import visible_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backchannel.desk.documents import Concerns, Source, Validity
    from backchannel.desk.redacted import OfForm

_ADVICE_COLOURS = {"block": "red", "look": "yellow", "tell": "cyan", "ask": "magenta", "nothing": "green"}
_CONCERN_COLOURS = {"yes": "red", "no": "green", "in part": "yellow", "not checked": "bright_black"}
_TLP_COLOURS = {
    "TLP:RED": "red",
    "TLP:AMBER": "yellow",
    "TLP:AMBER+STRICT": "yellow",
    "TLP:GREEN": "green",
    "TLP:CLEAR": "white",
}
_WORD_WIDTH = 9


def forms_text(forms: Iterable[OfForm]) -> str:
    """Say of what something is said that names redacted forms; empty where it names objects themselves."""
    parties = dict.fromkeys(who(one.to) for one in forms)
    return f"said of the redacted form that went to {', '.join(parties)}" if parties else ""


def advice_text(do: str | None, text: str, why: str, *, indent: int) -> str:
    """Return advice: the word, what to do, and below it why."""
    word = (do or "nothing").upper()
    left = " " * indent + click.style(
        f"{word:<{_WORD_WIDTH}}", fg=_ADVICE_COLOURS[do or "nothing"], bold=True
    )
    width = prose_width() - indent - _WORD_WIDTH
    lines = list(wrapped(shown(text), width))
    because = [click.style(line, dim=True) for line in wrapped(shown(why), width)]
    below = " " * (indent + _WORD_WIDTH)
    return left + f"\n{below}".join([*lines, *because])


def tlp_text(label: str) -> str:
    """Return a TLP label in its colour on black, as FIRST asks."""
    return click.style(f"{label}", fg=_TLP_COLOURS.get(label, "white"), bg="black")


def concern_text(concerns: Concerns) -> str:
    """Return whether it concerns us, in a few words."""
    if concerns.state == "yes":
        words = f"seen here: {counted(concerns.hits, 'line')}, {counted(concerns.hosts, 'own host')}"
    elif concerns.state == "no":
        words = "not seen here"
    else:
        words = "searched in part" if concerns.state == "in part" else "not checked"
        if lacking := not_shown(concerns.unsearched, off=concerns.switched_off):
            words = (
                f"{words if concerns.state == 'in part' else 'not searched'}: no log hunted shows {lacking}"
            )
    return click.style(words, fg=_CONCERN_COLOURS[concerns.state])


def who(party: str | None, *, nobody: str = "nobody named") -> str:
    """Return a party's name as a person can trust their eyes on it; it comes from the party that bears it."""
    return visible_name(party) if party else nobody


def source_text(source: Source) -> str:
    """Return who says so and how it came."""
    author = f" (author, by its own word: {visible_name(source.author)})" if source.author else ""
    return shown(f"{who(source.party)}{author} by {source.channel}", max_chars=200)


def validity_text(validity: Validity | None) -> str:
    """Return when an indicator is to be matched."""
    if validity is None:
        return ""
    if validity.state == "before":
        return f"valid only from {day_and_minute(validity.from_)}"
    if validity.state == "after":
        return f"ran out on {day_and_minute(validity.until)}"
    return f"valid until {day_and_minute(validity.until)}" if validity.until else "valid without end"
