"""What every exporter takes and gives: entries in, files and a manifest out.

An exporter is a pure function: the same entries at the same time give the same bytes. It asks the gates of
its stage first, and says for each value that it leaves out, why.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal

from backchannel.actions import gates
from backchannel.actions.gates import Stage, Standing, Target
from backchannel.clock import format_time
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import Network
from backchannel.stix.markings import Tlp

Scope = Literal["exact", "subdomain", "suffix", "cidr", "url prefix"]
"""`exact`: the value itself. `subdomain`: names below it only. `suffix`: all names that end so, look-alikes
too. `cidr`: a network. `url prefix`: all URLs that begin so."""

MAX_IDS_IN_COMMENT = 8
"""Indicators named in one line's comment; the manifest names all."""

_HARMFUL = re.compile(r"[^ !#-'*+,\-./0-9<=>?@A-Z_a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportEntry:
    """One value of one indicator that may go to a control."""

    indicator: str
    """Its STIX id."""
    target: Target
    standing: Standing
    scope: Scope = "exact"
    title: str = ""
    source: str = ""
    """Name of the party it came from; "" where nobody was named."""

    @property
    def kind(self) -> Kind:
        """The value's kind; a network counts as addresses."""
        return self.target.kind

    @property
    def value(self) -> str:
        """The value in its normal spelling."""
        return self.target.value

    @property
    def tlp(self) -> Tlp:
        """Its marking."""
        return self.standing.tlp

    def expires_at(self, stage: Stage) -> datetime:
        """When a line made from it must be gone (exclusive)."""
        return gates.expires_at(self.standing, self.kind, stage)


@dataclass(frozen=True, slots=True)
class Skipped:
    """One value that was left out, and why."""

    indicator: str
    value: str
    gate: str
    """Which gate, or `format` where the control cannot express the value."""
    why: str


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """Where one value of one indicator stands in the files."""

    indicator: str
    value: str
    file: str
    line: int
    """From 1."""
    expires_at: str
    """RFC 3339; the line must be gone then."""


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that one exporter wrote."""

    files: dict[str, bytes]
    """Name to content; always the same names for one control, so that an empty export replaces a full one."""
    skipped: tuple[Skipped, ...]
    manifest: tuple[ManifestLine, ...]
    notes: tuple[str, ...] = ()
    """What a person must know before loading them."""


def passing(
    entries: Iterable[ExportEntry], *, stage: Stage, at: datetime
) -> tuple[list[ExportEntry], list[Skipped]]:
    """Part `entries` into those that pass every gate of `stage` and the others, both in a fixed order."""
    taken: list[ExportEntry] = []
    skipped: list[Skipped] = []
    for entry in sorted(entries, key=_order):
        refusal = gates.refusal(entry.standing, entry.target, stage=stage, at=at)
        if refusal is None:
            taken.append(entry)
        else:
            skipped.append(Skipped(entry.indicator, entry.value, refusal.gate, refusal.why))
    return taken, skipped


def _order(entry: ExportEntry) -> tuple[str, bytes, str, str]:
    thing = entry.target.thing
    key = thing.first + thing.last if isinstance(thing, Network) else thing.key
    return entry.kind.value, key, entry.scope, entry.indicator


def same_value(entries: Sequence[ExportEntry]) -> list[tuple[ExportEntry, ...]]:
    """Group sorted entries that name the same value in the same scope: they share one line."""
    return [tuple(group) for _, group in groupby(entries, key=lambda e: _order(e)[:3])]


def tag(group: Sequence[ExportEntry], stage: Stage) -> str:
    """The comment of one line: the indicators behind it and when it must be gone."""
    ids = list(dict.fromkeys(entry.indicator for entry in group))
    more = f" +{len(ids) - MAX_IDS_IN_COMMENT} more" if len(ids) > MAX_IDS_IN_COMMENT else ""
    return f"{' '.join(ids[:MAX_IDS_IN_COMMENT])}{more} until {until(group, stage)}"


def until(group: Sequence[ExportEntry], stage: Stage) -> str:
    """When the line of `group` must be gone: the latest of its indicators' ends."""
    return format_time(max(entry.expires_at(stage) for entry in group))


def manifest_lines(
    group: Sequence[ExportEntry], stage: Stage, *, file: str, line: int
) -> tuple[ManifestLine, ...]:
    """The manifest's rows for one line of one file."""
    return tuple(
        ManifestLine(e.indicator, e.value, file, line, format_time(e.expires_at(stage))) for e in group
    )


def plain(text: str, *, max_chars: int) -> str:
    """Reduce free text from outside to ASCII that means nothing to any control; accents are dropped."""
    spread = unicodedata.normalize("NFKD", text[: 8 * max_chars])
    bare = "".join(char for char in spread if not unicodedata.combining(char))
    return " ".join(_HARMFUL.sub(" ", bare).split())[:max_chars].rstrip()
