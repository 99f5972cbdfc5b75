-- Where we fetch from and send to by ourselves: channels, how far each of their places has been read, which
-- batches came by them, and what was sent. Secrets are not here: `terms` names the files that hold them.

CREATE TABLE channel (
  channel_row INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never given twice
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  kind TEXT NOT NULL CHECK (kind IN ('taxii', 'misp-feed', 'feed')),
  terms TEXT NOT NULL, -- JSON
  party TEXT NOT NULL, -- name of the party that what comes is credited to
  tlp TEXT, -- default marking of what comes unmarked
  every_s INTEGER NOT NULL, -- seconds between polls; 0: by hand only
  added_at TEXT NOT NULL,
  polled_at TEXT, -- the last poll, however it ended
  reached_at TEXT, -- the last poll that ended well
  due_at TEXT, -- the next poll; NULL: at once
  failures INTEGER NOT NULL DEFAULT 0, -- polls in a row that failed
  error TEXT NOT NULL DEFAULT '' -- why the last one failed, in words
) STRICT;

-- A collection of a TAXII server; a feed has one place.
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

CREATE TABLE channel_batch (
  batch_id INTEGER PRIMARY KEY,
  channel_row INTEGER NOT NULL,
  place TEXT NOT NULL
) STRICT;
CREATE INDEX channel_batch_channel ON channel_batch (channel_row, batch_id);

-- Each object that was sent, written down before it went.
CREATE TABLE channel_push (
  push_row INTEGER PRIMARY KEY,
  channel_row INTEGER NOT NULL,
  channel TEXT NOT NULL, -- its name: the record stays when the channel is removed
  party TEXT NOT NULL,
  place TEXT NOT NULL,
  object_row INTEGER NOT NULL,
  pushed_at TEXT NOT NULL,
  policy TEXT NOT NULL, -- version of the policy that let it go
  state TEXT NOT NULL CHECK (state IN ('sending', 'accepted', 'refused', 'pending', 'unknown')),
  why TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX channel_push_channel ON channel_push (channel_row, push_row);
CREATE INDEX channel_push_object ON channel_push (object_row);
