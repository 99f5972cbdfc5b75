"""Look into a watched folder: take every file that is whole and new, each once, and leave the folder as it is.

The folder may be shared, read-only, and written to by whoever likes; so only plain files are opened, never one that
is reached by a link, none beyond the size of a drop, and what is read is a private copy. A file that is still being
written is left for the next look: one counts as whole once its size and time of change are the same in two looks, or
at once where its name is such as we give ourselves by renaming into place (`desk.handing`: 16 random digits).
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from backchannel.clock import Clock
from backchannel.desk.carriers import shown_name
from backchannel.desk.carrying import Carrier, carry, carry_joined, forget_old_parts, keep_others
from backchannel.desk.channel import Pause
from backchannel.desk.node import Node
from backchannel.drop import limits
from backchannel.errors import NetworkError
from backchannel.parties.at_rest import Unseal
from backchannel.store.carried import Carried, SeenFile

MAX_NAMES: Final = 100_000
"""Names of one folder that are read; beyond them the folder is not looked into: somebody should tidy it up."""
MAX_LOOK_S: Final = 300.0
"""How long one look may take (seconds): other channels wait for it. The rest is left for the next one."""
SETTLE_S: Final = 2.0
"""How long a look waits for what it sees for the first time to stay as it is (seconds)."""

_WHOLE: Final = re.compile(rb"[0-9a-f]{16}(-[0-9]{1,4})?\.(bcb|txt)\Z")
_TEMPORARY: Final = re.compile(
    rb"\.|~|.*(\.(part|partial|tmp|temp|crdownload|filepart|swp)|~)\Z", re.IGNORECASE | re.DOTALL
)

Tell = Callable[[str], None]


@dataclass(slots=True)
class Found:
    """What one look found."""

    files: list[Carried] = field(default_factory=list)
    """What was looked into for the first time."""
    waiting: int = 0
    """Files that are still being written, as far as can be seen."""
    left: int = 0
    """Files that were not looked into for want of time."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks."""

    node: Node
    clock: Clock
    carrier: Carrier
    pause: Pause
    """Waits; raises where the look has to end."""
    unseal: Unseal | None = None
    """Opens our keys."""
    tell: Tell = lambda _: None
    """Called with the name of each file that is looked into."""


def look(folder: Path, looker: Looker, found: Found) -> None:
    """Look into a folder once; what was taken before an error is taken, and told in `found`.

    Raises:
        NetworkError: the folder cannot be read.
        StoreError: something cannot be kept.
        SignatureError: our own keys cannot be opened.
    """
    _Look(folder, looker, found).run()


class _Look:
    """One look."""

    def __init__(self, folder: Path, looker: Looker, found: Found) -> None:
        self._folder, self._looker, self._found = folder, looker, found
        self._node, self._row = looker.node, looker.carrier.channel_row
        self._kept = self._node.store.carried
        self._until = time.monotonic() + MAX_LOOK_S
        self._others: list[Carried] = []

    def run(self) -> None:
        forget_old_parts(self._node, self._looker.clock)
        self._take_joined()
        before = {one.name: one for one in self._kept.seen(self._row)}
        now = _names(self._folder)
        self._forget(before.keys() - now.keys())
        todo: list[SeenFile] = []
        fresh: list[SeenFile] = []
        left: list[SeenFile] = []
        for name, seen in now.items():
            known = before.get(name)
            if known is not None and _is_same(known, seen):
                if not known.is_done and not seen.is_done:
                    todo.append(seen)
            elif seen.is_done:
                left.append(seen)
            else:
                (todo if _WHOLE.match(name) else fresh).append(seen)
        self._keep([*left, *fresh])
        todo += self._settled(fresh)
        self._take(sorted(todo, key=lambda seen: (seen.changed_ns, seen.name)))

    def _settled(self, fresh: list[SeenFile]) -> list[SeenFile]:
        """Return those of the files seen for the first time that stay as they are for a little while."""
        if not fresh:
            return []
        self._looker.pause(SETTLE_S)
        after = _names(self._folder)
        changed = [
            after[seen.name] for seen in fresh if seen.name in after and not _is_same(after[seen.name], seen)
        ]
        self._keep(changed)
        self._found.waiting = len(changed)
        return [seen for seen in fresh if seen.name in after and _is_same(after[seen.name], seen)]

    def _take(self, todo: list[SeenFile]) -> None:
        done: list[SeenFile] = []
        try:
            for number, seen in enumerate(todo):
                self._looker.pause(0)
                if time.monotonic() > self._until:
                    self._found.left = len(todo) - number
                    return
                done.append(self._take_one(seen))
        finally:
            self._keep(done)  # if this is not reached, they are read once more and found to be known

    def _take_one(self, seen: SeenFile) -> SeenFile:
        name = shown_name(seen.name)
        self._looker.tell(name)
        try:
            with _opened(self._folder, seen.name) as file:
                found = carry(
                    self._node,
                    self._looker.clock,
                    self._looker.carrier,
                    file,
                    name,
                    unseal=self._looker.unseal,
                )
        except OSError as error:
            why = f"it cannot be read: {error.strerror or type(error).__name__}"
            return seen._replace(why=why)
        if found is not None:
            self._found.files.append(found)
            self._others.append(found)
            if found.state == "part":
                self._take_joined()
        return seen._replace(is_done=True)

    def _take_joined(self) -> None:
        self._found.files += carry_joined(
            self._node, self._looker.clock, self._looker.carrier, unseal=self._looker.unseal
        )

    def _keep(self, files: list[SeenFile]) -> None:
        if files:
            with self._node.store.transaction():
                keep_others(self._node, self._others)
                self._kept.put_seen(self._row, files)
            self._others = []

    def _forget(self, names: Iterable[bytes]) -> None:
        with self._node.store.transaction():
            self._kept.forget_seen(self._row, names)


def _names(folder: Path) -> dict[bytes, SeenFile]:
    """Return the files of a folder as they are; those that are left alone as done, with why.

    Raises:
        NetworkError: it cannot be read, or holds too many.
    """
    found: dict[bytes, SeenFile] = {}
    try:
        with os.scandir(os.fsencode(folder)) as entries:
            for entry in entries:
                if len(found) >= MAX_NAMES:
                    raise NetworkError(
                        f"{folder} holds more than {MAX_NAMES:,} files, so it is not looked into",
                        hint="Move old ones away: we delete nothing in it.",
                    )
                seen = None if _TEMPORARY.match(entry.name) else _seen(entry)
                if seen is not None:
                    found[seen.name] = seen
    except OSError as error:
        raise NetworkError(
            f"{folder} cannot be read: {error.strerror}", hint="It is looked into again at the next poll."
        ) from None
    return found


def _seen(entry: os.DirEntry[bytes]) -> SeenFile | None:
    """Return a file as it is; None for a folder, and for what went away meanwhile."""
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    why = ""
    if stat.S_ISLNK(found.st_mode):
        why = "it is a link, and links are not followed"
    elif not stat.S_ISREG(found.st_mode):
        why = "it is no plain file"
    elif found.st_size > limits.MAX_FILE_BYTES:
        why = f"it has {found.st_size:,} bytes, and a drop at most {limits.MAX_FILE_BYTES:,}"
    return SeenFile(entry.name, found.st_size, found.st_mtime_ns, is_done=bool(why), why=why)


def _is_same(one: SeenFile, other: SeenFile) -> bool:
    return (one.size, one.changed_ns) == (other.size, other.changed_ns)


def _opened(folder: Path, name: bytes) -> BinaryIO:
    """Open a plain file of the folder, and nothing that it became since it was looked at.

    Raises:
        OSError: it cannot be opened, or is another kind of thing now.
    """
    path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118  # a name of any bytes
    # Of a pipe nothing is waited for.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no plain file any more")
    return file
