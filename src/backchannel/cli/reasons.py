"""`why` as text: arrivals, contradictions, versions, findings, and what was said about an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backchannel.cli.belief_texts import belief_text
from backchannel.cli.findings import findings_text
from backchannel.cli.layout import counted, day_and_minute, facts, heading, joined, paragraph, shown, table
from backchannel.cli.wording import forms_text, source_text, who

if TYPE_CHECKING:
    from backchannel.desk.documents import Version, Why
    from backchannel.desk.provenance_documents import Chain, SignedOtherwise

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
    if found.belief is not None:
        parts += ["", belief_text(found.belief)]
    parts += ["", heading(f"How it came: {counted(found.arrivals_total, 'arrival')}"), _arrivals(found)]
    for chain in found.provenance.chains:
        parts += ["", heading("Signed chain"), _chain(chain)]
    if found.provenance.permits:
        parts += ["", heading("Permits")]
        parts += [paragraph(permit.says, indent=2) for permit in found.provenance.permits]
    if found.provenance.widened:
        parts += ["", heading("Passed on with a wider marking")]
        parts += [paragraph(one.says, indent=2) for one in found.provenance.widened]
    for signed in found.provenance.signed_otherwise:
        parts += ["", heading("Signed with another content"), _signed_otherwise(signed)]
    if found.conflicts:
        parts += ["", heading("Contradicted by another content under the same version")]
        parts += [_version(version) for version in found.conflicts]
    if found.versions:
        parts += ["", heading("Other versions"), *(_version(version) for version in found.versions)]
    if found.findings:
        text = findings_text(found.findings, total=len(found.findings), at_most=MAX_FINDINGS_SHOWN)
        parts += ["", heading("What validation found"), text]
    return "\n".join([*parts, *_said(found)])


def _said(found: Why) -> list[str]:
    """Return what is said about an object: by others, by us, and to us."""
    parts: list[str] = []
    if found.said:
        parts += ["", heading(f"What others say about it{', and more' if found.said_more else ''}")]
        for said in found.said:
            parts.append(
                paragraph(
                    joined(
                        f"{said.relation}: {said.says} ({source_text(said.source)})", forms_text(said.forms)
                    ),
                    indent=2,
                )
            )
    if found.answers:
        parts += ["", heading("What we said")]
        parts += [
            paragraph(f"{day_and_minute(answer.said_at)}, {answer.kind}: {answer.says}", indent=2)
            for answer in found.answers
        ]
    if found.views:
        parts += ["", heading("What others signed about it")]
        parts += [
            paragraph(joined(day_and_minute(one.at), shown(one.says), forms_text(one.forms)), indent=2)
            for one in found.views
        ]
    if found.heard:
        parts += ["", heading("What we were told of it")]
        parts += [
            paragraph(
                joined(
                    f"{who(one.party)} {one.said.says}",
                    one.said.text,
                    one.said.when,
                    forms_text(one.said.forms),
                ),
                indent=2,
            )
            for one in found.heard
        ]
    return parts


def _arrivals(found: Why) -> str:
    rows = [
        (
            str(arrival.batch),
            day_and_minute(arrival.received_at).removesuffix(" UTC"),
            who(arrival.party, nobody="-"),
            arrival.channel,
            f"{arrival.outcome}, only you can know this" if arrival.deniable else arrival.outcome,
            arrival.tlp or "",
            arrival.place,
        )
        for arrival in found.arrivals
    ]
    heads = ("batch", "when", "from", "by", "outcome", "unmarked as", "place")
    return table(heads, rows, numbers=("batch",), keep=("when", "outcome"))


def _chain(chain: Chain) -> str:
    lines = [paragraph(chain.says, indent=2)]
    for number, hop in enumerate(chain.hops, 1):
        when = day_and_minute(hop.signed_at) if hop.signed_at else ""
        lines.append(paragraph(f"{number}. {joined(hop.says.removesuffix('.'), when)}", indent=4))
        for fault in chain.faults:
            if fault.hop == number - 1:
                lines.append(paragraph(f"{fault.code}: {fault.means} ({fault.detail})", indent=7))
                lines.append(paragraph(fault.mend, indent=7))
    return "\n".join(lines)


def _signed_otherwise(signed: SignedOtherwise) -> str:
    signer = who(signed.signer, nobody="A party that is not known here")
    what = {
        "respelled": "the same content, which some tool wrote anew: the signature is over the original",
        "altered": "another content: it was altered on the way",
        "not held": "another content, which is not here: it was altered on the way, or the statement is of another",
    }[signed.kind]
    lines = [paragraph(f"{signer} signed {what}.", indent=2)]
    for difference in signed.differences:
        here, there = difference.here or "absent", difference.there or "absent"
        lines.append(paragraph(f"{difference.property}: came as {here}, signed as {there}", indent=4))
    return "\n".join(lines)


def _version(version: Version) -> str:
    head = joined(
        version.version or "no version",
        f"from {who(version.party)} by {version.channel}",
        f"batch {version.batch}, {day_and_minute(version.received_at)}",
        "in quarantine" if version.quarantined else "",
        "revoked" if version.revoked else "",
    )
    lines = [paragraph(head, indent=2)]
    for difference in version.differences:
        here, there = difference.here or "absent", difference.there or "absent"
        lines.append(paragraph(f"{difference.property}: here {here}, there {there}", indent=4))
    return "\n".join(lines)
