"""Zeek: one file for its intelligence framework, which writes what it sees to `intel.log`.

Stage: detect. Columns are TAB separated under a `#fields` header; names are matched whole (no subdomains),
URLs are written without scheme, everything is compared in lower case.

Withdrawal: Zeek only ever adds what it reads, and by default keeps it until it is restarted. `__load__.zeek`
beside the file therefore loads `do_expire` and sets `Intel::item_expiration`: what a newer file no longer
names is dropped that long after it was last read. Each export replaces the file, also by an equal one, and so
renews what is still in it: export more often than the expiry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Final

from backchannel.actions.exports.entry import (
    Export,
    ExportEntry,
    ManifestLine,
    Skipped,
    manifest_lines,
    passing,
    plain,
    tag,
)
from backchannel.actions.gates import Stage
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import Network

STAGE: Final[Stage] = "detect"
EXPIRY_HOURS = 48
"""How long Zeek keeps what is no longer in the file, since it last read it (hours)."""
HASH_LENGTHS: Final = frozenset({32, 40, 64})
"""Hexadecimal digits of the digests that Zeek can compute of a file: MD5, SHA-1, SHA-256."""

_FIELDS = "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n"
_TYPES: Final = {
    Kind.ADDRESS: "Intel::ADDR",
    Kind.DOMAIN: "Intel::DOMAIN",
    Kind.URL: "Intel::URL",
    Kind.HASH: "Intel::FILE_HASH",
    Kind.EMAIL: "Intel::EMAIL",
}
_READ_AS_NOTHING: Final = frozenset({"", "-"})
"""Whole fields that Zeek's reader takes for unset or empty."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
_UNSAFE = re.compile(r"[^!-\[\]-~]")
"""What is written as \\xHH: control characters, blanks, the backslash, and all beyond ASCII."""

_LOAD = f"""\
# Loads the indicators beside this file: add `@load PATH-OF-THIS-FOLDER` to local.zeek.
# What a newer intel.dat no longer names is dropped {EXPIRY_HOURS} hours after Zeek last read it, so the
# export must run more often than that. Without this expiry Zeek would keep every withdrawn line until a
# restart.
@load base/frameworks/intel
@load policy/frameworks/intel/seen
@load policy/frameworks/intel/do_expire

redef Intel::item_expiration = {EXPIRY_HOURS}hr;
redef Intel::read_files += {{ fmt("%s/intel.dat", @DIR) }};
"""


def write(entries: Iterable[ExportEntry], *, at: datetime) -> Export:
    """Write `intel.dat` and `__load__.zeek`."""
    taken, skipped = passing(entries, stage=STAGE, at=at)
    lines = [_FIELDS]
    manifest: list[ManifestLine] = []
    expressible: list[ExportEntry] = []
    for entry in taken:
        why = _inexpressible(entry)
        if why:
            skipped.append(Skipped(entry.indicator, entry.value, "format", why))
        else:
            expressible.append(entry)
    # Zeek keeps one text for each source of a value: two indicators of one source share a line.
    ordered = sorted(expressible, key=_row)
    for row, group in groupby(ordered, key=_row):
        members = tuple(group)
        lines.append(_line(row, members))
        manifest += manifest_lines(members, STAGE, file="intel.dat", line=len(lines))
    files = {"intel.dat": "".join(lines).encode("ascii"), "__load__.zeek": _LOAD.encode("ascii")}
    return Export(files, tuple(skipped), tuple(manifest))


def _row(entry: ExportEntry) -> tuple[str, str, str]:
    value = _SCHEME.sub("", entry.value, count=1) if entry.kind is Kind.URL else entry.value
    kind = "Intel::SUBNET" if isinstance(entry.target.thing, Network) else _TYPES[entry.kind]
    source = plain(entry.source, max_chars=60)
    return kind, escape(value.lower()), "Backchannel" if source in _READ_AS_NOTHING else source


def _line(row: tuple[str, str, str], members: tuple[ExportEntry, ...]) -> str:
    kind, value, source = row
    title = plain(next((e.title for e in members if e.title), ""), max_chars=120)
    desc = f"{tag(members, STAGE)} {title}".rstrip()
    return f"{value}\t{kind}\t{source}\t{desc}\t-\n"


def _inexpressible(entry: ExportEntry) -> str:
    if entry.kind not in _TYPES:
        return "these lines are for addresses, names, URLs, file hashes and mail addresses only"
    if entry.scope == "subdomain":
        return f"Zeek compares names whole, and this is for names below {entry.value}"
    if entry.scope == "suffix":
        return f"Zeek compares names whole, and this is for all that end with {entry.value}"
    if entry.scope == "url prefix":
        return f"Zeek compares URLs whole, and this is for all that begin with {entry.value[:80]}"
    if entry.kind is Kind.HASH and len(entry.value) not in HASH_LENGTHS:
        return "Zeek computes MD5, SHA-1 and SHA-256 of files, not SHA-512"
    return ""


def escape(text: str) -> str:
    """Write `text` for Zeek's ASCII reader: nothing in it can end the field or the line, or read as unset."""
    written = _UNSAFE.sub(lambda m: "".join(f"\\x{byte:02x}" for byte in m.group().encode("utf-8")), text)
    return f"\\x{ord(written[0]):02x}{written[1:]}" if written[:1] in {"-", "#", "("} else written
