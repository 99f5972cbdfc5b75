"""How fresh a claim is: it fades by its type, and only independent sightings make it fresh again.

    fresh = freshness("domain-name", started_at, sightings, now=now, valid_until=None)
    fresh.share, fresh.is_valid, fresh.reasons

The share left after t days is 1 - (t / lifetime) ** (1 / speed), the polynomial of MISP's decaying models
(Mokaddem et al., "Taxonomy driven indicator scoring in MISP threat intelligence platforms", 2019). Freshness and
credibility are two numbers and stay two. What its source said of the end (`valid_until`) always wins: after it
nothing is fresh, and no sighting wakes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import msgspec


class Model(msgspec.Struct, frozen=True, gc=False):
    """How a type fades."""

    lifetime_days: float
    """Days until nothing is left."""
    speed: float
    """1: evenly; below: slowly at first; above: fast at first."""


MODELS: Final[Mapping[str, Model]] = MappingProxyType(
    {
        "domain-name": Model(30, 0.5),
        "ipv4-addr": Model(7, 1.0),
        "ipv6-addr": Model(7, 1.0),
        "url": Model(7, 1.0),
        "email-addr": Model(90, 0.5),
        "file": Model(400, 0.3),
        "attack-pattern": Model(720, 0.3),
    }
)
"""By STIX type; the operator may hand in others."""
DEFAULT_MODEL: Final = Model(90, 0.5)
_END: Final = datetime.max.replace(tzinfo=UTC)


class Sighted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody saw it again."""

    at: datetime
    origin: str
    """Name of its origin; ours may be among them."""
    is_independent: bool
    """False for echoes, copies, and what its first origin repeats (`origins`, `dependence`)."""


class Freshness(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How fresh a claim is."""

    share: float
    """1: just seen; 0: faded, or past its end."""
    is_valid: bool
    """Not past its `valid_until`; the other number: it is also true of what has faded."""
    started_at: datetime
    """What it fades from: the claim, or the last independent sighting."""
    fades_at: datetime
    """When nothing will be left, unless it is seen again; not after its `valid_until`."""
    restarted_by: str | None
    """Origin of the sighting it fades from."""
    reasons: tuple[str, ...]


def freshness(
    stix_type: str,
    asserted_at: datetime,
    sightings: Iterable[Sighted] = (),
    *,
    now: datetime,
    valid_until: datetime | None = None,
    models: Mapping[str, Model] = MODELS,
) -> Freshness:
    """Say how fresh a claim is.

    Args:
        stix_type: of the observable (or object) it is about.
        asserted_at: when its first origin said so, no later than it came; not when an echo or a copy came.
        sightings: of it, in any order; those after `now` or before `asserted_at` change nothing.
        now: the present.
        valid_until: its end, exclusive (STIX 2.1 §4.7).
        models: how types fade.
    """
    model = models.get(stix_type, DEFAULT_MODEL)
    started, by, ignored = asserted_at, None, 0
    for sighted in sorted(sightings, key=lambda one: (one.at, one.origin)):
        if not sighted.is_independent:
            ignored += 1
        elif started < sighted.at <= now and (valid_until is None or sighted.at < valid_until):
            started, by = sighted.at, sighted.origin
    lifetime = timedelta(days=model.lifetime_days)
    age = max(now - started, timedelta(0))  # a claim dated ahead is as fresh as one of today
    is_valid = valid_until is None or now < valid_until
    left = 1 - min(age / lifetime, 1.0) ** (1 / model.speed)
    reasons = [f"Last seen independently by {by}." if by else "Not seen independently since it was said."]
    reasons.append(f"{stix_type} fades in {model.lifetime_days:g} days; {age.days} have passed.")
    if ignored:
        reasons.append(f"{ignored} sighting(s) are echoes or copies and restart nothing.")
    if not is_valid:
        reasons.append("It is past the end that its source gave it: that always wins.")
    fades_at = _END if started > _END - lifetime else started + lifetime
    return Freshness(
        share=round(left, 6) if is_valid else 0.0,
        is_valid=is_valid,
        started_at=started,
        fades_at=fades_at if valid_until is None else min(fades_at, valid_until),
        restarted_by=by,
        reasons=tuple(reasons),
    )
