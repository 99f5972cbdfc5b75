"""`policy check`: whether a release policy is of its form, does what its own tests say, and can be meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Group, pass_session
from backchannel.cli.layout import counted, facts, heading, joined, paragraph, table
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, InputError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.policy_checking import PolicyChecked


@click.group(cls=Group)
def policy() -> None:
    """The release policy: what may leave, to whom, and why (`policy.toml` in the home folder)."""


@policy.command(
    "check",
    example="""
    backchannel policy check
    backchannel policy check draft.toml
    """,
)
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@pass_session
@click.pass_context
def check(ctx: click.Context, session: Session, *, file: Path | None) -> None:
    """Read a policy strictly, run its own test cases, and name what in it cannot be meant.

    FILE is looked at as if it were the policy in force, which is checked where none is named. Exit code 1: a test
    failed, or something cannot be meant; 3: it is not of its form, so nothing would leave under it.
    """
    from backchannel.desk.policy_checking import check_policy  # noqa: PLC0415

    try:
        with session.node() as node:
            found = check_policy(node, file)
    except UsageError:
        if file is None:
            raise
        found = check_policy(None, file)  # a draft can be checked where there is no node
    if session.form == "json":
        session.document(found)
    else:
        session.text(policy_text(found))
    if found.state == "broken":
        raise InputError(
            f"{found.file} is no policy: {counted(len(found.faults), 'fault')}",
            hint="Mend the lines named above; until then nothing leaves under it.",
        )
    ctx.exit(EXIT_NEEDS_YOU if found.state == "look" else EXIT_DONE)


def policy_text(found: PolicyChecked) -> str:
    """Return what was found as text: what is wrong first, then what the policy says."""
    parts = [
        heading(
            joined(
                found.file or "no policy.toml",
                {"none": "TLP alone decides", "fine": "fine", "look": "look at it", "broken": "broken"}[
                    found.state
                ],
                f"version {found.version}" if found.version else "",
            )
        )
    ]
    for fault in found.faults:
        parts.append(paragraph(str(fault)))
        parts.append(facts([("mend", fault.mend)], indent=2))
    for doubt in found.doubts:
        where = f"line {doubt.line}, " if doubt.line else ""
        parts.append(paragraph(f"{where}{doubt.about}: {doubt.what}"))
        parts.append(facts([("mend", doubt.mend)], indent=2))
    if found.cases:
        rows = [("passed" if one.passed else "FAILED", one.name, one.expected, one.found, one.rule)
                for one in sorted(found.cases, key=lambda one: one.passed)]  # fmt: skip
        parts.append(heading(f"Its own tests: {found.failed:,} of {len(found.cases):,} failed"))
        parts.append(table(("", "test", "expected", "found", "rule"), rows, keep=("",)))
    if found.says:
        parts.append(heading("What it says"))
        parts.append(facts([(one.part, one.says) for one in found.says], indent=2))
    return "\n".join(parts)
