-- What left without a drop goes into the ledger, too: pages that were read, and what was pushed. For that, which objects
-- they held is kept, and how far the ledger has come.

-- Objects that went out together, in their order: each list once, whoever got the same.
CREATE TABLE object_list (
  sha256 BLOB PRIMARY KEY, -- of `runs`
  runs BLOB NOT NULL, -- JSON: [[first, last], ...], both inclusive: numbers of objects
  -- Of the tree over them; NULL until the first page with them is entered.
  secret BLOB, -- 32 random bytes, of which the salts of its leaves are drawn
  root BLOB
) STRICT;

-- What it was: the objects themselves, something made of them (MISP, lists), their ids and versions alone.
-- NULL: from before this was kept; it has no leaf.
ALTER TABLE page_sent ADD COLUMN what TEXT CHECK (what IN ('objects', 'made', 'ids'));

-- Which objects: as in `object_list`, or there where they are many. Both NULL: too many to be kept.
ALTER TABLE page_sent ADD COLUMN runs BLOB;
ALTER TABLE page_sent ADD COLUMN list_sha256 BLOB;

-- Which of them a leaf of the ledger is about.
CREATE TABLE served (
  leaf_row INTEGER PRIMARY KEY REFERENCES ledger_leaf (leaf_row),
  source TEXT NOT NULL CHECK (source IN ('page', 'push')),
  first_row INTEGER NOT NULL, -- of `page_sent` or `channel_push`
  last_row INTEGER NOT NULL,
  secret BLOB NOT NULL -- 32 random bytes, of which the salts of its records are drawn
) STRICT;
CREATE UNIQUE INDEX served_source ON served (source, last_row);

-- The last row that was entered.
CREATE TABLE served_mark (
  source TEXT PRIMARY KEY CHECK (source IN ('page', 'push')),
  last_row INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO served_mark (source, last_row)
SELECT 'page', coalesce(max(page_row), 0) FROM page_sent
UNION ALL
SELECT 'push', coalesce(max(push_row), 0) FROM channel_push WHERE push_id IS NULL;
