"""How far an object may go (TLP 2.0, FIRST, August 2022) and what may be done with it (PAP).

Whatever cannot be read is taken for the strictest: an unknown marking is TLP:RED, no marking at all is
TLP:AMBER+STRICT. Labels are never translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from backchannel.codec import JsonObject, JsonValue


class Tlp(StrEnum):
    """A TLP 2.0 label; its value is the word in tags, its `label` what people see."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"

    @property
    def label(self) -> str:
        """As FIRST writes it: `TLP:AMBER+STRICT`."""
        return f"TLP:{self.value.upper()}"

    @property
    def strictness(self) -> int:
        """From 0 (CLEAR) to 4 (RED)."""
        return _TLP_ORDER.index(self)


class Pap(StrEnum):
    """A label of the Permissible Actions Protocol."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"

    @property
    def label(self) -> str:
        """As people write it: `PAP:GREEN`."""
        return f"PAP:{self.value.upper()}"

    @property
    def strictness(self) -> int:
        """From 0 (CLEAR) to 3 (RED)."""
        return _PAP_ORDER.index(self)


_TLP_ORDER: Final = tuple(Tlp)
_PAP_ORDER: Final = tuple(Pap)

UNMARKED: Final = Tlp.AMBER_STRICT
"""What an object without any marking is taken for."""
TLP_IDS: Final[Mapping[str, Tlp]] = MappingProxyType(
    {
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": Tlp.CLEAR,
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": Tlp.GREEN,
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": Tlp.AMBER,
        "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": Tlp.AMBER_STRICT,
        "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": Tlp.RED,
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
        "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
        "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
    }
)
"""The marking definitions of TLP 2.0 (the first five; CTI TC, October 2022) and of TLP 1.0 (STIX 2.1 §7.2.1.4)."""
TLP_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
"""The extension that carries `tlp_2_0` in a TLP 2.0 marking definition."""
IEP_FIELDS: Final = frozenset(
    {
        "affected_party_notifications",
        "encrypt_in_transit",
        "iep_id",
        "iep_version",
        "permitted_actions",
        "provider_attribution",
        "unmodified_resale",
    }
)
"""Names by which a policy of the Information Exchange Policy 2.0 (FIRST, 2019) is told, in its marking for STIX 2.1 too."""

_TAG = re.compile(
    r"(?:[a-z0-9_-]+:)?\s*(tlp|pap)\s*([:=]|[\s_-](?=\s*[a-z]))(.*)\Z", re.IGNORECASE | re.DOTALL
)
_JOINTS = re.compile(r"[\s+_-]+")
MAX_TAG_CHARS: Final = 200
"""How much of a tag is read: of a longer one no label can be read."""
_SPELLINGS: Final = {**{tlp.value: tlp for tlp in Tlp}, "white": Tlp.CLEAR}
_PAP_SPELLINGS: Final = {**{pap.value: pap for pap in Pap}, "white": Pap.CLEAR}
_TAG_HOLDERS: Final = ("labels", "tags", "x_misp_tags", "x_tlp", "x_pap", "x_misp_tlp", "x_misp_pap")


def parse_tlp(text: str) -> Tlp:
    """Read a TLP label in any case, with or without `TLP:`; `WHITE` of TLP 1.0 is `CLEAR`.

    Raises:
        ValueError: it is no TLP label.
    """
    word = _plain(text.strip().lower().removeprefix("tlp:"))
    if word not in _SPELLINGS:
        known = ", ".join(tlp.value for tlp in Tlp)
        raise ValueError(f"{text[:40]!r} is no TLP label: write one of {known}")
    return _SPELLINGS[word]


def _plain(word: str) -> str:
    """Return a label in lower case with its parts joined by `+`: `Amber_Strict` is `amber+strict`."""
    return _JOINTS.sub("+", word.strip().strip("\"'").strip().lower())


def tlp_of(
    value: JsonObject, *, default: str | None, known: Mapping[str, Tlp | None] = MappingProxyType({})
) -> Tlp:
    """Return how far an object may go: the strictest of what marks it or a part of it.

    Args:
        value: the object, of any version of STIX.
        default: the label of what arrives unmarked, from its channel or import; None: `UNMARKED`.
        known: other marking definitions that we hold: id to what `tlp_defined` says of them. One that says
            nothing about TLP (a copyright statement) does not mark, one that we do not hold is TLP:RED.
    """
    own, refs = marked(value)
    found = [own] if own is not None else []
    for ref in refs:
        tlp = known.get(ref, Tlp.RED)
        if tlp is not None:
            found.append(tlp)
    if found:
        return max(found, key=_TLP_ORDER.index)
    return UNMARKED if default is None else parse_tlp(default)


def marked(value: JsonObject) -> tuple[Tlp | None, list[str]]:
    """Return the strictest label that an object itself bears, and the other markings that it names, to look up.

    The definition of a label bears TLP:CLEAR: it is no secret, and is needed to read the label.
    """
    if value.get("type") == "marking-definition" and tlp_defined(value) is not None:
        return Tlp.CLEAR, []
    found: list[Tlp] = []
    refs: list[str] = []
    for ref in marking_refs(value):
        if ref in TLP_IDS:
            found.append(TLP_IDS[ref])
        else:
            refs.append(ref)
    for word, is_plain in _labelled(value, "tlp"):
        if is_plain or word in _SPELLINGS:
            found.append(_SPELLINGS.get(word, Tlp.RED))
    return max(found, key=_TLP_ORDER.index, default=None), refs


def tlp_defined(value: JsonObject) -> Tlp | None:
    """Return the TLP label that a marking definition defines, or None if it is of another kind.

    One that calls itself TLP and cannot be read is TLP:RED, and so is an Information Exchange Policy, of which no more
    than that it is one is read: what it permits and forbids beside its TLP nobody here would keep.
    """
    stix_id = value.get("id")
    if stix_id in TLP_IDS:
        return TLP_IDS[str(stix_id)]
    if _is_exchange_policy(value):
        return Tlp.RED
    extensions = value.get("extensions")
    extension = extensions.get(TLP_EXTENSION) if isinstance(extensions, dict) else None
    word: JsonValue = None
    if isinstance(extension, dict):
        word = extension.get("tlp_2_0", "")
    elif str(value.get("definition_type", "")).lower() == "tlp":
        definition = value.get("definition")
        word = definition.get("tlp", "") if isinstance(definition, dict) else ""
    if word is None:
        return None
    try:
        return parse_tlp(str(word))
    except ValueError:
        return Tlp.RED


def _is_exchange_policy(value: JsonObject) -> bool:
    """Whether a marking definition is a policy of FIRST's IEP, as an extension or of a type of its own."""
    if str(value.get("definition_type", "")).lower().startswith("iep"):
        return True
    extensions = value.get("extensions")
    parts = [value.get("definition"), *(extensions.values() if isinstance(extensions, dict) else ())]
    return any(isinstance(part, dict) and not IEP_FIELDS.isdisjoint(part) for part in parts)


def pap_of(value: JsonObject) -> Pap | None:
    """Return what may be done with an object, the strictest of its PAP tags, or None if it has none.

    A PAP tag that cannot be read is PAP:RED.
    """
    found = [
        _PAP_SPELLINGS.get(word, Pap.RED)
        for word, is_plain in _labelled(value, "pap")
        if is_plain or word in _PAP_SPELLINGS
    ]
    return max(found, key=_PAP_ORDER.index) if found else None


def marking_refs(value: JsonObject) -> Iterator[str]:
    """Yield what marks the object; of what has not its due form the text, which no marking is known by."""
    for ref in _listed(value.get("object_marking_refs")):
        yield str(ref)
    for marking in _listed(value.get("granular_markings")):
        if not isinstance(marking, dict):
            yield str(marking)
        elif "marking_ref" in marking:
            yield str(marking["marking_ref"])


def _listed(held: JsonValue) -> list[JsonValue]:
    return held if isinstance(held, list) else [] if held is None else [held]


def _labelled(value: JsonObject, scheme: str) -> Iterator[tuple[str, bool]]:
    """Yield the word behind `tlp` or `pap` of each tag of that scheme, and whether a colon says that it is one."""
    for tag in _tags(value):
        if scheme not in tag[:MAX_TAG_CHARS].lower():  # most tags are of other schemes
            continue
        match = _TAG.match(tag[:MAX_TAG_CHARS])
        if match is not None and match[1].lower() == scheme:
            yield _plain(match[3]) if len(tag) <= MAX_TAG_CHARS else "", match[2] in {":", "="}


def _tags(value: JsonObject) -> Iterator[str]:
    for name in _TAG_HOLDERS:
        if name not in value:
            continue
        for tag in _listed(value[name]):
            word = tag.get("name") if isinstance(tag, dict) else tag
            if isinstance(word, str):
                is_bare = name in {"x_tlp", "x_misp_tlp", "x_pap", "x_misp_pap"} and ":" not in word
                yield f"{name.rpartition('_')[2]}:{word}" if is_bare else word
