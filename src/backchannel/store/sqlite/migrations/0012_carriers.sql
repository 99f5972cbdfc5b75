-- Channels that carry drops: a folder that is watched, the drop box of another node, and our own drop box. What came
-- and what went by them is kept by its SHA-256, written in the transaction that takes or refuses it.

-- The kinds of channels are a closed list, so the table is made anew with one more; its numbers go on.
CREATE TABLE channel_place_before AS SELECT * FROM channel_place;
DROP TABLE channel_place;
CREATE TABLE channel_after (
  channel_row INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never given twice
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  kind TEXT NOT NULL CHECK (kind IN ('taxii', 'misp-feed', 'feed', 'drop')),
  terms TEXT NOT NULL, -- JSON
  party TEXT NOT NULL, -- name of the party that what comes is credited to; of a drop its signer is
  tlp TEXT, -- default marking of what comes unmarked
  every_s INTEGER NOT NULL, -- seconds between polls; 0: by hand only
  added_at TEXT NOT NULL,
  polled_at TEXT, -- the last poll, however it ended
  reached_at TEXT, -- the last poll that ended well
  due_at TEXT, -- when a poll is wanted; NULL: at once, or not at all where every_s is 0 or it is paused
  failures INTEGER NOT NULL DEFAULT 0, -- polls in a row that failed
  error TEXT NOT NULL DEFAULT '', -- why the last one failed, in words
  paused_at TEXT -- since when it is not polled by itself; NULL: it is
) STRICT;
INSERT INTO channel_after (
  channel_row, name, kind, terms, party, tlp, every_s, added_at, polled_at, reached_at, due_at, failures, error, paused_at
)
SELECT
  channel_row, name, kind, terms, party, tlp, every_s, added_at, polled_at, reached_at, due_at, failures, error, paused_at
FROM channel;
DELETE FROM sqlite_sequence WHERE name = 'channel_after';
INSERT INTO sqlite_sequence (name, seq) SELECT 'channel_after', seq FROM sqlite_sequence WHERE name = 'channel';
DROP TABLE channel;
ALTER TABLE channel_after RENAME TO channel;
CREATE TABLE channel_place (
  channel_row INTEGER NOT NULL REFERENCES channel (channel_row),
  place TEXT NOT NULL, -- names it for good: its URL
  id TEXT NOT NULL,
  title TEXT NOT NULL,
  cursor TEXT NOT NULL DEFAULT '', -- where to go on, in the words of the protocol's client
  polled_at TEXT,
  reached_at TEXT,
  error TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '', -- what the other end does against its standard
  objects INTEGER NOT NULL DEFAULT 0, -- what all polls brought, each object counted each time
  stored INTEGER NOT NULL DEFAULT 0,
  known INTEGER NOT NULL DEFAULT 0,
  conflict INTEGER NOT NULL DEFAULT 0,
  quarantined INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (channel_row, place)
) STRICT, WITHOUT ROWID;
INSERT INTO channel_place (
  channel_row, place, id, title, cursor, polled_at, reached_at, error, note,
  objects, stored, known, conflict, quarantined, refused
)
SELECT
  channel_row, place, id, title, cursor, polled_at, reached_at, error, note,
  objects, stored, known, conflict, quarantined, refused
FROM channel_place_before;
DROP TABLE channel_place_before;

-- Each file once. Of what we hand on, its row comes first: what stays `sending` is handed on at the next poll.
CREATE TABLE carried (
  carried_row INTEGER PRIMARY KEY,
  channel_row INTEGER NOT NULL, -- 0: our own drop box
  sha256 BLOB NOT NULL,
  name TEXT NOT NULL, -- as it is shown
  bytes INTEGER NOT NULL,
  at TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('taken', 'known', 'part', 'other', 'refused', 'sending', 'sent')),
  reason TEXT NOT NULL DEFAULT '', -- code of the closed list (docs/reference/reasons.md)
  detail TEXT NOT NULL DEFAULT '',
  batch_id INTEGER,
  UNIQUE (channel_row, sha256)
) STRICT;
CREATE INDEX carried_state ON carried (channel_row, state, carried_row);

-- Numbered parts of a drop of which not all have come.
CREATE TABLE waiting_part (
  channel_row INTEGER NOT NULL,
  name TEXT NOT NULL, -- the first 32 digits of the SHA-256 of the whole
  number INTEGER NOT NULL,
  of_parts INTEGER NOT NULL,
  at TEXT NOT NULL,
  data BLOB NOT NULL,
  UNIQUE (channel_row, name, number)
) STRICT;

-- The files of a watched folder as the last look found them: what has not changed since is not read again.
CREATE TABLE seen_file (
  channel_row INTEGER NOT NULL,
  name BLOB NOT NULL, -- as the file system spells it
  bytes INTEGER NOT NULL,
  changed_ns INTEGER NOT NULL,
  is_done INTEGER NOT NULL CHECK (is_done IN (0, 1)), -- looked into
  why TEXT NOT NULL DEFAULT '', -- it is left alone
  PRIMARY KEY (channel_row, name)
) STRICT, WITHOUT ROWID;
