"""Progress on stderr, drawn only where a person looks on. rich is imported here, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from backchannel.cli.session import Session

DRAWS_PER_SECOND = 5


class Tell(Protocol):
    """How far something is."""

    def __call__(self, what: str, done: int, total: int | None, note: str = "") -> None:
        """Draw `done` of `total` (None: unknown) bytes of `what`, with a note beside the bar."""
        ...


@contextmanager
def progress(session: Session) -> Iterator[Tell]:
    """Draw a bar while the block runs; without a terminal draw nothing."""
    if not session.draws_progress:
        yield _silent
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    from backchannel.cli.layout import shown  # noqa: PLC0415

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=DRAWS_PER_SECOND,
    )
    with bar:
        task = bar.add_task("", total=None, note="")

        def tell(what: str, done: int, total: int | None, note: str = "") -> None:
            name = escape(shown(what, max_chars=40))
            bar.update(task, description=name, completed=done, total=total, note=escape(note))

        yield tell


def _silent(what: str, done: int, total: int | None, note: str = "") -> None:
    """Draw nothing."""
