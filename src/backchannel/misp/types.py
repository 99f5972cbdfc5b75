"""The types of MISP attributes: their defaults, and which property of STIX each value is.

The table of defaults is `types.toml`; the paths here decide what becomes a pattern or an observable. A type
that is in no table is kept as a note.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, NamedTuple


class Default(NamedTuple):
    """What MISP takes an attribute of a type for, when nobody says."""

    category: str
    to_ids: bool


HASHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "md5": "MD5",
        "sha1": "SHA-1",
        "sha224": "SHA-224",
        "sha256": "SHA-256",
        "sha384": "SHA-384",
        "sha512": "SHA-512",
        "sha512/224": "SHA-512-224",
        "sha512/256": "SHA-512-256",
        "sha3-224": "SHA3-224",
        "sha3-256": "SHA3-256",
        "sha3-384": "SHA3-384",
        "sha3-512": "SHA3-512",
        "ssdeep": "SSDEEP",
        "tlsh": "TLSH",
        "authentihash": "AUTHENTIHASH",
        "cdhash": "CDHASH",
        "imphash": "IMPHASH",
        "impfuzzy": "IMPFUZZY",
        "pehash": "PEHASH",
        "telfhash": "TELFHASH",
        "vhash": "VHASH",
    }
)
"""Attribute type to the name of the algorithm in `file:hashes`."""

CERTIFICATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "x509-fingerprint-md5": "MD5",
        "x509-fingerprint-sha1": "SHA-1",
        "x509-fingerprint-sha256": "SHA-256",
    }
)
"""Attribute type to the name of the algorithm in `x509-certificate:hashes`."""

ADDRESSES: Final = frozenset({"ip-src", "ip-dst"})
_HEADER = "network-traffic:extensions.'http-request-ext'.request_header"
PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "domain": "domain-name:value",
        "hostname": "domain-name:value",
        "onion-address": "domain-name:value",
        "url": "url:value",
        "uri": "url:value",
        "link": "url:value",
        "email": "email-addr:value",
        "email-src": "email-message:from_ref.value",
        "email-dst": "email-message:to_refs[*].value",
        "target-email": "email-addr:value",
        "whois-registrant-email": "email-addr:value",
        "dns-soa-email": "email-addr:value",
        "email-src-display-name": "email-message:from_ref.display_name",
        "email-dst-display-name": "email-message:to_refs[*].display_name",
        "email-subject": "email-message:subject",
        "email-body": "email-message:body",
        "email-message-id": "email-message:message_id",
        "email-attachment": "email-message:body_multipart[*].body_raw_ref.name",
        "email-reply-to": "email-message:additional_header_fields.'Reply-To'",
        "email-x-mailer": "email-message:additional_header_fields.'X-Mailer'",
        "email-mime-boundary": "email-message:additional_header_fields.boundary",
        "email-thread-index": "email-message:additional_header_fields.'Thread-Index'",
        "filename": "file:name",
        "attachment": "file:name",
        "mime-type": "file:mime_type",
        "mac-address": "mac-addr:value",
        "mutex": "mutex:name",
        "regkey": "windows-registry-key:key",
        "user-agent": f"{_HEADER}.'User-Agent'",
        "cookie": f"{_HEADER}.Cookie",
        "http-method": "network-traffic:extensions.'http-request-ext'.request_method",
        "ja3-fingerprint-md5": "network-traffic:x_ja3_md5",
        "jarm-fingerprint": "network-traffic:x_jarm",
        "hassh-md5": "network-traffic:x_hassh_md5",
        "hasshserver-md5": "network-traffic:x_hasshserver_md5",
        "community-id": "network-traffic:x_community_id",
        "phone-number": "x-phone-number:value",
        "whois-registrant-phone": "x-phone-number:value",
        "windows-service-name": "process:extensions.'windows-service-ext'.service_name",
        "windows-service-displayname": "process:extensions.'windows-service-ext'.display_name",
        "github-username": "user-account:account_login",
        "twitter-id": "user-account:account_login",
        "jabber-id": "user-account:account_login",
        "target-user": "user-account:account_login",
        **{name: f"file:hashes.'{algorithm}'" for name, algorithm in HASHES.items() if name != "md5"},
        "md5": "file:hashes.MD5",
        **{name: f"x509-certificate:hashes.'{algorithm}'" for name, algorithm in CERTIFICATES.items()},
        "x509-fingerprint-md5": "x509-certificate:hashes.MD5",
    }
)
"""Attribute type to the path that its value has in a pattern, for values that are compared as they are."""

NUMBERS: Final[Mapping[str, str]] = MappingProxyType(
    {"port": "network-traffic:dst_port", "size-in-bytes": "file:size", "AS": "autonomous-system:number"}
)
"""The same for values that are whole numbers."""

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "yara": "yara",
        "sigma": "sigma",
        "snort": "snort",
        "suricata": "suricata",
        "stix2-pattern": "stix",
    }
)
"""Attribute type whose value is itself a rule, to the pattern type of STIX (2.1 §10.19)."""


@cache
def defaults() -> Mapping[str, Default]:
    """Return every attribute type of the core format with its defaults."""
    text = files(__package__).joinpath("types.toml").read_text("utf-8")
    return MappingProxyType(
        {
            name: Default(row["category"], row["to_ids"])
            for row in tomllib.loads(text)["defaults"]
            for name in row["types"]
        }
    )


def default_of(name: str) -> Default:
    """Return the defaults of a type; of one that is not known, those of `other`."""
    return defaults().get(name, Default("Other", False))
