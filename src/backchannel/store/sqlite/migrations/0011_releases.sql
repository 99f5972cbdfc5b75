-- What we keep to ourselves about what we send: by which names we call hidden sources, who they are, and what waits
-- for the next drop to a party.

CREATE TABLE own_secret (
  name TEXT PRIMARY KEY,
  secret BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What opens the parties that we hid in relay statements: for an arbiter, or one reader, and for nobody else.
CREATE TABLE hidden_party (
  commitment TEXT PRIMARY KEY,
  party TEXT NOT NULL, -- kid, or what our own books call it
  random BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE waiting_statement (
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  statement_row INTEGER NOT NULL REFERENCES statement (statement_row),
  PRIMARY KEY (party_row, statement_row)
) STRICT, WITHOUT ROWID;
