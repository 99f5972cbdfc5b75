"""Where a drop goes and in which form: the options that all share who hand one on, and the handing on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from backchannel.cli.session import Session
from backchannel.errors import BackchannelError, NetworkError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.drop_documents import SentDrop
    from backchannel.desk.releasing import Made


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """Where to, and as what."""

    output: str | None
    """A file; a folder, if it is one or ends with a slash; `-` for stdout."""
    armored: bool
    part_chars: int | None
    qr: Path | None
    """Folder for pictures."""
    channel: str | None = None
    """A channel that carries drops, in place of all these."""
    is_many: bool = False
    """Whether several drops are handed on."""

    @property
    def is_stdout(self) -> bool:
        """Whether the drop itself goes to stdout."""
        return self.output == "-"

    def check(self, session: Session, drops: int) -> None:
        """See before anything is made that it can be handed on so.

        Raises:
            UsageError: no place is named, or it does not fit to the form.
            InputError: the file cannot be written.
            NotFoundError: there is no such channel.
        """
        if self.channel is not None:
            self._check_channel(session, self.channel)
            return
        if self.output is None and self.qr is None:
            raise UsageError(
                "no place is named for the drop",
                hint="Name a file or folder with -o, --qr DIR or --channel NAME.",
            )
        if self.armored and self.part_chars is not None:
            raise UsageError("parts are text already", hint="Leave --armor out, or --split.")
        if self.is_stdout and session.form == "json":
            raise UsageError("drop and document cannot both go to stdout", hint="Name a file with -o.")
        if self.is_stdout and drops > 1:
            raise UsageError("several drops cannot go to stdout at once", hint="Name a folder: -o DIR/")
        is_binary = not self.armored and self.part_chars is None
        if self.is_stdout and is_binary and sys.stdout.isatty():
            raise UsageError("a terminal cannot show a drop", hint="Add --armor, or name a file with -o.")
        if self.output is None or self.is_stdout:
            return
        path = Path(self.output)
        if self._is_folder(path, drops):
            if path.exists() and not path.is_dir():
                raise UsageError(
                    f"{path} is a file, and several are to be written", hint="Name a folder: -o DIR/"
                )
        else:
            replace_output(session, path).check_output()

    def _check_channel(self, session: Session, channel: str) -> None:
        from backchannel.desk.outbox import check_carrier  # noqa: PLC0415

        if self.output is not None or self.qr is not None or self.armored or self.part_chars is not None:
            raise UsageError(
                "a channel takes the drop as it is, to its own place",
                hint="Leave -o, --qr, --armor and --split out.",
            )
        with session.node() as node:
            check_carrier(node.store, channel)

    def hand_on(self, session: Session, made: Made) -> SentDrop:
        """Hand a drop on; returns its document with where it lies.

        Raises:
            BackchannelError: it cannot be written so; it was sent under its number, and the hint says how to get it.
        """
        if self.channel is not None:
            where = _by_channel(session, self.channel, made.path)
            return msgspec.structs.replace(made.document, paths=(where,))
        try:
            return msgspec.structs.replace(made.document, paths=tuple(self._write(session, made)))
        except BackchannelError as error:
            error.hint = (
                f"{error.hint} It is made, and kept: `backchannel release again "
                f"{made.document.drop.removeprefix('sha256:')[:12]} -o FILE`"
            )
            raise

    def _write(self, session: Session, made: Made) -> list[str]:
        from backchannel.desk.handing import Form, write_into, write_out  # noqa: PLC0415

        form = Form(armored=self.armored, part_chars=self.part_chars)
        paths: list[Path] = []
        if self.qr is not None:
            from backchannel.cli.pictures import draw  # noqa: PLC0415

            paths += draw(made.path, self.qr)
        if self.output is None:
            return [str(path) for path in paths]
        target = Path(self.output)
        if self.is_stdout:
            with replace(session, output=None).result() as out:
                write_out(made.path, form, out)
        elif self._is_folder(target, 2 if self.is_many else 1):
            paths += write_into(made.path, form, target)
        else:
            with replace_output(session, target).result() as out:
                write_out(made.path, form, out)
            paths.append(target)
        return [str(path) for path in paths]

    def _is_folder(self, path: Path, drops: int) -> bool:
        named = str(self.output).endswith(("/", "\\"))
        return named or path.is_dir() or drops > 1 or self.part_chars is not None


def _by_channel(session: Session, channel: str, drop: Path) -> str:
    import time  # noqa: PLC0415

    from backchannel.channels.opening import open_channel  # noqa: PLC0415
    from backchannel.desk.handing_on import hand_on  # noqa: PLC0415

    with session.node() as node:
        handed = hand_on(node, session.clock, channel, drop, open_channel, pause=time.sleep)
    if handed.error is not None:
        raise NetworkError(
            handed.error,
            hint=f"The drop is made, and goes with the next poll: backchannel channel poll {handed.channel}",
        )
    return f"{handed.channel}: {handed.where}"


def replace_output(session: Session, path: Path) -> Session:
    """Return a session whose result goes into a file."""
    return replace(session, output=path)


def handing_options(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options of where a drop goes and in which form, as one argument `handing`."""

    @wraps(command)
    def with_handing(
        *args: object,
        output: str | None,
        armored: bool,
        split: str | None,
        qr: Path | None,
        channel: str | None,
        **more: object,
    ) -> object:
        to = more.get("to")
        handing = Handing(
            output=output,
            armored=armored,
            part_chars=None if split is None else _characters(split),
            qr=qr,
            channel=channel,
            is_many=isinstance(to, tuple) and len(to) > 1,
        )
        return command(*args, handing=handing, **more)

    wrapped: Callable[..., object] = with_handing
    for option in (
        click.option("--channel", metavar="NAME", help="By this channel, a folder or a drop box."),
        click.option(
            "--qr",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Draw it as QR codes, with a sheet to show or print: small drops only.",
        ),
        click.option("--split", metavar="SIZE", help="As numbered texts of so many characters at most: 60k."),
        click.option("--armor", "armored", is_flag=True, help="As text, for mail and chat."),
        click.option(
            "-o",
            "--output",
            metavar="FILE|DIR|-",
            help="Where to: a file; a folder, for random names; - for stdout.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


_THOUSANDS = {"": 1, "k": 1_000, "m": 1_000_000}


def _characters(text: str) -> int:
    number = text.strip().lower()
    unit = number[-1:] if number[-1:] in {"k", "m"} else ""
    digits = number.removesuffix(unit)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise UsageError(f"--split {text!r} is no number of characters", hint="For example 60k.")
    return int(digits) * _THOUSANDS[unit]
