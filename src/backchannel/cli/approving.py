"""`release approve`: let a plan go that another person made, where the policy wants two persons."""

from __future__ import annotations

import click

from backchannel.cli.command import pass_session
from backchannel.cli.layout import paragraph
from backchannel.cli.permitting import release
from backchannel.cli.plan_text import plan_text
from backchannel.cli.session import Session
from backchannel.cli.wording import who

__all__ = ["release"]


@release.command("approve", example="backchannel release approve 5f0c9a...")
@click.argument("hash_", metavar="HASH")
@click.option("--show", is_flag=True, help="Only show the plan, and approve nothing.")
@pass_session
def approve(session: Session, *, hash_: str, show: bool) -> None:
    """Approve a plan that another person made, by its whole hash; it is shown as it is now.

    You are told from others by the account that you signed in with. Whoever approves a plan does not send it: another
    person does, with `release send --plan HASH`.
    """
    from backchannel.desk.approving import approve as give  # noqa: PLC0415
    from backchannel.desk.approving import approved_by, planned  # noqa: PLC0415
    from backchannel.desk.persons import person  # noqa: PLC0415

    with session.node() as node:
        plan = planned(node, session.clock, hash_)
        persons = approved_by(node, plan) if show else give(node, session.clock, plan, person())
        found = plan.document(persons)
    if session.form == "json":
        session.document(found)
        return
    session.text(plan_text(found))
    if not show:
        to = who(found.to)
        how = f"backchannel release send --to '{to}' ... --plan {found.plan_sha256}"
        session.tell(paragraph(f"Next: another person than {person()} sends it: `{how}`"))
