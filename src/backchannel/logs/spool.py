"""Copy a log that can be read only once, such as standard input, to where it can be read again."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backchannel.logs.opening import MAX_UNPACKED_BYTES, UnreadableLogError

STDIN_NAME = "-"
_CHUNK = 2**20


@contextmanager
def spooled(path: Path | None) -> Iterator[Path]:
    """Give a copy, for the while of a `with`, of what a pipe holds.

    Args:
        path: the pipe; None is standard input.

    Raises:
        UnreadableLogError: it cannot be read, has no end in sight, or there is no room for the copy.
    """
    with tempfile.NamedTemporaryFile(prefix="backchannel-", suffix=".log") as copy:
        total = 0
        try:
            with sys.stdin.buffer if path is None else path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    total += len(chunk)
                    if total > MAX_UNPACKED_BYTES:
                        raise UnreadableLogError(
                            f"it is longer than {MAX_UNPACKED_BYTES // 2**30} GiB: split it"
                        )
                    copy.write(chunk)
            copy.flush()
        except OSError as error:
            raise UnreadableLogError(f"it cannot be copied to be read: {error.strerror or error}") from error
        yield Path(copy.name)
