"""Files that leave the node: whole or not at all, so that no tool ever loads half of one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

from backchannel.errors import InputError


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` (name to content) into `folder`, which is made where it is missing.

    All are written beside their places first, then put there by rename in the order given. Even a file with
    the same content is replaced: some tools (Zeek) renew what they hold when a file is new. Where nothing could be
    written, no folder is left that was not there.

    Raises:
        InputError: the folder cannot be made or written.
    """
    drafts: dict[str, Path] = {}
    missing = list(takewhile(lambda one: not one.exists(), (folder, *folder.parents)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            drafts[name] = folder / f".{name}.new"
            with drafts[name].open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        for name, draft in drafts.items():
            draft.replace(folder / name)
        sync_folder(folder)
    except OSError as error:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        with suppress(OSError):  # one in which something lies stays
            for one in missing:
                one.rmdir()
        raise InputError(
            f"{folder} cannot be written: {error.strerror}", hint="Name another folder or file with -o."
        ) from error


def sync_folder(folder: Path) -> None:
    """Let the names that files got in a folder outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
