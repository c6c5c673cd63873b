-- Several copies of a book: of one that was lent, none is left.
ALTER TABLE book ADD COLUMN copies INTEGER NOT NULL DEFAULT 1 CHECK (copies >= 0);
UPDATE book SET copies = 0 WHERE lent;
ALTER TABLE book DROP COLUMN lent;
