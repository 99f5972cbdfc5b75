"""Acts 1 to 5: the clinic is told things, looks into its own logs, acts on what it finds, and answers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backchannel.clock import Clock
from backchannel.codec import JsonObject
from backchannel.demo.telling import Say
from backchannel.desk.answering import acknowledge, dispute, sight
from backchannel.desk.exporting import export
from backchannel.desk.hitting import Hit, HuntSummary, IndicatorHits
from backchannel.desk.hunting import hunt
from backchannel.desk.node import Node
from backchannel.desk.receive import receive
from backchannel.desk.warninglists import add_warninglist

TOLD: Final = (
    ("northpier-telecom-weekly.json", "Northpier Telecom", "mail", None),
    ("northpier-telecom-senders.csv", "Northpier Telecom", "mail", "amber"),
    ("cert-vessland-slack-tide.json", "CERT Vessland", "file", None),
    ("lantern-help-line.txt", "Lantern Help Line", "phone", "amber+strict"),
)
"""File, party, channel, and the marking of what comes unmarked."""
CONTROLS: Final = ("zeek", "suricata", "rpz")


def mail_addresses_in(world: Path) -> JsonObject:
    """Return the section of the settings that lets mail addresses be looked for in the clinic's mail log."""
    log = world.absolute() / "logs" / "zeek" / "smtp.log"
    return {"logs": str(log), "kinds": "email", "purpose": "phishing"}


def take_in(node: Node, clock: Clock, say: Say, world: Path) -> None:
    """Import what the parties told, and our own warning list."""
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


def look(node: Node, clock: Clock, say: Say, world: Path) -> None:
    """Hunt in our own logs, and say of each indicator where it was seen first."""
    for switch in node.settings.personal:
        logs = ", ".join(Path(log).name for log in switch.logs)
        say(f"   Looked for in {logs} too, against {', '.join(switch.purposes)}: {', '.join(switch.kinds)}")
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


def write_rules(node: Node, clock: Clock, say: Say, folder: Path) -> None:
    """Write rules for our controls, and say what was left out."""
    for control in CONTROLS:
        report = export(node, clock, control, folder / control)
        say(
            f"   {control}: {report.exported} indicators, {report.lines} values; {report.skipped_total} left out"
        )
        for skip in report.skipped[:3]:
            say(f"      left out {skip.value}: {skip.why}")


def answer_all(node: Node, clock: Clock, seen: tuple[IndicatorHits, ...], say: Say) -> None:
    """Say back to each source what came of its indicator."""
    for one in seen:
        do = one.advice.do if one.advice else "nothing"
        if one.warninglists:
            answer = dispute(node, clock, one.indicator, text="Our own lists say that this name is harmless.")
        elif do in {"block", "look"}:
            answer = sight(node, clock, one.indicator)
        else:
            answer = acknowledge(node, clock, one.indicator)
        say(f"   {answer.kind}: {one.observable.value}, to {answer.to.party or 'nobody named'}")
