"""Belief as text: origins as a tree, number and letters apart, both sides of what is contested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backchannel.cli.layout import counted, day_and_minute, facts, heading, joined, paragraph, shown, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backchannel.desk.belief_documents import (
        Belief,
        ItemGrade,
        OriginShown,
        OutcomeSaid,
        SourceGrades,
        SourceLetter,
        Withdrawn,
    )

NUMBER_WORDS = {
    1: "confirmed",
    2: "probably true",
    3: "possibly true",
    4: "doubtful",
    5: "improbable",
    6: "not judged",
}
"""Information credibility of the Admiralty system, as it is read aloud."""
MAX_EVIDENCE_SHOWN = 20
MAX_OF_ORIGIN_SHOWN = 10
"""Reports of one origin, and unions among them, that are shown."""


def grade_text(grade: ItemGrade | None) -> str:
    """Return what an item is worth, in a few words."""
    if grade is None:
        return ""
    return joined(
        f"credibility {grade.number} ({NUMBER_WORDS[grade.number]})",
        grade.says,
        "contested" if grade.contested else "",
        "withdrawn" if grade.withdrawn else "",
    )


def belief_text(found: Belief) -> str:
    """Return who really says so, and what it is worth."""
    parts = [heading(f"Who really says so: {found.says}"), *_tree(found)]
    parts += ["", heading("What it is worth"), facts(_worth(found), indent=2)]
    if found.withdrawn:
        parts += ["", heading("Taken back"), withdrawn_text(found.withdrawn)]
    if found.contradictions:
        parts += ["", heading("Contested" if found.contested else "Said otherwise")]
        for one in found.contradictions:
            for side in one.sides:
                graded = [
                    f"{name} ({letter})" for name, letter in zip(side.origins, side.letters, strict=True)
                ]
                parts.append(paragraph(f"{one.kind}: {side.says}, say {', '.join(graded)}", indent=2))
    if found.letters:
        parts += ["", heading("How far its sources can be relied on"), _letters(found.letters)]
    if found.outcomes:
        parts += ["", heading("How it turned out"), *map(_outcome, found.outcomes)]
    return "\n".join(parts)


def _tree(found: Belief) -> list[str]:
    """Draw origins as roots, with their reports below; echoes at the end."""
    by_key = {one.key: one for one in found.reports}

    def line(key: str) -> str:
        report = by_key.get(key)
        if report is None:
            return key
        return joined(
            key,
            " > ".join((*report.path, "us")),
            report.channel,
            day_and_minute(report.received_at),
            report.id,
        )

    lines: list[str] = []
    for origin in found.origins:
        lines.append(paragraph(_origin(origin), indent=2))
        lines += _first([f"- {line(key)}" for key in origin.reports])
        lines += _first(
            [
                f"{'=' if one.strength == 'hard' else '~'} {one.left} and {one.right}: {one.says} ({one.strength})"
                for one in origin.unions
            ]
        )
        lines += [paragraph(f"? {shown(text)}", indent=4) for text in origin.possibly]
    for built in found.built:
        lines.append(
            paragraph(f"Made of these, and adding nothing: {', '.join(map(line, built.reports))}", indent=2)
        )
    for echo in found.echoes:
        lines.append(paragraph(f"Our own echo ({echo.strength}): {echo.says}", indent=2))
        lines.append(paragraph(f"- {line(echo.report)}", indent=4))
    lines += [paragraph(f"Note: {note}", indent=2) for note in found.notes]
    return lines


def _first(lines: Sequence[str]) -> list[str]:
    """Return the first of many lines, so that one origin fills no screen, and how many there are besides."""
    told = [paragraph(one, indent=4) for one in lines[:MAX_OF_ORIGIN_SHOWN]]
    if len(lines) > len(told):
        told.append(paragraph(f"and {len(lines) - len(told):,} more: --json names them", indent=4))
    return told


def _origin(origin: OriginShown) -> str:
    what = "origin" if origin.is_disclosed else "one slot, whatever it hides"
    counts = "" if origin.share == 1 else f"counts {origin.share:.0%}"
    hand = "at first hand" if origin.is_first_hand else ""
    return joined(f"{origin.name}: {what}", f"letter {origin.letter}", hand, counts)


def _worth(found: Belief) -> list[tuple[str, str]]:
    given = found.given
    blind = ", blind" if given and given.is_blind else ""
    fresh = found.fresh
    return [
        ("credibility", f"{found.number}, {NUMBER_WORDS[found.number]}"),
        ("set by hand", f"{given.value}{blind}: {given.reason}; computed: {found.computed}" if given else ""),
        ("because", " ".join(found.reasons)),
        ("confidence", "" if found.confidence is None else f"{found.confidence} (STIX)"),
        ("fresh", f"{fresh.share:.0%}. {' '.join(fresh.reasons)}"),
        ("valid", "yes" if fresh.is_valid else "no: past the end that its source gave it"),
        (
            "by itself",
            "" if not found.asks_person else f"nothing that disrupts: {' '.join(found.asks_person)}",
        ),
    ]


def withdrawn_text(found: Withdrawn) -> str:
    """Return that something was taken back, and what it reaches."""
    lines = [paragraph(found.says, indent=2)]
    lines.append(paragraph(joined(f"by {found.by}" if found.by else "", found.reason), indent=2))
    if found.derived:
        lines.append(paragraph(f"Made of it: {', '.join(found.derived)}", indent=2))
    if found.exported:
        lines.append(
            paragraph("Next: export again, which leaves it out: backchannel export CONTROL -o DIR", indent=2)
        )
    return "\n".join(lines)


def _letters(letters: tuple[SourceLetter, ...]) -> str:
    rows = [
        (
            one.name,
            one.letter if one.letter == one.computed else f"{one.letter} (computed {one.computed})",
            f"{one.n:.1f}",
            day_and_minute(one.last_at) or "-",
            one.reasons[-1] if one.reasons else "",
        )
        for one in letters
    ]
    heads = ("source", "letter", "n", "last outcome", "because")
    return table(heads, rows, numbers=("n",), keep=("letter", "last outcome"))


def _outcome(one: OutcomeSaid) -> str:
    weight = "" if one.weight is None else f"weight {one.weight:.2f}"
    text = joined(
        f"{one.outcome} ({one.basis})", one.by or "us", day_and_minute(one.at), weight, one.about, one.reason
    )
    return paragraph(text, indent=2)


def reliability_text(found: SourceGrades) -> str:
    """Return the letter of a party with its evidence, and of what it hides."""
    parts = []
    for one in (found.own, *found.behind):
        title = "Reliability" if one is found.own else f"Reliability of {one.name}"
        parts.append(heading(f"{title}: {one.letter}"))
        given = one.given
        parts.append(
            facts(
                [
                    (
                        "evidence",
                        f"weight {one.n:.1f}: {one.confirmed:.1f} for it, {one.refuted:.1f} against it",
                    ),
                    ("last", day_and_minute(one.last_at)),
                    (
                        "set by hand",
                        f"{given.value}: {given.reason}; computed: {one.computed}" if given else "",
                    ),
                    ("because", " ".join(one.reasons)),
                    ("by topic", ", ".join(f"{topic} {letter}" for topic, letter in one.topics.items())),
                ],
                indent=2,
            )
        )
        parts += map(_outcome, one.evidence[:MAX_EVIDENCE_SHOWN])
        if len(one.evidence) > MAX_EVIDENCE_SHOWN:
            parts.append(
                paragraph(f"and {counted(len(one.evidence) - MAX_EVIDENCE_SHOWN, 'outcome')} more", indent=2)
            )
    return "\n".join(parts)
