-- What was derived from what (relationships `derived-from`): how far a derived object may go depends on the others'
-- markings too, and is asked for each page, so it is found without reading relationships.

CREATE TABLE derivation (
  derived TEXT NOT NULL, -- id of the object
  origin TEXT NOT NULL, -- id of what it was derived from
  object_row INTEGER NOT NULL, -- the relationship that says so
  PRIMARY KEY (derived, origin, object_row)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO derivation (derived, origin, object_row)
SELECT json_extract(o.text, '$.source_ref'), json_extract(o.text, '$.target_ref'), o.object_row
FROM (
  SELECT CAST(body AS TEXT) AS text, object_row
  FROM object
  WHERE type = 'relationship' AND instr(body, CAST('derived-from' AS BLOB)) > 0
) AS o
WHERE json_valid(o.text)
  AND json_extract(o.text, '$.relationship_type') = 'derived-from'
  AND json_type(o.text, '$.source_ref') = 'text'
  AND json_type(o.text, '$.target_ref') = 'text';
