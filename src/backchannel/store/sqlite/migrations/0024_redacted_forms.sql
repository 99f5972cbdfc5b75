-- As what objects went that went redacted, and to whom: a form has an id of its own, so what comes back about it names
-- nothing that is here. Only on what a party was given in that form its word counts; so each has rows of its own.

CREATE TABLE redacted_form (
  form_digest BLOB NOT NULL, -- SHA-256 of its JCS form, as it went
  party_row INTEGER NOT NULL REFERENCES party (party_row),
  object_digest BLOB NOT NULL, -- of what it was made of
  stix_id TEXT NOT NULL, -- of that
  form_id TEXT NOT NULL,
  form_version TEXT NOT NULL, -- '': it has none
  says_same INTEGER NOT NULL CHECK (says_same IN (0, 1)), -- whether what it claims is what the object claims
  at TEXT NOT NULL,
  PRIMARY KEY (form_digest, party_row, object_digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX redacted_form_stix_id ON redacted_form (stix_id);
CREATE INDEX redacted_form_object ON redacted_form (object_digest);
CREATE INDEX redacted_form_form_id ON redacted_form (form_id);

-- Of what is said of a form, and so of this object: the form's digest. NULL: the statement names the object itself.
ALTER TABLE statement_subject ADD COLUMN form BLOB;
