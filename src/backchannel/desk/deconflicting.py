"""Say of sources that we hide whether two are one, or whether one is a party that we name (statement `deconflict`).

Readers count all that we hide as one origin at most, and two of our cryptonyms as two sources. Only we know better: who
is behind them. Each reader is told by a statement that names cryptonyms, and no party unless a person says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final, Literal

import msgspec

from backchannel.clock import Clock
from backchannel.desk.membership import named
from backchannel.desk.node import Node
from backchannel.desk.outcomes import record_said
from backchannel.desk.pinned import own_kids
from backchannel.desk.recipients import Recipient, recipient_of
from backchannel.desk.request_documents import ToldOf
from backchannel.desk.telling import keep_told, may_tell, signed
from backchannel.errors import NotFoundError, UsageError
from backchannel.feedback.envelope import MAX_TEXT_CHARS
from backchannel.parties.at_rest import Unseal
from backchannel.parties.names import visible_name
from backchannel.provenance.hidden import cryptonym, source_tag
from backchannel.provenance.leaves import SECRET_BYTES
from backchannel.provenance.predicates import Deconflict
from backchannel.provenance.statement import content_of, open_envelope
from backchannel.stix.markings import Tlp

Result = Literal["same", "different"]
TOLD_AS: Final = Tlp.AMBER
"""How far it may go: it tells something of our sources."""
MIN_DIGITS: Final = 8
"""Fewest digits that name a cryptonym."""
MAX_SOURCES: Final = 10_000
"""Sources that we hid among which one is looked for."""
MAX_PAIRS: Final = 64
"""Statements that one reader is told at once: a source has a cryptonym for each key that it ever signed with."""
MAX_TOLD: Final = 1_000
"""Statements of ours of this kind that are looked at for what a reader was told before, the newest."""


class SourceNamed(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two sources."""

    party: str
    """Who it is in our books; readers learn it only where `named` says so."""
    cryptonyms: tuple[str, ...]
    """By which readers know it; empty: we never hid it."""
    named: bool
    """Whether readers are told that it is this party."""


class Deconflicted(msgspec.Struct, frozen=True, kw_only=True):
    """`party deconflict --json`: what was said of two sources, and who is told."""

    schema: str = "backchannel.deconflicted/1"
    source: SourceNamed
    other: SourceNamed
    result: Result
    told: tuple[ToldOf, ...]
    """One for each reader."""
    says: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Two sources, and what is said of them."""

    source: str
    """Name of a party that we hid, or the beginning of a cryptonym of ours."""
    other: str
    """The same; with `names_other` any party whose keys are here."""
    result: Result
    names_other: bool = False
    """Whether readers are told which party `other` is."""


def deconflict(
    node: Node, clock: Clock, said: Sources, to: Sequence[str], reason: str, *, unseal: Unseal | None = None
) -> Deconflicted:
    """Tell readers whether two sources are one.

    Args:
        node: ours.
        clock: the present.
        said: of which sources, and what.
        to: names of the parties that are told.
        reason: how we know; it stays here, in the ledger.
        unseal: opens our keys.

    Raises:
        NotFoundError: there is no such party, or we never hid such a source.
        UsageError: it is one source, it is named by too little, nobody is to be told, or the reason is missing.
        SignatureError: our keys need a passphrase.
    """
    why = reason.strip()
    if not why or len(why) > MAX_TEXT_CHARS:
        raise UsageError(
            f"how is it known? In at most {MAX_TEXT_CHARS:,} characters", hint="Say it with --reason."
        )
    readers = [recipient_of(node, name) for name in dict.fromkeys(to)]
    if not readers:
        raise UsageError("nobody is told", hint="Name who reads it: --to PARTY.")
    hidden = _hidden(node)
    source, other = _found(hidden, said.source), _other(node, hidden, said)
    tags = _tags(node, source, other, said)
    with node.store.transaction():
        told = tuple(_tell(node, clock, reader, tags, said.result, unseal) for reader in readers)
        kept = {"sources": [source.party, other.party], "result": said.result, "reason": why}
        record_said(node, "deconflict", source.party, kept, clock)
    given = sum(one.outcome == "given" for one in told)
    are = "one" if said.result == "same" else "not one"
    return Deconflicted(
        source=source,
        other=other,
        result=said.result,
        told=told,
        says=f"Said that {visible_name(source.party)} and {visible_name(other.party)} are {are}: "
        + ("nobody new is told." if not given else f"{given} told with the next drop."),
    )


# --- Which sources ---------------------------------------------------------------------------------------


def _hidden(node: Node) -> dict[str, tuple[str, ...]]:
    """Return the cryptonyms of those whom we hid, by the name of the party in our books."""
    books = node.store.statements.own_secret("cryptonyms", secrets.token_bytes(SECRET_BYTES))
    by_kid = {kid: row.party.name for row in node.store.membership.known() for kid in row.kids}
    found: dict[str, list[str]] = {}
    for one in node.store.statements.hidden_sources(at_most=MAX_SOURCES):
        found.setdefault(by_kid.get(one, one), []).append(cryptonym(books, one))
    return {party: tuple(sorted(names)) for party, names in found.items()}


def _found(hidden: dict[str, tuple[str, ...]], which: str) -> SourceNamed:
    wanted = which.strip()
    by_name = [party for party in hidden if party.casefold() == wanted.casefold()]
    digits = wanted.lower()
    found = by_name or [
        party
        for party, names in hidden.items()
        if len(digits) >= MIN_DIGITS and any(name.startswith(digits) for name in names)
    ]
    if not found:
        raise NotFoundError(
            f"we never hid a source {visible_name(wanted)}",
            hint="Name a party that we passed something on of without naming it, or 8 digits of its cryptonym.",
        )
    if len(found) > 1:
        raise UsageError(f"several sources begin with {visible_name(wanted)}", hint="Write more of it.")
    return SourceNamed(party=found[0], cryptonyms=hidden[found[0]], named=False)


def _other(node: Node, hidden: dict[str, tuple[str, ...]], said: Sources) -> SourceNamed:
    if not said.names_other:
        return _found(hidden, said.other)
    party = named(node, said.other)
    return SourceNamed(party=party.name, cryptonyms=hidden.get(party.name, ()), named=True)


def _tags(node: Node, source: SourceNamed, other: SourceNamed, said: Sources) -> list[list[str]]:
    """Return the pairs that statements name."""
    if said.names_other:
        kid = recipient_of(node, other.party).sign
        pairs: list[tuple[str, str]] = list(product(source.cryptonyms, (str(kid),)))
    elif source.party == other.party:
        # It changed its key, or had none at first: to readers these are several sources.
        pairs = list(combinations(source.cryptonyms, 2)) if said.result == "same" else []
    else:
        pairs = list(product(source.cryptonyms, other.cryptonyms))
    if not pairs:
        raise UsageError(
            f"{visible_name(source.party)} is one source, and readers know it by one cryptonym",
            hint="Name two sources.",
        )
    if len(pairs) > MAX_PAIRS:
        raise UsageError(
            f"they have {len(pairs)} pairs of cryptonyms, and {MAX_PAIRS} are told at once",
            hint="Name one by its cryptonym.",
        )
    return [sorted(map(source_tag, pair)) for pair in pairs]


# --- Telling ---------------------------------------------------------------------------------------------


def _tell(
    node: Node, clock: Clock, to: Recipient, tags: list[list[str]], result: Result, unseal: Unseal | None
) -> ToldOf:
    """Tell one reader, or say why not. Inside a transaction."""
    name = to.party.name
    decision = may_tell(node, clock, to.party, TOLD_AS, "answer")
    if not decision.allowed:
        return ToldOf(to=name, outcome="denied", says=decision.reasons[-1].text)
    before = _told_before(node, to)
    new = [pair for pair in tags if (*pair, result) not in before]
    if not new:
        return ToldOf(to=name, outcome="told before", says="it was told so before")
    for pair in new:
        envelope = signed(node, clock, Deconflict(otags=pair, result=result), to, unseal=unseal)
        keep_told(node, clock, envelope, to.party)
    return ToldOf(to=name, outcome="given", says="it is told with the next drop")


def _told_before(node: Node, to: Recipient) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for row in node.store.requests.of_issuers(own_kids(node), ["deconflict"], at_most=MAX_TOLD):
        statement = open_envelope(row.envelope).statement
        said = content_of(statement)
        if isinstance(said, Deconflict) and to.sign in statement.aud:
            found.add((*said.otags, said.result))
    return found
