"""Which files a hunt goes through."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from backchannel.matching.hunt import Note, Tally


def log_files(paths: Iterable[Path], tally: Tally) -> Iterator[Path]:
    """Yield the files in `paths`, those of folders in order of their names; links to folders are not followed."""
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                for file in (Path(folder) / name for name in sorted(names)):
                    if file.is_file():
                        yield file
                    else:
                        tally.skipped.append(Note(str(file), None, _what_it_is(file)))
        elif path.is_file():
            yield path
        else:
            why = "it is neither a file nor a folder" if path.exists() else "there is no such file or folder"
            tally.skipped.append(Note(str(path), None, why))


def _what_it_is(path: Path) -> str:
    if path.is_symlink():
        return "it is a link to a file that is not there"
    return "it is no file: a pipe, a socket or a device"
