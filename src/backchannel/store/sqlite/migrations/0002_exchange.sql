-- What we offer to others over TAXII: roots, collections, credentials, what is in a collection, and a record
-- of every page that was sent. Stamps (`added`, `last_added`) are whole microseconds since 1970 (UTC).

CREATE TABLE api_root (
  root_row INTEGER PRIMARY KEY,
  root_id TEXT NOT NULL, -- its name in the URL
  title TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  added_at TEXT NOT NULL,
  removed_at TEXT
) STRICT;
CREATE UNIQUE INDEX api_root_id ON api_root (root_id) WHERE removed_at IS NULL;

-- A removed collection keeps its row: the record of what was sent from it refers to it.
CREATE TABLE collection (
  collection_row INTEGER PRIMARY KEY,
  root_row INTEGER NOT NULL REFERENCES api_root (root_row),
  collection_id TEXT NOT NULL,
  alias TEXT,
  title TEXT NOT NULL COLLATE NOCASE,
  description TEXT NOT NULL DEFAULT '',
  default_tlp TEXT, -- marking of what is put here unmarked, kept outside the objects
  anonymous_read INTEGER NOT NULL DEFAULT 0 CHECK (anonymous_read IN (0, 1)),
  gather INTEGER NOT NULL DEFAULT 0 CHECK (gather IN (0, 1)), -- everything that arrives is put here too
  last_added INTEGER NOT NULL DEFAULT 0, -- the highest stamp ever given here
  added_at TEXT NOT NULL,
  removed_at TEXT
) STRICT;
CREATE UNIQUE INDEX collection_id ON collection (collection_id) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX collection_title ON collection (root_row, title) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX collection_alias ON collection (root_row, alias) WHERE removed_at IS NULL AND alias IS NOT NULL;

-- A credential of a party: a secret, known by its digest only, or a certificate.
CREATE TABLE token (
  token_row INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never given twice
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  sha256 BLOB NOT NULL, -- of the secret's text, or of the certificate (DER)
  certificate BLOB, -- DER; NULL: a secret
  compat TEXT NOT NULL DEFAULT '', -- what a client needs that the standard does not give it: words with blanks
  added_at TEXT NOT NULL,
  expires_at TEXT,
  removed_at TEXT
) STRICT;
CREATE UNIQUE INDEX token_sha256 ON token (sha256) WHERE removed_at IS NULL;

CREATE TABLE token_right (
  token_row INTEGER NOT NULL REFERENCES token (token_row),
  collection_row INTEGER NOT NULL REFERENCES collection (collection_row),
  can_read INTEGER NOT NULL CHECK (can_read IN (0, 1)),
  can_write INTEGER NOT NULL CHECK (can_write IN (0, 1)),
  PRIMARY KEY (token_row, collection_row)
) STRICT, WITHOUT ROWID;

-- What decides who may see an object and which filters take it. A decision is made for a class and a party,
-- not for an object: a collection of a million objects has some dozens of classes.
CREATE TABLE class (
  class_row INTEGER PRIMARY KEY,
  collection_row INTEGER NOT NULL REFERENCES collection (collection_row),
  type TEXT NOT NULL,
  spec_version TEXT NOT NULL,
  tlp TEXT NOT NULL, -- the strictest label that an object itself bears; '': none
  marked_by TEXT NOT NULL, -- the other markings that it names, sorted, one a line
  default_tlp TEXT NOT NULL, -- label of what comes unmarked; '': none
  party_row INTEGER NOT NULL, -- whom it came from; 0: nobody named
  UNIQUE (collection_row, type, spec_version, tlp, marked_by, default_tlp, party_row)
) STRICT;

CREATE TABLE collected (
  collection_row INTEGER NOT NULL,
  added INTEGER NOT NULL,
  object_row INTEGER NOT NULL,
  class_row INTEGER NOT NULL,
  batch_id INTEGER NOT NULL, -- the batch that put it here; 0: by hand
  -- Whether another version of the same id is, or was, here: only then must a page look at its siblings.
  versions INTEGER NOT NULL DEFAULT 0 CHECK (versions IN (0, 1)),
  PRIMARY KEY (collection_row, added)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX collected_object ON collected (object_row, collection_row);
CREATE INDEX collected_class ON collected (collection_row, class_row, added);
CREATE INDEX collected_batch ON collected (batch_id, collection_row);

-- Into which collections a batch was put: what another batch brought too stays when one of them is undone.
CREATE TABLE batch_collection (
  batch_id INTEGER NOT NULL,
  collection_row INTEGER NOT NULL REFERENCES collection (collection_row),
  default_tlp TEXT NOT NULL, -- label for what came unmarked; '': none
  PRIMARY KEY (batch_id, collection_row)
) STRICT, WITHOUT ROWID;

-- What became of each object of a POST.
CREATE TABLE status (
  status_id TEXT PRIMARY KEY, -- UUIDv4
  root_row INTEGER NOT NULL REFERENCES api_root (root_row),
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  at INTEGER NOT NULL, -- microseconds since 1970
  body BLOB NOT NULL -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX status_at ON status (at);

-- Every page that went out: to whom, by which decision.
CREATE TABLE page_sent (
  page_row INTEGER PRIMARY KEY AUTOINCREMENT,
  sent_at TEXT NOT NULL,
  party_row INTEGER, -- NULL: anybody
  token_row INTEGER,
  collection_row INTEGER NOT NULL REFERENCES collection (collection_row),
  kind TEXT NOT NULL CHECK (kind IN ('objects', 'object', 'manifest', 'versions')),
  first_added INTEGER NOT NULL,
  last_added INTEGER NOT NULL,
  objects INTEGER NOT NULL,
  policy TEXT NOT NULL, -- version of the policy that let them go
  sha256 BLOB NOT NULL -- of the bytes sent: bodies one after the other, or the records
) STRICT;
CREATE INDEX page_sent_party ON page_sent (party_row, page_row);

-- Rises with whatever may change a decision: a new class, a batch (with markings) completed or undone.
CREATE TABLE decided (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  generation INTEGER NOT NULL
) STRICT;
INSERT INTO decided (only, generation) VALUES (1, 0);

CREATE TRIGGER class_decided AFTER INSERT ON class
BEGIN
  UPDATE decided SET generation = generation + 1;
END;

CREATE TRIGGER batch_decided AFTER UPDATE OF state ON batch
BEGIN
  UPDATE decided SET generation = generation + 1;
END;

-- `match[version]` with a time, and no id beside it.
CREATE INDEX object_version ON object (version_key);
