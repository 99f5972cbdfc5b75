"""Say what a STIX 2.1 object is, in one plain sentence.

The sentence tells what the object says, never that it is so; it adds nothing that is not in the object.
Properties may be missing or of any type: the object may be one that validation found fault with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from backchannel.codec import JsonObject
from backchannel.stix.describe_indicator import describe_indicator, indicator_name
from backchannel.stix.describe_observable import OBSERVABLE_SENTENCES
from backchannel.stix.sentences import (
    NameOf,
    author,
    clause,
    counted,
    day,
    in_brackets,
    listed,
    named,
    names,
    number,
    outside_id,
    phases,
    quoted,
    span,
    spoken,
    strings,
    text,
)
from backchannel.stix.visible import visible

MAX_SENTENCE: Final = 300
"""Longest sentence (characters)."""

_VERBS: Final = {
    "analysis-of": "is an analysis of",
    "attributed-to": "is attributed to",
    "authored-by": "is written by",
    "av-analysis-of": "is a virus scanner's analysis of",
    "based-on": "is based on",
    "beacons-to": "beacons to",
    "belongs-to": "belongs to",
    "characterizes": "characterises",
    "communicates-with": "communicates with",
    "compromises": "compromises",
    "consists-of": "consists of",
    "contains": "contains",
    "controls": "controls",
    "cooperates-with": "cooperates with",
    "delivers": "delivers",
    "derived-from": "is derived from",
    "detects": "detects",
    "downloads": "downloads",
    "drops": "drops",
    "duplicate-of": "is a duplicate of",
    "dynamic-analysis-of": "is an analysis of the behaviour of",
    "exfiltrates-to": "sends stolen data to",
    "exploits": "exploits",
    "has": "has",
    "hosts": "hosts",
    "impersonates": "impersonates",
    "indicates": "indicates",
    "investigates": "investigates",
    "located-at": "is located at",
    "mitigates": "mitigates",
    "originates-from": "originates from",
    "owns": "owns",
    "related-to": "is related to",
    "remediates": "remedies",
    "resolves-to": "resolves to",
    "revoked-by": "is replaced by",
    "static-analysis-of": "is an analysis of the code of",
    "subtechnique-of": "is a sub-technique of",
    "targets": "targets",
    "uses": "uses",
    "variant-of": "is a variant of",
}
"""Relationship type to the verb of its sentence (STIX 2.1 §5.1, appendix B; ATT&CK's own added)."""


def describe(value: JsonObject, *, name_of: NameOf) -> str:
    """Return one plain sentence on what a 2.1 object is, at most `MAX_SENTENCE` characters.

    Args:
        value: the object, valid or not.
        name_of: gives the name of the object with an id, or the id itself where nothing is known.
    """
    stix_type = text(value, "type", max_chars=60)
    sentence = SENTENCES.get(stix_type)
    if sentence is None:
        name = text(value, "name")
        what = clause("An object of the type ", stix_type, ", which this version does not know")
        what = what or "An object without a type"
        return f"{what}{clause(': ', quoted(name))}."
    said = sentence(value, name_of)
    if value.get("revoked") is True:
        said += " It has been revoked."
    return visible(said, max_chars=MAX_SENTENCE)


def short_name(value: JsonObject) -> str:
    """Return what to call an object in a sentence about another: its name, value or path; "" if none."""
    keys = ("name", "value", "path", "key", "subject", "account_login", "user_id", "abstract", "command_line")
    found = next((found for key in keys if (found := text(value, key))), "")
    if found or value.get("type") != "indicator":
        return found
    return indicator_name(value)


def _attack_pattern(value: JsonObject, _: NameOf) -> str:
    used = listed(phases(value))
    return f"A way to attack: {_name(value)}{in_brackets(outside_id(value))}{clause(', used for ', used)}."


def _campaign(value: JsonObject, _: NameOf) -> str:
    return f"A campaign called {_name(value)}{_also(value)}{_seen(value)}."


def _course_of_action(value: JsonObject, _: NameOf) -> str:
    return f"A course of action: {_name(value)}{in_brackets(outside_id(value))}."


def _grouping(value: JsonObject, name_of: NameOf) -> str:
    name = text(value, "name")
    context = listed(spoken((text(value, "context", max_chars=40),)))
    what = f"A grouping of {_refs(value)} by {author(value, name_of)}{in_brackets(context)}"
    return f"{what}: {quoted(name)}." if name else f"{what}."


def _identity(value: JsonObject, _: NameOf) -> str:
    noun = {
        "individual": "A person",
        "organization": "An organisation",
        "group": "A group",
        "system": "A system",
        "class": "A class of people or organisations",
    }.get(text(value, "identity_class"), "An identity")
    return f"{noun} called {_name(value)}{in_brackets(listed(spoken(strings(value, 'sectors'))))}."


def _incident(value: JsonObject, name_of: NameOf) -> str:
    return f"An incident reported by {author(value, name_of)}: {_name(value)}."


def _infrastructure(value: JsonObject, name_of: NameOf) -> str:
    types = in_brackets(listed(spoken(strings(value, "infrastructure_types"))))
    says = f"says {author(value, name_of)}"
    return f"Infrastructure called {_name(value)}{types}{_also(value)}{_seen(value)}, {says}."


def _intrusion_set(value: JsonObject, _: NameOf) -> str:
    return f"An intrusion set, activity taken to be one actor's: {_name(value)}{_also(value)}{_seen(value)}."


def _location(value: JsonObject, _: NameOf) -> str:
    keys = ("street_address", "city", "administrative_area", "country", "region")
    parts = [part for key in keys if (part := text(value, key, max_chars=40))]
    name = text(value, "name")
    if not name and not parts and "latitude" in value and "longitude" in value:
        parts = [visible(f"{value['latitude']}, {value['longitude']}", max_chars=40)]
    where = ", ".join(parts)
    return (
        f"A place: {quoted(name)}{in_brackets(where)}." if name else f"A place: {where or 'not said which'}."
    )


def _malware(value: JsonObject, name_of: NameOf) -> str:
    noun = "A malware family" if value.get("is_family") is True else "Malware"
    types = listed(spoken(strings(value, "malware_types")))
    return f"{noun} called {_name(value)}{in_brackets(types)}{_also(value)}, says {author(value, name_of)}."


def _malware_analysis(value: JsonObject, name_of: NameOf) -> str:
    product, verdict = text(value, "product"), text(value, "result", max_chars=30)
    sample = f" of {named(value['sample_ref'], name_of)}" if "sample_ref" in value else ""
    found = verdict or text(value, "result_name") or "no verdict given"
    return f"An analysis{sample} by {quoted(product) or 'a product not named'}: {found}."


def _note(value: JsonObject, name_of: NameOf) -> str:
    said = text(value, "abstract", max_chars=120) or text(value, "content", max_chars=120)
    return f"A note on {_names(value, name_of)} by {author(value, name_of)}: {quoted(said) or 'empty'}."


def _observed_data(value: JsonObject, name_of: NameOf) -> str:
    times = number(value, "number_observed")
    count = "Seen" if times is None else f"Seen {counted(times, 'time')}"
    when = span(day(value, "first_observed"), day(value, "last_observed"))
    embedded = value.get("objects")
    what = _names(value, name_of) if not isinstance(embedded, dict) else counted(len(embedded), "observable")
    return f"{count}{when}: {what}, says {author(value, name_of)}."


def _opinion(value: JsonObject, name_of: NameOf) -> str:
    opinion = " ".join(spoken((text(value, "opinion", max_chars=30),))) or "no opinion given"
    why = text(value, "explanation", max_chars=120)
    on = _names(value, name_of)
    return f"An opinion on {on}: {opinion}, says {author(value, name_of)}{clause(': ', quoted(why))}."


def _report(value: JsonObject, name_of: NameOf) -> str:
    types = listed(spoken(strings(value, "report_types")))
    published = day(value, "published")
    when = clause(", published on ", published)
    return (
        f"A report on {_refs(value)} by {author(value, name_of)}{when}: {_name(value)}{in_brackets(types)}."
    )


def _threat_actor(value: JsonObject, _: NameOf) -> str:
    types = listed(spoken(strings(value, "threat_actor_types")))
    return f"A threat actor called {_name(value)}{in_brackets(types)}{_also(value)}{_seen(value)}."


def _tool(value: JsonObject, _: NameOf) -> str:
    types = listed(spoken(strings(value, "tool_types")))
    return f"A tool that attackers can use: {_name(value)}{in_brackets(types)}{_also(value)}."


def _vulnerability(value: JsonObject, _: NameOf) -> str:
    outside = outside_id(value)
    return f"A vulnerability: {_name(value)}{in_brackets(outside if outside != text(value, 'name') else '')}."


def _relationship(value: JsonObject, name_of: NameOf) -> str:
    source, target = named(value.get("source_ref"), name_of), named(value.get("target_ref"), name_of)
    source = _first(source)
    kind = text(value, "relationship_type", max_chars=50)
    verb = _VERBS.get(kind)
    if verb is None:
        return f"{source} is related to {target}{clause(' as ', quoted(spoken((kind,))[0]))}."
    return f"{source} {verb} {target}{span(day(value, 'start_time'), day(value, 'stop_time'))}."


def _sighting(value: JsonObject, name_of: NameOf) -> str:
    what, count = _first(named(value.get("sighting_of_ref"), name_of)), number(value, "count")
    when = span(day(value, "first_seen"), day(value, "last_seen"))
    at = names(value, "where_sighted_refs", name_of)
    where = clause(" at ", listed(at))
    says = f"says {author(value, name_of)}"
    if count == 0:
        return f"{what} was looked for and not seen{when}{where}, {says}."
    times = clause(" ", "" if count is None else counted(count, "time"))
    return f"{what} was seen{times}{when}{where}, {says}."


def _marking(value: JsonObject, _: NameOf) -> str:
    definition = value.get("definition")
    inner = definition if isinstance(definition, dict) else {}
    tlp, statement = text(inner, "tlp", max_chars=20), text(inner, "statement", max_chars=180)
    if tlp:
        return f"The marking TLP:{tlp.upper()}."
    name = text(value, "name")
    if statement:
        return f"A marking that states: {quoted(statement)}."
    return f"The marking {quoted(name)}." if name else "A marking whose meaning is in an extension."


def _language_content(value: JsonObject, name_of: NameOf) -> str:
    contents = value.get("contents")
    languages = [visible(str(key), max_chars=20) for key in contents] if isinstance(contents, dict) else []
    into = clause(" into ", listed(languages))
    return f"A translation of {named(value.get('object_ref'), name_of)}{into}."


def _extension_definition(value: JsonObject, name_of: NameOf) -> str:
    return f"A definition of properties beyond STIX by {author(value, name_of)}: {_name(value)}."


def _bundle(value: JsonObject, _: NameOf) -> str:
    inside = value.get("objects")
    return f"A bundle of {counted(len(inside) if isinstance(inside, list) else 0, 'object')}."


def _first(name: str) -> str:
    """Begin a sentence with a name: as it is, but our own words for one we do not know with a capital."""
    is_ours = name.endswith("that is not here") or name.startswith("something ")
    return name[:1].upper() + name[1:] if is_ours else name


def _name(value: JsonObject) -> str:
    return quoted(text(value, "name")) or "something without a name"


def _also(value: JsonObject) -> str:
    aliases = [alias for alias in strings(value, "aliases") if alias != text(value, "name")]
    return clause(", also called ", listed(aliases))


def _seen(value: JsonObject) -> str:
    when = span(day(value, "first_seen"), day(value, "last_seen"))
    return clause(", seen", when)


def _refs(value: JsonObject) -> str:
    found = value.get("object_refs")
    return counted(len(found) if isinstance(found, list) else 0, "object")


def _names(value: JsonObject, name_of: NameOf) -> str:
    return listed(names(value, "object_refs", name_of)) or "nothing named"


SENTENCES: Final[Mapping[str, Callable[[JsonObject, NameOf], str]]] = MappingProxyType(
    {
        **OBSERVABLE_SENTENCES,
        "attack-pattern": _attack_pattern,
        "bundle": _bundle,
        "campaign": _campaign,
        "course-of-action": _course_of_action,
        "extension-definition": _extension_definition,
        "grouping": _grouping,
        "identity": _identity,
        "incident": _incident,
        "indicator": describe_indicator,
        "infrastructure": _infrastructure,
        "intrusion-set": _intrusion_set,
        "language-content": _language_content,
        "location": _location,
        "malware": _malware,
        "malware-analysis": _malware_analysis,
        "marking-definition": _marking,
        "note": _note,
        "observed-data": _observed_data,
        "opinion": _opinion,
        "relationship": _relationship,
        "report": _report,
        "sighting": _sighting,
        "threat-actor": _threat_actor,
        "tool": _tool,
        "vulnerability": _vulnerability,
    }
)
"""STIX type to the function that writes its sentence."""
