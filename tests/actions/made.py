"""Cases and entries for the tests of advice, gates and exports: plain facts, named arguments, one place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backchannel.actions.case import Case, Seen
from backchannel.actions.exports.entry import ExportEntry, Scope
from backchannel.actions.gates import Standing, Target
from backchannel.observables.kinds import Kind
from backchannel.observables.normalise import normalise, normalise_network
from backchannel.stix.markings import Pap
from backchannel.warninglists.lists import Label

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
INDICATOR = "indicator--6a1b2c3d-0000-4000-8000-000000000001"
GREEN = Standing(said_at=NOW - timedelta(days=2), valid_from=NOW - timedelta(days=2), pap=Pap.GREEN)

VALUES = {
    Kind.ADDRESS: "203.0.113.7",
    Kind.DOMAIN: "evil.example",
    Kind.URL: "http://evil.example/drop.php?x=1",
    Kind.HASH: "0123456789abcdef0123456789abcdef",
    Kind.EMAIL: "mallory@evil.example",
    Kind.PHONE: "+4930123456",
    Kind.SIP: "sip:mallory@evil.example",
    Kind.ACCOUNT: "mallory",
    Kind.CERTIFICATE: "0123456789abcdef0123456789abcdef01234567",
    Kind.SERIAL: "abc001122",
    Kind.JA3: "0123456789abcdef0123456789abcdef",
    Kind.JA4: "t13d1516h2_8daaf6152771_b186095e22b6",
    Kind.HASSH: "0123456789abcdef0123456789abcdef",
    Kind.SSH_KEY: "0123456789abcdef0123456789abcdef",
    Kind.FILE: "evil.exe",
    Kind.PATH: "c:/evil/evil.exe",
    Kind.AGENT: "Evil/1.0",
    Kind.COMMAND: "evil /x",
    Kind.REGISTRY: "hkey_local_machine\\software\\evil",
    Kind.MUTEX: "evil",
    Kind.MAC: "00:1a:2b:3c:4d:5e",
}


def label(cls: str, name: str = "A list", why: str = "it stands on the list “A list”") -> Label:
    return Label(name, cls, why)  # type: ignore[arg-type]


def target(value: str, kind: Kind | None = None, *, own: str = "", labels: tuple[Label, ...] = ()) -> Target:
    thing = (
        normalise_network(value)
        if kind is Kind.ADDRESS and "/" in value
        else normalise(kind or Kind.DOMAIN, value)
    )
    return Target(thing, own, labels)


SEEN = Seen(asset="10.0.0.5", direction="out", count=3, hosts=2)


def case(**facts: object) -> Case:
    """A name, PAP:GREEN, valid, seen three times on two hosts; `facts` change it, `courses` its standing."""
    plain = Case(
        indicator=INDICATOR,
        source="CERT Alpha",
        at=NOW,
        standing=GREEN,
        target=target("evil.example"),
        indicator_types=("malicious-activity",),
        phases=("command-and-control",),
        hunt="seen",
        seen=SEEN,
    )
    courses = facts.pop("courses", ())
    found = replace(plain, **facts)  # type: ignore[arg-type]
    return replace(found, standing=replace(found.standing, courses=courses))  # type: ignore[arg-type]


def entry(
    value: str,
    kind: Kind = Kind.DOMAIN,
    *,
    number: int = 1,
    scope: Scope | None = None,
    standing: Standing = GREEN,
    title: str = "Loader",
    source: str = "CERT Alpha",
    labels: tuple[Label, ...] = (),
    own: str = "",
) -> ExportEntry:
    return ExportEntry(
        indicator=f"indicator--6a1b2c3d-0000-4000-8000-{number:012d}",
        target=target(value, kind, labels=labels, own=own),
        standing=standing,
        scope=scope or ("cidr" if "/" in value and kind is Kind.ADDRESS else "exact"),
        title=title,
        source=source,
    )
