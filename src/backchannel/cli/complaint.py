"""What went wrong, in words, on stderr: what happened, why it matters, and the next command."""

from __future__ import annotations

import os
import sys
import traceback

import click

from backchannel import __version__
from backchannel.cli.layout import MAX_TEXT_CHARS, prose_width, shown, wrapped
from backchannel.cli.session import DEBUG_VARIABLE
from backchannel.errors import BackchannelError


def complain(error: BackchannelError) -> None:
    """Say an error that the user can mend."""
    _say("error", error.message)
    if error.hint:
        _say("next", error.hint)
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)


def complain_of_usage(error: click.ClickException) -> None:
    """Say that the command is not of the right form, and how to learn its form."""
    _say("error", error.format_message())
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    _say("next", f"{ctx.command_path if ctx else 'backchannel'} --help")


def complain_of_bug(error: Exception) -> None:
    """Say that it is our bug, in one sentence; the trace only where somebody asked for it."""
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    what = shown(str(error), max_chars=200)
    _say("bug", f"Backchannel {__version__} failed in a way it should not: {type(error).__name__}: {what}")
    _say("next", f"run it again with {DEBUG_VARIABLE}=1 and report what it prints")


def explain_interruption() -> None:
    """Say that it was stopped, and that nothing is left half done."""
    click.echo(err=True)
    _say("stopped", "nothing is half done: what was not finished is not kept")


def _say(label: str, text: str) -> None:
    colour = {"error": "red", "bug": "red", "next": "cyan", "stopped": "yellow"}[label]
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    left = f"{label}: "
    # A command in a hint is copied: it keeps its blanks, and only a very narrow terminal breaks it.
    lines = list(wrapped(shown(text, max_chars=MAX_TEXT_CHARS), max(prose_width() - len(left), 20)))
    first = click.style(left, fg=colour, bold=True) if coloured else left
    click.echo(first + f"\n{' ' * len(left)}".join(lines), err=True)
