-- How many lines of a hit fall on which day: {"2026-03-01": 12}. Empty for hits from before this was noted.

ALTER TABLE hit ADD COLUMN days TEXT NOT NULL DEFAULT '{}';
