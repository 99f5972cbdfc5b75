"""Exports: everything in force that passes the gates of a control, written as that control loads it.

One folder belongs to one control. Beside its files lies `manifest.json`: which indicator stands in which
line, until when, and the digest of each file. The same store at the same time gives the same bytes, and a
folder that holds something else under those names is never written over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from backchannel import codec
from backchannel.actions.exports import rpz, suricata, zeek
from backchannel.actions.exports.entry import Export, ExportEntry, ManifestLine, Skipped
from backchannel.actions.gates import Stage
from backchannel.clock import Clock, format_time
from backchannel.desk.judging import Judge, Judged
from backchannel.desk.node import Node
from backchannel.desk.one_word import Words
from backchannel.desk.writing import write_files
from backchannel.errors import UsageError
from backchannel.ids import sha256
from backchannel.stix.visible import visible
from backchannel.store.belief import ExportFolder
from backchannel.store.outgoing import RuleText
from backchannel.store.rows import Kept

MANIFEST = "manifest.json"
PAGE_ROWS = 500
"""Indicators read at once."""
PAGE_SCAN = 5_000
"""Superseded versions passed over in one page."""
MAX_SKIPPED_TOLD = 10_000
"""Values left out that one report names; it counts all of them."""
MAX_MANIFEST_BYTES = 2**30


class ExportFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an export."""

    name: str
    sha256: str
    """Hexadecimal."""
    bytes: int
    lines: int


class SkippedValue(msgspec.Struct, frozen=True, kw_only=True):
    """One value that was left out."""

    indicator: str
    value: str
    gate: str
    why: str


class ExportReport(msgspec.Struct, frozen=True, kw_only=True):
    """`export CONTROL -o DIR --json`."""

    schema: Literal["backchannel.export/1"] = "backchannel.export/1"
    control: str
    stage: Stage
    """`detect`: written down; `alert`: a person is called; `block`: the traffic is stopped."""
    folder: str
    files: tuple[ExportFile, ...]
    changed: bool
    """Some file's content differs from what lay there before."""
    indicators: int
    """In force, and looked at."""
    exported: int
    """Indicators with at least one line."""
    lines: int
    """Values in the files."""
    skipped: tuple[SkippedValue, ...]
    """At most 10,000."""
    skipped_total: int
    skipped_by_gate: dict[str, int]
    withdrawn: tuple[SkippedValue, ...] = ()
    """What stood in the export before and is left out now, with the reason; at most 10,000."""
    unsearched: int
    """Indicators of whose pattern a part can neither be searched nor exported."""
    quarantined: int
    """Objects that wait for a person and were not looked at."""
    serial: int | None
    """Of the zone (`rpz`)."""
    notes: tuple[str, ...]


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json`."""

    schema: Literal["backchannel.manifest/1"] = "backchannel.manifest/1"
    control: str
    stage: Stage
    serial: int | None
    files: tuple[ExportFile, ...]
    lines: tuple[dict[str, str | int], ...]
    """{indicator, value, file, line, expires_at}, by file and line."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What the folder holds from the export before."""

    serial: int
    files: Mapping[str, str]
    """Name to SHA-256."""
    lines: frozenset[tuple[str, str]] = frozenset()
    """Indicator and value."""


_Write = Callable[[Node, Sequence[ExportEntry], datetime, _Before], tuple[Export, int | None]]


def _zeek(_node: Node, entries: Sequence[ExportEntry], at: datetime, _before: _Before) -> tuple[Export, None]:
    return zeek.write(entries, at=at), None


def _suricata(
    node: Node, entries: Sequence[ExportEntry], at: datetime, _before: _Before
) -> tuple[Export, None]:
    drafts = suricata.draft(entries, at=at)
    texts = [RuleText(rule.indicator, rule.observable, rule.sha256) for rule in drafts.rules]
    given = node.store.rule_numbers.number(texts, first=suricata.FIRST_SID, last=suricata.LAST_SID)
    numbers = {key: suricata.RuleNumber(sid, rev) for key, (sid, rev) in given.items()}
    return suricata.write(drafts, numbers=numbers), None


def _rpz(_node: Node, entries: Sequence[ExportEntry], at: datetime, before: _Before) -> tuple[Export, int]:
    """A zone that says the same keeps its serial; another gets a higher one, never below the clock."""
    if before.serial:
        same = rpz.write(entries, at=at, serial=before.serial)
        if _digests(same.files) == before.files:
            return same, before.serial
    serial = max(before.serial + 1, int(at.timestamp()))
    return rpz.write(entries, at=at, serial=serial), serial


CONTROLS: Final[Mapping[str, tuple[Stage, _Write]]] = MappingProxyType(
    {"zeek": (zeek.STAGE, _zeek), "suricata": (suricata.STAGE, _suricata), "rpz": (rpz.STAGE, _rpz)}
)
"""Name to stage and writer."""


def export(
    node: Node,
    clock: Clock,
    control: str,
    out_dir: Path,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> ExportReport:
    """Write what passes the gates of `control` into `out_dir`.

    Args:
        node: whose store is exported.
        clock: gives the present, for validity and expiry.
        control: a key of `CONTROLS`.
        out_dir: a folder for this control alone; made where it is missing.
        on_progress: called with the number of indicators read so far.

    Raises:
        UsageError: there is no such control, or the folder holds files that are not ours.
        InputError: the folder cannot be written.
    """
    if control not in CONTROLS:
        raise UsageError(
            f"there is no control {visible(control, max_chars=40)}",
            hint=f"Say one of: {', '.join(CONTROLS)}.",
        )
    stage, write = CONTROLS[control]
    at = clock.now()
    before = _before(out_dir, control)
    gathered = _gather(node, clock, on_progress)
    made, serial = write(node, gathered.entries, at, before)
    _only_ours(out_dir, made.files, before)
    files = tuple(_file(name, data) for name, data in made.files.items())
    manifest = _Manifest(
        control=control, stage=stage, serial=serial, files=files, lines=_lines(made.manifest)
    )
    write_files(out_dir, {**_lists_first(made.files), MANIFEST: codec.encode(manifest) + b"\n"})
    node.store.beliefs.exported(ExportFolder(str(out_dir.resolve()), control, format_time(at)))
    return ExportReport(
        control=control,
        stage=stage,
        folder=str(out_dir),
        files=files,
        changed=_digests(made.files) != before.files,
        indicators=gathered.indicators,
        exported=len({line.indicator for line in made.manifest}),
        lines=len(made.manifest),
        skipped=tuple(_told(skip) for skip in made.skipped[:MAX_SKIPPED_TOLD]),
        skipped_total=len(made.skipped),
        skipped_by_gate=dict(Counter(skip.gate for skip in made.skipped)),
        withdrawn=_withdrawn(before, made),
        unsearched=gathered.unsearched,
        quarantined=node.store.objects.quarantined(),
        serial=serial,
        notes=(*made.notes, *(gathered.words.notes(clock, _values(made)) if stage == "block" else ())),
    )


@dataclass(frozen=True, slots=True)
class _Gathered:
    entries: tuple[ExportEntry, ...]
    indicators: int
    unsearched: int
    words: Words


def _values(made: Export) -> Iterator[str]:
    return (line.value for line in made.manifest)


def _gather(node: Node, clock: Clock, on_progress: Callable[[int], None] | None) -> _Gathered:
    judge, words = Judge(node, clock), Words(node)
    disputed = _disputed_by_others(node)
    verified = {
        name for name, standing in node.store.membership.standings().items() if standing == "verified"
    }
    harmless: set[str] = set()
    entries: list[ExportEntry] = []
    indicators = unsearched = 0
    for page in _pages(node, "indicator"):
        for judged in judge.indicators(page):
            unsearched += bool(judged.uncompiled)
            if judged.source in verified and judged.standing.is_only("benign"):
                harmless |= {judge.target(named).value for named in judged.named}
            found = list(_entries(judge, judged, is_disputed=judged.id in disputed))
            words.add(judged, (entry.target.value for entry in found))
            entries += found
        indicators += len(page)
        if on_progress is not None:
            on_progress(indicators)
    contested = [
        replace(entry, standing=replace(entry.standing, contested=True))
        if entry.target.value in harmless
        else entry
        for entry in entries
    ]
    return _Gathered(tuple(contested if harmless else entries), indicators, unsearched, words)


def _withdrawn(before: _Before, made: Export) -> tuple[SkippedValue, ...]:
    """Return what stood in the export before and does not any more, each with the reason."""
    gone = before.lines - {(line.indicator, line.value) for line in made.manifest}
    whys = {(skip.indicator, skip.value): (skip.gate, skip.why) for skip in made.skipped}
    unknown = ("in force", "it is not in force here any more")
    told = sorted(gone)[:MAX_SKIPPED_TOLD]
    return tuple(
        SkippedValue(
            indicator=indicator,
            value=visible(value),
            gate=whys.get((indicator, value), unknown)[0],
            why=visible(whys.get((indicator, value), unknown)[1]),
        )
        for indicator, value in told
    )


def _entries(judge: Judge, judged: Judged, *, is_disputed: bool) -> Iterator[ExportEntry]:
    standing = judged.standing
    if is_disputed:
        standing = replace(standing, contested=True)
    for named in judged.named:
        yield ExportEntry(
            indicator=judged.id,
            target=judge.target(named),
            standing=standing,
            scope=named.scope,
            title=judged.title,
            source=judged.source,
        )


def _disputed_by_others(node: Node) -> frozenset[str]:
    found: set[str] = set()
    for page in _pages(node, "opinion"):
        for kept in page:
            value = codec.decode(kept.body)
            if not kept.revoked and value.get("opinion") in {"disagree", "strongly-disagree"}:
                refs = value.get("object_refs")
                found.update(ref for ref in refs if isinstance(ref, str)) if isinstance(refs, list) else None
    return frozenset(found)


def _pages(node: Node, stix_type: str) -> Iterator[list[Kept]]:
    place: int | None = None
    while True:
        page, place = node.store.objects.newest((stix_type,), before=place, rows=PAGE_ROWS, scan=PAGE_SCAN)
        if page:
            yield page
        if place is None:
            return


def _before(folder: Path, control: str) -> _Before:
    """Read the manifest of the export before; a folder without one has none.

    Raises:
        UsageError: the folder belongs to another control, or its manifest is none of ours.
    """
    path = folder / MANIFEST
    if not path.exists():
        return _Before(0, {})
    hint = "Give each control a folder of its own with -o, or move that file away."
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ValueError("too large")
        value = codec.decode(path.read_bytes())
        if value["schema"] != "backchannel.manifest/1":
            raise ValueError("another schema")
        files = {str(file["name"]): str(file["sha256"]) for file in value["files"]}
        serial = value["serial"]
        belongs_to = str(value["control"])
        lines = frozenset((str(line["indicator"]), str(line["value"])) for line in value["lines"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path} is not a manifest of ours, so nothing is written there", hint=hint
        ) from None
    if belongs_to != control:
        raise UsageError(
            f"{folder} holds the export for {visible(belongs_to, max_chars=40)}, not for {control}", hint=hint
        )
    is_serial = isinstance(serial, int) and 0 < serial <= rpz.MAX_SERIAL
    return _Before(serial if is_serial else 0, files, lines)


def _only_ours(folder: Path, files: Mapping[str, bytes], before: _Before) -> None:
    for name in files:
        if name not in before.files and (folder / name).exists():
            raise UsageError(
                f"{folder / name} was there before and is not ours, so it is not written over",
                hint="Name an empty folder with -o, and let the tool load from there.",
            )


def _lists_first(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Rules come last: a tool that reloads in between finds every list that a rule names."""
    return dict(sorted(files.items(), key=lambda item: item[0].endswith(".rules")))


def _file(name: str, data: bytes) -> ExportFile:
    return ExportFile(name=name, sha256=sha256(data).hex(), bytes=len(data), lines=data.count(b"\n"))


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: sha256(data).hex() for name, data in files.items()}


def _lines(manifest: Sequence[ManifestLine]) -> tuple[dict[str, str | int], ...]:
    ordered = sorted(manifest, key=lambda line: (line.file, line.line, line.indicator, line.value))
    return tuple(
        {
            "indicator": line.indicator,
            "value": line.value,
            "file": line.file,
            "line": line.line,
            "expires_at": line.expires_at,
        }
        for line in ordered
    )


def _told(skip: Skipped) -> SkippedValue:
    return SkippedValue(
        indicator=skip.indicator, value=visible(skip.value), gate=skip.gate, why=visible(skip.why)
    )
