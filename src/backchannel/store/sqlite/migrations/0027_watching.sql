-- Where a watch stands in each log, and the hits that it has not yet told. Both change in the transaction that keeps
-- the hits, so that a watch that is killed begins again where it was, and repeats and misses nothing.

CREATE TABLE watch_place (
  log_id TEXT PRIMARY KEY, -- how the log begins: the same for one that was renamed, copied or packed
  path TEXT NOT NULL, -- where it was last
  target TEXT NOT NULL, -- what was named to be watched, for which it is read
  offset INTEGER NOT NULL, -- bytes that were read
  line INTEGER NOT NULL, -- lines that these are
  began INTEGER NOT NULL, -- bytes that were passed over when it was watched first
  header TEXT NOT NULL DEFAULT '', -- of a table: the last header behind its first
  is_done INTEGER NOT NULL DEFAULT 0 -- read to its end after another took its name
) STRICT, WITHOUT ROWID;

CREATE TABLE watch_target (
  target TEXT PRIMARY KEY -- what was watched before: what is found there and not known came meanwhile
) STRICT, WITHOUT ROWID;

CREATE TABLE watch_hit (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  body TEXT NOT NULL
) STRICT;
