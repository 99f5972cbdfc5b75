"""Read the body of an answer step by step, unpacked and within a bound: a small answer may unpack to a huge one."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from backchannel.errors import NetworkError

STEP_BYTES: Final = 2**20
"""Most that is unpacked at once (bytes)."""
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
"""Either header is taken (zlib manual, inflateInit2): `deflate` in HTTP means zlib (RFC 9110 §8.4.1.2)."""


class CutOffError(NetworkError):
    """An answer ended before its end."""


class Unpacking:
    """Unpacks one body."""

    def __init__(self, coding: str, what: str) -> None:
        """Begin.

        Args:
            coding: the answer's `Content-Encoding`.
            what: the URL, as it is shown in an error.

        Raises:
            NetworkError: it is packed in a way that was not asked for.
        """
        coding = coding.strip().lower()
        if coding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise NetworkError(
                f"{what} answers packed as {coding[:40]!r}, which was not asked for",
                hint="Tell its operator; nothing was taken.",
            )
        self._what = what
        self._is_packed = coding not in {"", "identity"}
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._is_begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` unpacks to, in steps of bounded size.

        Raises:
            NetworkError: it is damaged.
        """
        if not self._is_packed:
            yield data
            return
        while data:
            self._is_begun = True
            if self._inflater.eof:  # gzip may have several members (RFC 1952 §2.2); what is none is padding
                if not data.startswith(b"\x1f\x8b"):
                    return
                self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                out = self._inflater.decompress(data, STEP_BYTES)
            except zlib.error:
                raise NetworkError(
                    f"the answer of {self._what} is damaged: it cannot be unpacked",
                    hint="It is asked again at the next poll.",
                ) from None
            data = self._inflater.unconsumed_tail or self._inflater.unused_data
            if out:
                yield out

    def finish(self) -> None:
        """See that it is complete.

        Raises:
            CutOffError: it is not.
        """
        if self._is_packed and self._is_begun and not self._inflater.eof:
            raise CutOffError(
                f"the answer of {self._what} ends in the middle", hint="It is asked again at the next poll."
            )
