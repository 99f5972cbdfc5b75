"""What may be changed in an object before it leaves: named, typed, written in one line each.

    drop:/created_by_ref            leave a property out; `drop:/x_*` all whose names begin so
    coarsen:/valid_from:day         a time to its year, month, day or hour
    generalise:/value:24            an address to the network around it, in a property or in a pattern
    pseudonymise:/name              a text to a name that is the same each time, for this recipient only
    tear-line                       nothing: another object goes, which its originator cleared instead (`tear_lines`)
    aggregate                       of a sighting: the count in steps, days for times, no names

What says what an object is, how long it holds and how far it may go is never changed: a transform narrows.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final, Literal, get_args

import msgspec

from backchannel.clock import format_time, parse_time
from backchannel.codec import JsonObject, JsonValue
from backchannel.provenance.redactable import LOCKED as FIELDS_LOCKED

Unit = Literal["hour", "day", "month", "year"]
UNITS: Final = get_args(Unit)
LOCKED: Final = FIELDS_LOCKED - {"pattern", "valid_from", "valid_until"}
"""Properties that no transform touches."""
NEVER_DROPPED: Final = FIELDS_LOCKED | {"labels"}
"""Without its end an indicator would hold for ever; labels may say how far it may go."""
ENDS: Final = frozenset({"valid_until", "last_seen", "last_observed", "stop_time", "end"})
"""Times that are rounded up, so that what was true between two times stays so."""
STEPS: Final = ((10, 10), (2, 2), (1, 1))
"""A count from so many on is told as so many: 1, 2 to 9, 10 and more."""
MAX_PATH_CHARS: Final = 200

_ADDRESS = re.compile(
    r"(?<![0-9A-Za-z.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?:/\d{1,3})?(?![0-9A-Za-z.:])"
)
_PATH = re.compile(r"/[A-Za-z0-9_][A-Za-z0-9_-]*\*?\Z")


class Transform(msgspec.Struct, frozen=True, kw_only=True):
    """One change."""

    name: Literal["drop", "coarsen", "generalise", "pseudonymise", "tear-line", "aggregate"]
    property: str = ""
    """Which; with `*` at its end all that begin so; "": the whole object."""
    unit: Unit | None = None
    """Of `coarsen`."""
    bits: int | None = None
    """Of `generalise`: how long the prefix of an IPv4 address is; an IPv6 address keeps twice as many."""

    def __str__(self) -> str:
        """As it is written in a policy."""
        tail = self.unit or (str(self.bits) if self.bits is not None else "")
        return self.name + (f":/{self.property}" if self.property else "") + (f":{tail}" if tail else "")


AGGREGATE: Final = Transform(name="aggregate")
TEAR_LINE: Final = Transform(name="tear-line")
"""Changes nothing: another object goes instead (`tear_lines`)."""


class UnfitError(ValueError):
    """A transform cannot be applied to an object: it does not go."""


def parse_transform(text: str) -> Transform:
    """Read one transform.

    Raises:
        ValueError: it is none; the message says what is expected.
    """
    name, _, rest = text.strip().partition(":")
    if name in {"tear-line", "aggregate"}:
        if rest:
            raise ValueError(f"`{name}` takes nothing behind it")
        return Transform(name=name)  # type: ignore[arg-type]  # one of the two
    if name not in {"drop", "coarsen", "generalise", "pseudonymise"}:
        raise ValueError(
            f"there is no transform {text[:60]!r}: write drop, coarsen, generalise, pseudonymise, tear-line or aggregate"
        )
    path, _, tail = rest.partition(":")
    if len(path) > MAX_PATH_CHARS or _PATH.match(path) is None:
        raise ValueError(f"`{name}` needs a property of the object, as in {name}:/description")
    prop = path[1:]
    locked = NEVER_DROPPED if name == "drop" else LOCKED | {"labels"}
    if prop.rstrip("*") in locked or (
        prop.endswith("*") and any(one.startswith(prop[:-1]) for one in locked)
    ):
        raise ValueError(f"/{prop} says what the object is or how far it may go: no transform may touch it")
    if prop.endswith("*") and name != "drop":
        raise ValueError(f"`{name}` takes one property: only drop takes a name that ends with *")
    if name == "coarsen":
        if tail not in UNITS:
            raise ValueError(f"`coarsen` needs one of {', '.join(UNITS)}, as in coarsen:{path}:day")
        return Transform(name="coarsen", property=prop, unit=tail)  # type: ignore[arg-type]  # looked at above
    if name == "generalise":
        if not tail.isascii() or not tail.isdigit() or not 8 <= int(tail[:3]) <= 31:
            raise ValueError(
                f"`generalise` needs a length of prefix from 8 to 31, as in generalise:{path}:24"
            )
        return Transform(name="generalise", property=prop, bits=int(tail))
    if tail:
        raise ValueError(f"`{name}` takes nothing behind the property")
    return Transform(name=name, property=prop)  # type: ignore[arg-type]  # drop or pseudonymise


class Hand(msgspec.Struct, frozen=True):
    """Who makes a redacted object, and for whom."""

    secret: bytes
    """Ours: without it nobody can find out what a pseudonym or a new id stands for by trying."""
    recipient: str
    """One recipient's pseudonyms tell nothing to another."""
    own_identity: str
    """Who is the creator of what was changed."""

    def code(self, *parts: str) -> bytes:
        """Return 32 bytes that only we can make of these parts, and always make again."""
        text = "\x1f".join((self.recipient, *parts))
        return hmac.digest(self.secret, b"bc-redacted/v1\n" + text.encode("utf-8", "surrogatepass"), "sha256")


def apply(value: JsonObject, transform: Transform, hand: Hand) -> JsonObject:
    """Return `value` changed; as it is where there is nothing to change.

    Raises:
        UnfitError: what stands there cannot be changed so.
    """
    if transform.name == "aggregate":
        return aggregated(value)
    if transform.name == "tear-line":
        raise UnfitError("only what its originator cleared may go instead of it")
    if transform.name == "drop":
        return _without(value, transform.property)
    if transform.property not in value:
        return value
    held = value[transform.property]
    made: JsonValue
    if transform.name == "coarsen":
        made = _coarse(held, transform.unit or "day", is_end=transform.property in ENDS)
    elif transform.name == "generalise":
        made = _general(held, transform.bits or 24)
    else:
        made = _pseudonym(held, transform.property, hand)
    return {**value, transform.property: made} if made != held else value


def _without(value: JsonObject, name: str) -> JsonObject:
    if not name.endswith("*"):
        return {key: held for key, held in value.items() if key != name} if name in value else value
    left = {key: held for key, held in value.items() if not key.startswith(name[:-1])}
    return left if len(left) < len(value) else value


def _coarse(held: JsonValue, unit: Unit, *, is_end: bool) -> str:
    try:
        at = parse_time(str(held))
    except ValueError:
        raise UnfitError("the time that is to be made coarser cannot be read") from None
    start = _start(at, unit)
    if not is_end or start == at:
        return format_time(start)
    return format_time(_start(start + _LONGEST[unit], unit))


_LONGEST: Final[Mapping[Unit, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "month": timedelta(days=31),
    "year": timedelta(days=366),
}
"""Longer than none of its kind, and shorter than two: its start, so much later, lies in the next one."""


def _start(at: datetime, unit: Unit) -> datetime:
    at = at.replace(minute=0, second=0, microsecond=0)
    if unit == "hour":
        return at
    at = at.replace(hour=0)
    if unit == "day":
        return at
    return at.replace(day=1) if unit == "month" else at.replace(day=1, month=1)


def _general(held: JsonValue, bits: int) -> JsonValue:
    if not isinstance(held, str):
        raise UnfitError("only an address, or a text with addresses in it, can be made more general")

    def wider(match: re.Match[str]) -> str:
        try:
            network = ip_network(match[0], strict=False)
        except ValueError:
            return match[0]
        length = min(network.prefixlen, bits if network.version == 4 else 2 * bits)
        return str(network.supernet(new_prefix=length))

    return _ADDRESS.sub(wider, held)


def _pseudonym(held: JsonValue, name: str, hand: Hand) -> JsonValue:
    if isinstance(held, list):
        return [_pseudonym(one, name, hand) for one in held]
    if not isinstance(held, str):
        raise UnfitError("only a text can be given another name")
    return f"{name.replace('_', '-')}-{hand.code('name', name, held).hex()[:10]}"


def aggregated(value: JsonObject) -> JsonObject:
    """Return a sighting without whoever saw it: its count in steps, its times in days. Others stay as they are."""
    if value.get("type") != "sighting":
        return value
    made = {key: held for key, held in value.items() if key not in _NAMING}
    count = value.get("count")
    if isinstance(count, int) and not isinstance(count, bool):
        made["count"] = step(count)
    for name in ("first_seen", "last_seen"):
        if name in made:
            made[name] = _coarse(made[name], "day", is_end=name in ENDS)
    return made


_NAMING: Final = frozenset({"where_sighted_refs", "observed_data_refs", "description", "created_by_ref"})


def step(count: int) -> int:
    """Return what is told of a count: 0, 1, 2 (two to nine) or 10 (ten and more)."""
    return next((told for least, told in STEPS if count >= least), 0)
