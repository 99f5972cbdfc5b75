-- A log that was renamed or packed is the log it was, and another one under the same name is another: hits are
-- told apart by how their log begins. Older rows keep their log's path for that.

ALTER TABLE hit ADD COLUMN log_id TEXT NOT NULL DEFAULT '';
UPDATE hit SET log_id = log_path;
