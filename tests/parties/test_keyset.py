"""A key set takes the place of another only if those said so who may."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.parties.made import NOW, Made, random_of

from backchannel.clock import format_time
from backchannel.codec import canonical, decode
from backchannel.parties.keyring import new_key, rotated
from backchannel.parties.keyset import (
    Change,
    KeySet,
    Recovery,
    check_keyset,
    follow,
    keyset_bytes,
    periods,
    read_keyset,
    signing_keys,
)
from backchannel.parties.kid import Alg, Kid, Use, kid
from backchannel.parties.refusals import KeyRefusedError, Refusal

ALPHA = Made("CERT Alpha")
SPARES = [new_key(Use.ROOT, NOW, random=random_of(f"spare {i}")) for i in range(3)]
RECOVERY = Recovery(2, [key.public for key in SPARES])
FIRST = ALPHA.keyset(recovery=RECOVERY)
NEW_ROOT = new_key(Use.ROOT, NOW, random=random_of("new root"))
OLD = ALPHA.root.kid
NEW = NEW_ROOT.kid


def second(**changed: object) -> KeySet:
    return ALPHA.keyset(FIRST, **({"root": NEW_ROOT.public} | changed))


def judged(new: KeySet, *signers: Kid, current: KeySet | None = FIRST, at: datetime = NOW) -> Change:
    return follow(current, new, signers=set(signers), root=OLD, at=at)


def refusal(new: KeySet, *signers: Kid, current: KeySet | None = FIRST, at: datetime = NOW) -> Refusal:
    with pytest.raises(KeyRefusedError) as caught:
        judged(new, *signers, current=current, at=at)
    return caught.value.reason


def test_a_key_set_is_read_back_the_same_from_its_canonical_form():
    assert read_keyset(keyset_bytes(FIRST)) == FIRST
    assert FIRST.digest == ALPHA.keyset(recovery=RECOVERY).digest
    named = decode(keyset_bytes(FIRST))
    assert named["keys"][0]["from"] == format_time(NOW)
    assert "prev" not in named


def test_the_first_key_set_counts_if_the_accepted_root_signed_it():
    assert judged(FIRST, OLD, current=None) is Change.FIRST
    assert refusal(FIRST, current=None) is Refusal.KEYSET_UNSIGNED
    assert refusal(second(prev=None, version=1), NEW, current=None) is Refusal.KEYSET_UNSIGNED


def test_the_same_key_set_again_changes_nothing():
    assert judged(FIRST) is Change.SAME


def test_a_rotation_signed_by_the_old_and_the_new_root_is_taken():
    assert judged(second(), OLD, NEW) is Change.ROTATED


def test_new_keys_under_the_same_root_are_taken():
    assert judged(ALPHA.keyset(FIRST), OLD) is Change.ROTATED


def test_t31_a_rotation_signed_by_the_new_root_only_or_by_the_old_only_is_refused():
    assert refusal(second(), NEW) is Refusal.KEYSET_UNSIGNED
    assert refusal(second(), OLD) is Refusal.KEYSET_UNSIGNED
    assert refusal(second(), NEW, SPARES[0].kid) is Refusal.KEYSET_UNSIGNED


def test_t31_a_rollback_is_refused():
    assert refusal(FIRST, OLD, NEW, current=second()) is Refusal.KEYSET_ROLLBACK


def test_t31_a_version_left_out_is_refused():
    assert refusal(second(version=3), OLD, NEW) is Refusal.KEYSET_FORK


def test_t31_a_fork_is_refused():
    other = ALPHA.keyset(recovery=None)
    assert refusal(second(prev=other.digest), OLD, NEW) is Refusal.KEYSET_FORK
    assert refusal(other, OLD) is Refusal.KEYSET_FORK  # the same version with another content
    stranger = Made("Mallory").party
    assert refusal(second(party=stranger), OLD, NEW) is Refusal.KEYSET_FORK


def test_enough_recovery_keys_bring_a_party_back_and_it_is_said_so():
    assert judged(second(), NEW, SPARES[0].kid, SPARES[2].kid) is Change.RECOVERED


def test_recovery_keys_of_the_new_set_do_not_count():
    mine = Recovery(1, [new_key(Use.ROOT, NOW, random=random_of("thief")).public])
    thief = kid(Alg.ED25519, mine.keys[0])
    assert refusal(second(recovery=mine), NEW, thief) is Refusal.KEYSET_UNSIGNED
    assert set(signing_keys(FIRST, second(recovery=mine))) == {OLD, NEW, *RECOVERY.kids}


def test_a_key_set_that_ran_out_or_begins_in_the_future_is_refused():
    assert refusal(second(), OLD, NEW, at=NOW + timedelta(days=365)) is Refusal.KEYSET_EXPIRED
    assert judged(second(), OLD, NEW, at=NOW - timedelta(hours=23)) is Change.ROTATED
    assert refusal(second(), OLD, NEW, at=NOW - timedelta(hours=25)) is Refusal.KEY_NOT_CURRENT


def test_t29_a_key_set_with_a_weak_key_is_refused():
    for weak in ({"root": bytes([1]) + bytes(31)}, {"recovery": Recovery(1, [bytes(32)])}):
        with pytest.raises(KeyRefusedError) as caught:
            check_keyset(replace(FIRST, **weak))
        assert caught.value.reason is Refusal.WEAK_KEY
    keys = list(FIRST.keys)
    at = next(i for i, key in enumerate(keys) if key.use == Use.AGE)
    keys[at] = replace(keys[at], pub=bytes(32), kid=kid(Alg.X25519, bytes(32)))
    with pytest.raises(KeyRefusedError) as caught:
        check_keyset(replace(FIRST, keys=keys))
    assert caught.value.reason is Refusal.WEAK_KEY


LISTED = FIRST.keys[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"version": 0},
        {"version": 2},  # without a prev
        {"prev": "sha256:" + "0" * 64},  # in the first version
        {"name": ""},
        {"name": "CERT\u202eAlpha"},
        {"expires": format_time(NOW + timedelta(days=401))},
        {"expires": format_time(NOW)},
        {"not_before": "yesterday"},
        {"keys": []},
        {"keys": [LISTED] * 65},
        {"keys": [LISTED, LISTED]},
        {"keys": [replace(LISTED, kid=FIRST.keys[1].kid)]},
        {"keys": [replace(LISTED, alg="x25519")]},
        {"keys": [replace(LISTED, use="root")]},
        {"keys": [replace(LISTED, until=LISTED.since)]},
        {"recovery": Recovery(4, RECOVERY.keys)},
        {"recovery": Recovery(0, RECOVERY.keys)},
        {"recovery": Recovery(1, [FIRST.root])},
        {"log": replace(FIRST.log, vkey=FIRST.log.vkey[:-4] + "AAA=")},
        {"log": replace(FIRST.log, origin="other")},
    ],
)
def test_a_key_set_that_breaks_a_rule_of_form_is_refused(changed: dict[str, object]):
    with pytest.raises(KeyRefusedError, match="not of its form") as caught:
        check_keyset(replace(FIRST, **changed))
    assert caught.value.reason is Refusal.BAD_FORM


def test_a_key_for_a_use_of_a_later_version_is_kept_and_not_used():
    key = new_key(Use.SIGN, NOW, random=random_of("later"))
    later = replace(LISTED, use="seal", kid=key.kid, pub=key.public)
    keyset = replace(FIRST, keys=[*FIRST.keys, later])
    check_keyset(keyset)
    assert keyset.current(Use.SIGN, NOW) != later


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{}", Refusal.BAD_FORM),
        (b"[", Refusal.BAD_FORM),
        (b"[" * 10_000, Refusal.BAD_FORM),
        (b" " * 70_000, Refusal.TOO_LARGE),
        (keyset_bytes(FIRST) + b" ", Refusal.NOT_CANONICAL),
        (keyset_bytes(FIRST)[:-1] + b',"v":1}', Refusal.NOT_CANONICAL),
        (canonical({**decode(keyset_bytes(FIRST)), "more": 1}), Refusal.BAD_FORM),
    ],
)
def test_bytes_that_are_no_key_set_are_refused(data: bytes, reason: Refusal):
    with pytest.raises(KeyRefusedError) as caught:
        read_keyset(data)
    assert caught.value.reason is reason


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_without_a_crash(data: bytes):
    with pytest.raises(KeyRefusedError):
        read_keyset(data)


def versions() -> tuple[KeySet, KeySet]:
    """Two versions, the second with new keys from day ten on."""
    later = Made("CERT Alpha")
    later.keyring = rotated(ALPHA.keyring, NOW + timedelta(days=10), random=random_of("later"))
    return FIRST, later.keyset(FIRST, not_before=format_time(NOW + timedelta(days=10)))


def test_a_key_counts_while_its_key_set_lists_it():
    first, then = versions()
    known = periods([first, then])
    changed = NOW + timedelta(days=10)
    old, new = first.current(Use.SIGN, NOW), then.current(Use.SIGN, changed)
    assert (known[old.kid].since, known[old.kid].until) == (NOW, changed)
    assert (known[new.kid].since, known[new.kid].until) == (changed, NOW + timedelta(days=365))
    assert known[new.kid].public == new.pub
    assert old.kid[:8] not in known  # never by a shortened name


def test_a_key_that_both_versions_list_counts_through_both():
    known = periods(versions())
    root = known[OLD]
    assert (root.use, root.since, root.until) == (Use.ROOT, NOW, NOW + timedelta(days=365))


def test_a_key_ends_where_its_own_until_says_so_and_never_changes_its_use():
    early = replace(LISTED, until=format_time(NOW + timedelta(days=2)))
    keyset = replace(FIRST, keys=[early, *FIRST.keys[1:]])
    assert periods([keyset])[early.kid].until == NOW + timedelta(days=2)
    other = replace(FIRST, keys=[replace(LISTED, use="log"), *FIRST.keys[1:]])
    assert periods([FIRST, other])[LISTED.kid].use == LISTED.use
