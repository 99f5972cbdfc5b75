-- How far an object may go at most by what relays said who passed it on: no wider than the strictest of them, whatever
-- the object says of itself. Each batch brought its own, and undone it counts no more.

CREATE TABLE object_floor (
  object_digest BLOB NOT NULL,
  batch_id INTEGER NOT NULL,
  tlp TEXT NOT NULL,
  PRIMARY KEY (object_digest, batch_id)
) STRICT, WITHOUT ROWID;
