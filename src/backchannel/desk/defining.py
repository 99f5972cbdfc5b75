"""What a marking means that is no label of TLP's own: what those say of it who may.

Anybody can send us a marking definition under any id. So only who gave us an object, or we ourselves, may say what its
markings mean: another's word would let what it does not own go further.
"""

from __future__ import annotations

from collections.abc import Iterable

from backchannel import codec
from backchannel.stix.markings import Tlp, tlp_defined
from backchannel.store.exchange import Definition


def meaning(found: Iterable[Definition], party_row: int) -> Tlp | None:
    """Return how far that may go which bears a marking; None: the marking says nothing about TLP.

    Args:
        found: the definitions of the marking that we hold, of whomever.
        party_row: of who gave us the object that bears it; 0: nobody named.

    Returns:
        The strictest label of those that count; TLP:RED where none counts.
    """
    by_right = [one for one in found if one.is_self or one.party_row in {0, party_row}]
    if not by_right:
        return Tlp.RED
    said = [tlp for one in by_right if (tlp := tlp_defined(codec.decode(one.body))) is not None]
    return max(said, key=lambda tlp: tlp.strictness, default=None)
