"""The shape that every command has: the options they share, and an example in the help."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import cast

import click

from backchannel.cli.session import Form, Session

pass_session = click.make_pass_decorator(Session)


def path_from_word(word: str) -> Path | None:
    """Read a path on the command line: `-` is standard input."""
    return None if word == "-" else Path(word)


def read_words(word: str) -> str:
    """Read a text on the command line: `-` is standard input, `@FILE` the content of a file.

    Raises:
        InputError: the file cannot be read, or is no UTF-8.
    """
    from backchannel.errors import InputError  # noqa: PLC0415

    if word != "-" and not word.startswith("@"):
        return word
    try:
        if word == "-":
            return sys.stdin.read(_MAX_WORDS).strip() if sys.stdin else ""
        with Path(word[1:]).open(encoding="utf-8") as file:
            return file.read(_MAX_WORDS).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InputError(f"{word} cannot be read: {why}", hint="Write the text as an argument.") from error


_MAX_WORDS = 2**16
"""Characters of a text given to a command; a note in a STIX object is shorter than a page."""


def gathered(
    name: str, kind: type, *options: Callable[..., object]
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Give a command many options as one argument.

    Args:
        name: of the argument.
        kind: its dataclass, with a field for each option.
        options: what `click.option` returns, in the order of the help.
    """
    names = [field.name for field in fields(kind)]

    def with_options(command: Callable[..., object]) -> Callable[..., object]:
        @wraps(command)
        def run(*args: object, **more: object) -> object:
            given = {one: more.pop(one) for one in names}
            return command(*args, **{name: kind(**given)}, **more)

        wrapped: Callable[..., object] = run
        for option in reversed(options):
            wrapped = cast("Callable[..., object]", option(wrapped))
        return wrapped

    return with_options


class Command(click.Command):
    """A command with the options that all of them take.

    Args:
        forms: which machine forms it can answer in.
        writes_file: whether `-o` names a file for the result; False where it means something else, or nothing.
        example: lines shown under "Examples" in the help.
    """

    def __init__(
        self,
        *args: object,
        forms: tuple[Form, ...] = ("json",),
        writes_file: bool = True,
        example: str = "",
        **attributes: object,
    ) -> None:
        super().__init__(*args, **attributes)  # type: ignore[arg-type]
        self.params += _shared(forms, writes_file=writes_file)
        self.forms, self.writes_file = forms, writes_file
        self.example = example

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, unless its answer was asked for in a form or at a place that it does not have."""
        session: Session = ctx.obj
        if session.form not in {"text", *self.forms}:
            raise click.UsageError(f"{ctx.command_path} has no --{session.form}", ctx)
        if session.output is not None and not self.writes_file:
            raise click.UsageError(f"{ctx.command_path} writes no result that -o could name a file for", ctx)
        session.check_output()
        return super().invoke(ctx)

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002  # click names it
        """Return the first sentence of the help, whole: a cut one tells nothing."""
        first, _, _ = inspect.cleandoc(self.help or "").partition("\n\n")
        return " ".join(first.split()).partition(". ")[0].removesuffix(".")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options, line by line as they stand."""
        if self.example:
            with formatter.section("Examples"):
                for line in self.example.strip().splitlines():
                    formatter.write(f"  {line.strip()}\n")
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """A group of commands; those in it have the shape of `Command`."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click names it
        """Name the commands in the order in which a newcomer meets them, not in that of the alphabet."""
        return list(self.commands)


Group.group_class = Group


def global_options(function: Callable[..., object]) -> Callable[..., object]:
    """Let the program itself take the options that its commands take: before or after, as one writes."""
    for option in _shared(("json", "jsonl"), writes_file=True):
        cast("list[click.Parameter]", function.__dict__.setdefault("__click_params__", [])).insert(0, option)
    return function


def _shared(forms: tuple[Form, ...], *, writes_file: bool) -> list[click.Parameter]:
    options: list[click.Parameter] = []
    if "json" in forms:
        options.append(_flag("--json", "form", "json", "Answer with one JSON document."))
    if "jsonl" in forms:
        options.append(_flag("--jsonl", "form", "jsonl", "Answer with JSON, one document a line."))
    if writes_file:
        options.append(
            click.Option(
                ["-o", "--output"],
                type=click.Path(path_type=Path),
                expose_value=False,
                callback=_fill("output"),
                help="Write the result to this file instead of stdout.",
            )
        )
    options.append(
        click.Option(
            ["--home"],
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_fill("chosen_home"),
            help="The node's folder. [env: BACKCHANNEL_HOME]",
        )
    )
    options.append(_flag("--quiet", "quiet", True, "Say nothing on stderr but errors."))
    return options


def _flag(name: str, attribute: str, value: object, text: str) -> click.Option:
    return click.Option(
        [name, f"_{attribute}_{name.strip('-')}"],
        is_flag=True,
        expose_value=False,
        callback=lambda ctx, _, given: setattr(ctx.obj, attribute, value) if given else None,
        help=text,
    )


def _fill(attribute: str) -> Callable[[click.Context, click.Parameter, object], None]:
    """Return a callback that keeps an option's value in the session; a later one stands over an earlier one."""

    def keep(ctx: click.Context, _: click.Parameter, value: object) -> None:
        if value is not None:
            setattr(ctx.obj, attribute, value)

    return keep
