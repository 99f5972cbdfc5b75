"""The monthly tally of a source: what its intelligence did here, and as much of it as it may be told.

Counts that show what we can see or do are told in steps. What is told is a signed statement, or a STIX note.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from backchannel.clock import Clock, format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.membership import named
from backchannel.desk.node import Node
from backchannel.desk.pinned import own_kids, pinned_keys
from backchannel.desk.provenance import known_at
from backchannel.desk.recipients import recipient_of
from backchannel.desk.searching import Searches
from backchannel.desk.tally_documents import TallyHeard, TallyShown
from backchannel.desk.telling import may_tell, tell
from backchannel.errors import PolicyError, UsageError
from backchannel.feedback.answers import tally_lines
from backchannel.feedback.envelope import Speaker, bundle
from backchannel.feedback.note import note
from backchannel.ids import derived_id
from backchannel.parties.at_rest import Unseal
from backchannel.parties.names import visible_name
from backchannel.policy.decide import Decision
from backchannel.provenance.predicates import Receipt, Tally
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.requests import step
from backchannel.provenance.statement import content_of, objects_named, open_envelope
from backchannel.provenance.verification import Terms, verify
from backchannel.stix.markings import Tlp
from backchannel.store.rows import PartyRow

MAX_OBJECTS: Final = 100_000
"""Objects of one month that are counted."""
MAX_SEARCHED: Final = 10_000
"""Indicators of one month of which it is asked whether they were searched for; of more, that is not told."""
MAX_RECEIPTS: Final = 10_000
"""Receipts of ours, the newest, that are looked through for what was blocked."""
MAX_THEIRS: Final = 24


def tally(
    node: Node,
    clock: Clock,
    party: str,
    month: str | None = None,
    *,
    send: bool = False,
    unseal: Unseal | None = None,
) -> TallyShown:
    """Return what a party's intelligence did here in one month; with `send` it is told what it may be.

    Args:
        node: ours.
        clock: the present.
        party: its name.
        month: `2026-11`; None: this one.
        send: let what may be told wait for the next drop.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such party; to be told, it has no keys here.
        UsageError: it is ourselves, or that is no month.
        PolicyError: nothing of it may be told, and it is to be.
        SignatureError: our keys need a passphrase.
    """
    row = named(node, party)
    if row.is_self:
        raise UsageError("that is ourselves", hint="Name whom the intelligence came from.")
    counted = _counted(node, row, *_month(month, clock.now()))
    told, decision = _may_be_told(node, clock, row, counted)
    why = decision.reasons[-1].text
    if send:
        to = recipient_of(node, party)
        if told is None:
            raise PolicyError(
                f"{visible_name(to.party.name)} is not told: {why}", hint="See `backchannel party show`."
            )
        with node.store.transaction():
            tell(node, clock, told, to.party.name, unseal=unseal)
    return TallyShown(
        party=row.name,
        tally=counted,
        says=tuple(tally_lines(counted, node.party.name)),
        told=told,
        why=why,
        sent=send,
        theirs=heard_tallies(node, clock, row),
    )


def tally_stix(node: Node, clock: Clock, party: str, month: str | None = None) -> JsonObject:
    """Return as much of a tally as may be told as a STIX bundle: our identity and a note.

    Raises:
        NotFoundError: there is no such party, or it has no keys here.
        UsageError: it is ourselves, or that is no month.
        PolicyError: nothing of it may be told.
    """
    found = tally(node, clock, party, month)
    if found.told is None:
        raise PolicyError(
            f"{visible_name(found.party)} is not told: {found.why}", hint="See `backchannel party show`."
        )
    speaker = Speaker(node.party.party_id, node.party.name, parse_time(node.party.added_at))
    to, now = recipient_of(node, party), clock.now()
    lines = "\n".join(tally_lines(found.told, node.party.name))
    made = note(
        to.identity,
        speaker,
        abstract=f"Tally of {found.told.month}",
        content=lines,
        created=now,
        modified=now,
    )
    made["id"] = derived_id("note", "tally", speaker.id, to.identity, found.told.month)
    return bundle(made, speaker)


def heard_tallies(node: Node, clock: Clock, party: PartyRow) -> tuple[TallyHeard, ...]:
    """Return what a party signed of what our intelligence did there, newest first."""
    keys = pinned_keys(node)
    terms = Terms(now=clock.now(), me=None, seen=None, known_at=known_at(node.store))
    kids = next(
        (one.kids for one in node.store.membership.known() if one.party.party_row == party.party_row),
        frozenset(),
    )
    found = []
    for row in node.store.requests.of_issuers(kids, ["tally"], at_most=MAX_THEIRS):
        try:
            one = verify(row.envelope, keys, terms)
        except Rejected:
            continue  # its key was given up since: it tells nothing any more
        if isinstance(one.predicate, Tally) and one.has_weight:
            says = tuple(tally_lines(one.predicate, party.name))
            at = format_time(parse_time(one.statement.iat))
            found.append(TallyHeard(at=at, tally=one.predicate, says=says))
    return tuple(found)


# --- Counting --------------------------------------------------------------------------------------------


def _month(text: str | None, now: datetime) -> tuple[str, str, str]:
    """Return a month, and its beginning and end.

    Raises:
        UsageError: it is none.
    """
    month = now.strftime("%Y-%m") if text is None else text.strip()
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError("that is no month", hint="Write it as 2026-11.") from None
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first.strftime("%Y-%m"), format_time(first), format_time(following)


def _counted(node: Node, party: PartyRow, month: str, since: str, until: str) -> Tally:
    gave = node.store.requests.gave(party.party_row, since=since, until=until, at_most=MAX_OBJECTS)
    ids = list(gave)
    indicators = [one for one in ids if one.startswith("indicator--")]
    answers = node.store.sightlines.answers(ids)
    seen = node.store.answers.last_seen(indicators)
    outcomes = node.store.requests.own_outcomes(ids)
    return Tally(
        month=month,
        received=len(ids),
        read=len(answers),
        searched=_searched(node, indicators),
        seen=step(len(seen)),
        hits=step(sum(node.store.answers.hit_sum(one).count for one in seen)),
        blocked=step(len(_blocked(node, set(ids)))),
        disputed=sum(any(said.kind == "dispute" for said in about) for about in answers.values()),
        confirmed=outcomes.get("confirmed", 0),
        refuted=outcomes.get("refuted", 0),
        harmful=outcomes.get("harmful", 0),
    )


def _searched(node: Node, indicators: Sequence[str]) -> int | None:
    if len(indicators) > MAX_SEARCHED:
        return None
    searches = Searches(node.store)
    return sum(searches.of((one,)).extent != "not searched" for one in indicators)


def _blocked(node: Node, ids: set[str]) -> set[str]:
    """Return which objects we said that we blocked."""
    found: set[str] = set()
    for row in node.store.requests.of_issuers(own_kids(node), ["receipt"], at_most=MAX_RECEIPTS):
        statement = open_envelope(row.envelope).statement
        said = content_of(statement)
        if isinstance(said, Receipt) and said.acted == "blocked":
            found |= {one.id for one in objects_named(statement)} & ids
    return found


def _may_be_told(node: Node, clock: Clock, party: PartyRow, counted: Tally) -> tuple[Tally | None, Decision]:
    """Return as much of a tally as a party may be told: what shows what we can do is TLP:AMBER, the rest TLP:GREEN."""
    whole = may_tell(node, clock, party, Tlp.AMBER, "answer")
    if whole.allowed:
        return counted, whole
    little = may_tell(node, clock, party, Tlp.GREEN, "answer")
    if not little.allowed:
        return None, little
    return Tally(month=counted.month, received=counted.received, read=counted.read), whole
