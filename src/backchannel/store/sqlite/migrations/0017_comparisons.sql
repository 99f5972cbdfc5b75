-- Private comparisons: what each session is, its messages as they went and came, and which of our objects went in.

CREATE TABLE comparison (
  session BLOB PRIMARY KEY, -- 16 bytes
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  side TEXT NOT NULL CHECK (side IN ('initiator', 'responder')),
  state TEXT NOT NULL CHECK (state IN ('open', 'done', 'declined', 'failed')),
  suite TEXT NOT NULL,
  sorts TEXT NOT NULL, -- JSON: what is compared
  overridden TEXT NOT NULL DEFAULT '[]', -- JSON: sorts that can be guessed, and were let through by a person
  because TEXT NOT NULL DEFAULT '', -- why, as the initiator says
  channel TEXT NOT NULL DEFAULT '', -- of ours by which the messages go; '' by hand
  items INTEGER NOT NULL DEFAULT 0, -- of ours that went in, without filling
  size INTEGER NOT NULL DEFAULT 0, -- with it
  their_size INTEGER NOT NULL DEFAULT 0,
  common INTEGER, -- how many both hold, once it is known
  reason TEXT NOT NULL DEFAULT '', -- code of the closed list (docs/reference/reasons.md), or `declined`
  detail TEXT NOT NULL DEFAULT '',
  secrets BLOB, -- what we keep secret of it (canonical JSON); NULL before we answered
  began_at TEXT NOT NULL,
  changed_at TEXT NOT NULL
) STRICT;
CREATE INDEX comparison_party ON comparison (party_row, began_at);

-- Each message once: what we made is sent again as it is, what came is evidence.
CREATE TABLE comparison_message (
  session BLOB NOT NULL REFERENCES comparison (session),
  step INTEGER NOT NULL,
  is_ours INTEGER NOT NULL CHECK (is_ours IN (0, 1)),
  digest BLOB NOT NULL, -- SHA-256 of the signed statement's payload
  envelope BLOB NOT NULL,
  body BLOB NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (session, step, is_ours)
) STRICT;

CREATE TABLE comparison_item (
  session BLOB NOT NULL REFERENCES comparison (session),
  input BLOB NOT NULL, -- 32 bytes: what stands for it in this session
  sort TEXT NOT NULL,
  value TEXT NOT NULL,
  stix_id TEXT NOT NULL, -- of the first of our indicators that has this value
  digest BLOB NOT NULL, -- of the content that went in (JCS form)
  is_common INTEGER NOT NULL DEFAULT 0 CHECK (is_common IN (0, 1)),
  PRIMARY KEY (session, input)
) STRICT, WITHOUT ROWID;
