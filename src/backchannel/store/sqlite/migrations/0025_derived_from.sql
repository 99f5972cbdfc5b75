-- What was derived from an object, found by that object: a plan asks for the tear-line of what it withholds.

CREATE INDEX derivation_by_origin ON derivation (origin);
