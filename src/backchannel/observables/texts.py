"""Observables that are compared as texts: names of files, registry keys, user agents, fingerprints, accounts ...

Each has one spelling, which is its key as well. Where capitals say nothing to the machine that reads them (files and
registry of Windows, hexadecimal digits, accounts), they are small.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from backchannel.observables.kinds import Kind, Observable
from backchannel.stix.visible import visible

MAX_TEXT_CHARS: Final = 8 * 1024
"""Longest text of these kinds that is read; a cell of a log is no longer (`logs.cells`)."""
MIN_SERIAL_DIGITS: Final = 8
"""A shorter serial number names many certificates."""

_HEX_32 = re.compile(r"[0-9a-f]{32}\Z")
_CERTIFICATE = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})\Z")
_HASH_NAME = re.compile(r"(?:md5|sha-?(?:1|256|512))\s{0,3}[:=]\s{0,3}", re.IGNORECASE)
_JA4 = re.compile(r"[a-z0-9]{2,16}_[a-z0-9]{2,16}(?:_[a-z0-9]{2,24}){1,2}\Z")
_SSH_SHA256 = re.compile(r"SHA256:([A-Za-z0-9+/]{43})=?\Z")
_MAC = re.compile(r"[0-9a-f]{12}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HIVES: Final = {
    "hklm": "hkey_local_machine",
    "hkcu": "hkey_current_user",
    "hkcr": "hkey_classes_root",
    "hku": "hkey_users",
    "hkcc": "hkey_current_config",
}


def ja3(raw: str) -> Observable:
    """Normalise a JA3 or JA3S: an MD5 in hexadecimal.

    Raises:
        ValueError: `raw` is none; a sentence.
    """
    return _of_pattern(Kind.JA3, raw, _HEX_32, "a JA3, which has 32 hexadecimal digits", "network-traffic")


def ja4(raw: str) -> Observable:
    """Normalise a JA4, JA4S, JA4X, ...: parts joined by `_`.

    Raises:
        ValueError: `raw` is none; a sentence.
    """
    return _of_pattern(Kind.JA4, raw, _JA4, "a JA4 (t13d1516h2_8daaf6152771_b186095e22b6)", "network-traffic")


def hassh(raw: str) -> Observable:
    """Normalise a HASSH, of a client or of a server: an MD5 in hexadecimal.

    Raises:
        ValueError: `raw` is none; a sentence.
    """
    return _of_pattern(
        Kind.HASSH, raw, _HEX_32, "a HASSH, which has 32 hexadecimal digits", "network-traffic"
    )


def ssh_key(raw: str) -> Observable:
    """Normalise the digest of a host's key: MD5 with colons or without, or `SHA256:` and base64, as ssh-keygen writes.

    Raises:
        ValueError: `raw` is none; a sentence.
    """
    text = _tidied(raw)
    strong = _SSH_SHA256.match(text)
    if strong is not None:
        return _text(Kind.SSH_KEY, f"SHA256:{strong[1]}", "network-traffic")
    digits = _HASH_NAME.sub("", text).lower().replace(":", "")
    if _HEX_32.match(digits) is None:
        raise ValueError(f"'{_short(raw)}' is no digest of an SSH key: 32 hexadecimal digits, or SHA256:...")
    return _text(Kind.SSH_KEY, digits, "network-traffic")


def certificate(raw: str) -> Observable:
    """Normalise the digest of a certificate (MD5, SHA-1, SHA-256, SHA-512), with colons between its bytes or without.

    Raises:
        ValueError: `raw` is none; a sentence.
    """
    digits = _HASH_NAME.sub("", _tidied(raw)).lower().replace(":", "")
    if _CERTIFICATE.match(digits) is None:
        raise ValueError(
            f"'{_short(raw)}' is no digest of a certificate: MD5 has 32 digits, SHA-1 40, SHA-256 64"
        )
    return _text(Kind.CERTIFICATE, digits, "x509-certificate")


def serial(raw: str) -> Observable:
    """Normalise the serial number of a certificate, in hexadecimal; zeros before it are dropped.

    Raises:
        ValueError: `raw` is none, or so short that it would name many certificates; a sentence.
    """
    digits = _tidied(raw).lower().removeprefix("0x").replace(":", "").replace(" ", "").lstrip("0")
    if not 1 <= len(digits) <= 64 or not all(digit in "0123456789abcdef" for digit in digits):
        raise ValueError(f"'{_short(raw)}' is no serial number of a certificate in hexadecimal")
    if len(digits) < MIN_SERIAL_DIGITS:
        raise ValueError(f"the serial number {digits} is too short to tell one certificate from others")
    return _text(Kind.SERIAL, digits, "x509-certificate")


def file_name(raw: str) -> Observable:
    """Normalise the name of a file, without folders.

    Raises:
        ValueError: `raw` is none; a sentence.
    """
    name = _small(raw, Kind.FILE)
    if "/" in name or "\\" in name or name in {".", ".."}:
        raise ValueError(f"'{_short(raw)}' is not the name of a file alone")
    return _text(Kind.FILE, name, "file")


def path(raw: str) -> Observable:
    """Normalise the path of a file; both kinds of slash are one.

    Raises:
        ValueError: `raw` names no folder; a sentence.
    """
    whole = re.sub(r"[/\\]+", "/", _small(raw, Kind.PATH))
    if "/" not in whole.rstrip("/"):
        raise ValueError(f"'{_short(raw)}' is no path of a file")
    return _text(Kind.PATH, whole.rstrip("/"), "file")


def agent(raw: str) -> Observable:
    """Normalise what a program calls itself: capitals count, for the programs that forge it get them wrong.

    Raises:
        ValueError: `raw` is empty or too long; a sentence.
    """
    return _text(Kind.AGENT, _tidied(raw), "network-traffic")


def command(raw: str) -> Observable:
    """Normalise the command line of a process; several blanks are one.

    Raises:
        ValueError: `raw` is empty or too long; a sentence.
    """
    return _text(Kind.COMMAND, " ".join(_small(raw, Kind.COMMAND).split()), "process")


def registry(raw: str) -> Observable:
    """Normalise a key of the registry of Windows; the short names of its roots are written out.

    Raises:
        ValueError: `raw` is none; a sentence.
    """
    text = re.sub(r"[\\/]+", r"\\", _small(raw, Kind.REGISTRY)).strip("\\").removeprefix("computer\\")
    for kernel, root in (("registry\\machine", "hkey_local_machine"), ("registry\\user", "hkey_users")):
        if text == kernel or text.startswith(f"{kernel}\\"):
            text = root + text[len(kernel) :]
    root, mark, rest = text.partition("\\")
    root = _HIVES.get(root, root)
    if not root.startswith("hkey_") or not rest:
        raise ValueError(f"'{_short(raw)}' is no key of a registry: it begins with a root such as HKLM")
    return _text(Kind.REGISTRY, root + mark + rest, "windows-registry-key")


def mutex(raw: str) -> Observable:
    """Normalise the name of a mutex: capitals count.

    Raises:
        ValueError: `raw` is empty or too long; a sentence.
    """
    return _text(Kind.MUTEX, _tidied(raw), "mutex")


def mac(raw: str) -> Observable:
    """Normalise a MAC address, however its bytes are parted (IEEE 802, EUI-48).

    Raises:
        ValueError: `raw` is none; a sentence.
    """
    digits = re.sub(r"[:.-]", "", _tidied(raw).lower())
    if _MAC.match(digits) is None:
        raise ValueError(f"'{_short(raw)}' is no MAC address, which has 12 hexadecimal digits")
    return _text(Kind.MAC, ":".join(digits[at : at + 2] for at in range(0, 12, 2)), "mac-addr")


def account(raw: str) -> Observable:
    """Normalise the name with which somebody logs in; the domain before it stays.

    Raises:
        ValueError: `raw` is empty or too long; a sentence.
    """
    return _text(Kind.ACCOUNT, _small(raw, Kind.ACCOUNT), "user-account")


def login_of(name: str) -> str | None:
    """Return the name without the domain of Windows and the backslash before it; None where it has none."""
    domain, mark, login = name.partition("\\")
    return login if mark and domain and login and "\\" not in login else None


def last_part(whole: str) -> str:
    """Return the name of a file at the end of a normalised path."""
    return whole.rpartition("/")[2]


def _of_pattern(kind: Kind, raw: str, form: re.Pattern[str], what: str, stix_type: str) -> Observable:
    text = _tidied(raw).lower()
    if form.match(text) is None:
        raise ValueError(f"'{_short(raw)}' is not {what}")
    return _text(kind, text, stix_type)


def _text(kind: Kind, value: str, stix_type: str) -> Observable:
    return Observable(kind, value, value.encode("utf-8", "surrogatepass"), stix_type)


def _tidied(raw: str) -> str:
    text = raw.strip() if len(raw) <= MAX_TEXT_CHARS else ""
    if not text:
        raise ValueError(f"'{_short(raw)}' is {'too long' if raw.strip() else 'empty'}")
    return text


def _small(raw: str, kind: Kind) -> str:
    # Small letters of some capitals are more than one character, which NFC joins.
    text = unicodedata.normalize("NFC", _CONTROL.sub("", _tidied(raw)).lower()).strip(' "')
    if not text:
        raise ValueError(f"'{_short(raw)}' is no {kind.name.lower()}")
    return text


def _short(raw: str) -> str:
    return visible(raw, max_chars=60)


BY_KIND: Final[dict[Kind, Callable[[str], Observable]]] = {
    Kind.JA3: ja3,
    Kind.JA4: ja4,
    Kind.HASSH: hassh,
    Kind.SSH_KEY: ssh_key,
    Kind.CERTIFICATE: certificate,
    Kind.SERIAL: serial,
    Kind.FILE: file_name,
    Kind.PATH: path,
    Kind.AGENT: agent,
    Kind.COMMAND: command,
    Kind.REGISTRY: registry,
    Kind.MUTEX: mutex,
    Kind.MAC: mac,
    Kind.ACCOUNT: account,
}
"""The function that normalises each of these kinds."""
