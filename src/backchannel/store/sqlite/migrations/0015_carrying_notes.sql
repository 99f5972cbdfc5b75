-- Notes that carry a signed statement: answers, not intelligence. They have no row in the inbox and do not go along
-- with a batch; what is said in them stands in `statement`.

CREATE TABLE carrying_note (
  stix_id TEXT PRIMARY KEY, -- made from the digest: no other object can have it honestly
  digest BLOB NOT NULL, -- of the statement
  is_private INTEGER NOT NULL CHECK (is_private IN (0, 1)) -- between its sender and whom it is for
) STRICT, WITHOUT ROWID;
