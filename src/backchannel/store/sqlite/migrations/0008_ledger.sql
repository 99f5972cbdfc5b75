-- What goes into the ledger: written in the transaction of what it is about, appended to the ledger's files after
-- it. A leaf without an index is still to be appended. The blinding is the secret that opens the leaf.

CREATE TABLE ledger_leaf (
  leaf_row INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  about TEXT NOT NULL,
  statement BLOB NOT NULL,
  blinding BLOB NOT NULL,
  recorded_at TEXT NOT NULL,
  leaf_index INTEGER UNIQUE
) STRICT;

CREATE INDEX ledger_leaf_pending ON ledger_leaf (leaf_row) WHERE leaf_index IS NULL;
CREATE INDEX ledger_leaf_about ON ledger_leaf (about);
