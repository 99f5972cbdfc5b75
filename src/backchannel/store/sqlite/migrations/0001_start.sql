-- Facts only: what arrived, from whom, in which batch, what was found in it, what we did about it.
-- Everything shown (state, counts, grades) is derived from these by the views at the end, so that
-- undoing a batch restores what was before. Times are UTC text (RFC 3339), bodies are BLOBs.
--
-- Imports run one at a time, so the rows of a batch lie side by side: `first_arrival` and `first_finding`
-- of a batch and of the next one bound them, and no index by batch is needed. A column without REFERENCES
-- where one could stand has no index on its side, and a check would read the whole table.

CREATE TABLE party (
  party_row INTEGER PRIMARY KEY,
  party_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  is_self INTEGER NOT NULL DEFAULT 0 CHECK (is_self IN (0, 1)),
  public_key BLOB, -- Ed25519, 32 bytes; NULL: known by name only
  made_by INTEGER, -- the batch whose `--from` made it: undone, it takes the party out of sight; NULL: by hand
  added_at TEXT NOT NULL
) STRICT;

CREATE TABLE batch (
  batch_id INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never given twice
  state TEXT NOT NULL CHECK (state IN ('open', 'complete', 'undone')),
  party_row INTEGER REFERENCES party (party_row),
  channel TEXT NOT NULL,
  tlp TEXT, -- default marking of what arrives unmarked, kept outside the objects
  opened_at TEXT NOT NULL,
  completed_at TEXT,
  undone_at TEXT,
  first_arrival INTEGER NOT NULL,
  first_finding INTEGER NOT NULL,
  objects INTEGER NOT NULL DEFAULT 0,
  stored INTEGER NOT NULL DEFAULT 0,
  known INTEGER NOT NULL DEFAULT 0,
  conflict INTEGER NOT NULL DEFAULT 0,
  quarantined INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX batch_party ON batch (party_row, batch_id);
CREATE INDEX batch_open ON batch (first_arrival) WHERE state = 'open';

CREATE TABLE batch_file (
  batch_id INTEGER NOT NULL REFERENCES batch (batch_id),
  name TEXT NOT NULL,
  bytes INTEGER, -- NULL: standard input, which is read once
  sha256 BLOB,
  PRIMARY KEY (batch_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE object (
  object_row INTEGER PRIMARY KEY,
  stix_id TEXT NOT NULL,
  version TEXT NOT NULL, -- modified, else created, else '', letter for letter
  version_key TEXT NOT NULL, -- the same instant in the spelling that sorts by time
  type TEXT NOT NULL,
  spec_version TEXT NOT NULL,
  revoked INTEGER NOT NULL DEFAULT 0,
  created_by_ref TEXT NOT NULL DEFAULT '',
  quarantined INTEGER NOT NULL DEFAULT 0,
  -- Its first arrival in a batch that is not undone; NULL when all were undone. Derived from `arrival`, and
  -- changed with it in the same transaction: it makes "newest first" a walk along an index.
  first_arrival INTEGER,
  digest BLOB NOT NULL,
  body_digest BLOB NOT NULL,
  body BLOB NOT NULL -- as its first arrival brought it
) STRICT;
CREATE INDEX object_id ON object (stix_id, version_key);
CREATE INDEX object_type ON object (type, first_arrival);
CREATE INDEX object_newest ON object (first_arrival);
CREATE INDEX object_quarantined ON object (first_arrival) WHERE quarantined = 1;

CREATE TABLE arrival (
  arrival_row INTEGER PRIMARY KEY,
  batch_id INTEGER NOT NULL,
  object_row INTEGER NOT NULL REFERENCES object (object_row),
  -- Not IN: that would build a table for each row.
  outcome TEXT NOT NULL CHECK (
    outcome = 'stored' OR outcome = 'known' OR outcome = 'conflict' OR outcome = 'quarantined'
  ),
  place TEXT NOT NULL, -- file and index, line or row
  original BLOB, -- the row or line it was made from
  body BLOB -- the object's bytes as they came this time; NULL: letter for letter those of `object`
) STRICT;
CREATE INDEX arrival_object ON arrival (object_row, batch_id);

CREATE TABLE finding (
  finding_row INTEGER PRIMARY KEY,
  batch_id INTEGER NOT NULL,
  object_row INTEGER REFERENCES object (object_row), -- NULL: refused, or about how it came, not what it is
  level TEXT NOT NULL CHECK (level IN ('refuse', 'quarantine', 'note')),
  object TEXT NOT NULL,
  place TEXT NOT NULL,
  what TEXT NOT NULL,
  clause TEXT NOT NULL,
  original BLOB -- the bytes of what was refused, up to the limit of one object
) STRICT;
CREATE INDEX finding_object ON finding (object_row) WHERE object_row IS NOT NULL;

-- Who refers to whom, asked from the target's side: the other side is in the object's own body.
CREATE TABLE reference (
  target TEXT NOT NULL,
  property TEXT NOT NULL, -- source_ref, target_ref, object_refs, sighting_of_ref, ...
  object_row INTEGER NOT NULL,
  PRIMARY KEY (target, property, object_row)
) STRICT, WITHOUT ROWID;

CREATE TABLE indicator (
  object_row INTEGER PRIMARY KEY REFERENCES object (object_row),
  pattern TEXT NOT NULL,
  pattern_type TEXT NOT NULL,
  valid_from TEXT,
  valid_until TEXT,
  uncompiled TEXT NOT NULL DEFAULT '' -- which parts cannot be searched, and why; '' if all can
) STRICT;
CREATE INDEX indicator_uncompiled ON indicator (object_row) WHERE uncompiled <> '';

-- The compiled indicator set: immutable files, each covering a range of object rows.
CREATE TABLE segment (
  segment_row INTEGER PRIMARY KEY,
  first_row INTEGER NOT NULL,
  last_row INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  file TEXT NOT NULL UNIQUE, -- name in the home's `indicators` folder, made from the file's SHA-256
  normaliser INTEGER NOT NULL -- version of the normaliser it was compiled with
) STRICT;

CREATE TABLE hunt (
  hunt_row INTEGER PRIMARY KEY,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  paths TEXT NOT NULL, -- JSON list
  since TEXT,
  until TEXT,
  files INTEGER NOT NULL DEFAULT 0,
  records INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  hits INTEGER NOT NULL DEFAULT 0,
  skipped TEXT NOT NULL DEFAULT '[]', -- JSON list of {path, why}
  uncompiled TEXT NOT NULL DEFAULT '[]',
  outside TEXT NOT NULL DEFAULT '[]' -- JSON list: logs in which records have no side in our own networks
) STRICT;

-- One row for an indicator, asset, field and log in one hunt: count, first, last; lines in `evidence`.
CREATE TABLE hit (
  hit_row INTEGER PRIMARY KEY,
  hunt_row INTEGER NOT NULL REFERENCES hunt (hunt_row),
  object_row INTEGER NOT NULL REFERENCES object (object_row),
  indicator TEXT NOT NULL,
  observable_kind TEXT NOT NULL,
  observable_value TEXT NOT NULL,
  asset TEXT,
  log_path TEXT NOT NULL,
  log_format TEXT NOT NULL,
  field TEXT NOT NULL,
  scope TEXT NOT NULL,
  validity TEXT NOT NULL,
  warninglists TEXT NOT NULL DEFAULT '[]',
  first_seen TEXT,
  last_seen TEXT,
  count INTEGER NOT NULL,
  evidence TEXT NOT NULL -- JSON list of the first [line, seen_at] pairs, up to the evidence limit
) STRICT;
CREATE INDEX hit_object ON hit (object_row);
CREATE INDEX hit_indicator ON hit (indicator);
CREATE INDEX hit_asset ON hit (asset);
CREATE INDEX hit_hunt ON hit (hunt_row);

-- What we said back: the STIX object that says it, and to whom it belongs.
CREATE TABLE answer (
  answer_row INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('ack', 'sight', 'dispute')),
  about TEXT NOT NULL, -- id of the object answered
  answer_id TEXT NOT NULL UNIQUE, -- id of the note, sighting or opinion
  said_at TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX answer_about ON answer (about);

CREATE TABLE warninglist (
  name TEXT PRIMARY KEY,
  class TEXT NOT NULL CHECK (class IN ('infrastructure', 'popular', 'context')),
  kind TEXT NOT NULL, -- cidr, hostname, string, substring, regex: as MISP spells them
  version INTEGER NOT NULL,
  description TEXT NOT NULL,
  added_at TEXT NOT NULL,
  entries BLOB NOT NULL -- JSON list of strings
) STRICT, WITHOUT ROWID;

-- A Suricata sid is given once and never reused; rev rises with each change of the rule's text.
CREATE TABLE suricata_rule (
  sid INTEGER PRIMARY KEY,
  indicator TEXT NOT NULL,
  observable TEXT NOT NULL,
  rev INTEGER NOT NULL,
  rule_sha256 BLOB NOT NULL,
  UNIQUE (indicator, observable)
) STRICT;

CREATE VIEW complete_arrival AS
SELECT a.*, b.party_row, b.channel, b.tlp, b.completed_at
FROM arrival AS a
JOIN batch AS b ON b.batch_id = a.batch_id
WHERE b.state = 'complete';

-- Imports run one at a time, and one that was killed is removed before the next begins: what is in an open
-- batch has come last, so everything that first came before it is in sight.
CREATE VIEW visible_object AS
SELECT o.*
FROM object AS o
WHERE o.first_arrival < (
  SELECT coalesce(min(b.first_arrival), 9223372036854775807)
  FROM batch AS b
  WHERE b.state = 'open'
);

-- The version of each object that is in force: the newest, and of two in conflict the one that came first.
CREATE VIEW current_object AS
SELECT o.*
FROM visible_object AS o
WHERE o.quarantined = 0
  AND NOT EXISTS (
    SELECT 1
    FROM visible_object AS n
    WHERE n.stix_id = o.stix_id
      AND n.version_key >= o.version_key
      AND n.quarantined = 0
      AND (n.version_key > o.version_key OR n.first_arrival < o.first_arrival)
  );
