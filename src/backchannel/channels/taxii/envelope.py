"""Read what a TAXII server answers with, as far as it can be read: its objects are taken as the bytes received.

An envelope (TAXII 2.1 §3.7) or a bundle (TAXII 2.0). An object that is no JSON costs itself and not the page;
a page that is cut off is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Final, NamedTuple

from backchannel.channels.unpacking import CutOffError
from backchannel.errors import NetworkError
from backchannel.stix.split import DocumentError, Outline, Piece, split

MAX_NEXT_CHARS: Final = 8_192
"""Longest `next` that is sent back (characters): it goes into a URL."""
_ENVELOPE: Final = frozenset({"more", "next", "objects", "id", "type", "spec_version"})


class Envelope(NamedTuple):
    """One page."""

    outline: Outline
    pieces: Sequence[Piece]
    more: bool
    next: str
    """"" where there is none."""
    notes: tuple[str, ...]
    """What is wrong with it."""


def read_envelope(body: bytes, media_type: str, shown: str) -> Envelope:
    """Return what `body` holds.

    Args:
        body: of an answer with a good status.
        media_type: its `Content-Type`, "" for none.
        shown: the URL, as an error tells it.

    Raises:
        CutOffError: it ends in the middle.
        NetworkError: it is no TAXII at all.
    """
    notes = [] if "json" in media_type.lower() else [_odd_type(media_type)]
    try:
        outline, found = split(BytesIO(body))
        pieces = list(found)
    except DocumentError as error:
        if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            raise _no_taxii(body, shown) from None
        raise CutOffError(
            f"the answer of {shown} is broken: {error.what}",
            hint="Nothing of it was taken; it is asked again at the next poll.",
        ) from None
    if any(piece.fault for piece in pieces):
        notes.append("a page is no JSON as a whole: its objects were read one by one")
    if outline.under:
        raise _no_taxii(body, shown)
    if outline.kind == "object":
        if not outline.members.keys() <= _ENVELOPE:
            raise _no_taxii(body, shown)
        pieces = []  # `{}` and `{"more": false}` are empty envelopes (TAXII 2.1 §3.7)
    elif outline.kind == "list":
        notes.append("a page is a bare list where an envelope should be")
    return Envelope(outline, pieces, _is_true(outline.members.get("more", "")), _next(outline), tuple(notes))


def _is_true(text: str) -> bool:
    return text.strip('"').lower() in {"true", "1"}


def _next(outline: Outline) -> str:
    """Return `next`, also where a server writes it as a number."""
    text = outline.members.get("next", "")
    found = text if text.isascii() and text.isdigit() else outline.text("next")
    return found if len(found) <= MAX_NEXT_CHARS else ""


def _odd_type(media_type: str) -> str:
    kind = media_type.partition(";")[0].strip()[:60]
    called = (
        f"calls its answers {kind}" if kind.isprintable() and kind else "does not say what its answers are"
    )
    return f"the server {called}; they were read as TAXII all the same"


def _no_taxii(body: bytes, shown: str) -> NetworkError:
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return NetworkError(
            f"{shown} answers with a web page: it is no TAXII server, or asks somebody to sign in",
            hint="Open the URL in a browser to see what it is, and give the right one.",
        )
    if not body.strip():
        return NetworkError(f"{shown} answers with nothing", hint="It is asked again at the next poll.")
    return NetworkError(f"{shown} answers with something else than TAXII", hint="Check the URL.")
