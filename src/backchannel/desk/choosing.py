"""What is to go into a drop: objects by their ids, or all that a batch, a party or a collection holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.publishing import collection_named
from backchannel.errors import NotFoundError, UsageError
from backchannel.ids import BatchId, StixId
from backchannel.stix.visible import visible
from backchannel.store.rows import Kept

MAX_DROP_OBJECTS = 100_000
"""Most objects of one drop that we make: what an import's batch holds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to go, named in one way; all empty: nothing but attachments and what waits to be said."""

    ids: tuple[str, ...] = ()
    """Each may be cut short where only one object begins so."""
    batch: BatchId | None = None
    party: str | None = None
    """All that this party gave us, as it is in force."""
    collection: str | None = None
    """All that is in a collection of ours: its id, alias or title."""

    @property
    def is_empty(self) -> bool:
        """Whether no object is chosen."""
        return not self.ids and all(one is None for one in (self.batch, self.party, self.collection))


def chosen(node: Node, choice: Choice) -> list[Kept]:
    """Return the objects of a choice.

    Raises:
        NotFoundError: an object, the batch, the party or the collection is not here, or has no objects.
        UsageError: they are named in several ways, or are more than one drop takes.
    """
    ways = [bool(choice.ids), *(one is not None for one in (choice.batch, choice.party, choice.collection))]
    if sum(ways) > 1:
        raise UsageError(
            "objects are named in several ways at once", hint="Name ids, a batch, a party or a collection."
        )
    found: list[Kept] = []
    if choice.ids:
        found = [find(node.store, one) for one in dict.fromkeys(choice.ids)]
    elif choice.batch is not None:
        found = node.store.channels.objects_of(choice.batch)
        _check_found(found, f"of a batch {choice.batch}", "backchannel batch list")
    elif choice.party is not None:
        found = _in_force(node, _given(node, choice.party))
        _check_found(found, f"of {visible(choice.party, max_chars=100)}", "backchannel party list")
    elif choice.collection is not None:
        row = collection_named(node.store, choice.collection).collection_row
        found = _in_force(node, node.store.collected.ids(row, at_most=MAX_DROP_OBJECTS + 1))
        _check_found(
            found, f"in {visible(choice.collection, max_chars=100)}", "backchannel taxii collection list"
        )
    if not choice.ids:
        found = without_answers(node, found)
    if len(found) > MAX_DROP_OBJECTS:
        raise UsageError(
            f"these are more than the {MAX_DROP_OBJECTS:,} objects of one drop", hint="Make several."
        )
    # The same object may be named twice, by a whole id and by a part of it.
    return list({one.object_row: one for one in found}.values())


def without_answers(node: Node, found: Sequence[Kept]) -> list[Kept]:
    """Return objects without the notes that carry statements: what was said to somebody does not go along."""
    carrying = node.store.statements.carrying(one.stix_id for one in found if one.type == "note")
    return [one for one in found if one.stix_id not in carrying]


def _given(node: Node, name: str) -> list[StixId]:
    party = node.store.parties.by_name(name.strip())
    if party is None:
        raise NotFoundError(
            f"there is no party {visible(name.strip(), max_chars=100)!r}",
            hint="See `backchannel party list`.",
        )
    return node.store.parties.gave(party.party_row, at_most=MAX_DROP_OBJECTS + 1)


def _in_force(node: Node, ids: list[StixId]) -> list[Kept]:
    currents = node.store.objects.currents(ids)
    return [currents[one] for one in ids if one in currents]


def _check_found(found: list[Kept], what: str, where: str) -> None:
    if not found:
        raise NotFoundError(f"nothing {what} is here", hint=f"See `{where}`.")
