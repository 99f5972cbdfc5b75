-- What is made of a collection and kept (lists, feeds) is good for as long as nothing was added or decided anew:
-- what is taken out, or comes into another class, counts as decided anew.

CREATE TRIGGER collected_taken_out AFTER DELETE ON collected
BEGIN
  UPDATE decided SET generation = generation + 1;
END;

CREATE TRIGGER collected_reclassed AFTER UPDATE OF class_row ON collected
BEGIN
  UPDATE decided SET generation = generation + 1;
END;
