"""What an export takes and leaves out, for every control that there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, a_file, indicator, made, malware, relationship, take

from backchannel.desk.acting import advice_for
from backchannel.desk.exporting import CONTROLS, MANIFEST, export
from backchannel.desk.node import Node

PAP_GREEN = {"labels": ["PAP:GREEN"]}


def exported(folder: Path) -> str:
    """Everything that stands in an export's own files, and the values of its manifest."""
    manifest = json.loads((folder / MANIFEST).read_text())
    values = [line["value"] for line in manifest["lines"]]
    return "\n".join([*values, *((folder / file["name"]).read_text() for file in manifest["files"])])


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("is_far", [False, True])
def test_no_control_blocks_what_a_course_of_action_says_not_to_block(
    node: Node, tmp_path: Path, control: str, is_far: bool
):
    held = indicator(1, pattern="[domain-name:value = 'held.example']", **PAP_GREEN)
    free = indicator(2, pattern="[domain-name:value = 'free.example']", **PAP_GREEN)
    virus = malware()
    watch = made("course-of-action", 1, name="Watch it", description="Do not block it: the owner is on it")
    deny = made("course-of-action", 2, name="Deny it", description="Block the name at the resolver")
    ties = [relationship(deny, "mitigates", free, 1)]
    if is_far:
        ties += [relationship(held, "indicates", virus, 2), relationship(watch, "mitigates", virus, 3)]
    else:
        ties += [relationship(watch, "mitigates", held, 2)]
    take(node, a_file(tmp_path, held, free, virus, watch, deny, *ties))
    report = export(node, CLOCK, control, tmp_path / "out")
    text = exported(tmp_path / "out")
    assert "free.example" in text
    skipped = [(one.indicator, one.gate) for one in report.skipped]
    if report.stage == "block":
        assert "held.example" not in text
        assert skipped == [(held["id"], "course of action")]
        assert "“Watch it” says to watch it, not to block it" in report.skipped[0].why
        assert report.skipped_by_gate == {"course of action": 1}
    else:
        assert "held.example" in text
        assert skipped == []
    advice = advice_for(node, CLOCK, str(held["id"]))
    assert advice is not None
    assert "Then block it" not in advice.text


@pytest.mark.parametrize("place", [0, 8])
def test_no_number_of_courses_of_action_hides_one_that_says_not_to_block(
    node: Node, tmp_path: Path, place: int
):
    held = indicator(1, pattern="[domain-name:value = 'held.example']", **PAP_GREEN)
    courses = [made("course-of-action", n, name=f"Block {n}", description="Block it") for n in range(1, 9)]
    courses.insert(place, made("course-of-action", 9, name="Wait", description="Do not block it"))
    ties = [relationship(course, "mitigates", held, n) for n, course in enumerate(courses, 1)]
    take(node, a_file(tmp_path, held, *courses, *ties))
    report = export(node, CLOCK, "rpz", tmp_path / "out")
    assert report.exported == 0
    assert "“Wait” (and 4 more) says to watch it" in report.skipped[0].why


def test_a_course_of_action_that_was_withdrawn_holds_nothing_back(node: Node, tmp_path: Path):
    held = indicator(1, pattern="[domain-name:value = 'held.example']", **PAP_GREEN)
    watch = made("course-of-action", 1, name="Watch it", description="Do not block it")
    take(node, a_file(tmp_path, held, watch, relationship(watch, "mitigates", held, 1)))
    assert export(node, CLOCK, "rpz", tmp_path / "out").exported == 0
    gone = watch | {"revoked": True, "modified": "2026-11-21T00:00:00.000Z"}
    take(node, a_file(tmp_path, gone, name="gone.json"))
    assert export(node, CLOCK, "rpz", tmp_path / "out").exported == 1
