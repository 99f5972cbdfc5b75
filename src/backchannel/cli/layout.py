"""Text for a person: paragraphs, facts in two columns and tables, never wider than the terminal.

Every text that came from outside passes `visible` here once more: nothing that a party sent moves the cursor,
hides a character or turns a line round.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence

import click

MAX_WIDTH = 100
"""Columns beyond which a line of prose is hard to read, however wide the terminal is."""
MIN_WIDTH = 40
MAX_TEXT_CHARS = 2_000
"""Characters of one text shown; `--json` has all of it."""
GAP = 2
"""Blanks between columns."""


def terminal_width() -> int:
    """Return how wide a line may be (columns)."""
    return max(MIN_WIDTH, shutil.get_terminal_size((MAX_WIDTH, 24)).columns)


def prose_width() -> int:
    """Return how wide a line of prose is: that of the terminal, at most `MAX_WIDTH`."""
    return min(terminal_width(), MAX_WIDTH)


def shown(text: str, *, max_chars: int = MAX_TEXT_CHARS) -> str:
    """Return a text from outside as one harmless line."""
    from backchannel.stix.visible import visible  # noqa: PLC0415

    return visible(text, max_chars=max_chars)


def columns_of(text: str) -> int:
    """Return how many columns a text takes: a Chinese character takes two, a combining one none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415

    return cell_len(text)


def fitted(text: str, width: int) -> str:
    """Return `text` cut to `width` columns, with `…` where something is missing."""
    if columns_of(text) <= width:
        return text
    kept = text[:width]
    while kept and columns_of(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield `text` in lines of at most `width` columns, broken at blanks; a longer word is broken inside."""
    line, used = "", 0
    for word in _words(text, width):
        size = columns_of(word)
        if line and used + 1 + size > width:
            yield line
            line, used = "", 0
        line, used = (f"{line} {word}", used + 1 + size) if line else (word, size)
    if line:
        yield line


_WORD = re.compile(r"`[^`]*`\S*|\S+")


def _words(text: str, width: int) -> Iterator[str]:
    # A command between backticks stays on one line, so that it can be copied.
    for word in _WORD.findall(text):
        rest = word
        while columns_of(rest) > width:
            piece = rest[:width]
            while columns_of(piece) > width:
                piece = piece[:-1]
            yield piece
            rest = rest[len(piece) :]
        if rest:
            yield rest


def paragraph(text: str, *, indent: int = 0) -> str:
    """Return a text as a paragraph, each line `indent` columns in."""
    lines = wrapped(shown(text), prose_width() - indent)
    return "\n".join(" " * indent + line for line in lines)


def facts(pairs: Iterable[tuple[str, str]], *, indent: int = 0, label_width: int = 0) -> str:
    """Return labels and texts in two columns; a pair without text is left out."""
    kept = [(label, shown(text)) for label, text in pairs if text]
    left = max([label_width, *(len(label) for label, _ in kept)]) + GAP
    lines: list[str] = []
    for label, text in kept:
        first, *rest = list(wrapped(text, prose_width() - indent - left)) or [""]
        lines.append(" " * indent + click.style(f"{label:<{left}}", dim=True) + first)
        lines += [" " * (indent + left) + line for line in rest]
    return "\n".join(lines)


def heading(text: str) -> str:
    """Return a heading."""
    return click.style(text, bold=True)


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> str:
    """Return a table that fits the terminal.

    Args:
        heads: the columns' headings.
        rows: texts, as many in each row as there are columns.
        numbers: headings of the columns that stand to the right.
        keep: headings of the columns that are never cut (ids: cut, they name nothing).
    """
    texts = [[shown(text) for text in row] for row in rows]
    widths = [max(map(columns_of, column)) for column in zip(heads, *texts, strict=True)]
    _narrow(widths, [head in keep or head in numbers for head in heads])
    right = [head in numbers for head in heads]
    lines = [click.style(_row(heads, widths, right), dim=True)]
    lines += [_row(row, widths, right) for row in texts]
    return "\n".join(lines)


def _narrow(widths: list[int], fixed: Sequence[bool]) -> None:
    """Take from the widest column that may be cut until all fit, or none is left to take from."""
    over = sum(widths) + GAP * (len(widths) - 1) - terminal_width()
    while over > 0:
        free = [index for index, is_fixed in enumerate(fixed) if not is_fixed and widths[index] > _MIN_COLUMN]
        if not free:
            return
        widest = max(free, key=lambda index: widths[index])
        widths[widest] -= 1
        over -= 1


_MIN_COLUMN = 8


def _row(texts: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = []
    for text, width, is_right in zip(texts, widths, right, strict=True):
        cut = fitted(text, width)
        blanks = " " * (width - columns_of(cut))
        cells.append(blanks + cut if is_right else cut + blanks)
    return (" " * GAP).join(cells).rstrip()


def day_and_minute(time_text: str | None) -> str:
    """Return a time of a document as a person reads it: to the minute, in UTC; "" for none."""
    if not time_text:
        return ""
    return f"{time_text[:10]} {time_text[11:16]} UTC" if len(time_text) >= 16 else time_text


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 object`, `2,000 objects`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def silent_text(drops: int, longest_days: int) -> str:
    """Say how many drops of ours are unanswered, and for how long; "" where none is."""
    if not drops:
        return ""
    longest = f", the longest for {counted(longest_days, 'day')}" if longest_days else ""
    return f"{counted(drops, 'drop')} of ours{longest}: `backchannel release list`"


def size_text(size_bytes: int) -> str:
    """Return a size as a person reads it: `512 B`, `3.4 MiB`."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def joined(*parts: str) -> str:
    """Join what there is to say with dots between."""
    return " · ".join(part for part in parts if part)
