"""Who is at the keyboard: the account that somebody signed in with, which the system keeps apart from those it runs as.

Linux keeps the account of a login through `sudo` and `su`, and lets nobody but an administrator change it. Elsewhere, and
for what no login began, it is the account that runs the command. This tells two honest people apart. Whoever can act as the
owner of the home folder holds the node's keys, and needs no approval for anything.
"""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path
from typing import Final

NOBODY: Final = 2**32 - 1
"""What the kernel keeps for what no login began."""
_LOGIN = Path("/proc/self/loginuid")


def person() -> str:
    """Return who is at the keyboard: the name of an account."""
    number = os.getuid()
    with suppress(OSError, ValueError):
        login = int(_LOGIN.read_text("ascii"))
        number = number if login == NOBODY else login
    with suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return f"account {number}"
