INSERT INTO role VALUES ('role 10');
