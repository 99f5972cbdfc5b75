"""Say in one sentence what an indicator tells, and no more than it tells."""

from __future__ import annotations

from typing import Final

from backchannel.codec import JsonObject
from backchannel.stix.pattern.atoms import SEARCHABLE, Atom, Atoms, atoms
from backchannel.stix.pattern.parse import PatternError
from backchannel.stix.sentences import (
    MAX_NAME,
    NameOf,
    author,
    clause,
    in_brackets,
    listed,
    phases,
    quoted,
    spoken,
    strings,
    text,
    with_article,
)
from backchannel.stix.visible import visible

_MEANINGS: Final = {
    "malicious-activity": ("is malicious activity", "is a sign of malicious activity"),
    "anomalous-activity": ("is unusual", "is a sign of unusual activity"),
    "anonymization": ("is by an anonymisation service", "is a sign of an anonymisation service"),
    "attribution": ("points to a known actor", "points to a known actor"),
    "benign": ("is benign", "is benign"),
    "compromised": ("is with a compromised system", "is a sign of a compromised system"),
    "unknown": ("is of unknown meaning", "is of unknown meaning"),
}
"""Indicator type (STIX 2.1 §10.9) to what it says of traffic, and of anything else."""
_OUTGOING: Final = frozenset({"command and control", "exfiltration", "actions on objectives", "beaconing"})
"""Phases in which our side calls theirs."""


def describe_indicator(value: JsonObject, name_of: NameOf) -> str:
    """Return the sentence of an indicator."""
    name = text(value, "name")
    pattern_type = text(value, "pattern_type", max_chars=30) or "stix"
    says = f"says {author(value, name_of)}"
    types = strings(value, "indicator_types")
    about = in_brackets(listed(phases(value)))
    if pattern_type != "stix":
        rule = f"{with_article(pattern_type)} rule, not a STIX pattern, so it is not searched"
        meaning = f"what it finds {_meaning(types, is_traffic=False)}{about}"
        return f"{rule[:1].upper()}{rule[1:]}; {meaning}, {_said(says, name)}."
    compiled = _compiled(value)
    if compiled is None:
        return f"An indicator whose pattern cannot be read{clause(': ', quoted(name))}."
    subject, is_traffic = _subject(compiled, phases(value))
    shown = "" if compiled.found and name == compiled.found[0].value else name
    return f"{subject} {_meaning(types, is_traffic=is_traffic)}{about}, {_said(says, shown)}."


def indicator_name(value: JsonObject) -> str:
    """Return what to call an indicator without a name: the values that it looks for, "" if none is told."""
    compiled = _compiled(value)
    return "" if compiled is None else listed([visible(atom.value, max_chars=60) for atom in compiled.found])


def _compiled(value: JsonObject) -> Atoms | None:
    """Return what can be searched of the pattern, None if there is none or it cannot be read."""
    pattern = value.get("pattern")
    if not isinstance(pattern, str) or text(value, "pattern_type") not in {"", "stix"}:
        return None
    try:
        version = text(value, "pattern_version") or text(value, "spec_version") or "2.0"
        return atoms(pattern, stix_version="2.0" if version == "2.0" else "2.1")
    except PatternError:
        return None


def _said(says: str, name: str) -> str:
    return says + clause(": ", quoted(name))


def _meaning(types: tuple[str, ...], *, is_traffic: bool) -> str:
    known = [_MEANINGS[word][not is_traffic] for word in types if word in _MEANINGS]
    if known:
        return listed(list(dict.fromkeys(known)))
    if types:
        return f"is a sign of {quoted(listed(spoken(types)))}"
    return "is something to look for"


def _subject(compiled: Atoms, in_phases: tuple[str, ...]) -> tuple[str, bool]:
    """Return who the sentence is about, and whether that is traffic."""
    if not compiled.found:
        # Whether it is searched is not for the sentence to say: hunts judge much of it as a whole.
        what = (
            compiled.uncompiled[0].replace(" is not searched yet", "") if compiled.uncompiled else "nothing"
        )
        reason = visible(what, max_chars=90)
        return f"What its pattern describes ({reason})", False
    first = compiled.found[0]
    is_traffic = "address" in SEARCHABLE[first.path]
    if len(compiled.found) == 1:
        subject = _thing(first, outgoing=not _OUTGOING.isdisjoint(in_phases))
    else:
        values = [visible(atom.value, max_chars=40) for atom in compiled.found]
        is_traffic = False
        subject = f"Any of {len(values):,} values ({listed(values)})"
    return (f"{subject}, or what else its pattern says," if compiled.uncompiled else subject), is_traffic


def _thing(atom: Atom, *, outgoing: bool) -> str:
    value = visible(atom.value, max_chars=128 if atom.path.partition(":hashes.")[1] else MAX_NAME)
    kind = SEARCHABLE[atom.path][0]
    if kind == "address":
        noun = "the network " if atom.operator == "ISSUBSET" else ""
        return f"Traffic {_direction(atom.path, outgoing=outgoing)} {noun}{value}"
    if kind == "hash":
        return f"A file with the {atom.path.rpartition('.')[2].strip(chr(39))} {value}"
    if kind == "email":
        return f"Mail {_direction(atom.path, outgoing=False)} {value}"
    noun = _NOUNS.get(kind, "name")
    if atom.operator != "LIKE":
        return f"The {noun} {value}"
    if value.endswith("%"):
        return f"A {noun} that begins with {value[:-1]}"
    return f"A {noun} that ends in {value[1:]}"


_NOUNS: Final = {
    "url": "URL",
    "phone": "phone number",
    "account": "account",
    "certificate": "certificate",
    "serial": "certificate's serial number",
    "ja3": "JA3 fingerprint",
    "ja4": "JA4 fingerprint",
    "hassh": "HASSH fingerprint",
    "ssh_key": "SSH host key",
    "file": "file name",
    "agent": "user agent",
    "command": "command line",
    "registry": "registry key",
    "mutex": "mutex",
    "mac": "MAC address",
}


def _direction(path: str, *, outgoing: bool) -> str:
    if ":src_ref" in path or ":from_ref" in path or ":sender_ref" in path:
        return "from"
    if ":dst_ref" in path or ":to_refs" in path or ":cc_refs" in path or outgoing:
        return "to"
    return "with"
