"""Names of parties, shown so that none can pass for another.

A name comes from the party that bears it, so it is hostile text: it may be turned round by bidirectional marks,
hold what is not seen, or borrow letters of another script that look like ours. `visible_name` shows what is odd
about it as an escape; `look` is equal for names that a person would take for one another.

The look-alikes are the letters of other scripts that stand for a Latin one in Unicode's confusables (UTS #39) and
that are seen in names in the field; what is no letter, and likenesses within one script, are left to `look`.
"""

from __future__ import annotations

import re
import unicodedata

from backchannel.stix.visible import visible

MAX_SHOWN_CHARS = 200
MAX_MARKS = 2
"""Most accents on one letter; Vietnamese needs two. More make a heap that covers the lines around it."""

_LIKE_LATIN = str.maketrans(
    # Cyrillic, Greek, Armenian, Cherokee; each in upper case, then in lower case.
    "АВЕЅІЈКМНОРСТУХԚԜҮ"
    "асԁеһіјӏорԛѕхуүԝѵктмнв"
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϺ"
    "αγικνορτυωϲϳχ"
    "ՏԼՍՕ"
    "օսոհցզյ"
    "ᎠᎡᎢᎪᎫᎬᎳᎷᎻᎽᏀᏃᏒᏔᏚᏞᏟᏢᏦᏴ"
    "ıɑɡɩʟ",
    "ABESIJKMHOPCTYXQWY"
    "acdehijlopqsxyywvktmhb"
    "ABEZHIKMNOPTYXCM"
    "ayikvoptuwcjx"
    "SLUO"
    "ounhgqj"
    "DRTAJEWMHYGZRWSLCPKB"
    "iagil",
)
_ALIKE = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}
"""Scripts whose letters pass for one another's; a word that mixes them is odd, one of 東京CERT is not."""
_SCRIPTS_TOGETHER = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK", "HANGUL", "BOPOMOFO"}
"""Scripts that one word of Japanese, Chinese or Korean may mix."""
_LOOKS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_ONE_LOOK = str.maketrans("i1|!0", "llllo")
_WORD = re.compile(r"\S+")


def visible_name(text: str) -> str:
    r"""Return a name on one line, with everything in it seen that could make it pass for another.

    Shown as an escape (`\u{430}`) are: what `visible` shows so (controls, bidirectional marks, what has no width);
    letters of a second script that looks like the first, within one word; words all of whose letters look Latin
    and are not, where nothing else in the name tells so; letters in the shape of others (full width,
    mathematical); heaps of accents.
    """
    line = visible(unicodedata.normalize("NFC", text[: 4 * MAX_SHOWN_CHARS]), max_chars=MAX_SHOWN_CHARS)
    if line.isascii():
        return line
    telling = {_script(char) for char in line if char.isalpha() and char.translate(_LIKE_LATIN) == char}
    return _WORD.sub(lambda word: _visible_word(word.group(), telling), line)


def is_plain_name(text: str) -> bool:
    """Whether a name holds nothing that cannot be seen: what a card must not bear at all."""
    return bool(text.strip()) and visible(text, max_chars=len(text) + 1) == text


def look(name: str) -> str:
    """Return what a name looks like: equal for names that a person may take for one another.

    Case, accents, blanks and punctuation do not count; neither do `0` and `o`, `1`, `i` and `l`, `rn` and `m`.
    """
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name)).translate(_LIKE_LATIN)
    shown = "".join(char for char in apart.casefold() if char.isalnum() or char in "|!").translate(_ONE_LOOK)
    for seen, like in _LOOKS:
        shown = shown.replace(seen, like)
    return shown


def _visible_word(word: str, telling: set[str]) -> str:
    letters = [char for char in word if char.isalpha()]
    scripts = [_script(char) for char in letters]
    main = max(scripts, key=scripts.count, default="")
    # A whole word of look-alikes: nothing in it, or around it, says which script it is.
    is_veiled = main in _ALIKE - {"LATIN"} - telling and all(
        char.translate(_LIKE_LATIN) != char for char in letters
    )
    shown, marks = [], 0
    for char in word:
        marks = marks + 1 if unicodedata.combining(char) else 0
        is_odd = (
            marks > MAX_MARKS
            or _is_dressed(char)
            or (char.isalpha() and (is_veiled or (main in _ALIKE and _script(char) in _ALIKE - {main})))
        )
        shown.append(f"\\u{{{ord(char):x}}}" if is_odd else char)
    return "".join(shown)


def _script(char: str) -> str:
    first = unicodedata.name(char, "UNNAMED").split(" ", 1)[0]
    return "EAST ASIAN" if first in _SCRIPTS_TOGETHER else first


def _is_dressed(char: str) -> bool:
    """Whether a character is a plain letter or digit in another shape."""
    plain = unicodedata.normalize("NFKC", char)
    return plain != char and plain.isascii() and plain.isalnum()
