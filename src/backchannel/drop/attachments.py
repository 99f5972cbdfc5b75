"""Names of attachments: plain ones only.

A name from outside could lead out of the folder, name a device, overwrite a file or look like another name.
The writer makes names plain; the reader refuses a name that is not, because only a hostile writer sends one.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import BinaryIO, Final

from backchannel.drop import limits
from backchannel.errors import StoreError
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.stix.visible import visible

FALLBACK: Final = "attachment"

_FORBIDDEN: Final = frozenset('/\\:*?"<>|')
"""What separates folders, streams and drives on one system or another, or is special to a shell."""
_DEVICES: Final = re.compile(
    r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³]|CLOCK\$|CONIN\$|CONOUT\$)(?:\.|\Z)", re.IGNORECASE
)
"""Names of devices on Windows, with whatever suffix (Microsoft, "Naming Files, Paths, and Namespaces")."""


def is_plain_name(name: str) -> bool:
    """Whether `name` can be a file's name on any system, and looks like no other."""
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= limits.MAX_NAME_BYTES
        and visible(name) == name
        and not _FORBIDDEN.intersection(name)
        and name[0] not in ".-~ "
        and name[-1] not in ". "
        and not _DEVICES.match(name)
        and unicodedata.normalize("NFC", name) == name
    )


def plain_name(name: str) -> str:
    """Return a plain name that is as near to `name` (perhaps a path) as can be."""
    last = re.split(r"[/\\]", name)[-1]
    text = unicodedata.normalize("NFC", "".join(char for char in last if char.isprintable()))
    text = "".join(
        "_" if char in _FORBIDDEN else char for char in visible(text, max_chars=limits.MAX_NAME_BYTES)
    )
    text = text.replace("…", "_").lstrip(".-~ ").rstrip(". ")
    stem, dot, suffix = text.rpartition(".")
    stem, suffix = (stem, dot + suffix) if dot and len(suffix) <= 16 else (text, "")
    room = limits.MAX_NAME_BYTES - 1 - len(suffix.encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore")
    if _DEVICES.match(stem + suffix):
        stem = f"_{stem}"
    name = stem + suffix
    return name if is_plain_name(name) else FALLBACK


def check_name(name: str) -> None:
    """Check the name of an attachment that came with a drop.

    Raises:
        Rejected: `BAD_NAME`.
    """
    if not is_plain_name(name):
        raise Rejected(Reason.BAD_NAME, visible(name, max_chars=60))


def create(folder: Path, name: str) -> tuple[Path, BinaryIO]:
    """Make a new file of `name` in `folder`, or of the name with a number; nothing is overwritten or followed.

    Returns:
        Where it is, and the file, open for writing, for its owner's eyes only (mode 0600), not to be run.

    Raises:
        Rejected: `BAD_NAME`.
        StoreError: it cannot be made.
    """
    check_name(name)
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    for number in range(1, 1000):
        path = folder / (name if number == 1 else f"{stem}-{number}{dot}{suffix}")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error
        return path, os.fdopen(handle, "wb")
    raise StoreError(f"{folder} holds too many files called {name}", hint="Name another folder.")
