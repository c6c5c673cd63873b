INSERT INTO role VALUES ('role 8');
