INSERT INTO role VALUES ('role 6');
