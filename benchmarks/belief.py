"""How good the judgement of belief is, and what it costs: the two below, one after the other.

    python -m benchmarks.belief

`belief_judgement` sets it beside counting voices, averaging and a score from tags, in worlds of honest sources,
fabricators and copiers; `belief_speed` grades a claim with 1,000 arrivals. Ends with 1 when a goal is missed.
"""

from __future__ import annotations

import sys

from benchmarks import belief_judgement, belief_speed


def main() -> int:
    """Run them all; say whether every goal is reached."""
    return max([part.main() for part in (belief_judgement, belief_speed)])


if __name__ == "__main__":
    sys.exit(main())
