"""What every command knows: whose folder, which form of answer, where it goes, and what time it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import click

from backchannel.clock import Clock
from backchannel.errors import BackchannelError, InputError

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

    @contextmanager
    def node(self) -> Iterator[Node]:
        """Open the node, and at the end append to its ledger what was entered meanwhile, or before and left.

        Raises:
            UsageError: there is none in this home.
            StoreError: its store cannot be opened.
        """
        from backchannel.desk.node import open_node  # noqa: PLC0415

        with open_node(self.home) as node:
            yield node
            if node.store.leaves.waiting().leaves or node.store.served.waiting().rows:
                self._append_entered(node)

    def _append_entered(self, node: Node) -> None:
        """Append to the ledger; what was done is done, so a ledger that cannot be written is a warning."""
        from backchannel.desk.entering import append_entered  # noqa: PLC0415

        try:
            append_entered(node, self.clock)
        except BackchannelError as error:
            click.echo(f"Warning: {error.message}\nIt waits in the store. Next: {error.hint}", err=True)

    def tell(self, text: str) -> None:
        """Say a line of the story on stderr, unless asked to be quiet."""
        if not self.quiet:
            click.echo(text, err=True)

    def check_output(self) -> None:
        """See before anything is done that the file of `-o` can be written.

        Raises:
            InputError: it is a folder, or its folder is missing or may not be written.
        """
        if not self._names_a_file or self.output is None:
            return
        folder = self.output.parent
        if self.output.is_dir():
            raise _unwritable(self.output, "it is a folder")
        if not folder.is_dir():
            raise _unwritable(self.output, f"there is no folder {folder}")
        if not os.access(folder, os.W_OK):
            raise _unwritable(self.output, "its folder may not be written")

    @contextmanager
    def result(self) -> Iterator[IO[bytes]]:
        """Give where the result goes: stdout, or the file of `-o`, which is complete or untouched.

        Raises:
            InputError: stdout or the file of `-o` cannot be written.
        """
        if self.output is None or not self._names_a_file:
            to, what = _standard_output(), "the result"
        else:
            to, what = _in_place_of(self.output.resolve()), str(self.output)
        try:
            with to as out:
                yield out
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritable(what, error.strerror or f"{error}") from error

    @property
    def _names_a_file(self) -> bool:
        return self.output is not None and str(self.output) != "-"

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

    def either(self, value: object, text: Callable[[], str]) -> None:
        """Write `value` as JSON where that was asked for, else its text for a person."""
        if self.form == "json":
            self.document(value)
        else:
            self.text(text())

    @property
    def colours(self) -> bool:
        """Whether the result may be coloured: it goes to a terminal, and nobody set `NO_COLOR`."""
        return self.output is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @property
    def draws_progress(self) -> bool:
        """Whether progress is drawn: only where a person looks on."""
        return not self.quiet and sys.stderr.isatty()


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


@contextmanager
def _in_place_of(target: Path) -> Iterator[IO[bytes]]:
    """Give a draft that takes the place of `target` once it is complete."""
    if target.exists() and not target.is_file():  # a pipe or a device is written, not replaced
        with target.open("wb") as pipe:
            yield pipe
        return
    draft = target.with_name(f".{target.name}.new")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _unwritable(what: Path | str, why: str) -> InputError:
    return InputError(f"{what} cannot be written: {why}", hint="Name another file with -o.")
