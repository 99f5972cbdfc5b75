"""What came just now and was in our logs before: looked for after each command that takes something in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backchannel.cli.layout import counted, shown
from backchannel.cli.session import Session
from backchannel.errors import BackchannelError

if TYPE_CHECKING:
    from backchannel.desk.node import Node

MAX_SHOWN = 5
"""Values named; `hits` has all."""


def tell_late_hits(session: Session, node: Node) -> bool:
    """Look in the day index for what came, and tell on stderr what is there; return whether something is.

    What was taken in is kept whatever comes of it: where the index cannot be used, that is told, no more.
    """
    from backchannel.desk.rehunting import rehunt_arrived  # noqa: PLC0415  # loads the hunter

    try:
        found = rehunt_arrived(node, session.clock)
    except BackchannelError as error:
        session.tell(f"Not looked for in old logs: {error.message}")
        return False
    if found is None or not found[1].hits:
        return False
    hits, summary = found
    values = list(dict.fromkeys(shown(hit.observable.value) for hit in hits))
    more = f" and {len(values) - MAX_SHOWN:,} more" if len(values) > MAX_SHOWN else ""
    at = f" at {counted(summary.assets, 'address', 'addresses')} of ours" if summary.assets else ""
    session.tell(
        f"Seen in our logs before it came: {', '.join(values[:MAX_SHOWN])}{more}, in "
        f"{counted(summary.hits, 'record')}{at}. Next: backchannel hits"
    )
    return True
