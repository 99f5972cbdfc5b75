"""The logs in a zip: each member by itself, as a plain file for the while it is read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from backchannel.intake.containers import ContainerError, Source, open_file

_HEADS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_CHUNK: Final = 2**20


def is_archive(path: Path) -> bool:
    """Whether a file is a zip, by its content; False for one that cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in _HEADS
    except OSError:
        return False


def members(path: Path, *, on_refused: Callable[[str, str], None]) -> Iterator[tuple[Path, str]]:
    """Yield each file in a zip, as a plain copy and with its name (`a.zip!b.log`); zips in it are opened, too.

    Number, size, ratio and depth are bounded as for imports (`intake.containers`). What came out of a damaged member
    before the damage is yielded; what cannot be read costs only itself.

    Args:
        path: the zip.
        on_refused: told the name of what cannot be read in full, and why.
    """
    try:
        for source in open_file(path):
            with tempfile.NamedTemporaryFile(prefix="backchannel-", suffix=".log") as copy:
                if why := _copied(source, cast("BinaryIO", copy)):
                    on_refused(source.name, why)
                copy.flush()
                if copy.tell():
                    written = path.stat().st_mtime
                    os.utime(copy.name, (written, written))
                    yield Path(copy.name), source.name
    except ContainerError as error:
        on_refused(error.name, f"it {error.what}")
    except OSError as error:
        on_refused(str(path), f"it cannot be unpacked: {error.strerror or error}")


def _copied(source: Source, copy: BinaryIO) -> str:
    """Copy a member; return why it ended early, "" if it did not."""
    try:
        while chunk := source.stream.read(_CHUNK):
            copy.write(chunk)
    except ContainerError as error:
        return f"it {error.what}: only what came before was read"
    return ""
