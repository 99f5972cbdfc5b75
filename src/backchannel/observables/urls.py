"""URLs: one spelling and one key for what a client would ask for.

Key: host, port if it is not the scheme's own, path and query: `com.evil.www.:8080/a?b`. The scheme is
not part of it, because logs seldom know it. The fragment never leaves a client, so it is dropped, and
so is a user name. Percent-encoding is taken off letters, digits and `-._~` only (RFC 3986 §6.2.2.2), dot
segments are resolved (§6.2.2.3), and characters that a URL cannot hold are encoded.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from backchannel.observables.hosts import (
    IPV4_PREFIX,
    MAX_NAME_CHARS,
    address_of_key,
    ascii_name,
    domain,
    packed_address,
    reversed_labels,
    tidy,
)
from backchannel.observables.kinds import Kind, Observable
from backchannel.stix.visible import visible

MAX_URL_CHARS: Final = 64 * 1024
"""Longest URL read (characters); servers and proxies take less."""
DEFAULT_PORTS: Final = {"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}
"""Scheme to the port that is not written (RFC 3986 §6.2.3)."""

_URL = Kind.URL
_SAFE: Final = r"A-Za-z0-9_~!$&'()*+,;=:@.\[\]\-"
_PLAIN = re.compile(
    r"(https?|ftp)://((?:[a-z0-9_-]{1,63}+\.)++[a-z0-9][a-z0-9_-]{0,62}+)(?::([1-9][0-9]{0,4}+))?"
    rf"((?:/(?!\.)[{_SAFE}]*+)++(?:\?[{_SAFE}/?]*+)?)?\Z"
)
_SCHEME = re.compile(r"(https?|ftp|wss?):[/\\]{1,4}|([a-z][a-z0-9+.-]{0,30})://|//", re.IGNORECASE)
_PLAIN_FRONT = re.compile(
    r"(?!h(?!tt)[tx]{2}ps?:|fxps?:)[a-z][a-z0-9+.-]{0,30}://(?:[^\s/?#\\<>(){}\[\]]+|\[[0-9a-f:.]+\](?::[0-9]*)?)(?:[/?#]|\Z)",
    re.IGNORECASE,
)
_NO_HOST = re.compile(
    r"(?:about|blob|cid|data|file|geo|javascript|magnet|mailto|news|sips?|sms|tel|urn|view-source|xmpp):",
    re.IGNORECASE,
)
_AUTHORITY_END = re.compile(r"[/?\\]")
_PORT = re.compile(r":([0-9]*)\Z")
_NUMBER_HOST = re.compile(r"(?:[0-9a-fx]*\.)*(?:[0-9]+|0x[0-9a-f]*)\.?\Z", re.IGNORECASE)
_TO_MEND = re.compile(rf"%(?:[0-9A-Fa-f]{{2}})?|[^{_SAFE}/?%]+")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def url(raw: str) -> Observable:
    """Normalise a URL; without a scheme it is read as `http`.

    Raises:
        ValueError: `raw` is no URL, or one without a host (`mailto:`, `data:`); a sentence.
    """
    plain = _PLAIN.match(raw)
    if plain is None or len(raw) > MAX_URL_CHARS:
        return _mended_url(raw)
    scheme, host, port, target = plain.groups()
    if port is not None and (port == DEFAULT_PORTS[scheme] or int(port) > 65535):
        return _mended_url(raw)
    if len(host) > MAX_NAME_CHARS:
        return _mended_url(raw)
    if not host[-1].isdigit():
        key = reversed_labels(host)
    elif packed_address(host) is not None:
        key = host.encode()
    else:
        return _mended_url(raw)
    if port is not None:
        key += b":" + port.encode()
    if target is None:
        return Observable(_URL, raw + "/", key + b"/", "url")
    return Observable(_URL, raw, key + target.encode(), "url")


def _mended_url(raw: str) -> Observable:
    if len(raw) > MAX_URL_CHARS:
        raise ValueError(f"'{visible(raw, max_chars=60)}' is longer than {MAX_URL_CHARS} characters")
    text, repairs = _tidy(raw)
    text, mark, _ = text.partition("#")
    if mark:
        repairs = (*repairs, "fragment dropped")
    if _NO_HOST.match(text):
        raise ValueError(f"'{visible(raw, max_chars=60)}' is a URL without a host")
    scheme, rest, repairs = _scheme(text, repairs)
    end = _AUTHORITY_END.search(rest)
    authority, target = (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
    _, mark, authority = authority.rpartition("@")
    if mark:
        repairs = (*repairs, "user name dropped")
    port_match = _PORT.search(authority)
    port = ""
    if port_match is not None:
        authority, port = authority[: port_match.start()], _port(port_match[1], scheme, raw)
    if not authority:
        raise ValueError(f"'{visible(raw, max_chars=60)}' has no host")
    shown, key, host_repairs = _host(authority)
    wanted = _target(target)
    value = f"{scheme}://{shown}{port}{wanted}"
    return Observable(_URL, value, key + f"{port}{wanted}".encode(), "url", repairs + host_repairs)


def _tidy(raw: str) -> tuple[str, tuple[str, ...]]:
    """Undo defanging, but not in a URL whose scheme and host nobody defanged: `/a(.)b` is a path too."""
    text = raw.strip()
    if _PLAIN_FRONT.match(text) is None:
        return tidy(raw)
    return text, () if text == raw else ("blanks around it dropped",)


def _scheme(text: str, repairs: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """Return the scheme, what comes after it, and the repairs so far."""
    match = _SCHEME.match(text)
    scheme = "" if match is None else (match[1] or match[2] or "").lower()
    rest = text if match is None else text[match.end() :]
    if not scheme:
        return "http", rest, (*repairs, "scheme missing")
    return scheme, rest, repairs


def _port(digits: str, scheme: str, raw: str) -> str:
    """Return `:port`, or "" for the port that the scheme has anyway."""
    if not digits.strip("0"):
        if digits:
            raise ValueError(f"'{visible(raw, max_chars=60)}' has port 0")
        return ""
    number = digits.lstrip("0")
    if len(number) > 5 or int(number) > 65535:
        raise ValueError(f"'{visible(raw, max_chars=60)}' has a port above 65535")
    return "" if number == DEFAULT_PORTS.get(scheme) else f":{number}"


def host_of(url: str) -> str:
    """Return the host of a URL in its normal spelling, without its port; an IPv6 address keeps its brackets."""
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    return authority if authority.endswith("]") else authority.partition(":")[0]


def _host(text: str) -> tuple[str, bytes, tuple[str, ...]]:
    """Return a host as shown, its part of the key, and what was mended."""
    repairs: tuple[str, ...] = ()
    if "%" in text:
        text, repairs = unquote(text, errors="strict"), ("percent-encoding taken off the host",)
    if not text.isascii():
        text, repairs = ascii_name(text), (*repairs, "written in A-labels")
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    key = packed_address(bare)
    if key is None and _NUMBER_HOST.match(text):
        key, repairs = _unusual_ipv4(text), (*repairs, "address in an unusual spelling")
    if key is None:
        name = domain(text)
        return name.value, name.key, repairs + name.repairs
    host = address_of_key(key)
    shown = host.value if host.stix_type == "ipv4-addr" else f"[{host.value}]"
    return shown, shown.encode(), repairs


def _unusual_ipv4(text: str) -> bytes:
    """Read an IPv4 address as browsers do: parts left out, octal, hexadecimal (WHATWG URL §3.5)."""
    parts = text.removesuffix(".").split(".")
    try:
        numbers = [_number(part) for part in parts[:5]]
    except ValueError:
        numbers = []
    last_bits = 8 * (5 - len(numbers))
    if (
        not 1 <= len(parts) <= 4
        or not numbers
        or max(numbers[:-1], default=0) > 255
        or numbers[-1] >> last_bits
    ):
        raise ValueError(f"'{visible(text, max_chars=60)}' ends in a number and is no address")
    total = numbers[-1]
    for place, number in enumerate(numbers[:-1]):
        total += number << (24 - 8 * place)
    return IPV4_PREFIX + total.to_bytes(4, "big")


def _number(part: str) -> int:
    if len(part) > 14:
        raise ValueError("more than an address holds")
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") and len(part) > 1 else 10)


def _target(text: str) -> str:
    """Return path and query in their one spelling."""
    path, mark, query = text.replace("\\", "/").partition("?") if text[:1] == "\\" else text.partition("?")
    path = _TO_MEND.sub(_mend, path)
    if "/." in path:
        path = _without_dots(path)
    return (path or "/") + mark + _TO_MEND.sub(_mend, query)


def _mend(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] != "%":
        return "".join(f"%{byte:02X}" for byte in found.encode("utf-8", "surrogatepass"))
    if len(found) == 1:
        return "%25"
    character = chr(int(found[1:], 16))
    return character if character in _UNRESERVED else found.upper()


def _without_dots(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986 §5.2.4); `path` begins with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
