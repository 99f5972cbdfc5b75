"""Names of attachments: plain ones only.

A name from outside could lead out of the folder, name a device, overwrite a file or look like another name.
The writer makes names plain; the reader refuses a name that is not, because only a hostile writer sends one.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, Final

from backchannel.drop import limits
from backchannel.errors import StoreError
from backchannel.provenance.reasons import Reason, Rejected
from backchannel.stix.visible import visible

FALLBACK: Final = "attachment"

_EDGES: Final = ".-~ "
"""What no name begins with: hidden files, options, homes."""
_MAX_SUFFIX_CHARS: Final = 16
_ROOM: Final = 8
"""Bytes that are kept free for a number."""
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
        and name[0] not in _EDGES
        and name[-1] not in ". "
        and not _DEVICES.match(name)
        and unicodedata.normalize("NFC", name) == name
    )


def plain_name(name: str, taken: Collection[str] = ()) -> str:
    """Return a plain name that is as near to `name` (perhaps a path) as can be.

    Args:
        name: what its owner calls it.
        taken: names that others have, in `casefold`: where systems do not tell them apart, it gets a number.
    """
    last = re.split(r"[/\\]", name)[-1]
    text = unicodedata.normalize(
        "NFC", "".join(char for char in last if visible(char) == char or char == " ")
    )
    text = "".join("_" if char in _FORBIDDEN else char for char in text)
    stem, suffix = _halves(" ".join(text.split()).lstrip(_EDGES).rstrip(". "))
    stem = _cut(stem, limits.MAX_NAME_BYTES - _ROOM - len(suffix.encode())).rstrip(". ")
    if _DEVICES.match(stem + suffix):
        stem = f"_{stem}"
    if not is_plain_name(stem + suffix):
        stem, suffix = FALLBACK, ""
    number = 1
    plain = stem + suffix
    while plain.casefold() in taken:
        number += 1
        plain = f"{stem}-{number}{suffix}"
    return plain


def _halves(name: str) -> tuple[str, str]:
    """Return a name without its suffix, and the suffix with its dot; a long one is none."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem and len(suffix) <= _MAX_SUFFIX_CHARS else (name, "")


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore")


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
    stem, suffix = _halves(name)
    for number in range(1, 1000):
        path = folder / (name if number == 1 else f"{stem}-{number}{suffix}")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error
        return path, os.fdopen(handle, "wb")
    raise StoreError(f"{folder} holds too many files called {name}", hint="Name another folder.")
