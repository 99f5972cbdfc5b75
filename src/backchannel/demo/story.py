"""The demonstration: three parties tell a clinic something, the clinic looks, acts and answers.

Every line below a heading comes from an answer of the desk; change the world, and the story changes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from backchannel.clock import Clock
from backchannel.desk.answering import acknowledge, dispute, sight
from backchannel.desk.exporting import export
from backchannel.desk.hitbook import hits
from backchannel.desk.hitting import Hit, HuntSummary, IndicatorHits
from backchannel.desk.hunting import hunt
from backchannel.desk.inbox import inbox
from backchannel.desk.node import Node, init_node
from backchannel.desk.receive import receive
from backchannel.desk.warninglists import add_warninglist

DAY: Final = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
"""The evening on which the story is told."""
OWN_NETWORKS: Final = ("10.20.0.0/16", "192.0.2.16/28")
OWN_DOMAINS: Final = ("harbour.example",)
TOLD: Final = (
    ("northpier-telecom-weekly.json", "Northpier Telecom", "mail", None),
    ("northpier-telecom-senders.csv", "Northpier Telecom", "mail", "amber"),
    ("cert-vessland-slack-tide.json", "CERT Vessland", "file", None),
    ("lantern-help-line.txt", "Lantern Help Line", "phone", "amber+strict"),
)
"""File, party, channel, and the marking of what comes unmarked."""
CONTROLS: Final = ("zeek", "suricata", "rpz")

Say = Callable[[str], None]


def tell(folder: Path, clock: Clock, say: Say, *, world: Path | None = None) -> None:
    """Tell the whole story.

    Args:
        folder: for the node (`home`) and the exports (`exports`).
        clock: gives the time of the story.
        say: takes a line of it.
        world: the files it is about; by default those that come with the program.
    """
    if world is not None:
        _tell(folder, clock, say, world)
        return
    with as_file(files("backchannel.demo") / "world") as shipped:
        _tell(folder, clock, say, shipped)


def _tell(folder: Path, clock: Clock, say: Say, world: Path) -> None:
    with init_node(
        folder / "home",
        name="Harbour Clinic",
        own_networks=OWN_NETWORKS,
        own_domains=OWN_DOMAINS,
        clock=clock,
    ) as node:
        say("1. What we were told")
        _take_in(node, clock, say, world)
        say("\n2. What came of it when we looked into our own logs")
        _look(node, clock, say, world)
        say("\n3. What to do")
        seen = hits(node, clock).by_indicator
        _advise(seen, say)
        say("\n4. Rules for our controls")
        _write_rules(node, clock, say, folder / "exports")
        say("\n5. What we tell them back")
        _answer(node, clock, seen, say)
        _say_rest(node, clock, say)


def _take_in(node: Node, clock: Clock, say: Say, world: Path) -> None:
    added = add_warninglist(node, clock, world / "popular-names.json")
    for name, party, channel, tlp in TOLD:
        receipt = receive(node, clock, [world / "intelligence" / name], party=party, channel=channel, tlp=tlp)
        say(
            f"   {party} by {channel}: {receipt.objects} objects, {receipt.stored} new, {receipt.known} known, "
            f"{receipt.quarantined} quarantined, {receipt.refused} refused"
        )
        for finding in receipt.findings:
            if finding.level != "note":
                say(f"      {finding.level}: {Path(finding.where).name}: {finding.what}")
    say(f"   Our own warning list: {added.list.name}")


def _look(node: Node, clock: Clock, say: Say, world: Path) -> None:
    told: set[tuple[str, str | None]] = set()
    for one in hunt(node, clock, [world / "logs"]):
        if isinstance(one, HuntSummary):
            _say_end(one, say)
        elif (one.indicator, one.asset) not in told:
            told.add((one.indicator, one.asset))
            _say_first(one, say)


def _say_first(hit: Hit, say: Say) -> None:
    state = "" if hit.validity == "inside" else f", {hit.validity} it was valid"
    say(
        f"   {(hit.seen_at or '')[11:19]}  {hit.asset or 'nobody of ours':12} {hit.observable.value}  "
        f"({Path(hit.log.path).name} line {hit.log.line}, {hit.log.field}, {hit.scope}{state}; "
        f"{hit.source.party or 'nobody named'})"
    )


def _say_end(end: HuntSummary, say: Say) -> None:
    say(
        f"   In all {end.hits} hits of {end.indicators} indicators at {end.assets} addresses of ours, "
        f"in {end.records} records of {end.files} logs."
    )
    for skipped in end.skipped:
        say(f"      not read: {Path(skipped.path).name}: {skipped.why}")
    for part in end.uncompiled:
        say(f"      not searched: {part.indicator}: {'; '.join(part.what)}")


def _advise(seen: tuple[IndicatorHits, ...], say: Say) -> None:
    for one in seen:
        if one.advice is None:
            continue
        seen_so = f"{_counted(one.count, 'line')}, {_counted(len(one.assets), 'host')}"
        say(f"   {one.advice.do.upper():8} {one.observable.value}: {seen_so}")
        say(f"            {one.advice.text}")
        say(f"            because {one.advice.why}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _write_rules(node: Node, clock: Clock, say: Say, folder: Path) -> None:
    for control in CONTROLS:
        report = export(node, clock, control, folder / control)
        say(
            f"   {control}: {report.exported} indicators, {report.lines} values; {report.skipped_total} left out"
        )
        for skip in report.skipped[:3]:
            say(f"      left out {skip.value}: {skip.why}")


def _answer(node: Node, clock: Clock, seen: tuple[IndicatorHits, ...], say: Say) -> None:
    for one in seen:
        do = one.advice.do if one.advice else "nothing"
        if one.warninglists:
            answer = dispute(node, clock, one.indicator, text="Our own lists say that this name is harmless.")
        elif do in {"block", "look"}:
            answer = sight(node, clock, one.indicator)
        else:
            answer = acknowledge(node, clock, one.indicator)
        say(f"   {answer.kind}: {one.observable.value}, to {answer.to.party or 'nobody named'}")


def _say_rest(node: Node, clock: Clock, say: Say) -> None:
    waiting = inbox(node, clock, limit=100)
    unseen = [item for item in waiting.items if item.type == "indicator" and item.concerns.state != "yes"]
    say(f"\nOf {len(waiting.items)} items in the inbox, {len(unseen)} indicators were not seen here.")
