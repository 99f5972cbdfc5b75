"""What is written can be read, by those it is for and by nobody else."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drop.made import (
    IDENTITY,
    KEYS,
    RECIPIENT,
    VERIFY,
    draft,
    indicator,
    indicators,
    open_here,
    open_in_worker,
    refused,
    write,
)
from tests.sim.party import ALPHA

from backchannel import codec
from backchannel.drop import limits
from backchannel.drop.chunks import read_chunk, salt, to_chunks
from backchannel.drop.manifest import Manifest, signer
from backchannel.drop.opening import open_drop, spool
from backchannel.drop.sealing import Keys, new_identity
from backchannel.drop.writer import Contents, Recipients, write_drop
from backchannel.errors import InputError, StoreError, UsageError
from backchannel.parties.passphrase import encrypt_with_passphrase
from backchannel.provenance.reasons import Reason, Rejected


@pytest.mark.parametrize("armored", [False, True])
def test_a_drop_gives_back_its_objects_statements_and_attachments(tmp_path: Path, armored: bool):
    sent = indicators(12_000)
    picture = os.urandom(2 * limits.MAX_CHUNK_BYTES + 17)
    data, manifest = write(
        sent,
        statements=[b'{"one":1}', b'{"two":2}'],
        attachments=[("report.pdf", picture), ("empty", b"")],
        armored=armored,
    )
    with open_in_worker(data, tmp_path) as opened:
        assert opened.manifest == manifest
        assert opened.release.n == 12_000
        assert [codec.decode(one.jcs) for one in opened.objects()] == sent
        assert list(opened.statements()) == [b'{"one":1}', b'{"two":2}']
        assert [(file.name, file.size) for file in opened.files()] == [
            ("report.pdf", len(picture)),
            ("empty", 0),
        ]
        saved = [opened.save(file, tmp_path) for file in opened.files()]
        assert [path.read_bytes() for path in saved] == [picture, b""]
        assert saved[0].stat().st_mode & 0o777 == 0o600


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1, allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=6), st.booleans())
@settings(deadline=None, max_examples=80)
def test_whatever_json_holds_comes_back_in_canonical_form(values: list[object], repeated: bool):
    sent = [{"type": "x", "id": f"x--{number}", "value": value} for number, value in enumerate(values)]
    sent *= 300 if repeated else 1
    data, _ = write(sent)
    assert open_here(data).release.n == len(sent)
    salted = list(salt(sent))
    got = [one for kind, body in to_chunks(iter(salted)) for one in read_chunk(kind, body)]
    assert got == salted
    assert [one.jcs for one in got] == [codec.canonical(value) for value in sent]


def test_a_drop_opens_for_each_of_its_recipients_and_for_nobody_else():
    others = [new_identity() for _ in range(31)]
    data, _ = write(indicators(3), to=Recipients((RECIPIENT, *(public for _, public in others))))
    for identity in (IDENTITY, others[0][0], others[-1][0]):
        assert open_here(data, keys=Keys((identity,))).release.n == 3
    refused(data, Reason.NOT_FOR_US, keys=Keys((new_identity()[0],)))


def test_t07_no_recipient_two_equal_ones_and_33_are_refused_when_writing(tmp_path: Path):
    many = tuple(new_identity()[1] for _ in range(33))
    for recipients in ((), (RECIPIENT, RECIPIENT), many, ("age1junk",)):
        with pytest.raises(UsageError):
            write(indicators(1), to=Recipients(recipients))


def test_t08_how_many_recipients_there_are_can_be_hidden():
    one, _ = write(indicators(1), to=Recipients((RECIPIENT,), hides_number=True))
    two, _ = write(indicators(1), to=Recipients((RECIPIENT, new_identity()[1]), hides_number=True))
    for data in (one, two):
        assert data.count(b"-> X25519 ") == 32
        assert open_here(data).release.n == 1


def test_t07_a_file_without_our_key_and_a_wrong_passphrase_are_not_for_us():
    data, _ = write(indicators(1))
    refused(data, Reason.NOT_FOR_US, keys=Keys())
    under, _ = write(indicators(1), to=Recipients(passphrase="correct horse"))
    refused(under, Reason.NOT_FOR_US, keys=Keys(passphrase="battery staple"))


def test_a_drop_under_a_passphrase_opens_with_it_and_has_work_factor_18(tmp_path: Path):
    data, _ = write(indicators(10), to=Recipients(passphrase="zwölf Boxkämpfer"))
    assert b" 18\n" in data[:100]
    with open_in_worker(data, tmp_path, keys=Keys(passphrase="zwölf Boxkämpfer")) as opened:
        assert opened.head.is_passphrase
        assert len(list(opened.objects())) == 10


@given(st.binary(max_size=300), st.sampled_from([0, 1, 65535, 65536, 65537, 131072]))
@settings(deadline=None, max_examples=25)
def test_what_we_put_under_a_passphrase_opens_elsewhere(data: bytes, more: int):
    data += bytes(more)
    assert pyrage.passphrase.decrypt(encrypt_with_passphrase(data, "pass", work_factor=2), "pass") == data


def test_a_drop_under_a_passphrase_has_a_limit_of_its_own():
    with pytest.raises(InputError, match="16 MiB"):
        write(attachments=[("large", os.urandom(17 * limits.MIB))], to=Recipients(passphrase="x"))


def test_the_salts_of_a_copy_can_be_chosen_so_that_a_leaked_object_says_whose_it_was(tmp_path: Path):
    target, chosen = io.BytesIO(), [bytes([number]) * 16 for number in range(5)]
    write_drop(
        target,
        Contents(indicators(5)),
        draft(),
        seal=signer(ALPHA.key),
        to=Recipients((RECIPIENT,)),
        private=tmp_path,
        salts=chosen,
    )
    with open_in_worker(target.getvalue(), tmp_path) as opened:
        assert [one.salt for one in opened.objects()] == chosen


def test_a_manifest_may_carry_a_mac_in_the_place_of_a_signature(tmp_path: Path):
    # Deniable mode is another pair of functions around the same frames.
    def seal(release):
        return Manifest(release, b"MAC " + codec.encode(release), "sha256:" + "0" * 64)

    def verify(frame):
        assert frame.startswith(b"MAC ")
        value = codec.into(codec.decode(frame[4:]), type(draft()))
        return Manifest(value, frame, "sha256:" + "0" * 64)

    target = io.BytesIO()
    write_drop(
        target, Contents(indicators(2)), draft(), seal=seal, to=Recipients((RECIPIENT,)), private=tmp_path
    )
    with open_in_worker(target.getvalue(), tmp_path, verify=verify) as opened:
        assert len(list(opened.objects())) == 2


def test_a_pipe_is_kept_in_a_private_file_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data, _ = write(indicators(2))
    with (
        spool(io.BytesIO(data), tmp_path) as file,
        open_drop(file, keys=KEYS, verify=VERIFY, private=tmp_path) as opened,
    ):
        assert opened.release.n == 2
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 100)
    with pytest.raises(Rejected) as caught:
        spool(io.BytesIO(data), tmp_path)
    assert caught.value.reason is Reason.TOO_LARGE


def test_an_object_that_does_not_fit_says_so_and_what_to_do_instead():
    big = indicator(description=os.urandom(limits.MAX_CHUNK_BYTES).hex())
    with pytest.raises(InputError, match="does not fit"):
        write([big])
    for number in (
        2**60,
        2.0**53,
    ):  # the second is written without a fraction, and read as too large an integer
        with pytest.raises(InputError, match="object 2 cannot be put into a drop"):
            write([indicator(), indicator(count=number)])
    # A large one that packs well goes.
    data, _ = write([indicator(description=os.urandom(700_000).hex() + "0" * 100_000)])
    assert open_here(data).release.n == 1


def test_nothing_is_left_on_the_disk_of_a_drop_that_was_refused(tmp_path: Path):
    data, _ = write(indicators(2))
    with pytest.raises(Rejected):
        open_in_worker(data[:-1], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["received"]


def test_an_attachment_that_cannot_be_saved_is_an_error_of_the_disk(tmp_path: Path):
    data, _ = write(attachments=[("a.txt", b"text")])
    with open_in_worker(data, tmp_path) as opened:
        assert opened.save(opened.files()[0], tmp_path).name == "a.txt"
        assert opened.save(opened.files()[0], tmp_path).name == "a-2.txt"
        with pytest.raises(StoreError):
            opened.save(opened.files()[0], tmp_path / "missing")
