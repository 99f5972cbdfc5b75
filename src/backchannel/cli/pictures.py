"""A drop as pictures: one QR code for each frame, and a sheet that holds them all, to show, print or film."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from backchannel.desk.handing import random_name, whole_file
from backchannel.drop import limits
from backchannel.drop.qr import to_frames
from backchannel.errors import InputError

SCALE = 4
"""Pixels of a picture for each module of its code."""


def draw(drop: Path, folder: Path) -> list[Path]:
    """Draw a drop into a folder under random names; return the pictures, and the sheet last.

    Raises:
        InputError: it is too large to be shown, or they cannot be written.
    """
    most = limits.MAX_QR_FRAMES * limits.QR_FRAME_BYTES
    try:
        size = drop.stat().st_size
        if size > most:
            raise InputError(
                f"a drop of {size:,} bytes is too large for pictures: {most:,} at most",
                hint="Send it as a file, or as text in parts.",
            )
        frames = to_frames(drop.read_bytes())
        pictures = [_picture(frame) for frame in frames]
        folder.mkdir(parents=True, exist_ok=True)
        name = random_name()
        paths = [folder / f"{name}-{number:02}.png" for number in range(1, len(pictures) + 1)]
        for path, picture in zip(paths, pictures, strict=True):
            with whole_file(path) as out:
                out.write(picture)
        sheet = folder / f"{name}.html"
        with whole_file(sheet) as out:
            out.write(_sheet(pictures).encode())
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written: {error.strerror}", hint="Name another folder."
        ) from error
    return [*paths, sheet]


def _picture(frame: bytes) -> bytes:
    import segno  # noqa: PLC0415

    out = io.BytesIO()
    segno.make(frame, error="l", mode="byte", micro=False, boost_error=False).save(
        out, kind="png", scale=SCALE
    )
    return out.getvalue()


def _sheet(pictures: Sequence[bytes]) -> str:
    """Return one page with all pictures: it loads nothing and runs nothing."""
    figures = "\n".join(
        f'<figure><img alt="picture {number} of {len(pictures)}" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
        f"<figcaption>{number} / {len(pictures)}</figcaption></figure>"
        for number, picture in enumerate(pictures, 1)
    )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Pictures</title>\n'
        "<style>body{background:#fff;color:#000;font-family:sans-serif;display:flex;flex-wrap:wrap}"
        "figure{margin:1rem;break-inside:avoid;text-align:center}img{image-rendering:pixelated}</style>\n"
        f"{figures}\n</html>\n"
    )
