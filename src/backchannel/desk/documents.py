"""The documents that the desk answers with: what `--json` prints and what a page's `.json` twin holds.

Each document's first field is `schema`, a name with a number: new keys may be added under the same number,
a key removed or changed raises it (docs/reference). Times are RFC 3339 text in UTC; an absent fact is null,
never an empty text; lists that could grow without end are cut at a stated length and say so
(`..._more`, `..._total`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.codec import JsonObject
from backchannel.desk.belief_documents import Belief, ItemGrade
from backchannel.desk.provenance_documents import Difference, Provenance
from backchannel.desk.receipt_documents import CameDrop, HeardBack, Unanswered
from backchannel.desk.redacted import OfForm
from backchannel.desk.request_documents import Task, ViewShown
from backchannel.stix.findings import Finding

ValidityState = Literal["before", "inside", "after"]
"""Where the present lies: `valid_until` is exclusive (STIX 2.1 §4.7)."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Who says so, and through whom it came to us."""

    party: str | None
    """Name of the party it came from; null where nobody was named (`--from`)."""
    channel: str
    """`file`, `drop`, `taxii`, ...: or what `--channel` said."""
    author: str | None = None
    """Name (else id) of the identity in `created_by_ref`: what the object claims about itself, unproved."""


class Validity(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """When an indicator is to be matched."""

    from_: str | None
    """`valid_from`, inclusive."""
    until: str | None
    """`valid_until`, exclusive; null where it has no end."""
    state: ValidityState


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """One other object that this one is tied to."""

    relation: str
    """`relationship_type` of the relationship between them, else the property that refers (`object_refs`)."""
    direction: Literal["to", "from"]
    """`to`: this object is the source or the one that refers; `from`: the other one is."""
    id: str
    type: str
    says: str | None
    """What it is in one plain sentence; null where we do not have that object."""


class Concerns(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it concerns us, as far as the hunts in our logs tell."""

    state: Literal["yes", "no", "in part", "not checked"]
    """`no`: searched for in full after it came, and not seen; `in part`: not all of it, or not in logs that show such
    things; `not checked`: nothing of it. For a report, malware, ...: by the indicators tied to it."""
    hits: int = 0
    """Log lines that hit; the same lines hunted twice are counted once."""
    hosts: int = 0
    """How many of our own addresses or names are on the other side of the hits."""
    assets: tuple[str, ...] = ()
    """The first of them, at most 10."""
    last_seen: str | None = None
    searched: tuple[str, ...] = ()
    """Where it was not seen: the kinds of observable in its patterns that logs hunted since it came show: `ipv4-addr`,
    `domain-name`, `url`, `email-addr`, `file:hashes.MD5`, ...; `email-addr sender` where only one side counts."""
    unsearched: tuple[str, ...] = ()
    """The kinds in its patterns that none of those logs shows. `LIKE`: some such patterns were too many to be tried."""
    switched_off: tuple[str, ...] = ()
    """Those of them that the logs have and that were not looked for: they can point to a person, and are not switched
    on for these logs (`[[personal]]` in the settings)."""
    why: str = ""
    """One sentence: what was hunted when, or why it could not be checked."""


class ItemAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about it."""

    do: Literal["block", "look", "tell", "nothing", "ask"]
    text: str
    why: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One current object worth a person's attention."""

    id: str
    type: str
    version: str | None
    """`modified`, else `created`, letter for letter; null for an object that has neither."""
    name: str | None
    says: str
    """What it is, in one plain sentence of at most 300 characters."""
    source: Source
    """Of the first arrival of this version."""
    sources: int = 1
    """How many different parties it came from."""
    tlp: str
    """`TLP:CLEAR` ... `TLP:RED`: the strictest of its own markings and its arrivals' default."""
    pap: str | None = None
    validity: Validity | None = None
    """Indicators only."""
    related: tuple[Related, ...] = ()
    related_more: bool = False
    findings: tuple[Finding, ...] = ()
    concerns: Concerns
    advice: ItemAdvice | None = None
    """Null where there is nothing to advise on: a marking, an identity, ..."""
    received_at: str
    """When this version first came; its batch's completion."""
    conflict: bool = False
    """Another content came under the same id and version: see `why`."""
    revoked: bool = False
    quarantined: bool = False
    uncompiled: tuple[str, ...] = ()
    """Parts of the pattern that a hunt cannot search yet, in words."""
    answered: tuple[str, ...] = ()
    """What we said back about it: `ack`, `sight`, `dispute`."""
    grade: ItemGrade | None = None
    """Its credibility and its origins; null for what makes no claim: identities, markings, notes, ..."""


class UnsaidBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch whose giver can be told what was searched for here and not seen: `sight --batch N` does it."""

    batch: int
    party: str
    count: int
    """Indicators that were searched for and not seen, and of which nothing was said back; of the first 100."""


class Inbox(msgspec.Struct, frozen=True, kw_only=True):
    """`inbox --json`: one page of what came: all that concerns us first, then everything else, both newest first.

    On a page the most credible stands first.
    """

    schema: Literal["backchannel.inbox/1"] = "backchannel.inbox/1"
    items: tuple[Item, ...]
    next: str | None
    """Opaque: give it as `before` for the next page; null on the last one. A page may be short, even empty,
    while there is a next one (long runs of superseded versions are read a piece at a time)."""
    quarantined: int
    """Objects that wait for a person's decision and that no item shows."""
    unanswered: Unanswered | None
    """Drops that we sent and whose readers are silent; null on all pages but the first."""
    tasks: tuple[Task, ...] = ()
    """What other parties ask, need or answered; on the first page only."""
    unsaid: tuple[UnsaidBatch, ...] = ()
    """Batches whose giver can be told what was searched for and not seen; on the first page only."""


class ItemDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`show ID --json`."""

    schema: Literal["backchannel.show/1"] = "backchannel.show/1"
    item: Item
    spec_version: str
    """As received: "2.1" or "2.0"."""
    received: msgspec.Raw
    """The object exactly as it came, spelling and order of keys included."""
    view: tuple[JsonObject, ...]
    """The object as STIX 2.1: itself, or derived from 2.0 (observed-data brings its observables)."""
    changes: tuple[Finding, ...] = ()
    """What the derived view changed; empty for a 2.1 object."""
    digest: str
    """SHA-256 of the canonical form (RFC 8785), hexadecimal."""
    body_digest: str
    """SHA-256 of the bytes as received, hexadecimal."""
    hits: tuple[ItemHit, ...] = ()
    """What hunts found of it, newest first, at most 100."""


class ItemHit(msgspec.Struct, frozen=True, kw_only=True):
    """Where one indicator was seen: one line for each own asset, field and log."""

    indicator: str
    kind: str
    """STIX type of the observable: `ipv4-addr`, `domain-name`, ..."""
    value: str
    asset: str | None
    log: str
    format: str
    field: str
    scope: str
    validity: str
    warninglists: tuple[JsonObject, ...] = ()
    first_seen: str | None
    last_seen: str | None
    count: int


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One object reaching us once."""

    batch: int
    party: str | None
    channel: str
    received_at: str
    place: str
    """File and index, line or row."""
    outcome: Literal["stored", "known", "conflict", "quarantined"]
    tlp: str | None
    """Default marking that the import gave to what arrives unmarked."""
    version: str | None
    deniable: bool = False
    """Whether it came in a drop without a signature: only we can know that its sender made it."""
    original: str | None = None
    """The row or line that an indicator was made from, or the other spelling it came in; at most 2,000
    characters."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """Another content of the same object: an older or newer version, or one in conflict."""

    version: str | None
    digest: str
    party: str | None
    channel: str
    batch: int
    received_at: str
    quarantined: bool
    revoked: bool
    differences: tuple[Difference, ...] = ()


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What another object says about this one."""

    id: str
    type: str
    says: str
    relation: str
    """The relationship's type, or the property that refers: `object_refs`, `sighting_of_ref`, ..."""
    source: Source
    received_at: str
    forms: tuple[OfForm, ...] = ()
    """The redacted form that it names; empty: it names the object itself."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What we said back."""

    kind: Literal["ack", "sight", "dispute"]
    id: str
    """Of the note, sighting or opinion that says it."""
    said_at: str
    says: str


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """`why ID --json`: everything we know about why we hold what we hold."""

    schema: Literal["backchannel.why/1"] = "backchannel.why/1"
    id: str
    type: str
    says: str
    version: str | None
    """The version in force."""
    quarantined: bool
    tlp: str
    tlp_why: str
    """One sentence: which marking or default decided."""
    arrivals: tuple[Arrival, ...]
    """Of all versions, newest first, at most 200."""
    arrivals_total: int
    conflicts: tuple[Version, ...] = ()
    """Other contents under the same id and version, in order of arrival."""
    versions: tuple[Version, ...] = ()
    """Other versions, newest first."""
    findings: tuple[Finding, ...] = ()
    said: tuple[Said, ...] = ()
    """Relationships, sightings, notes, opinions, reports of others about it; newest first, at most 200."""
    said_more: bool = False
    answers: tuple[Answer, ...] = ()
    provenance: Provenance = Provenance()
    """What signed statements say of the content in force."""
    concerns: Concerns
    """Whether hunts in our own logs saw it, or how far they looked for it."""
    drops: tuple[CameDrop, ...] = ()
    """The drops that brought the content in force, newest first."""
    givers: tuple[str, ...] = ()
    """Parties that gave it to us over TAXII, and that a receipt can be addressed to."""
    heard: tuple[HeardBack, ...] = ()
    """What parties told us last of the content in force, the newest first."""
    belief: Belief | None = None
    """Who really says so, how far they can be relied on, what it is worth; null for what makes no claim."""
    views: tuple[ViewShown, ...] = ()
    """What other parties signed about the content in force: sightings, opinions, outcomes; oldest first."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """`import --json`: what one import did. Each object is counted once: the five add up to `objects`."""

    schema: Literal["backchannel.import/1"] = "backchannel.import/1"
    batch: int
    objects: int
    stored: int
    known: int
    conflict: int
    quarantined: int
    refused: int
    findings: tuple[Finding, ...]
    """Refusals first, then quarantines, then notes; at most 10,000 of each. The store keeps all of them."""
    findings_total: int = 0
    party: str | None = None
    channel: str = "file"
    tlp: str | None = None
    collected: int = 0
    """How many were put in the collection named."""


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `validate --jsonl`: what was found in one object of the input."""

    schema: Literal["backchannel.validate/1"] = "backchannel.validate/1"
    n: int
    """From 1, in the order of the input."""
    findings: tuple[Finding, ...]
    place: str = ""
    id: str | None = None
    type: str | None = None


class BatchFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that an import read."""

    name: str
    bytes: int | None
    """Null for standard input."""
    sha256: str | None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one import brought; it can be undone as a whole."""

    batch: int
    state: Literal["open", "complete", "undone"]
    party: str | None
    channel: str
    tlp: str | None
    opened_at: str
    completed_at: str | None
    undone_at: str | None
    objects: int
    stored: int
    known: int
    conflict: int
    quarantined: int
    refused: int
    files: tuple[BatchFile, ...] = ()
    """At most 100."""


class Batches(msgspec.Struct, frozen=True, kw_only=True):
    """`batch list --json`: newest first."""

    schema: Literal["backchannel.batches/1"] = "backchannel.batches/1"
    batches: tuple[Batch, ...]
    next: str | None = None
    """Give it as `before` for the next page."""


class BatchDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One batch with what was found in it; also the answer of `batch undo --json`."""

    schema: Literal["backchannel.batch/1"] = "backchannel.batch/1"
    batch: Batch
    findings: tuple[Finding, ...] = ()
    """Refusals first, then quarantines, then notes; at most 1,000."""
    findings_total: int = 0
