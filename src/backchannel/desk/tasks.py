"""What waits for a person here because another asked, compares, answered, or needs help: shown above the inbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.comparison_documents import Comparison
from backchannel.desk.comparison_listing import waiting_for_us
from backchannel.desk.comparison_session import LASTS
from backchannel.desk.following import retractions
from backchannel.desk.help_wanted import help_given, help_wanted
from backchannel.desk.node import Node
from backchannel.desk.request_documents import HelpWanted, RequestShown, Task
from backchannel.desk.requests import RequestReader, open_for_us
from backchannel.psi.messages import Step

MAX_TASKS: Final = 50
NEWS_FOR: Final = timedelta(days=7)
"""How long an answer to a question of ours is news."""
MAX_OWN: Final = 100
"""Requests of ours, the newest, whose answers are looked at."""


def tasks(node: Node, clock: Clock) -> tuple[Task, ...]:
    """Return what is asked of us, and compared with us, what was taken back, who needs help, and what was answered."""
    found = [
        *_asked(node, clock),
        *_compared(node, clock),
        *_taken_back(node, clock),
        *_help(node, clock),
        *_answered(node, clock),
        *_helped(node, clock),
    ]
    return tuple(found[:MAX_TASKS])


def _asked(node: Node, clock: Clock) -> Iterator[Task]:
    for one in open_for_us(node, clock):
        yield Task(
            kind="hunt" if one.hunt else "request",
            which=one.request,
            party=one.party,
            says=one.question,
            do=one.task or "",
            about=one.about,
            at=one.asked_at,
            due=one.needed_by,
        )


def _compared(node: Node, clock: Clock) -> Iterator[Task]:
    for one in waiting_for_us(node, clock):
        says, do = _said_in(one)
        yield Task(
            kind="comparison",
            which=one.session,
            party=one.party,
            says=says,
            do=do,
            about=(),
            at=one.changed_at,
            due=format_time(parse_time(one.changed_at) + LASTS),
        )


def _said_in(one: Comparison) -> tuple[str, str]:
    """Return what the other side said last in a comparison, and what to do."""
    if one.step == Step.REQUEST:
        why = f": {one.because}" if one.because else ""
        return f"asks how many both hold ({', '.join(one.sorts)}){why}", "Decide whether to answer."
    if one.step == Step.PROPOSE:
        return f"would show which {one.common or 0:,} both hold", "Decide whether to show which."
    return "went on with a comparison", "Make our next message."


def _taken_back(node: Node, clock: Clock) -> Iterator[Task]:
    for one in retractions(node, clock, since=clock.now() - NEWS_FOR):
        left = f"Take back what was passed on: backchannel retract {one.about[0]}" if one.is_left else ""
        yield Task(
            kind="retracted",
            which=one.statement,
            party=one.party,
            says=f"took back {', '.join(one.about)}" + (f": {one.reason}" if one.reason else ""),
            do=left or "See what was made, exported or passed on of it.",
            about=one.about,
            at=format_time(one.at),
            due=None,
        )


def _help(node: Node, clock: Clock) -> Iterator[Task]:
    for one in help_wanted(node, clock):
        yield Task(
            kind="help",
            which=one.receipt,
            party=one.party,
            says=f"declined {_what(one)}: {one.reason}" + (f" ({one.text})" if one.text else ""),
            do=one.task,
            about=one.about,
            at=f"{one.when}T00:00:00.000Z",
            due=None,
        )


def _what(one: HelpWanted) -> str:
    return "what it got over TAXII" if one.seq is None else f"drop {one.seq:,}"


def _answered(node: Node, clock: Clock) -> Iterator[Task]:
    since, reader = clock.now() - NEWS_FOR, RequestReader(node, clock)
    for row in node.store.requests.newest(is_own=True, party_row=None, at_most=MAX_OWN):
        one: RequestShown = reader.shown(row)
        last = one.answers[-1] if one.answers else None
        if last is not None and last.state in {"answered", "declined"} and parse_time(last.said_at) > since:
            yield Task(
                kind="answer",
                which=one.request,
                party=one.party,
                says=one.says + (f": {last.text}" if last.text else ""),
                do="Read the answer.",
                about=last.objects,
                at=format_time(parse_time(last.said_at)),
                due=None,
            )


def _helped(node: Node, clock: Clock) -> Iterator[Task]:
    since = clock.now() - NEWS_FOR
    for one in help_given(node, clock):
        at = parse_time(one.at)
        if at > since:
            yield Task(
                kind="helped",
                which=one.receipt,
                party=one.party,
                says=f"{one.state}: {one.text}" if one.text else one.state,
                do="Look again at what we declined.",
                about=one.about,
                at=format_time(at),
                due=None,
            )
