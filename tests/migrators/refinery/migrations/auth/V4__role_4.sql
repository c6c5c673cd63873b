INSERT INTO role VALUES ('role 4');
