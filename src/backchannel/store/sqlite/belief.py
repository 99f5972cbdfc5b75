"""Belief in SQLite: outcomes, overrides, and who told us what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backchannel import codec
from backchannel.ids import BatchId, Digest
from backchannel.store.belief import (
    Credit,
    Evidence,
    ExportFolder,
    GivenLetter,
    GivenNumber,
    GivenUnion,
    NewOutcome,
    OutcomeRow,
    Told,
    WentOut,
)
from backchannel.store.channel_words import channel_word
from backchannel.store.rows import Kept
from backchannel.store.sqlite.connection import Database
from backchannel.store.statements import StatementRow


class SqliteBeliefs:
    """Outcomes, overrides, and who told us what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- Outcomes ----------------------------------------------------------------------------------------

    def add_outcome(self, new: NewOutcome, speaks: Iterable[Credit]) -> int | None:
        with self._database.transaction():
            if new.said_by is None:
                self.take_back(new.claim, why="replaced", at=new.at)
            added = self._database.execute(_ADD_OUTCOME, new).fetchall()
            if not added:
                return None
            found: int = added[0][0]
            self._database.executemany(_ADD_CREDIT, ((found, *credit) for credit in speaks))
        return found

    def take_back(self, claim: str, *, why: str, at: str) -> bool:
        return self._database.execute(_TAKE_BACK, (at, why, claim)).rowcount > 0

    def outcomes(self, claims: Iterable[str]) -> dict[str, list[OutcomeRow]]:
        found: dict[str, list[OutcomeRow]] = {}
        for row in self._database.execute(_OUTCOMES, (_json(claims),)):
            found.setdefault(row[1], []).append(OutcomeRow(*row))
        return found

    def evidence(self, sources: Iterable[str], *, at_most: int) -> dict[str, list[Evidence]]:
        found: dict[str, list[Evidence]] = {}
        for source in dict.fromkeys(sources):
            # Apart: however much others say, it takes no room from what we found ourselves.
            found[source] = [
                _evidence((source, *row))
                for is_ours in (1, 0)
                for row in self._database.execute(_EVIDENCE, (source, is_ours, at_most))
            ]
        return found

    def history(self, *, at_most: int) -> list[Evidence]:
        rows = self._database.execute(_HISTORY, (at_most,))
        return [_evidence(row) for row in rows]

    def sources_behind(self, party_id: str, *, at_most: int) -> list[str]:
        # The character behind `:` bounds the keys that begin with the party's id and a `:`.
        asked = (f"?{party_id}", f"?{party_id}:", f"?{party_id};", at_most)
        return [row[0] for row in self._database.execute(_SOURCES_BEHIND, asked)]

    # --- Where a person knows better -----------------------------------------------------------------------

    def give_letter(self, given: GivenLetter) -> None:
        self._database.execute(_GIVE_LETTER, given)

    def letters(self, sources: Iterable[str]) -> dict[str, GivenLetter]:
        rows = self._database.execute(_LETTERS, (_json(sources),))
        return {row[0]: GivenLetter(*row) for row in rows if row[1] is not None}

    def give_number(self, given: GivenNumber) -> None:
        self._database.execute(_GIVE_NUMBER, (*given[:4], int(given.is_blind), *given[5:]))

    def numbers(self, claims: Iterable[str]) -> dict[str, GivenNumber]:
        rows = self._database.execute(_NUMBERS, (_json(claims),))
        return {row[0]: _number(row) for row in rows if row[3] is not None}

    def give_union(self, given: GivenUnion) -> None:
        self._database.execute(_GIVE_UNION, given)

    def unions(self, object_rows: Iterable[int]) -> list[GivenUnion]:
        return [GivenUnion(*row) for row in self._database.execute(_UNIONS, (_json(object_rows),))]

    def exported(self, folder: ExportFolder) -> None:
        self._database.execute(_EXPORTED, folder)

    def export_folders(self) -> list[ExportFolder]:
        return [ExportFolder(*row) for row in self._database.execute(_EXPORT_FOLDERS)]

    # --- Who told us what ----------------------------------------------------------------------------------

    def by_rows(self, object_rows: Iterable[int]) -> list[tuple[Kept, bool]]:
        rows = self._database.execute(_BY_ROWS, (_json(object_rows),))
        return [(_kept(row[:13]), bool(row[13])) for row in rows]

    def spoken_by(self, object_rows: Iterable[int], *, of_each: int, at_most: int) -> list[int]:
        asked = (_json(object_rows), of_each, at_most)
        return [row[0] for row in self._database.execute(_SPOKEN_BY, asked)]

    def told(self, object_rows: Iterable[int], *, at_most: int) -> list[Told]:
        rows = self._database.execute(_TOLD, (_json(object_rows), at_most))
        return sorted(map(_told, rows), key=lambda one: (one.batch_id, one.object_row))

    def brought(self, statement_rows: Iterable[int]) -> dict[int, frozenset[BatchId]]:
        found: dict[int, set[BatchId]] = {}
        for statement_row, batch_id in self._database.execute(_BROUGHT, (_json(statement_rows),)):
            found.setdefault(statement_row, set()).add(BatchId(batch_id))
        return {statement_row: frozenset(batches) for statement_row, batches in found.items()}

    def deconflicting(self, *, at_most: int) -> list[StatementRow]:
        rows = self._database.execute(_DECONFLICTING, (at_most,))
        return [_statement(row) for row in rows]

    def went_out(
        self, object_rows: Sequence[int], digests: Sequence[Digest], *, at_most: int
    ) -> list[WentOut]:
        by_digest = dict(zip(digests, object_rows, strict=True))
        found = [
            WentOut(by_digest[Digest(digest)], "drop", to, at)
            for digest in digests
            for to, at in self._database.execute(_BY_DROP, (digest, at_most))
        ]
        found += [
            WentOut(by_digest[Digest(digest)], "drop", to, at, form_id, form_digest)
            for digest in digests
            for to, at, form_id, form_digest in self._database.execute(_REDACTED, (digest, at_most))
        ]
        for way, query in (("push", _BY_PUSH), ("page", _BY_PAGE)):
            rows = self._database.execute(query, (_json(object_rows), at_most))
            found += [WentOut(row, way, to, at) for row, to, at in rows]  # type: ignore[arg-type]  # of the two above
        return sorted(found, key=lambda one: (one.at, one.object_row, one.to or ""))[:at_most]


# STRICT columns have the types of the fields, but for those that are 0 or 1.


def _evidence(row: tuple[object, ...]) -> Evidence:
    return Evidence(*row[:4], OutcomeRow(*row[4:]))  # type: ignore[arg-type,call-arg]


def _number(row: tuple[object, ...]) -> GivenNumber:
    return GivenNumber(*row[:4], bool(row[4]), *row[5:])  # type: ignore[arg-type,call-arg]


def _kept(row: tuple[object, ...]) -> Kept:
    return Kept(*row[:6], bool(row[6]), row[7], bool(row[8]), *row[9:])  # type: ignore[arg-type,call-arg]


def _told(row: tuple[object, ...]) -> Told:
    return Told(*row[:5], bool(row[5]), channel_word(str(row[6])), row[7])  # type: ignore[arg-type,call-arg]


def _statement(row: tuple[object, ...]) -> StatementRow:
    return StatementRow(*row[:7], bool(row[7]))  # type: ignore[arg-type,call-arg]


def _json(values: Iterable[str] | Iterable[int]) -> str:
    return codec.encode(list(values)).decode()


_ADD_OUTCOME = """
INSERT INTO outcome (claim, about, object_row, outcome, basis, reason, at, said_by, statement_row, answer_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
RETURNING outcome_row
"""

_ADD_CREDIT = """
INSERT INTO outcome_credit (outcome_row, source, topic, object_row, party_row, told_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_TAKE_BACK = """
UPDATE outcome SET taken_back_at = ?, taken_back_why = ?
WHERE claim = ? AND said_by IS NULL AND taken_back_at IS NULL
"""

# Beside max(), SQLite gives the columns of the row that has it.
_OUTCOMES = """
SELECT max(u.outcome_row), u.claim, u.about, u.outcome, u.basis, p.party_id, p.name, u.answer_id, u.reason, u.at
FROM json_each(?) AS wanted
CROSS JOIN standing_outcome AS u ON u.claim = wanted.value
LEFT JOIN party AS p ON p.party_row = u.said_by
GROUP BY u.claim, u.said_by
ORDER BY 1
"""

# It speaks for a source as long as something stands by which that source told us.
_EVIDENCE = """
SELECT c.topic, c.told_at, (
    SELECT min(at)
    FROM (
      SELECT b.completed_at AS at
      FROM object AS o
      JOIN current_object AS n ON n.stix_id = o.stix_id AND n.revoked = 1
      JOIN arrival AS a ON a.object_row = n.object_row
      JOIN batch AS b ON b.batch_id = a.batch_id AND b.state = 'complete'
      WHERE o.object_row = c.object_row
      UNION ALL
      SELECT s.received_at
      FROM object AS o
      JOIN statement_subject AS t ON t.object_digest = o.digest
      JOIN visible_statement AS s ON s.statement_row = t.statement_row AND s.kind = 'retract' AND s.is_own = 0
      WHERE o.object_row = c.object_row
    )
  ), u.outcome_row, u.claim, u.about, u.outcome, u.basis, p.party_id, p.name, u.answer_id,
  u.reason, u.at
FROM outcome_credit AS c
CROSS JOIN standing_outcome AS u ON u.outcome_row = c.outcome_row
LEFT JOIN party AS p ON p.party_row = u.said_by
WHERE c.source = ?1 AND (u.said_by IS NULL) = ?2 AND EXISTS (
  SELECT 1
  FROM complete_arrival AS a
  WHERE a.object_row = c.object_row AND coalesce(a.party_row, 0) = c.party_row
)
ORDER BY c.outcome_row DESC
LIMIT ?3
"""

_HISTORY = """
SELECT c.source, c.topic, c.told_at, NULL, u.outcome_row, u.claim, u.about, u.outcome, u.basis, NULL, NULL, u.answer_id,
  u.reason, u.at
FROM standing_outcome AS u
CROSS JOIN outcome_credit AS c ON c.outcome_row = u.outcome_row
WHERE u.said_by IS NULL AND EXISTS (
  SELECT 1
  FROM complete_arrival AS a
  WHERE a.object_row = c.object_row AND coalesce(a.party_row, 0) = c.party_row
)
ORDER BY u.outcome_row DESC
LIMIT ?
"""

_SOURCES_BEHIND = """
SELECT DISTINCT source
FROM (
  SELECT source FROM outcome_credit WHERE source = ?1 OR (source > ?2 AND source < ?3)
  UNION
  SELECT source FROM given_letter WHERE source = ?1 OR (source > ?2 AND source < ?3)
)
ORDER BY source
LIMIT ?4
"""

_GIVE_LETTER = "INSERT INTO given_letter (source, letter, reason, at) VALUES (?, ?, ?, ?)"

_LETTERS = """
SELECT g.source, g.letter, g.reason, g.at
FROM json_each(?) AS wanted
CROSS JOIN given_letter AS g ON g.given_row = (
  SELECT max(n.given_row) FROM given_letter AS n WHERE n.source = wanted.value
)
"""

_GIVE_NUMBER = """
INSERT INTO given_number (claim, about, object_row, number, is_blind, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_NUMBERS = """
SELECT g.claim, g.about, g.object_row, g.number, g.is_blind, g.reason, g.at
FROM json_each(?) AS wanted
CROSS JOIN given_number AS g ON g.given_row = (
  SELECT max(n.given_row)
  FROM given_number AS n
  JOIN visible_object AS o ON o.object_row = n.object_row
  WHERE n.claim = wanted.value
)
"""

_GIVE_UNION = "INSERT INTO given_union (first, second, result, reason, at) VALUES (?, ?, ?, ?, ?)"

# A report's key begins with the row of its content and a dot; the character behind the dot bounds those that do.
_UNIONS = """
SELECT g.first, g.second, g.result, g.reason, g.at
FROM json_each(?) AS wanted
CROSS JOIN given_union AS g ON g.first >= wanted.value || '.' AND g.first < wanted.value || '/'
ORDER BY g.given_row
"""

_EXPORTED = """
INSERT INTO export_folder (folder, control, at)
VALUES (?, ?, ?)
ON CONFLICT (folder) DO UPDATE SET control = excluded.control, at = excluded.at
"""

_EXPORT_FOLDERS = "SELECT folder, control, at FROM export_folder ORDER BY folder"

_BY_ROWS = """
SELECT v.object_row, v.stix_id, v.version, v.version_key, v.type, v.spec_version, v.revoked, v.created_by_ref,
  v.quarantined, v.first_arrival, v.digest, v.body_digest, v.body,
  EXISTS (SELECT 1 FROM current_object AS c WHERE c.object_row = v.object_row)
FROM json_each(?) AS wanted
CROSS JOIN visible_object AS v ON v.object_row = wanted.value
WHERE v.quarantined = 0
ORDER BY v.object_row
"""

_SPOKEN_BY = """
WITH came AS (
  SELECT o.object_row, o.stix_id, coalesce(b.party_row, 0) AS party, min(a.arrival_row) AS first
  FROM json_each(?) AS wanted
  CROSS JOIN visible_object AS o ON o.object_row = wanted.value
  CROSS JOIN arrival AS a ON a.object_row = o.object_row
  JOIN batch AS b ON b.batch_id = a.batch_id
  WHERE b.state = 'complete' AND o.quarantined = 0
  GROUP BY o.object_row, coalesce(b.party_row, 0)
), versions AS (
  SELECT *, row_number() OVER (PARTITION BY party, stix_id ORDER BY first DESC) AS version FROM came
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY party ORDER BY version, first) AS nth FROM versions
)
SELECT object_row FROM ranked WHERE nth <= ? GROUP BY object_row ORDER BY min(nth), min(first) LIMIT ?
"""

_TOLD = """
SELECT object_row, batch_id, party_row, party_id, name, is_self, channel, completed_at
FROM (
  SELECT a.object_row, a.batch_id, coalesce(b.party_row, 0) AS party_row, p.party_id, p.name,
    coalesce(p.is_self, 0) AS is_self, b.channel, b.completed_at,
    row_number() OVER (PARTITION BY a.object_row, b.party_row, b.channel ORDER BY a.batch_id) AS nth
  FROM json_each(?) AS wanted
  CROSS JOIN object AS o ON o.object_row = wanted.value
  CROSS JOIN arrival AS a ON a.object_row = o.object_row
  JOIN batch AS b ON b.batch_id = a.batch_id
  LEFT JOIN party AS p ON p.party_row = b.party_row
  WHERE b.state = 'complete' AND o.quarantined = 0
  GROUP BY a.object_row, a.batch_id
)
ORDER BY nth, batch_id, object_row LIMIT ?
"""

_BROUGHT = """
SELECT a.statement_row, a.batch_id
FROM json_each(?) AS wanted
CROSS JOIN statement_arrival AS a ON a.statement_row = wanted.value
JOIN batch AS b ON b.batch_id = a.batch_id
WHERE b.state = 'complete'
"""

_BY_DROP = """
SELECT p.name, d.sent_at
FROM statement_subject AS u
CROSS JOIN statement AS s ON s.statement_row = u.statement_row
CROSS JOIN sent_drop AS d ON d.statement_row = s.statement_row
JOIN party AS p ON p.party_row = d.party_row
WHERE u.object_digest = ? AND s.is_own = 1 AND s.kind = 'release'
ORDER BY d.sent_row
LIMIT ?
"""

_REDACTED = """
SELECT p.name, f.at, f.form_id, f.form_digest
FROM redacted_form AS f
JOIN party AS p ON p.party_row = f.party_row
WHERE f.object_digest = ?
ORDER BY f.at, f.form_digest, f.party_row
LIMIT ?
"""

_BY_PUSH = """
SELECT h.object_row, h.party, h.pushed_at
FROM json_each(?) AS wanted
CROSS JOIN channel_push AS h ON h.object_row = wanted.value
WHERE h.state <> 'refused'
ORDER BY h.push_row
LIMIT ?
"""

# A party that reads a collection again is shown it again: the first time is when it went.
_BY_PAGE = """
SELECT c.object_row, p.name, min(g.sent_at)
FROM json_each(?) AS wanted
CROSS JOIN collected AS c ON c.object_row = wanted.value
CROSS JOIN page_sent AS g ON g.collection_row = c.collection_row AND g.last_added >= c.added AND g.first_added <= c.added
LEFT JOIN party AS p ON p.party_row = g.party_row
WHERE g.kind = 'objects' OR g.kind = 'object' OR g.kind = 'versions'
GROUP BY c.object_row, g.party_row
ORDER BY min(g.page_row)
LIMIT ?
"""

_DECONFLICTING = """
SELECT statement_row, digest, kind, issuer, prev, received_at, envelope, is_own
FROM visible_statement WHERE kind = 'deconflict'
ORDER BY statement_row DESC LIMIT ?
"""
