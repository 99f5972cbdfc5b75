"""Which media types a TAXII client asks for and sends (TAXII 2.1 §1.6.8, §3.1; RFC 9110 §12.5.1).

Clients write them in many spellings: with and without a version, with blanks, in quotes, in capitals.
What is meant decides, not how it is spelt.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

CONTENT_TYPE: Final = "application/taxii+json;version=2.1"
"""Of every answer, errors too."""
STIX_21: Final = "application/stix+json;version=2.1"
STIX_20: Final = "application/stix+json;version=2.0"

MAX_RANGES = 50
"""Media ranges of one `Accept` that are looked at; browsers send eight."""

_TAXII: Final = "application/taxii+json"
_STIX: Final = frozenset({"application/stix+json", "application/vnd.oasis.stix+json"})
_SENT: Final = frozenset({_TAXII, *_STIX, "application/json"})

_PART = re.compile(r'((?:[^,"]|"[^"]*")+)')
_PARAMETER = re.compile(r';\s*([A-Za-z0-9_.-]+)\s*=\s*(?:"([^"]*)"|([^\s;"]*))\s*')


class MediaType(NamedTuple):
    """One media type or range, as it was meant."""

    kind: str
    """In lower case: `application/taxii+json`."""
    parameters: dict[str, str]
    """Names in lower case; values without their quotes."""

    @property
    def quality(self) -> float:
        """Its weight, 0.0 to 1.0; what cannot be read counts as 1."""
        try:
            return min(max(float(self.parameters.get("q", "1")), 0.0), 1.0)
        except ValueError:
            return 1.0


def parse_media_type(text: str) -> MediaType:
    """Read one media type with its parameters; what is not of the form is left out."""
    kind, _, rest = text.partition(";")
    parameters = {
        match[1].lower(): match[2] if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(f";{rest}" if rest else "")
    }
    return MediaType(kind.strip().lower(), parameters)


def is_acceptable(accept: str | None, *, stix_too: bool = False) -> bool:
    """Whether a client that sent `accept` takes `CONTENT_TYPE`.

    Args:
        accept: the header's value, several joined with commas; None or blank takes everything.
        stix_too: the endpoint's table names `application/stix+json` as well (TAXII 2.1 §5.3 to §5.8).
    """
    if accept is None or not accept.strip():
        return True
    ranges = [parse_media_type(part) for part in _PART.findall(accept)[:MAX_RANGES]]
    if stix_too and any(one.kind in _STIX and one.quality > 0 for one in ranges):
        return True
    ours = [(_closeness(one), one.quality) for one in ranges if _closeness(one)]
    if not ours:
        return False
    closest = max(closeness for closeness, _ in ours)
    return any(quality > 0 for closeness, quality in ours if closeness == closest)


def _closeness(one: MediaType) -> int:
    """How exactly a range names our type: 0 is not at all, and the closest range decides."""
    if one.kind == _TAXII:
        version = one.parameters.get("version")
        if version is None:
            return 3
        return 4 if version == "2.1" else 0
    return {"application/*": 2, "*/*": 1}.get(one.kind, 0)


def is_readable(content_type: str | None) -> bool:
    """Whether objects sent as `content_type` can be read: TAXII, STIX or plain JSON, in UTF-8."""
    one = parse_media_type(content_type or "")
    if one.kind not in _SENT or one.parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        return False
    return one.kind != _TAXII or one.parameters.get("version", "2.1") == "2.1"


def takes_gzip(accept_encoding: str | None) -> bool:
    """Whether a client that sent `accept_encoding` takes gzip (RFC 9110 §12.5.3)."""
    if not accept_encoding:
        return False
    codings = [parse_media_type(part) for part in accept_encoding.split(",")[:MAX_RANGES]]
    named = [one.quality for one in codings if one.kind in {"gzip", "x-gzip"}]
    return max(named, default=0.0) > 0
