"""A key is revoked by those who may, and from the time that they say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.parties.made import NOW, Made, random_of

from backchannel.clock import format_time
from backchannel.parties.keyring import new_key
from backchannel.parties.keyset import Recovery
from backchannel.parties.kid import Kid, Use
from backchannel.parties.refusals import KeyRefusedError, Refusal
from backchannel.parties.revocation import Revocation, Revoked, Why, check_revocation, given_up

ALPHA = Made("CERT Alpha")
SPARES = [new_key(Use.ROOT, NOW, random=random_of(f"spare {i}")) for i in range(2)]
KEYSETS = [ALPHA.keyset(recovery=Recovery(2, [key.public for key in SPARES]))]
STOLEN = ALPHA.keyring.present(Use.SIGN).kid
THEFT = NOW + timedelta(days=5)


def test_t32_a_key_is_given_up_from_the_earliest_time_that_anyone_said():
    later, earlier = THEFT + timedelta(days=1), THEFT
    revoked = [
        Revoked(Revocation(STOLEN, Why.REPLACED), NOW + timedelta(days=9)),
        Revoked(Revocation(STOLEN, Why.STOLEN, format_time(later)), NOW + timedelta(days=8)),
        Revoked(Revocation(STOLEN, Why.STOLEN, format_time(earlier)), NOW + timedelta(days=10)),
        Revoked(Revocation(ALPHA.root.kid, Why.LOST), NOW),
    ]
    assert given_up(revoked, STOLEN) == (NOW + timedelta(days=8), THEFT)
    assert given_up(revoked, ALPHA.root.kid) == (NOW, None)
    assert given_up(revoked, ALPHA.keyring.present(Use.AGE).kid) == (None, None)


def said(kid: Kid, *signers: Kid, why: Why = Why.STOLEN, since: str | None = format_time(THEFT)) -> None:
    check_revocation(Revocation(kid, why, since), KEYSETS, signers=set(signers))


def test_the_root_recovery_keys_or_the_key_itself_may_revoke():
    said(STOLEN, ALPHA.root.kid)
    said(STOLEN, STOLEN)
    said(STOLEN, *(key.kid for key in SPARES))
    said(ALPHA.root.kid, *(key.kid for key in SPARES))


@pytest.mark.parametrize(
    ("signers", "reason"),
    [
        ([], Refusal.KEYSET_UNSIGNED),
        ([SPARES[0].kid], Refusal.KEYSET_UNSIGNED),
        ([ALPHA.keyring.present(Use.LOG).kid], Refusal.KEYSET_UNSIGNED),
        ([Made("Mallory").root.kid], Refusal.KEYSET_UNSIGNED),
    ],
)
def test_nobody_else_may(signers: list[Kid], reason: Refusal):
    with pytest.raises(KeyRefusedError) as caught:
        said(STOLEN, *signers)
    assert caught.value.reason is reason


def test_a_revocation_of_a_strange_key_or_without_its_time_is_refused():
    for kid, since, reason in [
        (Made("Mallory").root.kid, format_time(THEFT), Refusal.UNKNOWN_KEY),
        (Kid("abc"), format_time(THEFT), Refusal.BAD_FORM),
        (STOLEN, None, Refusal.BAD_FORM),
        (STOLEN, "yesterday", Refusal.BAD_FORM),
    ]:
        with pytest.raises(KeyRefusedError) as caught:
            said(kid, ALPHA.root.kid, since=since)
        assert caught.value.reason is reason
