"""Phone numbers and SIP addresses: one spelling and one key for each.

A phone number is written in full (ITU-T E.164: `+493012345678`). What is written for one country alone is a number only
where that country is told. A SIP address (RFC 3261 §19.1) is its user, whose capitals count, and its host, whose
capitals do not; its key begins with the host, as that of a mail address does.
"""

from __future__ import annotations

import re
from typing import Final

from backchannel.observables.hosts import MAX_RAW_NAME_CHARS, address, domain, tidy
from backchannel.observables.kinds import Kind, Observable
from backchannel.stix.visible import visible

MAX_DIGITS: Final = 15
"""Digits of an international number (E.164 §6.2.1)."""
_NUMBER = re.compile(r"(?:tel:)?(\+|00)?([0-9][0-9 ()./\u2010-\u2015-]{2,40})(?:;.*)?\Z", re.IGNORECASE)
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_TRUNK_ZERO = re.compile(r"\(0\)")
_NOT_DIGIT = re.compile(r"[^0-9]")
_SIP = re.compile(r"(?:[^<]*<)?\s*sips?:([^@>\s]{1,256})@([^;?>\s]{1,256})", re.IGNORECASE)
_PORT = re.compile(r":[0-9]{1,5}\Z")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9_.!~*'()-]")


def phone(raw: str, *, country: str | None = None) -> Observable:
    """Normalise a phone number: `+49 (0)30 123456`, `0049 30 123456`, `tel:+49-30-123456`.

    Args:
        raw: as written.
        country: two letters (ISO 3166-1): for which a number without the code of a country is meant; None: for none.

    Raises:
        ValueError: `raw` is no number, none of a known plan, or one of a country that nobody told; a sentence.
    """
    shown = visible(raw, max_chars=60)
    if len(raw) > MAX_RAW_NAME_CHARS:
        raise ValueError(f"'{shown}' is too long for a phone number")
    text = raw.strip()
    if _INTERNATIONAL.match(text) is None:
        match = _NUMBER.match(_TRUNK_ZERO.sub("", tidy(text)[0]))
        if match is None:
            raise ValueError(f"'{shown}' is no phone number")
        digits = _NOT_DIGIT.sub("", match[2])
        if match[1] is None and country is None:
            raise ValueError(f"'{shown}' does not say its country: write it as +49 30 123456")
        text = digits if match[1] is None else f"+{digits}"
    return Observable(Kind.PHONE, found := _in_full(text, country, shown), found.encode(), "x-phone-number")


def _in_full(text: str, country: str | None, shown: str) -> str:
    import phonenumbers  # noqa: PLC0415  # its tables take 30 ms that only phone numbers pay

    try:
        number = phonenumbers.parse(text, None if text.startswith("+") else country)
    except phonenumbers.NumberParseException:
        raise ValueError(f"'{shown}' is no phone number of any country") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError(f"'{shown}' has too few or too many digits for a phone number of its country")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def is_country(code: str) -> bool:
    """Whether two letters (ISO 3166-1, capitals) are a country with phone numbers."""
    import phonenumbers  # noqa: PLC0415

    return code in phonenumbers.SUPPORTED_REGIONS


def sip(raw: str) -> Observable:
    """Normalise a SIP address; a display name, a password, a port and parameters are dropped.

    Raises:
        ValueError: `raw` is none; a sentence.
    """
    shown = visible(raw, max_chars=60)
    match = _SIP.match(raw.strip()) if len(raw) <= MAX_RAW_NAME_CHARS else None
    if match is None:
        raise ValueError(f"'{shown}' is no SIP address: write it as sip:user@host")
    user = _ESCAPE.sub(_plain, match[1].partition(";")[0].partition(":")[0])
    host = match[2] if match[2].endswith("]") else _PORT.sub("", match[2])
    try:
        place = address(host.strip("[]"))
        written, key = (
            (f"[{place.value}]" if place.stix_type == "ipv6-addr" else place.value),
            place.value.encode(),
        )
    except ValueError:
        place = domain(host)
        written, key = place.value, place.key
    if not user:
        raise ValueError(f"'{shown}' has no user")
    return Observable(
        Kind.SIP, f"sip:{user}@{written}", key + b"@" + user.encode("utf-8", "surrogatepass"), "url"
    )


def user_and_host(value: str) -> tuple[str, str]:
    """Return the two parts of a SIP address in its normal spelling; an IPv6 address loses its brackets."""
    user, _, host = value.removeprefix("sip:").rpartition("@")
    return user, host.strip("[]")


def _plain(match: re.Match[str]) -> str:
    """Write out what need not be escaped (RFC 3261 §25.1, unreserved), and the rest in capitals."""
    character = chr(int(match[1], 16))
    return character if _UNRESERVED.match(character) else match[0].upper()
