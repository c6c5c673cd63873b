DROP TABLE history;
DROP TABLE member;
