-- What parties ask of one another: requests for information, ours and theirs. What is said in them, and what answers
-- them, stands in `statement`; here is what a new one is measured by. What a request of others was searched for in our
-- logs, once.

CREATE TABLE request (
  statement_row INTEGER PRIMARY KEY REFERENCES statement (statement_row),
  party_row INTEGER NOT NULL REFERENCES party (party_row), -- whom we asked, or who asks us
  is_own INTEGER NOT NULL CHECK (is_own IN (0, 1)),
  thread TEXT NOT NULL, -- of the question: whoever passes it on keeps it
  claim BLOB NOT NULL, -- what is asked, whatever its spelling
  asked_at TEXT NOT NULL,
  needed_by TEXT NOT NULL,
  closed_at TEXT -- when it was answered, declined or taken back; NULL: it may be open
) STRICT;
CREATE INDEX request_party ON request (party_row, is_own, asked_at);
CREATE INDEX request_thread ON request (thread);

CREATE TABLE hunt_run (
  statement_row INTEGER PRIMARY KEY REFERENCES statement (statement_row), -- the request
  at TEXT NOT NULL,
  plan TEXT NOT NULL, -- what a person approved
  found BLOB -- what is told of it; NULL: it was cut short, and is not run again
) STRICT;

-- Help that a party needs with what we sent (it declined, and said that it cannot read or use it), and a person says is done.
CREATE TABLE helped (
  digest BLOB PRIMARY KEY, -- of the receipt
  at TEXT NOT NULL,
  how TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What one party said of one kind: requests, answers, tallies.
CREATE INDEX statement_issuer ON statement (issuer, kind);
