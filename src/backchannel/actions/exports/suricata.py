"""Suricata 7 and 8: alert rules, list files for hashes, and a dataset where there are many names.

Stage: alert; `drop` is never written. Names match with everything below them (`dotprefix` keeps look-alikes
such as `notevil.example` out); above `MAX_NAME_RULES` names they go into a dataset, which matches whole names
only and loads far faster. File names are relative: keep the files of one export in one folder.

Of several kinds of digest Suricata computes only one, unless suricata.yaml asks for all of them (seen with
7.0.10): `force-hash`, as the rules file's head says.

A rule's sid comes from a private block, is given once by the store and never reused; its rev rises with each
change of its text. Withdrawal: a newer file and `suricatasc -c ruleset-reload-nonblocking`.
"""

from __future__ import annotations

import base64
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final
from urllib.parse import urlsplit

from backchannel.actions.exports.entry import (
    Export,
    ExportEntry,
    ManifestLine,
    Skipped,
    manifest_lines,
    passing,
    plain,
    tag,
    until,
)
from backchannel.actions.gates import Stage
from backchannel.ids import Digest, sha256
from backchannel.observables.kinds import Kind

STAGE: Final[Stage] = "alert"
FIRST_SID, LAST_SID = 1_500_000, 1_999_999
"""Our block of sids, in the upper half of what rule writers leave for local use (1,000,000 to 1,999,999)."""
MAX_NAME_RULES = 500
"""Names up to which each has its own rules: 200,000 names in a dataset load in a quarter of the time of 5,000
rules."""
MAX_ADDRESS_RULES = 500
"""Indicators up to which the addresses of each have a rule of their own; more go into a dataset."""
MAX_CONTENT_CHARS = 255
"""Longest `content` that Suricata takes."""
MAX_ADDRESSES_A_RULE = 100
"""Addresses of one indicator in one rule; further ones get rules of their own."""

RULES = "backchannel.rules"
NAMES = "backchannel-names.list"
V4, V6 = "backchannel-v4.list", "backchannel-v6.list"
HASH_LISTS: Final[Mapping[int, tuple[str, str]]] = {
    32: ("filemd5", "backchannel-md5.list"),
    40: ("filesha1", "backchannel-sha1.list"),
    64: ("filesha256", "backchannel-sha256.list"),
}
"""Length of the hexadecimal digest to keyword and file."""

_HEAD: Final = (
    "Alert rules made by Backchannel: replaced as a whole by each export, so change nothing here.",
    "Keep the files of the export in one folder and name this one under rule-files in suricata.yaml.",
    "For file digests let Suricata compute all three kinds: outputs, eve-log, types,",
    "  - files: {force-hash: [md5, sha1, sha256]}",
    "After an export: suricatasc -c ruleset-reload-nonblocking",
)
_NAME_RULES: Final = (
    ("dns", "dns.query; dotprefix; content:{0}; nocase; endswith;"),
    ("tls", "tls.sni; dotprefix; content:{0}; nocase; endswith;"),
    ("http", "http.host; dotprefix; content:{0}; endswith;"),
)
_ENDING_RULES: Final = (
    ("dns", "dns.query; content:{0}; nocase; endswith;"),
    ("tls", "tls.sni; content:{0}; nocase; endswith;"),
    ("http", "http.host; content:{0}; endswith;"),
)
_SET = f"dataset:isset,backchannel-names,type string,load {NAMES},memcap 512mb,hashsize 65536;"
_SET_RULES: Final = (
    ("dns", f"dns.query; to_lowercase; {_SET}"),
    ("tls", f"tls.sni; to_lowercase; {_SET}"),
    ("http", f"http.host; {_SET}"),
)
# A dataset is asked for every packet: the flow bit makes it one alert a flow, as an address rule gives.
_ADDRESS_RULE: Final = (
    "flowbits:isnotset,backchannel.{0}; ip.{1}; dataset:isset,backchannel-{0},type {2},load {3},memcap 512mb,"
    "hashsize 65536; flowbits:set,backchannel.{0};"
)
_ADDRESS_RULES: Final = tuple(
    (f"{name}:{side}", _ADDRESS_RULE.format(name, side, kind, file))
    for name, kind, file in (("v4", "ipv4", V4), ("v6", "ip", V6))
    for side in ("src", "dst")
)
_HASH_PROTOCOLS: Final = ("http", "smtp", "ftp-data", "smb", "nfs")
_PLAIN_OCTETS: Final = frozenset(f"{string.ascii_letters}{string.digits}._/?=&-".encode())


@dataclass(frozen=True, slots=True)
class RuleNumber:
    """What the store gives a rule."""

    sid: int
    rev: int


@dataclass(frozen=True, slots=True)
class Draft:
    """One rule without its number."""

    indicator: str
    """The indicator it is for, or `many` for a rule over a list."""
    observable: str
    """What it looks for and where; with `indicator`, the name under which its sid is kept."""
    text: str
    """The rule up to its sid."""
    entries: tuple[ExportEntry, ...]
    """What the rule itself is about; empty for a rule over a list."""

    @property
    def key(self) -> tuple[str, str]:
        """Under which its number is kept."""
        return self.indicator, self.observable

    @property
    def sha256(self) -> Digest:
        """Of its text: a change raises the rev."""
        return sha256(self.text.encode())


@dataclass(slots=True)
class Drafts:
    """Everything but the numbers."""

    rules: list[Draft] = field(default_factory=list)
    lists: dict[str, list[tuple[str, tuple[ExportEntry, ...]]]] = field(default_factory=dict)
    """File to its lines, each with the entries behind it."""
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def draft(entries: Iterable[ExportEntry], *, at: datetime) -> Drafts:
    """Write every rule up to its sid, and the list files."""
    taken, skipped = passing(entries, stage=STAGE, at=at)
    made = Drafts(skipped=skipped)
    made.lists = {name: [] for name in (NAMES, V4, V6, *(name for _, name in HASH_LISTS.values()))}
    by_kind: dict[Kind, list[ExportEntry]] = {kind: [] for kind in Kind}
    for entry in taken:
        why = _inexpressible(entry)
        if why:
            made.skipped.append(Skipped(entry.indicator, entry.value, "format", why))
        else:
            by_kind[entry.kind].append(entry)
    _addresses(by_kind[Kind.ADDRESS], made)
    _names(by_kind[Kind.DOMAIN], made)
    _urls(by_kind[Kind.URL], made)
    _hashes(by_kind[Kind.HASH], made)
    return made


def write(drafts: Drafts, *, numbers: Mapping[tuple[str, str], RuleNumber]) -> Export:
    """Number the rules and write the files.

    Args:
        drafts: from `draft`.
        numbers: `Draft.key` to number, for every rule.

    Raises:
        ValueError: a rule has no number, or one outside our block.
    """
    lines = [f"# {line}\n" for line in _HEAD]
    manifest: list[ManifestLine] = []
    for rule in drafts.rules:
        number = numbers.get(rule.key)
        if number is None or not FIRST_SID <= number.sid <= LAST_SID:
            raise ValueError(f"no sid of our block for {rule.indicator} ({rule.observable}): {number}")
        lines.append(f"{rule.text} sid:{number.sid}; rev:{number.rev};)\n")
        manifest += manifest_lines(rule.entries, STAGE, file=RULES, line=len(lines))
    files = {RULES: "".join(lines).encode("ascii")}
    for name, rows in drafts.lists.items():
        files[name] = "".join(f"{text}\n" for text, _ in rows).encode("ascii")
        for line, (_, group) in enumerate(rows, 1):
            manifest += manifest_lines(group, STAGE, file=name, line=line)
    return Export(files, tuple(drafts.skipped), tuple(manifest), tuple(drafts.notes))


_RULED: Final = frozenset({Kind.ADDRESS, Kind.DOMAIN, Kind.URL, Kind.HASH})
"""Kinds for which there are rules."""


def _inexpressible(entry: ExportEntry) -> str:
    if entry.kind not in {*_RULED, Kind.EMAIL}:
        return "these rules are for addresses, names, URLs and file hashes only"
    if entry.kind is Kind.EMAIL:
        return "Suricata has no keyword for mail addresses that both version 7 and 8 know"
    if entry.kind is Kind.HASH and len(entry.value) not in HASH_LISTS:
        return "Suricata computes MD5, SHA-1 and SHA-256 of files, not SHA-512"
    if entry.kind is Kind.DOMAIN and len(entry.value) > MAX_CONTENT_CHARS - 1:
        return f"the name is longer than the {MAX_CONTENT_CHARS} characters that a rule can hold"
    if entry.kind is Kind.URL:
        host, path = _parts_of(entry.value)
        if max(len(host), len(path.encode("utf-8"))) > MAX_CONTENT_CHARS:
            return f"its host or path is longer than the {MAX_CONTENT_CHARS} characters that a rule can hold"
    return ""


def _addresses(entries: Sequence[ExportEntry], made: Drafts) -> None:
    single = [entry for entry in entries if entry.scope != "cidr"]
    if len({entry.indicator for entry in single}) <= MAX_ADDRESS_RULES:
        _address_rules(entries, made)
        return
    _address_rules([entry for entry in entries if entry.scope == "cidr"], made)
    for value, group in groupby(single, key=lambda e: e.value):
        made.lists[V6 if ":" in value else V4].append((value, tuple(group)))
    for name, options in _ADDRESS_RULES:
        if made.lists[V4 if name.startswith("v4") else V6]:
            _rule(made, "many", f"ip:{name}", "ip any any -> any any", options, ())
    made.notes.append(
        "addresses are in a dataset: an alert shows the address, and manifest.json which indicator it is of"
    )


def _address_rules(entries: Sequence[ExportEntry], made: Drafts) -> None:
    """Rules for all addresses and networks of one indicator: an alert tells which indicator it was."""
    ordered = sorted(entries, key=lambda e: e.indicator)  # stable: addresses stay in their order
    for indicator, group in groupby(ordered, key=lambda e: e.indicator):
        members = list(group)
        for start in range(0, len(members), MAX_ADDRESSES_A_RULE):
            part = tuple(members[start : start + MAX_ADDRESSES_A_RULE])
            values = ",".join(dict.fromkeys(entry.value for entry in part))
            header = f"ip any any <> [{values}] any"
            _rule(made, indicator, f"ip:{start // MAX_ADDRESSES_A_RULE}", header, "", part)


def _names(entries: Sequence[ExportEntry], made: Drafts) -> None:
    whole = [entry for entry in entries if entry.scope == "exact"]
    many = len({entry.value for entry in whole}) > MAX_NAME_RULES
    for entry in entries:
        if many and entry.scope == "exact":
            continue
        rules = _NAME_RULES if entry.scope == "exact" else _ENDING_RULES
        content = entry.value if entry.scope == "suffix" else f".{entry.value}"
        for protocol, options in rules:
            text = options.format(_content(content))
            _rule(
                made,
                entry.indicator,
                f"{protocol}:{entry.scope}:{entry.value}",
                f"{protocol} any any -> any any",
                text,
                (entry,),
            )
    if not many:
        return
    for _, group in groupby(whole, key=lambda e: e.value):
        members = tuple(group)
        made.lists[NAMES].append((base64.b64encode(members[0].value.encode()).decode(), members))
    for protocol, options in _SET_RULES:
        _rule(made, "many", f"names:{protocol}", f"{protocol} any any -> any any", options, ())
    made.notes.append(
        f"{len(made.lists[NAMES]):,} names are in a dataset, which matches whole names only: what lies below "
        "them is found by `backchannel hunt`, not by Suricata (up to "
        f"{MAX_NAME_RULES} names have rules for both)"
    )


def _urls(entries: Sequence[ExportEntry], made: Drafts) -> None:
    for entry in entries:
        host, path = _parts_of(entry.value)
        # Suricata decodes %XX in http.uri; where we have one, compare the request as it was sent.
        buffer = "http.uri.raw" if "%" in path else "http.uri"
        end = "endswith;" if entry.scope == "exact" else ""
        options = (
            f"http.host; content:{_content(host)}; startswith; endswith; "
            f"{buffer}; content:{_content(path)}; startswith; {end}"
        ).rstrip()
        port = _port_of(entry.value)
        header = f"http any any -> any {port or 'any'}"
        _rule(made, entry.indicator, f"http:{entry.scope}:{entry.value}", header, options, (entry,))


def _hashes(entries: Sequence[ExportEntry], made: Drafts) -> None:
    for value, group in groupby(entries, key=lambda e: e.value):
        members = tuple(group)
        name = HASH_LISTS[len(value)][1]
        made.lists[name].append((f"{value} # {tag(members, STAGE)}", members))
    for keyword, name in HASH_LISTS.values():
        if not made.lists[name]:
            continue  # a rule over an empty list file would not load
        for protocol in _HASH_PROTOCOLS:
            header = f"{protocol} any any -> any any"
            _rule(made, "many", f"{keyword}:{protocol}", header, f"{keyword}:{name};", ())
    if sum(bool(made.lists[name]) for _, name in HASH_LISTS.values()) > 1:
        made.notes.append(
            "there are digests of several kinds, and Suricata computes only one unless suricata.yaml says "
            "`force-hash: [md5, sha1, sha256]` under outputs, eve-log, types, files"
        )


def _rule(
    made: Drafts, indicator: str, observable: str, header: str, options: str, entries: tuple[ExportEntry, ...]
) -> None:
    title = plain(entries[0].title if entries else "", max_chars=80)
    short = indicator.partition("--")[2][:8] or observable.replace(":", " ")
    message = f"BC {short} {title}".rstrip()
    about = [f"bc_id {indicator}"]
    if entries:
        strictest = entries[0].tlp.value.lower().replace("+", "_").replace("-", "_").removeprefix("tlp:")
        about += [f"tlp {strictest}", f"until {until(entries, STAGE)[:10].replace('-', '_')}"]
    body = " ".join(part for part in (f'msg:"{message}";', options, f"metadata:{', '.join(about)};") if part)
    made.rules.append(Draft(indicator, observable, f"alert {header} ({body}", entries))


def _content(text: str) -> str:
    """Quote `text` for `content`: an octet that could mean something to the rule reader is written in hex."""
    out: list[str] = []
    for is_plain, octets in groupby(text.encode("utf-8"), key=_PLAIN_OCTETS.__contains__):
        run = bytes(octets)
        out.append(run.decode("ascii") if is_plain else f"|{run.hex(' ')}|")
    return f'"{"".join(out)}"'


def _parts_of(url: str) -> tuple[str, str]:
    split = urlsplit(url if "://" in url else f"http://{url}")
    path = split.path or "/"
    return (split.hostname or "").lower(), f"{path}?{split.query}" if split.query else path


def _port_of(url: str) -> int | None:
    split = urlsplit(url if "://" in url else f"http://{url}")
    return split.port if split.port not in {80, 443} else None
