"""One object that goes to a party, whole or redacted, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backchannel import codec
from backchannel.codec import JsonObject
from backchannel.desk.ways import Way
from backchannel.ids import Digest, sha256
from backchannel.policy.redact import says_same
from backchannel.provenance.permits import Permitted
from backchannel.provenance.statement import ObjectSubject, digest_text
from backchannel.stix.markings import Tlp
from backchannel.store.interface import Store
from backchannel.store.redacted import NewForm
from backchannel.store.rows import Kept


@dataclass(frozen=True, slots=True)
class Going:
    """One object that goes, and what is said about it."""

    kept: Kept
    tlp: Tlp
    """As what it goes."""
    received: Tlp
    """How far it may go without a permit."""
    way: Way | None
    """Of what came with statements."""
    permit: Permitted | None
    """By which it goes further than that."""
    source: str | None
    """Of what came without: our name for who gave it to us; None: it is our own."""
    received_at: str
    otag: str | None
    """Of our own that we said before: the tag of that claim."""
    made: JsonObject | None = None
    """What goes instead of it, where it goes redacted."""
    removed: tuple[str, ...] = ()
    """Pointers to what was left out of it or changed."""

    @property
    def digest(self) -> Digest:
        """Of what goes."""
        return self.kept.digest if self.made is None else sha256(codec.canonical(self.made))

    @property
    def subject(self) -> ObjectSubject:
        """What goes, as statements to its recipient name it: never what a redacted form was made of."""
        if self.made is None:
            return ObjectSubject(
                id=self.kept.stix_id, jcs=digest_text(self.kept.digest), modified=self.kept.version
            )
        version = self.made.get("modified")
        return ObjectSubject(
            id=str(self.made["id"]),
            jcs=digest_text(self.digest),
            modified=version if isinstance(version, str) else "",
        )

    @property
    def value(self) -> JsonObject:
        """What goes."""
        found: JsonObject = codec.decode(self.kept.body) if self.made is None else self.made
        return found

    @property
    def permits(self) -> tuple[Permitted, ...]:
        """The permits that its markings rely on, of those who passed it on before and of us."""
        before = () if self.way is None or self.made is not None else self.way.chain.permits
        return before if self.permit is None else (*before, self.permit)

    @property
    def group(self) -> tuple[str, ...]:
        """What objects share that one statement is made for."""
        day = self.received_at[:10]
        if self.made is not None and self.way is not None:
            return (
                "redacted",
                self.tlp.label,
                day,
                self.received.label,
                self.way.statements[-1].digest.hex(),
            )
        if self.made is not None and self.source is not None:
            return ("redacted", self.tlp.label, day, self.source, *self.removed)
        if self.way is not None:
            by = "" if self.permit is None else self.permit.digest.hex()
            behind = (digest.hex() for digest in self.way.key)
            return ("relay", self.tlp.label, day, self.received.label, by, *behind)
        if self.source is not None:
            return ("told", self.tlp.label, day, self.source)
        return ("own", self.tlp.label, self.otag or "")


def keep_forms(store: Store, going: Iterable[Going], *, party_row: int, at: str) -> None:
    """Keep in which forms objects go to a party, or are named to it. Inside the transaction that says so."""
    store.redacted.add(
        NewForm(
            form_digest=one.digest,
            party_row=party_row,
            object_digest=one.kept.digest,
            stix_id=one.kept.stix_id,
            form_id=one.subject.id,
            form_version=one.subject.modified,
            says_same=says_same(codec.decode(one.kept.body), one.made),
            at=at,
        )
        for one in going
        if one.made is not None
    )
