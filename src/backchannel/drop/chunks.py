"""Chunks of objects: lines of salt, space, object in canonical form, line end; plain or packed with zstd.

A chunk stands for itself: its hash is in the manifest, and it is looked into only when it has that hash.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import zstandard

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.drop import limits
from backchannel.drop.frames import Kind
from backchannel.errors import InputError
from backchannel.provenance import strict
from backchannel.provenance.leaves import SALT_BYTES
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.stix.limits import LimitError, check_values

TARGET_BYTES: Final = 4 * limits.MIB
"""Lines are gathered up to so many bytes before they are packed."""
_LEVEL: Final = 3
_HEX: Final = SALT_BYTES * 2


@dataclass(frozen=True, slots=True)
class Salted:
    """One object as it stands in a drop."""

    salt: bytes
    """16 bytes."""
    jcs: bytes
    """The object in canonical form."""


def random_salts() -> Iterator[bytes]:
    """Yield salts (16 bytes) without end."""
    while True:
        pool = os.urandom(SALT_BYTES * 256)
        yield from (pool[at : at + SALT_BYTES] for at in range(0, len(pool), SALT_BYTES))


def salt(objects: Iterable[JsonObject], salts: Iterable[bytes] | None = None) -> Iterator[Salted]:
    """Yield each object in canonical form with a salt of its own.

    Args:
        objects: decoded.
        salts: at least as many as there are objects; by default random ones.

    Raises:
        InputError: one has no canonical form, or is too large for a drop.
    """
    following = iter(random_salts() if salts is None else salts)
    for number, value in enumerate(objects, 1):
        try:
            jcs = codec.canonical(value)
            check_object(jcs)  # what we write, every reader takes
        except ValueError as error:
            raise _unfit(number, str(error)) from None
        except Rejected as refusal:
            raise _unfit(number, f"{refusal.reason.meaning} ({refusal.detail})") from None
        if len(jcs) > limits.MAX_UNPACKED_BYTES - _HEX - 2:
            raise InputError(
                f"object {number} is {len(jcs):,} bytes long, and a drop takes objects up to"
                f" {limits.MAX_UNPACKED_BYTES // limits.MIB} MiB",
                hint="Send what it holds as an attachment.",
            )
        yield Salted(next(following), jcs)


def _unfit(number: int, why: str) -> InputError:
    return InputError(f"object {number} cannot be put into a drop: {why}", hint="Mend it, or leave it out.")


def to_chunks(objects: Iterable[Salted]) -> Iterator[tuple[Kind, bytes]]:
    """Yield the chunks that hold `objects` in their order, packed where that is allowed and shorter.

    Raises:
        InputError: an object is longer than a chunk, and cannot be packed into one.
    """
    lines: list[bytes] = []
    size = 0
    for one in objects:
        line = b"%s %s\n" % (one.salt.hex().encode(), one.jcs)
        if lines and (size + len(line) > TARGET_BYTES or len(lines) == limits.MAX_CHUNK_OBJECTS):
            yield from _pack(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield from _pack(lines)


def _pack(lines: list[bytes]) -> Iterator[tuple[Kind, bytes]]:
    data = b"".join(lines)
    packed = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(data)
    if len(packed) < len(data) <= len(packed) * limits.MAX_RATIO and len(packed) <= limits.MAX_CHUNK_BYTES:
        yield Kind.PACKED, packed
    elif len(data) <= limits.MAX_CHUNK_BYTES:
        yield Kind.OBJECTS, data
    elif len(lines) > 1:
        half = len(lines) // 2
        yield from _pack(lines[:half])
        yield from _pack(lines[half:])
    else:
        raise InputError(
            f"an object of {len(data):,} bytes does not fit into a drop: a part of it holds"
            f" {limits.MAX_CHUNK_BYTES // limits.MIB} MiB",
            hint="Send what it holds as an attachment.",
        )


def read_chunk(kind: Kind, body: bytes) -> Iterator[Salted]:
    """Yield the objects of one chunk, which must have been compared with its hash.

    Only the form of the lines is looked at; `check_object` looks at what they hold.

    Raises:
        Rejected: `BAD_PACKING`, `TOO_MANY` (objects), `BAD_FORM` (of a line).
    """
    data = unpack(body) if kind is Kind.PACKED else body
    if not data.endswith(b"\n"):
        raise Rejected(Reason.BAD_FORM, "a chunk does not end with a line end")
    if data.count(b"\n") > limits.MAX_CHUNK_OBJECTS:
        raise Rejected(Reason.TOO_MANY, f"a chunk holds more than {limits.MAX_CHUNK_OBJECTS:,} lines")
    for line in data[:-1].split(b"\n"):
        digits = line[:_HEX]
        if line[_HEX : _HEX + 1] != b" " or digits != digits.lower():
            raise _no_salt()
        try:
            one = bytes.fromhex(digits.decode("ascii"))
        except ValueError:
            raise _no_salt() from None
        if len(one) != SALT_BYTES:
            raise _no_salt()
        yield Salted(one, line[_HEX + 1 :])


def _no_salt() -> Rejected:
    return Rejected(
        Reason.BAD_FORM, "a line does not begin with 32 lower-case hexadecimal digits and a space"
    )


def unpack(body: bytes) -> bytes:
    """Return what a packed chunk holds: one zstd frame (RFC 8878) that says its size, and is not a bomb.

    Raises:
        Rejected: `BAD_PACKING`.
    """
    try:
        says = zstandard.get_frame_parameters(body)
    except zstandard.ZstdError:
        raise _bad("it is no zstd frame") from None
    size = says.content_size
    if size == zstandard.CONTENTSIZE_UNKNOWN or size > limits.MAX_UNPACKED_BYTES:
        raise _bad(f"it does not say a size of at most {limits.MAX_UNPACKED_BYTES // limits.MIB} MiB")
    if size > len(body) * limits.MAX_RATIO:
        raise _bad(f"it says {size:,} bytes, more than {limits.MAX_RATIO} times its own length")
    if says.window_size > limits.MAX_UNPACKED_BYTES or says.dict_id:
        raise _bad("it wants a larger window than is allowed, or a dictionary")
    unpacker = zstandard.ZstdDecompressor(max_window_size=limits.MAX_UNPACKED_BYTES)
    try:
        # Refuses what is longer or shorter than it says, and what stands behind the frame.
        data = unpacker.decompress(body, max_output_size=size, allow_extra_data=False)
    except (zstandard.ZstdError, MemoryError):
        raise _bad("it cannot be unpacked, or holds something else than it says") from None
    return data


def _bad(what: str) -> Rejected:
    return Rejected(Reason.BAD_PACKING, what)


def check_object(jcs: bytes) -> None:
    """Check that `jcs` is an object in canonical form within the limits, with an `id` and a `type`.

    Raises:
        Rejected: as `strict.read_canonical`; `TOO_MANY` (values), `BAD_FORM`.
    """
    try:
        check_values(jcs, at_most=limits.MAX_VALUES)
    except LimitError as error:
        raise Rejected(Reason.TOO_MANY, error.what) from None
    value = codec.decode_plain(jcs)
    if value is None or codec.canonical(value, is_plain=True) != jcs:
        value = strict.read_canonical(jcs, max_bytes=limits.MAX_UNPACKED_BYTES)
    if not isinstance(value.get("id"), str) or not isinstance(value.get("type"), str):
        raise Rejected(Reason.BAD_FORM, "an object has no `id` or no `type`")
