"""What a contradiction, an outcome and a retraction reach: advice, exports, and all that has it from us."""

from __future__ import annotations

import json
from pathlib import Path

from tests.desk.drops import indicator, keep, nodes, take
from tests.desk.made import CLOCK
from tests.desk.test_belief import believed, later, letter, passed, the_id

from backchannel.desk import judgements
from backchannel.desk.acting import advice_for
from backchannel.desk.exporting import ExportReport, export
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.receipt_drops import receipts_drop, take_statements
from backchannel.desk.recipients import recipient_of
from backchannel.desk.retracting import retract
from backchannel.desk.telling import signed, subject_of
from backchannel.provenance.predicates import Outcome, Predicate, Sighting

WHY = "The host was a scanner of a university."
ID = the_id(indicator(1))


def blockable(number: int, **changes: object) -> dict[str, object]:
    return indicator(number, labels=["PAP:GREEN"], valid_from="2026-02-27T00:00:00Z", **changes)


def exported(node: Node, folder: Path, control: str = "zeek") -> ExportReport:
    return export(node, CLOCK, control, folder)


def carry(one: Node, other: Node) -> None:
    made = receipts_drop(one, CLOCK, other.party.name)
    assert made is not None
    take(other, made.path.read_bytes())


def test_t48_a_retraction_withdraws_what_was_exported_at_a_third_party_and_lists_whom_it_reached(
    tmp_path: Path,
):
    with nodes(tmp_path, "A", "B", "C", "D") as (alpha, beta, gamma, delta):
        passed(alpha, keep(alpha, [indicator(1)]), beta, gamma, delta)
        out = tmp_path / "control"
        assert exported(gamma, out).lines == 1
        retract(alpha, CLOCK, ID, WHY)
        carry(alpha, beta)
        carry(beta, gamma)
        carry(gamma, delta)
        found = believed(gamma, ID, later(3))
        assert found.withdrawn is not None
        assert found.withdrawn.days == 3
        assert found.withdrawn.by == "B"
        assert found.withdrawn.reason == WHY
        assert [one.to for one in found.withdrawn.exported] == [f"{out} (zeek)"]
        assert [one.to for one in found.withdrawn.passed_on] == ["D"]
        assert (
            found.withdrawn.says == f"Withdrawn 3 days ago, you exported it to {out} (zeek), passed it to D."
        )
        report = exported(gamma, out)
        assert [(one.value, one.gate) for one in report.withdrawn] == [("h1.example.net", "withdrawn")]
        assert WHY in report.withdrawn[0].why
        assert (report.lines, believed(gamma, ID).withdrawn.exported) == (0, ())  # type: ignore[union-attr]
        assert believed(delta, ID).withdrawn is not None
        advice = advice_for(gamma, CLOCK, ID)
        assert advice is not None
        assert advice.do in {"nothing", "tell"}
        assert exported(gamma, out).withdrawn == (), "told once"


def test_t48_what_was_made_of_it_is_flagged_and_named(tmp_path: Path):
    with nodes(tmp_path, "A", "Us") as (source, us):
        made = indicator(2)
        tie = {
            "type": "relationship",
            "spec_version": "2.1",
            "id": "relationship--8e2e2d2b-17d4-4cbf-938f-000000000001",
            "created": "2026-02-01T00:00:00.000Z",
            "modified": "2026-02-01T00:00:00.000Z",
            "relationship_type": "derived-from",
            "source_ref": made["id"],
            "target_ref": ID,
            "object_marking_refs": made["object_marking_refs"],
        }
        passed(source, keep(source, [indicator(1)]), us)
        keep(us, [made, tie])
        assert believed(us, the_id(made)).withdrawn is None
        revoked = indicator(1, modified="2026-02-20T00:00:00.000Z", revoked=True)
        passed(source, keep(source, [revoked]), us)
        found, derived = believed(us, ID).withdrawn, believed(us, the_id(made)).withdrawn
        assert found is not None
        assert found.derived == (the_id(made),)
        assert derived is not None
        assert derived.of == ID
        assert derived.says.startswith(f"Derived from {ID}, which was withdrawn today")


def test_t48_nobody_takes_back_what_is_anothers_by_calling_it_derived_from_their_own(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (source, liar, us):
        passed(source, keep(source, [indicator(1)]), us)
        tie = {
            "type": "relationship",
            "spec_version": "2.1",
            "id": "relationship--8e2e2d2b-17d4-4cbf-938f-000000000001",
            "created": "2026-02-01T00:00:00.000Z",
            "modified": "2026-02-01T00:00:00.000Z",
            "relationship_type": "derived-from",
            "source_ref": ID,
            "target_ref": indicator(2)["id"],
            "object_marking_refs": indicator(2)["object_marking_refs"],
        }
        passed(liar, keep(liar, [indicator(2), tie]), us)
        revoked = indicator(2, modified="2026-02-20T00:00:00.000Z", revoked=True)
        passed(liar, keep(liar, [revoked]), us)
        withdrawn = believed(us, the_id(indicator(2))).withdrawn
        assert withdrawn is not None
        assert withdrawn.derived == ()
        assert believed(us, ID).withdrawn is None
        keep(us, [tie])
        assert believed(us, ID).withdrawn is not None, "we say so ourselves"


def test_what_two_say_and_one_takes_back_is_contested_and_stays_in_exports_that_only_watch(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (one, other, us):
        passed(one, keep(one, [indicator(1)]), us)
        passed(other, keep(other, [indicator(2, pattern="[domain-name:value = 'h1.example.net']")]), us)
        retract(one, CLOCK, ID, WHY)
        carry(one, us)
        found = believed(us, ID)
        assert found.contested
        assert {side.says: side.origins for side in found.contradictions[0].sides} == {
            "taken back": ("A",),
            "upheld": ("B",),
        }
        assert [origin.name for origin in found.origins] == ["B"]
        assert exported(us, tmp_path / "out").exported == 1


def test_a_claim_that_we_refuted_under_one_id_goes_into_no_export_under_another(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (one, other, us):
        passed(one, keep(one, [indicator(1)]), us)
        passed(other, keep(other, [indicator(2, pattern="[domain-name:value = 'h1.example.net']")]), us)
        assert exported(us, tmp_path / "out").exported == 2
        judgements.judge(us, CLOCK, ID, "refuted", "It is the printer.")
        report = exported(us, tmp_path / "out")
        assert (report.exported, report.skipped_by_gate) == (0, {"refuted": 2})
        assert "It is the printer" in report.withdrawn[0].why
        judgements.take_back(us, CLOCK, ID, "The printer is another one.")
        assert exported(us, tmp_path / "out").exported == 2


def test_what_is_blocked_on_the_word_of_one_unjudged_party_alone_is_said(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (one, other, us):
        passed(one, keep(one, [blockable(1), blockable(2)]), us)
        out = tmp_path / "out"
        report = exported(us, out, "rpz")
        assert report.lines == 2
        assert "one party alone that is not judged (F): 2 of 2 values (A 2)" in report.notes[-1]
        passed(other, keep(other, [blockable(3, pattern="[domain-name:value = 'h1.example.net']")]), us)
        assert "1 of 2 values (A 1)" in exported(us, out, "rpz").notes[-1], "two parties say the other"
        judgements.judge(us, CLOCK, the_id(indicator(2)), "confirmed", "We saw it.")
        assert not any("not judged" in note for note in exported(us, out, "rpz").notes)
        judgements.take_back(us, CLOCK, the_id(indicator(2)), "It was another one.")
        judgements.grade_party(us, CLOCK, "A", "C", "We know them.")
        assert not any("not judged" in note for note in exported(us, out, "rpz").notes)
        assert not any("not judged" in note for note in exported(us, tmp_path / "watch").notes), (
            "it only looks"
        )


def test_what_a_verified_party_calls_harmless_is_not_blocked_and_the_advice_says_so(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (one, other, us):
        passed(one, keep(one, [blockable(1)]), us)
        assert exported(us, tmp_path / "out", "rpz").lines == 1
        harmless = blockable(2, indicator_types=["benign"], pattern="[domain-name:value = 'h1.example.net']")
        passed(other, keep(other, [harmless]), us)
        report = exported(us, tmp_path / "out", "rpz")
        assert report.lines == 0
        assert report.skipped_by_gate["contested"] == 1
        advice = advice_for(us, CLOCK, ID)
        assert advice is not None
        assert advice.do != "block"
        found = believed(us, ID)
        assert found.contested
        assert [(side.says, side.origins) for side in found.contradictions[0].sides] == [
            ("benign", ("B",)),
            ("malicious", ("A",)),
        ]


def test_an_outcome_that_another_party_signs_weighs_what_its_word_weighs(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (source, judge_, us):
        batch = keep(source, [indicator(1)])
        passed(source, batch, us)
        passed(source, batch, judge_)
        said = Outcome(outcome="confirmed", basis="own-log", when="2026-03-01", text="Seen in our proxy.")
        hear(judge_, us, said)
        assert believed(us, ID).outcomes[0].by == "B"
        assert letter(us, source) == ("F", 0.0), "nobody knows what B's word is worth"
        judgements.grade_party(us, CLOCK, "B", "A", "They are the best.")
        assert letter(us, source)[1] == 0.0, "by outcomes alone, not by a letter that was set"


def test_only_an_independent_sighting_makes_a_claim_fresh_again(tmp_path: Path):
    with nodes(tmp_path, "A", "B", "Us") as (source, other, us):
        batch = keep(source, [indicator(1)])
        passed(source, batch, us)
        passed(source, batch, other)
        assert believed(us, ID).fresh.share == 0.0
        hear(source, us, Sighting(count="2-9", first="2026-02-20", last="2026-02-27"))
        assert believed(us, ID).fresh.share == 0.0, "its source says it again"
        hear(other, us, Sighting(count="0"))
        assert believed(us, ID).fresh.share == 0.0, "looked for, and not seen"
        hear(other, us, Sighting(count="2-9", first="2026-02-20", last="2026-02-27"))
        fresh = believed(us, ID).fresh
        assert fresh.share > 0.9
        assert "B" in fresh.reasons[0]


def hear(judge_: Node, us: Node, said: Predicate) -> None:
    """Let a party sign an outcome for us, and take it."""
    about = [subject_of(find(judge_.store, ID))]
    envelope = signed(judge_, CLOCK, said, recipient_of(judge_, us.party.name), about=about)
    assert take_statements(us, CLOCK, envelope, "said.json").refused == 0


def test_a_manifest_that_is_gone_is_no_export_any_more(tmp_path: Path):
    with nodes(tmp_path, "A", "Us") as (source, us):
        passed(source, keep(source, [indicator(1)]), us)
        out = tmp_path / "out"
        exported(us, out)
        assert json.loads((out / "manifest.json").read_text())["lines"]
        (out / "manifest.json").unlink()
        retract(source, CLOCK, ID, WHY)
        carry(source, us)
        found = believed(us, ID).withdrawn
        assert found is not None
        assert found.exported == ()
        assert find(us.store, ID).stix_id == ID
