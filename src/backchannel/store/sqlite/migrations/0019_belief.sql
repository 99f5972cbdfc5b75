-- How things turned out, and where a person knows better: facts only. Letters, numbers and counts of origins are derived
-- from these whenever they are asked for, so that what an undone batch brought counts no more, and counts again when it
-- comes again.

-- What became of an object that somebody told us. An outcome stands as long as its object is in sight and, where another
-- party signed it, that statement is.
CREATE TABLE outcome (
  outcome_row INTEGER PRIMARY KEY,
  claim TEXT NOT NULL, -- what is claimed, whoever says so under whatever id
  about TEXT NOT NULL, -- id of the object by which it was judged
  object_row INTEGER NOT NULL REFERENCES object (object_row), -- in this content
  outcome TEXT NOT NULL CHECK (outcome IN ('confirmed', 'refuted', 'harmful')),
  basis TEXT NOT NULL CHECK (basis IN ('own-log', 'analyst', 'independent-report', 'retraction')),
  said_by INTEGER REFERENCES party (party_row), -- NULL: we did
  statement_row INTEGER REFERENCES statement (statement_row), -- that another party signed
  answer_id TEXT, -- our sighting or opinion that it goes with
  reason TEXT NOT NULL,
  at TEXT NOT NULL,
  taken_back_at TEXT,
  taken_back_why TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX outcome_claim ON outcome (claim);
CREATE INDEX outcome_answer ON outcome (answer_id) WHERE answer_id IS NOT NULL;
CREATE UNIQUE INDEX outcome_statement ON outcome (statement_row, object_row) WHERE statement_row IS NOT NULL;

-- Whom it speaks for or against: who had told us so by then. Who repeats it later earns nothing by it.
CREATE TABLE outcome_credit (
  source TEXT NOT NULL, -- a party's id; `?ID:CRYPTONYM` or `?ID` behind a relay
  outcome_row INTEGER NOT NULL REFERENCES outcome (outcome_row),
  topic TEXT NOT NULL,
  object_row INTEGER NOT NULL, -- that told us so
  party_row INTEGER NOT NULL, -- who gave it to us
  told_at TEXT NOT NULL,
  PRIMARY KEY (source, outcome_row)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcome_credit_outcome ON outcome_credit (outcome_row);

-- A letter that a person gave a source: the newest counts. NULL: the person's word ends, the computed letter counts.
CREATE TABLE given_letter (
  given_row INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  letter TEXT CHECK (letter IN ('A', 'B', 'C', 'D', 'E', 'F')),
  reason TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX given_letter_source ON given_letter (source, given_row);

-- A number that a person gave a claim: the newest counts, NULL ends it.
CREATE TABLE given_number (
  given_row INTEGER PRIMARY KEY,
  claim TEXT NOT NULL,
  about TEXT NOT NULL,
  object_row INTEGER NOT NULL REFERENCES object (object_row),
  number INTEGER CHECK (number BETWEEN 1 AND 6),
  is_blind INTEGER NOT NULL CHECK (is_blind IN (0, 1)), -- before letters were shown
  reason TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX given_number_claim ON given_number (claim, given_row);

-- Two reports of a claim of which a person knows whether they are of one origin: the newest counts, NULL ends it.
CREATE TABLE given_union (
  given_row INTEGER PRIMARY KEY,
  first TEXT NOT NULL, -- key of a report, the lesser one
  second TEXT NOT NULL, -- key of another, or `ours`
  result TEXT CHECK (result IN ('same', 'different')),
  reason TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX given_union_pair ON given_union (first, second, given_row);

-- Folders into which exports were written: their manifests say what lies there.
CREATE TABLE export_folder (
  folder TEXT PRIMARY KEY,
  control TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who was shown an object on a page of a collection.
CREATE INDEX page_sent_collection ON page_sent (collection_row, last_added);

CREATE INDEX statement_deconflict ON statement (statement_row) WHERE kind = 'deconflict';

CREATE VIEW standing_outcome AS
SELECT u.*
FROM outcome AS u
JOIN visible_object AS o ON o.object_row = u.object_row
WHERE u.taken_back_at IS NULL
  AND (u.statement_row IS NULL OR EXISTS (
    SELECT 1 FROM visible_statement AS s WHERE s.statement_row = u.statement_row
  ));
