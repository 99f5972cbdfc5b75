"""Statements kept with what they are about, and the chain of one object followed back through them.

Nothing about a signature is kept: a chain is judged when it is shown, with the keys that are pinned then, so that a
key that was revoked today changes what is shown of yesterday's objects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from backchannel import codec
from backchannel.clock import Clock, format_time, parse_time
from backchannel.codec import JsonObject
from backchannel.desk.permits import KeptPermits
from backchannel.desk.provenance_documents import Provenance, SignedOtherwise
from backchannel.desk.provenance_words import chain_document, differences, permit_document, widened_document
from backchannel.desk.steps import KINDS, Steps, heads
from backchannel.ids import BatchId
from backchannel.provenance import altered
from backchannel.provenance.chain import trace
from backchannel.provenance.deniable import open_either
from backchannel.provenance.hops import Chain, Held, Link
from backchannel.provenance.leaves import Proof
from backchannel.provenance.predicates import Answer, Predicate, Receipt, Relay, Retract
from backchannel.provenance.reasons import Rejected
from backchannel.provenance.statement import (
    MAX_MANIFEST_BYTES,
    Opened,
    RootSubject,
    content_of,
    digest_text,
)
from backchannel.provenance.verification import Keys, Terms, Verified, verify
from backchannel.stix.markings import Tlp
from backchannel.store.interface import Store
from backchannel.store.rows import Kept, version_key
from backchannel.store.statements import About, NewStatement, Subject

MAX_STATEMENTS = 200
MAX_CONTENTS = 100


# --- Keeping -------------------------------------------------------------------------------------------


def keep_statement(
    store: Store,
    clock: Clock,
    envelope: bytes,
    *,
    batch_id: BatchId | None,
    leaves: Iterable[Subject] = (),
    is_own: bool = False,
) -> int:
    """Keep a statement with what it is about; returns its number in the store.

    Args:
        store: where to. Inside the transaction of what the statement came with.
        clock: gives the time at which it came.
        envelope: as it came; verified, or our own.
        batch_id: what brought it; None: it is our own, or came alone.
        leaves: of a statement about a root, the leaves that are known.
        is_own: whether we made it.

    Raises:
        Rejected: it cannot be read.
    """
    opened, _ = open_either(envelope, max_bytes=MAX_MANIFEST_BYTES)
    statement = opened.statement
    predicate = _content(opened)
    prev = predicate.prev if isinstance(predicate, Relay) else None
    answered = _answered(predicate)
    new = NewStatement(
        digest=opened.digest,
        kind=statement.predicate_type,
        issuer=statement.iss,
        envelope=envelope,
        received_at=format_time(clock.now()),
        prev=None if prev is None else _bytes(prev),
        manifest=None if answered is None else _bytes(answered),
        is_own=is_own,
    )
    named: Iterable[Subject] = leaves
    if not isinstance(statement.subject, RootSubject):
        named = [Subject(_bytes(one.jcs), one.id, version_key(one.modified)) for one in statement.subject]
    return store.statements.add(new, named, batch_id=batch_id)


def _answered(predicate: Predicate | None) -> str | None:
    """Return the statement that one is about: a receipt's drop, what an answer answers, what a retraction takes back."""
    if isinstance(predicate, Receipt):
        return predicate.manifest
    if isinstance(predicate, Answer):
        return predicate.reply_to
    return predicate.statement if isinstance(predicate, Retract) else None


def proof_subject(digest: bytes, proof: Proof) -> Subject:
    """Return where an object stands in a root, with the proof that came with it."""
    path = b"".join(bytes.fromhex(step) for step in proof.path)
    return Subject(digest, leaf_index=proof.i, salt=bytes.fromhex(proof.salt), path=path)


# --- Showing -------------------------------------------------------------------------------------------


def provenance_of(store: Store, clock: Clock, kept: Kept, *, marking: Tlp, keys: Keys) -> Provenance:
    """Return what signed statements say of an object: each way on which it came, and what differs.

    Args:
        store: the store.
        clock: the present.
        kept: the object, in the content that is asked for.
        marking: how far it may go by itself.
        keys: the pinned keys.
    """
    terms = Terms(now=clock.now(), me=None, seen=None, known_at=known_at(store))
    pages = _Pages(store, kept, keys, terms, Steps(store), KeptPermits(store, keys, terms))
    held = Held(
        digest=kept.digest,
        marking=marking,
        value=codec.decode(kept.body),
        salts=store.statements.salts(kept.digest),
    )
    return Provenance(
        chains=tuple(chain_document(chain) for chain in sorted(pages.chains(held), key=_worth)),
        signed_otherwise=tuple(pages.signed_otherwise()),
        permits=tuple(permit_document(one, keys, terms.now) for one in pages.permits(kept.digest)),
        widened=tuple(widened_document(one, keys) for one in pages.widened()),
    )


def _worth(chain: Chain) -> tuple[int, int]:
    """Sort what is proven first, and of that the shortest way."""
    return ("proven", "unproven", "refused").index(chain.state), len(chain.hops)


def deniable_batches(store: Store, batches: Collection[BatchId]) -> frozenset[int]:
    """Return those batches that came in a deniable drop: what they brought is for us alone to know."""
    came = store.statements.came(batch_ids=list(batches), rows=len(batches)) if batches else []
    return frozenset(
        row.batch_id
        for row in came
        if row.batch_id is not None and open_either(row.manifest.envelope, max_bytes=MAX_MANIFEST_BYTES)[1]
    )


def known_at(store: Store) -> Callable[[bytes], datetime | None]:
    """Return what tells when a statement first came here: that a thief of its key cannot have dated back."""

    def when(digest: bytes) -> datetime | None:
        at = store.statements.known_at(digest)
        return None if at is None else parse_time(at)

    return when


@dataclass(frozen=True, slots=True)
class _Pages:
    """What the store holds of the ways of one object."""

    store: Store
    kept: Kept
    keys: Keys
    terms: Terms
    steps: Steps
    permits: KeptPermits

    def chains(self, held: Held) -> Iterator[Chain]:
        """Yield each way, judged."""
        found = self.store.statements.about(self.kept.digest, kinds=KINDS, at_most=MAX_STATEMENTS)
        for head in heads(found):
            links = [self._link(about) for about in self.steps.back(head, self.kept.stix_id)]
            yield trace(links, held, self.keys, self.terms, permits=self.permits)

    def widened(self) -> Iterator[Verified]:
        """Yield what parties tell of relays that widened the marking, as far as signatures hold."""
        terms = replace(self.terms, late=True, expect={"widened"})
        for about in self.store.statements.about(
            self.kept.digest, kinds=("widened",), at_most=MAX_STATEMENTS
        ):
            with suppress(Rejected):
                yield verify(about.statement.envelope, self.keys, terms)

    def signed_otherwise(self) -> Iterator[SignedOtherwise]:
        """Yield the statements about another content of the version that is kept."""
        copy = codec.decode(self.kept.body)
        named = self.store.statements.of_version(
            self.kept.stix_id, self.kept.version_key, at_most=MAX_STATEMENTS
        )
        for about in named:
            digest = about.subject.object_digest
            if digest == self.kept.digest or about.statement.kind != "origin":
                continue
            original = self._value(digest)
            found = None if original is None else altered.compare(copy, [original])
            signer = self.keys(about.statement.issuer)
            yield SignedOtherwise(
                signer=None if signer is None else signer.name,
                statement=digest_text(about.statement.digest),
                digest=digest_text(digest),
                kind="respelled"
                if found and found.kind == "respelled"
                else "altered"
                if found
                else "not held",
                differences=() if found is None else differences(found),
            )

    def _link(self, about: About) -> Link:
        return Link(
            envelope=about.statement.envelope,
            digest=about.subject.object_digest,
            proof=self.steps.proof(about),
            value=self._value(about.subject.object_digest),
        )

    def _value(self, digest: bytes) -> JsonObject | None:
        """Return the object's content with a digest, where it is kept."""
        contents = self.store.objects.all_versions(self.kept.stix_id, at_most=MAX_CONTENTS)
        return next((codec.decode(one.body) for one in contents if one.digest == digest), None)


def _content(opened: Opened) -> Predicate | None:
    try:
        return content_of(opened.statement)
    except ValueError:
        return None


def _bytes(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix("sha256:"))
