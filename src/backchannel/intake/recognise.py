"""Tell from its content what a file is: what can be read, and what cannot, by name and with the mend.

Looks at the beginning only. Names of files say nothing: a binary may be called `.json`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import Enum
from itertools import islice
from typing import Final, NamedTuple

from backchannel import codec
from backchannel.intake.columns import layout_of
from backchannel.intake.values import ZoneFrame, is_comment, is_local_line, line_values
from backchannel.stix.visible import visible

HEAD_BYTES: Final = 64 * 2**10
"""How much of a file is looked at."""
MIN_SHARE: Final = 0.5
"""Least share of the lines looked at that must be observables for a text to be a list of them."""
MAX_LINES_TRIED: Final = 200
"""Most lines looked at."""


class Form(Enum):
    """What can be read."""

    JSON = "JSON"
    LINES = "JSON Lines"
    TABLE = "CSV"
    LIST = "list"


class Unreadable(NamedTuple):
    """What cannot be read, in words, and what would mend it."""

    what: str
    mend: str


_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ", "a program (Windows)"),
    (b"\xca\xfe\xba\xbe", "a program (Java or macOS)"),
    (b"\xcf\xfa\xed\xfe", "a program (macOS)"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"PK\x03\x04", "an Office document or a program package (zip)"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"(\xb5/\xfd", "compressed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1f\x9d", "compressed with compress"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap)"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture (pcap)"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)"),
    (b"age-encryption.org/", "a file encrypted with age"),
    (b"-----BEGIN PGP", "a PGP message or key"),
    (b"-----BEGIN AGE", "a file encrypted with age"),
)
_PACKED: Final = ("compressed", "a 7-Zip", "a RAR")
_IMPORTS: Final = (
    "import takes STIX 2.1 or 2.0 and MISP events in JSON, CSV tables and plain lists, also in gzip or zip"
)
_UNICODE: Final = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\x00\x00\xfe\xff", "UTF-32"))

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z", re.IGNORECASE)
_MISP_HASH = re.compile(r"[0-9a-f]{32},[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\s*\Z")
_RULE = re.compile(r"(?:alert|drop|reject|pass) \S+ .{0,400}\(msg:")
_YARA = re.compile(r"(?:(?:private|global) )*rule \w+")
_YAML_LINE = re.compile(r"\s*(?:- )?[\w-]{1,60}:(?:\s|\Z)|\s*- \S")
_YAML_PAIR = re.compile(r"\s*(?:- )?[\w-]{1,60}:\s+\S")
_SIGNS_OF_JSON: Final[tuple[tuple[frozenset[str], str, str], ...]] = (
    (frozenset({"Event"}), "a MISP event", ""),
    (frozenset({"response"}), "an answer of a MISP server", ""),
    (frozenset({"Attribute"}), "attributes of a MISP event", ""),
    (frozenset({"Object", "Orgc"}), "a MISP event", ""),
    (frozenset({"Orgc"}), "a MISP event", ""),
    (frozenset({"Object"}), "objects of a MISP event", ""),
    (
        frozenset({"attributes", "meta-category"}),
        "a template of MISP objects",
        "templates are no intelligence: import STIX objects",
    ),
    (
        frozenset({"matching_attributes", "list"}),
        "a MISP warninglist",
        "add it with `backchannel warninglist add FILE`",
    ),
    (
        frozenset({"values", "uuid"}),
        "a MISP galaxy",
        "galaxies are no intelligence of their own: import STIX objects",
    ),
    (
        frozenset({"GalaxyCluster"}),
        "a MISP galaxy",
        "galaxies are no intelligence of their own: import STIX objects",
    ),
    (
        frozenset({"stix_header"}),
        "STIX 1",
        "convert it to STIX 2.1 (the OASIS tool stix2-elevator does), or ask its producer for STIX 2.1",
    ),
    (frozenset({"event_type", "timestamp"}), "a Suricata log (EVE)", "search it with `backchannel hunt`"),
    (frozenset({"ts", "uid"}), "a Zeek log", "search it with `backchannel hunt`"),
    (frozenset({"@stream", "@system"}), "a Zeek log", "search it with `backchannel hunt`"),
    (frozenset({"ts"}), "a log, of Zeek perhaps", "search it with `backchannel hunt`"),
)
_MISP: Final = "export the whole event from MISP (its download menu has it), and import that"
_EMPTY: Final = Unreadable("empty", "look whether it was written to its end")


def recognise(head: bytes) -> Form | Unreadable:
    """Return what a file is that begins with `head` (`HEAD_BYTES` of it, or all)."""
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        return _EMPTY
    binary = _binary(head)
    if binary is not None:
        return binary
    data = head.removeprefix(b"\xef\xbb\xbf")
    first = data.lstrip(b" \t\r\n")[:1]
    if first in (b"{", b"[") and not _is_bracketed_text(data):
        return Form.LINES if first == b"{" and _has_lines(data) else Form.JSON
    text = _decoded(data)
    if isinstance(text, Unreadable):
        return text
    lines = first_lines(text)
    return _text(text, lines) if lines else _EMPTY


def _is_bracketed_text(data: bytes) -> bool:
    """Whether text that begins like a JSON list is none: a filter list, or an address in brackets."""
    line = data.lstrip(b" \t\r\n").split(b"\n", 1)[0][:1000].decode(errors="replace")
    return line.startswith("[Adblock") or (
        line[1:].lstrip()[:1] not in {"", *'{["]'} and bool(line_values(line))
    )


def first_lines(text: str) -> list[str]:
    """Return the lines of the beginning of a text, but the blank ones."""
    # No splitlines: it also splits at characters that a cell may hold.
    return [line.rstrip("\r") for line in text.split("\n") if line.strip()]


def json_named(keys: Collection[str]) -> Unreadable | None:
    """Return what a JSON object is that has `keys`, if it is no STIX but something that is known."""
    for signs, what, mend in _SIGNS_OF_JSON:
        if signs <= set(keys):
            return Unreadable(f"{what} (JSON)", mend or _MISP)
    if len(keys) > 0 and all(_UUID.match(key) for key in keys):
        return Unreadable("the manifest of a MISP feed (JSON)", _MISP)
    return None


def _binary(head: bytes) -> Unreadable | None:
    for magic, name in _UNICODE:
        if head.startswith(magic):
            return Unreadable(f"text in {name}", "save it as UTF-8")
    for magic, what in _MAGIC:
        if head.startswith(magic):
            packed = what.startswith(_PACKED)
            mend = "unpack it first" if packed else f"take the observables out of it; {_IMPORTS}"
            return Unreadable(what, mend)
    zeros = head.count(0)
    if not zeros:
        return None
    if zeros >= len(head) * 0.3 and (not any(head[0:64:2]) or not any(head[1:64:2])):
        return Unreadable("text in UTF-16", "save it as UTF-8")
    return Unreadable("a binary file, or text with NUL bytes in it", f"look what wrote it; {_IMPORTS}")


def _has_lines(data: bytes) -> bool:
    """Whether each line seems to be a JSON object of its own: the first two whole ones decide.

    The first may be damaged if the next two are not: one bad line never costs its neighbours.
    """
    whole = [line.strip() for line in data.split(b"\n", 12)[:12]]
    lines = [line for line in whole if line]
    if len(lines) < 2:
        return False
    if _is_object(lines[0]):
        return True
    return lines[0].startswith(b'{"') and len(lines) > 2 and _is_object(lines[1]) and _is_object(lines[2])


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(codec.decode(line), dict)
    except ValueError:
        return False


def _decoded(data: bytes) -> str | Unreadable:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4 and len(data) >= HEAD_BYTES - 3:
            return data[: error.start].decode()  # a character cut in two by the end of the head
        line = data.count(b"\n", 0, error.start) + 1
        what = f"text that is not UTF-8 (byte 0x{data[error.start]:02x} in line {line})"
        return Unreadable(what, "save it as UTF-8 (`iconv -f WINDOWS-1252 -t UTF-8`, if that is what it is)")


def _text(text: str, lines: list[str]) -> Form | Unreadable:
    first = lines[0].lstrip()
    if first.startswith("<"):
        return _marked_up(text)
    if first.startswith("#separator"):
        return Unreadable("a Zeek log", "search it with `backchannel hunt`")
    if "\n" not in text and text.strip().count("\r") > 0:
        what = "text whose lines end as on old Macintoshes, in a carriage return only"
        return Unreadable(what, "save it with the line ends of Unix or Windows")
    frame = ZoneFrame()
    telling = (line for line in lines if not (is_comment(line) or frame.has(line) or is_local_line(line)))
    content = list(islice(telling, MAX_LINES_TRIED))
    foreign = _foreign(first, content)
    if foreign is not None:
        return foreign
    readable = sum(1 for line in content if line_values(line))
    if readable and readable >= len(content) * MIN_SHARE:
        return Form.LIST
    if layout_of(lines) is not None:
        return Form.TABLE
    shown = visible(content[0] if content else first, max_chars=60)
    what = f"text in which no line is an address, name, URL, hash or e-mail address (as `{shown}`)"
    return Unreadable(what, _IMPORTS)


def _foreign(first: str, content: Sequence[str]) -> Unreadable | None:
    """Return what a text is that has its own form, and whose lines may yet hold observables."""
    if not content:
        return Unreadable(
            "a list with nothing in it but comments and the names of this machine",
            "look whether it was written to its end",
        )
    if any(_RULE.match(line) for line in content[:3]):
        mend = (
            "load them into Suricata itself; import takes the observables they look for as CSV or as a list"
        )
        return Unreadable("rules of Suricata or Snort", mend)
    if any(_YARA.match(line) for line in content[:3]):
        return Unreadable("YARA rules", "run them with YARA; import takes observables as CSV or as a list")
    if all(_MISP_HASH.match(line) for line in content):
        return Unreadable("the index of a MISP feed (hashes of its values)", _MISP)
    is_yaml = sum(1 for line in content if _YAML_LINE.match(line)) >= len(content) * 0.9
    if first.startswith("---") or (is_yaml and sum(1 for line in content if _YAML_PAIR.match(line)) >= 2):
        return Unreadable("YAML", f"take the observables out of it, as CSV or as a list; {_IMPORTS}")
    return None


def _marked_up(text: str) -> Unreadable:
    if "STIX_Package" in text:
        mend = "convert it to STIX 2.1 (the OASIS tool stix2-elevator does), or ask its producer for STIX 2.1"
        return Unreadable("STIX 1 in XML", mend)
    if re.search(r"<(?:!doctype )?html\b", text[:2000], re.IGNORECASE):
        return Unreadable("a web page", "fetch the file itself, not the page about it")
    if re.match(r"\s*<\s*[{\[]", text):
        return Unreadable("broken JSON: a `<` stands before it", "fetch it again, or take the `<` out")
    if re.match(r"\s*<(?:\?xml|!--|[A-Za-z])", text):
        return Unreadable("XML", f"ask its producer for STIX 2.1; {_IMPORTS}")
    return Unreadable("text that begins like XML and is none, nor JSON", f"look what wrote it; {_IMPORTS}")
