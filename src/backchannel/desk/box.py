"""Our drop box: anybody may leave a file, and nobody is told what became of it.

A file that is left lies whole and on the disk in the home's `dropbox` folder before its ticket is given; it is taken
from there by a worker, and removed once what became of it is written down. So nothing that was acknowledged is lost,
and nothing is taken twice, whatever ends the process and whenever.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from backchannel.desk.writing import sync_folder

FOLDER: Final = "dropbox"
MAX_WAITING: Final = 1_000
"""Files that wait to be taken, those being left included."""
MAX_WAITING_BYTES: Final = 8 * 2**30
"""What they may have together (bytes)."""
MIN_FREE_BYTES: Final = 2**30
"""What is left free on the disk (bytes): what strangers leave must not stop anything else."""

_LOOK_BYTES: Final = 16 * 2**20
"""After how many bytes is looked again whether there is room."""
_LEFT: Final = re.compile(r"([0-9a-f]{32})\.left\Z")


class FullError(Exception):
    """There is no room for another file now."""


@dataclass(slots=True)
class Box:
    """The drop box of the node in `home`, while it is open."""

    home: Path
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a file was left."""

    def begin(self) -> Leaving:
        """Begin to take in a file.

        Raises:
            FullError: too many wait.
            OSError: the folder cannot be written.
        """
        folder = self.home / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        check_room(folder, files=1)
        ticket = secrets.token_hex(16)
        handle = os.open(folder / f"{ticket}.part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        return Leaving(self, ticket, os.fdopen(handle, "wb"))

    def forget_unfinished(self) -> None:
        """Remove what was being left when something ended the process: nobody was given a ticket for it."""
        for path in (self.home / FOLDER).glob("*.part"):
            path.unlink(missing_ok=True)

    def waiting(self) -> list[Path]:
        """Return the files that wait, the one left first before the others."""
        found = [path for path in (self.home / FOLDER).glob("*.left") if _LEFT.match(path.name)]
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


@dataclass(slots=True)
class Leaving:
    """One file that is being left."""

    box: Box
    ticket: str
    file: BinaryIO
    size: int = 0
    _looked_at: int = 0

    @property
    def _path(self) -> Path:
        return self.box.home / FOLDER / f"{self.ticket}.part"

    def write(self, data: bytes) -> None:
        """Write the next bytes.

        Raises:
            FullError: there is no room for more.
            OSError: they cannot be written.
        """
        self.size += len(data)
        if self.size - self._looked_at >= _LOOK_BYTES:
            self._looked_at = self.size
            check_room(self._path.parent, files=0)
        self.file.write(data)

    def finish(self) -> str:
        """Let it be taken; when this returns, it is on the disk. Returns its ticket.

        Raises:
            OSError: it cannot be written.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self._path.rename(self._path.with_suffix(".left"))
        sync_folder(self._path.parent)
        self.box.left.set()
        return self.ticket

    def give_up(self) -> None:
        """Remove what came of it."""
        self.file.close()
        self._path.unlink(missing_ok=True)


def check_room(folder: Path, *, files: int) -> None:
    """See that there is room for more in the box.

    Raises:
        FullError: there is none.
        OSError: the folder cannot be read.
    """
    sizes: list[int] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                sizes.append(entry.stat().st_size)
            except FileNotFoundError:
                continue  # taken meanwhile
    if len(sizes) + files > MAX_WAITING or sum(sizes) > MAX_WAITING_BYTES:
        raise FullError
    if shutil.disk_usage(folder).free < MIN_FREE_BYTES:
        raise FullError
