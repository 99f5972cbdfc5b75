"""What we say back to a source: we have it, we saw it (or not), we disagree.

Each answer is one STIX 2.1 object, kept in the store and written as a bundle with our identity. Saying the
same again changes nothing; saying something else about the same object is a new version of the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.answer_versions import sighting_maker, version_of
from backchannel.desk.came_drops import drops_of
from backchannel.desk.items import find
from backchannel.desk.judging import Judge
from backchannel.desk.node import Node
from backchannel.desk.outcomes import keep_outcome
from backchannel.desk.receipt_documents import ReceiptGiven
from backchannel.desk.receipting import READ, Word, give
from backchannel.desk.records import record_decision
from backchannel.desk.request_documents import ToldOf
from backchannel.desk.searching import Searched, Searches
from backchannel.desk.views import tell_sources
from backchannel.desk.writing import write_files
from backchannel.errors import UsageError
from backchannel.feedback.envelope import Speaker, answer_id, bundle
from backchannel.feedback.note import note
from backchannel.feedback.opinion import Opinion, opinion
from backchannel.ids import sha256
from backchannel.logs.shown import ALL_LIKE
from backchannel.parties.at_rest import Unseal
from backchannel.provenance.predicates import Opinion as SignedOpinion
from backchannel.provenance.predicates import Sighting
from backchannel.provenance.requests import step
from backchannel.store.rows import Kept

AnswerKind = Literal["ack", "sight", "dispute"]


class AnswerTo(msgspec.Struct, frozen=True, kw_only=True):
    """To whom an answer belongs."""

    party: str | None
    """Null where nobody was named when it came."""
    channel: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`ack|sight|dispute ID --json`."""

    schema: Literal["backchannel.answer/1"] = "backchannel.answer/1"
    kind: AnswerKind
    about: str
    """Id of the object answered."""
    id: str
    """Of the note, sighting or opinion."""
    said_at: str
    says: str
    """What was said, in one sentence."""
    to: AnswerTo
    changed: bool
    """False where the same had been said before: nothing new is kept."""
    written: str | None
    """File the bundle was written to."""
    bundle: msgspec.Raw
    """The STIX 2.1 bundle: our identity and the answer."""
    receipts: tuple[ReceiptGiven, ...] = ()
    """Of `ack`: what the senders of the drops are told that brought it."""
    told: tuple[ToldOf, ...] = ()
    """Of `sight` and `dispute`: who is told by a signed statement, and who is not."""


def acknowledge(
    node: Node,
    clock: Clock,
    stix_id: str,
    *,
    text: str = "",
    word: Word = READ,
    out: Path | None = None,
    unseal: Unseal | None = None,
) -> Answer:
    """Tell the source that we have the object and what we made of it: a STIX note, and to senders of drops a receipt.

    Args:
        node: who speaks.
        clock: gives the present.
        stix_id: the object, or so much of its id that only one object has it.
        text: a person's own words; by default when it came, and whether it was searched for and seen.
        word: what those are told who sent it by a drop and asked.
        out: file to write the bundle to.
        unseal: opens our keys, where a receipt is to be signed.

    Raises:
        NotFoundError: nothing of that id is in sight.
        UsageError: several objects begin so, or `text` is too long.
        SignatureError: a receipt is to be signed, and our keys need a passphrase.
        InputError: `out` cannot be written.
    """
    kept = find(node.store, stix_id)
    about = _About.of(node, kept)
    content = text.strip() or _acknowledgement(about)

    def make(created: datetime, modified: datetime) -> JsonObject:
        return note(
            about.id, about.speaker, abstract="Received", content=content, created=created, modified=modified
        )

    with node.store.transaction():
        said = _say("ack", about, "note", clock, make, says=f"Acknowledged {about.id}", out=out)
        receipts = give(node, clock, drops_of(node, kept), word, about=kept, unseal=unseal)
    return msgspec.structs.replace(said, receipts=receipts)


def sight(
    node: Node,
    clock: Clock,
    stix_id: str,
    *,
    text: str = "",
    out: Path | None = None,
    unseal: Unseal | None = None,
) -> Answer:
    """Tell the source how often an indicator was seen here, or that it was searched for and not seen.

    Count and times are those of the hits that hunts kept; of what was not seen, the times are those of the records that
    were searched through. Seen, it is confirmed: that counts for whoever had told us. Who
    gave it to us and has keys here is told by a signed statement besides, with the count in steps and the days.

    Args:
        node: who speaks.
        clock: gives the present.
        stix_id: the indicator, or so much of its id that only one object has it.
        text: a person's own words, added to the description.
        out: file to write the bundle to.
        unseal: opens our keys.

    Raises:
        NotFoundError: nothing of that id is in sight.
        UsageError: it is no indicator, or no hunt has looked for it, or `text` is too long.
        InputError: `out` cannot be written.
    """
    kept = find(node.store, stix_id)
    about = _About.of(node, kept)
    if not about.id.startswith("indicator--"):
        raise UsageError(
            f"{about.id} is no indicator, so no hunt can have seen it",
            hint=f"Sight one of its indicators, or say `backchannel ack {about.id}`.",
        )
    total = node.store.answers.hit_sum(about.id)
    searched = None if total.count else _searched_in_full(node, about)
    description = _how_seen(total.count) if searched is None else searched.told
    first_at, last_at = (
        (total.first_seen, total.last_seen) if searched is None else (searched.first_at, searched.last_at)
    )
    if text.strip():
        description = f"{description} {text.strip()}"

    make = sighting_maker(
        about.id,
        about.speaker,
        count=total.count,
        first_at=first_at,
        last_at=last_at,
        description=description,
    )
    times = "once" if total.count == 1 else f"{total.count:,} times"
    says = f"Reported {about.id} as {f'seen {times}' if total.count else 'not seen'}"
    with node.store.transaction():
        said = _say("sight", about, "sighting", clock, make, says=says, out=out)
        if total.count and said.changed:
            keep_outcome(
                node, clock, kept, "confirmed", basis="own-log", reason=description, answer_id=said.id
            )
        view = Sighting(
            count=step(total.count),
            first=total.first_seen[:10] if total.first_seen else None,
            last=total.last_seen[:10] if total.last_seen else None,
            text=text.strip(),
        )
        told = tell_sources(node, clock, kept, view, unseal=unseal)
    return msgspec.structs.replace(said, told=told)


def dispute(
    node: Node,
    clock: Clock,
    stix_id: str,
    *,
    text: str = "",
    strongly: bool = False,
    out: Path | None = None,
    unseal: Unseal | None = None,
) -> Answer:
    """Tell the source that we disagree: a STIX opinion. From then on no export takes the object.

    It is refuted: that counts against whoever had told us. Who gave it to us and has keys here is told by a signed
    statement besides.

    Args:
        node: who speaks.
        clock: gives the present.
        stix_id: the object, or so much of its id that only one object has it.
        text: why, in a person's own words; may be left out where our own lists or assets say why.
        strongly: say `strongly-disagree`.
        out: file to write the bundle to.
        unseal: opens our keys.

    Raises:
        NotFoundError: nothing of that id is in sight.
        UsageError: several objects begin so, no reason is given or known, or `text` is too long.
        InputError: `out` cannot be written.
    """
    kept = find(node.store, stix_id)
    about = _About.of(node, kept)
    why = text.strip() or _known_reason(node, clock, kept)
    if not why:
        raise UsageError(
            f"why is {about.id} wrong? Nothing we know speaks against it",
            hint="Say why: the source can do nothing with a bare no.",
        )
    value: Opinion = "strongly-disagree" if strongly else "disagree"

    def make(created: datetime, modified: datetime) -> JsonObject:
        return opinion(
            about.id, about.speaker, value=value, explanation=why, created=created, modified=modified
        )

    with node.store.transaction():
        said = _say("dispute", about, "opinion", clock, make, says=f"Disputed {about.id}", out=out)
        if said.changed:
            keep_outcome(node, clock, kept, "refuted", basis="analyst", reason=why, answer_id=said.id)
        told = tell_sources(node, clock, kept, SignedOpinion(opinion=value, text=why), unseal=unseal)
    return msgspec.structs.replace(said, told=told)


@dataclass(frozen=True, slots=True)
class _About:
    """What is answered, by whom, to whom."""

    node: Node
    id: str
    speaker: Speaker
    to: AnswerTo
    received_at: str

    @classmethod
    def of(cls, node: Node, kept: Kept) -> _About:
        first = node.store.objects.firsts([kept.object_row])[kept.object_row]
        speaker = Speaker(node.party.party_id, node.party.name, parse_time(node.party.added_at))
        return cls(
            node, kept.stix_id, speaker, AnswerTo(party=first.party, channel=first.channel), first.received_at
        )


def _say(
    kind: AnswerKind,
    about: _About,
    stix_type: str,
    clock: Clock,
    make: Callable[[datetime, datetime], JsonObject],
    *,
    says: str,
    out: Path | None,
) -> Answer:
    """Keep the answer and write its bundle; what was said before in the same words stays as it was."""
    store, now = about.node.store, clock.now()
    with store.transaction():
        before = store.answers.get(answer_id(stix_type, about.speaker.id, about.id))
        value = version_of(make, codec.decode(before.body) if before else None, now)
        body = codec.encode(value)
        is_new = before is None or before.body != body
        if is_new:
            store.answers.put(kind, about.id, str(value["id"]), said_at=format_time(now), body=body)
            record_decision(store, kind, about.id, now=now, digest=sha256(body))
    packed = codec.encode(bundle(value, about.speaker))
    if out is not None:
        write_files(out.parent, {out.name: packed + b"\n"})
    return Answer(
        kind=kind,
        about=about.id,
        id=str(value["id"]),
        said_at=format_time(now) if before is None or is_new else before.said_at,
        says=f"{says} to {about.to.party or 'its source'}.",
        to=about.to,
        changed=is_new,
        written=str(out) if out is not None else None,
        bundle=msgspec.Raw(packed),
    )


def _acknowledgement(about: _About) -> str:
    """What we did with the object so far. What we mean to do about it stays with us."""
    came = f"Received on {about.received_at[:10]} by channel {about.to.channel}."
    if not about.id.startswith("indicator--"):
        return f"{came} Read and filed."
    total = about.node.store.answers.hit_sum(about.id)
    if total.count:
        return f"{came} Searched for in our own logs, and seen."
    searched = Searches(about.node.store).of((about.id,))
    if searched.extent == "not searched":
        return f"{came} Not searched for yet."
    how = (
        "in part, and what was searched for was not seen" if searched.extent == "in part" else "and not seen"
    )
    return f"{came} Searched for in our own logs on {str(searched.hunted_at)[:10]}, {how}."


def _how_seen(count: int) -> str:
    lines = "one log line" if count == 1 else f"{count:,} log lines"
    return f"Found in {lines} of our own network; each line is counted once."


def _searched_in_full(node: Node, about: _About) -> Searched:
    """Return how it was searched for.

    Raises:
        UsageError: no hunt has looked for it since it came, none can, or not in logs that show such things.
    """
    searched = Searches(node.store).of((about.id,))
    if not searched.held:
        raise UsageError(
            f"hunts do not look for {about.id}: it is revoked or in quarantine, so nobody can say it was not seen",
            hint=f"Tell what you did in your own words: `backchannel ack {about.id}`.",
        )
    if searched.hunted_at is None:
        raise UsageError(
            f"no hunt has looked for {about.id} since it came, so there is nothing to tell",
            hint="Look first: `backchannel hunt PATH`.",
        )
    if not searched.is_noted:
        raise UsageError(
            f"the hunts that looked for {about.id} did not note what their logs show, so nobody can say it was not "
            "seen",
            hint="Look again: `backchannel hunt PATH`.",
        )
    if searched.lacking:
        raise UsageError(
            f"no log hunted since {about.id} came shows {searched.lacking}, so nobody can say it was not seen",
            hint=f"Hunt logs that show {searched.lacking}: `backchannel hunt PATH`. Or tell what you did in your own "
            f"words: `backchannel ack {about.id}`.",
        )
    if ALL_LIKE in searched.unsearched:
        raise UsageError(
            f"there were too many patterns with LIKE to try that of {about.id}, so nobody can say it was not seen",
            hint=f"Tell what you did in your own words: `backchannel ack {about.id}`.",
        )
    if searched.extent != "searched":
        raise UsageError(
            f"a part of the pattern of {about.id} cannot be searched yet, so nobody can say it was not seen",
            hint=f"Tell what you did in your own words: `backchannel ack {about.id}`.",
        )
    return searched


def _known_reason(node: Node, clock: Clock, kept: Kept) -> str:
    """What our own assets and warning lists say against an indicator; "" if nothing."""
    if kept.type != "indicator":
        return ""
    judge = Judge(node, clock)
    (judged,) = judge.indicators([kept])
    for named in judged.named:
        target = judge.target(named)
        label = target.labelled("infrastructure") or target.labelled("popular")
        if target.own:
            return f"{target.value} is ours."
        if label is not None:
            return f"{label.why[:1].upper()}{label.why[1:]} ({label.cls})."
    return ""
