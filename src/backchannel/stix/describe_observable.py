"""Say in one sentence what a cyber-observable object is (STIX 2.1 §6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from backchannel.codec import JsonObject
from backchannel.stix.sentences import (
    NameOf,
    clause,
    counted,
    in_brackets,
    listed,
    named,
    names,
    number,
    quoted,
    spoken,
    strings,
    text,
)
from backchannel.stix.visible import visible


def _hash(value: JsonObject) -> str:
    """Return `SHA-256 abc...` of the strongest hash, "" if there is none."""
    hashes = value.get("hashes")
    if not isinstance(hashes, dict):
        return ""
    known = {str(name): digest for name, digest in hashes.items() if isinstance(digest, str)}
    for name in ("SHA-256", "SHA-512", "SHA-1", "MD5", *known):
        if name in known:
            return f"{visible(name, max_chars=20)} {visible(known[name], max_chars=128)}"
    return ""


def _valued(noun: str) -> Callable[[JsonObject, NameOf], str]:
    def sentence(value: JsonObject, _: NameOf) -> str:
        shown = text(value, "value", max_chars=200)
        return f"The {noun} {shown}." if shown else f"A {noun} without a value."

    return sentence


def _address(value: JsonObject, _: NameOf) -> str:
    version = "IPv4" if value.get("type") == "ipv4-addr" else "IPv6"
    shown = text(value, "value")
    whole = "32" if version == "IPv4" else "128"
    noun = "network" if shown.partition("/")[2] not in {"", whole} else "address"
    return f"The {version} {noun} {shown}." if shown else f"An {version} address without a value."


def _email_addr(value: JsonObject, _: NameOf) -> str:
    owner = text(value, "display_name")
    return f"The e-mail address {text(value, 'value') or 'without a value'}{in_brackets(quoted(owner))}."


def _email_message(value: JsonObject, name_of: NameOf) -> str:
    sender = f" from {named(value['from_ref'], name_of)}" if "from_ref" in value else ""
    to = names(value, "to_refs", name_of)
    subject = text(value, "subject")
    return f"An e-mail{sender}{clause(' to ', listed(to))}{clause(', subject ', quoted(subject))}."


def _file(value: JsonObject, _: NameOf) -> str:
    size = number(value, "size")
    subject = clause("The file ", quoted(text(value, "name"))) or "A file"
    details = in_brackets("" if size is None else f"{size:,} bytes")
    return f"{subject}{details}{clause(' with ', _hash(value))}."


def _artifact(value: JsonObject, _: NameOf) -> str:
    details = in_brackets(text(value, "mime_type"), "kept elsewhere" if "url" in value else "")
    return f"The content of a file{details}{clause(' with ', _hash(value))}."


def _autonomous_system(value: JsonObject, _: NameOf) -> str:
    asn = number(value, "number")
    name = in_brackets(quoted(text(value, "name")))
    return f"The autonomous system {'without a number' if asn is None else f'AS{asn}'}{name}."


def _network_traffic(value: JsonObject, name_of: NameOf) -> str:
    source, target = value.get("src_ref"), value.get("dst_ref")
    parts = ["Network traffic"]
    for word, reference, port in (("from", source, "src_port"), ("to", target, "dst_port")):
        number_of_port = number(value, port)
        if reference is not None:
            parts.append(f"{word} {named(reference, name_of)}")
        if number_of_port is not None:
            parts.append(f"{'' if reference is not None else word + ' '}port {number_of_port}")
    return f"{' '.join(parts)}{in_brackets(listed(strings(value, 'protocols')))}."


def _process(value: JsonObject, name_of: NameOf) -> str:
    line, pid = text(value, "command_line", max_chars=150), number(value, "pid")
    image = value.get("image_ref")
    what = f"running {quoted(line)}" if line else f"of {named(image, name_of)}" if image is not None else ""
    return f"A process{clause(' ', what)}{in_brackets('' if pid is None else f'process number {pid}')}."


def _software(value: JsonObject, _: NameOf) -> str:
    version, vendor = text(value, "version", max_chars=40), text(value, "vendor")
    name = quoted(text(value, "name")) or "without a name"
    return f"The software {name}{clause(', version ', version)}{clause(', by ', vendor)}."


def _user_account(value: JsonObject, _: NameOf) -> str:
    account = next(
        (found for key in ("account_login", "user_id", "display_name") if (found := text(value, key))), ""
    )
    kind = in_brackets(*spoken((text(value, "account_type", max_chars=30),)))
    return f"The user account {quoted(account)}{kind}." if account else f"A user account{kind}."


def _registry_key(value: JsonObject, _: NameOf) -> str:
    values = value.get("values")
    count = counted(len(values), "value") if isinstance(values, list) and values else ""
    key = text(value, "key", max_chars=180)
    return f"The Windows registry key {quoted(key) or 'without a name'}{clause(', with ', count)}."


def _certificate(value: JsonObject, _: NameOf) -> str:
    subject, issuer = text(value, "subject"), text(value, "issuer")
    serial = text(value, "serial_number", max_chars=60)
    who = clause(" for ", quoted(subject)) + clause(", issued by ", quoted(issuer))
    return f"A certificate{who}{in_brackets(clause('serial number ', serial) or _hash(value))}."


def _called(noun: str, key: str) -> Callable[[JsonObject, NameOf], str]:
    def sentence(value: JsonObject, _: NameOf) -> str:
        shown = text(value, key, max_chars=180)
        return f"The {noun} {quoted(shown)}." if shown else f"A {noun} without a name."

    return sentence


OBSERVABLE_SENTENCES: Final[Mapping[str, Callable[[JsonObject, NameOf], str]]] = MappingProxyType(
    {
        "artifact": _artifact,
        "autonomous-system": _autonomous_system,
        "directory": _called("folder", "path"),
        "domain-name": _valued("domain name"),
        "email-addr": _email_addr,
        "email-message": _email_message,
        "file": _file,
        "ipv4-addr": _address,
        "ipv6-addr": _address,
        "mac-addr": _valued("MAC address"),
        "mutex": _called("mutex", "name"),
        "network-traffic": _network_traffic,
        "process": _process,
        "software": _software,
        "url": _valued("URL"),
        "user-account": _user_account,
        "windows-registry-key": _registry_key,
        "x509-certificate": _certificate,
    }
)
"""STIX type to the function that writes its sentence."""
