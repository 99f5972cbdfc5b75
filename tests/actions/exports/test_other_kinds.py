"""What no control of ours acts on never gets into a file for one, and the export says why."""

from __future__ import annotations

import pytest
from tests.actions.made import NOW, VALUES, entry

from backchannel.actions.exports import rpz, suricata, zeek
from backchannel.observables.kinds import Kind

OTHERS = [kind for kind in Kind if kind not in {Kind.ADDRESS, Kind.DOMAIN, Kind.URL, Kind.HASH, Kind.EMAIL}]


@pytest.mark.parametrize("kind", OTHERS)
def test_a_kind_that_no_control_knows_is_left_out_with_the_reason(kind: Kind):
    one, name = entry(VALUES[kind], kind), entry("evil.example", number=2)
    drafts = suricata.draft([one, name], at=NOW)
    for made in (zeek.write([one, name], at=NOW), rpz.write([one, name], at=NOW, serial=1)):
        assert [(skip.indicator, skip.gate) for skip in made.skipped] == [(one.indicator, "format")]
        text = b"".join(made.files.values())
        assert b"evil.example" in text
        assert one.value.encode() not in text.replace(b"evil.example", b"")
    assert [skip.indicator for skip in drafts.skipped] == [one.indicator]
    assert len({skip.why for skip in drafts.skipped}) == 1
