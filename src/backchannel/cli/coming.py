"""`receive`: whatever a party handed us, by any way: drops in every form, statements, introductions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session, path_from_word
from backchannel.cli.late_hits import tell_late_hits
from backchannel.cli.layout import counted, facts, heading, joined
from backchannel.cli.passphrases import ask_passphrase, passphrase_option, unseal_of
from backchannel.cli.progress import progress
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, UsageError

if TYPE_CHECKING:
    from backchannel.desk.coming_documents import ReceivedThing, ReceivedThings
    from backchannel.desk.drop_documents import Noted, ReceivedDrop

MAX_NUMBERS_SHOWN = 30


@click.command(
    cls=Command,
    example="""
    backchannel receive beta.bcb
    backchannel receive mail-1.txt mail-2.txt mail-3.txt
    backchannel receive beta.bcb --files attachments/
    wl-paste | backchannel receive -
    """,
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--late", is_flag=True, help="Take a drop whose time is over, too; it has no weight.")
@click.option(
    "--files",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Save attachments in this folder. Nothing there is overwritten.",
)
@click.option(
    "--drop-passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file whose first line is the passphrase that the drop is under.",
)
@passphrase_option
@pass_session
@click.pass_context
def receive(
    ctx: click.Context,
    session: Session,
    *,
    files: tuple[str, ...],
    late: bool,
    folder: Path | None,
    drop_passphrase_file: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Take what a party handed you: a drop as file, text, numbered parts or QR codes, a statement, an introduction.

    FILE may be `-` for standard input; what it is shows in its content. Exit code 1: taken, and something needs
    you; 3: a part is missing, or it is something else; 4, 5: refused, and kept (`refused list`).
    """
    from backchannel.desk.coming import receive_files  # noqa: PLC0415
    from backchannel.desk.taking import TakeTerms  # noqa: PLC0415

    if files.count("-") > 1:
        raise UsageError("standard input can be read once", hint="Write - once.")
    passphrase = None
    if drop_passphrase_file is not None:
        passphrase = ask_passphrase(drop_passphrase_file, "of the drop")
    with session.node() as node, progress(session) as tell:
        found = receive_files(
            node,
            session.clock,
            [path_from_word(word) for word in files],
            TakeTerms(place="", late=late, passphrase=passphrase, files=folder),
            unseal=unseal_of(node, passphrase_file),
            tell=tell,
        )
        has_hits = tell_late_hits(session, node)
    if session.form == "json":
        session.document(found)
    else:
        session.text("\n".join(map(_thing_text, found.things)))
        _say_next(session, found)
    ctx.exit(_exit_code(found) or (EXIT_NEEDS_YOU if has_hits else EXIT_DONE))


def _exit_code(found: ReceivedThings) -> int:
    """Return how it ends: what was refused stands before what is missing, and that before what needs a person."""
    for state in ("refused", "incomplete", "not for here"):
        for one in found.things:
            if one.state == state:
                return one.exit_code
    drops = [one.drop for one in found.things if one.drop is not None]
    needs_you = any(drop.quarantined or drop.refused or drop.conflict for drop in drops)
    return EXIT_NEEDS_YOU if needs_you else EXIT_DONE


def _thing_text(one: ReceivedThing) -> str:
    where = one.places[0] + (f" and {len(one.places) - 1:,} more" if len(one.places) > 1 else "")
    if one.drop is not None:
        return _drop_text(one.drop, where)
    head = heading(joined(where, one.what if one.what != "other" else "", one.state))
    lines = [("", one.says)]
    if one.missing:
        shown = ", ".join(map(str, one.missing[:MAX_NUMBERS_SHOWN]))
        more = len(one.missing) - MAX_NUMBERS_SHOWN
        lines = [("missing", shown + (f" and {more:,} more" if more > 0 else ""))]
    elif one.refusal is not None:
        lines = [
            ("", one.says if one.what == "statements" else ""),
            ("why", f"{one.refusal.code}: {one.refusal.means}" + _detail(one.refusal)),
            ("mend", one.refusal.mend),
            ("kept", "" if one.refused_as is None else f"as it came, under the number {one.refused_as}"),
        ]
    return f"{head}\n{facts(lines, indent=2)}"


def _drop_text(one: ReceivedDrop, where: str) -> str:
    head = heading(joined(f"Drop {one.seq:,} from {one.sender}", one.state, where))
    signed = "signed" if not one.deniable else "not signed: only you can know that it is theirs"
    objects = ", ".join(
        f"{count:,} {name}"
        for name, count in (
            ("stored", one.stored),
            ("known", one.known),
            ("in conflict", one.conflict),
            ("quarantined", one.quarantined),
            ("refused", one.refused),
        )
        if count
    )
    rows = [
        ("state", signed),
        ("objects", f"{one.objects:,}: {objects}" if one.objects else ""),
        ("batch", "" if one.batch is None else f"{one.batch}"),
        ("statements", f"{one.statements:,}" if one.statements else ""),
        ("receipts", f"{one.receipts:,}" if one.receipts else ""),
        *(("file", name) for name in one.files),
        *(("note", f"{note.code}: {note.means}{_detail(note)}. {note.mend}") for note in one.notes),
    ]
    return f"{head}\n{facts(rows, indent=2)}"


def _detail(note: Noted) -> str:
    return f" ({note.detail})" if note.detail else ""


def _say_next(session: Session, found: ReceivedThings) -> None:
    if any(one.refused_as is not None for one in found.things):
        session.tell("Next: backchannel refused list")
    taken = [one.drop for one in found.things if one.drop is not None and one.drop.state == "taken"]
    if taken:
        objects = sum(one.objects for one in taken)
        session.tell(f"{counted(objects, 'object')} came. Next: backchannel inbox, or backchannel why ID")
