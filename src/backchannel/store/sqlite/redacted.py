"""Redacted forms in SQLite."""

from __future__ import annotations

from collections.abc import Iterable

from backchannel import codec
from backchannel.store.redacted import FormRow, NewForm
from backchannel.store.sqlite.connection import Database


class SqliteRedacted:
    """Implements `store.redacted.Redacted`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        return self._database.execute(_ANY).fetchone() is not None

    def add(self, new: Iterable[NewForm]) -> None:
        self._database.executemany(_ADD, new)

    def of_form(self, form_digest: bytes, *, party_row: int | None, at_most: int) -> list[FormRow]:
        return self._read(_OF_FORM, {"form": form_digest, "party": party_row, "rows": at_most})

    def named(self, form_id: str, *, party_row: int, at_most: int) -> list[FormRow]:
        return self._read(_NAMED, {"form": form_id, "party": party_row, "rows": at_most})

    def of_objects(self, stix_ids: Iterable[str], *, at_most: int) -> list[FormRow]:
        return self._read(_OF_OBJECTS, {"ids": codec.encode(list(stix_ids)).decode(), "rows": at_most})

    def _read(self, query: str, wanted: dict[str, object]) -> list[FormRow]:
        # STRICT columns have the types of the fields, but for the one that is 0 or 1.
        rows = self._database.execute(query, wanted)
        return [FormRow(*row[:6], bool(row[6]), *row[7:]) for row in rows]  # type: ignore[call-arg]


_ANY = "SELECT 1 FROM redacted_form LIMIT 1"

_ADD = """
INSERT INTO redacted_form
  (form_digest, party_row, object_digest, stix_id, form_id, form_version, says_same, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_SELECT = """
SELECT f.form_digest, f.party_row, f.object_digest, f.stix_id, f.form_id, f.form_version, f.says_same, f.at, p.name
FROM {source}
CROSS JOIN party AS p ON p.party_row = f.party_row
{where}
ORDER BY f.at, f.form_digest, f.party_row, f.object_digest
LIMIT :rows
"""

_OF_FORM = _SELECT.format(
    source="redacted_form AS f",
    where="WHERE f.form_digest = :form AND (:party IS NULL OR f.party_row = :party)",
)

_NAMED = _SELECT.format(source="redacted_form AS f", where="WHERE f.form_id = :form AND f.party_row = :party")

_OF_OBJECTS = _SELECT.format(
    source="json_each(:ids) AS wanted CROSS JOIN redacted_form AS f ON f.stix_id = wanted.value", where=""
)
