"""The codes for what is refused: a closed list that people and programs rely on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backchannel.parties.refusals import Refusal
from backchannel.provenance.reasons import Reason, Rejected

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "reasons.md"


def test_the_reference_lists_every_code_as_the_program_says_it_and_no_other():
    rows = re.findall(
        r"^\| `(.+?)` \| (.+?) \| (.+?) \| (\d+) \|$", REFERENCE.read_text("utf-8"), re.MULTILINE
    )
    assert rows == [
        (reason.value, reason.meaning, reason.mend, str(Rejected(reason).exit_code)) for reason in Reason
    ]


@pytest.mark.parametrize("reason", Reason)
def test_every_code_says_what_is_the_matter_and_what_to_do(reason: Reason):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", reason.value)
    assert not reason.meaning.endswith(".")
    assert reason.mend.endswith(".")
    assert Reason(reason.value) is reason


def test_what_is_refused_names_its_code_its_place_and_the_next_thing_to_do():
    error = Rejected(Reason.EXPIRED, "drop 7 of channel c1")
    assert error.message == "expired: its time is over (drop 7 of channel c1)"
    assert error.hint == Reason.EXPIRED.mend
    assert error.reason is Reason.EXPIRED


def test_a_wrong_key_or_signature_ends_with_5_a_rule_with_4_and_what_is_cut_off_with_3():
    assert Rejected(Reason.BAD_SIGNATURE).exit_code == 5
    assert Rejected(Reason.TOO_LARGE).exit_code == 4
    assert Rejected(Reason.TRUNCATED).exit_code == 3


@pytest.mark.parametrize("refusal", Refusal)
def test_what_is_refused_of_keys_has_a_code_of_the_same_list(refusal: Refusal):
    assert Reason(refusal.value) in Reason
