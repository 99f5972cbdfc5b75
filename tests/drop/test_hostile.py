"""What a hostile sender, or a hostile medium, can make of a drop: refused, with the exact reason."""

from __future__ import annotations

import hashlib
import os
import random
import struct
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drop.made import (
    KEYS,
    RECIPIENT,
    VERIFY,
    draft,
    encrypted,
    forged,
    frame,
    indicator,
    indicators,
    lines,
    listed,
    manifest_of,
    open_here,
    open_in_worker,
    plaintext,
    refused,
    renamed,
    root_of,
    with_objects,
    write,
)
from tests.sim.party import ALPHA, KNOWN, MALLORY, NOW

from backchannel import codec
from backchannel.drop import limits
from backchannel.drop.attachments import FALLBACK, create, is_plain_name, plain_name
from backchannel.drop.checking import check_list
from backchannel.drop.chunks import check_object
from backchannel.drop.manifest import signer, verifier
from backchannel.provenance.predicates import Chunk
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.provenance.statement import make
from backchannel.provenance.verification import Terms

ONE = codec.canonical(indicator(1))
TWO = codec.canonical(indicator(2))
BROKEN = {
    Reason.DAMAGED,
    Reason.TRUNCATED,
    Reason.NOT_FOR_US,
    Reason.BAD_HEADER,
    Reason.NOT_A_DROP,
    Reason.BAD_ARMOR,
    Reason.WORK_FACTOR,
}

# --- The medium ----------------------------------------------------------------------------------------


def test_t01_a_small_drop_with_any_byte_flipped_is_refused():
    data, _ = write(indicators(1))
    for at in range(len(data)):
        spoiled = bytearray(data)
        spoiled[at] ^= 1 << at % 8
        refused(bytes(spoiled), *BROKEN)


def test_t01_a_large_drop_with_any_of_1000_bytes_flipped_is_refused():
    data, _ = write(indicators(2000), attachments=[("noise", os.urandom(300_000))])
    chosen = random.Random(7).sample(range(len(data)), 1000)
    for at in chosen:
        spoiled = bytearray(data)
        spoiled[at] ^= 0x40
        refused(bytes(spoiled), *BROKEN)


def test_t01_t02_the_worker_refuses_what_this_process_refuses(tmp_path: Path):
    data, _ = write(indicators(50))
    for at in (0, 30, 100, 250, 300, 900, len(data) - 1):
        spoiled = bytearray(data)
        spoiled[at] ^= 1
        for bad in (bytes(spoiled), data[:at]):
            with pytest.raises(Rejected) as caught:
                open_in_worker(bad, tmp_path)
            assert caught.value.reason in BROKEN


def borders(plain: bytes) -> list[int]:
    """Where frames end."""
    at, found = 5, [5]
    while at < len(plain):
        at += 5 + int(struct.unpack_from(">I", plain, at + 1)[0])
        found.append(at)
    return found[:-1]


def test_t02_a_drop_cut_at_any_border_of_its_frames_or_within_one_is_truncated():
    body = lines(ONE, TWO)
    signed = manifest_of(listed([("S", b"{}"), ("O", body)]), n=2, root=root_of(ONE, TWO))
    plain = plaintext(frame("M", signed), frame("S", b"{}"), frame("O", body), frame("P", bytes(100)))
    assert open_here(encrypted(plain)).release.n == 2
    for at in borders(plain):
        for cut in (at, at + 1, at + 5, at + 20):
            refused(encrypted(plain[:cut]), Reason.TRUNCATED)


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=150)
def test_whatever_is_encrypted_to_us_is_refused_with_a_reason(plain: bytes):
    for content in (plain, b"BCB1\n" + plain):
        refused(encrypted(content), *Reason)


def test_t05_a_drop_encrypted_on_to_a_third_party_is_not_addressed_to_it():
    body = lines(ONE)
    plain = plaintext(
        frame("M", manifest_of(listed([("O", body)]), n=1, root=root_of(ONE))), frame("O", body)
    )
    third = verifier(KNOWN.get, Terms(now=NOW, me={"q" * 51 + "a"}, seen=None))
    refused(encrypted(plain), Reason.NOT_ADDRESSED, verify=third)


def test_a_drop_by_a_stranger_is_refused_before_its_chunks_are_looked_at():
    body = b"\xff" * 100
    signed = manifest_of(listed([("O", body)]), by=MALLORY)
    refused(encrypted(plaintext(frame("M", signed), frame("O", body))), Reason.UNKNOWN_KEY)


def test_a_statement_of_another_kind_is_no_manifest():
    from tests.provenance.made import RECEIPT  # noqa: PLC0415

    signed = make(RECEIPT, subject=[], aud=["*"], key=ALPHA.key, iat=NOW)
    refused(encrypted(plaintext(frame("M", signed))), Reason.WRONG_TYPE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chan", "other"),
        ("bundle", "0a" * 16),
        ("created", "2026-01-15T10:00:01Z"),
        ("to", ["q" * 51 + "a"]),
        ("n", 7),
    ],
)
def test_a_manifest_that_says_two_things_of_itself_is_refused(field: str, value: object):
    inner = draft(**{field: value})
    outer = draft()
    fields = {"aud": outer.to, "key": ALPHA.key, "iat": NOW.replace(hour=10)}
    fields["exp"] = NOW.replace(month=2, day=14, hour=10)
    signed = make(inner, subject=[], chan=outer.chan, statement_id=outer.bundle, **fields)
    refused(encrypted(plaintext(frame("M", signed))), Reason.BAD_FORM)


# --- T13: JSON -----------------------------------------------------------------------------------------


def said(extra: bytes) -> bytes:
    """An object in canonical order with one more member between `id` and `type`."""
    return b'{"id":"x--1",' + extra + b',"type":"x"}'


T13 = {
    "deep lists": (said(b'"n":' + b"[" * 100_000 + b"]" * 100_000), Reason.TOO_DEEP),
    "deep objects": (said(b'"n":' + b'{"n":' * 33 + b"1" + b"}" * 33), Reason.TOO_DEEP),
    "duplicate keys": (b'{"id":"x--1","id":"x--2","type":"x"}', Reason.DUPLICATE_KEY),
    "duplicate keys within": (said(b'"n":{"a":1,"a":1}'), Reason.DUPLICATE_KEY),
    "escaped duplicate keys": (b'{"id":"x--1","\\u0069d":"x--2","type":"x"}', Reason.DUPLICATE_KEY),
    "NaN": (said(b'"n":NaN'), Reason.NOT_JSON),
    "infinity": (said(b'"n":Infinity'), Reason.NOT_JSON),
    "1e400": (said(b'"n":1e400'), Reason.BAD_NUMBER),
    "5,000 digits": (said(b'"n":' + b"9" * 5000), Reason.BAD_NUMBER),
    "2^53": (said(b'"n":9007199254740992'), Reason.BAD_NUMBER),
    "lone surrogate": (said(b'"n":"\\ud800"'), Reason.BAD_TEXT),
    "surrogate in UTF-8": (said(b'"n":"\xed\xa0\x80"'), Reason.BAD_TEXT),
    "byte order mark": (b"\xef\xbb\xbf" + ONE, Reason.NOT_JSON),
    "UTF-16": (ONE.decode().encode("utf-16"), Reason.NOT_JSON),
    "not canonical: a blank": (b'{"id": "x--1","type":"x"}', Reason.NOT_CANONICAL),
    "not canonical: order": (b'{"type":"x","id":"x--1"}', Reason.NOT_CANONICAL),
    "not canonical: number": (said(b'"n":1.0'), Reason.NOT_CANONICAL),
    "a list": (b"[]", Reason.BAD_FORM),
    "no id": (b'{"type":"x"}', Reason.BAD_FORM),
    "nothing": (b"", Reason.NOT_JSON),
}


@pytest.mark.parametrize("name", T13)
def test_t13_json_that_is_read_in_two_ways_is_refused(name: str):
    body, reason = T13[name]
    if b"\n" in body:
        body = body.replace(b"\n", b"")
    refused(with_objects(body), reason)


def test_t13_the_json_test_suite_is_refused_or_read_in_one_way(shared_data: Path):
    count = 0
    for path in sorted((shared_data / "vectors" / "json-hostile" / "test_parsing").iterdir()):
        count += 1
        for body in (path.read_bytes(), b'{"id":"x--1","n":' + path.read_bytes() + b',"type":"x"}'):
            try:
                check_object(body)
            except Rejected:
                continue
            assert not path.name.startswith("n_"), path.name
            assert codec.canonical(codec.decode(body)) == body
    assert count == 318


# --- T14: packed chunks --------------------------------------------------------------------------------


def zstd(data: bytes, **how) -> bytes:
    return zstandard.ZstdCompressor(**how).compress(data)


def lying(data: bytes) -> bytes:
    """A frame that says it holds 100 bytes less, or more, than it does."""
    packed = bytearray(zstd(data, write_content_size=True))
    fields = zstandard.get_frame_parameters(bytes(packed))
    size = fields.content_size
    at = packed.find(struct.pack("<H", size - 256), 4, 8)
    packed[at : at + 2] = struct.pack("<H", size - 256 + 100)
    return bytes(packed)


def windowed(data: bytes) -> bytes:
    how = zstandard.ZstdCompressionParameters.from_level(3, window_log=31, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=how).compressobj()
    return packer.compress(data) + packer.flush()


NOISE = os.urandom(400).hex().encode()
OBJECT = b'{"id":"x--1","n":"' + NOISE + b'","type":"x"}'


@pytest.mark.parametrize(
    "pack",
    [
        lambda _: zstd(bytes(8 * limits.MIB)),
        lambda _: zstd(bytes(9 * limits.MIB)),
        lambda _: zstd(bytes(2 * limits.MIB) + os.urandom(100)),
        lambda data: zstd(data, write_content_size=False),
        lying,
        windowed,
        lambda data: zstd(data) + zstd(data),
        lambda data: zstd(data) + b"more",
        lambda data: zstd(data)[:-3],
        lambda data: b"\x50\x2a\x4d\x18\x04\x00\x00\x00junk" + zstd(data),
        lambda data: data,
    ],
    ids=[
        "bomb",
        "large",
        "ratio",
        "no size",
        "lies",
        "window",
        "two frames",
        "tail",
        "cut",
        "skippable",
        "plain",
    ],
)
def test_t14_a_packed_chunk_that_is_a_bomb_or_lies_is_refused(pack):
    refused(with_objects(OBJECT, packed=pack), Reason.BAD_PACKING)


def test_t14_a_chunk_packed_twice_holds_no_lines():
    refused(with_objects(OBJECT, packed=lambda data: zstd(zstd(data))), Reason.BAD_FORM)


def test_t14_an_honest_packed_chunk_is_taken():
    assert open_here(with_objects(OBJECT, packed=zstd)).release.n == 1


# --- T15: too much -------------------------------------------------------------------------------------


def test_t15_a_chunk_of_more_than_5000_lines_and_one_of_empty_lines_are_refused():
    tiny = b'{"id":"","type":""}'
    refused(with_objects(*[tiny] * 5001), Reason.TOO_MANY)
    refused(forged([("O", b"\n" * limits.MAX_CHUNK_BYTES)]), Reason.TOO_MANY)


def test_t15_more_objects_than_signed_and_fewer_are_refused():
    body = lines(ONE, TWO)
    for n, root in ((1, root_of(ONE)), (3, root_of(ONE, TWO, ONE)), (2, root_of(TWO, ONE))):
        refused(forged([("O", body)], n=n, root=root), Reason.CHUNK_MISMATCH)


def test_t15_an_object_of_a_gigabyte_cannot_be_framed():
    signed = manifest_of(listed([("O", lines(ONE))]), n=1, root=root_of(ONE))
    plain = plaintext(frame("M", signed), frame("O", b"x" * 1000, length=2**30))
    refused(encrypted(plain), Reason.TOO_LARGE)


def test_t15_ten_million_labels_do_not_fit_and_a_million_values_are_too_many():
    labels = b",".join([b"1"] * 1_000_100)
    refused(
        with_objects(b'{"id":"x--1","labels":[' + labels + b'],"type":"x"}', packed=squeezed), Reason.TOO_MANY
    )
    with pytest.raises(Rejected) as caught:
        check_object(b'{"id":"x--1","labels":[' + b",".join([b"1"] * 10_000_000) + b'],"type":"x"}')
    assert caught.value.reason is Reason.TOO_MANY


def squeezed(data: bytes) -> bytes:
    """Packed no better than is allowed: random bytes follow that the reader would have to look at."""
    noise = b"%032x " % 0 + b'"' + os.urandom(120_000).hex().encode() + b'"\n'
    return zstd(data + noise)


# --- T16: frames ---------------------------------------------------------------------------------------

BODY = lines(ONE)
SIGNED = manifest_of(listed([("O", BODY)]), n=1, root=root_of(ONE))
M, O = frame("M", SIGNED), frame("O", BODY)  # noqa: E741 - as the format calls them

T16 = {
    "length 2^32-1": ((M, frame("O", BODY, length=2**32 - 1)), Reason.TOO_LARGE),
    "length 2^31, which some would read as negative": ((M, frame("O", BODY, length=2**31)), Reason.TOO_LARGE),
    "manifest too long": ((frame("M", bytes(2**20 + 1)),), Reason.TOO_LARGE),
    "statement too long": ((M, frame("S", bytes(2**18 + 1))), Reason.TOO_LARGE),
    "unknown kind": ((M, O, frame("X", b"")), Reason.BAD_FRAME),
    "kind that is no letter": ((M, b"\xff\0\0\0\0"), Reason.BAD_FRAME),
    "no manifest first": ((O, M), Reason.BAD_FRAME),
    "two manifests": ((M, M, O), Reason.BAD_FRAME),
    "a chunk behind padding": ((M, frame("P", b"\0"), O), Reason.BAD_FRAME),
    "padding before the chunk": ((M, frame("P", b""), O), Reason.BAD_FRAME),
    "padding that is not empty": ((M, O, frame("P", b"\0secret\0")), Reason.BAD_FRAME),
    "a chunk twice": ((M, O, O), Reason.UNLISTED_CHUNK),
    "an unlisted chunk": ((M, O, frame("A", b"x")), Reason.UNLISTED_CHUNK),
    "an unlisted statement": ((M, O, frame("S", b"{}")), Reason.UNLISTED_CHUNK),
    "no chunk": ((M,), Reason.MISSING_CHUNK),
    "another chunk": ((M, frame("O", lines(TWO))), Reason.CHUNK_MISMATCH),
    "the chunk as another kind": ((M, frame("A", BODY)), Reason.CHUNK_MISMATCH),
    "an end in the middle": ((M, frame("E", hashlib.sha256(M).digest()), O), Reason.BAD_FRAME),
    "an end of the wrong length": ((M, O, frame("E", b"short")), Reason.BAD_FRAME),
}


@pytest.mark.parametrize("name", T16)
def test_t16_frames_of_a_wrong_length_kind_or_place_are_refused(name: str):
    frames, reason = T16[name]
    refused(encrypted(plaintext(*frames)), reason)


def test_t16_a_wrong_digest_at_the_end_and_what_follows_the_end_are_refused():
    refused(encrypted(plaintext(M, O, end=bytes(32))), Reason.DAMAGED)
    refused(encrypted(plaintext(M, O) + b"more"), Reason.BAD_FRAME)


def test_t16_chunks_in_another_order_than_listed_are_refused():
    chunks = [("O", lines(ONE)), ("S", b"{}")]
    signed = manifest_of(listed(chunks), n=1, root=root_of(ONE))
    swapped = plaintext(frame("M", signed), frame("S", b"{}"), frame("O", lines(ONE)))
    refused(encrypted(swapped), Reason.CHUNK_MISMATCH)


ITEM = listed([("O", BODY)])[0]
FILE = listed([("A", b"x")])[0]


@pytest.mark.parametrize(
    ("listing", "reason"),
    [
        ([ITEM, renamed(ITEM, i=1)], Reason.UNLISTED_CHUNK),
        ([ITEM, renamed(ITEM, i=0)], Reason.BAD_FORM),
        ([renamed(ITEM, i=1)], Reason.BAD_FORM),
        ([renamed(ITEM, len=2**20 + 1)], Reason.TOO_LARGE),
        ([renamed(ITEM, len=2**32 - 1)], Reason.TOO_LARGE),
        ([renamed(ITEM, name="object")], Reason.BAD_FORM),
        ([renamed(FILE, name="")], Reason.BAD_FORM),
        ([FILE, renamed(ITEM, i=1), renamed(FILE, i=2, name="")], Reason.BAD_FORM),
        ([FILE, renamed(FILE, i=1, name="A.BIN")], Reason.BAD_NAME),
        ([renamed(FILE, i=i, name=f"{i}.bin") for i in range(101)], Reason.TOO_MANY),
    ],
)
def test_t16_a_list_of_chunks_that_cannot_be_is_refused(listing: list[Chunk], reason: Reason):
    with pytest.raises(Rejected) as caught:
        check_list(listing, 1)
    assert caught.value.reason is reason
    refused(encrypted(plaintext(frame("M", manifest_of(listing, n=1, root=root_of(ONE))), O)), reason)


def test_t16_more_objects_or_chunks_than_any_drop_has_are_refused():
    for listing, n in (
        ([], limits.MAX_OBJECTS + 1),
        ([renamed(ITEM, i=i) for i in range(limits.MAX_CHUNKS + 1)], 1),
    ):
        with pytest.raises(Rejected) as caught:
            check_list(listing, n)
        assert caught.value.reason is Reason.TOO_MANY


@pytest.mark.parametrize(
    "line", [b"no salt", b"%032X " % 0xABC + ONE, b"0" * 31 + b"  " + ONE, ONE, b" " * 32 + b" " + ONE]
)
def test_t16_a_line_without_a_salt_is_refused(line: bytes):
    refused(forged([("O", line + b"\n")], n=1, root=root_of(ONE)), Reason.BAD_FORM)


def test_t16_a_chunk_without_its_last_line_end_is_refused():
    refused(forged([("O", lines(ONE)[:-1])], n=1, root=root_of(ONE)), Reason.BAD_FORM)
    refused(forged([("O", b"")]), Reason.BAD_FORM)


# --- T17: names ----------------------------------------------------------------------------------------

T17 = [
    "../x", "..", ".", "/etc/passwd", "C:\\x", "a/b", "a\\b", "con", "NUL.txt", "COM1", "lpt9.pdf", "aux.", "x" * 250,
    "x\u202efdp.exe", "a\u200bb", "a\nb", "a\0b", " a", "a ", "a.", ".bashrc", "-rf", "~x", "x:y", "a*", "what?",
    "e\u0301.txt", "\u2066x", "a\tb", "\ufeffa",
]  # fmt: skip


@pytest.mark.parametrize("name", T17)
def test_t17_a_name_that_leads_elsewhere_or_deceives_is_refused_and_made_plain_when_sent(
    name: str, tmp_path: Path
):
    assert not is_plain_name(name)
    refused(forged([("A", b"x")], listing=[renamed(FILE, name=name)]), Reason.BAD_NAME)
    with pytest.raises(Rejected):
        create(tmp_path, name)
    _, manifest = write(attachments=[(name, b"x")])
    assert is_plain_name(manifest.release.chunks[0].name)


def test_t17_a_name_of_4096_characters_is_refused_by_the_form_of_the_manifest():
    with pytest.raises(Exception, match="length"):
        manifest_of([renamed(FILE, name="x" * 4096)])
    assert len(plain_name("x" * 4096 + ".pdf")) <= limits.MAX_NAME_BYTES
    assert plain_name("x" * 4096 + ".pdf").endswith("x.pdf")


def test_t17_ordinary_names_stay_as_they_are():
    for name in ("Report 2026-01.pdf", "прибор.txt", "図.png", "a_b-c(1).tar.gz", "Füße.odt"):
        assert is_plain_name(name)
        assert plain_name(name) == name
    assert plain_name("../../etc/passwd") == "passwd"
    assert plain_name("C:\\temp\\a?b.txt") == "a_b.txt"
    assert plain_name("..") == FALLBACK


@settings(deadline=None)
@given(st.text(max_size=300))
def test_t17_every_name_can_be_made_plain(name: str):
    assert is_plain_name(plain_name(name))
    assert plain_name(plain_name(name)) == plain_name(name)


def test_t17_no_link_is_followed_and_no_file_overwritten(tmp_path: Path):
    (tmp_path / "a.txt").symlink_to(tmp_path / "elsewhere")
    path, file = create(tmp_path, "a.txt")
    file.close()
    assert path.name == "a-2.txt"
    assert not (tmp_path / "elsewhere").exists()


def test_two_attachments_of_one_name_are_told_apart_when_sent():
    _, manifest = write(attachments=[("a.txt", b"1"), ("x/A.txt", b"2")])
    assert [chunk.name for chunk in manifest.release.chunks] == ["a.txt", "A-2.txt"]


def test_the_draft_is_signed_as_it_is():
    manifest = signer(ALPHA.key)(draft())
    assert VERIFY(manifest.frame) == manifest
    assert KEYS.identities[0] not in repr(KEYS)
    assert RECIPIENT.startswith("age1")
