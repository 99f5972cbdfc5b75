"""The page of what we offer to others: roots, collections, and who may read and write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.responses import Response

from backchannel.desk.offered import TaxiiCredential, TaxiiOffer, offer
from backchannel.web.visit import Visit


def taxii(visit: Visit) -> Response:
    """`/taxii` and its twin: what our own server offers, and to whom; never a secret."""
    found = offer(visit.node, visit.clock, base_url=visit.house.base_url)
    return visit.answer(
        found,
        "taxii",
        section="taxii",
        offer=found,
        discovery=f"{visit.house.base_url}/taxii2/",
        readers=_by_collection(found, lambda one: one.read),
        writers=_by_collection(found, lambda one: one.write),
        names={one.id: one.alias or one.title for one in found.collections},
    )


def _by_collection(
    found: TaxiiOffer, rights: Callable[[TaxiiCredential], Iterable[str]]
) -> dict[str, list[str]]:
    """Return the parties with a right that has not ended, by the id of the collection, each once."""
    parties: dict[str, list[str]] = {one.id: [] for one in found.collections}
    for credential in found.tokens:
        for each in rights(credential):
            if not credential.expired and credential.party not in parties[each]:
                parties[each].append(credential.party)
    return parties
