"""Requests, answers and tasks as a person reads them at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from backchannel.cli.layout import counted, day_and_minute, facts, heading, joined, shown, size_text, table
from backchannel.cli.wording import forms_text, who
from backchannel.logs.shown import WHERE_OFF, in_words

if TYPE_CHECKING:
    from backchannel.desk.hunt_documents import HuntPreview, TouchyShown
    from backchannel.desk.request_documents import RequestPlan, Requests, RequestShown, Task
    from backchannel.provenance.predicates import Hunted

SHORT_DIGITS = 12


def short(request: str) -> str:
    """Return so much of a request's name as a person types."""
    return request.removeprefix("sha256:")[:SHORT_DIGITS]


def tasks_text(tasks: Iterable[Task]) -> str:
    """Return what waits for a person, with the command that answers it."""
    parts = [heading("Waiting for you")]
    for task in tasks:
        due = f"needed by {day_and_minute(task.due)}" if task.due else ""
        show = task.about[0] if task.about else "ID"
        next_ = {
            "comparison": f"backchannel compare show {task.which[:8]}",
            "answer": f"backchannel ask show {short(task.which)}",
            "helped": f"backchannel show {show}",
            "retracted": f"backchannel why {show}",
        }.get(task.kind, f"backchannel answer {short(task.which)} ...")
        parts.append(
            facts(
                [
                    (_KINDS[task.kind], shown(joined(who(task.party), task.says, due))),
                    ("", ", ".join(task.about)),
                    ("", f"{task.do} `{next_}`"),
                ],
                indent=2,
            )
        )
    return "\n".join(parts)


_KINDS = {
    "request": "asked",
    "hunt": "hunt asked",
    "comparison": "compares",
    "help": "help",
    "answer": "answered",
    "helped": "help",
    "retracted": "taken back",
}


def requests_text(found: Requests) -> str:
    """Return what is asked on both sides."""
    parts = []
    for title, rows, party in (("Asked of us", found.to_us, "from"), ("Asked by us", found.ours, "to")):
        if rows:
            lines = [
                (short(one.request), who(one.party), one.state, day_and_minute(one.needed_by), one.question)
                for one in rows
            ]
            heads = ("request", party, "stands", "needed by", "question")
            parts.append(heading(title) + "\n" + table(heads, lines, keep=("request", "stands")))
    return "\n\n".join(parts)


def request_text(one: RequestShown) -> str:
    """Return one request in full."""
    side = f"{who(one.party)} asks us" if not one.own else f"We ask {who(one.party)}"
    hunt = one.hunt
    rows = [
        ("question", shown(one.question)),
        ("for a contact of theirs", f"that they hold for {one.behalf}" if one.behalf else ""),
        ("to be passed on to", who(one.pass_on_to) if one.pass_on_to else ""),
        ("topic", shown(one.topic)),
        ("about", ", ".join(one.about)),
        ("named as", forms_text(one.forms)),
        ("marked", joined(one.tlp, one.pap)),
        ("asked", day_and_minute(one.asked_at)),
        ("needed by", day_and_minute(one.needed_by)),
        ("stands", joined(one.says, "waits for the next drop" if one.waits else "")),
        ("asks the same", ", ".join(map(who, one.also))),
        ("what to do", one.task or ""),
        ("request", one.request),
    ]
    parts = [heading(side), facts(rows, indent=2)]
    if hunt is not None:
        days = f"{hunt.since or 'the beginning'} to {hunt.until or 'now'}"
        run = f"run here on {hunt.run_at[:10]}" if hunt.run_at else ""
        parts.append(heading(joined("To be looked for", f"against {hunt.purpose}", days, run)))
        parts.append(facts([(str(n), shown(p)) for n, p in enumerate(hunt.patterns, 1)], indent=2))
    for title, answers in (("Answers", one.answers), ("Answered to us, to be passed on", one.passed)):
        if answers:
            parts.append(heading(title))
        for answer in answers:
            said = [
                (
                    answer.state,
                    shown(joined(day_and_minute(answer.said_at), answer.reason or "", answer.text)),
                ),
                ("", ", ".join(answer.objects)),
                *(("", line) for line in hunted_lines(answer.hunted)),
            ]
            parts.append(facts(said, indent=2))
    return "\n".join(parts)


def hunted_lines(hunted: Iterable[Hunted]) -> Iterator[str]:
    """Yield what became of each pattern of a hunt request."""
    for number, one in enumerate(hunted, 1):
        seen = f", {one.first} to {one.last}" if one.first else ""
        lines = (
            ""
            if one.count in {"not told", "not searched"}
            else " log line"
            if one.count == "1"
            else " log lines"
        )
        yield f"pattern {number}: {one.count}{lines}{seen}"


def request_plan_text(found: RequestPlan) -> str:
    """Return what a request would let its reader know."""
    goes = "goes" if found.goes else "stays"
    parts = [heading(joined(f"To {who(found.to)} ({found.standing})", f"the request {goes}", found.tlp))]
    rows = [("goes" if one.goes else "withheld", one.id, one.tlp, one.rule) for one in found.objects]
    if rows:
        parts.append(table(("", "object named", "marked", "rule"), rows, keep=("", "object named")))
    why = dict.fromkeys([(found.rule, found.why), *((one.rule, one.why) for one in found.objects)])
    parts.append(facts([*why], indent=2))
    if found.patterns:
        parts.append(heading(counted(len(found.patterns), "pattern")))
        parts.append(facts([(str(n), shown(p)) for n, p in enumerate(found.patterns, 1)], indent=2))
    parts.append(heading("What it tells"))
    parts.append(facts([("", words) for words in found.learns], indent=2))
    return "\n".join(parts)


def _touchy_words(one: TouchyShown) -> str:
    words = one.refused or "approve with care"
    return f"{words}; {WHERE_OFF}" if one.switched_off else words


def hunt_preview_text(found: HuntPreview) -> str:
    """Return what a run of a hunt request would search for."""
    parts = [
        heading(joined(f"{who(found.party)} asks us to hunt", f"against {found.purpose}")),
        facts(
            [
                ("question", shown(found.question)),
                ("days", f"{found.since or 'the beginning'} to {found.until or 'now'}"),
                (
                    "logs",
                    f"{counted(found.files, 'file')}, {size_text(found.bytes)}: {', '.join(found.paths)}",
                ),
                ("told", found.says),
                (
                    "",
                    f"only where {found.k_anonymity} hosts stand behind it" if found.k_anonymity > 1 else "",
                ),
            ],
            indent=2,
        ),
    ]
    for number, one in enumerate(found.patterns, 1):
        touchy = [f"{each.kind}: {each.what} ({_touchy_words(each)})" for each in one.touchy]
        parts.append(
            facts(
                [
                    (str(number), shown(one.pattern)),
                    ("", f"looked for: {in_words(one.looked_for) or 'nothing that logs show'}"),
                    *(("", f"not searched: {words}") for words in one.unsearched),
                    *(("", words) for words in touchy),
                ],
                indent=2,
            )
        )
    return "\n".join(parts)
