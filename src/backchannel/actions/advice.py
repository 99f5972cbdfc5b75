"""What to do, as said to a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Do = Literal["block", "look", "tell", "nothing", "ask"]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, as said to a person."""

    do: Do
    text: str
    """What to do now, with the next command where there is one."""
    why: str
    """The facts that decided; never empty."""
