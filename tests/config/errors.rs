//! An error has what caused it as its source, for those who print the chain or look into it.

use std::error::Error as _;
use std::time::Duration;

use multibind::{Bind, Config, Error, Harness};
use rstest::{fixture, rstest};

use crate::folder::Folder;

#[fixture]
fn db() -> Harness {
    let short = Duration::from_millis(20);
    let auth = Bind::memory().schema("CREATE TABLE user (name TEXT PRIMARY KEY)").busy_timeout(short);
    Harness::builder().bind("auth", auth.pool_size(1).pool_timeout(short)).start().unwrap()
}

#[rstest]
#[case::refused("INSERT INTO user (nam) VALUES ('ann')")]
#[case::not_understood("INSRT INTO user VALUES ('ann')")]
#[case::against_a_constraint("INSERT INTO user VALUES ('ann'), ('ann')")]
fn the_source_of_a_failed_statement_is_what_sqlite_said(db: Harness, #[case] sql: &str) {
    let error = db.session().execute(sql, []).unwrap_err();
    assert!(error.source().unwrap().is::<rusqlite::Error>(), "{error}");
}

#[rstest]
fn the_source_of_a_locked_bind_is_what_sqlite_said(db: Harness) {
    let (mut first, mut second) = (db.session(), db.session());
    first.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    let error = second.execute("INSERT INTO user VALUES ('bob')", []).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert!(error.source().unwrap().is::<rusqlite::Error>());
}

#[rstest]
fn the_source_of_an_empty_pool_is_what_the_pool_said(db: Harness) {
    // A loaded machine takes longer than the pool waits to open it.
    let _taken = db.pool("auth").unwrap().get_timeout(Duration::from_secs(100)).unwrap();
    let error = db.connection("auth").unwrap_err();
    assert!(error.source().unwrap().is::<r2d2::Error>());
}

#[rstest]
fn the_source_of_a_missing_file_is_what_the_system_said() {
    let error = Config::from_file("no/such/binds.toml").unwrap_err();
    let source = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
}

#[rstest]
fn an_error_of_the_crate_itself_has_no_source(db: Harness) {
    assert!(db.pool("audit").unwrap_err().source().is_none());
}

// What is not SQLite's SQL is told with what it is and what to do.

/// What a start says, with `[folder]` for where the folder happens to be.
fn said(folder: &Folder, bind: Bind) -> String {
    folder.refused(Harness::builder().bind("auth", bind).bind("db2", Bind::memory()).start())
}

/// What a schema in a file says.
fn said_of(sql: &'static str) -> String {
    let folder = Folder::with([("1_user.sql", sql)]);
    said(&folder, Bind::memory().schema_path(folder.file("1_user.sql")))
}

#[test]
fn a_schema_cannot_write_internal_tables_of_sqlite() {
    insta::assert_snapshot!(said_of("CREATE TABLE t (x);\nCREATE TABLE sqlite_sequence(name,seq);"), @"bind `auth`: the schema failed at [folder]/1_user.sql:2: object name reserved for internal use: sqlite_sequence: SQLite makes `sqlite_sequence` by itself, so take the statement out");
    insta::assert_snapshot!(said_of("CREATE TABLE sqlite_stat1(tbl,idx,stat)"), @"bind `auth`: the schema failed at [folder]/1_user.sql:1: object name reserved for internal use: sqlite_stat1: SQLite makes `sqlite_stat1` by itself, so take the statement out");
    insta::assert_snapshot!(said_of("CREATE TABLE t (x);\nDELETE FROM sqlite_sequence;"), @"bind `auth`: the schema failed at [folder]/1_user.sql:2: no such table: sqlite_sequence: SQLite makes it with the first table that has an `AUTOINCREMENT` column: run the statement after that, or take it out");
    let folder = Folder::with([("auth.sql", "INSERT INTO sqlite_sequence VALUES ('t', 9)")]);
    insta::assert_snapshot!(said(&folder, Bind::memory().schema("CREATE TABLE t (x)").data(folder.path())), @"[folder]/auth.sql:1 (bind `auth`): no such table: sqlite_sequence: SQLite makes it with the first table that has an `AUTOINCREMENT` column: run the statement after that, or take it out; nothing was loaded");
}

#[test]
fn a_foreign_key_into_another_bind_is_told_as_one() {
    insta::assert_snapshot!(said_of("CREATE TABLE t1 (\n  id INTEGER PRIMARY KEY,\n  t2_id INTEGER REFERENCES db2.t2(id)\n)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:3: near ".": syntax error: SQLite has no foreign key into another database, here `db2`. Give the table the bind key of its parent; or declare a reference in place of the foreign key, with `reference` or `[[references]]`; or leave `db2.` out, where the parent is in this bind"#);
    insta::assert_snapshot!(said_of("CREATE TABLE t1 (a, b, FOREIGN KEY (a) REFERENCES \"db2\".\"t2\" (id), FOREIGN KEY (b) REFERENCES db2.t3)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near ".": syntax error: SQLite has no foreign key into another database, here `"db2"`. Give the table the bind key of its parent; or declare a reference in place of the foreign key, with `reference` or `[[references]]`; or leave `"db2".` out, where the parent is in this bind"#);
    insta::assert_snapshot!(said_of("CREATE TABLE t1 (a);\nALTER TABLE t1 ADD COLUMN b REFERENCES [db2].t2 (id)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:2: near ".": syntax error: SQLite has no foreign key into another database, here `[db2]`. Give the table the bind key of its parent; or declare a reference in place of the foreign key, with `reference` or `[[references]]`; or leave `[db2].` out, where the parent is in this bind"#);
    insta::assert_snapshot!(said_of("CREATE TABLE t1 (a);\nCREATE INDEX i ON db2.t1 (a)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:2: near ".": syntax error: SQLite takes no name of a database here, so leave `db2.` out"#);
    insta::assert_snapshot!(said_of("CREATE TABLE db2.t1 (a)"), @"bind `auth`: the schema failed at [folder]/1_user.sql:1: unknown database db2: a schema makes the tables of its own bind alone, so leave `db2.` out");
}

#[test]
fn a_broken_deferred_foreign_key_is_reported_with_statement_and_row() {
    let folder = Folder::with([
        ("1_a.sql", "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (p_id INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED);"),
        ("2_b.sql", "INSERT INTO p VALUES (1);\nINSERT INTO c VALUES (1);\nINSERT INTO c VALUES (7);"),
        ("3_c.sql", "CREATE TABLE d (x);"),
    ]);
    insta::assert_snapshot!(said(&folder, Bind::memory().schema_path(folder.path())), @"bind `auth`: the schema failed at [folder]/2_b.sql:3: FOREIGN KEY constraint failed when it commits: the row of `c` with rowid 2 (p_id = 7) has no match in `p`");
    insta::assert_snapshot!(said_of("-- no-transaction\nBEGIN;\nCREATE TABLE p (a, b, PRIMARY KEY (a, b));\nCREATE TABLE c (a, b TEXT, FOREIGN KEY (a, b) REFERENCES p DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO c VALUES (1, 'x');\nCOMMIT;"), @"bind `auth`: the schema failed at [folder]/1_user.sql:5: FOREIGN KEY constraint failed when it commits: the row of `c` with rowid 1 (a = 1, b = 'x') has no match in `p`");
    // One that is mended later is none.
    let mended =
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p_id REFERENCES p DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO c VALUES (7); INSERT INTO p VALUES (7);";
    assert!(Harness::builder().bind("auth", Bind::memory().schema(mended)).start().is_ok());
}

#[test]
fn a_foreign_layout_is_named_in_the_error() {
    let folder = Folder::with([
        ("20240101000000_init/migration.sql", "CREATE TABLE \"User\" (id SERIAL)"),
        ("migration_lock.toml", "provider = \"postgresql\""),
    ]);
    insta::assert_snapshot!(said(&folder, Bind::memory().schema_path(folder.path())), @"bind `auth`: the schema failed at [folder]/migration_lock.toml: the migrations are written for `postgresql`, and SQLite does not read its SQL: give the bind a schema in SQLite's");
    let folder = Folder::with([("README.md", "# Data"), ("user.csv", "name\nann\n")]);
    insta::assert_snapshot!(said(&folder, Bind::memory().schema("CREATE TABLE user (name)").data(folder.path())), @"[folder]/README.md (bind `auth`): `.md` is no kind of data file: they are .csv, .json, .sql and .toml; move it out of the folder, or hide it with a dot in front of its name; nothing was loaded");
    insta::assert_snapshot!(said(&folder, Bind::memory().data(folder.file("README.md"))), @"[folder]/README.md (bind `auth`): `.md` is no kind of data file: they are .csv, .json, .sql and .toml; nothing was loaded");
}

#[test]
fn commands_of_a_shell_are_told_as_such() {
    insta::assert_snapshot!(said_of("CREATE TABLE t (x);\n.mode csv\n.import t.csv t\nCREATE TABLE u (x);"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:2: near ".": syntax error: `.mode csv` is a command of the shell sqlite3, so take it out"#);
    insta::assert_snapshot!(said_of("\\connect auth\nCREATE TABLE u (x);"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: unrecognized token: "\": `\connect auth` is a command of the shell psql, so take it out"#);
}

/// What a schema in a file says, which it says of a bind whose URL names a server too, with a sentence more.
fn told(sql: &'static str) -> String {
    let folder = Folder::with([("1_user.sql", sql)]);
    let of_memory = said(&folder, Bind::memory().schema_path(folder.path()));
    let of_server = Bind::url("postgresql://app:secret@db.example/app").schema_path(folder.path());
    let sentence = "; the URL of the bind names a server, and the bind's stand-in is SQLite, so its SQL is SQLite's";
    assert_eq!(said(&folder, of_server), format!("{of_memory}{sentence}"));
    of_memory
}

#[test]
fn defaults_of_a_server_are_told_as_such() {
    insta::assert_snapshot!(told("CREATE TABLE t (id INT, at TIMESTAMP DEFAULT now(), b INT DEFAULT now() NOT NULL)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "(": syntax error: SQLite reads a default that calls a function in parentheses only, and has no function `now`, so write `DEFAULT CURRENT_TIMESTAMP`"#);
    insta::assert_snapshot!(told("CREATE TABLE t (at DEFAULT datetime('now', '-1 day'))"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "(": syntax error: SQLite reads a default that calls a function in parentheses only, so write them around `datetime(…)`"#);
    insta::assert_snapshot!(told("CREATE TABLE t (id UUID DEFAULT gen_random_uuid() PRIMARY KEY)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "(": syntax error: SQLite reads a default that calls a function in parentheses only, and has no function `gen_random_uuid`, so leave the default out, or register the function with `on_connect` and write them around `gen_random_uuid(…)`"#);
    insta::assert_snapshot!(told("CREATE TABLE t (id INT DEFAULT nextval('t_id_seq') NOT NULL)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "(": syntax error: sequences are PostgreSQL's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"#);
    insta::assert_snapshot!(told("CREATE TABLE t (at TIMESTAMP DEFAULT CURRENT_TIMESTAMP())"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "(": syntax error: SQLite has `CURRENT_TIMESTAMP` without parentheses"#);
}

#[test]
fn columns_that_a_server_numbers_are_told_as_such() {
    insta::assert_snapshot!(told("CREATE TABLE t (id int NOT NULL AUTO_INCREMENT, PRIMARY KEY (id))"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "AUTO_INCREMENT": syntax error: it is MySQL's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"#);
    insta::assert_snapshot!(told("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT)"), @"bind `auth`: the schema failed at [folder]/1_user.sql:1: column `id` of table `t` has the type `INT AUTO_INCREMENT`, by which a server numbers its rows: to SQLite it is any name, and the column gets no value. Write `INTEGER PRIMARY KEY`, which counts by itself, or `NOT NULL` where the application gives the value");
    insta::assert_snapshot!(told("CREATE TABLE t (\n id BIGSERIAL PRIMARY KEY, name TEXT)"), @"bind `auth`: the schema failed at [folder]/1_user.sql:1: column `id` of table `t` has the type `BIGSERIAL`, by which a server numbers its rows: to SQLite it is any name, and the column gets no value. Write `INTEGER PRIMARY KEY`, which counts by itself, or `NOT NULL` where the application gives the value");
    insta::assert_snapshot!(told("CREATE TABLE t (x);\nALTER TABLE t ADD COLUMN id smallserial"), @"bind `auth`: the schema failed at [folder]/1_user.sql:2: column `id` of table `t` has the type `smallserial`, by which a server numbers its rows: to SQLite it is any name, and the column gets no value. Write `INTEGER PRIMARY KEY`, which counts by itself, or `NOT NULL` where the application gives the value");
    insta::assert_snapshot!(told("CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "IDENTITY": syntax error: `AS IDENTITY` is a server's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"#);
    insta::assert_snapshot!(told("CREATE TABLE t (id BIGINT GENERATED BY DEFAULT AS IDENTITY)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "AS": syntax error: `AS IDENTITY` is a server's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"#);
    insta::assert_snapshot!(told("CREATE TABLE t (id INT IDENTITY(1,1) PRIMARY KEY)"), @"bind `auth`: the schema failed at [folder]/1_user.sql:1: column `id` of table `t` has the type `INT IDENTITY(1,1)`, by which a server numbers its rows: to SQLite it is any name, and the column gets no value. Write `INTEGER PRIMARY KEY`, which counts by itself, or `NOT NULL` where the application gives the value");
}

#[test]
fn what_a_server_would_make_and_sqlite_does_not_is_an_error() {
    insta::assert_snapshot!(told("CREATE TABLE u (x);\nCREATE TABLE t (LIKE u);"), @"bind `auth`: the schema failed at [folder]/1_user.sql:2: column `LIKE` of table `t` has the type `u`, by which a server copies the columns of `u`: to SQLite it is a column like others. Write the columns of `u` out");
    insta::assert_snapshot!(told("CREATE TABLE t (x); -- see /*!50003 CREATE\n/*!40101 SET NAMES utf8 */;\n/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET NEW.x = 1 */;\nCREATE TABLE u (y)"), @"bind `auth`: the schema failed at [folder]/1_user.sql:3: `/*!50003 CREATE*/ …` is a comment to SQLite, which does nothing for it, and MySQL runs it: write what it makes as a statement of SQLite's, or take it out");
    insta::assert_snapshot!(told("/*!50001 CREATE VIEW v AS SELECT 1 */"), @"bind `auth`: the schema failed at [folder]/1_user.sql:1: `/*!50001 CREATE VIEW …` is a comment to SQLite, which does nothing for it, and MySQL runs it: write what it makes as a statement of SQLite's, or take it out");
}

#[rstest]
#[case::settings_of_a_dump("/*!40101 SET NAMES utf8 */;\nCREATE TABLE t (x);\n/*!40000 ALTER TABLE t DISABLE KEYS */;")]
#[case::a_note("-- /*!50003 CREATE TRIGGER */\nCREATE TABLE t (x); /* not /*!50003 CREATE */")]
#[case::a_text("CREATE TABLE t (x DEFAULT '/*!50003 CREATE TRIGGER */')")]
#[case::a_column_of_that_name("CREATE TABLE t (\"like\" TEXT, likes INTEGER)")]
fn what_only_looks_like_it_is_taken(#[case] schema: &str) {
    assert!(Harness::builder().bind("auth", Bind::memory().schema(schema)).start().is_ok());
}

#[test]
fn names_of_a_server_are_told_as_such() {
    insta::assert_snapshot!(told("CREATE TABLE post (title TEXT);\nCREATE INDEX i ON post (title(20))"), @"bind `auth`: the schema failed at [folder]/1_user.sql:2: no such function: title: `title` is a column, and an index of SQLite's has whole columns: write `title` without a length");
    insta::assert_snapshot!(told("CREATE TABLE post (title TEXT);\nCREATE INDEX i ON post (slug(title))"), @"bind `auth`: the schema failed at [folder]/1_user.sql:2: no such function: slug; if it is the application's, give it to the harness with `on_connect`");
    insta::assert_snapshot!(told("CREATE TABLE post (title TEXT COLLATE utf8mb4_bin);\nCREATE INDEX i ON post (title)"), @"bind `auth`: the schema failed at [folder]/1_user.sql:1: no such collation sequence: utf8mb4_bin: `utf8mb4_bin` is MySQL's: take `COLLATE utf8mb4_bin` out, or write `COLLATE NOCASE` in place of one that ends in `_ci`");
    insta::assert_snapshot!(told("CREATE TABLE post (title TEXT COLLATE nordic);\nCREATE INDEX i ON post (title)"), @"bind `auth`: the schema failed at [folder]/1_user.sql:1: no such collation sequence: nordic; if it is the application's, give it to the harness with `on_connect`");
}

#[test]
fn a_server_numbered_column_may_be_filled() {
    let folder = Folder::with([("1_user.sql", "CREATE TABLE \"User\" (\"id\" SERIAL NOT NULL PRIMARY KEY)")]);
    let start = |bind: Bind| Harness::builder().bind("auth", bind.schema_path(folder.path())).start();
    assert!(start(Bind::memory()).is_ok());
    insta::assert_snapshot!(folder.refused(start(Bind::url("postgresql://db.example/app"))), @"bind `auth`: the schema failed: column `id` of table `User` has the type `SERIAL`, by which a server numbers its rows: to SQLite it is any name, and the column gets no value. Write `INTEGER PRIMARY KEY`, which counts by itself; the URL of the bind names a server, and the bind's stand-in is SQLite, so its SQL is SQLite's");
}

#[test]
fn other_sql_of_a_server_is_told_as_such() {
    insta::assert_snapshot!(told("CREATE TABLE t (id INT) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "=": syntax error: the options of a table are MySQL's, so take out what follows the last parenthesis"#);
    insta::assert_snapshot!(told("CREATE TABLE t (id INT) DEFAULT CHARSET=utf8mb4"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "DEFAULT": syntax error: the options of a table are MySQL's, so take out what follows the last parenthesis"#);
    insta::assert_snapshot!(told("CREATE TABLE t (at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "ON": syntax error: `ON UPDATE CURRENT_TIMESTAMP` is MySQL's, so write a trigger"#);
    insta::assert_snapshot!(told("CREATE TABLE t (x TEXT DEFAULT 'a'::text)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: unrecognized token: ":": `::` is PostgreSQL's, and SQLite has `CAST(… AS …)`"#);
    insta::assert_snapshot!(told("CREATE EXTENSION \"uuid-ossp\""), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "EXTENSION": syntax error: it is PostgreSQL's: take it out"#);
    insta::assert_snapshot!(told("CREATE TYPE mood AS ENUM ('ok')"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "TYPE": syntax error: it is PostgreSQL's: write `TEXT` with a `CHECK`"#);
    insta::assert_snapshot!(told("CREATE SEQUENCE s"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "SEQUENCE": syntax error: it is PostgreSQL's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"#);
    insta::assert_snapshot!(told("SET search_path = public"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "SET": syntax error: it is a setting of a server: take it out, or write a pragma"#);
    insta::assert_snapshot!(told("CREATE TABLE t (x ENUM('a', 'b'))"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "'a'": syntax error: SQLite has no `ENUM`, so write `TEXT` with a `CHECK`"#);
    insta::assert_snapshot!(told("CREATE TABLE t (x INT, KEY `by_x` (`x`))"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "`x`": syntax error: in SQLite an index is not a part of its table, so write `CREATE INDEX` after it"#);
    insta::assert_snapshot!(told("CREATE TABLE t (x VARCHAR(9) CHARACTER SET utf8)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "CHARACTER": syntax error: the character set of a column is MySQL's: take it out"#);
    insta::assert_snapshot!(told("CREATE TABLE t (x);\nCREATE INDEX CONCURRENTLY i ON t (x)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:2: near "i": syntax error: `CONCURRENTLY` is PostgreSQL's, so take it out"#);
    insta::assert_snapshot!(told("CREATE TABLE t (x);\nTRUNCATE TABLE t"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:2: near "TRUNCATE": syntax error: SQLite has `DELETE FROM`"#);
    insta::assert_snapshot!(told("CREATE TABLE t (x);\nINSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE x = 2"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:2: near "DUPLICATE": syntax error: `ON DUPLICATE KEY` is MySQL's, and SQLite has `ON CONFLICT`"#);
    insta::assert_snapshot!(told("CREATE TABLE t (x);\nINSERT IGNORE INTO t VALUES (1)"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:2: near "IGNORE": syntax error: SQLite has `INSERT OR IGNORE`"#);
    insta::assert_snapshot!(told("START TRANSACTION"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "START": syntax error: SQLite has `BEGIN`"#);
    insta::assert_snapshot!(told("CREATE OR REPLACE VIEW v AS SELECT 1"), @r#"bind `auth`: the schema failed at [folder]/1_user.sql:1: near "OR": syntax error: SQLite replaces nothing as it creates, so write `DROP … IF EXISTS` before it"#);
}

/// Statements in the style of the schemas that servers and their tools write.
#[rstest]
#[case::a_list(
    "CREATE TABLE t (x TEXT DEFAULT ARRAY[]::TEXT[])",
    "lists are PostgreSQL's: write `TEXT`, with a list of JSON in it"
)]
#[case::unsigned("CREATE TABLE t (x DECIMAL(10, 2) UNSIGNED)", "it is MySQL's: take it out, or write a `CHECK`")]
#[case::bits("CREATE TABLE t (x BIT(1) DEFAULT b'0')", "`b'…'` is a server's: write the number")]
#[case::a_character_set(
    "CREATE TABLE t (x LONGTEXT CHARACTER SET utf8mb4)",
    "the character set of a column is MySQL's: take it out"
)]
#[case::a_sequence_that_is_cast(
    "CREATE TABLE t (x INT DEFAULT nextval('t_x_seq'::regclass))",
    "sequences are PostgreSQL's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"
)]
#[case::a_time_zone(
    "CREATE TABLE t (at TEXT DEFAULT (now() AT TIME ZONE 'utc'))",
    "`AT TIME ZONE` is PostgreSQL's: take it out"
)]
#[case::partitions(
    "CREATE TABLE t (x INT) PARTITION BY RANGE (x)",
    "partitions are a server's: take `PARTITION BY` and what follows it out"
)]
#[case::inherits("CREATE TABLE t (x INT) INHERITS (u)", "it is PostgreSQL's: take it out")]
#[case::an_exclusion(
    "CREATE TABLE t (x INT, EXCLUDE USING gist (x WITH =))",
    "it is PostgreSQL's: take `EXCLUDE` and what follows it out"
)]
#[case::a_copied_table("CREATE TABLE t (LIKE u INCLUDING ALL)", "SQLite copies no table's columns: write them out")]
#[case::a_copied_table_of_mysql("CREATE TABLE t LIKE u", "SQLite copies no table's columns: write them out")]
#[case::unlogged("CREATE UNLOGGED TABLE t (x INT)", "it is PostgreSQL's: take the word out")]
#[case::columns_beside_an_index(
    "CREATE INDEX i ON u (x) INCLUDE (y)",
    "`INCLUDE` is PostgreSQL's: take it out, or name its columns as others of the index"
)]
#[case::a_trigger_s_function(
    "CREATE TRIGGER t BEFORE UPDATE ON u FOR EACH ROW EXECUTE FUNCTION f()",
    "a trigger's function is PostgreSQL's: write what it does, between `BEGIN` and `END`"
)]
#[case::an_added_foreign_key(
    "ALTER TABLE u ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES u (x)",
    "SQLite adds no such constraint to a table and drops none: write the table as it is to be"
)]
#[case::a_column_that_may_be_there(
    "ALTER TABLE u ADD COLUMN IF NOT EXISTS z INT",
    "SQLite has no `IF NOT EXISTS` for a column: take it out"
)]
#[case::two_added_columns(
    "ALTER TABLE u ADD COLUMN z INT, ADD COLUMN a INT",
    "an `ALTER TABLE` of SQLite's does one thing: write a statement for each"
)]
#[case::a_column_s_place(
    "ALTER TABLE u ADD COLUMN z INT DEFAULT 0 AFTER x",
    "SQLite adds a column as the last one: take it out"
)]
#[case::a_changed_column(
    "ALTER TABLE u MODIFY COLUMN x TEXT",
    "SQLite changes no column of a table: write the table as it is to be"
)]
#[case::an_added_index(
    "ALTER TABLE u ADD INDEX by_x (x)",
    "in SQLite an index is not a part of its table: write `CREATE INDEX` or `DROP INDEX`"
)]
#[case::a_renamed_constraint("ALTER TABLE u RENAME CONSTRAINT a TO b", "SQLite renames no constraint: take it out")]
#[case::row_security("ALTER TABLE u ENABLE ROW LEVEL SECURITY", "it is PostgreSQL's: take it out")]
#[case::an_index_dropped_of_a_table("DROP INDEX i ON u", "SQLite drops an index by its name alone: take `ON …` out")]
#[case::a_renamed_table("RENAME TABLE u TO v", "SQLite has `ALTER TABLE … RENAME TO …`")]
#[case::a_set_config(
    "SELECT pg_catalog.set_config('search_path', '', false)",
    "it is a setting of PostgreSQL's: take it out"
)]
#[case::an_insert_that_sets(
    "INSERT INTO u SET x = 1",
    "`INSERT … SET` is MySQL's, and SQLite has `INSERT INTO … (…) VALUES (…)`"
)]
#[case::an_escaped_text(
    "INSERT INTO u (x) VALUES (E'a')",
    "`E'…'` is PostgreSQL's, and a backslash is a letter in SQLite's texts: write `'…'` with the letters themselves"
)]
#[case::an_escaped_quote(
    "INSERT INTO u (x) VALUES ('it\\'s')",
    "a backslash is a letter in SQLite's texts: write `''` for a quote in one"
)]
fn a_bare_syntax_error_is_explained(#[case] sql: &str, #[case] advice: &str) {
    let schema = format!("CREATE TABLE u (x INT, y INT); {sql}");
    let refused = Harness::builder().bind("auth", Bind::memory().schema(schema)).start().unwrap_err().to_string();
    assert!(refused.ends_with(&format!(" syntax error: {advice}")), "{refused}");
}

#[test]
fn server_types_of_a_migrator_are_reported() {
    let folder = Folder::with([("", ""); 0]);
    let bind = Bind::memory().schema_with(|conn| conn.execute_batch("CREATE TABLE t (id BIGSERIAL PRIMARY KEY)"));
    insta::assert_snapshot!(said(&folder, bind), @"bind `auth`: the schema failed: column `id` of table `t` has the type `BIGSERIAL`, by which a server numbers its rows: to SQLite it is any name, and the column gets no value. Write `INTEGER PRIMARY KEY`, which counts by itself, or `NOT NULL` where the application gives the value");
}

#[test]
fn data_in_the_sql_of_a_server_is_told_as_such() {
    let folder = Folder::with([("auth.sql", "INSERT INTO t VALUES (now());\nSET x = 1;")]);
    let bind = Bind::url("mysql://db.example/app").schema("CREATE TABLE t (x)").data(folder.path());
    insta::assert_snapshot!(said(&folder, bind), @"[folder]/auth.sql:1 (bind `auth`): no such function: now: SQLite has `CURRENT_TIMESTAMP`; the URL of the bind names a server, and the bind's stand-in is SQLite, so its SQL is SQLite's; nothing was loaded");
    let folder = Folder::with([("auth.sql", "INSERT INTO t VALUES (1);\nUNLOCK TABLES;")]);
    let bind = Bind::url("mysql://db.example/app").schema("CREATE TABLE t (x)").data(folder.path());
    insta::assert_snapshot!(said(&folder, bind), @r#"[folder]/auth.sql:2 (bind `auth`): near "UNLOCK": syntax error: it is a server's: take it out; the URL of the bind names a server, and the bind's stand-in is SQLite, so its SQL is SQLite's; nothing was loaded"#);
}

#[test]
fn a_column_may_be_called_as_a_server_s_type_is() {
    let schema =
        "CREATE TABLE product (serial TEXT, identity TEXT, \"auto_increment\" INT); CREATE VIEW serial AS SELECT 1";
    assert!(Harness::builder().bind("auth", Bind::memory().schema(schema)).start().is_ok());
}

#[rstest::rstest]
fn a_path_is_shown_without_the_folders_that_it_leaves_again() {
    let folder =
        crate::folder::Folder::with([("config/binds.toml", "[default]\nschema = '../schema/./x/../none.sql'")]);
    let started = multibind::Harness::from_file(folder.file("config/binds.toml"));
    let said = folder.refused(started);
    assert!(said.contains("[folder]/schema/none.sql"), "{said}");
    let started = multibind::Harness::from_file(folder.file("config/../config/./none.toml"));
    assert!(folder.refused(started).starts_with("cannot read the configuration `[folder]/config/none.toml`"));
}
