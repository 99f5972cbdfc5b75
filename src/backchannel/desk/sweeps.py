"""Python's collector of cycles, held back while much is read that leaves none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SWEEP_OBJECTS = 200_000
"""Objects made, less those freed, after which Python looks for cycles during an import or a plan."""


@contextmanager
def fewer_sweeps() -> Iterator[None]:
    """Let the collector of cycles wake less often.

    Its rule, every few hundred objects made, is for programs that leave cycles behind; reading leaves none,
    and each time it walks what lives for nothing.
    """
    usual = gc.get_threshold()
    gc.set_threshold(SWEEP_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
