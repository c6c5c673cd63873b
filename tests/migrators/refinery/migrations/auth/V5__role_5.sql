INSERT INTO role VALUES ('role 5');
