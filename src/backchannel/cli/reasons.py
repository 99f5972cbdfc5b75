"""`why` as text: arrivals, contradictions, versions, findings, and what was said about an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backchannel.cli.findings import findings_text
from backchannel.cli.layout import counted, day_and_minute, facts, heading, joined, paragraph, shown, table
from backchannel.cli.wording import source_text

if TYPE_CHECKING:
    from backchannel.desk.documents import Version, Why

MAX_FINDINGS_SHOWN = 50


def why_text(found: Why) -> str:
    """Return all that is known about why we hold an object."""
    parts = [heading(shown(found.id, max_chars=100)), paragraph(found.says, indent=2), ""]
    parts.append(
        facts(
            [
                ("marking", joined(found.tlp, found.tlp_why)),
                ("version", found.version or ""),
                ("concerns us", joined(found.concerns.state, found.concerns.why)),
                ("state", "in quarantine: used nowhere until you decide" if found.quarantined else ""),
            ],
            indent=2,
        )
    )
    parts += ["", heading(f"How it came: {counted(found.arrivals_total, 'arrival')}"), _arrivals(found)]
    if found.conflicts:
        parts += ["", heading("Contradicted by another content under the same version")]
        parts += [_version(version) for version in found.conflicts]
    if found.versions:
        parts += ["", heading("Other versions"), *(_version(version) for version in found.versions)]
    if found.findings:
        text = findings_text(found.findings, total=len(found.findings), at_most=MAX_FINDINGS_SHOWN)
        parts += ["", heading("What validation found"), text]
    if found.said:
        parts += ["", heading(f"What others say about it{', and more' if found.said_more else ''}")]
        for said in found.said:
            parts.append(paragraph(f"{said.relation}: {said.says} ({source_text(said.source)})", indent=2))
    if found.answers:
        parts += ["", heading("What we said")]
        parts += [
            paragraph(f"{day_and_minute(answer.said_at)}, {answer.kind}: {answer.says}", indent=2)
            for answer in found.answers
        ]
    return "\n".join(parts)


def _arrivals(found: Why) -> str:
    rows = [
        (
            str(arrival.batch),
            day_and_minute(arrival.received_at).removesuffix(" UTC"),
            arrival.party or "-",
            arrival.channel,
            arrival.outcome,
            arrival.tlp or "",
            arrival.place,
        )
        for arrival in found.arrivals
    ]
    heads = ("batch", "when", "from", "by", "outcome", "unmarked as", "place")
    return table(heads, rows, numbers=("batch",), keep=("when", "outcome"))


def _version(version: Version) -> str:
    head = joined(
        version.version or "no version",
        f"from {version.party or 'nobody named'} by {version.channel}",
        f"batch {version.batch}, {day_and_minute(version.received_at)}",
        "in quarantine" if version.quarantined else "",
        "revoked" if version.revoked else "",
    )
    lines = [paragraph(head, indent=2)]
    for difference in version.differences:
        here, there = difference.here or "absent", difference.there or "absent"
        lines.append(paragraph(f"{difference.property}: here {here}, there {there}", indent=4))
    return "\n".join(lines)
