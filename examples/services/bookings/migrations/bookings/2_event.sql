-- What the front desk has to do.
CREATE TABLE event (id INTEGER PRIMARY KEY, what TEXT NOT NULL);
