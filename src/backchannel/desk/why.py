"""`why`: everything we know about why we hold what we hold, and what others say about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from backchannel import codec
from backchannel.clock import Clock
from backchannel.codec import JsonObject
from backchannel.desk.belief import document
from backchannel.desk.claims import CLAIMING
from backchannel.desk.documents import Answer, Arrival, Said, Version, Why
from backchannel.desk.drop_book import brought_by
from backchannel.desk.givers import givers
from backchannel.desk.heard_back import heard_back
from backchannel.desk.items import Reader, find
from backchannel.desk.node import Node
from backchannel.desk.pinned import pinned_keys
from backchannel.desk.provenance import deniable_batches, provenance_of
from backchannel.desk.provenance_documents import Difference
from backchannel.desk.redacted import OfForm, referring
from backchannel.desk.ties import relation_of
from backchannel.desk.views import views_of
from backchannel.stix.describe import describe
from backchannel.stix.findings import Finding
from backchannel.stix.markings import Tlp, tlp_of
from backchannel.stix.visible import visible
from backchannel.store.rows import Answered, First, Kept, KeptArrival

MAX_ARRIVALS = 200
MAX_VERSIONS = 100
MAX_SAID = 200
MAX_DIFFERENCES = 100
MAX_VALUE_CHARS = 300
MAX_ORIGINAL_CHARS = 2_000


def why(node: Node, clock: Clock, stix_id: str) -> Why:
    """Return who brought an object when and how, what contradicts it, and what is said about it.

    Args:
        node: the open node.
        clock: the present.
        stix_id: its id, or so much of its beginning that only one object has it.

    Raises:
        NotFoundError: nothing of that id is here.
        UsageError: several objects begin so.
    """
    reader = Reader(node, clock)
    objects = node.store.objects
    kept = find(node.store, stix_id)
    versions = objects.all_versions(kept.stix_id, at_most=MAX_VERSIONS)
    rows = [version.object_row for version in versions]
    firsts = objects.firsts(rows)
    first = firsts[kept.object_row]
    arrivals, arrivals_total = objects.arrivals(kept.stix_id, at_most=MAX_ARRIVALS)
    deniable = deniable_batches(node.store, [arrival.batch_id for arrival in arrivals])
    others = [version for version in versions if version.object_row != kept.object_row]
    said = _said(reader, kept)
    tlp = reader.tlp(kept, first)
    answers = node.store.sightlines.answers((kept.stix_id,)).get(kept.stix_id, [])
    return Why(
        id=kept.stix_id,
        type=kept.type,
        says=reader.says(kept),
        version=kept.version or None,
        quarantined=kept.quarantined,
        tlp=tlp.label,
        tlp_why=_tlp_why(reader, kept, tlp, first),
        arrivals=tuple(_arrival(arrival, deniable) for arrival in arrivals),
        arrivals_total=arrivals_total,
        conflicts=tuple(_versions(kept, others, firsts, same=True)),
        versions=tuple(_versions(kept, others, firsts, same=False)),
        findings=_distinct(objects.findings(rows).values()),
        said=said[:MAX_SAID],
        said_more=len(said) > MAX_SAID,
        answers=tuple(_answer(reader, answered) for answered in answers),
        provenance=provenance_of(node.store, clock, kept, marking=tlp, keys=pinned_keys(node)),
        concerns=reader.concerns(kept),
        drops=brought_by(node, clock, kept),
        givers=tuple(one.party.name for one in givers(node, kept)),
        views=views_of(node, clock, kept),
        heard=heard_back(node, clock, kept),
        belief=document(node, clock, reader.grader, reader.grader.grade(kept))
        if kept.type in CLAIMING
        else None,
    )


def _arrival(arrival: KeptArrival, deniable: Collection[int]) -> Arrival:
    original = arrival.original
    return Arrival(
        batch=arrival.batch_id,
        party=arrival.party,
        channel=arrival.channel,
        received_at=arrival.received_at,
        place=visible(arrival.place, max_chars=MAX_VALUE_CHARS),
        outcome=arrival.outcome,
        tlp=arrival.tlp,
        version=arrival.version or None,
        deniable=arrival.batch_id in deniable,
        original=None
        if original is None
        else visible(original.decode("utf-8", "replace"), max_chars=MAX_ORIGINAL_CHARS),
    )


def _versions(kept: Kept, others: Iterable[Kept], firsts: dict[int, First], *, same: bool) -> list[Version]:
    """Return those of the same version (in conflict), or the rest."""
    here = codec.decode(kept.body)
    return [
        Version(
            version=other.version or None,
            digest=other.digest.hex(),
            party=firsts[other.object_row].party,
            channel=firsts[other.object_row].channel,
            batch=firsts[other.object_row].batch_id,
            received_at=firsts[other.object_row].received_at,
            quarantined=other.quarantined,
            revoked=other.revoked,
            differences=_differences(here, codec.decode(other.body)),
        )
        for other in others
        if (other.version_key == kept.version_key) is same
    ]


def _differences(here: JsonObject, there: JsonObject) -> tuple[Difference, ...]:
    changed = [
        name
        for name in dict.fromkeys((*here, *there))
        if name not in here or name not in there or here[name] != there[name]
    ]
    return tuple(
        Difference(
            property=visible(name, max_chars=MAX_VALUE_CHARS),
            here=_shown(here, name),
            there=_shown(there, name),
        )
        for name in changed[:MAX_DIFFERENCES]
    )


def _shown(value: JsonObject, name: str) -> str | None:
    if name not in value:
        return None
    return visible(codec.encode(value[name]).decode("utf-8", "replace"), max_chars=MAX_VALUE_CHARS)


def _distinct(findings: Iterable[Sequence[Finding]]) -> tuple[Finding, ...]:
    found: dict[tuple[str, str, str], Finding] = {}
    for finding in (one for some in findings for one in some):
        found.setdefault((finding.level, finding.what, finding.clause), finding)
    return tuple(found.values())


def _said(reader: Reader, kept: Kept) -> tuple[Said, ...]:
    """Return what refers to `kept`: one more than are shown, where there are more."""
    objects = reader.store.objects
    found: list[tuple[str, Kept, tuple[OfForm, ...]]] = [
        (name, other, ())
        for name, other in objects.referring(kept.stix_id, properties=None, at_most=MAX_SAID + 1)
    ]
    found += [
        (one.property, one.kept, (OfForm(id=kept.stix_id, as_id=one.form.form_id, to=one.form.party),))
        for one in referring(reader.store, [kept.stix_id], properties=None, at_most=MAX_SAID + 1)
    ]
    firsts = objects.firsts([other.object_row for _, other, _ in found])
    return tuple(
        Said(
            id=other.stix_id,
            type=other.type,
            says=reader.says(other),
            relation=visible(relation_of(name, other), max_chars=MAX_VALUE_CHARS),
            source=reader.source(other, firsts[other.object_row]),
            received_at=firsts[other.object_row].received_at,
            forms=forms,
        )
        for name, other, forms in found
    )


def _answer(reader: Reader, answered: Answered) -> Answer:
    return Answer(
        kind=answered.kind,
        id=answered.answer_id,
        said_at=answered.said_at,
        says=describe(codec.decode(answered.body), name_of=reader.name_of),
    )


def _tlp_why(reader: Reader, kept: Kept, tlp: Tlp, first: First) -> str:
    """Say whether the object's own marking decided or what its arrivals gave to what comes unmarked."""
    value = reader.value(kept)
    known = reader.known((value,), first.party)
    if tlp.value in first.floors and tlp_of(value, default=Tlp.CLEAR.label, known=known) is not tlp:
        return f"A relay that passed it on lets it go as {tlp.label} at most, whatever it says of itself."
    if tlp_of(value, default=Tlp.CLEAR.label, known=known) == tlp_of(
        value, default=Tlp.RED.label, known=known
    ):
        return f"Its own marking makes it {tlp.label}; a marking that we do not hold counts as TLP:RED."
    if tlp.label in first.tlps:
        return f"It came unmarked, and an import gave {tlp.label} to what came unmarked."
    return f"It came unmarked, so it counts as {tlp.label} until its source says more."
