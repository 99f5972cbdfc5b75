-- Each push as a whole, however it ended, so that a channel can tell what was sent by it; and channels that rest.

CREATE TABLE push (
  push_id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel_row INTEGER NOT NULL,
  channel TEXT NOT NULL, -- its name: the record stays when the channel is removed
  title TEXT NOT NULL DEFAULT '', -- of the collection; empty where none was reached
  pushed_at TEXT NOT NULL,
  withheld TEXT NOT NULL, -- JSON: reason of the policy to the number of objects that it kept here
  error TEXT NOT NULL DEFAULT '' -- why sending ended before its end
) STRICT;
CREATE INDEX push_of_channel ON push (channel_row, push_id);

-- NULL: sent before pushes were kept as a whole.
ALTER TABLE channel_push ADD COLUMN push_id INTEGER;
CREATE INDEX channel_push_push ON channel_push (push_id, state);

-- Since when it is not polled by itself; NULL: it is.
ALTER TABLE channel ADD COLUMN paused_at TEXT;
-- A time means that a poll is wanted then, also of a channel that is polled by hand.
UPDATE channel SET due_at = NULL WHERE every_s = 0;
