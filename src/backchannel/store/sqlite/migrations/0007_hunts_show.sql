-- Which kinds of observable the logs of a hunt showed at all, so that "not seen" is said of nothing else. A hunt
-- without rows here was made before that was noted: what its logs showed is not known.

CREATE TABLE hunt_shown (
  started_at TEXT NOT NULL, -- of the hunt, which has ended
  hunt_row INTEGER NOT NULL REFERENCES hunt (hunt_row),
  kind TEXT NOT NULL, -- as in logs/shown.py; '': whatever the logs held
  records INTEGER, -- of the logs that show it; NULL: those of a window, not counted
  first_at TEXT, -- times of the first and last record that could show it, if they have any
  last_at TEXT,
  PRIMARY KEY (started_at, hunt_row, kind)
) STRICT, WITHOUT ROWID;
