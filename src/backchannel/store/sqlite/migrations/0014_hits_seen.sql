-- When an indicator was last seen is the last entry of its part of this index, however often it was hunted for.

CREATE INDEX hit_seen ON hit (indicator, validity, last_seen, object_row);
DROP INDEX hit_indicator; -- the new one begins alike
