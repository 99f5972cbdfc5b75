"""Which hunt requests may be run for whom: what a request names is looked at before anything is searched.

A request that names a person (an e-mail address, a phone number, a SIP user, an account) or something of our own is
refused, unless a rule names that kind, that party and the purpose, and for a person the settings switch the kind on in
a log that is to be searched; then a person approves that one run. Whatever is not known to be technical counts as an
account: what is not understood is not searched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, Literal, TypeVar, get_args
from urllib.parse import unquote

import msgspec

from backchannel.codec import JsonObject
from backchannel.policy.fields import MAX_VALUES, Fields
from backchannel.provenance.predicates import Purpose
from backchannel.provenance.reasons import Reason
from backchannel.stix.pattern.ast import (
    Comparison,
    Exists,
    Observed,
    comparisons_in,
    observations_in,
)
from backchannel.stix.pattern.parse import PatternError, parse
from backchannel.stix.visible import visible

Sensitive = Literal["email", "phone", "sip", "account", "own"]
"""What a rule has to name: a kind that points to a person, or `own`: an address or a name of ours."""


SENSITIVE: Final[tuple[Sensitive, ...]] = get_args(Sensitive)
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
MAX_K: Final = 1_000
_Word = TypeVar("_Word", bound=str)


class HuntRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[[hunt_request]]` of the policy: what one party may ask us to look for."""

    party: str
    """Its name."""
    kinds: tuple[Sensitive, ...] = ()
    """Which sensitive kinds it may name."""
    purposes: tuple[Purpose, ...] = ()
    """For what; empty: for nothing sensitive."""
    k_anonymity: int = 1
    """How many of our hosts stand behind a count, at least, that is told."""


class Touchy(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a pattern that is not searched for without more."""

    pattern: int
    """Which pattern, counted from 0."""
    kind: Sensitive
    what: str
    """As the pattern names it."""
    refused: Reason | None
    """The code, where no rule lets it be searched for, or no log that is named."""
    is_off: bool = False
    """It points to a person, and is switched off in the logs that are named."""


class HuntVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done with a hunt request."""

    touchy: tuple[Touchy, ...]
    unread: tuple[str, ...]
    """Patterns that are none, in words."""
    k_anonymity: int

    @property
    def refused(self) -> Reason | None:
        """The code for which it is not run; None: a person may approve it."""
        return next((one.refused for one in self.touchy if one.refused), None)


def read_hunt_rule(at: Fields, value: JsonObject) -> HuntRule:
    """Read one section `[[hunt_request]]`; what is wrong with it is noted in `at`."""
    at.known(value, {"party", "kinds", "purposes", "k_anonymity", "note"}, "")
    k = value.get("k_anonymity", 1)
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= MAX_K:
        at.fault("k_anonymity", f"it is no number from 1 to {MAX_K:,}", "Write: k_anonymity = 3")
        k = MAX_K
    return HuntRule(
        party=at.text(value.get("party"), "party", what="names a party"),
        kinds=_words(at, value, "kinds", SENSITIVE),
        purposes=_words(at, value, "purposes", PURPOSES),
        k_anonymity=k,
    )


def _words(at: Fields, value: JsonObject, field: str, words: tuple[_Word, ...]) -> tuple[_Word, ...]:
    """Return words out of a closed list."""
    found = at.texts(value.get(field, []), field, MAX_VALUES)
    for text in found:
        if text not in words:
            at.fault(field, f"there is no {visible(text, max_chars=40)}", f"Write one of: {', '.join(words)}")
    return tuple(word for word in words if word in found)


IsOwn = Callable[[str], str]
"""Says in words why a value is ours; "" where it is not."""

_TECHNICAL: Final = frozenset(
    {
        "artifact",
        "autonomous-system",
        "directory",
        "domain-name",
        "file",
        "ipv4-addr",
        "ipv6-addr",
        "mutex",
        "network-traffic",
        "process",
        "software",
        "url",
        "windows-registry-key",
        "x509-certificate",
    }
)
"""Types of observable that name no person."""
_PLACES: Final = frozenset({"domain-name", "ipv4-addr", "ipv6-addr", "network-traffic", "url"})
"""Those of them whose values can be ours."""
_ADDRESSES: Final = frozenset({"ipv4-addr", "ipv6-addr", "network-traffic"})
MIN_LIKE_CHARS: Final = 4
"""A text of `LIKE` shorter than that, without its wildcards, fits to nearly everything."""
MAX_QUOTED: Final = 3
"""How often a value is read as quoted with `%` (RFC 3986 §2.1)."""
_EMAIL: Final = re.compile(r"[^\s@/]+@[^\s@/]")
_SIP: Final = re.compile(r"\bsips?:", re.IGNORECASE)
_PHONE: Final = re.compile(r"\btel:|(?<!\w)\+\d[\d ()-]{6,}\d|\A[\d ()/-]{7,20}\Z", re.IGNORECASE)
_BY_TYPE: Final[tuple[tuple[str, Sensitive], ...]] = (
    ("email", "email"),
    ("sip", "sip"),
    ("phone", "phone"),
    ("tel", "phone"),
)
"""Parts of the names of types that point to a person."""


def judge_hunt(
    patterns: Sequence[str],
    *,
    party: str,
    purpose: Purpose,
    rules: Collection[HuntRule],
    is_own: IsOwn,
    switched_on: Collection[Sensitive],
) -> HuntVerdict:
    """Return what may be done with a hunt request.

    Args:
        patterns: what it asks for.
        party: who asks, by name.
        purpose: what for.
        rules: ours.
        is_own: tells what is ours.
        switched_on: kinds that the operator lets be looked for in these logs, for this purpose.
    """
    mine = [rule for rule in rules if rule.party.casefold() == party.casefold()]
    allowed = {kind for rule in mine if purpose in rule.purposes for kind in rule.kinds}
    touchy: list[Touchy] = []
    unread: list[str] = []
    for number, pattern in enumerate(patterns):
        try:
            named = list(dict.fromkeys(_named(parse(pattern).root, is_own)))
        except PatternError as error:
            unread.append(f"pattern {number + 1} cannot be read: {visible(str(error))}")
            continue
        for kind, what in named:
            code = Reason.OWN_ADDRESS if kind == "own" else Reason.NAMES_PERSON
            is_off = kind != "own" and kind not in switched_on
            refused = None if kind in allowed and not is_off else code
            touchy.append(Touchy(pattern=number, kind=kind, what=what, refused=refused, is_off=is_off))
    k = max((rule.k_anonymity for rule in mine), default=1)
    return HuntVerdict(touchy=tuple(touchy), unread=tuple(unread), k_anonymity=k)


def _named(root: Observed, is_own: IsOwn) -> Iterator[tuple[Sensitive, str]]:
    """Yield what of a pattern is sensitive."""
    for one in _comparisons(root):
        path = one.path
        values = [] if isinstance(one, Exists) else _texts(one)
        kind = _kind_of_type(path.object_type, str(path))
        if kind is not None:
            yield kind, visible(", ".join(values[:3]) or str(path), max_chars=200)
            continue
        found = [(kind, value) for value in values if (kind := _kind_of_value(value)) is not None]
        if found:
            yield from ((kind, visible(value, max_chars=200)) for kind, value in found)
        elif path.object_type in _PLACES:
            yield from (("own", visible(why, max_chars=200)) for why in _own(one, values, is_own))


def _own(one: Comparison | Exists, values: Sequence[str], is_own: IsOwn) -> Iterator[str]:
    """Yield in words what of a comparison is ours, or may be."""
    is_exact = isinstance(one, Comparison) and not one.is_negated and one.operator in {"=", "IN", "ISSUBSET"}
    if is_exact:
        yield from (why for value in values if (why := is_own(value)))
        return
    is_like = isinstance(one, Comparison) and not one.is_negated and one.operator == "LIKE"
    if not is_like or one.path.object_type in _ADDRESSES:
        yield f"{one.path}: the comparison may hit what is ours"
        return
    for value in values:
        text = value.strip("%").strip(".")
        if len(text) < MIN_LIKE_CHARS or set(text) & set("%_"):
            yield f"{value} may hit what is ours"
        elif why := is_own(text):
            yield why


def _comparisons(root: Observed) -> Iterator[Comparison | Exists]:
    for observation in observations_in(root):
        yield from comparisons_in(observation.expression)


def _texts(comparison: Comparison) -> list[str]:
    value = comparison.value
    return [str(one) for one in (value if isinstance(value, tuple) else (value,))]


def _kind_of_type(name: str, path: str) -> Sensitive | None:
    """Return the kind of a type that points to a person; what is not known to be technical counts as an account."""
    if name in _TECHNICAL:
        is_account = any(
            word in path for word in ("_user_ref", "creator_user", "opened_connection", "account")
        )
        return "account" if is_account else None
    return next((kind for word, kind in _BY_TYPE if word in name), "account")


def _kind_of_value(value: str) -> Sensitive | None:
    plain = value
    for _ in range(MAX_QUOTED):  # a URL can hold `alice%40corp.example`, and that quoted once more
        plain = unquote(plain)
    kinds = {_kind_of_text(value), _kind_of_text(plain)}
    return next((kind for kind in SENSITIVE if kind in kinds), None)


def _kind_of_text(text: str) -> Sensitive | None:
    if _SIP.search(text):
        return "sip"
    if _EMAIL.search(text):
        return "email"
    return "phone" if _PHONE.search(text) else None
