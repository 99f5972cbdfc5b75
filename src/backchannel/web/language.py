"""What a page says in the reader's language: every sentence of a template goes through `say`.

Only English is here, so a sentence is its own translation. Values are put in by name, made visible
(`stix.visible`) and escaped: a sentence is markup, what it quotes never is. TLP labels are not translated
(FIRST TLP 2.0 §1b), nor are the words of a standard.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from backchannel.stix.visible import visible

MAX_SHOWN_CHARS = 4_000
"""Longest text from outside that a page shows in one place (characters): longer ones are cut with `…`."""


def shown(value: object) -> Markup:
    """Return `value` as markup that is nothing but text, with nothing invisible in it."""
    if isinstance(value, Markup):
        return value
    return escape(visible(str(value), max_chars=MAX_SHOWN_CHARS))


def say(sentence: str, /, **values: object) -> Markup:
    """Return `sentence` with `values` in the places named `%(name)s`.

    `sentence` is ours and may hold entities, no tags; `values` may come from outside.
    """
    if not values:
        return escape(sentence)
    return Markup(escape(sentence)) % {name: shown(value) for name, value in values.items()}  # noqa: S704 - escaped


def say_count(one: str, many: str, count: int, /, **values: object) -> Markup:
    """Return `one` or `many` as `count` asks, with `%(count)s` and `values` put in."""
    return say(one if count == 1 else many, count=f"{count:,}", **values)
