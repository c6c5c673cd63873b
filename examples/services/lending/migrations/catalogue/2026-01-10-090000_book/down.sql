DROP TABLE history;
DROP TABLE loan;
DROP TABLE book;
