INSERT INTO role VALUES ('role 9');
