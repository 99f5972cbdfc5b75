"""What to do about an object that is no indicator: a report, malware, a vulnerability, an observation, ...

Such an object is background: nothing in it can be blocked by itself. What it asks for is to look at what it
leads to, to read, to answer, or nothing. Markings, identities and the like ask for nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from backchannel.actions.advice import Advice
from backchannel.actions.case import Hunt
from backchannel.actions.sentences import join, said
from backchannel.stix.visible import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """The plain facts about one object that is no indicator."""

    id: str
    type: str
    name: str
    """Its name; "" where it has none."""
    source: str
    """Name of the party it came from; "" where nobody was named."""
    revoked: bool = False
    quarantined: bool = False
    contested: bool = False
    courses: tuple[tuple[str, str], ...] = ()
    indicators: int = 0
    """How many indicators are tied to it."""
    hits: int = 0
    """Log lines in which these were seen."""
    hosts: int = 0
    hunt: Hunt = "not hunted"
    """Whether hunts looked for them since they came."""
    lacking: str = ""
    """Kinds of observable of theirs, in words, that the logs hunted since do not show; "" if nothing lacks."""

    @property
    def who(self) -> str:
        """Its source, as the subject of a sentence."""
        return self.source or "its source"

    @property
    def what(self) -> str:
        """Its name as people read it, else its id."""
        return f"“{visible(self.name, max_chars=80)}”" if self.name else self.id


SILENT: Final = frozenset(
    {"marking-definition", "identity", "language-content", "extension-definition", "location", "relationship"}
)
"""Types that describe other objects and ask for nothing."""


def advise_background(case: Background) -> Advice | None:
    """Return what to do about `case`; None where its type asks for nothing."""
    if case.type in SILENT:
        return None
    for fits, say in _FIRST:
        if fits(case):
            return say(case)
    return _OF_TYPE.get(case.type, _thing)(case)


def _quarantined(case: Background) -> Advice:
    return Advice(
        "ask",
        said(
            f"Ask {case.who} to send {case.what} again, mended",
            f"`backchannel show {case.id}` lists what is wrong",
        ),
        "validation put it in quarantine: no view uses it until a person accepts it",
    )


def _revoked(case: Background) -> Advice:
    return Advice(
        "nothing", said(f"Nothing to do about {case.what}: {case.who} withdrew it"), f"{case.id} is revoked"
    )


def _contested(case: Background) -> Advice:
    return Advice(
        "ask",
        said(
            f"Ask {case.who} which of the contradicting statements about {case.what} holds",
            f"`backchannel why {case.id}` shows them side by side",
        ),
        "what we hold about it contradicts itself: two contents under one version, or somebody disputes it",
    )


def _seen(case: Background) -> Advice:
    lines = "once" if case.hits == 1 else f"in {case.hits:,} log lines"
    hosts = f" on {case.hosts:,} of our hosts" if case.hosts else ""
    return Advice(
        "look",
        said(
            f"Look at the hits: what belongs to {case.what} was seen {lines}{hosts}",
            "`backchannel hits` lists them, each with its own advice",
            _course(case),
        ),
        f"{_tied(case)}, and a hunt found some of them",
    )


def _unhunted(case: Background) -> Advice:
    logs, lacks = "your logs", "no hunt has looked for them since it came"
    if case.lacking:
        logs = f"logs that show {case.lacking}"
        lacks = f"no log hunted since they came shows {case.lacking}"
    return Advice(
        "look",
        said(
            f"Look in {logs} for what belongs to {case.what}: `backchannel hunt PATH`",
            _course(case),
        ),
        f"{_tied(case)}, and {lacks}",
    )


def _unseen(case: Background) -> Advice:
    found = f"you searched for what belongs to {case.what} and did not see it"
    if case.hunt == "in part":
        found = f"you could search for a part of what belongs to {case.what} only, and did not see that"
    return Advice(
        "tell",
        said(
            f"Tell {case.who} that {found}: `backchannel ack {case.id}`",
            _course(case),
        ),
        f"{_tied(case)}, hunted{' as far as they can be searched' if case.hunt == 'in part' else ''} and not seen",
    )


def _tied(case: Background) -> str:
    return (
        "one indicator is tied to it"
        if case.indicators == 1
        else f"{case.indicators:,} indicators are tied to it"
    )


def _report(case: Background) -> Advice:
    return Advice(
        "ask",
        said(
            f"Read {case.what}, and ask {case.who} for the single values behind it: addresses, names, hashes",
            _course(case),
        ),
        "no indicator is tied to it: there is nothing to search for or to block",
    )


def _actor(case: Background) -> Advice:
    return Advice(
        "nothing",
        said(
            f"Nothing to do about {case.what} by itself: it says who may be behind it and how they work",
            _course(case),
        ),
        f"it is a {case.type}, and no indicator is tied to it",
    )


def _vulnerability(case: Background) -> Advice:
    return Advice(
        "look",
        said(f"Look whether you run what {case.what} affects, and whether it is mended there", _course(case)),
        "a vulnerability is found in an inventory, not in these logs",
    )


def _course_of_action(case: Background) -> Advice:
    return Advice(
        "look",
        said(f"Read what {case.who} recommends in {case.what}, and decide whether it fits your network"),
        "it is a recommended measure; nothing here carries it out",
    )


def _statement(case: Background) -> Advice:
    return Advice(
        "look",
        said(f"Read what {case.who} says about another object: `backchannel show {case.id}`"),
        f"it is a {case.type}: it changes what other objects are worth",
    )


def _observation(case: Background) -> Advice:
    return Advice(
        "nothing",
        said(f"Nothing to do about {case.what}: it says what {case.who} observed, and accuses nothing"),
        f"it is {_a(case.type)}; only an indicator says what to look for",
    )


def _thing(case: Background) -> Advice:
    return Advice(
        "nothing",
        said(f"Nothing to do about {case.what} by itself", _course(case)),
        f"it is {_a(case.type)}, and no indicator is tied to it",
    )


def _a(stix_type: str) -> str:
    name = visible(stix_type, max_chars=60)
    return f"{'an' if name[:1] in set('aeiou') else 'a'} {name}"


def _course(case: Background) -> str:
    if not case.courses:
        return ""
    name, description = case.courses[0]
    more = f" and {len(case.courses) - 1} more" if len(case.courses) > 1 else ""
    quoted = join(visible(name, max_chars=80), visible(description, max_chars=200))
    return f"{case.who[:1].upper()}{case.who[1:]} recommends “{quoted}”{more}"


_Say = Callable[[Background], Advice]

_FIRST: Final[tuple[tuple[Callable[[Background], bool], _Say], ...]] = (
    (lambda c: c.quarantined, _quarantined),
    (lambda c: c.revoked, _revoked),
    (lambda c: c.contested, _contested),
    (lambda c: c.hits > 0, _seen),
    (lambda c: c.indicators > 0 and (c.hunt == "not hunted" or c.lacking != ""), _unhunted),
    (lambda c: c.indicators > 0, _unseen),
)

_OF_TYPE: Final[Mapping[str, _Say]] = {
    "report": _report,
    "grouping": _report,
    "incident": _report,
    "threat-actor": _actor,
    "intrusion-set": _actor,
    "campaign": _actor,
    "attack-pattern": _actor,
    "vulnerability": _vulnerability,
    "course-of-action": _course_of_action,
    "note": _statement,
    "opinion": _statement,
    "sighting": _statement,
    "observed-data": _observation,
    "artifact": _observation,
    "autonomous-system": _observation,
    "directory": _observation,
    "domain-name": _observation,
    "email-addr": _observation,
    "email-message": _observation,
    "file": _observation,
    "ipv4-addr": _observation,
    "ipv6-addr": _observation,
    "mac-addr": _observation,
    "mutex": _observation,
    "network-traffic": _observation,
    "process": _observation,
    "software": _observation,
    "url": _observation,
    "user-account": _observation,
    "windows-registry-key": _observation,
    "x509-certificate": _observation,
}
