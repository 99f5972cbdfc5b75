"""What the standards list: sections, times, references and names of each type, and the languages.

Tables only, for `validate` and `versions`. STIX 2.1 (OASIS Standard, June 2021) unless a name says 2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

_DOMAIN = [
    "attack-pattern",
    "campaign",
    "course-of-action",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "location",
    "malware",
    "malware-analysis",
    "note",
    "observed-data",
    "opinion",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
]
_OBSERVABLE = [
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
]

OBSERVABLES: Final = frozenset(_OBSERVABLE)
"""The types of cyber-observable objects: the same eighteen in 2.0 and 2.1."""
SECTIONS: Final[Mapping[str, str]] = {
    **{name: f"§4.{number}" for number, name in enumerate(_DOMAIN, 1)},
    "relationship": "§5.1",
    "sighting": "§5.2",
    **{name: f"§6.{number}" for number, name in enumerate(_OBSERVABLE, 1)},
    "language-content": "§7.1",
    "marking-definition": "§7.2",
    "extension-definition": "§7.3",
}
"""Where STIX 2.1 defines a type."""

COMMON_TIMES: Final = ("created", "modified")
TIMES: Final[Mapping[str, tuple[str, ...]]] = {
    "campaign": ("first_seen", "last_seen"),
    "indicator": ("valid_from", "valid_until"),
    "infrastructure": ("first_seen", "last_seen"),
    "intrusion-set": ("first_seen", "last_seen"),
    "language-content": ("object_modified",),
    "malware": ("first_seen", "last_seen"),
    "malware-analysis": ("submitted", "analysis_started", "analysis_ended"),
    "observed-data": ("first_observed", "last_observed"),
    "relationship": ("start_time", "stop_time"),
    "report": ("published",),
    "sighting": ("first_seen", "last_seen"),
    "threat-actor": ("first_seen", "last_seen"),
    "directory": ("ctime", "mtime", "atime"),
    "email-message": ("date",),
    "file": ("ctime", "mtime", "atime"),
    "network-traffic": ("start", "end"),
    "process": ("created_time",),
    "user-account": (
        "account_created",
        "account_expires",
        "credential_last_changed",
        "account_first_login",
        "account_last_login",
    ),
    "windows-registry-key": ("modified_time",),
    "x509-certificate": ("validity_not_before", "validity_not_after"),
}
"""The properties of a type that are times, beside `created` and `modified`."""
TIMES_20: Final[Mapping[str, tuple[str, ...]]] = {
    **TIMES,
    "directory": ("created", "modified", "accessed"),
    "file": ("created", "modified", "accessed"),
    "process": ("created",),
    "user-account": (
        "account_created",
        "account_expires",
        "password_last_changed",
        "account_first_login",
        "account_last_login",
    ),
    "windows-registry-key": ("modified",),
}
"""The same in 2.0 (Part 4 for the observables)."""
INNER_TIMES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("x509-certificate", "x509_v3_extensions"): (
        "private_key_usage_period_not_before",
        "private_key_usage_period_not_after",
    ),
}
"""Times inside an object-valued property: (type, property) to their names."""
PE_TIME: Final = ("windows-pebinary-ext", "time_date_stamp")
"""The one time inside an extension: of `file`."""

ORDERED: Final[Mapping[str, tuple[tuple[str, str, bool], ...]]] = {
    "campaign": (("first_seen", "last_seen", True),),
    "indicator": (("valid_from", "valid_until", False),),
    "infrastructure": (("first_seen", "last_seen", True),),
    "intrusion-set": (("first_seen", "last_seen", True),),
    "malware": (("first_seen", "last_seen", True),),
    "malware-analysis": (("analysis_started", "analysis_ended", True),),
    "network-traffic": (("start", "end", True),),
    "observed-data": (("first_observed", "last_observed", True),),
    "relationship": (("start_time", "stop_time", False),),
    "sighting": (("first_seen", "last_seen", True),),
    "threat-actor": (("first_seen", "last_seen", True),),
}
"""Pairs of times of a type: the earlier, the later, and whether they may be equal."""

_FILES = ("file", "directory")
REFERENCES_20: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "directory": {"contains_refs": _FILES},
    "domain-name": {"resolves_to_refs": ("ipv4-addr", "ipv6-addr", "domain-name")},
    "email-addr": {"belongs_to_ref": ("user-account",)},
    "email-message": {
        "from_ref": ("email-addr",),
        "sender_ref": ("email-addr",),
        "to_refs": ("email-addr",),
        "cc_refs": ("email-addr",),
        "bcc_refs": ("email-addr",),
        "raw_email_ref": ("artifact",),
        "body_raw_ref": ("artifact", "file"),
    },
    "file": {
        "parent_directory_ref": ("directory",),
        "content_ref": ("artifact",),
        "archive-ext.contains_refs": ("file",),
    },
    "ipv4-addr": {"resolves_to_refs": ("mac-addr",), "belongs_to_refs": ("autonomous-system",)},
    "ipv6-addr": {"resolves_to_refs": ("mac-addr",), "belongs_to_refs": ("autonomous-system",)},
    "network-traffic": {
        "src_ref": ("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"),
        "dst_ref": ("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"),
        "src_payload_ref": ("artifact",),
        "dst_payload_ref": ("artifact",),
        "encapsulates_refs": ("network-traffic",),
        "encapsulated_by_ref": ("network-traffic",),
        "message_body_data_ref": ("artifact",),
    },
    "process": {
        "opened_connection_refs": ("network-traffic",),
        "creator_user_ref": ("user-account",),
        "binary_ref": ("file",),
        "parent_ref": ("process",),
        "child_refs": ("process",),
        "service_dll_refs": ("file",),
    },
    "windows-registry-key": {"creator_user_ref": ("user-account",)},
}
"""Which types an observable's references may lead to, at any depth of it (2.0 Part 4). A name with a dot
counts only inside the extension before the dot."""

CONTRIBUTING: Final[Mapping[str, tuple[str, ...]]] = {
    "artifact": ("hashes", "payload_bin"),
    "autonomous-system": ("number",),
    "directory": ("path",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "extensions", "parent_directory_ref"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": (
        "start",
        "end",
        "src_ref",
        "dst_ref",
        "src_port",
        "dst_port",
        "protocols",
        "extensions",
    ),
    "process": (),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
}
"""The properties that make the deterministic id of an observable (§6.1.1 to §6.18.1)."""

ONLY_21: Final = frozenset(
    {
        "grouping",
        "incident",
        "infrastructure",
        "location",
        "malware-analysis",
        "note",
        "opinion",
        "language-content",
        "extension-definition",
    }
)
"""Types that 2.0 does not have."""
ONLY_21_PROPERTIES: Final = frozenset(
    [
        "confidence",
        "extensions",
        "indicator_types",
        "is_family",
        "lang",
        "malware_types",
        "pattern_type",
        "report_types",
        "threat_actor_types",
        "tool_types",
    ]
)
"""Properties of domain and relationship objects that 2.0 does not have."""


def section(stix_type: str, spec_version: str) -> str:
    """Return the clause that defines `stix_type`: `STIX 2.1 §4.7`."""
    if spec_version == "2.0":
        part = "Part 4" if stix_type in OBSERVABLES else "Part 2" if stix_type in SECTIONS else "Part 1"
        return f"STIX 2.0 {part} ({stix_type})"
    return f"STIX 2.1 {SECTIONS.get(stix_type, '§3.2')}"


@cache
def languages() -> frozenset[str]:
    """Return the registered primary language subtags, in lower case (RFC 5646 §2.2.1)."""
    folder = files("backchannel.vendored").joinpath("language-subtags")
    return frozenset(folder.joinpath("languages.txt").read_text("utf-8").split())


def is_language(tag: str) -> bool:
    """Whether `tag` begins with a registered language, or is private use (RFC 5646 §2.1)."""
    primary, _, rest = tag.lower().partition("-")
    if not all(1 <= len(part) <= 8 and part.isascii() and part.isalnum() for part in rest.split("-") if rest):
        return False
    return primary in languages() or (primary == "x" and rest != "") or "qaa" <= primary <= "qtz"
