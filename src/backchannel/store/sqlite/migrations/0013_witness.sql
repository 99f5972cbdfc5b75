-- Checkpoints of other parties' ledgers, as they were shown to us or to others who told us; what shows that one of
-- them was rewritten; and who cosigned ours.

CREATE TABLE seen_checkpoint (
  seen_row INTEGER PRIMARY KEY,
  party_row INTEGER NOT NULL REFERENCES party (party_row), -- whose ledger
  origin TEXT NOT NULL,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note BLOB NOT NULL, -- with our cosignature, where we gave it
  is_cosigned INTEGER NOT NULL CHECK (is_cosigned IN (0, 1)), -- it grew from every one that was cosigned before
  way TEXT NOT NULL CHECK (way IN ('drop', 'taxii', 'told')),
  shown TEXT NOT NULL, -- sorts what came by one way in the order in which the party showed it
  seen_at TEXT NOT NULL,
  UNIQUE (party_row, origin, size, root)
) STRICT;
CREATE INDEX seen_checkpoint_cosigned ON seen_checkpoint (party_row, size) WHERE is_cosigned = 1;

CREATE TABLE ledger_evidence (
  evidence_row INTEGER PRIMARY KEY,
  party_row INTEGER NOT NULL REFERENCES party (party_row), -- whose ledger
  told_by INTEGER REFERENCES party (party_row), -- who was shown the other half; NULL: we were
  breach TEXT NOT NULL,
  vkey TEXT NOT NULL,
  first BLOB NOT NULL,
  second BLOB NOT NULL,
  other_root BLOB NOT NULL, -- empty unless a proof shows that the larger does not begin with the smaller
  proof BLOB NOT NULL, -- hashes one behind the other
  seen_at TEXT NOT NULL,
  UNIQUE (party_row, first, second)
) STRICT;

CREATE TABLE own_checkpoint (
  size INTEGER PRIMARY KEY,
  root BLOB NOT NULL,
  note BLOB NOT NULL -- with all cosignatures that came
) STRICT;

CREATE TABLE own_cosignature (
  party_row INTEGER NOT NULL REFERENCES party (party_row), -- who cosigned
  size INTEGER NOT NULL REFERENCES own_checkpoint (size),
  stated_at TEXT NOT NULL, -- when, as the cosignature says
  PRIMARY KEY (party_row, size)
) STRICT, WITHOUT ROWID;
