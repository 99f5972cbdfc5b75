"""Objects from which relays may leave fields out, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provenance.made import AMBER, INDICATOR, digest_of, said
from tests.provenance.test_chain import Way, reasons
from tests.sim.party import ALPHA, BETA, DELTA, KNOWN, NOW

from backchannel.provenance.chain import trace
from backchannel.provenance.hops import Held, Link
from backchannel.provenance.predicates import Origin
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.redactable import LOCKED, check, commit, field_digest
from backchannel.provenance.verification import Terms
from backchannel.stix.markings import Tlp

MAY_DROP = ["description", "created_by_ref"]
SIGNED, SALTS = commit(INDICATOR, MAY_DROP)


def left(*gone: str, **changed: object) -> dict:
    return {name: value for name, value in INDICATOR.items() if name not in gone} | changed


def salts(value: dict) -> dict[str, bytes]:
    return {name: SALTS[name] for name in value if name in SALTS}


def refused(value: dict, with_salts: dict[str, bytes]) -> str:
    with pytest.raises(Rejected) as caught:
        check(value, with_salts, SIGNED)
    assert caught.value.reason is Reason.BAD_REDACTION
    return caught.value.detail


@given(st.sets(st.sampled_from(MAY_DROP)))
def test_t25_what_may_be_left_out_may_and_is_told(gone: set[str]):
    value = left(*gone)
    assert check(value, salts(value), SIGNED) == tuple(sorted(gone))


@pytest.mark.parametrize("name", sorted(set(INDICATOR) - set(MAY_DROP)))
def test_t25_a_field_that_may_not_be_left_out_is_missed(name: str):
    value = left(name)
    assert name in refused(value, salts(value))


def test_t25_fields_of_one_value_cannot_be_swapped():
    value = left(name=INDICATOR["description"], description=INDICATOR["name"])
    refused(value, salts(value))
    swapped = salts(value) | {"name": SALTS["description"], "description": SALTS["name"]}
    refused(value, swapped)


def test_t25_a_field_that_was_added_or_changed_is_seen():
    assert "confidence" in refused(left(confidence=99), SALTS)
    assert "confidence" in refused(left(confidence=99), SALTS | {"confidence": bytes(16)})
    assert "name" in refused(left(name="mine"), SALTS)
    assert "object_marking_refs" in refused(left(object_marking_refs=[AMBER]), SALTS)


def test_t25_no_two_fields_share_a_salt():
    assert "one salt" in refused(INDICATOR, SALTS | {"name": SALTS["description"]})
    assert "16 bytes" in refused(INDICATOR, SALTS | {"name": b"short"})
    assert "salt" in refused(INDICATOR, {name: salt for name, salt in SALTS.items() if name != "name"})
    assert "description" in refused(left("description"), SALTS), "the salt of what was left out gives it away"


def test_t25_even_the_originator_cannot_let_a_marking_be_dropped():
    with pytest.raises(ValueError, match="object_marking_refs"):
        commit(INDICATOR, ["object_marking_refs"])
    with pytest.raises(ValueError, match="no x"):
        commit(INDICATOR, ["x"])
    allowing = type(SIGNED)(fields=SIGNED.fields, may_drop=sorted(LOCKED))
    value = left("pattern")
    with pytest.raises(Rejected):
        check(value, salts(value), allowing)


def test_a_field_is_bound_to_its_name_value_and_salt():
    assert (
        len(
            {
                field_digest("a", 1, bytes(16)),
                field_digest("b", 1, bytes(16)),
                field_digest("a", "1", bytes(16)),
            }
        )
        == 3
    )


def test_a_redacted_object_is_followed_along_its_chain():
    origin = Origin(collection="first-hand", otag="0f" * 32, redactable=SIGNED)
    begun = Way.begun()
    way = Way(begun.value, (Link(envelope=said(origin), digest=digest_of(INDICATOR)),))
    after = left("description")
    way = way.passed(BETA, ALPHA, value=after, handling="redacted", removed=["/description"])
    terms = Terms(now=NOW, me={DELTA.kid}, seen=None)

    def traced(value: dict, with_salts: dict[str, bytes]):
        held = Held(digest=digest_of(after), marking=Tlp.GREEN, value=value, salts=with_salts)
        return trace(way.links, held, KNOWN.get, terms)

    assert traced(after, salts(after)).state == "proven"
    assert reasons(traced(after | {"name": "mine"}, salts(after))) == [Reason.BAD_REDACTION]
