"""Ask a party: a request for information, looked at before it leaves, because it shows what interests us.

The question and each object that it names pass the rules of release; a request by which anything would have to stay is
not sent. It can be passed on by another party that does not name us, and taken back.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.choosing import Choice
from backchannel.desk.going import Going, keep_forms
from backchannel.desk.items import find
from backchannel.desk.node import Node
from backchannel.desk.planning import plan
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.desk.records import record_signed
from backchannel.desk.redacted import spoken_of
from backchannel.desk.request_documents import RequestDetail, RequestPlan
from backchannel.desk.requests import RequestReader, request_named, rfi_of
from backchannel.desk.telling import check_may_tell, keep_told, may_tell, signed, tell
from backchannel.errors import InputError, PolicyError, UsageError
from backchannel.feedback.envelope import Speaker
from backchannel.feedback.request import request_bundle
from backchannel.parties.at_rest import Unseal
from backchannel.parties.names import visible_name
from backchannel.provenance.ledger.leaves import LeafKind
from backchannel.provenance.predicates import MAX_HUNT_PATTERNS, HuntFor, Retract, Rfi
from backchannel.provenance.requests import Before, check_request, claim_of
from backchannel.provenance.statement import digest_text, format_seconds, objects_named, open_envelope
from backchannel.stix.markings import Pap, Tlp
from backchannel.stix.pattern.parse import PatternError, parse
from backchannel.stix.visible import visible
from backchannel.store.requests import NewRequest

DEFAULT_DAYS: Final = 14
"""How long a request is open unless somebody says otherwise."""
MAX_QUESTION_CHARS: Final = 4_000
MAX_ABOUT: Final = 100
"""Objects that one request names."""
MAX_OPEN_OWN: Final = 200
"""Open requests to one party that a new one is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, as a person says it."""

    text: str
    about: tuple[str, ...] = ()
    """Ids of objects, each of which may be cut short."""
    needed_by: datetime | None = None
    tlp: Tlp = Tlp.AMBER
    pap: Pap = Pap.AMBER
    topic: str = ""
    hunt: HuntFor | None = None
    via: str | None = None
    """The party that passes it on without naming us."""
    is_urgent: bool = False
    """Whether we ask for it as a favour: shown first there."""
    max_answers: int = 1


def request_plan(node: Node, clock: Clock, party: str, question: Question) -> RequestPlan:
    """Say what a request would let its reader know, and by which rule it goes or stays. Nothing is sent.

    Raises:
        NotFoundError: the party, its keys, or an object is not here.
        UsageError: the question is empty, or something of it is not of its form.
    """
    return _Asking(node, clock, party, question).plan()


def ask(
    node: Node, clock: Clock, party: str, question: Question, *, unseal: Unseal | None = None
) -> RequestDetail:
    """Ask a party: the request waits for the next drop to it.

    Args:
        node: ours.
        clock: the present.
        party: whom.
        question: what.
        unseal: opens our keys.

    Raises:
        NotFoundError: the party, its keys, or an object is not here.
        UsageError: the question is empty, or something of it is not of its form.
        PolicyError: the rules of release keep the question, or an object that it names.
        Rejected: the party asks us the same, or we asked it already.
        SignatureError: our keys need a passphrase.
    """
    return _Asking(node, clock, party, question).ask(unseal)


def pass_on(
    node: Node, clock: Clock, which: str, *, letter: str = "", unseal: Unseal | None = None
) -> RequestDetail:
    """Pass a request on to whom it is for, in our own name, and without naming who asks.

    Args:
        node: ours.
        clock: the present.
        which: the request.
        letter: how reliable we hold who asks, A to F.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such request, or no party here has the key that it is for.
        UsageError: it is not to be passed on, or is open no more.
        Rejected: it went through too many parties, or would come back to who asked it.
        PolicyError: the rules of release keep it.
    """
    row = request_named(node, which)
    rfi = rfi_of(row)
    if row.is_own or rfi.for_ is None:
        raise UsageError("this request is not to be passed on", hint="Answer it: backchannel answer.")
    if not RequestReader(node, clock).standing(row)[1].is_open:
        raise UsageError("this request is open no more", hint="See `backchannel ask list`.")
    target = next((one.party for one in node.store.membership.known() if rfi.for_ in one.kids), None)
    if target is None or target.is_self:
        raise UsageError("no party here has the key that it is for", hint="Decline it: no-authority.")
    if letter not in {"", *"ABCDEF"}:
        raise UsageError("how reliable who asks is, is a letter from A to F", hint="F is: not judged.")
    check_may_tell(node, clock, target, rfi.tlp, "request")
    to = recipient_of(node, target.name)
    value: JsonObject = codec.decode(codec.encode(rfi))
    value |= {"hops": rfi.hops + 1, "behalf": letter or "F"}
    for name in ("hide_requester", "for"):
        value.pop(name, None)
    try:
        passed = codec.into(value, Rfi)
    except ValueError:
        raise UsageError(
            "it went through as many parties as a request may", hint="Decline it: no-authority."
        ) from None
    return _send(node, clock, to, passed, (), unseal)


def cancel(node: Node, clock: Clock, which: str, *, unseal: Unseal | None = None) -> RequestDetail:
    """Take a request of ours back: who was asked is told.

    Raises:
        NotFoundError: there is no such request.
        UsageError: it is not ours, or open no more.
        SignatureError: our keys need a passphrase.
    """
    row = request_named(node, which)
    if not row.is_own:
        raise UsageError("this request is not ours", hint="Decline it: backchannel answer --decline REASON.")
    reader = RequestReader(node, clock)
    asked, found = reader.standing(row)
    if not found.is_open:
        raise UsageError(f"this request is {found.state} already", hint="See `backchannel ask list`.")
    with node.store.transaction():
        said = Retract(reason="the request is taken back", statement=f"sha256:{asked.digest.hex()}")
        tell(node, clock, said, row.party, unseal=unseal)
        node.store.requests.close(row.statement.statement_row, at=format_time(clock.now()))
    return RequestDetail(request=RequestReader(node, clock).shown(request_named(node, asked.digest.hex())))


def request_stix(node: Node, clock: Clock, which: str) -> JsonObject:
    """Return a request of ours as a STIX bundle, for a party whose tools cannot read ours.

    It holds those of the objects that it names which may go to the party now, in the content that was named.

    Raises:
        NotFoundError: there is no such request.
        UsageError: it is not ours.
    """
    row = request_named(node, which)
    if not row.is_own:
        raise UsageError("this request is not ours", hint="Its note lies among the objects that came.")
    to = recipient_of(node, row.party)
    speaker = Speaker(node.party.party_id, node.party.name, parse_time(node.party.added_at))
    statement = open_envelope(row.statement.envelope).statement
    spoken = spoken_of(node.store, row.statement.statement_row, statement, by=row.party)
    planned = plan(node, clock, to, Choice(ids=spoken.about))
    wanted = {one.jcs for one in objects_named(statement)}
    about = [one.value for one in planned.going if one.subject.jcs in wanted]
    return request_bundle(row.statement.envelope, speaker, reader=to.identity, about=about)


def hunt_for(
    node: Node,
    ids: Sequence[str],
    patterns: Sequence[str],
    *,
    purpose: str,
    since: str | None = None,
    until: str | None = None,
) -> HuntFor:
    """Return what a hunt request asks for: patterns as they are given, and those of indicators here.

    Args:
        node: ours.
        ids: of indicators, each of which may be cut short.
        patterns: more, in STIX.
        purpose: `fraud`, `phishing` or `intrusion`.
        since: from which day on.
        until: to which day, inclusive.

    Raises:
        NotFoundError: there is no such indicator.
        UsageError: it is no indicator with a STIX pattern, or these are more than one request takes.
    """
    found = list(patterns)
    for one in ids:
        kept = find(node.store, one)
        value = codec.decode(kept.body)
        pattern = value.get("pattern")
        if (
            kept.type != "indicator"
            or not isinstance(pattern, str)
            or value.get("pattern_type", "stix") != "stix"
        ):
            raise UsageError(
                f"{kept.stix_id} is no indicator with a STIX pattern", hint="Give the pattern with --pattern."
            )
        found.append(pattern)
    asked: JsonObject = {"patterns": list(dict.fromkeys(found)), "purpose": purpose}
    asked |= {name: day for name, day in (("since", since), ("until", until)) if day is not None}
    try:
        return codec.into(asked, HuntFor)
    except ValueError:
        raise UsageError(
            f"a hunt request takes {MAX_HUNT_PATTERNS} patterns of {MAX_QUESTION_CHARS:,} characters at most",
            hint="Ask in several requests.",
        ) from None


class _Asking:
    """One request in the making."""

    def __init__(self, node: Node, clock: Clock, party: str, question: Question) -> None:
        self._node, self._clock, self._question = node, clock, question
        _check_words(question, clock.now())
        self._target = recipient_of(node, party)
        self._to = self._target if question.via is None else recipient_of(node, question.via)
        if question.via is not None and self._to.party.party_row == self._target.party.party_row:
            raise UsageError("a party cannot pass on to itself", hint="Name another one with --via.")
        if len(question.about) > MAX_ABOUT:
            raise UsageError(f"a request names {MAX_ABOUT} objects at most", hint="Ask twice.")
        self._planned = plan(node, clock, self._to, Choice(ids=question.about))

    def plan(self) -> RequestPlan:
        """Return what would leave."""
        decision = may_tell(self._node, self._clock, self._to.party, self._question.tlp, "request")
        reason = decision.reasons[-1]
        hunt = self._question.hunt
        return RequestPlan(
            to=self._to.party.name,
            standing=self._to.standing,
            goes=decision.allowed and all(one.goes for one in self._planned.objects),
            tlp=self._question.tlp.label,
            rule=reason.rule,
            why=reason.text,
            objects=self._planned.objects,
            patterns=tuple(hunt.patterns) if hunt else (),
            learns=tuple(self._learns()),
        )

    def ask(self, unseal: Unseal | None) -> RequestDetail:
        planned = self.plan()
        if not planned.goes:
            kept = next((one for one in planned.objects if not one.goes), None)
            to = visible_name(planned.to)
            why = f"{kept.id} may not be named to it: {kept.why}" if kept else planned.why
            raise PolicyError(f"{to} is not asked: {why}", hint="See --dry-run, and leave out what stays.")
        one, now = self._question, self._clock.now()
        until = one.needed_by or now + timedelta(days=DEFAULT_DAYS)
        rfi = Rfi(
            question=one.text.strip(),
            needed_by=format_seconds(until),
            tlp=one.tlp,
            pap=one.pap,
            thread=secrets.token_hex(16),
            topic=one.topic,
            hunt=one.hunt,
            hide_requester=one.via is not None,
            for_=None if one.via is None else self._target.sign,
            max_answers=one.max_answers,
            duty="please" if one.is_urgent else "none",
        )
        return _send(self._node, self._clock, self._to, rfi, self._planned.going, unseal)

    def _learns(self) -> Sequence[str]:
        """Say what the reader could newly learn."""
        to, hunt = visible_name(self._to.party.name), self._question.hunt
        found = [f"{to} learns that this interests us, and since when at the latest"]
        if self._planned.objects:
            found.append("that we hold the objects that are named, in this content")
        if hunt is not None:
            found.append("that we look for these patterns, and suspect them of " + hunt.purpose)
        if self._question.via is not None:
            found.append(f"{visible_name(self._target.party.name)} learns all this, but for who asks")
        return found


def _send(
    node: Node, clock: Clock, to: Recipient, rfi: Rfi, about: Sequence[Going], unseal: Unseal | None
) -> RequestDetail:
    """Sign a request, keep it, and let it wait for the next drop."""
    store, now = node.store, clock.now()
    claim = claim_of(rfi, [digest_text(one.kept.digest) for one in about])
    with store.transaction():
        at = format_time(now)
        party_row = to.party.party_row
        ours = store.requests.newest(is_own=True, party_row=party_row, at_most=MAX_OPEN_OWN, open_at=at)
        theirs = store.requests.newest(is_own=False, party_row=party_row, at_most=MAX_OPEN_OWN, open_at=at)
        threads = {row.thread for row in store.requests.threads(rfi.thread) if row.party_row == party_row}
        check_request(
            rfi,
            claim,
            Before(
                threads=threads,
                own_claims={row.claim for row in theirs},
                claims={row.claim for row in ours},
            ),
            now,
        )
        envelope = signed(node, clock, rfi, to, about=[one.subject for one in about], unseal=unseal)
        keep_forms(store, about, party_row=party_row, at=at)
        told = keep_told(node, clock, envelope, to.party)
        store.requests.add(
            NewRequest(
                statement_row=told.row,
                party_row=party_row,
                is_own=True,
                thread=rfi.thread,
                claim=claim,
                asked_at=at,
                needed_by=format_time(parse_time(rfi.needed_by)),
            )
        )
        record_signed(store, LeafKind.REQUEST, envelope, about=told.name, now=now)
    return RequestDetail(request=RequestReader(node, clock).shown(request_named(node, told.name)))


def _check_words(question: Question, now: datetime) -> None:
    if not question.text.strip():
        raise UsageError("the question is empty", hint="Say what you want to know: --question WORDS.")
    if len(question.text) > MAX_QUESTION_CHARS:
        raise UsageError(
            f"the question is longer than {MAX_QUESTION_CHARS:,} characters", hint="Shorten it, or ask twice."
        )
    if len(question.topic) > 100:
        raise UsageError("the topic is longer than 100 characters", hint="Name it in a word.")
    if question.needed_by is not None and question.needed_by <= now:
        raise UsageError("the time by which it is needed is over", hint="Name a later day.")
    for pattern in question.hunt.patterns if question.hunt else ():
        try:
            parse(pattern)
        except PatternError as error:
            raise InputError(
                f"{visible(pattern, max_chars=100)} is no pattern: {visible(str(error))}",
                hint="Try it out: backchannel pattern check, or name an indicator.",
            ) from None
