"""Which files a hunt goes through."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from backchannel.matching.hunt import Note, Tally


def log_files(paths: Iterable[Path], tally: Tally) -> Iterator[Path]:
    """Yield the files in `paths`, those of folders in order of their names; links to folders are not followed."""

    def refused(error: OSError) -> None:
        tally.skipped.append(Note(str(error.filename), None, f"it cannot be opened: {error.strerror}"))

    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112  # Path's own raises where a folder above may not be entered
            for folder, folders, names in os.walk(path, onerror=refused):
                folders.sort()
                for name in sorted(names):
                    file = Path(folder) / name
                    if why := _why_no_file(file):
                        tally.skipped.append(Note(str(file), None, why))
                    else:
                        yield file
        elif why := _why_no_file(path):
            tally.skipped.append(Note(str(path), None, why))
        else:
            yield path


def _why_no_file(path: Path) -> str:
    """Return why a path is no file that can be read, "" for one that is."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return (
            "it is a link to a file that is not there"
            if path.is_symlink()
            else "there is no such file or folder"
        )
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "it is a link to a file that is not there"
        return f"it cannot be opened: {error.strerror}"
    return "" if stat.S_ISREG(mode) else "it is no file: a pipe, a socket or a device"
