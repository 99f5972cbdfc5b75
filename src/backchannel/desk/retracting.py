"""Take back what we said, and follow those who take back what they said to us: a retraction goes as far as the object went.

Each party that the object went to, by a drop or over TAXII, is told by a statement of ours. What is ours besides is
revoked in STIX, in every collection that holds it. When a party takes back what it gave us, we take back what we passed
on of that, to whom we passed it, and name its retraction; who hid the source stays hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.collecting import Brought, collect_batch
from backchannel.desk.following import MAX_CONTENTS, Passed, key_of, tell_of
from backchannel.desk.givers import given_to
from backchannel.desk.items import Reader, find
from backchannel.desk.lock import import_lock
from backchannel.desk.node import Node
from backchannel.desk.receive import ImportTerms, import_batch, remove_abandoned
from backchannel.desk.records import record_decision
from backchannel.desk.redacted import readers
from backchannel.desk.request_documents import ToldOf
from backchannel.desk.telling import subject_of
from backchannel.errors import UsageError
from backchannel.feedback.envelope import MAX_TEXT_CHARS
from backchannel.intake.documents import read_piece
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.predicates import Retract
from backchannel.stix.split import Piece
from backchannel.store.interface import Store
from backchannel.store.rows import InputFile, Kept, PartyRow

_TICK: Final = timedelta(milliseconds=1)
_NAME: Final = "what is taken back"


class Retracted(msgspec.Struct, frozen=True, kw_only=True):
    """`retract --json`: what was taken back, and who is told."""

    schema: str = "backchannel.retracted/1"
    id: str
    reason: str
    revoked: str | None
    """Version of ours that says so in STIX; null: the object is not ours, or was revoked before."""
    collections: tuple[str, ...]
    """Titles of our collections in which it is revoked."""
    told: tuple[ToldOf, ...]
    """One for each party that it went to, by a drop or over TAXII."""
    says: str


def retract(
    node: Node, clock: Clock, stix_id: str, reason: str, *, unseal: Unseal | None = None
) -> Retracted:
    """Take back all that we said of an object; done again, it tells only whom it has not told.

    Args:
        node: ours.
        clock: the present.
        stix_id: the object, or so much of its id that only one object has it.
        reason: why, for those who hold it.
        unseal: opens our keys.

    Raises:
        NotFoundError: nothing of that id is in sight.
        UsageError: several objects begin so, no reason is given, or we told nobody of it and it is not ours.
        SignatureError: our keys need a passphrase.
    """
    why = reason.strip()
    if not why or len(why) > MAX_TEXT_CHARS:
        raise UsageError(
            f"why is it taken back? In at most {MAX_TEXT_CHARS:,} characters", hint="Say it with --reason."
        )
    kept = find(node.store, stix_id)
    contents = node.store.objects.all_versions(kept.stix_id, at_most=MAX_CONTENTS)
    is_ours = _is_ours(node, kept)
    # Who reads over TAXII and has no keys here hears of what is ours by its revoked version, of the rest by nothing.
    found = _recipients(node, contents, with_keys=is_ours)
    if not is_ours and not found:
        raise UsageError(
            f"{kept.stix_id} is not ours, and went to nobody that is known here: there is nothing to take back",
            hint=f"If you think it wrong, say so to its source: backchannel dispute {kept.stix_id}.",
        )
    key = key_of(node, clock, unseal)
    with node.store.transaction():
        told = tuple(tell_of(node, clock, key, Retract(reason=why), party, held) for party, held in found)
        record_decision(node.store, "retract", kept.stix_id, now=clock.now())
    version, titles = _revoke(node, clock, kept) if is_ours else (None, ())
    given = sum(one.outcome == "given" for one in told)
    parties = (
        "nobody new is told" if not given else f"{given} {'party is' if given == 1 else 'parties are'} told"
    )
    return Retracted(
        id=kept.stix_id,
        reason=why,
        revoked=version,
        collections=titles,
        told=told,
        says=f"Taken back: {parties} with the next drop"
        + (f", and {len(titles)} of our collections hold it revoked." if titles else "."),
    )


# --- Whom it went to -------------------------------------------------------------------------------------


def _recipients(
    node: Node, contents: Sequence[Kept], *, with_keys: bool
) -> list[tuple[PartyRow, list[Passed]]]:
    """Return to whom an object went, by drops or over TAXII, with the contents that they have: redacted, as that form."""
    parties = {one.party.party_row: one.party for one in node.store.membership.known()}
    found: dict[int, tuple[PartyRow, list[Passed]]] = {}
    for kept in contents:
        whole = Passed(kept, subject_of(kept))
        went = [
            (one, whole)
            for one in (*node.store.requests.went_to(kept.digest), *given_to(node, kept, with_keys=with_keys))
        ]
        went += [
            (parties[row], Passed(kept, form)) for row, form in readers(node.store, kept) if row in parties
        ]
        for party, passed in went:
            held = found.setdefault(party.party_row, (party, []))[1]
            if not party.is_self and passed not in held:
                held.append(passed)
    return [(party, held) for party, held in found.values() if held]


# --- What is ours ----------------------------------------------------------------------------------------


def _is_ours(node: Node, kept: Kept) -> bool:
    """Whether we made an object: nobody else gave it to us, and nobody else stands in it as its maker."""
    first = node.store.objects.firsts([kept.object_row])[kept.object_row]
    return (
        first.parties == 1
        and first.party == node.party.name
        and kept.created_by_ref in {None, "", node.party.party_id}
    )


def _revoke(node: Node, clock: Clock, kept: Kept) -> tuple[str | None, tuple[str, ...]]:
    """Make the revoked version of an object of ours, where it has versions (STIX 2.1 §3.2), in every collection of it."""
    value = codec.decode(kept.body)
    if kept.revoked or not isinstance(value.get("modified"), str):
        return None, ()
    reader = Reader(node, clock)
    label = reader.tlp(kept, node.store.objects.firsts([kept.object_row])[kept.object_row]).label
    at = max(clock.now(), parse_time(value["modified"]) + _TICK)
    body = codec.encode(value | {"revoked": True, "modified": format_time(at)})
    piece = read_piece(f"{_NAME}#/objects/0", Piece("/objects/0", body, False), "")
    titles: list[str] = []

    def put(store: Store, brought: Brought) -> int:
        into = [
            one
            for one in store.collections.all()
            if store.collected.siblings(one.collection_row, (kept.stix_id,))
        ]
        titles.extend(one.title for one in into)
        return sum(collect_batch(store, brought, into))

    with import_lock(node.home):
        remove_abandoned(node.store)
        terms = ImportTerms(node.party.name, "file", label)
        files = [InputFile(_NAME, None, None)]
        import_batch(node.store, clock, files, terms, lambda *_: iter([piece]), put=put)
    return format_time(at), tuple(titles)
