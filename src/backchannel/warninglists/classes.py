"""Which class a warning list belongs to: what it may do to an indicator that stands on it.

The lists themselves carry no such word, so `classes.toml` beside this file says it by the list's name.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, cast, get_args

ListClass = Literal["infrastructure", "popular", "context"]
"""`infrastructure`: never blocked nor alerted on. `popular`: held for a person. `context`: a label only."""

CLASSES: tuple[ListClass, ...] = get_args(ListClass)

UNKNOWN_CLASS: ListClass = "popular"
"""Class of a list that the table does not name: held, so that a person decides once."""


@dataclass(frozen=True, slots=True)
class _Table:
    by_name: dict[str, ListClass]
    by_word: tuple[tuple[str, ListClass], ...]


@cache
def _table() -> _Table:
    text = resources.files(__package__).joinpath("classes.toml").read_text("utf-8")
    value = tomllib.loads(text)
    by_name = {name: cls for cls in CLASSES for name in value.get(cls, ())}
    by_word = tuple(
        (word, cast("ListClass", row["class"])) for row in value["words"] for word in row["words"]
    )
    return _Table(by_name, by_word)


def class_of(name: str) -> ListClass:
    """Return the class of the warning list called `name` (the `name` inside its file).

    A list in no row of the table is `UNKNOWN_CLASS`.
    """
    table = _table()
    known = table.by_name.get(name)
    if known is not None:
        return known
    low = name.lower()
    return next((cls for word, cls in table.by_word if word in low), UNKNOWN_CLASS)
