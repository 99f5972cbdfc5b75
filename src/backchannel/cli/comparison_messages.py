"""Messages of a comparison as files, and by a channel."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backchannel.cli.session import Session
from backchannel.errors import InputError, NetworkError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.comparison_session import Session as Comparing
    from backchannel.desk.node import Node
    from backchannel.parties.at_rest import Unseal

MAX_MESSAGE_BYTES: Final = 4 * 2**20
"""Largest file of a message that is read (bytes)."""


def read_message(file: Path, max_bytes: int = MAX_MESSAGE_BYTES) -> bytes:
    """Read a file: `-` is standard input. Of one that is larger, a byte more than is taken.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(max_bytes + 1)
        with file.open("rb") as opened:
            return opened.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error


def check_place(session: Session, to: str | None) -> None:
    """See before anything is made that the message can be written."""
    if to == "-" and session.form == "json":
        raise UsageError("message and document cannot both go to stdout", hint="Name a file with -o.")
    if to == "-" and sys.stdout.isatty():
        raise UsageError("a terminal cannot show a message", hint="Name a file with -o.")
    if to not in {None, "-"}:
        replace(session, output=Path(to or "")).check_output()


def hand_out_message(
    session: Session, node: Node, comparing: Comparing, to: str | None, unseal: Unseal | None
) -> str:
    """Write our newest message where it was asked for; returns where, or nothing where nobody asked."""
    from backchannel.desk.comparing import hand_out  # noqa: PLC0415

    if to is None:
        return ""
    write_message(session, to, hand_out(node, session.clock, comparing, unseal=unseal))
    return to


def carried(session: Session, node: Node, comparing: Comparing, unseal: Unseal | None) -> Comparing:
    """Carry our message by the session's channel, if it has one; what was made is kept if it cannot be reached."""
    import time  # noqa: PLC0415

    from backchannel.channels.opening import open_channel  # noqa: PLC0415
    from backchannel.desk.comparing import session_named  # noqa: PLC0415
    from backchannel.desk.comparison_calling import call as bring  # noqa: PLC0415

    if not comparing.row.channel:
        return comparing
    try:
        return bring(node, session.clock, comparing.name, open_channel, pause=time.sleep, unseal=unseal)
    except NetworkError as error:
        session.tell(
            f"Warning: {error.message}\nIt is kept. Next: backchannel compare call {comparing.name[:8]}"
        )
        return session_named(node, comparing.name)


def write_message(session: Session, to: str, data: bytes) -> None:
    """Write a message where it was asked for; when this returns, it is on the disk."""
    with replace(session, output=Path(to)).result() as out:
        out.write(data)
        if to != "-":
            out.flush()
            os.fsync(out.fileno())
