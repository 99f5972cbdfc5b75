"""Deniable drops: the same file, whose manifest convinces its one reader and nobody else."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from tests.drop.made import RECIPIENT, VERIFY, draft, indicators, open_in_worker
from tests.sim.party import NOW

from backchannel.drop.manifest import Manifest, Verify, deniable_signer, deniable_verifier, either
from backchannel.drop.writer import Contents, Recipients, write_drop
from backchannel.errors import InputError
from backchannel.parties.keyring import SecretKey, new_key
from backchannel.parties.kid import Alg, Use
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.verification import KnownKey, Terms

SOURCE, READER, THIRD = (new_key(Use.AGE, at=NOW) for _ in range(3))
TERMS = Terms(now=NOW, me=None, seen=None)


def known(key: SecretKey) -> KnownKey:
    return KnownKey(
        kid=key.kid,
        use=key.use,
        public=key.public,
        party="identity--1",
        name="somebody",
        valid_from=NOW - timedelta(days=1),
        valid_until=NOW + timedelta(days=1),
        alg=Alg.X25519,
    )


def verify_with(*ours: SecretKey) -> Verify:
    pinned = {key.kid: known(key) for key in (SOURCE, READER, THIRD)}
    deniable = deniable_verifier({key.kid: key for key in ours}.get, pinned.get, TERMS)
    return either(VERIFY, deniable)


def write(folder: Path, **changes: object) -> tuple[bytes, Manifest]:
    target = io.BytesIO()
    manifest = write_drop(
        target,
        Contents(indicators(3)),
        draft(**{"from_": SOURCE.kid, "to": [READER.kid]} | changes),
        seal=deniable_signer(SOURCE, known(READER)),
        to=Recipients((RECIPIENT,)),
        private=folder,
    )
    return target.getvalue(), manifest


def test_a_deniable_drop_opens_for_its_reader_and_says_that_it_is_one(tmp_path: Path):
    data, manifest = write(tmp_path)
    with open_in_worker(data, tmp_path, verify=verify_with(READER)) as opened:
        assert opened.manifest == manifest
        assert opened.manifest.is_deniable
        assert len(list(opened.objects())) == 3


def test_nobody_else_is_convinced_and_the_reader_could_have_made_it(tmp_path: Path):
    data, manifest = write(tmp_path)
    with pytest.raises(Rejected) as caught:
        open_in_worker(data, tmp_path, verify=verify_with(THIRD))
    assert caught.value.reason is Reason.NOT_ADDRESSED
    assert "sig" not in manifest.frame.decode().replace("signature", "")


@pytest.mark.parametrize(
    "changes", [{"from_": READER.kid}, {"to": [THIRD.kid]}, {"to": [READER.kid, THIRD.kid]}]
)
def test_a_deniable_manifest_that_names_others_than_the_two_is_refused(
    tmp_path: Path, changes: dict[str, object]
):
    data, _ = write(tmp_path, **changes)
    with pytest.raises(Rejected) as caught:
        open_in_worker(data, tmp_path, verify=verify_with(READER))
    assert caught.value.reason is Reason.BAD_FORM


def test_a_draft_that_cannot_be_signed_says_so(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be signed"):
        write(tmp_path, expires="2026-01-01T00:00:00Z")
