"""Read a file as an import does, and look at what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from backchannel.intake.reading import read
from backchannel.intake.received import Received, Refused
from backchannel.stix.findings import Finding

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
UUID = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"


def take(path: Path, *, party: str = "CERT Beta", now: datetime = NOW) -> list[Received | Refused]:
    return list(read(path, party=party, now=now))


def written(folder: Path, data: bytes | str, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def taken(items: list[Received | Refused]) -> list[Received]:
    return [item for item in items if isinstance(item, Received)]


def refusals(items: list[Received | Refused]) -> list[Finding]:
    """The first finding of whatever was refused."""
    found = [item.findings[0] for item in items if isinstance(item, Refused)]
    assert all(finding.level == "refuse" for finding in found)
    return found


def the_refusal(items: list[Received | Refused]) -> Finding:
    """The one refusal that is all there is."""
    assert len(items) == 1, items
    (found,) = refusals(items)
    return found


def findings(items: list[Received | Refused]) -> list[Finding]:
    return [finding for item in items for finding in item.findings]


def patterns(items: list[Received | Refused]) -> list[str]:
    return [item.raw.value["pattern"] for item in taken(items)]


def names(items: list[Received | Refused]) -> list[str]:
    return [item.raw.value["name"] for item in taken(items)]
