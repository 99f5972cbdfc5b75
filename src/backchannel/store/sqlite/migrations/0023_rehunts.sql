-- A rehunt looks for what came since the last one where the day index says that it was seen. `through_arrival` is
-- the last arrival that was looked for in all that the index holds.

ALTER TABLE hunt ADD COLUMN mode TEXT NOT NULL DEFAULT 'hunt' CHECK (mode IN ('hunt', 'rehunt', 'watch'));
ALTER TABLE hunt ADD COLUMN through_arrival INTEGER;
CREATE INDEX hunt_through ON hunt (through_arrival) WHERE through_arrival IS NOT NULL;
