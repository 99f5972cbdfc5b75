-- How far each party is known, by which keys, and why: cards, key sets, revocations, introductions, invitations,
-- and the alarms that a person decides. A party known by its name only has none of them.

ALTER TABLE party ADD COLUMN standing TEXT NOT NULL DEFAULT 'unknown'
  CHECK (standing IN ('unknown', 'introduced', 'verified', 'suspended', 'revoked'));

CREATE TABLE party_event (
  event_row INTEGER PRIMARY KEY,
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  at TEXT NOT NULL,
  event TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;
CREATE INDEX party_event_party ON party_event (party_row, event_row);

CREATE TABLE party_card (
  card_row INTEGER PRIMARY KEY,
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  at TEXT NOT NULL,
  digest TEXT NOT NULL,
  name TEXT NOT NULL, -- as the card bears it; the party may be called otherwise here
  identity TEXT NOT NULL, -- `identity--uuid` that the card bears
  body BLOB NOT NULL, -- the whole card, signed
  UNIQUE (party_row, digest)
) STRICT;

CREATE TABLE party_key (
  kid TEXT PRIMARY KEY, -- a key that was ever named belongs to one party for good
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  is_root INTEGER NOT NULL CHECK (is_root IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX party_key_party ON party_key (party_row);

CREATE TABLE key_set (
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  version INTEGER NOT NULL,
  at TEXT NOT NULL,
  change TEXT NOT NULL,
  body BLOB NOT NULL, -- canonical JSON of the key set
  statement BLOB, -- the envelope that said it; NULL: our own first one, said with the first drop
  PRIMARY KEY (party_row, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE revocation (
  revocation_row INTEGER PRIMARY KEY,
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  kid TEXT NOT NULL,
  reason TEXT NOT NULL,
  compromised_since TEXT,
  at TEXT NOT NULL,
  statement BLOB
) STRICT;
CREATE INDEX revocation_kid ON revocation (kid);

CREATE TABLE vouch (
  introducer_row INTEGER NOT NULL REFERENCES party (party_row),
  card_digest TEXT NOT NULL,
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  how TEXT NOT NULL,
  since TEXT NOT NULL,
  at TEXT NOT NULL,
  statement BLOB NOT NULL,
  PRIMARY KEY (introducer_row, card_digest) -- one introducer counts once
) STRICT, WITHOUT ROWID;

CREATE TABLE invitation (
  invitation_id BLOB PRIMARY KEY,
  side TEXT NOT NULL CHECK (side IN ('inviter', 'joiner')),
  number INTEGER NOT NULL,
  digest BLOB, -- joiner: of the code that was typed, which counts its runs; inviter: of the message that was answered
  state TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed')),
  secret BLOB, -- NULL once it is over
  answer TEXT, -- the last message that we made: made once, sent as often as it gets lost
  tries_left INTEGER NOT NULL,
  made_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  party_row INTEGER REFERENCES party (party_row)
) STRICT, WITHOUT ROWID;

CREATE TABLE alarm (
  alarm_row INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  reason TEXT NOT NULL,
  sentence TEXT NOT NULL,
  party_row INTEGER REFERENCES party (party_row), -- the party that is known, and that the card does not fit
  card BLOB NOT NULL,
  decided_at TEXT,
  decision TEXT
) STRICT;
CREATE INDEX alarm_open ON alarm (alarm_row) WHERE decided_at IS NULL;
