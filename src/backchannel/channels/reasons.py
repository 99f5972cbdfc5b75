"""Say in plain words why a request failed, and what to do; nothing secret, and nothing of what a server wrote."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import httpcore2

from backchannel.errors import NetworkError
from backchannel.stix.visible import visible

MAX_LATER_S: Final = 24 * 3600.0
"""Longest `Retry-After` that is believed (seconds): a day."""

_STATUS: Final = {
    400: ("does not understand what we ask", "See that the URL is the right one."),
    401: (
        "does not accept who we are",
        "Check the user, password, token or key that the channel was made with.",
    ),
    403: ("knows us and lets us not in there", "Ask its operator for the right to read (or write) it."),
    404: ("has nothing there", "Check the URL, and the id of the collection."),
    406: (
        "does not speak the TAXII version that was asked for",
        "Check that the URL leads to TAXII 2.1 or 2.0.",
    ),
    413: ("takes no message of that size", "Send fewer objects at once."),
    415: ("does not take the form in which objects are sent", "Check that the URL leads to TAXII 2.1."),
    422: ("cannot make sense of what was sent", "See its answer for each object."),
    429: ("says that we ask too often", "Make the channel with a longer --every."),
    503: ("is too busy now", "It is asked again later."),
}


def explain_status(status: int, shown: str) -> str:
    """Return what an HTTP status of the server at `shown` means."""
    what, _ = _STATUS.get(status, ("cannot do what we ask" if status < 500 else "has failed", ""))
    return f"{shown} {what} (HTTP {status})"


def status_error(status: int, shown: str) -> NetworkError:
    """Return the error for an answer that is none."""
    _, hint = _STATUS.get(status, ("", "Try again later; if it stays so, tell its operator."))
    return NetworkError(explain_status(status, shown), hint=hint)


def explained(error: Exception, shown: str) -> NetworkError:
    """Return the error for a request to `shown` that got no answer."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NetworkError(
                f"the certificate of {shown} is not trusted: {visible(cause.verify_message, max_chars=200)}",
                hint="If it is a CA of their own, get its certificate by another way and name it with --ca.",
            )
        if isinstance(cause, ssl.SSLError):
            reason = visible(cause.reason or "no reason given", max_chars=100).replace("_", " ").lower()
            return NetworkError(
                f"no secure connection to {shown} could be made: {reason}",
                hint="It may want a client certificate (--client-cert), or speak no TLS 1.2.",
            )
        if isinstance(cause, socket.gaierror):
            return NetworkError(
                f"the name in {shown} has no address", hint="Check the name, and this machine's DNS."
            )
        if isinstance(cause, ConnectionRefusedError):
            return NetworkError(f"nothing listens at {shown}", hint="Check host and port, and that it runs.")
    if isinstance(error, httpcore2.TimeoutException):
        return NetworkError(f"{shown} does not answer in time", hint="It is asked again at the next poll.")
    if isinstance(error, httpcore2.RemoteProtocolError):
        return NetworkError(
            f"the answer of {shown} ends in the middle, or is no HTTP",
            hint="It is asked again at the next poll; nothing of a page that is cut off was taken.",
        )
    return NetworkError(
        f"{shown} cannot be reached", hint="Check the network; it is asked again at the next poll."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def later_s(headers: Mapping[str, str]) -> float | None:
    """Return how long a server asks us to wait (seconds, at most `MAX_LATER_S`); None where it does not say.

    A date is measured against the server's own (`Date`), since its clock may be wrong, or ours (RFC 9110 §10.2.3).
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_LATER_S)
    try:
        until = parsedate_to_datetime(text).astimezone(UTC)
        now = parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, min((until - now).total_seconds(), MAX_LATER_S))
