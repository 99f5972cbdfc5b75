"""What every command knows: whose folder, which form of answer, where it goes, and what time it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import click

from backchannel.clock import Clock
from backchannel.errors import InputError

if TYPE_CHECKING:
    from backchannel.desk.node import Node

HOME_VARIABLE = "BACKCHANNEL_HOME"
DEBUG_VARIABLE = "BACKCHANNEL_DEBUG"

Form = Literal["text", "json", "jsonl"]


@dataclass
class Session:
    """One run of one command. The options that every command takes fill it in."""

    clock: Clock
    chosen_home: Path | None = None
    form: Form = "text"
    quiet: bool = False
    output: Path | None = None
    """Where the result goes instead of stdout."""

    @property
    def home(self) -> Path:
        """The node's folder: `--home`, else `BACKCHANNEL_HOME`, else the platform's folder for a user's data."""
        if self.chosen_home is not None:
            return self.chosen_home
        if named := os.environ.get(HOME_VARIABLE):
            return Path(named)
        from backchannel.settings import default_home  # noqa: PLC0415

        return default_home()

    def node(self) -> Node:
        """Open the node. Use it in a `with`.

        Raises:
            UsageError: there is none in this home.
            StoreError: its store cannot be opened.
        """
        from backchannel.desk.node import open_node  # noqa: PLC0415

        return open_node(self.home)

    def tell(self, text: str) -> None:
        """Say a line of the story on stderr, unless asked to be quiet."""
        if not self.quiet:
            click.echo(text, err=True)

    @contextmanager
    def result(self) -> Iterator[IO[bytes]]:
        """Give where the result goes: stdout, or the file of `-o`, which is complete or untouched.

        Raises:
            InputError: the file of `-o` cannot be written.
        """
        if self.output is None or str(self.output) == "-":
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        draft = self.output.with_name(f".{self.output.name}.new")
        try:
            with draft.open("wb") as file:
                yield file
            draft.replace(self.output)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise InputError(
                f"{self.output} cannot be written: {error.strerror}", hint="Name another file with -o."
            ) from error
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def document(self, value: object) -> None:
        """Write one document as JSON, with a line end."""
        from backchannel.codec import encode  # noqa: PLC0415

        with self.result() as out:
            out.write(encode(value) + b"\n")

    def text(self, text: str) -> None:
        """Write text for a person as the result."""
        with self.result() as out:
            out.write(click.unstyle(text).encode() if not self.colours else text.encode())
            out.write(b"\n")

    @property
    def colours(self) -> bool:
        """Whether the result may be coloured: it goes to a terminal, and nobody set `NO_COLOR`."""
        return self.output is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @property
    def draws_progress(self) -> bool:
        """Whether progress is drawn: only where a person looks on."""
        return not self.quiet and sys.stderr.isatty()
