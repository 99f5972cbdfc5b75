"""What comes back about an object that went redacted: the form in which it went has an id and a digest of its own.

Kept is which forms of which objects went to whom. So a party's word on a form that it was given is a word on our object;
the word of anybody else on that form names nothing that is here. Nobody is told of it: it is a look into our own books.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from backchannel.codec import JsonObject
from backchannel.provenance.statement import ObjectSubject, Statement, objects_named
from backchannel.store.interface import Store
from backchannel.store.redacted import FormRow
from backchannel.store.rows import Kept
from backchannel.store.statements import Subject

MAX_MADE_OF: Final = 100
"""Objects that one form was made of: one address stands for all that were generalised to it."""
MAX_FORMS: Final = 200
"""Forms of one object that are looked at, the first that went."""
MAX_READERS: Final = 10_000
"""Forms of one object whose readers are told that it is taken back."""
MAX_TOLD: Final = 100
"""Arrivals of one answer whose parties are looked at."""


class OfForm(msgspec.Struct, frozen=True, kw_only=True):
    """That something is said of the redacted form of an object."""

    id: str
    """The object's, as it is here."""
    as_id: str
    """The form's: by which it is named there."""
    to: str
    """The party that the form went to."""


class Spoken(NamedTuple):
    """What a statement speaks of, as it is called here."""

    about: tuple[str, ...]
    """Ids."""
    forms: tuple[OfForm, ...]
    """Of those that were named in a redacted form."""


# --- What is said of it, signed --------------------------------------------------------------------------


def speakers(store: Store, *names: str | None) -> frozenset[int]:
    """Return the parties whose word it is, by their names: who signed it, and who passed it on to us."""
    found = (store.parties.by_name(name) for name in names if name is not None)
    return frozenset(party.party_row for party in found if party is not None)


def made_of(store: Store, subject: ObjectSubject, parties: Collection[int]) -> list[FormRow]:
    """Return what a form was made of that a statement names, as far as it went to one of these parties."""
    digest = bytes.fromhex(subject.jcs.removeprefix("sha256:"))
    return [
        one
        for party_row in parties
        for one in store.redacted.of_form(digest, party_row=party_row, at_most=MAX_MADE_OF)
        if one.form_id == subject.id
    ]


def keep_spoken(store: Store, statement_row: int, statement: Statement, parties: Collection[int]) -> None:
    """Keep of which objects a statement speaks by naming their forms. Inside the transaction that keeps it."""
    store.statements.speaks_of(
        statement_row,
        (
            Subject(one.object_digest, one.stix_id, form=one.form_digest)
            for subject in objects_named(statement)
            for one in made_of(store, subject, parties)
        ),
    )


def spoken_of(store: Store, statement_row: int, statement: Statement, *, by: str) -> Spoken:
    """Return what a statement that is kept speaks of.

    Args:
        store: where it is kept.
        statement_row: under which number.
        statement: it.
        by: name of the party that speaks.
    """
    named = objects_named(statement)
    if not named:
        return Spoken((), ())
    behind: dict[bytes, list[Subject]] = {}
    for one in store.statements.subjects(statement_row, at_most=len(named) * (MAX_MADE_OF + 1)):
        if one.form is not None:
            behind.setdefault(one.form, []).append(one)
    about: dict[str, None] = {}
    forms: list[OfForm] = []
    for subject in named:
        ours = behind.get(bytes.fromhex(subject.jcs.removeprefix("sha256:")), ())
        about |= dict.fromkeys(one.stix_id for one in ours) or {subject.id: None}
        forms += [form for one in ours for form in of_form(store, one, by=by)]
    return Spoken(tuple(about), tuple(forms))


def of_form(store: Store, subject: Subject, *, by: str) -> tuple[OfForm, ...]:
    """Return in which form an object was spoken of; empty: it was named itself."""
    went = _went(store, subject)
    if not went:
        return ()
    to = next((one for one in went if one.party == by), went[0])
    return (OfForm(id=subject.stix_id, as_id=to.form_id, to=to.party),)


def claims_same(store: Store, subject: Subject) -> bool:
    """Whether what is said of an object holds of what it claims: it was named itself, or in a form that claims the same."""
    return subject.form is None or any(one.says_same for one in _went(store, subject))


def _went(store: Store, subject: Subject) -> list[FormRow]:
    if subject.form is None:
        return []
    rows = store.redacted.of_form(subject.form, party_row=None, at_most=MAX_FORMS * MAX_MADE_OF)
    return [one for one in rows if one.object_digest == subject.object_digest]


def originals(store: Store, statement_row: int, *, named: int) -> Iterator[Kept]:
    """Yield the objects of which a statement speaks in a form that claims the same, in the content that it was made of.

    Args:
        store: where it is kept.
        statement_row: the statement.
        named: how many objects it names.
    """
    for one in store.statements.subjects(statement_row, at_most=named * (MAX_MADE_OF + 1)):
        if one.form is not None and claims_same(store, one):
            kept = store.objects.content(one.stix_id, one.object_digest)
            if kept is not None and not kept.quarantined:
                yield kept


# --- What is said of it in plain STIX --------------------------------------------------------------------


class Referring(NamedTuple):
    """An object that names a form, given to us by who was given that form."""

    form: FormRow
    property: str
    kept: Kept


def referring(
    store: Store, stix_ids: Sequence[str], *, properties: Sequence[str] | None, at_most: int
) -> list[Referring]:
    """Return what refers to forms of objects and came from a party that the form went to; newest kept first.

    Args:
        store: where it is kept.
        stix_ids: of the objects.
        properties: by which it refers; None: by any.
        at_most: most of them, for each form.
    """
    by_form: dict[str, dict[int, FormRow]] = {}
    for one in store.redacted.of_objects(stix_ids, at_most=MAX_FORMS):
        by_form.setdefault(one.form_id, {}).setdefault(one.party_row, one)
    found: list[Referring] = []
    for form_id, went in by_form.items():
        others = store.objects.referring(form_id, properties=properties, at_most=at_most)
        givers = _givers(store, [other for _, other in others])
        for name, other in others:
            row = next((went[giver] for giver in givers.get(other.object_row, ()) if giver in went), None)
            if row is not None:
                found.append(Referring(row, name, other))
    return found


def in_our_words(store: Store, kept: Kept, targets: Iterable[str]) -> Mapping[str, str]:
    """Return which of the ids that an object names are forms that its giver was given: form to the object here."""
    wanted = list(dict.fromkeys(targets))
    held = store.objects.currents(wanted)
    missing = [one for one in wanted if one not in held]
    givers = _givers(store, [kept]).get(kept.object_row, ()) if missing else ()
    return {
        form_id: row.stix_id
        for form_id in missing
        for giver in givers
        for row in store.redacted.named(form_id, party_row=giver, at_most=1)
    }


def _givers(store: Store, others: Sequence[Kept]) -> dict[int, list[int]]:
    """Return the parties that gave us objects, by their rows."""
    found: dict[int, list[int]] = {}
    rows = [one.object_row for one in others]
    for told in store.beliefs.told(rows, at_most=MAX_TOLD * len(rows)) if rows else ():
        if told.party_row:
            found.setdefault(told.object_row, []).append(told.party_row)
    return found


def readers(store: Store, kept: Kept) -> Iterator[tuple[int, ObjectSubject]]:
    """Yield to whom an object went redacted in this content, and as what."""
    for one in store.redacted.of_objects([kept.stix_id], at_most=MAX_READERS):
        if one.object_digest == kept.digest:
            yield (
                one.party_row,
                ObjectSubject(
                    id=one.form_id, jcs=f"sha256:{one.form_digest.hex()}", modified=one.form_version
                ),
            )


def renamed_here(value: JsonObject, ours: Mapping[str, str]) -> JsonObject:
    """Return an object's value with our ids instead of those of forms, to be read by people here."""
    return {
        name: [ours.get(one, one) if isinstance(one, str) else one for one in held]
        if isinstance(held, list)
        else ours.get(held, held)
        if isinstance(held, str)
        else held
        for name, held in value.items()
    }
