INSERT INTO role VALUES ('role 7');
