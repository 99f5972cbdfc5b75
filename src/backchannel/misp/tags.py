"""What the tags and the distribution of MISP mean in STIX: how far it may go, what may be done, how sure it is.

The tags themselves are kept as labels; this only reads them. Distribution counts where it is stricter than
the tags. Confidence follows STIX 2.1 Appendix A.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from backchannel.codec import JsonObject
from backchannel.misp.event import Event
from backchannel.stix.markings import TLP_IDS, Pap, Tlp, pap_of, tlp_of

OF_DISTRIBUTION: Final[Mapping[int, Tlp]] = MappingProxyType(
    {0: Tlp.AMBER_STRICT, 1: Tlp.AMBER, 2: Tlp.GREEN, 4: Tlp.AMBER_STRICT}
)
"""Your organisation only, this community, connected communities, a sharing group; 3 (all) says nothing."""
_STRICT_ALONE: Final = frozenset({0, 4})
"""Distributions that count even where no tag says anything."""

_CONFIDENCE: Final[Mapping[str, int]] = MappingProxyType(
    {
        'estimative-language:confidence-in-analytic-judgment="high"': 85,
        'estimative-language:confidence-in-analytic-judgment="moderate"': 50,
        'estimative-language:confidence-in-analytic-judgment="low"': 15,
        'estimative-language:likelihood-probability="almost-no-chance"': 5,
        'estimative-language:likelihood-probability="very-unlikely"': 15,
        'estimative-language:likelihood-probability="unlikely"': 30,
        'estimative-language:likelihood-probability="roughly-even-chance"': 50,
        'estimative-language:likelihood-probability="likely"': 70,
        'estimative-language:likelihood-probability="very-likely"': 85,
        'estimative-language:likelihood-probability="almost-certain"': 95,
        'admiralty-scale:information-credibility="1"': 90,
        'admiralty-scale:information-credibility="2"': 70,
        'admiralty-scale:information-credibility="3"': 50,
        'admiralty-scale:information-credibility="4"': 30,
        'admiralty-scale:information-credibility="5"': 10,
        'misp:confidence-level="completely-confident"': 95,
        'misp:confidence-level="usually-confident"': 75,
        'misp:confidence-level="fairly-confident"': 50,
        'misp:confidence-level="rarely-confident"': 25,
        'misp:confidence-level="unconfident"': 5,
    }
)


def marking_ref(tlp: Tlp) -> str:
    """Return the id of the marking definition of a TLP 2.0 label."""
    return next(stix_id for stix_id, label in TLP_IDS.items() if label is tlp)


def tlp_tagged(tags: Sequence[str]) -> Tlp | None:
    """Return the strictest TLP label among tags, None if there is none; one that cannot be read is RED."""
    marked: JsonObject = {"type": "x", "labels": list(tags)}
    found = tlp_of(marked, default="clear")
    # Only where no tag says anything does the default decide.
    return found if found is tlp_of(marked, default="red") else None


def marking_of(tags: Sequence[str], distribution: int | None, *, around: Tlp | None = None) -> Tlp | None:
    """Return how far an element may go, None if nothing marks it.

    Args:
        tags: its own.
        distribution: its own; None or 5: as far as what it stands in.
        around: what marks the event it stands in.
    """
    marked = [tlp for tlp in (tlp_tagged(tags), around) if tlp is not None]
    limit = OF_DISTRIBUTION.get(distribution if distribution is not None else 3)
    if limit is not None and (marked or distribution in _STRICT_ALONE):
        marked.append(limit)
    return max(marked, key=lambda tlp: tlp.strictness) if marked else None


def widest_marking(event: Event, tlp: Tlp | None) -> Tlp | None:
    """Return how far what goes furthest of an event may go, None if that is what nothing marks.

    Whoever may have a part of an event may know whose it is: each part names its author.
    """
    if tlp is not None:
        return tlp
    every = (*event.attributes, *(held for one in event.objects for held in one.attributes))
    found = [marking_of(one.tags, one.distribution) for one in every]
    marked = [one for one in found if one is not None]
    widest = min(marked, key=lambda one: one.strictness, default=None)
    # What nothing marks goes as far as its receiver says, which is no further than CLEAR.
    return widest if len(marked) == len(found) or widest is Tlp.CLEAR else None


def pap_tagged(tags: Sequence[str]) -> Pap | None:
    """Return the strictest PAP label among tags, None if there is none."""
    return pap_of({"type": "x", "labels": list(tags)})


def confidence_of(tags: Iterable[str]) -> int | None:
    """Return the lowest confidence that tags state (0-100), None if they state none."""
    return min((_CONFIDENCE[tag.lower()] for tag in tags if tag.lower() in _CONFIDENCE), default=None)


def tag_of(tlp: Tlp) -> str:
    """Return the tag that says a TLP label."""
    return f"tlp:{tlp.value}"
