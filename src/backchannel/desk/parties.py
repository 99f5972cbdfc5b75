"""Parties: whom we exchange with, by name, with what came from them. How far each is known: `membership.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from backchannel.clock import Clock, format_time
from backchannel.desk.alarms import open_alarms
from backchannel.desk.batches import batch_documents
from backchannel.desk.letters import Letters
from backchannel.desk.membership import membership_of
from backchannel.desk.node import Node
from backchannel.desk.offered import TaxiiCredential, offer
from backchannel.desk.own_keys import own_root
from backchannel.desk.party_documents import Parties, Party, PartyDetail
from backchannel.desk.watched import evidence_of, watched_ledger
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import PartyId, new_id
from backchannel.parties.keys import fingerprint
from backchannel.settings import checked_name
from backchannel.store.rows import PartyTally

LAST_BATCHES = 10


def add_party(node: Node, clock: Clock, name: str) -> PartyDetail:
    """Add a party by name.

    Raises:
        UsageError: the name is not usable, or a party has it already.
    """
    name = checked_name(name)
    store = node.store
    with store.transaction():
        known = store.parties.by_name(name)
        if known is None:
            store.parties.add(PartyId(new_id("identity")), name, at=format_time(clock.now()))
        elif not store.parties.keep(known.party_row):
            raise UsageError(
                f"there is a party {known.name} already", hint="See `backchannel party show NAME`."
            )
    return show_party(node, clock, name)


def list_parties(node: Node) -> Parties:
    """List the parties: ourselves first, then by name."""
    standings = node.store.membership.standings()
    return Parties(
        parties=tuple(
            _document(tally, standings[tally.party.name]) for tally in node.store.parties.tallies()
        ),
        alarms=open_alarms(node),
    )


def show_party(node: Node, clock: Clock, name: str) -> PartyDetail:
    """Show one party with its last batches, and what it may read and write of what we offer.

    Raises:
        NotFoundError: no party of that name is in sight.
    """
    store = node.store
    known = store.parties.by_name(name.strip())
    tally = next(store.parties.tallies(party_row=known.party_row), None) if known else None
    if tally is None:
        raise NotFoundError(
            f"there is no party {name.strip()!r}",
            hint="See `backchannel party list`; add one with `backchannel party add NAME`.",
        )
    root = own_root(node) if tally.party.is_self else None
    batches = store.batches.newest(before=None, rows=LAST_BATCHES, party=tally.party.name)
    return PartyDetail(
        party=_document(tally, store.membership.standing(tally.party.party_row)),
        fingerprint=fingerprint(root) if root else None,
        batches=tuple(batch_documents(store, batches)),
        reads=_titles(node, clock, tally.party.name, lambda one: one.read),
        writes=_titles(node, clock, tally.party.name, lambda one: one.write),
        membership=None if tally.party.is_self else membership_of(node, tally.party.party_row),
        ledger=None if tally.party.is_self else watched_ledger(node, tally.party),
        evidence=evidence_of(node, tally.party),
        reliability=Letters(node, clock).of_party(tally.party),
    )


def _titles(
    node: Node, clock: Clock, party: str, rights: Callable[[TaxiiCredential], Iterable[str]]
) -> tuple[str, ...]:
    """Return the titles of the collections to which a party's credentials, as far as they hold, give a right."""
    found = offer(node, clock, base_url="")
    named = {each for one in found.tokens if one.party == party and not one.expired for each in rights(one)}
    return tuple(one.title for one in found.collections if one.id in named)


def _document(tally: PartyTally, standing: str) -> Party:
    party = tally.party
    return Party(
        id=party.party_id,
        name=party.name,
        self=party.is_self,
        added_at=party.added_at,
        batches=tally.batches,
        objects=tally.objects,
        last_received_at=tally.last_received_at,
        standing=standing,
    )
