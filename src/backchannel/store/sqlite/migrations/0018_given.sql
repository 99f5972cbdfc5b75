-- Receipts about what came without a drop: which objects a party was given is told from the pages that it read and from
-- what was pushed to it, not from a row for each object.

CREATE INDEX page_sent_range ON page_sent (collection_row, party_row, last_added);
CREATE INDEX statement_receipt ON statement (statement_row) WHERE kind = 'receipt' AND manifest IS NULL;
