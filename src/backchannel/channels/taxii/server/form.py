"""Whether a request has the form that its endpoint takes: method, media types, length (TAXII 2.1 §3.1, §5.5)."""

from __future__ import annotations

from starlette.datastructures import Headers

from backchannel.channels.bounds import Limits
from backchannel.channels.taxii.server import media
from backchannel.channels.taxii.server.answers import Refused
from backchannel.channels.taxii.server.endpoints import Place

_MAX_DIGITS = 18


def check_form(place: Place, headers: Headers, method: str, limits: Limits) -> int:
    """Return how many bytes the body of a POST may have; 0 for the other methods.

    Raises:
        Refused: 405, 406, 411, 413 or 415.
    """
    if method not in place.methods:
        allowed = ", ".join(place.methods)
        raise Refused(
            405, "This address does not take that", f"It takes {allowed}.", headers={"allow": allowed}
        )
    accept = ",".join(headers.getlist("accept")) or None
    if not media.is_acceptable(accept, stix_too=place.is_listing):
        raise Refused(406, "No media type that is asked for can be given", f"Accept {media.CONTENT_TYPE}.")
    return _body_bytes(headers, limits) if method == "POST" else 0


def _body_bytes(headers: Headers, limits: Limits) -> int:
    if not media.is_readable(headers.get("content-type")):
        raise Refused(415, "Objects are not taken in this media type", f"Send them as {media.CONTENT_TYPE}.")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused(
            415,
            "Packed bodies are not taken",
            "Send it without Content-Encoding.",
            headers={"accept-encoding": "identity"},
        )
    if "transfer-encoding" in headers:
        return limits.body_bytes
    length = headers.get("content-length")
    if length is None:
        raise Refused(411, "The length of the body is missing", "Send Content-Length.")
    if not length.isdecimal() or not length.isascii():
        raise Refused(400, "Content-Length is no number")
    if len(length) > _MAX_DIGITS or int(length) > limits.body_bytes:
        raise too_large(limits)
    return int(length)


def too_large(limits: Limits) -> Refused:
    """Return the answer to a body that is too large."""
    return Refused(
        413,
        f"A body has at most {limits.body_bytes} bytes",
        "The API root says so in max_content_length. Send the objects in several envelopes.",
    )
