"""What an export takes and leaves out, for every control that there is."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from tests.desk.made import CLOCK, a_file, identity, indicator, made, malware, relationship, take

from backchannel.desk import courses, writing
from backchannel.desk.acting import advice_for
from backchannel.desk.exporting import CONTROLS, MANIFEST, export
from backchannel.desk.node import Node
from backchannel.errors import InputError

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
        assert "“Watch it” says not to block it" in report.skipped[0].why
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
    tied = [made("course-of-action", n, name=f"Block {n}", description="Block it") for n in range(1, 9)]
    tied.insert(place, made("course-of-action", 9, name="Wait", description="Do not block it"))
    ties = [relationship(course, "mitigates", held, n) for n, course in enumerate(tied, 1)]
    take(node, a_file(tmp_path, held, *tied, *ties))
    report = export(node, CLOCK, "rpz", tmp_path / "out")
    assert report.exported == 0
    assert "“Wait” (and 4 more) says not to block it" in report.skipped[0].why


@pytest.mark.parametrize(
    ("bound", "why"),
    [
        ("relations", "it has more than 50 relationships"),
        ("courses", "what it indicates has more than 50 courses of action"),
        ("scan", "what it indicates has more than 60 relationships"),
        ("text", "a course of action of it is longer than 20,000 characters"),
    ],
)
def test_what_was_not_read_of_courses_of_action_blocks_nothing(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, why: str
):
    monkeypatch.setattr(courses, "MAX_RELATIONS_SCANNED", 60)
    held, virus = indicator(1, pattern="[domain-name:value = 'held.example']", **PAP_GREEN), malware()
    text = "Block it. " * 2_000 + "Do not block it." if bound == "text" else "Block it"
    blocks = [made("course-of-action", n, name=f"Block {n}", description=text) for n in range(1, 53)]
    ties = {
        "relations": [relationship(held, "uses", virus, n) for n in range(51)],
        "courses": [
            relationship(held, "indicates", virus, 100),
            *(relationship(one, "mitigates", virus, n) for n, one in enumerate(blocks[:51])),
        ],
        "scan": [
            relationship(held, "indicates", virus, 100),
            *(relationship(virus, "targets", identity(n), n) for n in range(61)),
        ],
        "text": [relationship(blocks[0], "mitigates", held, 1)],
    }[bound]
    take(node, a_file(tmp_path, held, virus, *blocks, *ties))
    report = export(node, CLOCK, "rpz", tmp_path / "out")
    assert [(one.gate, one.why) for one in report.skipped] == [
        ("course of action", f"{why}, and what was not read may say not to block it")
    ]
    advice = advice_for(node, CLOCK, str(held["id"]))
    assert advice is not None
    assert f"Do not block it: {why}" in advice.text


def test_a_family_with_many_indicators_is_read_for_its_courses_of_action(node: Node, tmp_path: Path):
    virus, watch = malware(), made("course-of-action", 1, name="Watch it", description="Do not block it")
    many = [
        indicator(n, pattern=f"[domain-name:value = 'held{n}.example']", **PAP_GREEN) for n in range(1, 71)
    ]
    tied = [relationship(one, "indicates", virus, n) for n, one in enumerate(many)]
    take(node, a_file(tmp_path, virus, watch, *many, *tied))
    assert export(node, CLOCK, "rpz", tmp_path / "out").exported == 70
    take(node, a_file(tmp_path, relationship(watch, "mitigates", virus, 100), name="later.json"))
    assert export(node, CLOCK, "rpz", tmp_path / "out").skipped_by_gate == {"course of action": 70}


def test_a_course_of_action_that_was_withdrawn_holds_nothing_back(node: Node, tmp_path: Path):
    held = indicator(1, pattern="[domain-name:value = 'held.example']", **PAP_GREEN)
    watch = made("course-of-action", 1, name="Watch it", description="Do not block it")
    take(node, a_file(tmp_path, held, watch, relationship(watch, "mitigates", held, 1)))
    assert export(node, CLOCK, "rpz", tmp_path / "out").exported == 0
    gone = watch | {"revoked": True, "modified": "2026-11-21T00:00:00.000Z"}
    take(node, a_file(tmp_path, gone, name="gone.json"))
    assert export(node, CLOCK, "rpz", tmp_path / "out").exported == 1


@pytest.mark.parametrize("is_there", [False, True])
def test_a_full_disk_leaves_no_folder_behind_that_was_not_there(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    take(node, a_file(tmp_path, indicator(1, **PAP_GREEN)))
    out = tmp_path / "outer" / "out"
    if is_there:
        out.mkdir(parents=True)
    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        export(node, CLOCK, "zeek", out)
    assert list(tmp_path.glob("outer/**/*.new")) == []
    assert out.exists() is out.parent.exists() is is_there
