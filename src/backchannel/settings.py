"""What the operator decides: `settings.toml` in the home folder, read strictly and written once by `init`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.errors import UsageError
from backchannel.stix.visible import visible

if TYPE_CHECKING:
    from backchannel.logs.personal import Switch

FILE_NAME = "settings.toml"

PRIVATE_NETWORKS = (
    "10.0.0.0/8",  # RFC 1918
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",  # link-local, RFC 3927
    "fc00::/7",  # unique local, RFC 4193
    "fe80::/10",  # link-local, RFC 4291
)
"""Ours unless the operator says otherwise."""

MAX_NAME_CHARS = 200
MAX_NETWORKS = 10_000
MAX_URL_CHARS = 300
MAX_SETTINGS_BYTES = 2**20
_FORM_HINT = "See the form of each setting in docs/reference/settings.md."


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How this node is set."""

    name: str
    """Of the party it belongs to, as others read it."""
    own_networks: tuple[str, ...] = PRIVATE_NETWORKS
    """CIDR, in their normal spelling."""
    own_domains: tuple[str, ...] = ()
    """Lower case, A-labels, without a dot at the end; the names below them are ours too."""
    host: str = "127.0.0.1"
    """Where `serve` listens."""
    port: int = 8017
    public_url: str | None = None
    """How clients and browsers reach it, where a proxy stands in front: scheme, host and port."""
    phone_country: str | None = None
    """Two letters (ISO 3166-1): for which phone numbers in logs are meant that do not say their country."""
    personal: tuple[Switch, ...] = ()
    """Where kinds of observable that can point to a person may be looked for: nowhere, unless a section says so."""
    log_zone: str = "UTC"
    """In which zone times in logs are that do not say so, as the IANA names it."""


def default_home() -> Path:
    """Return the platform's folder for a user's data of Backchannel."""
    import platformdirs  # noqa: PLC0415  # most commands are told their home

    return platformdirs.user_data_path("backchannel")


def checked_name(name: str) -> str:
    """Return `name` without blanks around it, and with one where there are several.

    Raises:
        UsageError: it is empty, too long, or holds characters that would not be seen.
    """
    tidy = " ".join(part for part in name.strip().split(" ") if part)
    if not tidy:
        raise UsageError("a party needs a name", hint="Give one, for example 'CERT Alpha'.")
    if len(tidy) > MAX_NAME_CHARS:
        raise UsageError(
            f"the name is {len(tidy)} characters long; at most {MAX_NAME_CHARS} are taken", hint="Shorten it."
        )
    if visible(tidy) != tidy:
        raise UsageError(
            f"the name holds characters that cannot be seen: {visible(tidy)}", hint="Leave them out."
        )
    return tidy


def checked(
    *,
    name: str,
    own_networks: Sequence[str] = (),
    own_domains: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int = 8017,
    public_url: str | None = None,
    phone_country: str | None = None,
    personal: object = (),
    log_zone: str = "UTC",
) -> Settings:
    """Return settings made of what a person wrote; without networks the private ones are taken.

    Raises:
        UsageError: one of the values is not of its form; the message names it.
    """
    if len(own_networks) > MAX_NETWORKS:
        raise UsageError(
            f"{len(own_networks)} own networks are named; at most {MAX_NETWORKS} are taken",
            hint="Name wider ranges.",
        )
    if not 0 < port < 2**16:
        raise UsageError(f"port {port} is not between 1 and 65535", hint=_FORM_HINT)
    return Settings(
        name=checked_name(name),
        own_networks=tuple(dict.fromkeys(map(_network, own_networks))) or PRIVATE_NETWORKS,
        own_domains=tuple(dict.fromkeys(map(_domain, own_domains))),
        host=host,
        port=port,
        public_url=None if public_url is None else _url(public_url),
        phone_country=None if phone_country is None else _country(phone_country),
        personal=_personal(personal) if personal else (),
        log_zone=_zone(log_zone),
    )


def read_settings(home: Path) -> Settings:
    """Read the settings of the node in `home`.

    Raises:
        UsageError: the file is missing, no TOML, or a value in it is not of its form.
    """
    import tomllib  # noqa: PLC0415

    path = home / FILE_NAME
    try:
        with path.open("rb") as file:
            text = file.read(MAX_SETTINGS_BYTES).decode("utf-8")
        value: JsonObject = tomllib.loads(text)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}",
            hint="Make a node with `backchannel init --name NAME`.",
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} is no TOML: {error}", hint="Mend the line that it names.") from error
    try:
        return checked(**_of_known_form(value))
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from None


def write_settings(home: Path, settings: Settings) -> None:
    """Write `settings.toml`, wholly or not at all."""
    path = home / FILE_NAME
    lines = [
        "# Settings of this node; `backchannel doctor` checks them.",
        f"name = {_toml(settings.name)}",
        "# Addresses and names that are ours: never blocked, and named where a hit touches one.",
        f"own_networks = {_toml(settings.own_networks)}",
        f"own_domains = {_toml(settings.own_domains)}",
        "# Where `backchannel serve` listens.",
        f"host = {_toml(settings.host)}",
        f"port = {settings.port}",
    ]
    if settings.public_url is not None:
        lines += [
            "# How clients and browsers reach it.",
            f"public_url = {_toml(settings.public_url)}",
        ]
    if settings.log_zone != "UTC":
        lines += ["# Of times in logs that do not say theirs.", f"log_zone = {_toml(settings.log_zone)}"]
    if settings.phone_country is not None:
        lines.append(f"phone_country = {_toml(settings.phone_country)}")
    for switch in settings.personal:
        lines += [
            "[[personal]]",
            f"logs = {_toml(switch.logs)}",
            f"kinds = {_toml(switch.kinds)}",
            f"purpose = {_toml(switch.purposes)}",
        ]
    draft = path.with_suffix(".new")
    with draft.open("w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _toml(value: str | Sequence[str]) -> str:
    """Spell a text or a list of texts: JSON's escapes are TOML's too (TOML 1.0, basic strings)."""
    return codec.encode(value).decode()


_FORMS: dict[str, type] = {
    "name": str,
    "own_networks": list,
    "own_domains": list,
    "host": str,
    "port": int,
    "public_url": str,
    "phone_country": str,
    "personal": object,  # read by `logs.personal`
    "log_zone": str,
}


def _of_known_form(value: JsonObject) -> JsonObject:
    for key, form in _FORMS.items():
        if key in value and (not isinstance(value[key], form) or isinstance(value[key], bool)):
            raise UsageError(f"{key} is not of the right form", hint=_FORM_HINT)
        if key.startswith("own_") and not all(isinstance(text, str) for text in value.get(key, ())):
            raise UsageError(f"{key} must be a list of texts", hint=_FORM_HINT)
    if unknown := sorted(set(value) - set(_FORMS)):
        raise UsageError(
            f"nothing is known of the setting {visible(unknown[0])}", hint="Correct or remove it."
        )
    if "name" not in value:
        raise UsageError("name is missing", hint="Add a line such as: name = 'CERT Alpha'")
    return value


def _country(text: str) -> str:
    from backchannel.observables.calls import is_country  # noqa: PLC0415  # most nodes name none

    code = text.strip().upper()
    if not is_country(code):
        raise UsageError(
            f"phone_country {visible(text, max_chars=20)} is no country",
            hint="Write its two letters: DE, NO, FR.",
        )
    return code


def _personal(value: object) -> tuple[Switch, ...]:
    from backchannel.logs.personal import read_switches  # noqa: PLC0415  # most nodes have no such section

    try:
        return read_switches(value)
    except ValueError as error:
        raise UsageError(str(error), hint=_FORM_HINT) from None


def _url(text: str) -> str:
    from urllib.parse import urlsplit  # noqa: PLC0415  # no URL, no need

    split, host, port = urlsplit(""), "", None
    with suppress(ValueError):
        split = urlsplit(text.strip())
        host, port = split.hostname or "", split.port
    is_plain = (
        host and "@" not in split.netloc and not (split.path.strip("/") or split.query or split.fragment)
    )
    if split.scheme not in {"http", "https"} or not is_plain or len(text) > MAX_URL_CHARS:
        raise UsageError(
            f"public_url {visible(text, max_chars=80)} is not of the right form",
            hint="Write scheme and host, and a port where it needs one: https://cti.example.org",
        )
    return f"{split.scheme}://{f'[{host}]' if ':' in host else host}" + ("" if port is None else f":{port}")


def _zone(text: str) -> str:
    from backchannel.logs.times import zone_of  # noqa: PLC0415  # UTC needs no table of zones

    if text == "UTC":
        return text
    try:
        zone_of(text)
    except ValueError as error:
        raise UsageError(
            str(error), hint="Write it as the IANA names it, for example Europe/Paris, or UTC."
        ) from None
    return text


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        raise UsageError(
            f"own network {visible(text)} is no address range",
            hint="Write it as CIDR, for example 203.0.113.0/24 or 2001:db8::/32.",
        ) from None


def _domain(text: str) -> str:
    from backchannel.observables.kinds import Kind  # noqa: PLC0415  # no names, no need
    from backchannel.observables.normalise import normalise  # noqa: PLC0415

    try:
        return normalise(Kind.DOMAIN, text).value
    except ValueError as error:
        raise UsageError(f"own domain {visible(text)}: {error}", hint="Write it as example.org.") from None
