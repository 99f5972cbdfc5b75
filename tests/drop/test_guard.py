"""The guard, and the strict text form: hostile heads are refused before anything else looks at them."""

from __future__ import annotations

import io
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drop.made import RECIPIENT, encrypted, new_identity, refused, write

from backchannel.drop import guard, limits
from backchannel.drop.armor import Dearmored, write_armored
from backchannel.drop.sealing import Keys, decrypt
from backchannel.provenance.reasons import Reason, Rejected

VERSION = guard.VERSION
STANZA = b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n"
MAC = b"--- " + b"A" * 43 + b"\n"
PAYLOAD = bytes(32)


def check(data: bytes, *, size: int | None = None, has_passphrase: bool = False) -> guard.Head:
    return guard.check(io.BytesIO(data), len(data) if size is None else size, has_passphrase=has_passphrase)


def reason_of(data: bytes, **how) -> Reason:
    with pytest.raises(Rejected) as caught:
        check(data, **how)
    return caught.value.reason


def scrypt(factor: bytes) -> bytes:
    return VERSION + b"-> scrypt " + b"A" * 22 + b" " + factor + b"\n" + b"A" * 43 + b"\n" + MAC + PAYLOAD


LARGE = b"x" * 20_000_000
T10 = {
    "many recipients": VERSION + STANZA * 200_000 + MAC,
    "33 recipients": VERSION + STANZA * 33 + MAC + PAYLOAD,
    "one endless line": VERSION + b"-> X25519 " + b"A" * 50_000_000,
    "one endless body": VERSION + b"-> x y\n" + (b"A" * 64 + b"\n") * 500_000,
    "many small recipients": VERSION + b"-> x\n\n" * 1_000_000,
    "many decoys": VERSION + b"-> x-grease\n\n" * 1_000_000,
    "many arguments": VERSION + b"->" + b" a" * 10_000_000,
    "no line end": VERSION + LARGE,
    "no version": LARGE,
    "only blanks": b" \n" * 10_000_000,
    "blanks before armour": b" \n" * 1_000_000 + b"-----BEGIN AGE ENCRYPTED FILE-----\n",
    "armoured, without a line end": b"-----BEGIN AGE ENCRYPTED FILE-----\n" + LARGE,
    "armoured, many recipients": b"",
    "passphrases": VERSION + (b"-> scrypt " + b"A" * 22 + b" 18\n" + b"A" * 43 + b"\n") * 100_000 + MAC,
}
_text = io.BytesIO()
write_armored(io.BytesIO(T10["many recipients"][:2_000_000]), _text)
T10["armoured, many recipients"] = _text.getvalue()


@pytest.mark.parametrize("name", T10)
def test_t10_a_header_far_over_the_limits_is_refused_within_50_ms(name: str):
    data = T10[name]
    begun = time.process_time()
    reason = reason_of(data, has_passphrase=True)
    assert time.process_time() - begun < 0.05
    assert reason in {Reason.BAD_HEADER, Reason.NOT_A_DROP, Reason.BAD_ARMOR}


def test_t10_a_file_beyond_the_limit_is_refused_by_its_size():
    assert reason_of(VERSION, size=limits.MAX_FILE_BYTES + 1) is Reason.TOO_LARGE


def test_t07_32_recipients_and_a_decoy_are_taken_and_33_are_not():
    data = encrypted(b"x", RECIPIENT, *(new_identity()[1] for _ in range(31)))
    assert sum(stanza.kind == "X25519" for stanza in check(data).stanzas) == 32
    assert reason_of(encrypted(b"x", *(new_identity()[1] for _ in range(33)))) is Reason.BAD_HEADER


@pytest.mark.parametrize("factor", [b"23", b"19", b"99", b"999999999999999999999"])
def test_t11_work_factors_over_18_are_refused_at_once(factor: bytes):
    begun = time.process_time()
    assert reason_of(scrypt(factor), has_passphrase=True) is Reason.WORK_FACTOR
    assert time.process_time() - begun < 0.05


def test_t11_work_factor_18_is_taken_with_a_passphrase_only():
    assert check(scrypt(b"18"), has_passphrase=True).is_passphrase
    assert reason_of(scrypt(b"18")) is Reason.WORK_FACTOR
    assert (
        reason_of(scrypt(b"18"), size=limits.MAX_PASSPHRASE_FILE_BYTES + 1, has_passphrase=True)
        is Reason.TOO_LARGE
    )


@pytest.mark.parametrize("length", [0, 1, 10, 22, 60, 120, 150, 200])
def test_t02_a_file_that_ends_within_its_head_is_truncated(length: int):
    data = encrypted(b"x")[:length]
    expected = Reason.TRUNCATED
    assert reason_of(data) is expected


# --- The text form -------------------------------------------------------------------------------------


def armored(data: bytes) -> bytes:
    out = io.BytesIO()
    write_armored(io.BytesIO(data), out)
    return out.getvalue()


def dearmored(text: bytes, step: int = -1) -> bytes:
    source = Dearmored(io.BytesIO(text))
    parts = []
    while part := source.read(step):
        parts.append(part)
    return b"".join(parts)


@settings(deadline=None)
@given(
    st.binary(max_size=1000),
    st.sampled_from([0, 48, 48 * 2048 - 7, 48 * 4096]),
    st.sampled_from([-1, 7, 8192]),
)
def test_the_text_form_gives_back_every_byte(data: bytes, more: int, step: int):
    data += bytes(more)
    text = armored(data)
    assert dearmored(text, step) == data
    assert dearmored(b"\r\n \n" + text.replace(b"\n", b"\r\n") + b"\n\n", step) == data


def read_text(text: bytes) -> tuple[bytes, Reason | None]:
    try:
        return dearmored(text), None
    except Rejected as refusal:
        return b"", refusal.reason


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_text_that_is_spelled_otherwise_is_refused_or_means_the_same(data: bytes, draw: st.DataObject):
    text = bytearray(armored(data))
    at = draw.draw(st.integers(0, len(text) - 1))
    text[at] = draw.draw(st.integers(0, 255))
    back, reason = read_text(bytes(text))
    if reason is None:
        assert armored(back).strip() == bytes(text).replace(b"\r", b"").strip()
    else:
        assert reason in {Reason.BAD_ARMOR, Reason.TRUNCATED}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: b"Hello,\n" + text,
        lambda text: text + b"Regards\n",
        lambda text: text.replace(b"\n", b"\n\n", 2),
        lambda text: text.lower(),
        lambda text: text + text,
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"-----BEGIN", b"> -----BEGIN"),
        lambda text: text + b"\n" * 5000,
    ],
)
def test_t12_junk_before_behind_or_within_the_text_is_refused(spoil):
    text, _ = write([], armored=True)
    refused(spoil(text), Reason.BAD_ARMOR, Reason.NOT_A_DROP, Reason.TRUNCATED)


# --- The age testkit -----------------------------------------------------------------------------------

NOT_OFFERED = "a recipient of the hybrid kind (MLKEM768-X25519) is not offered"
LIMIT = "refused by our own limit"


def read_testkit(folder: Path) -> dict[str, tuple[dict[str, str], bytes]]:
    cases = {}
    for path in sorted(folder.iterdir()):
        head, _, body = path.read_bytes().partition(b"\n\n")
        fields: dict[str, str] = {}
        for line in head.decode().splitlines():
            key, _, value = line.partition(": ")
            fields[key] = f"{fields[key]} {value}" if key in fields else value
        cases[path.name] = (fields, zlib.decompress(body) if fields.get("compressed") == "zlib" else body)
    return cases


def our_verdict(fields: dict[str, str], data: bytes) -> str:
    identities = tuple(
        one for one in fields.get("identity", "").split() if one.startswith("AGE-SECRET-KEY-1")
    )
    keys = Keys(identities, fields.get("passphrase"))
    file, out = io.BytesIO(data), io.BytesIO()
    try:
        head = guard.check(file, len(data), has_passphrase=keys.passphrase is not None)
        decrypt(Dearmored(file) if head.is_armored else file, out, keys, is_passphrase=head.is_passphrase)
    except Rejected as refusal:
        return refusal.reason.value
    return "success"


EXPECTED = {
    "header failure": {
        "bad-header",
        "not-a-drop",
        "truncated",
        "work-factor",
        "not-for-us",
        "damaged",
        "bad-armor",
    },
    "armor failure": {"bad-armor", "truncated", "not-a-drop"},
    "no match": {"not-for-us"},
    "HMAC failure": {"damaged", "bad-header"},
    "payload failure": {"damaged", "truncated", "bad-armor"},
    "success": {"success"},
}
REFUSED_OR_NOT_OFFERED = {
    "armor_hybrid": NOT_OFFERED,
    "hybrid": NOT_OFFERED,
    "hybrid_and_x25519": NOT_OFFERED,
    "hybrid_grease": NOT_OFFERED,
    "hybrid_multiple_recipients": NOT_OFFERED,
}


def test_t12_the_age_testkit_holds_and_what_is_not_offered_is_listed(shared_data: Path):
    cases = read_testkit(shared_data / "vectors" / "age-testkit")
    assert len(cases) == 143
    other = {
        name: (fields["expect"], verdict)
        for name, (fields, data) in cases.items()
        if (verdict := our_verdict(fields, data)) not in EXPECTED[fields["expect"]]
    }
    assert set(other) == set(REFUSED_OR_NOT_OFFERED), other
