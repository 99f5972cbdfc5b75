-- What a drop says of its place on its line: by which name, and behind which. What came is compared with it without
-- opening manifests; what an undone batch brought stays, because it was signed all the same.

-- NULL: it came before this was kept, and is read from its manifest.
ALTER TABLE received_drop ADD COLUMN bundle TEXT;

-- Digest of the manifest before. NULL: it is the first, or not read yet.
ALTER TABLE received_drop ADD COLUMN prev BLOB;

CREATE INDEX received_drop_bundle ON received_drop (bundle);

CREATE INDEX received_drop_statement ON received_drop (statement_row);
