-- What was signed about what we hold, as it came; what was taken, so that it is taken once; what was refused, as it
-- came; what we sent, and what came back. Whether a signature counts is judged when it is asked, with the keys that
-- are known then: nothing here says so.

CREATE TABLE statement (
  statement_row INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE, -- SHA-256 of its payload: two envelopes around one payload are one statement
  kind TEXT NOT NULL,
  issuer TEXT NOT NULL, -- kid
  prev BLOB, -- of a relay: the statement before
  manifest BLOB, -- of a receipt: the drop that it is for
  is_own INTEGER NOT NULL DEFAULT 0 CHECK (is_own IN (0, 1)),
  received_at TEXT NOT NULL,
  envelope BLOB NOT NULL
) STRICT;
CREATE INDEX statement_manifest ON statement (manifest) WHERE manifest IS NOT NULL;

-- Which batches brought it: a statement is seen as long as one of them stands, where it is our own, or where it came
-- without a batch.
CREATE TABLE statement_arrival (
  batch_id INTEGER NOT NULL,
  statement_row INTEGER NOT NULL REFERENCES statement (statement_row),
  PRIMARY KEY (batch_id, statement_row)
) STRICT, WITHOUT ROWID;
CREATE INDEX statement_arrival_statement ON statement_arrival (statement_row);

-- What it is about: one object by its digest, or one of the leaves of a root.
CREATE TABLE statement_subject (
  object_digest BLOB NOT NULL,
  statement_row INTEGER NOT NULL REFERENCES statement (statement_row),
  stix_id TEXT NOT NULL DEFAULT '', -- as the statement names it; '': it names a root
  version_key TEXT NOT NULL DEFAULT '',
  leaf_index INTEGER, -- NULL: it names the object itself
  salt BLOB,
  path BLOB, -- hashes of the proof, one behind the other; NULL: all leaves of the root are here
  PRIMARY KEY (object_digest, statement_row)
) STRICT, WITHOUT ROWID;
CREATE INDEX statement_subject_statement ON statement_subject (statement_row, leaf_index);
CREATE INDEX statement_subject_id ON statement_subject (stix_id, version_key) WHERE stix_id <> '';

-- The salts of an object's fields, where its originator lets relays leave some out.
CREATE TABLE field_salts (
  object_digest BLOB PRIMARY KEY,
  salts BLOB NOT NULL -- JSON: name to hexadecimal digits
) STRICT, WITHOUT ROWID;

-- Issuer and id of what was taken. Kept as long as it could be taken again.
CREATE TABLE taken (
  issuer TEXT NOT NULL,
  statement_id TEXT NOT NULL,
  batch_id INTEGER, -- that took it; undone, it may be taken again. NULL: without a batch
  keep_until TEXT, -- NULL: it does not run out
  PRIMARY KEY (issuer, statement_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX taken_keep_until ON taken (keep_until) WHERE keep_until IS NOT NULL;

-- What was refused, as it came, with the code of the closed list (docs/reference/reasons.md).
CREATE TABLE refused (
  refused_row INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('drop', 'statement', 'object', 'attachment')),
  party_row INTEGER REFERENCES party (party_row), -- who gave it to us, where that is known
  place TEXT NOT NULL, -- where it came from: file and index, address
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  bytes INTEGER NOT NULL,
  body BLOB, -- NULL: too large for here; a file of the home's `quarantine` folder, named by its digest
  decided_at TEXT,
  decision TEXT
) STRICT;
CREATE INDEX refused_open ON refused (refused_row) WHERE decided_at IS NULL;
CREATE INDEX refused_sha256 ON refused (sha256);

-- Drops that came, by their place in their channel: what is missing, and what was signed twice, shows here.
CREATE TABLE received_drop (
  issuer TEXT NOT NULL, -- kid
  chan TEXT NOT NULL,
  seq INTEGER NOT NULL,
  statement_row INTEGER NOT NULL REFERENCES statement (statement_row), -- its manifest
  PRIMARY KEY (issuer, chan, seq, statement_row)
) STRICT, WITHOUT ROWID;

-- Drops that we sent: one row for each recipient, whose copy has salts of its own.
CREATE TABLE sent_drop (
  sent_row INTEGER PRIMARY KEY,
  statement_row INTEGER NOT NULL REFERENCES statement (statement_row), -- its manifest
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  chan TEXT NOT NULL,
  seq INTEGER NOT NULL,
  ack TEXT NOT NULL,
  sent_at TEXT NOT NULL,
  secret BLOB NOT NULL, -- that the copy's salts are drawn from
  objects INTEGER NOT NULL,
  UNIQUE (statement_row, party_row)
) STRICT;
CREATE INDEX sent_drop_party ON sent_drop (party_row, sent_row);
CREATE INDEX sent_drop_place ON sent_drop (chan, seq);

CREATE VIEW visible_statement AS
SELECT s.*
FROM statement AS s
WHERE s.is_own = 1
  OR NOT EXISTS (SELECT 1 FROM statement_arrival AS a WHERE a.statement_row = s.statement_row)
  OR EXISTS (
    SELECT 1
    FROM statement_arrival AS a
    JOIN batch AS b ON b.batch_id = a.batch_id
    WHERE a.statement_row = s.statement_row AND b.state = 'complete'
  );
