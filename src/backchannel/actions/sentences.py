"""The phrases that advice is put together from. Every one states facts of its case: none fits all.

Names and descriptions come from outside, so they are made visible and cut before they enter a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from backchannel.actions.case import Case, Step, step_of
from backchannel.actions.courses import way_of
from backchannel.actions.gates import Refusal
from backchannel.clock import format_time
from backchannel.observables.kinds import Kind
from backchannel.stix.markings import Pap
from backchannel.stix.visible import visible

MAX_COURSE_CHARS = 200
"""Of a course of action's description, what enters a sentence."""

OLD = timedelta(days=180)
"""Beyond this age of what a source says, the advice names the date."""

_BLOCK_AT: Final[Mapping[Kind, str]] = {
    Kind.ADDRESS: "on the firewall, and with `backchannel export rpz -o DIR` for names that lead to it",
    Kind.DOMAIN: "on the resolver: `backchannel export rpz -o DIR`",
    Kind.URL: "on the web proxy",
    Kind.HASH: "in the endpoint protection",
    Kind.EMAIL: "on the mail server",
    Kind.PHONE: "on the telephone system",
    Kind.SIP: "on the telephone system",
    Kind.ACCOUNT: "in the directory of accounts",
    **dict.fromkeys(
        (Kind.CERTIFICATE, Kind.SERIAL, Kind.JA3, Kind.JA4, Kind.HASSH, Kind.SSH_KEY, Kind.AGENT),
        "on the proxy or the sensor, where it can tell them",
    ),
    **dict.fromkeys(
        (Kind.FILE, Kind.PATH, Kind.COMMAND, Kind.REGISTRY, Kind.MUTEX), "in the endpoint protection"
    ),
    Kind.MAC: "on the switch",
}

_FOLLOW_UP: Final[Mapping[Step, str]] = {
    Step.UNKNOWN: "Find out which program did it and whether it should have.",
    Step.BEFORE: "It is preparation only; check what it learnt, and that nothing answered.",
    Step.ENTRY: "Find out who opened or ran what came from there.",
    Step.INSIDE: "Search the machine for how the attacker stays on it, and its neighbours for the same.",
    Step.CONTACT: "Treat the machine as taken over until shown otherwise: take it off the network, leave it "
    "switched on, keep its memory.",
    Step.LOSS: "Find out what left the network, how much and since when; keep the logs.",
}

_STEP_WORD: Final[Mapping[Step, str]] = {
    Step.UNKNOWN: "",
    Step.BEFORE: "preparation of an attack",
    Step.ENTRY: "a way in",
    Step.INSIDE: "a foothold inside",
    Step.CONTACT: "command and control",
    Step.LOSS: "theft or damage",
}

_PAP_WORD: Final[Mapping[Pap | None, str]] = {
    None: "no PAP was given",
    Pap.RED: "it is PAP:RED",
    Pap.AMBER: "it is PAP:AMBER",
    Pap.GREEN: "PAP:GREEN allows active measures",
    Pap.CLEAR: "PAP:CLEAR sets no limit",
}


def day(at: datetime | None) -> str:
    """The date of `at` in UTC; `an unknown day` for None."""
    return format_time(at)[:10] if at else "an unknown day"


def join(*parts: str) -> str:
    """Join the phrases that are not empty with semicolons."""
    return "; ".join(part for part in parts if part)


def said(*parts: str) -> str:
    """Join the sentences that are not empty, each with its full stop."""
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)


def named(case: Case) -> str:
    """The value, and how many others the same indicator names."""
    if not case.others:
        return case.value
    return f"{case.value} and {case.others} more {'value' if case.others == 1 else 'values'}"


def sighted(case: Case) -> str:
    """How often and by how many: `3 times by 10.0.0.5 and 1 other of our hosts`."""
    seen = case.seen
    if seen is None:
        return "nowhere"
    times = "once" if seen.count == 1 else f"{seen.count:,} times"
    others = seen.hosts - 1
    if seen.asset is None:
        return times if seen.hosts < 1 else f"{times} by {seen.hosts:,} of our hosts"
    if others < 1:
        return f"{times} at {seen.asset}"
    return f"{times} at {seen.asset} and {others:,} {'other' if others == 1 else 'others'} of our hosts"


def look(case: Case) -> str:
    """Where to look now, by kind and direction, and what for, by phase. Whole sentences."""
    seen, target = case.seen, case.target
    if seen is None or target is None:
        return ""
    where = seen.asset or "the machine in the log line"
    if seen.hosts > 1:
        where += f" and {seen.hosts - 1} more"
    times = "once" if seen.count == 1 else f"{seen.count:,} times"
    return f"Look at {where}: {_what_happened(case, times)}. {_FOLLOW_UP[step_of(case.phases)]}"


def _what_happened(case: Case, times: str) -> str:
    seen, kind, value = case.seen, case.target.kind if case.target else Kind.ADDRESS, case.value
    direction = seen.direction if seen else "unknown"
    below = " or a name below it" if case.scope == "subdomain" else ""
    if kind is Kind.HASH:
        if seen and not seen.is_of_file:
            return f"a connection with the hash {value} (certificate, key or handshake) passed {times}"
        return f"a file with the hash {value} passed {times}"
    if kind is Kind.EMAIL:
        return f"mail {'from' if direction != 'out' else 'to'} {value} passed {times}"
    if kind not in {Kind.ADDRESS, Kind.DOMAIN, Kind.URL}:
        return f"{value} was met there {times}"
    if direction == "in":
        return f"{value} came in {times}"
    if kind is Kind.ADDRESS:
        return f"it {'reached out to' if direction == 'out' else 'dealt with'} {value} {times}"
    return f"it asked for {value}{below} {times}"


def where_to_block(case: Case) -> str:
    """Which control takes the value's kind, with the command where we write for it."""
    return _BLOCK_AT[case.target.kind] if case.target else "nowhere"


def limits(case: Case) -> str:
    """What not to do besides looking, from its PAP."""
    pap = case.standing.pap
    if pap is Pap.RED:
        return "Use stored logs and the machine itself only; no probe, no lookup, no block (PAP:RED)."
    if pap in {Pap.GREEN, Pap.CLEAR}:
        return "Do not block it."
    return "Do nothing that the attacker could notice: no block, no probe."


def not_seen(case: Case) -> str:
    """Say to its source how far it was searched for and not seen, with the command."""
    if case.hunt == "in part":
        return (
            f"Tell {case.who} that you could search for a part of it only, and did not see that: "
            f"`backchannel {answer(case)} {case.indicator}`"
        )
    return (
        f"Tell {case.who} that you searched for {named(case)} and did not see it: "
        f"`backchannel {answer(case)} {case.indicator}`"
    )


def answer(case: Case) -> str:
    """The answer that says it was not seen: a sighting only where all of it was searched for."""
    return "ack" if case.hunt == "in part" else "sight"


def unhunted(case: Case) -> str:
    """Why nobody can say that it was not seen."""
    if not case.lacking:
        return "no hunt has looked for it since it came"
    return f"no log hunted since it came shows {case.lacking}"


def recommended(case: Case, refused: Refusal | None = None) -> str:
    """What the courses of action tied to it say, quoted; "" where there are none.

    Where they say block and the PAP stands against it, the way out is named too.
    """
    if not case.courses:
        return ""
    name, description = case.courses[0]
    text = visible(name, max_chars=80)
    if description.strip() and description.strip() != name.strip():
        text += ": " + visible(description, max_chars=MAX_COURSE_CHARS)
    more = f" and {len(case.courses) - 1} more" if len(case.courses) > 1 else ""
    quoted = f"{case.who[:1].upper()}{case.who[1:]} recommends “{text}”{more}"
    if refused is not None and refused.gate == "pap" and way_of(case.courses) == "block":
        return f"{quoted}; ask them for PAP:GREEN before you block"
    return quoted


def hunted(case: Case) -> str:
    """Whether a hunt looked for it, in words."""
    return {
        "not hunted": "no hunt has looked for it",
        "in part": "hunts looked for a part of it, and did not see it",
        "not seen": "a hunt did not see it",
        "seen": f"seen {sighted(case)}",
    }[case.hunt]


def accusation(case: Case) -> str:
    """What its source says against the value."""
    step = _STEP_WORD[step_of(case.phases)]
    kinds = ", ".join(visible(word, max_chars=40) for word in case.indicator_types[:4])
    return (
        join(f"its source says {kinds}" if kinds else "", f"it shows {step}" if step else "")
        or "it is accused"
    )


def grounds(case: Case, refused: Refusal | None = None) -> str:
    """The facts that bear on every choice: what it shows, its part, PAP, context labels, why not to block."""
    step = _STEP_WORD[step_of(case.phases)]
    labels = case.target.labels if case.target else ()
    context = next((label.why for label in labels if label.cls == "context"), "")
    part = {
        "source": "the pattern names it as the side that begins",
        "destination": "the pattern names it as the side that is reached",
        "sender": "the pattern names it as the sender",
    }.get(case.role, "")
    dated = case.standing.dated
    age = f"its source dates it from {day(dated)}" if dated and case.at - dated > OLD else ""
    pap = "" if refused is not None and refused.gate == "pap" else _PAP_WORD[case.standing.pap]
    return join(f"it shows {step}" if step else "", part, age, pap, context, refused.why if refused else "")
