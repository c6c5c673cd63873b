CREATE TABLE role (name TEXT PRIMARY KEY);
CREATE INDEX user_by_email ON user (email);
